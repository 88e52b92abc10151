"""The errors of this package, and reasons that people read.

    SubscribersError
    ├── BadAddressError         an address that no mail can be sent to
    ├── BadCellError            one cell of an imported row
    ├── BadFileError            a file that is not CSV, or has a wrong header
    ├── LostSubscriptionsError  the history has no earlier newsletters
    ├── NaiveDatetimeError      a time without its zone
    ├── RefusedTransitionError  a change of consent that is not allowed
    └── UnknownSubscriberError  an address that is not on record
        └── ErasedSubscriberError   an address whose record was erased

Each error has its facts as attributes, and a text of one line. `BadRow` is a value and no
exception: bad rows are part of an import's result. Reasons are in English, with what is needed to
say them in another language. This package translates nothing: `publisher` does, by the templates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Final, Self

from sqlalchemy.exc import DontWrapMixin

from subscribers.model import ConsentSource, SubscriberStatus

# What differs between reasons of a kind: a quoted value, or a day.
_VALUE: Final = re.compile(r"'.*'|\".*\"|\d+(?:-\d+)*", re.DOTALL)
_QUOTED: Final = 200  # characters of a cell that a reason quotes
_ENGLISH: Final = "%(english)s"  # the template of a text that is in English only


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
    return RowReason("line %(line)s: %(reason)s", line=line, reason=reason)


def quoted(cell: str) -> str:
    """Return what a cell has in quotation marks, with signs that nobody sees escaped; a long one is cut off."""
    return repr(cell if len(cell) <= _QUOTED else f"{cell[:_QUOTED]}…")


def none_of(cell: str, known: Iterable[str]) -> RowReason:
    """Return the reason of a cell that has none of the words that are known."""
    return RowReason("%(cell)s is none of %(known)s", cell=quoted(cell), known=", ".join(known))


def joined_reasons(reasons: tuple[RowReason, ...]) -> RowReason:
    return reduce(
        lambda one, more: RowReason("%(first)s; %(then)s", first=one, then=more), reasons
    )


def _kind(value: str | int) -> str:
    if isinstance(value, RowReason):
        return value.kind
    return "…" if isinstance(value, int) or _VALUE.fullmatch(value) else value


class SubscribersError(Exception):
    """Any error that this package raises."""


class BadAddressError(SubscribersError):
    """`address` cannot be written to, for `reason`."""

    def __init__(self, address: str, reason: RowReason) -> None:
        text = RowReason(
            "%(address)s is no usable e-mail address: %(reason)s",
            address=quoted(address),
            reason=reason,
        )
        super().__init__(text)
        self.address = address
        self.reason = reason


class BadCellError(SubscribersError):
    """The cell below `column` cannot be used, for `reason`."""

    def __init__(self, column: str, reason: RowReason) -> None:
        super().__init__(in_column(column, reason))
        self.column = column
        self.reason = reason


class BadFileError(SubscribersError):
    """The file cannot be read as CSV from `line` (its physical line, from 1) on."""

    def __init__(self, line: int, reason: RowReason) -> None:
        super().__init__(in_line(line, reason))
        self.line = line
        self.reason = reason


class LostSubscriptionsError(SubscribersError):
    """The history does not say which newsletters the subscriber with `email` had."""

    def __init__(self, email: str) -> None:
        super().__init__(f"{email}: the history has no earlier newsletters; name one")
        self.email = email


class NaiveDatetimeError(DontWrapMixin, SubscribersError):
    """`value` has no time zone, so it is no instant.

    With the mixin SQLAlchemy does not wrap the error when a statement raises it.
    """

    def __init__(self, value: datetime) -> None:
        super().__init__(f"{value.isoformat()} has no time zone; an aware datetime is needed")
        self.value = value


class RefusedTransitionError(SubscribersError):
    """`source` may not change a status from `current` to `wanted`; `why` may say more."""

    def __init__(
        self,
        current: SubscriberStatus,
        wanted: SubscriberStatus,
        source: ConsentSource,
        why: str = "",
    ) -> None:
        reason = why or f"{source.subject} may not make it {wanted}"
        super().__init__(f"{current} stays {current}: {reason}")
        self.current = current
        self.wanted = wanted
        self.source = source


class UnknownSubscriberError(SubscribersError):
    """No subscriber has the address `email`."""

    def __init__(self, email: str) -> None:
        super().__init__(f"no subscriber has the address {email}")
        self.email = email


class ErasedSubscriberError(UnknownSubscriberError):
    """The subscriber with the address `email` was erased at `erased_at`."""

    def __init__(self, email: str, erased_at: datetime) -> None:
        SubscribersError.__init__(
            self, f"{email} was erased on {erased_at:%Y-%m-%d}: nothing of it is stored"
        )
        self.email = email
        self.erased_at = erased_at


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was left out: its first line, the column ("" for the whole row), and why."""

    line: int
    column: str
    reason: RowReason

    @property
    def text(self) -> RowReason:
        """The column, if it is one's, and why."""
        return in_column(self.column, self.reason) if self.column else self.reason

    def __str__(self) -> str:
        return in_line(self.line, self.text)
