"""How the calendar is printed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from publisher.cli.common import count_noun, format_local, make_table, rfc3339_or_none

if TYPE_CHECKING:
    from rich.table import Table

    from publisher.app.calendar import Calendar, CalendarEntry, ClockChange

_SHIFTS = {
    "gap": "the clocks skip this time: sent later",
    "fold": "the clocks repeat this time: sent the first time",
}


def calendar_table(calendar: Calendar) -> Table:
    """Return the entries as a table."""
    table = make_table("Newsletter", "Language", "Day", "Local time", "UTC", "State", "Note")
    for one in calendar.entries:
        table.add_row(
            one.newsletter,
            one.language,
            one.day.isoformat(),
            format_local(one.at),
            f"{one.due_at:%a %Y-%m-%d %H:%M}",
            one.state,
            "; ".join(_entry_notes(one)),
        )
    return table


def _entry_notes(one: CalendarEntry) -> Iterator[str]:
    if one.kind == "correction":
        yield "a correction"
    if one.is_overdue:
        yield "due already: the next cycle decides it"
    if one.reason:
        yield one.reason
    if one.scheduled_at and one.change:
        yield f"moved from {one.scheduled_at:%Y-%m-%d %H:%M} UTC by {one.change.actor}"
    if one.shifted:
        yield _SHIFTS[one.shifted]
    if one.local_time:
        yield "at each subscriber's local time; made at the time in UTC"
    if one.conflicts_with:
        yield f"within an hour of {', '.join(map(str, one.conflicts_with))}"


def calendar_notes(calendar: Calendar) -> Iterator[str]:
    """Yield lines about the days: changes of clocks, and changes without effect."""
    for one in calendar.clock_changes:
        yield f"{one.day}: the clocks of {one.timezone} change, {_offsets(one)}"
    for change in calendar.ignored:
        yield (
            f"{change.newsletter}-{change.language}-{change.day}: was changed by {change.actor}, and"
            " its schedule has no such day any more"
        )
    yield from _waiting_lines(calendar)


def _waiting_lines(calendar: Calendar) -> Iterator[str]:
    for one in calendar.waiting:
        what = f"waits until {one.until:%Y-%m-%d %H:%M} UTC" if one.until else "draft"
        title = f": {one.title}" if one.title else ""
        yield f"{what}: {one.source}: {one.file}{title}"
    if calendar.drafts_by_name:
        yield f"and {count_noun(calendar.drafts_by_name, 'draft')} that sites leave out by name"


def _offsets(one: ClockChange) -> str:
    return " to ".join(f"UTC{_signed(offset)}" for offset in (one.before, one.after))


def _signed(offset: timedelta) -> str:
    minutes = int(offset.total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02}:{rest:02}"


def calendar_as_json(calendar: Calendar) -> dict[str, object]:
    """Return the calendar as JSON."""
    return {
        "from": calendar.first.isoformat(),
        "until": calendar.last.isoformat(),
        "entries": [_entry_as_json(one) for one in calendar.entries],
        "clock_changes": [
            {
                "timezone": one.timezone,
                "day": one.day.isoformat(),
                "before": _signed(one.before),
                "after": _signed(one.after),
            }
            for one in calendar.clock_changes
        ],
        "ignored_changes": [
            {name: getattr(one, name) for name in ("newsletter", "language", "actor")}
            | {"day": one.day.isoformat()}
            for one in calendar.ignored
        ],
        "waiting": [
            {name: getattr(one, name) for name in ("source", "file", "title", "language")}
            | {"until": rfc3339_or_none(one.until)}
            for one in calendar.waiting
        ],
        "drafts_by_name": calendar.drafts_by_name,
    }


def _entry_as_json(one: CalendarEntry) -> dict[str, object]:
    return {
        "name": one.name,
        "kind": one.kind,
        "newsletter": one.newsletter,
        "language": one.language,
        "day": one.day.isoformat(),
        "local": one.at.isoformat(),
        "timezone": one.timezone,
        "utc": rfc3339_or_none(one.due_at),
        "state": one.state,
        "reason": one.reason,
        "reason_key": one.reason_key,
        "shifted": one.shifted,
        "local_time": one.local_time,
        "moved_from": rfc3339_or_none(one.scheduled_at),
        "changed_by": one.change.actor if one.change else None,
        "revision": one.change.revision if one.change else 0,
        "overdue": one.is_overdue,
        "conflicts_with": [day.isoformat() for day in one.conflicts_with],
    }
