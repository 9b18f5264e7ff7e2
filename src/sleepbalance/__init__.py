"""SleepBalance keeps every night that your wearables measured."""

__version__ = "0.1.0"
