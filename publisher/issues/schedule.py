"""When issues are due: how late one may be sent, and what moves it before.

An editor may move or skip an occurrence. It keeps its local date, and so its name, its page and its Message-IDs; only
its instant is another one. The planner takes each that has no issue yet from its row, whatever the edition is planned
until, so that one is neither lost nor made twice when it is moved across now. Issues that were made before they are due
follow changes of their schedule until they are sent. One whose day the schedule has no more is held: it goes out if the
schedule has the day again, or when somebody says when. So nothing goes out at an hour that nobody wants any more.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from heapq import merge
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, delete, exists, func, select, update

from publisher.config import Edition, LatePolicy, Settings
from publisher.database.dialect.sql import upsert_by_key
from publisher.database.engine import chunks
from publisher.i18n.messages import counted, message
from publisher.issues import model, store
from publisher.issues.digests import reopen_issue
from publisher.issues.model import Issue, IssueReason
from publisher.issues.tables import edition_table, issue_table, occurrence_change_table
from publisher.log import log
from publisher.recurrence import Occurrence

# `late = skip` skips issues later than this. The service makes an issue within a minute, but some
# people run single cycles from cron every hour.
_LATE_AFTER = timedelta(minutes=65)

# Why an occurrence is skipped that came too late, and whose time may come again if the clock was ahead.
LATE_REASONS = frozenset({IssueReason.LATE, IssueReason.MERGED, IssueReason.TOO_MANY_MISSED})


def may_come_back(edition: Edition, one: Issue, now: datetime) -> bool:
    """Return whether an occurrence was skipped for its time or too few articles alone, and is not too late now.

    The clock was ahead then, or the policy for late issues has changed. One that was made is not planned again.
    """
    if one.state is not model.IssueState.SKIPPED or one.assembled_at is not None:
        return False
    is_ahead, reason = one.due_at > now, IssueReason
    reasons = LATE_REASONS if is_ahead else {reason.LATE, reason.BEFORE_DATABASE}
    is_alone = one.reason_key in {*reasons, reason.TOO_FEW_ARTICLES}
    return is_alone and reason_if_late(edition, now - one.due_at) is None


def lateness_of(edition: Edition, issue: Issue, now: datetime) -> timedelta:
    """Return how late an issue is that was made already: since it was due, or was to be sent."""
    if issue.kind != model.IssueKind.REGULAR:
        return timedelta()  # it is never too late
    due = edition.instant_of(issue.day, issue.due_at)
    return now - max(due, issue.send_at or due)


def reason_if_late(edition: Edition, lateness: timedelta) -> tuple[IssueReason, str] | None:
    """Return why an issue is not sent that is late, None if it is."""
    if edition.late == LatePolicy.SKIP and lateness > _LATE_AFTER:
        late = message("%(span)s late, and late = skip", span=format_span(lateness))
        return IssueReason.LATE, late
    if edition.late == LatePolicy.SEND and lateness > edition.max_lateness:
        most = format_span(edition.max_lateness)
        return (
            IssueReason.LATE,
            message(
                "%(span)s late, more than max_lateness (%(most)s)",
                span=format_span(lateness),
                most=most,
            ),
        )
    return None


def format_span(span: timedelta) -> str:
    """Return a span in one unit: `3 days`, `5 hours`, `12 minutes`."""
    minutes = int(span.total_seconds()) // 60
    hours, days = minutes // 60, minutes // 1440
    if days > 1:
        return counted("%(count)s day", "%(count)s days", days)
    if hours:
        return counted("%(count)s hour", "%(count)s hours", hours)
    if minutes:
        return counted("%(count)s minute", "%(count)s minutes", minutes)
    return message("less than a minute")


def latest_planning(connection: Connection) -> datetime | None:
    """Return up to which instant any edition is planned; None before the first cycle."""
    query = select(func.max(edition_table.c.planned_until))
    found: datetime | None = connection.execute(query).scalar_one()
    return found


def plan_again(connection: Connection, skipped: Sequence[Issue], since: datetime) -> None:
    """Forget that occurrences of an edition were skipped, and plan it again from an instant."""
    forget_skipped(connection, skipped)
    one = skipped[0]
    here = store.of_edition(one.newsletter, one.language)
    connection.execute(update(edition_table).where(here).values(planned_until=since))


def forget_skipped(connection: Connection, skipped: Sequence[Issue]) -> None:
    """Delete the rows of occurrences that were skipped when they were planned: nothing was made of them."""
    for some in chunks([one.id for one in skipped]):
        connection.execute(delete(issue_table).where(issue_table.c.id.in_(some)))


def issues_due_between(connection: Connection, since: datetime, until: datetime) -> list[Issue]:
    """Return the issues and skipped occurrences that are due in [since, until], by due time."""
    return store.issues_where(connection, issue_table.c.due_at.between(since, until))


def issues_of_edition(
    connection: Connection, edition: Edition, since: datetime, day: date
) -> list[Issue]:
    """Return an edition's issues that are due since an instant, and that of a day, without corrections."""
    return store.issues_where(
        connection,
        issue_table.c.kind == model.IssueKind.REGULAR,
        store.is_of_edition(edition.newsletter, edition.language),
        (issue_table.c.due_at >= since) | (issue_table.c.day == day),
    )


def set_reminders(connection: Connection, one: Issue, count: int) -> None:
    here = issue_table.c.id == one.id
    connection.execute(update(issue_table).where(here).values(reminders=count))


def move_in_time(
    connection: Connection,
    one: Issue,
    due_at: datetime,
    now: datetime,
    *,
    is_by_schedule: bool = False,
) -> None:
    """Move an issue in time, and have it made again: what was approved is another time.

    One that is held stays so. If it is moved by the schedule, and not by a person, it keeps the time that a
    person has given it. Raise IssueError if another process has changed it meanwhile.
    """
    send_at = due_at if one.send_at is not None else None
    if is_by_schedule and one.send_at != one.due_at:
        send_at = one.send_at
    moved = store.touch_issue(connection, one, due_at=due_at, send_at=send_at, reminders=0)
    if moved.state in _MADE:
        reopen_issue(connection, moved, now)


_MADE = frozenset({model.IssueState.READY, model.IssueState.AWAITING_APPROVAL})

_KEY = ("newsletter", "language", "day")


@dataclass(frozen=True, slots=True, kw_only=True)
class OccurrenceChange:
    """What an editor decided about one occurrence: another instant, or to skip it.

    With neither it is as the schedule has it: the change was undone. `is_planned` means that the
    occurrence has its issue, or is recorded as skipped.
    """

    newsletter: str
    language: str
    day: date
    due_at: datetime | None = None
    skip_reason: str | None = None
    revision: int
    actor: str
    changed_at: datetime
    is_planned: bool = False


OccurrenceChanges = Mapping[tuple[str, str], Sequence[OccurrenceChange]]  # by edition


def changes_of(changes: OccurrenceChanges, edition: Edition) -> Sequence[OccurrenceChange]:
    return changes.get((edition.newsletter, edition.language), ())


def changed_occurrence(edition: Edition, change: OccurrenceChange) -> Occurrence | None:
    """Return an occurrence after its change; None if the schedule has it no more."""
    scheduled = edition.occurrence_on(change.day)
    if scheduled is None or change.due_at is None:
        return scheduled
    return replace(scheduled, due_at=change.due_at, shifted=None)


def occurrences_with_changes(
    edition: Edition, changes: Sequence[OccurrenceChange], after: datetime, until: datetime
) -> Iterator[Occurrence]:
    """Yield the occurrences of an edition that are to be planned until an instant, in order.

    Those without a change are due in (after, until]. Those with a change are due until `until`, and not planned.
    """
    days = {change.day for change in changes}
    unchanged = (one for one in edition.occurrences(after, until) if one.day not in days)
    found = (changed_occurrence(edition, one) for one in changes if not one.is_planned)
    changed = sorted(
        (one for one in found if one and one.due_at <= until), key=attrgetter("due_at")
    )
    return merge(unchanged, changed, key=attrgetter("due_at"))


def skip_reasons(changes: Iterable[OccurrenceChange]) -> dict[date, str]:
    return {one.day: one.skip_reason for one in changes if one.skip_reason is not None}


def read_changes(connection: Connection) -> OccurrenceChanges:
    """Return the changes of all editions, by day."""
    columns = occurrence_change_table.c
    same = [issue_table.c[name] == columns[name] for name in _KEY]
    query = select(occurrence_change_table, exists().where(*same).label("is_planned"))
    found: dict[tuple[str, str], list[OccurrenceChange]] = defaultdict(list)
    for row in connection.execute(query.order_by(*(columns[name] for name in _KEY))).mappings():
        change = OccurrenceChange(**row)
        found[change.newsletter, change.language].append(change)
    return found


def save_occurrence_change(connection: Connection, change: OccurrenceChange) -> None:
    """Store a change of an occurrence in the place of the one before."""
    values = {name: v for name, v in asdict(change).items() if name != "is_planned"}
    connection.execute(upsert_by_key(connection, occurrence_change_table), values)


_NOT_SENT = (model.IssueState.SCHEDULED, *sorted(model.SELECTED_STATES))


def follow_schedules(
    connection: Connection, settings: Settings, changes: OccurrenceChanges, now: datetime
) -> None:
    """Move, hold or release the issues whose schedule has changed."""
    for issue in store.issues_in_state(connection, *_NOT_SENT):
        edition = settings.edition(issue.newsletter, issue.language)
        if edition is not None:
            follow_schedule(connection, edition, issue, changes_of(changes, edition), now)


def follow_schedule(
    connection: Connection,
    edition: Edition,
    issue: Issue,
    changes: Sequence[OccurrenceChange],
    now: datetime,
) -> bool:
    """Move, hold or release an issue if its schedule has changed. Return whether that is so."""
    if not was_made_ahead(issue, now):
        return False
    occurrence = _occurrence_of(edition, issue, changes)
    if occurrence is None:
        return _hold(connection, issue)
    if issue.is_unscheduled:
        _release(connection, issue, occurrence, now)
        return True
    if occurrence.due_at == issue.due_at or max(occurrence.due_at, issue.due_at) <= now:
        return False
    log.warning("the schedule has changed", issue=issue.name, due_at=str(occurrence.due_at))
    move_in_time(connection, issue, occurrence.due_at, now, is_by_schedule=True)
    return True


def was_made_ahead(issue: Issue, now: datetime) -> bool:
    """Return whether the schedule may have changed since an issue was made: others are made when due."""
    if issue.kind != model.IssueKind.REGULAR:
        return False
    made_at = issue.assembled_at
    return issue.due_at > now or (made_at is not None and made_at < issue.due_at)


def _occurrence_of(
    edition: Edition, issue: Issue, changes: Sequence[OccurrenceChange]
) -> Occurrence | None:
    if issue.day in edition.skip_dates:
        return None
    change = next((one for one in changes if one.day == issue.day), None)
    return changed_occurrence(edition, change) if change else edition.occurrence_on(issue.day)


def _hold(connection: Connection, issue: Issue) -> bool:
    """Hold an issue whose day is gone, once: whoever says later when it is sent is right."""
    if issue.is_unscheduled or issue.send_at != issue.due_at:
        if issue.schedule_note and issue.reason is None:
            store.set_reason(connection, issue, model.UNSCHEDULED, IssueReason.NOT_IN_SCHEDULE)
        return False
    log.warning("issue held", issue=issue.name, reason=model.UNSCHEDULED)
    held = store.touch_issue(connection, issue, send_at=None, is_unscheduled=True)
    if held.state is not model.IssueState.AWAITING_APPROVAL:
        store.set_reason(connection, held, model.UNSCHEDULED, IssueReason.NOT_IN_SCHEDULE)
    return True


def _release(
    connection: Connection, issue: Issue, occurrence: Occurrence, now: datetime
) -> None:
    """Let an issue go out when it is due again; if that has passed, it stays held."""
    log.info("the schedule has the day again", issue=issue.name)
    is_to_come = issue.send_at is None and occurrence.due_at > now
    values: dict[str, Any] = {"send_at": occurrence.due_at} if is_to_come else {}
    if issue.reason_key == IssueReason.NOT_IN_SCHEDULE:
        values |= {"reason": None, "reason_key": None}
    released = store.touch_issue(connection, issue, is_unscheduled=False, **values)
    if occurrence.due_at != issue.due_at and is_to_come:
        move_in_time(connection, released, occurrence.due_at, now)
