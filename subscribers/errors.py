"""The errors of this package.

    SubscribersError
    ├── BadAddressError         an address that no mail can be sent to
    ├── BadCellError            one cell of an imported row
    ├── BadFileError            a file that is not CSV, or has a wrong header
    ├── NaiveDatetimeError      a time without its zone
    ├── RefusedTransitionError  a change of consent that is not allowed
    └── UnknownSubscriberError  an address that is not on record

Each error has its facts as attributes, and a text of one line. `BadRow` is a value and no
exception: bad rows are part of an import's result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.exc import DontWrapMixin

if TYPE_CHECKING:
    from datetime import datetime

    from subscribers.model import ConsentSource, SubscriberStatus


class SubscribersError(Exception):
    """Any error that this package raises."""


class BadAddressError(SubscribersError):
    """`address` cannot be written to, for `reason`."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"{address!r} is no usable e-mail address: {reason}")
        self.address = address
        self.reason = reason


class BadCellError(SubscribersError):
    """The cell below `column` cannot be used, for `reason`."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(f"{column}: {reason}")
        self.column = column
        self.reason = reason


class BadFileError(SubscribersError):
    """The file cannot be read as CSV from `line` (its physical line, from 1) on."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


class NaiveDatetimeError(DontWrapMixin, SubscribersError):
    """`value` has no time zone, so it is no instant.

    With the mixin SQLAlchemy does not wrap the error when a statement raises it.
    """

    def __init__(self, value: datetime) -> None:
        super().__init__(f"{value.isoformat()} has no time zone; an aware datetime is needed")
        self.value = value


class RefusedTransitionError(SubscribersError):
    """`source` may not change a status from `current` to `wanted`."""

    def __init__(
        self, current: SubscriberStatus, wanted: SubscriberStatus, source: ConsentSource
    ) -> None:
        super().__init__(
            f"{current} stays {current}: {source.subject} may not make it {wanted}"
        )
        self.current = current
        self.wanted = wanted
        self.source = source


class UnknownSubscriberError(SubscribersError):
    """No subscriber has the address `email`."""

    def __init__(self, email: str) -> None:
        super().__init__(f"no subscriber has the address {email}")
        self.email = email


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was left out: its first line, the column ("" for the whole row), and why."""

    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.column + ': ' if self.column else ''}{self.reason}"
