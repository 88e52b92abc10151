"""Dotted names of settings, like `newsletter[weekly].title.en`. Pure.

A table in a list is named by its `name`, or by its number from 0, as in `delivery.dkim[0].key`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from publisher.config.toml_tables import ABSENT, SettingEditError

_NAME, _SELECTOR = r"[A-Za-z0-9_-]+", r"\[[^\[\]]+\]"
_KEY = re.compile(rf"{_NAME}(?:{_SELECTOR})?(?:\.{_NAME}(?:{_SELECTOR})?)*")
_PART = re.compile(rf"{_SELECTOR}|{_NAME}")


def changed_keys(old: Any, new: Any, prefix: str = "") -> Iterator[str]:
    """Yield the keys whose values differ between two TOML documents.

    A table that only one of them has is one key.
    """
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
    """Return the parts of a key: `newsletter[weekly].title` is `newsletter`, `[weekly]`, `title`.

    Raise SettingEditError for what is no key.
    """
    if not _KEY.fullmatch(key):
        remedy = "write one like newsletter[weekly].title.en"
        raise SettingEditError("is no name of a setting", remedy)
    return tuple(_PART.findall(key))
