"""Reasons that people read: in English, with what is needed to say them in another language.

This package translates nothing. `publisher` does, by the templates.
"""

from __future__ import annotations

import re
from functools import reduce
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterable

# What differs between reasons of a kind: a quoted value, or a day.
_VALUE: Final = re.compile(r"'.*'|\".*\"|\d+(?:-\d+)*", re.DOTALL)
# Characters of a cell that a reason quotes.
_QUOTED: Final = 200
# The template of a text that is in English only.
_ENGLISH: Final = "%(english)s"


class RowReason(str):
    """An English reason that knows its template and the values in it, which may be Reasons."""

    __slots__ = ("template", "values")

    template: str
    values: dict[str, str | int]

    def __new__(cls, template: str, **values: str | int) -> Self:
        """Make a reason; `%(name)s` in the template is a value.

        `tests/publisher/rendering/test_console_catalogues.py` finds templates by this name.
        """
        made = super().__new__(cls, template % values)
        made.template, made.values = template, values
        return made

    def __str__(self) -> str:
        """Return the reason itself, so that errors keep it."""
        return self

    @property
    def kind(self) -> RowReason:
        """The reason without its values, so that those of a kind can be counted."""
        return RowReason(
            self.template, **{name: _kind(one) for name, one in self.values.items()}
        )


def english(text: str) -> RowReason:
    """Return a text of another program, which is in English only."""
    return RowReason(_ENGLISH, english=text)


def in_column(column: str, reason: RowReason) -> RowReason:
    """Return a reason with the name of what it is about before it."""
    return RowReason("%(column)s: %(reason)s", column=column, reason=reason)


def in_line(line: int, reason: RowReason) -> RowReason:
    """Return a reason with the line of the file before it."""
    return RowReason("line %(line)s: %(reason)s", line=line, reason=reason)


def quoted(cell: str) -> str:
    """Return what a cell has in quotation marks, with signs that nobody sees escaped; a long one is cut off."""
    return repr(cell if len(cell) <= _QUOTED else f"{cell[:_QUOTED]}…")


def none_of(cell: str, known: Iterable[str]) -> RowReason:
    """Return the reason of a cell that has none of the words that are known."""
    return RowReason("%(cell)s is none of %(known)s", cell=quoted(cell), known=", ".join(known))


def joined_reasons(reasons: tuple[RowReason, ...]) -> RowReason:
    """Return one or more reasons as one."""
    return reduce(
        lambda one, more: RowReason("%(first)s; %(then)s", first=one, then=more), reasons
    )


def _kind(value: str | int) -> str:
    if isinstance(value, RowReason):
        return value.kind
    return "…" if isinstance(value, int) or _VALUE.fullmatch(value) else value
