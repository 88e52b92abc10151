"""PLAN: turn the occurrences that have come into issues, and decide about late ones.

Every occurrence since the last run becomes an issue or is skipped with a reason. Planning
continues from where it stopped, not from now. A clock that is set back plans nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from heapq import merge
from itertools import islice

import structlog
from sqlalchemy import Connection

from publisher.config import Edition, LatePolicy, Settings
from publisher.database import Database
from publisher.issues import store
from publisher.issues.model import IssueReason
from publisher.recurrence import Occurrence, occurrences

log = structlog.get_logger()

# `late = skip` skips issues later than this. The service makes an issue within a minute, but some
# people run single cycles from cron every hour.
_LATE_AFTER = timedelta(minutes=65)
# Issues that one run makes of an edition at most: after a year off, hundreds would be too many.
MAX_LATE_ISSUES = 10


@dataclass(frozen=True, slots=True)
class PlannedOccurrence:
    """An occurrence that becomes an issue or, with a `reason`, is skipped.

    Of several late issues each takes the articles published before its own hour,
    `published_until`. The last one has no such bound.
    """

    occurrence: Occurrence
    reason: str | None = None
    published_until: datetime | None = None
    reason_key: IssueReason | None = None


def apply_late_policy(
    edition: Edition, due: Sequence[Occurrence], now: datetime
) -> list[PlannedOccurrence]:
    """Apply an edition's late policy to the occurrences since the last run, oldest first."""
    reasons = {one: reason for one in due if (reason := _reason_to_skip(edition, one, now))}
    kept = [occurrence for occurrence in due if occurrence not in reasons]
    merges = edition.late == LatePolicy.MERGE
    limit = 1 if merges else MAX_LATE_ISSUES
    for occurrence in kept[:-limit]:
        last = kept[-1].day
        reasons[occurrence] = (
            (IssueReason.MERGED, f"merged into {last}")
            if merges
            else (IssueReason.TOO_MANY_MISSED, f"too many missed before {last}")
        )
    bounded = kept[-limit:-1]
    planned = []
    for one in due:
        key, text = reasons.get(one, (None, None))
        until = one.due_at if one in bounded else None
        planned.append(PlannedOccurrence(one, text, until, key))
    return planned


def _reason_to_skip(
    edition: Edition, occurrence: Occurrence, now: datetime
) -> tuple[IssueReason, str] | None:
    lateness = now - occurrence.due_at
    if occurrence.day in edition.skip_dates:
        return IssueReason.SKIP_DATE, "one of the newsletter's skip_dates"
    if edition.late == LatePolicy.SKIP and lateness > _LATE_AFTER:
        return IssueReason.LATE, f"{format_span(lateness)} late, and late = skip"
    if edition.late == LatePolicy.SEND and lateness > edition.max_lateness:
        most = format_span(edition.max_lateness)
        return (
            IssueReason.LATE,
            f"{format_span(lateness)} late, more than max_lateness ({most})",
        )
    return None


def format_span(span: timedelta) -> str:
    """Return a span in one unit: `3 days`, `5 hours`, `12 minutes`."""
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        count = int(span.total_seconds()) // size
        if count >= (2 if unit == "day" else 1):
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "less than a minute"


def plan_issues(settings: Settings, database: Database, now: datetime) -> int:
    """Store the occurrences that have come as issues or skipped ones. Return how many are new."""
    came = 0
    with database.writing() as connection:
        for edition in all_editions(settings):
            name, language = edition.newsletter, edition.language
            since = store.planned_until(connection, name, language) or planning_start(
                edition, now
            )
            due = list(occurrences(edition.schedule, edition.zone, since, now))
            for planned in apply_late_policy(edition, due, now):
                came += _add(connection, edition, planned)
            store.set_planned_until(connection, name, language, max(now, since))
    return came


def _add(connection: Connection, edition: Edition, planned: PlannedOccurrence) -> bool:
    added = store.add_occurrence(
        connection,
        newsletter=edition.newsletter,
        language=edition.language,
        day=planned.occurrence.day,
        due_at=planned.occurrence.due_at,
        reason=planned.reason,
        reason_key=planned.reason_key,
        published_until=planned.published_until,
    )
    if added:
        _log(edition, planned)
    return added


def _log(edition: Edition, planned: PlannedOccurrence) -> None:
    where = {"newsletter": edition.newsletter, "language": edition.language}
    day = planned.occurrence.day.isoformat()
    if planned.reason:
        log.warning("occurrence skipped", **where, day=day, reason=planned.reason)
    else:
        log.info("issue scheduled", **where, day=day)


def planning_start(edition: Edition, now: datetime) -> datetime:
    """Return from when a new edition is planned: the start of today, so that today's is sent."""
    today = now.astimezone(edition.zone).date()
    midnight = datetime.combine(today, time(), tzinfo=edition.zone)
    return midnight.astimezone(now.tzinfo) - timedelta(seconds=1)


def all_editions(settings: Settings) -> Iterator[Edition]:
    """Yield all editions, newsletter by newsletter."""
    for newsletter in settings.newsletters:
        yield from settings.editions(newsletter)


@dataclass(frozen=True, slots=True)
class UpcomingIssue:
    """An occurrence that has not come yet."""

    edition: Edition
    occurrence: Occurrence

    @property
    def local(self) -> datetime:
        """The due instant in the edition's time zone."""
        return self.occurrence.due_at.astimezone(self.edition.zone)


# How far ahead upcoming issues are listed: enough for a yearly newsletter to show several.
PLANNING_HORIZON = timedelta(days=1500)
_PlannedUntil = Mapping[tuple[str, str], datetime]


def read_planned_until(connection: Connection, settings: Settings) -> _PlannedUntil:
    """Return up to when each edition, by newsletter and language, is planned."""
    found = {}
    for edition in all_editions(settings):
        since = store.planned_until(connection, edition.newsletter, edition.language)
        if since is not None:
            found[edition.newsletter, edition.language] = since
    return found


def next_issues_of(
    edition: Edition, planned: _PlannedUntil, now: datetime, count: int
) -> list[UpcomingIssue]:
    """Return an edition's next issues, the same that `plan_issues` will find.

    `planned` is up to when each edition, by newsletter and language, is planned already.
    """
    return list(islice(_upcoming_of(edition, planned, now), count))


def _upcoming_of(
    edition: Edition, planned: _PlannedUntil, now: datetime
) -> Iterator[UpcomingIssue]:
    start = planned.get((edition.newsletter, edition.language)) or planning_start(edition, now)
    found = occurrences(edition.schedule, edition.zone, start, now + PLANNING_HORIZON)
    return (UpcomingIssue(edition, one) for one in found if one.day not in edition.skip_dates)


def upcoming_issues(
    settings: Settings, planned: _PlannedUntil, now: datetime, count: int
) -> list[UpcomingIssue]:
    """Return the next issues of all editions, by due time, then in the order of the settings.

    The editions' dates are merged lazily: few more than `count` occurrences are computed.
    """
    ahead = (_upcoming_of(edition, planned, now) for edition in all_editions(settings))
    return list(islice(merge(*ahead, key=lambda one: one.occurrence.due_at), count))
