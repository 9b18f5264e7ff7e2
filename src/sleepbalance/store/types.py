"""How instants, dates and JSON are stored: the same values, spelled as each database likes."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
from sqlalchemy import Date, DateTime, Dialect, Text
from sqlalchemy.types import TypeDecorator, TypeEngine


class Instant(TypeDecorator[dt.datetime]):
    """An instant: TEXT `YYYY-MM-DD HH:MM:SS` in UTC on SQLite, TIMESTAMPTZ on PostgreSQL."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        sqlite = dialect.name == "sqlite"
        return dialect.type_descriptor(Text() if sqlite else DateTime(timezone=True))

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is not dt.UTC:
            value = value.astimezone(dt.UTC)
        if dialect.name == "sqlite":
            return value.isoformat(" ", "seconds")[:19]
        return value.replace(microsecond=0)

    def process_result_value(self, value: Any, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        if isinstance(value, str):
            return dt.datetime.fromisoformat(f"{value[:19]}+00:00")
        return value.astimezone(dt.UTC)  # type: ignore[no-any-return]


class Day(TypeDecorator[dt.date]):
    """A calendar date: TEXT `YYYY-MM-DD` on SQLite, DATE on PostgreSQL."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else Date())

    def process_bind_param(self, value: dt.date | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "sqlite":
            return value
        return value.isoformat()

    def process_result_value(self, value: Any, dialect: Dialect) -> dt.date | None:
        return dt.date.fromisoformat(value[:10]) if isinstance(value, str) else value


class Json(TypeDecorator[Any]):
    """A JSON value as TEXT on both databases, so that what is stored is what is compared."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else msgspec.json.encode(value, order="sorted").decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else msgspec.json.decode(value)
