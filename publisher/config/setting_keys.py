"""Dotted names of settings, like `newsletter[weekly].title.en`, and the values that they name. Pure.

A table in a list is named by its `name`, or by its number from 0, as in `delivery.dkim[0].key`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

# Takes the place of a value that is to be removed, or that was not there.
ABSENT: Final = object()


class SettingEditError(ValueError):
    """A setting can't be changed like this: the problem, and the remedy."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}; {remedy}")
        self.problem = problem
        self.remedy = remedy


class PlainTables:
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
                raise _no_such(parent if part.startswith("[") else [])
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
        if isinstance(parent, list):
            parent.append(value)
        else:
            parent[place] = value
        return value

    def replace(self, parent: Any, place: str | int, value: Any) -> None:
        parent[place] = value

    def remove(self, parent: Any, place: str | int) -> None:
        del parent[place]


def _place(parent: Any, part: str) -> str | int:
    """Return the key in a table, or the number in a list; the number after the last for a new one."""
    if not part.startswith("["):
        if not isinstance(parent, dict):
            problem = f"is below {parent!r:.60}, which is no table"
            raise SettingEditError(problem, "set that value instead")
        return part
    if not isinstance(parent, list):
        raise SettingEditError("is no list of tables", "leave out what is in brackets")
    wanted = part[1:-1]
    names = [one.get("name") if isinstance(one, dict) else None for one in parent]
    if wanted in names:
        return names.index(wanted)
    if wanted.isdecimal() and int(wanted) > len(parent):
        raise _no_such(parent)
    return int(wanted) if wanted.isdecimal() else len(parent)


def _has(parent: Any, place: str | int) -> bool:
    return place < len(parent) if isinstance(place, int) else place in parent


def _no_such(found: Sequence[Any]) -> SettingEditError:
    tables = [one if isinstance(one, dict) else {} for one in found]
    names = ", ".join(str(one.get("name", number)) for number, one in enumerate(tables))
    return SettingEditError(
        "there is no such table", f"there are {names}" if names else "add it"
    )


def _named(value: Any, part: str) -> Any:
    wanted = part[1:-1]
    if not part.startswith("[") or wanted.isdecimal() or not isinstance(value, Mapping):
        return value
    if value.get("name", wanted) != wanted:
        problem = f"the table is named {value['name']!r}"
        raise SettingEditError(problem, "use one name in both places")
    return {"name": wanted, **value}


_NAME, _SELECTOR = r"[A-Za-z0-9_-]+", r"\[[^\[\]]+\]"
_KEY = re.compile(rf"{_NAME}(?:{_SELECTOR})?(?:\.{_NAME}(?:{_SELECTOR})?)*")
_PART = re.compile(rf"{_SELECTOR}|{_NAME}")


def changed_keys(old: Any, new: Any, prefix: str = "") -> Iterator[str]:
    """Yield the keys whose values differ in two TOML documents. A table that only one of them has is one key."""
    if old == new:
        return
    before, after = _parts(old), _parts(new)
    if before is None or after is None:
        yield prefix
        return
    for key in dict.fromkeys((*before, *after)):
        name = f"{prefix}{key}" if key.startswith("[") or not prefix else f"{prefix}.{key}"
        yield from changed_keys(before.get(key, ABSENT), after.get(key, ABSENT), name)


def _parts(value: Any) -> Mapping[str, Any] | None:
    """Return the values in a table or in a list of tables, by their part of the key."""
    if isinstance(value, dict):
        return value
    if value and isinstance(value, list) and all(isinstance(one, dict) for one in value):
        return {f"[{one.get('name', number)}]": one for number, one in enumerate(value)}
    return None


def split_key(key: str) -> tuple[str, ...]:
    """Return the parts of a key: `a[b].c` is `a`, `[b]`, `c`. Raise SettingEditError for what is no key."""
    if not _KEY.fullmatch(key):
        remedy = "write one like newsletter[weekly].title.en"
        raise SettingEditError("is no name of a setting", remedy)
    return tuple(_PART.findall(key))
