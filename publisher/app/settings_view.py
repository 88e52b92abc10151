"""All settings as text, for people who read them. Secrets are shown as `***`. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from publisher.config.values import ConfigTable, Localised

if TYPE_CHECKING:
    from publisher.config import Settings

_TABLES = (
    *("publication", "delivery", "feeds", "web", "console"),
    *("joining", "mailbox", "feedback", "webhooks", "backup"),
)


def list_settings(settings: Settings) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the name of each table with its keys and values, as they count now."""
    named: list[tuple[str, Any]] = [
        *((name, getattr(settings, name, None)) for name in _TABLES),
        *((f"source[{one.name}]", one) for one in settings.sources),
        *((f"newsletter[{one.name}]", one) for one in settings.newsletters),
    ]
    return [
        (name, list(_lines(table))) for name, table in named if isinstance(table, ConfigTable)
    ]


def _lines(table: ConfigTable, prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, field in type(table).model_fields.items():
        if field.exclude:
            continue
        value, key = getattr(table, name), f"{prefix}{field.alias or name}"
        if isinstance(value, ConfigTable):
            yield from _lines(value, f"{key}.")
        elif isinstance(value, Mapping) and _are_tables(value.values()):
            for part, one in value.items():
                yield from _lines(one, f"{key}.{part}.")
        elif isinstance(value, list | tuple) and _are_tables(value):
            for number, one in enumerate(value):
                yield from _lines(one, f"{key}[{number}].")
        elif isinstance(value, Localised):
            yield key, " / ".join(value)
        elif value is not None:
            yield key, _text(value)


def _are_tables(values: Any) -> bool:
    return bool(values) and all(isinstance(one, ConfigTable) for one in values)


def _text(value: Any) -> str:
    if isinstance(value, SecretStr):
        return "***"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple | frozenset):
        return ", ".join(map(_text, value))
    return str(value)
