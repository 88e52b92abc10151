"""How changed occurrences are printed, and those whose hour has passed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from publisher.cli.common import format_local, rfc3339_or_none

if TYPE_CHECKING:
    from publisher.app.occurrences import ChangedOccurrence
    from publisher.app.status import OverdueOccurrence, PublicationStatus

# After a break of weeks, `publisher calendar` lists all of them.
_OVERDUE_SHOWN = 5


def occurrence_line(one: ChangedOccurrence) -> str:
    """Return what was changed, in a line."""
    edition, change = one.edition, one.change
    name = f"{edition.newsletter}-{edition.language}-{change.day}"
    if change.skip_reason is not None:
        return f"{name} is skipped: {change.skip_reason}"
    local = one.occurrence.due_at.astimezone(edition.zone)
    return f"{name} is due {format_local(local)}, {one.occurrence.due_at:%a %Y-%m-%d %H:%M} UTC"


def occurrence_as_json(one: ChangedOccurrence) -> dict[str, object]:
    """Return what was changed as JSON."""
    return {
        "newsletter": one.edition.newsletter,
        "language": one.edition.language,
        "day": one.change.day.isoformat(),
        "utc": rfc3339_or_none(one.occurrence.due_at),
        "skipped": one.change.skip_reason,
        "revision": one.change.revision,
    }


def explain_overdue(facts: PublicationStatus) -> Iterator[str]:
    """Yield which issues should have been made, why they were not, and what to do."""
    yield from map(overdue_line, facts.overdue[:_OVERDUE_SHOWN])
    if (more := len(facts.overdue) - _OVERDUE_SHOWN) > 0:
        yield f"    and {more:,} more, which publisher calendar lists"
    if not facts.overdue:
        return
    last, due = facts.worked_at, facts.overdue[0].at
    if last is None or last < due:
        since = f"since {format_local(last)}" if last else "in this folder"
        yield f"    no cycle has run {since}: start publisher run, or look why it ended (its log)"
    else:
        yield "    the service works; see the problems below, and its log"


def overdue_line(one: OverdueOccurrence) -> str:
    """Return when an issue was due that no cycle has made, and what the next one does with it."""
    what = f"will be skipped: {one.reason}" if one.reason else "is not made yet"
    return f"{one.name} was due {format_local(one.at)} and {what}"
