"""PLAN: which occurrences have come, and what becomes of each that came late. Pure core, thin shell.

Nothing vanishes: every occurrence since the last turn becomes an issue or is skipped with a
reason. Planning goes on from where it stopped, never from now; a clock that is set back plans
nothing twice. Knows no article.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import islice

import structlog
from sqlalchemy import Connection

from publisher.config import Edition, Late, Settings
from publisher.database import Database
from publisher.issues import store
from publisher.recurrence import Occurrence, occurrences

log = structlog.get_logger()

# The service makes an issue within a minute, but some run single cycles every hour.
_LATE_AFTER = timedelta(minutes=65)
# After a year off, nobody wants hundreds of digests, whatever the settings say.
MAX_LATE_ISSUES = 10


@dataclass(frozen=True, slots=True)
class PlannedOccurrence:
    """What becomes of an occurrence: an issue, or skipped for a reason.

    `published_until` bounds an issue that others follow at once: each of several late ones
    takes what was published before its own hour, the last one everything else.
    """

    occurrence: Occurrence
    reason: str | None = None
    published_until: datetime | None = None


def apply_late_policy(
    edition: Edition, due: Sequence[Occurrence], now: datetime
) -> list[PlannedOccurrence]:
    """Apply an edition's late policy to the occurrences since the last turn, oldest first."""
    kept: list[Occurrence] = []
    verdicts: dict[Occurrence, str] = {}
    for occurrence in due:
        reason = _reason_to_skip(edition, occurrence, now)
        if reason:
            verdicts[occurrence] = reason
        else:
            kept.append(occurrence)
    bound = 1 if edition.late == Late.MERGE else MAX_LATE_ISSUES
    for occurrence in kept[:-bound]:
        last = kept[-1].day
        merged = edition.late == Late.MERGE
        verdicts[occurrence] = (
            f"merged into {last}" if merged else f"too many missed before {last}"
        )
    issued = [occurrence for occurrence in kept if occurrence not in verdicts]
    return [
        PlannedOccurrence(
            occurrence,
            verdicts.get(occurrence),
            occurrence.due_at if occurrence in issued[:-1] else None,
        )
        for occurrence in due
    ]


def _reason_to_skip(edition: Edition, occurrence: Occurrence, now: datetime) -> str | None:
    lateness = now - occurrence.due_at
    if occurrence.day in edition.skip_dates:
        return "one of the newsletter's skip_dates"
    if edition.late == Late.SKIP and lateness > _LATE_AFTER:
        return f"{format_span(lateness)} late, and late = skip"
    if edition.late == Late.SEND and lateness > edition.max_lateness:
        return f"{format_span(lateness)} late, more than max_lateness ({format_span(edition.max_lateness)})"
    return None


def format_span(span: timedelta) -> str:
    """Write a span for people: `3 days`, `5 hours`, `12 minutes`."""
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        count = int(span.total_seconds()) // size
        if count >= (2 if unit == "day" else 1):
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "less than a minute"


def plan_issues(settings: Settings, database: Database, now: datetime) -> int:
    """Turn the occurrences that have come into issues or skipped ones; gives how many came."""
    came = 0
    with database.writing() as connection:
        for edition in all_editions(settings):
            name, language = edition.newsletter, edition.language
            since = store.planned_until(connection, name, language) or planning_start(
                edition, now
            )
            due = list(occurrences(edition.schedule, edition.zone, since, now))
            for verdict in apply_late_policy(edition, due, now):
                came += _add(connection, edition, verdict)
            store.set_planned_until(connection, name, language, max(now, since))
    return came


def _add(connection: Connection, edition: Edition, verdict: PlannedOccurrence) -> bool:
    added = store.add_occurrence(
        connection,
        newsletter=edition.newsletter,
        language=edition.language,
        day=verdict.occurrence.day,
        due_at=verdict.occurrence.due_at,
        reason=verdict.reason,
        published_until=verdict.published_until,
    )
    if added:
        _tell(edition, verdict)
    return added


def _tell(edition: Edition, verdict: PlannedOccurrence) -> None:
    where = {"newsletter": edition.newsletter, "language": edition.language}
    day = verdict.occurrence.day.isoformat()
    if verdict.reason:
        log.warning("occurrence skipped", **where, day=day, reason=verdict.reason)
    else:
        log.info("issue scheduled", **where, day=day)


def planning_start(edition: Edition, now: datetime) -> datetime:
    """Say from when a new edition counts: the start of its day, so that today's may still go out."""
    today = now.astimezone(edition.zone).date()
    midnight = datetime.combine(today, time(), tzinfo=edition.zone)
    return midnight.astimezone(now.tzinfo) - timedelta(seconds=1)


def all_editions(settings: Settings) -> Iterator[Edition]:
    """Yield all editions, newsletter by newsletter."""
    for newsletter in settings.newsletters:
        yield from settings.editions(newsletter)


@dataclass(frozen=True, slots=True)
class UpcomingIssue:
    """A line of the plan."""

    edition: Edition
    occurrence: Occurrence

    @property
    def local(self) -> datetime:
        """The due instant on the edition's own clock."""
        return self.occurrence.due_at.astimezone(self.edition.zone)


# Far enough for a yearly newsletter to show its next issues.
PLANNING_HORIZON = timedelta(days=1500)
_PlannedUntil = Mapping[tuple[str, str], datetime]


def next_issues_of(
    edition: Edition, planned: _PlannedUntil, now: datetime, count: int
) -> list[UpcomingIssue]:
    """List an edition's next occurrences, the same dates that `plan` will find.

    `planned` says up to when each edition, by newsletter and language, is planned already.
    """
    start = planned.get((edition.newsletter, edition.language)) or planning_start(edition, now)
    found = occurrences(edition.schedule, edition.zone, start, now + PLANNING_HORIZON)
    ahead = (UpcomingIssue(edition, o) for o in found if o.day not in edition.skip_dates)
    return list(islice(ahead, count))


def upcoming_issues(
    settings: Settings, planned: _PlannedUntil, now: datetime, count: int
) -> list[UpcomingIssue]:
    """List what goes out next over all editions."""
    editions = all_editions(settings)
    lines = [
        line for edition in editions for line in next_issues_of(edition, planned, now, count)
    ]
    # Editions come in the order of the settings, and sorting keeps it where times are equal.
    return sorted(lines, key=lambda line: line.occurrence.due_at)[:count]
