"""What can go wrong with readers' data.

    SubscribersError
    ├── BadAddressError         an address that no mail can be sent to
    ├── BadCellError            one cell of an imported row
    ├── BadFileError            a file that is not the CSV asked for
    ├── NaiveDatetimeError      a time without its zone
    ├── RefusedTransitionError  a change of consent that nobody may make
    └── UnknownSubscriberError  an address that is not on record

Each error carries its facts as attributes; its text is one line. `BadRow` is data and no
exception: a bad row is part of an import's result. This module does not know who catches them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.exc import DontWrapMixin

if TYPE_CHECKING:
    from datetime import datetime

    from subscribers.model import ConsentSource, SubscriberStatus


class SubscribersError(Exception):
    """Any error that this package raises itself."""


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
    """`value` has no zone, so it names no instant.

    The mixin lets it out of a statement as it is, without SQLAlchemy's wrapping.
    """

    def __init__(self, value: datetime) -> None:
        super().__init__(f"{value.isoformat()} has no time zone; an aware datetime is needed")
        self.value = value


class RefusedTransitionError(SubscribersError):
    """`cause` may not move a reader from `current` to `wanted`."""

    def __init__(
        self, current: SubscriberStatus, wanted: SubscriberStatus, cause: ConsentSource
    ) -> None:
        super().__init__(f"{current} stays {current}: {cause.told} may not make it {wanted}")
        self.current = current
        self.wanted = wanted
        self.cause = cause


class UnknownSubscriberError(SubscribersError):
    """Nobody on record has the address `email`."""

    def __init__(self, email: str) -> None:
        super().__init__(f"no subscriber has the address {email}")
        self.email = email


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was left out: its first physical line, the column ("" = the row), and why."""

    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.column + ': ' if self.column else ''}{self.reason}"
