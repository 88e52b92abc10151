"""`make settings`: write keys, values and defaults of docs/reference/settings.md. Its sentences stay."""

import json
import re
from collections.abc import Iterator
from datetime import date, time, timedelta
from enum import EnumType, StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import AwareDatetime

from publisher.config.newsletters import Newsletter
from publisher.config.publication import PublicationFile
from publisher.config.sources import SOURCE_KINDS, PolledSourceSettings, SourceSettings
from publisher.config.values import ConfigTable, Localised, Mailbox

PAGE = Path(__file__).resolve().parents[1] / "docs/reference/settings.md"
# The keys of a newsletter have no defaults of their own: its editions resolve them.
_NEWSLETTER = Newsletter.model_validate({"name": "x", "title": "X", "schedule": "0 8 * * *"})
_EDITION = _NEWSLETTER.in_language("en", "UTC")
_TYPES = {bool: "`true`, `false`", int: "number", float: "number", date: "date"}
_TYPES |= {time: '`"HH:MM"`', Mailbox: "mail address", Localised: "text, or one by language"}
_TYPES |= {AwareDatetime: "time", timedelta: '`"15m"`, `"24h"`, `"7d"`'}


def _described(kind: Any) -> str:
    origin, args = get_origin(kind), [one for one in get_args(kind) if one is not type(None)]
    if origin is Literal or isinstance(kind, EnumType):
        return ", ".join(f"`{json.dumps(one)}`" for one in args or kind)
    if origin is tuple:
        return f"list: {_described(args[0])}"
    if origin in {Annotated, None}:
        return _described(args[0]) if args else _TYPES.get(kind, "text")
    if origin is dict:
        return "table"
    return " or ".join(dict.fromkeys(map(_described, args)))


def _duration_text(value: timedelta) -> str:
    minutes = int(value.total_seconds()) // 60
    return f"{minutes}m" if minutes else "0"


def _default(key: str, field: Any, model: type[ConfigTable], kept: str) -> str:
    if field.is_required():
        return (
            "the path"
            if (model, key) == (SOURCE_KINDS["folder"].settings, "name")
            else "the address"
            if key == "name" and issubclass(model, PolledSourceSettings)
            else "required"
        )
    value = field.default
    if value is None and model is Newsletter:
        value = getattr(_EDITION, key, None)
        value = value if isinstance(value, int | StrEnum) else None
    value = value.isoformat("minutes") if isinstance(value, time) else value
    value = _duration_text(value) if isinstance(value, timedelta) else value
    shown = isinstance(value, bool | int | float | str | tuple) and value not in {"", ()}
    return f"`{json.dumps(value)}`" if shown else kept


def _table_in(kind: Any) -> type[ConfigTable] | None:
    if isinstance(kind, type) and issubclass(kind, ConfigTable):
        return SOURCE_KINDS["folder"].settings if kind is SourceSettings else kind
    inside = get_args(kind) if get_origin(kind) is not dict else ()
    return next(filter(None, map(_table_in, inside)), None)


def tables(model: type[ConfigTable], name: str) -> Iterator[tuple[str, type[ConfigTable]]]:
    """Yield the headers of the tables in a table, as in publication.toml, and their models."""
    for key, kind in model.keys().items():
        if table := _table_in(kind):
            yield (f"[[{name}{key}]]" if "tuple[" in str(kind) else f"[{name}{key}]"), table
            yield from tables(table, f"{name}{key}.")
            if key == "source":
                others = (one for one in SOURCE_KINDS.items() if one[0] != "folder")
                yield from ((f"[[source]] kind {word}", one.settings) for word, one in others)


def _rows(model: type[ConfigTable], section: str) -> str:
    cells = re.findall(r"(?m)^\| `(\w+)` \|.*\| (.*) \| (.*) \|$", section)
    kept = {key: (default, meaning) for key, default, meaning in cells}
    rows = ""
    fields = {one.alias or name: one for name, one in model.model_fields.items()}
    for key, field in sorted(fields.items(), key=lambda one: not one[1].is_required()):
        if field.exclude or _table_in(field.annotation):
            continue
        default, meaning = kept.get(key, ("", ""))
        bound = {type(one).__name__.lower(): one for one in field.metadata}
        low, high = (getattr(bound.get(name), name, None) for name in ("ge", "le"))
        span = f" {low} to {high}" if None not in {low, high} else ""
        default = _default(key, field, model, default)
        rows += f"| `{key}` | {_described(field.annotation)}{span} | {default} | {meaning} |\n"
    return rows and f"\n| key | value | default | meaning |\n|---|---|---|---|\n{rows}"


def settings_page(text: str) -> str:
    """Return the page with a table below the heading of each model. Meanings of new keys are empty."""
    for header, model in tables(PublicationFile, ""):
        before, _, rest = text.partition(f"\n## `{header}`\n")
        section, *after = re.split(r"(?=\n## )", rest, maxsplit=1)
        prose = re.sub(r"(?m)^\|.*\n", "", section).strip("\n")
        prose = f"\n{prose}\n" if prose else ""
        text = f"{before}\n## `{header}`\n{prose}{_rows(model, section)}{''.join(after)}"
    return text


if __name__ == "__main__":
    PAGE.write_text(settings_page(PAGE.read_text("utf-8")), "utf-8")
