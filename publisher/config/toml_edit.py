"""Change one value in a settings file; comments, order and layout of the rest stay. Pure.

The edited text must hold the same as plain values that are changed alike. tomlkit puts new keys of a table below the
comments that precede the next table; here these comments stay above that table. No other module imports tomlkit.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import date, time
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, InlineTable, Null, Table, Whitespace

from publisher.config.setting_keys import ABSENT, PlainTables, SettingEditError


def change_text(text: str, parts: Sequence[str], value: object) -> str:
    try:
        document = tomlkit.parse(text if text.endswith("\n") else f"{text}\n")
        _TextTables(document).change(document, parts, value)
        return tomlkit.dumps(document)
    except TOMLKitError as error:
        raise ValueError(str(error)) from error


class _TextTables(PlainTables):
    """Changes tomlkit's tables. Comments above a table stay above it."""

    def __init__(self, document: tomlkit.TOMLDocument) -> None:
        self._body = document.body

    def insert(self, parent: Any, place: str | int, value: Any) -> Any:
        item = _item(value, parent)
        if isinstance(parent, AoT):
            tail = _cut_tail(parent[-1])
            item.trivia.indent = "\n"
            parent.append(item)
            _last_body(item).extend(tail)
        elif isinstance(parent, list):
            parent.append(item)
        else:
            parent[place] = item
            _move_up(*_find(self._body, item))
        return item

    def replace(self, parent: Any, place: str | int, value: Any) -> None:
        old, item = parent[place], _item(value, parent)
        if isinstance(old, Table | AoT) != isinstance(item, Table | AoT):
            self.remove(parent, place)
            self.insert(parent, place, value)
            return
        tail = _cut_tail(old)
        parent[place] = item
        if isinstance(item, Table | AoT):
            _last_body(item).extend(tail)

    def remove(self, parent: Any, place: str | int) -> None:
        item = parent[place]
        tail = _cut_tail(item)
        body, index = _find(self._body, parent if isinstance(parent, AoT) else item)
        if tail and not body:
            raise ValueError("no place for comments: tomlkit returned a copy of the table")
        before = parent[place - 1] if isinstance(place, int) and place else None
        del parent[place]
        if isinstance(before, Table):
            _join(_last_body(before), tail)
        else:
            _put_before(body, index, tail)


def _item(value: Any, parent: Any) -> Any:
    """Return a value as an item for this table or list; tables in tables are written inline."""
    if isinstance(value, Mapping) and (
        isinstance(parent, tomlkit.TOMLDocument | AoT) or (not value and _is_table(parent))
    ):
        table = tomlkit.table()
        for key, inner in value.items():
            table.add(key, _item(inner, None))
        return table
    tables_only = isinstance(value, list) and all(isinstance(one, Mapping) for one in value)
    if value and tables_only and _is_table(parent):
        tables = tomlkit.aot()
        for one in value:
            tables.append(_item(one, tables))
        return tables
    if isinstance(value, Mapping):
        inline = tomlkit.inline_table()
        inline.update({key: _item(inner, None) for key, inner in value.items()})
        return inline
    return tomlkit.item(value)


def _is_table(parent: Any) -> bool:
    return isinstance(parent, dict) and not isinstance(parent, InlineTable)


def _cut_tail(item: Any) -> list[Any]:
    """Cut the end of a table, from a blank line on: its comments belong to what comes next."""
    if not _has_body(item):
        return []
    body = _last_body(item)
    tail = body[_tail(body, len(body)) :]
    del body[len(body) - len(tail) :]
    return tail


def _has_body(item: Any) -> bool:
    return isinstance(item, Table) or (isinstance(item, AoT) and len(item) > 0)


def _last_body(table: Table | AoT) -> list[Any]:
    body: list[Any] = (table[-1] if isinstance(table, AoT) else table).value.body
    if body and _has_body(body[-1][1]):
        return _last_body(body[-1][1])
    return body


def _tail(body: list[Any], end: int) -> int:
    """Return where the blank lines and comments before `end` begin, with a blank line."""
    start = end
    while start and body[start - 1][0] is None:
        start -= 1
    while start < end and not isinstance(body[start][1], Whitespace):
        start += 1
    return start


def _find(body: list[Any], item: Any) -> tuple[list[Any], int]:
    for number, (_key, one) in enumerate(body):
        if one is item:
            return body, number
        for table in one if isinstance(one, AoT) else [one]:
            if isinstance(table, Table) and (found := _find(table.value.body, item))[0]:
                return found
    return [], 0


def _move_up(body: list[Any], index: int) -> None:
    """Move a new item before the blank lines and comments that precede it."""
    if not body:
        return
    above = _tail(body, index)
    item = body[index][1]
    body.insert(above, body.pop(index))
    if isinstance(item, Table | AoT):
        (item[0] if isinstance(item, AoT) else item).trivia.indent = "\n"
        if above:
            _last_body(item).extend(_cut_tail(body[above - 1][1]))


def _put_before(body: list[Any], index: int, lines: list[Any]) -> None:
    while index and isinstance(body[index - 1][1], Null):
        index -= 1
    before: Any = body[index - 1][1] if index else None
    if _has_body(before):
        _join(_last_body(before), lines)
    else:
        body[index:index] = lines


def _join(body: list[Any], lines: list[Any]) -> None:
    is_double = bool(body and lines) and isinstance(body[-1][1], Whitespace)
    body.extend(lines[1:] if is_double and isinstance(lines[0][1], Whitespace) else lines)


_SURROGATES = re.compile(r"[\ud800-\udfff]")
_HARMS = "can't be changed without damage to the rest of the file"


def edit_toml(text: str, parts: Sequence[str], value: object) -> tuple[str, Any]:
    """Return the text with one value set, or removed if ABSENT, and the old one. Missing tables are added, empty lists removed."""
    value = value if value is ABSENT else _plain(value)
    before = tomllib.loads(text)
    expected = deepcopy(before)
    old = PlainTables().change(expected, parts, value)
    if _same(before, expected):
        return text, old
    try:
        edited = change_text(text, parts, value)
        done = _same(tomllib.loads(edited), expected)
    except ValueError:
        done = False
    if not done:
        raise SettingEditError(_HARMS, "edit the file by hand")
    return edited, old


def _plain(value: Any) -> Any:
    """Return a value in the types that tomllib returns; raise SettingEditError if TOML has none."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [*map(_plain, value)]
    if isinstance(value, str):
        if _SURROGATES.search(value):
            raise SettingEditError(
                f"{value!r:.60} has a lone surrogate", "use whole characters"
            )
        return str(value)  # an enumeration's text
    if isinstance(value, int | float | date | time):
        return value
    problem = f"{value!r:.60} is no value of TOML"
    raise SettingEditError(problem, "use text, a number, a date or a list")


def _same(one: Any, other: Any) -> bool:
    """Return whether values and types are equal: 1, 1.0 and true are not."""
    return bool(one == other) and repr(_sorted(one)) == repr(_sorted(other))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return [(key, _sorted(value[key])) for key in sorted(value)]
    return [*map(_sorted, value)] if isinstance(value, list) else value
