"""Rows of a readers' list: from cells to readers and back, without a database.

Columns, in any order; only `email` must be there:

    email        the address
    name         as she writes it; white space is squeezed
    language     any tag for a language of the publication
    timezone     an IANA key, such as Europe/Berlin
    newsletters  names separated by spaces. `weekly` is an active subscription, `?weekly` one
                 that waits for her confirmation, `!weekly` one that she left
    status       pending, active, unsubscribed, bounced or complained

What a row leaves unsaid. A column that is absent, and an empty cell of `language` or `status`,
say nothing: a reader on record keeps what she has, a new one gets the publication's default
language, an active status and all known newsletters. An empty cell of `name`, `timezone` or
`newsletters` says "none". Somebody who unsubscribed or complained has no live subscription: what
her row lists is noted as left.

Which readers are on record, and what becomes of them, is not known here.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final
from zoneinfo import available_timezones

from subscribers.addresses import normalise_address
from subscribers.consent import WITHDRAWN_STATUSES
from subscribers.errors import BadAddressError, BadCellError, BadFileError, BadRow
from subscribers.model import Subscriber, SubscriberStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

CSV_COLUMNS: Final = ("email", "name", "language", "timezone", "newsletters", "status")

MAX_NAME_LENGTH: Final = 200
"""Characters of a name. Longer ones are pasted by mistake, and a mail header is no place for
them."""

_MARKS: Final = {
    SubscriberStatus.ACTIVE: "",
    SubscriberStatus.PENDING: "?",
    SubscriberStatus.UNSUBSCRIBED: "!",
}
_STATES: Final = {mark: state for state, mark in _MARKS.items() if mark}

# Empty cells of these say "as it is"; of the others, "none".
_SILENT_WHEN_EMPTY: Final = frozenset({"language", "status"})


@dataclass(frozen=True, slots=True)
class SubscriberRow:
    """A good row: the reader as she would be if new, and the columns that said something."""

    line: int
    reader: Subscriber
    said: frozenset[str]


_NOT_UNICODE: Final = "it is not UTF-8; save the file as CSV in UTF-8"


@dataclass(frozen=True, slots=True)
class _House:
    """What the publication writes in and sends out."""

    languages: Callable[[str], str | None]
    default_language: str
    newsletters: tuple[str, ...]


def parse_rows(
    rows: Iterable[tuple[int, Sequence[str]]],
    *,
    languages: Callable[[str], str | None],
    default_language: str,
    known_newsletters: Sequence[str],
) -> Iterator[SubscriberRow | BadRow]:
    """Yield a `Row` or a `BadRow` for each numbered row of cells after the header.

    `languages` maps any tag to the publication's own, None for a language that it has not.
    Raises `BadFileError` if there is no header or it is wrong.
    """
    house = _House(languages, default_language, tuple(known_newsletters))
    numbered = iter(rows)
    line, first = next(numbered, (1, None))
    if first is None:
        raise BadFileError(
            line, "the file is empty; it starts with a header such as email,name"
        )
    if not all(map(_is_unicode, first)):
        raise BadFileError(line, _NOT_UNICODE)
    header = _header(line, first)
    for at, cells in numbered:
        try:
            yield _row(at, _matched(header, cells), house)
        except BadCellError as error:
            yield BadRow(at, error.column, error.reason)


def subscriber_cells(reader: Subscriber) -> tuple[str, ...]:
    """Return the row that `parse` reads as this reader, in the order of `COLUMNS`."""
    wishes = (f"{_MARKS[state]}{name}" for name, state in reader.subscriptions.items())
    return (
        reader.address,
        reader.name,
        reader.language,
        reader.timezone or "",
        " ".join(wishes),
        reader.status,
    )


def _header(line: int, cells: Sequence[str]) -> tuple[str, ...]:
    names = tuple(cell.strip().casefold() for cell in cells)
    for name in names:
        if name not in CSV_COLUMNS:
            raise BadFileError(line, _unknown_column(name))
        if names.count(name) > 1:
            raise BadFileError(line, f"the column {name} is there twice")
    if "email" not in names:
        raise BadFileError(line, "there is no column email")
    return names


def _unknown_column(name: str) -> str:
    if any(other in name for other in ";\t|"):
        return f"{name!r} is one cell; columns are separated by commas"
    return f"unknown column {name!r}; the columns are {', '.join(CSV_COLUMNS)}"


def _matched(header: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    if len(cells) != len(header):
        raise BadCellError("", f"{len(cells)} cells below {len(header)} columns")
    for name, cell in zip(header, cells, strict=True):
        if not _is_unicode(cell):
            raise BadCellError(name, _NOT_UNICODE)
    return {name: cell.strip() for name, cell in zip(header, cells, strict=True)}


def _is_unicode(cell: str) -> bool:
    """Say if a cell came from UTF-8; other bytes were read as lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in cell)


def _row(line: int, cells: Mapping[str, str], house: _House) -> SubscriberRow:
    identity, address = _address(cells["email"])
    status = _status(cells.get("status", ""))
    alone = Subscriber(
        id=0,
        email=identity,
        address=address,
        name=_name(cells.get("name", "")),
        language=_language(cells.get("language", ""), house),
        timezone=_timezone(cells.get("timezone", "")),
        newsletters=(),
        status=status,
    )
    wishes = _wishes(cells.get("newsletters"), status, house.newsletters)
    said = {name for name, cell in cells.items() if cell or name not in _SILENT_WHEN_EMPTY}
    return SubscriberRow(line, alone.with_subscriptions(wishes), frozenset(said))


def _address(cell: str) -> tuple[str, str]:
    if not cell:
        raise BadCellError("email", "it is empty")
    try:
        return normalise_address(cell)
    except BadAddressError as error:
        raise BadCellError("email", error.reason) from error


def _name(cell: str) -> str:
    name = unicodedata.normalize("NFC", " ".join(cell.split()))
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in name):
        raise BadCellError("name", "it holds a control character")
    if len(name) > MAX_NAME_LENGTH:
        raise BadCellError(
            "name", f"it has {len(name)} characters; {MAX_NAME_LENGTH} are allowed"
        )
    return name


def _language(cell: str, house: _House) -> str:
    language = house.languages(cell) if cell else house.default_language
    if language is None:
        raise BadCellError("language", f"{cell!r} is no language of this publication")
    return language


def _timezone(cell: str) -> str | None:
    if not cell:
        return None
    zone = _zones().get(cell.casefold())
    if zone is None:
        raise BadCellError("timezone", f"{cell!r} is no IANA time zone such as Europe/Berlin")
    return zone


@cache
def _zones() -> dict[str, str]:
    return {zone.casefold(): zone for zone in available_timezones()}


def _status(cell: str) -> SubscriberStatus:
    try:
        return SubscriberStatus(cell.casefold() or SubscriberStatus.ACTIVE)
    except ValueError:
        raise BadCellError(
            "status", f"{cell!r} is none of {', '.join(SubscriberStatus)}"
        ) from None


def _wishes(
    cell: str | None, status: SubscriberStatus, known: Sequence[str]
) -> dict[str, SubscriberStatus]:
    if cell is None:
        return (
            {}
            if status in WITHDRAWN_STATUSES
            else dict.fromkeys(known, SubscriberStatus.ACTIVE)
        )
    wishes: dict[str, SubscriberStatus] = {}
    for token in cell.split():
        state = _STATES.get(token[0], SubscriberStatus.ACTIVE)
        name = token.removeprefix(_MARKS[state])
        if name not in known:
            raise BadCellError("newsletters", f"{name!r} is none of {', '.join(known)}")
        if wishes.setdefault(name, state) is not state:
            raise BadCellError("newsletters", f"{name} is listed in two ways")
    return (
        dict.fromkeys(wishes, SubscriberStatus.UNSUBSCRIBED)
        if status in WITHDRAWN_STATUSES
        else wishes
    )
