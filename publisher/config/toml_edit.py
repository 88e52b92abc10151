"""Change one value in a settings file. Pure.

Each change is made in the text and in plain values, and the edited text must hold the same.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import date, time
from typing import Any

from publisher.config.toml_tables import ABSENT, PlainTables, SettingEditError
from publisher.config.toml_text import change_text

_SURROGATES = re.compile(r"[\ud800-\udfff]")
_HARMS = "can't be changed without damage to the rest of the file"


def edit_toml(text: str, parts: Sequence[str], value: object) -> tuple[str, Any]:
    """Return the text with one value set, or removed if it is ABSENT; and the old value.

    Missing tables are added; a list of tables that becomes empty is removed. `text` is valid TOML
    with line feeds, `parts` are those of `split_key`. Raise SettingEditError if there is
    no such place.
    """
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
