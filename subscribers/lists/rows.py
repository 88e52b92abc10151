"""Rows of a list of subscribers: from cells to values and back. Pure.

Columns, in any order; only `email` is required:

    email        the address
    name         the display name; white space is collapsed
    language     any tag for a language of the publication
    timezone     an IANA key, such as Europe/Berlin
    newsletters  names separated by spaces. `weekly` is an active subscription, `?weekly` one
                 that waits for confirmation, `!weekly` one that the subscriber left
    status       pending, active, unsubscribed, bounced or complained

    consented    when the subscriber agreed, as in 2026-01-09T12:00:00Z
    network      from which network or address; only the /24 or /48 is kept

`subscribers.lists.columns` reads columns of other programs' exports as these, also those that
say whether somebody gets mail; others are ignored.

Values that are not given: a column that is absent, or an empty cell of `language` or `status`, changes nothing of a
subscriber on record. A new one gets the publication's default language, the status active and all known newsletters. An
empty cell of `name`, `timezone` or `newsletters` means "none". Somebody who unsubscribed or complained has no active
subscription: the newsletters in such a row count as left.
"""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Final
from zoneinfo import available_timezones

from subscribers import errors
from subscribers.addresses import normalise_address
from subscribers.consent import WITHDRAWN_STATUSES
from subscribers.fields import SubscriberField, merge_fields
from subscribers.lists import columns as list_columns
from subscribers.model import Subscriber, SubscriberStatus

MAX_NAME_LENGTH: Final = 200
"""Characters of a name at most. A longer one was pasted by mistake, and goes into mail headers."""

_JOINERS: Final = "\u200c\u200d\u200e\u200f\u061c"
"""Invisible characters that names need. Others could hide or turn around what stands beside a name."""

_MARKS: Final = {
    SubscriberStatus.ACTIVE: "",
    SubscriberStatus.PENDING: "?",
    SubscriberStatus.UNSUBSCRIBED: "!",
}
_STATES: Final = {mark: state for state, mark in _MARKS.items() if mark}

# Empty cells of these columns count as not given; of the others they mean "none".
_NOT_GIVEN_IF_EMPTY: Final = frozenset({"language", "status"})


@dataclass(frozen=True, slots=True)
class SubscriberRow:
    """A good row: the values of a new subscriber, and the columns that were given.

    `consented_at` is when she agreed, as far as the list says it, and `network` from where.
    `stated_by` is the column that tells her status, empty if none does.
    """

    line: int
    subscriber: Subscriber
    given: frozenset[str]
    consented_at: datetime | None = None
    network: str = ""
    stated_by: str = ""
    # Cells of the publication's own fields; an empty one removes the value.
    fields: Mapping[str, str] = field(default_factory=dict)


_NOT_UNICODE: Final = errors.RowReason("it is not UTF-8; save the file as CSV in UTF-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPublication:
    """The languages, newsletters and fields that a list is for; `languages` returns the publication's for any tag, or None."""

    languages: Callable[[str], str | None]
    default_language: str
    newsletters: Sequence[str]
    fields: Sequence[SubscriberField] = ()


def parse_rows(
    rows: Iterable[tuple[int, Sequence[str]]], publication: ListPublication
) -> Iterator[SubscriberRow | errors.BadRow]:
    """Yield each row after the header, a `SubscriberRow` or a `BadRow`. Raise `BadFileError` for a bad header."""
    numbered = iter(rows)
    line, first = next(numbered, (1, []))
    if not all(map(_is_unicode, first)):
        raise errors.BadFileError(line, _NOT_UNICODE)
    names = [one.name for one in publication.fields]
    plan = list_columns.plan_columns(line, first, names)
    for at, cells in numbered:
        try:
            yield _row(at, _matched(plan, cells), publication)
        except errors.BadCellError as error:
            yield errors.BadRow(at, error.column, error.reason)


def subscriber_cells(person: Subscriber, fields: Sequence[str] = ()) -> tuple[str, ...]:
    """Return a subscriber as cells in the order of `OWN_COLUMNS` and `fields`; `parse_rows` reads them back."""
    newsletters = (f"{_MARKS[state]}{name}" for name, state in person.subscriptions.items())
    return (
        person.address,
        person.name,
        person.language,
        person.timezone or "",
        " ".join(newsletters),
        person.status,
        *(person.fields.get(name, "") for name in fields),
    )


def _matched(plan: list_columns.ColumnPlan, cells: Sequence[str]) -> dict[str, str]:
    if len(cells) != len(plan.header):
        found, columns = len(cells), len(plan.header)
        raise errors.BadCellError(
            "",
            errors.RowReason(
                "%(cells)s cells below %(columns)s columns", cells=found, columns=columns
            ),
        )
    for name, cell in zip(plan.header, cells, strict=True):
        if not _is_unicode(cell):
            raise errors.BadCellError(name, _NOT_UNICODE)
    return plan.own_cells(cells)


def _is_unicode(cell: str) -> bool:
    """Return whether a cell was UTF-8; other bytes were read as lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in cell)


def _row(line: int, cells: Mapping[str, str], publication: ListPublication) -> SubscriberRow:
    identity, address = _address(cells["email"])
    status = _status(cells.get("status", ""))
    own = {one.name: list_columns.FIELD_ROLE + one.name for one in publication.fields}
    fields = {
        one.name: one.read(cells[own[one.name]])
        for one in publication.fields
        if own[one.name] in cells
    }
    new = Subscriber(
        id=0,
        email=identity,
        address=address,
        name=_name(cells.get("name", "")),
        language=_language(cells.get("language", ""), publication),
        timezone=_timezone(cells.get("timezone", "")),
        newsletters=(),
        status=status,
        fields=merge_fields({}, fields),
    )
    subscriptions = _subscriptions(cells.get("newsletters"), status, publication.newsletters)
    given = {name for name, cell in cells.items() if cell or name not in _NOT_GIVEN_IF_EMPTY}
    return SubscriberRow(
        line,
        new.with_subscriptions(subscriptions),
        frozenset(given & {*list_columns.OWN_COLUMNS}),
        _consented_at(cells.get("consented", "")),
        list_columns.shorten_network(cells.get("network", "")),
        cells.get("by", ""),
        fields,
    )


def _consented_at(cell: str) -> datetime | None:
    found = list_columns.parse_consent_time(cell) if cell else None
    if cell and found is None:
        reason = errors.RowReason(
            "%(cell)s is no time such as 2026-01-09 12:00:00", cell=errors.quoted(cell)
        )
        raise errors.BadCellError("consented", reason)
    return found


def _address(cell: str) -> tuple[str, str]:
    if not cell:
        raise errors.BadCellError("email", errors.RowReason("it is empty"))
    try:
        return normalise_address(cell)
    except errors.BadAddressError as error:
        raise errors.BadCellError("email", error.reason) from error


def _name(cell: str) -> str:
    shown = "".join(one for one in cell if unicodedata.category(one) != "Cf" or one in _JOINERS)
    name = unicodedata.normalize("NFC", " ".join(shown.split()))
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in name):
        raise errors.BadCellError("name", errors.RowReason("it holds a control character"))
    if len(name) > MAX_NAME_LENGTH:
        reason = errors.RowReason(
            "it has %(length)s characters; %(most)s are allowed",
            length=len(name),
            most=MAX_NAME_LENGTH,
        )
        raise errors.BadCellError("name", reason)
    return name


def _language(cell: str, publication: ListPublication) -> str:
    language = publication.languages(cell) if cell else publication.default_language
    if language is None:
        reason = errors.RowReason(
            "%(cell)s is no language of this publication", cell=errors.quoted(cell)
        )
        raise errors.BadCellError("language", reason)
    return language


def _timezone(cell: str) -> str | None:
    if not cell:
        return None
    zone = _zones().get(cell.casefold())
    if zone is None:
        reason = errors.RowReason(
            "%(cell)s is no IANA time zone such as Europe/Berlin", cell=errors.quoted(cell)
        )
        raise errors.BadCellError("timezone", reason)
    return zone


@cache
def _zones() -> dict[str, str]:
    return {zone.casefold(): zone for zone in available_timezones()}


def _status(cell: str) -> SubscriberStatus:
    try:
        return SubscriberStatus(cell.casefold() or SubscriberStatus.ACTIVE)
    except ValueError:
        raise errors.BadCellError("status", errors.none_of(cell, SubscriberStatus)) from None


def _subscriptions(
    cell: str | None, status: SubscriberStatus, known: Sequence[str]
) -> dict[str, SubscriberStatus]:
    is_withdrawn = status in WITHDRAWN_STATUSES
    if cell is None:
        return {} if is_withdrawn else dict.fromkeys(known, SubscriberStatus.ACTIVE)
    states: dict[str, SubscriberStatus] = {}
    for token in cell.split():
        state = _STATES.get(token[0], SubscriberStatus.ACTIVE)
        name = token.removeprefix(_MARKS[state])
        series, dot, _cadence = name.rpartition(".")
        if dot and series in known:
            reason = errors.RowReason(
                "%(name)s is a digest, which the subscriber chooses; write %(series)s",
                name=errors.quoted(name),
                series=errors.quoted(series),
            )
            raise errors.BadCellError("newsletters", reason)
        if name not in known:
            raise errors.BadCellError("newsletters", errors.none_of(name, known))
        if states.setdefault(name, state) is not state:
            raise errors.BadCellError(
                "newsletters", errors.RowReason("%(name)s is listed in two ways", name=name)
            )
    return dict.fromkeys(states, SubscriberStatus.UNSUBSCRIBED) if is_withdrawn else states
