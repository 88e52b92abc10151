"""The calendar as a file for other programs (iCalendar, RFC 5545), at an address of each account.

Times are instants in UTC, so that no rules of time zones are in it. An event keeps its UID when its
issue is moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from publisher.accounts.actor import account_actor
from publisher.accounts.feed_tokens import feed_token, read_feed_token, renew_feed_tokens
from publisher.accounts.model import Permission
from publisher.app.calendar import NOT_SENT, PLANNED, CalendarEntry, read_calendar
from publisher.errors import AccountError
from publisher.messages import message

if TYPE_CHECKING:
    from publisher.accounts.actor import Actor
    from publisher.app.editing_state import EditingState
    from publisher.config import Publication, Settings

_PURPOSE = "calendar"
_BEFORE, _AHEAD = timedelta(days=31), timedelta(days=366)
# RFC 5545 section 3.1: octets of a line, without its end.
_MOST_OCTETS = 75


def calendar_token(state: EditingState, actor: Actor) -> str:
    """Return the token in the address of the actor's calendar. The terminal has none."""
    with state.database.reading() as connection:
        return feed_token(connection, state.secret, _PURPOSE, _account_id(actor))


def renew_private_addresses(state: EditingState, actor: Actor) -> None:
    """Give the private feeds of the actor's account other addresses."""
    number = _account_id(actor)
    with state.changing(actor, "renew private addresses", actor.name) as change:
        renew_feed_tokens(change.connection, number)


def _account_id(actor: Actor) -> int:
    if actor.account_id is None or actor.key is not None:
        raise AccountError(
            message(
                "%(name)s: only somebody with an account has private addresses", name=actor.name
            )
        )
    return actor.account_id


def calendar_of_token(state: EditingState, token: str) -> bytes | None:
    """Return the file for whoever has a token; None if nobody has it, or not the permission."""
    with state.database.reading() as connection:
        account = read_feed_token(connection, state.secret, _PURPOSE, token)
    if account is None or not account_actor(account, "").permits(Permission.VIEW):
        return None
    today = state.clock.now().astimezone(state.settings.zone()).date()
    return write_calendar(state, today - _BEFORE, today + _AHEAD)


def write_calendar(state: EditingState, first: date, last: date) -> bytes:
    """Return the calendar of a range of days as a file."""
    entries = read_calendar(state, first, last).entries
    lines = _file_lines(state.settings, entries)
    return b"".join(fold_line(line) for line in lines)


def _file_lines(settings: Settings, entries: Iterable[CalendarEntry]) -> Iterator[str]:
    publication = settings.publication
    yield "BEGIN:VCALENDAR"
    yield "VERSION:2.0"
    yield "PRODID:-//publisher//calendar//EN"
    yield f"NAME:{_text(publication.title(publication.default_language))}"
    yield f"X-WR-CALNAME:{_text(publication.title(publication.default_language))}"
    yield "REFRESH-INTERVAL;VALUE=DURATION:PT1H"
    for entry in entries:
        yield from _event_lines(settings, entry)
    yield "END:VCALENDAR"


def _event_lines(settings: Settings, entry: CalendarEntry) -> Iterator[str]:
    change, publication = entry.change, settings.publication
    yield "BEGIN:VEVENT"
    yield f"UID:{entry.name}@{publication.host}"
    yield f"SEQUENCE:{change.revision if change else 0}"
    yield f"DTSTAMP:{_instant(change.changed_at if change else _beginning(publication))}"
    yield f"DTSTART:{_instant(entry.at)}"
    yield "DURATION:PT15M"
    yield f"SUMMARY:{_text(_title(settings, entry))}"
    if entry.reason:
        yield f"DESCRIPTION:{_text(entry.reason)}"
    yield f"CATEGORIES:{_text(entry.newsletter)},{entry.language}"
    yield f"STATUS:{_status(entry)}"
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _title(settings: Settings, entry: CalendarEntry) -> str:
    edition = settings.edition(entry.newsletter, entry.language)
    title = edition.title(entry.language) if edition else entry.newsletter
    return f"{title} ({entry.language})"


def _status(entry: CalendarEntry) -> str:
    if entry.state in NOT_SENT:
        return "CANCELLED"
    return "TENTATIVE" if entry.state == PLANNED else "CONFIRMED"


def _beginning(publication: Publication) -> datetime:
    return datetime(publication.since, 1, 1, tzinfo=UTC)


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(value: str) -> str:
    """Return a value of the type TEXT (RFC 5545 section 3.3.11), in one line."""
    escaped = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return " ".join(escaped.split())


def fold_line(line: str) -> bytes:
    """Return a line with its end, in parts of at most 75 octets; no character is cut."""
    parts: list[bytes] = []
    part = b""
    for character in line:
        octets = character.encode()
        # Each part but the first begins with a space.
        if len(part) + len(octets) > _MOST_OCTETS - bool(parts):
            parts.append(part)
            part = b""
        part += octets
    return b"\r\n ".join((*parts, part)) + b"\r\n"
