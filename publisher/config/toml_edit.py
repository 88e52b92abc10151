"""Change one value in the text of a TOML file; comments, order and layout of the rest stay. Pure.

The only module that imports tomlkit. Each edit is also made in plain values, and the edited text
must hold the same.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import date, time
from typing import Any, Final

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, InlineTable, Null, Table, Whitespace

# Takes the place of a value that is to be removed, or that was not there.
ABSENT: Final = object()

_SURROGATES = re.compile("[\ud800-\udfff]")
_BY_HAND = "can't be changed here without harm to the rest; edit the file by hand"


def edit_toml(text: str, parts: Sequence[str], value: object) -> tuple[str, Any]:
    """Return the text with one value set, or removed if it is ABSENT; and the old value.

    Missing tables are added; a list of tables that becomes empty is removed. `text` is valid TOML
    with line feeds, `parts` are those of `split_key`. Raise ValueError, `problem; remedy`, if
    there is no such place.
    """
    value = value if value is ABSENT else _plain(value)
    before = tomllib.loads(text)
    expected = deepcopy(before)
    old = _PlainTables().change(expected, parts, value)
    if _same(before, expected):
        return text, old
    try:
        document = tomlkit.parse(text if text.endswith("\n") else f"{text}\n")
        _TextTables(document).change(document, parts, value)
        edited = tomlkit.dumps(document)
        done = _same(tomllib.loads(edited), expected)
    except (TOMLKitError, ValueError):  # tomlkit raises both
        done = False
    if not done:
        raise ValueError(_BY_HAND)
    return edited, old


def _plain(value: Any) -> Any:
    """Return a value in the types that tomllib gives; raise ValueError for one that TOML lacks."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [*map(_plain, value)]
    if isinstance(value, str):
        if _SURROGATES.search(value):
            raise ValueError(f"{value!r:.60} has half a character; give whole ones")
        return str(value)  # an enumeration's text
    if isinstance(value, int | float | date | time):
        return value
    raise ValueError(
        f"{value!r:.60} is no value of TOML; give text, a number, a date or a list"
    )


def _same(one: Any, other: Any) -> bool:
    """Return whether values and types are equal: 1, 1.0 and true are not."""
    return bool(one == other) and repr(_sorted(one)) == repr(_sorted(other))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return [(key, _sorted(value[key])) for key in sorted(value)]
    return [*map(_sorted, value)] if isinstance(value, list) else value


class _PlainTables:
    """Changes dicts and lists."""

    def change(self, document: Any, parts: Sequence[str], value: object) -> Any:
        """Set a value, or remove it if the new one is ABSENT; return the old one, or ABSENT."""
        parent, last = document, len(parts) - 1
        for number, part in enumerate(parts[:-1]):
            place = _place(parent, part)
            if _has(parent, place):
                parent = parent[place]
                continue
            if value is ABSENT:
                return ABSENT
            begins_list = parts[number + 1].startswith("[")
            if part.startswith("[") or (begins_list and number + 1 < last):
                raise ValueError(_no_such(parent if part.startswith("[") else []))
            if begins_list:
                self.insert(parent, place, [_named(value, parts[-1])])
                return ABSENT
            parent = self.insert(parent, place, {})
        return self._change_at(document, parent, parts, value)

    def _change_at(self, document: Any, parent: Any, parts: Sequence[str], value: Any) -> Any:
        place = _place(parent, parts[-1])
        if not _has(parent, place):
            if value is not ABSENT:
                self.insert(parent, place, _named(value, parts[-1]))
            return ABSENT
        old = parent[place]
        if value is not ABSENT:
            self.replace(parent, place, value)
            return old
        self.remove(parent, place)
        if isinstance(parent, list) and not parent:
            self.change(document, parts[:-1], ABSENT)
        return old

    def insert(self, parent: Any, place: str | int, value: Any) -> Any:
        """Put a value where there is none, and return it."""
        if isinstance(parent, list):
            parent.append(value)
        else:
            parent[place] = value
        return value

    def replace(self, parent: Any, place: str | int, value: Any) -> None:
        """Put a value in the place of another."""
        parent[place] = value

    def remove(self, parent: Any, place: str | int) -> None:
        """Remove a value."""
        del parent[place]


class _TextTables(_PlainTables):
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
            raise ValueError("no place for comments: tomlkit gave a copy of the table")
        before = parent[place - 1] if isinstance(place, int) and place else None
        del parent[place]
        if isinstance(before, Table):
            _join(_last_body(before), tail)
        else:
            _put_before(body, index, tail)


def _place(parent: Any, part: str) -> str | int:
    """Return the key in a table, or the number in a list; the number after the last for a new one."""
    if not part.startswith("["):
        if not isinstance(parent, dict):
            raise ValueError(
                f"is below {parent!r:.60}, which is no table; set that value instead"
            )
        return part
    if not isinstance(parent, list):
        raise ValueError("is no list of tables; leave out what is in brackets")  # noqa: TRY004  # of a text
    wanted = part[1:-1]
    names = [one.get("name") if isinstance(one, dict) else None for one in parent]
    if wanted in names:
        return names.index(wanted)
    return min(int(wanted), len(parent)) if wanted.isdecimal() else len(parent)


def _has(parent: Any, place: str | int) -> bool:
    return place < len(parent) if isinstance(place, int) else place in parent


def _no_such(tables: Sequence[Any]) -> str:
    names = ", ".join(str(one.get("name", number)) for number, one in enumerate(tables))
    return (
        f"there is no such table; there are {names}"
        if names
        else "there is no such table; add it"
    )


def _named(value: Any, part: str) -> Any:
    """Return a new table of a list with the name that the key has."""
    wanted = part[1:-1]
    if not part.startswith("[") or wanted.isdecimal() or not isinstance(value, Mapping):
        return value
    if value.get("name", wanted) != wanted:
        raise ValueError(f"the table is named {value['name']!r}; use one name in both places")
    return {"name": wanted, **value}


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
    """Return whether tables with a heading can stand in this one."""
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
    """Return the body that holds an item, and its number there; an empty body if none does."""
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
    """Put blank lines and comments before an item, at the end of what precedes it."""
    while index and isinstance(body[index - 1][1], Null):
        index -= 1
    before: Any = body[index - 1][1] if index else None
    if _has_body(before):
        _join(_last_body(before), lines)
    else:
        body[index:index] = lines


def _join(body: list[Any], lines: list[Any]) -> None:
    """Add blank lines and comments at the end of a table; of two blank lines one is enough."""
    is_double = bool(body and lines) and isinstance(body[-1][1], Whitespace)
    body.extend(lines[1:] if is_double and isinstance(lines[0][1], Whitespace) else lines)
