"""PLAN: turn the occurrences that have come into issues, and decide about late ones.

An issue is made its edition's `lead` before it is due, so that editors can see and change it.
Every occurrence since the last run becomes an issue or is skipped with a reason. Planning
continues from where it stopped, not from now. A clock that is set back plans nothing twice.

A digest of a newsletter is planned while somebody gets it. Otherwise its time moves on, so that
the first subscriber gets what came in the present week or month, and not everything before.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from heapq import merge
from itertools import chain, islice, product, starmap
from typing import Literal

from sqlalchemy import Connection

from publisher import urls
from publisher.config import DigestCadence, DigestKey, Edition, Folders, LatePolicy, Settings
from publisher.database import Database
from publisher.fault_isolation import Report, isolated, unreported
from publisher.i18n.messages import message
from publisher.issues import schedule, store
from publisher.issues.model import WAIT_REASONS, Issue, IssueReason, IssueState
from publisher.log import log
from publisher.recurrence import Occurrence
from subscribers.audiences import has_audience

_LONGEST_PERIOD = timedelta(days=32)  # a month of 31 days, and a day for the time zones
# Issues that one run makes of an edition at most: after a year off, hundreds would be too many.
MAX_LATE_ISSUES = 10
# A cycle makes an issue within a minute or so; a large one takes longer.
_OVERDUE_AFTER = timedelta(minutes=15)


def planned_issue(
    edition: Edition,
    occurrence: Occurrence,
    why: tuple[IssueReason, str] | None = None,
    published_until: datetime | None = None,
) -> Issue:
    """Return the issue of an occurrence before it is stored; with a reason it is skipped."""
    planned = Issue(
        newsletter=edition.newsletter,
        language=edition.language,
        day=occurrence.day,
        due_at=occurrence.due_at,
        published_until=published_until,
    )
    return skipped(planned, *why) if why else planned


def skipped(planned: Issue, key: IssueReason, reason: str) -> Issue:
    """Return an issue, which is not stored yet, as it is if it is skipped."""
    return replace(planned, state=IssueState.SKIPPED, reason_key=key, reason=reason)


def apply_late_policy(
    edition: Edition,
    due: Sequence[Occurrence],
    now: datetime,
    changes: Sequence[schedule.OccurrenceChange] = (),
) -> list[Issue]:
    """Return the issues of the occurrences since the last run, by an edition's late policy; oldest first.

    Those that are still to come are not late: each becomes an issue, unless editors skip it by
    one of the `changes`. Of several issues that are made late, each takes the articles published before it
    should have been made, `published_until`. The last one has no such bound.
    """
    reasons = {one: reason for one in due if (reason := _reason_to_skip(edition, one, now))}
    skipped = schedule.skip_reasons(changes)
    for one in due:
        if one.day in skipped:
            reasons[one] = (IssueReason.SKIPPED_BY_EDITOR, skipped[one.day])
    late = [one for one in due if one not in reasons and one.due_at <= now]
    merges = edition.late == LatePolicy.MERGE
    limit = 1 if merges else MAX_LATE_ISSUES
    for occurrence in late[:-limit]:
        last = late[-1].day
        reasons[occurrence] = (
            (IssueReason.MERGED, message("merged into %(day)s", day=str(last)))
            if merges
            else (
                IssueReason.TOO_MANY_MISSED,
                message("too many missed before %(day)s", day=str(last)),
            )
        )
    bounded = [occurrence for occurrence in due if occurrence not in reasons][:-1]
    return [
        planned_issue(
            *(edition, one, reasons.get(one)),
            one.due_at - edition.lead if one in bounded else None,
        )
        for one in due
    ]


def _reason_to_skip(
    edition: Edition, occurrence: Occurrence, now: datetime
) -> tuple[IssueReason, str] | None:
    if occurrence.day in edition.skip_dates:
        return IssueReason.SKIP_DATE, message("one of the newsletter's skip_dates")
    return schedule.reason_if_late(
        edition, now - edition.instant_of(occurrence.day, occurrence.due_at)
    )


def plan_issues(
    settings: Settings,
    database: Database,
    now: datetime,
    made_at: datetime | None = None,
    report: Report = unreported,
) -> int:
    """Store the occurrences whose issues are to be made now. Return how many are new.

    They become issues, or are skipped, as those of new editions that were due before the database was
    `made_at`: another one may have sent them. `report` gets why an edition could not be planned.
    """
    came = 0
    with database.writing() as connection:
        changes = schedule.read_changes(connection)
        with isolated("changed schedules", report, connection):
            schedule.follow_schedules(connection, settings, changes, now)
        for edition in all_editions(settings):
            with isolated(_name(edition), report, connection):
                came += _plan_edition(
                    *(connection, edition, now, schedule.changes_of(changes, edition)),
                    folders=settings.folders,
                    made_at=made_at,
                )
        for editions in _digests(settings):
            is_wanted = has_audience(connection, editions[0].newsletter)
            for edition in editions:
                with isolated(_name(edition), report, connection):
                    if is_wanted:
                        came += _plan_edition(
                            connection, edition, now, folders=settings.folders
                        )
                    else:
                        _move_on(connection, edition, now)
    return came


def _name(edition: Edition) -> str:
    return f"{edition.newsletter}/{edition.language}"


def _plan_edition(
    connection: Connection,
    edition: Edition,
    now: datetime,
    changes: Sequence[schedule.OccurrenceChange] = (),
    *,
    folders: Folders,
    made_at: datetime | None = None,
) -> int:
    name, language = edition.newsletter, edition.language
    since = store.planned_until(connection, name, language)
    is_new = since is None
    if since is None and edition.cadence:
        _move_on(connection, edition, now)
        since = store.planned_until(connection, name, language)
    since = since or planning_start(edition, now)
    until = now + edition.lead
    due = list(schedule.occurrences_with_changes(edition, changes, since, until))
    planned = [
        _unless_published(folders, one) for one in apply_late_policy(edition, due, now, changes)
    ]
    # A time before the database was made is given by `--now`, and no clock's.
    if is_new and made_at and made_at <= now:
        planned = [_unless_before(made_at, one) for one in planned]
    new = [one for one in planned if store.add_occurrence(connection, one)]
    for one in new:
        _log(one)
    store.set_planned_until(connection, name, language, max(until, since))
    return len(new)


def _unless_published(folders: Folders, planned: Issue) -> Issue:
    """Skip an occurrence that has a page: another database has made its issue, and may have sent it."""
    path = urls.issue_path(planned.language, planned.newsletter, planned.day)
    if planned.reason or not (folders.public / urls.page_file(path)).exists():
        return planned
    reason = "it may have been sent: its page was there before this database knew of it"
    return skipped(planned, IssueReason.MAY_HAVE_BEEN_SENT, reason)


def _unless_before(made_at: datetime, planned: Issue) -> Issue:
    """Skip an occurrence that was due before the database was made, unless it is skipped already."""
    if planned.reason or planned.due_at >= made_at:
        return planned
    reason = message(
        "it was due before this database was made (%(made)s UTC), so another one may have sent it; "
        "`publisher api restoreOccurrence` takes that back",
        made=f"{made_at:%Y-%m-%d %H:%M}",
    )
    return skipped(planned, IssueReason.BEFORE_DATABASE, reason)


def _move_on(connection: Connection, edition: Edition, now: datetime) -> None:
    """Plan nothing. The next digest has what comes after the last time it could have been sent."""
    name, language = edition.newsletter, edition.language
    since = store.planned_until(connection, name, language) or now - _LONGEST_PERIOD
    passed = [one.due_at for one in edition.occurrences(since, now)]
    if passed:
        store.set_planned_until(connection, name, language, now)
        store.set_cutoff(connection, name, language, passed[-1])


def _digests(settings: Settings) -> Iterator[Sequence[Edition]]:
    """Yield the editions of each digest of each newsletter, whether or not it is offered now."""
    for newsletter, cadence in product(settings.newsletters, DigestCadence):
        yield settings.editions_of(str(DigestKey(newsletter.name, cadence)))


def _log(planned: Issue) -> None:
    where = {"newsletter": planned.newsletter, "language": planned.language}
    day = planned.day.isoformat()
    if planned.reason:
        log.warning("occurrence skipped", **where, day=day, reason=planned.reason)
    else:
        log.info("issue scheduled", **where, day=day)


def planning_start(edition: Edition, now: datetime) -> datetime:
    """Return from when a new edition is planned: the start of today, so that today's is sent."""
    today = now.astimezone(edition.zone).date()
    midnight = datetime.combine(today, time(), tzinfo=edition.zone_of_dates)
    return midnight.astimezone(now.tzinfo) - timedelta(seconds=1)


def all_editions(settings: Settings) -> Iterator[Edition]:
    """Yield all editions, newsletter by newsletter."""
    for newsletter in settings.newsletters:
        yield from settings.editions(newsletter)


@dataclass(frozen=True, slots=True)
class EditionIssue:
    """An issue with its edition. It may be still to come: then it has no id yet."""

    edition: Edition
    issue: Issue
    shifted: Literal["gap", "fold"] | None = None

    @property
    def local(self) -> datetime:
        """The time of the schedule, in the edition's time zone."""
        due = self.edition.instant_of(self.issue.day, self.issue.due_at)
        return due.astimezone(self.edition.zone)

    @property
    def sends_at(self) -> datetime:
        """When it is sent, or was due if it is held."""
        return self.issue.send_at or self.issue.due_at

    @property
    def waits(self) -> str:
        """What a scheduled issue waits for, if it does."""
        return (self.issue.reason or "") if self.issue.reason_key in WAIT_REASONS else ""


def next_issue(
    connection: Connection, edition: Edition, now: datetime, after: datetime
) -> Issue | None:
    """Return the next issue due after an instant, as editors changed its time; None if none comes."""
    record = PlanningRecord(changes=schedule.read_changes(connection))
    coming = (one.issue for one in upcoming_of(edition, record, now))
    return next((one for one in coming if one.due_at > after), None)


# How far ahead upcoming issues are listed: enough for a yearly newsletter to show several.
PLANNING_HORIZON = timedelta(days=1500)


@dataclass(frozen=True, slots=True)
class PlanningRecord:
    """Up to when each edition, by newsletter and language, is planned, and changed occurrences.

    Of the digests, only those that somebody gets are in it.
    """

    until: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    changes: schedule.OccurrenceChanges = field(default_factory=dict)

    def start_of(self, edition: Edition, now: datetime) -> datetime:
        """Return after which instant an edition's occurrences are not planned yet."""
        planned = self.until.get((edition.newsletter, edition.language))
        return planned or planning_start(edition, now)

    def coming(
        self, edition: Edition, now: datetime, until: datetime | None = None
    ) -> Iterator[Occurrence]:
        """Yield an edition's occurrences that are not planned yet, those to be skipped, too."""
        start, changes = self.start_of(edition, now), schedule.changes_of(self.changes, edition)
        return schedule.occurrences_with_changes(
            edition, changes, start, until or now + PLANNING_HORIZON
        )

    def change_of(
        self, newsletter: str, language: str, day: date
    ) -> schedule.OccurrenceChange | None:
        changes = self.changes.get((newsletter, language), ())
        return next((one for one in changes if one.day == day), None)


def read_planning(connection: Connection, settings: Settings) -> PlanningRecord:
    """Return how far all editions are planned."""
    stored = store.all_planned_until(connection)
    planned = ((e.newsletter, e.language) for e in editions_to_plan(connection, settings))
    until = {key: stored[key] for key in planned if key in stored}
    return PlanningRecord(until, schedule.read_changes(connection))


def editions_to_plan(connection: Connection, settings: Settings) -> Iterator[Edition]:
    """Yield all editions, then those of digests that somebody gets."""
    yield from all_editions(settings)
    for editions in _digests(settings):
        if has_audience(connection, editions[0].newsletter):
            yield from editions


def plan_occurrences(
    record: PlanningRecord, edition: Edition, now: datetime, until: datetime
) -> Iterator[Issue]:
    """Yield what `plan_issues` will make of an edition's occurrences if it runs now and in time for each.

    Those whose issues could be made already are made together.
    """
    changes = schedule.changes_of(record.changes, edition)
    coming = list(record.coming(edition, now, until))
    made = [one for one in coming if one.due_at <= now + edition.lead]
    yield from apply_late_policy(edition, made, now, changes)
    for one in coming[len(made) :]:
        yield from apply_late_policy(edition, [one], one.due_at - edition.lead, changes)


def upcoming_of(
    edition: Edition, planned: PlanningRecord, now: datetime
) -> Iterator[EditionIssue]:
    """Yield an edition's next issues, the same that `plan_issues` will find."""
    skipped = (
        edition.skip_dates
        | schedule.skip_reasons(schedule.changes_of(planned.changes, edition)).keys()
    )
    found = planned.coming(edition, now)
    return (
        EditionIssue(edition, planned_issue(edition, one), one.shifted)
        for one in found
        if one.day not in skipped
    )


def upcoming_issues(
    settings: Settings, planned: PlanningRecord, now: datetime, count: int
) -> list[EditionIssue]:
    """Return the next issues of all editions, by due time, then in the order of the settings.

    Digests come last, if they are in `planned`. The editions' dates are merged lazily: few more than
    `count` occurrences are computed.
    """
    digests = (one for editions in _digests(settings) for one in editions)
    wanted = (one for one in digests if (one.newsletter, one.language) in planned.until)
    editions = chain(all_editions(settings), wanted)
    ahead = (upcoming_of(edition, planned, now) for edition in editions)
    return list(islice(merge(*ahead, key=lambda one: one.issue.due_at), count))


def list_overdue(
    connection: Connection, settings: Settings, now: datetime
) -> list[EditionIssue]:
    """Return the issues that were due a while ago, and that no cycle has made, by time.

    They are as the next cycle will make them, or skip them with a reason. None of an edition that was never planned: what was due before its first cycle was missed by nobody.
    """
    record, late = read_planning(connection, settings), now - _OVERDUE_AFTER
    found = [
        EditionIssue(edition, one)
        for edition in filter(None, starmap(settings.edition, record.until))
        for one in plan_occurrences(record, edition, now, late)
        if one.due_at <= late
    ]
    return sorted(found, key=lambda one: one.issue.due_at)
