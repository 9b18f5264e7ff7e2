"""The database: the only package that speaks to one."""
