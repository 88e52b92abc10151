"""Read and write issues, one function each. States change by compare-and-set on the epoch.

Other programs learn some changes of state by webhooks, queued in the same transaction. Issues are also
listed page by page, the latest first, and moved with their plans when a newsletter or a digest gets another name.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from publisher.articles.tables import story
from publisher.database.dialect.sql import greatest, upsert
from publisher.database.engine import chunks
from publisher.database.metadata import UTCDateTime
from publisher.issues import model
from publisher.issues.model import Issue, IssueReason
from publisher.issues.tables import (
    BEFORE_NEW_START,
    edition_table,
    issue_article_table,
    issue_table,
    occurrence_change_table,
    recovered_story_table,
)
from publisher.webhooks.events import EventType
from publisher.webhooks.store import Event, queue_events

_BY_STATE = {
    model.IssueState.AWAITING_APPROVAL: EventType.ISSUE_AWAITING_APPROVAL,
    model.IssueState.SENDING: EventType.ISSUE_SENDING,
    model.IssueState.PAUSED: EventType.ISSUE_PAUSED,
    model.IssueState.SENT: EventType.ISSUE_SENT,
    # Some got it, and some did not: the event's state says so.
    model.IssueState.PARTIAL: EventType.ISSUE_SENT,
    model.IssueState.FAILED: EventType.ISSUE_FAILED,
    model.IssueState.CANCELLED: EventType.ISSUE_CANCELLED,
}


def _events(before: model.IssueState, moved: Issue) -> list[Event]:
    """Return the event of a change of state, if it makes one."""
    kind = _BY_STATE.get(moved.state)
    if (before, moved.state) == (model.IssueState.AWAITING_APPROVAL, model.IssueState.READY):
        kind = EventType.ISSUE_APPROVED
    if kind is None:
        return []
    data = {
        "issue": moved.name,
        "newsletter": moved.newsletter,
        "language": moved.language,
        "day": moved.day.isoformat(),
        "state": moved.state.value,
    }
    return [Event(kind, data)]


# The name of an issue without its suffix, the kind of one outside the schedule, and its number.
_NAME = re.compile(r"(.*?)(?:-(correction|announcement)(?:-(\d{1,9}))?)?")
# The columns of an `Issue`, for `to_issue`.
COLUMNS = [issue_table.c[name] for name in Issue.__dataclass_fields__]


def to_issue(row: Any) -> Issue:
    values = {name: getattr(row, name) for name in Issue.__dataclass_fields__}
    return Issue(**values | {"state": model.IssueState(row.state)})


def planned_until(connection: sa.Connection, newsletter: str, language: str) -> datetime | None:
    """Return up to which instant an edition is planned; None if it is new."""
    query = sa.select(edition_table.c.planned_until).where(of_edition(newsletter, language))
    return connection.execute(query).scalar_one_or_none()


def all_planned_until(connection: sa.Connection) -> dict[tuple[str, str], datetime]:
    """Return the same of all editions that are not new, by newsletter and language."""
    row = edition_table.c
    query = sa.select(row.newsletter, row.language, row.planned_until)
    rows = connection.execute(query.where(row.planned_until.is_not(None)))
    return {(newsletter, language): until for newsletter, language, until in rows}


def set_planned_until(
    connection: sa.Connection, newsletter: str, language: str, instant: datetime
) -> None:
    """Record that all occurrences up to an instant are planned. An earlier instant is ignored."""
    row = upsert(connection, edition_table).values(
        newsletter=newsletter, language=language, planned_until=instant
    )
    later = greatest(edition_table.c.planned_until, row.excluded.planned_until)
    key = ["newsletter", "language"]
    connection.execute(
        row.on_conflict_do_update(index_elements=key, set_={"planned_until": later})
    )


def cutoff(connection: sa.Connection, newsletter: str, language: str) -> datetime | None:
    """Return up to which instant articles were considered for an edition."""
    query = sa.select(edition_table.c.cut_at).where(of_edition(newsletter, language))
    return connection.execute(query).scalar_one_or_none()


def set_cutoff(
    connection: sa.Connection, newsletter: str, language: str, instant: datetime | None
) -> None:
    """Record that all articles available up to an instant were considered."""
    here = of_edition(newsletter, language)
    connection.execute(sa.update(edition_table).where(here).values(cut_at=instant))


def of_edition(newsletter: str, language: str) -> sa.ColumnElement[bool]:
    return (edition_table.c.newsletter == newsletter) & (edition_table.c.language == language)


def give_up_issue(
    connection: sa.Connection, one: Issue, reason: str, key: IssueReason, now: datetime
) -> Issue:
    """Skip an issue that is not being sent. The next one may have its articles."""
    values = {"reason": reason, "reason_key": key, "finished_at": now}
    skipped = move_issue(connection, one, model.IssueState.SKIPPED, **values)
    free_articles(connection, one)
    return skipped


def free_articles(connection: sa.Connection, one: Issue) -> None:
    """Let the next issue consider what an issue has considered that is not sent."""
    if one.kind == model.IssueKind.REGULAR and one.assembled_at is not None:
        consider_again(connection, one, one.available_since)


def consider_again(connection: sa.Connection, one: Issue, since: datetime | None) -> None:
    """Let the next issue of an edition consider again what became available after an instant."""
    known = cutoff(connection, one.newsletter, one.language)
    if known is not None and (since is None or since < known):
        set_cutoff(connection, one.newsletter, one.language, since)


def reset_future_cutoffs(connection: sa.Connection, now: datetime) -> None:
    """Move cutoffs at or after now to just before now: the clock was set back, or stands still.

    Otherwise articles that become available now would count as considered. Stories that an edition
    has carried are recorded, so none is carried twice.
    """
    before = now - timedelta(seconds=1)
    ahead = sa.update(edition_table).where(edition_table.c.cut_at >= now)
    connection.execute(ahead.values(cut_at=before))


def add_occurrence(connection: sa.Connection, planned: Issue) -> bool:
    """Add an issue to be made, or a skipped occurrence; return whether it is new. One on record stays as it is."""
    columns = asdict(planned) | {"send_at": planned.due_at}
    del columns["id"]
    row = upsert(connection, issue_table).values(columns)
    key = ["newsletter", "language", "day", "serial"]
    return connection.execute(row.on_conflict_do_nothing(index_elements=key)).rowcount == 1


def insert_unscheduled(connection: sa.Connection, **values: Any) -> Issue:
    """Add an issue that no schedule has, of columns, to be assembled now."""
    row = sa.insert(issue_table).values({"state": model.IssueState.ASSEMBLING, **values})
    return to_issue(connection.execute(row.returning(*COLUMNS)).one())


def move_issue(
    connection: sa.Connection, one: Issue, target: model.IssueState, **values: Any
) -> Issue:
    """Move an issue to another state, and set further columns. A new reason replaces the key.

    Raise TransitionError if there is no such transition, and IssueError if another process has
    moved the issue meanwhile.
    """
    model.check_transition(one.state, target)
    if "reason" in values:
        values.setdefault("reason_key", None)
    statement = (
        sa.update(issue_table)
        .where(
            issue_table.c.id == one.id,
            issue_table.c.state == one.state,
            issue_table.c.epoch == one.epoch,
        )
        .values(state=target, epoch=one.epoch + 1, **values)
        .returning(*COLUMNS)
    )
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise one.saying("%(issue)s: another process has moved it from %(state)s; try again")
    moved = to_issue(row)
    queue_events(connection, *_events(one.state, moved))
    return moved


def is_unchanged(connection: sa.Connection, one: Issue) -> bool:
    """Return whether nobody has changed an issue since it was read."""
    query = sa.select(issue_table.c.epoch).where(issue_table.c.id == one.id)
    return bool(connection.execute(query).scalar_one() == one.epoch)


def touch_issue(connection: sa.Connection, one: Issue, **values: Any) -> Issue:
    """Set columns of an issue that keeps its state. Who read it before can't move it any more.

    Raise IssueError if another process has changed the issue meanwhile.
    """
    here = (issue_table.c.id == one.id) & (issue_table.c.epoch == one.epoch)
    row = sa.update(issue_table).where(here).values(epoch=one.epoch + 1, **values)
    changed = connection.execute(row.returning(*COLUMNS)).one_or_none()
    if changed is None:
        raise one.saying("%(issue)s: another process has changed it; try again")
    return to_issue(changed)


def set_reason(
    connection: sa.Connection, one: Issue, reason: str | None, key: IssueReason | None = None
) -> None:
    values = {"reason": reason, "reason_key": key}
    connection.execute(sa.update(issue_table).where(issue_table.c.id == one.id).values(values))


_BY_TIME = (issue_table.c.due_at, issue_table.c.id)
_LATEST_FIRST = (issue_table.c.due_at.desc(), issue_table.c.id.desc())


def issues_where(
    connection: sa.Connection,
    *conditions: sa.ColumnElement[bool],
    order: Iterable[sa.ColumnElement[Any]] = _BY_TIME,
    limit: int | None = None,
) -> list[Issue]:
    """Return the issues that meet all conditions, by default by due time."""
    query = sa.select(*COLUMNS).where(*conditions).order_by(*order).limit(limit)
    return [to_issue(row) for row in connection.execute(query)]


def is_of_edition(newsletter: str, language: str) -> sa.ColumnElement[bool]:
    return (issue_table.c.newsletter == newsletter) & (issue_table.c.language == language)


def issues_in_state(connection: sa.Connection, *states: model.IssueState) -> list[Issue]:
    """Return the issues in some states, by due time."""
    return issues_where(connection, issue_table.c.state.in_(states))


def issues_by_ids(connection: sa.Connection, numbers: Sequence[int]) -> list[Issue]:
    """Return issues by their ids, by due time."""
    return [
        issue
        for some in chunks(numbers)
        for issue in issues_where(connection, issue_table.c.id.in_(some))
    ]


def issue_number(connection: sa.Connection, newsletter: str, language: str, day: date) -> int:
    """Return the number of a newsletter's issue of a day in a language, from 1; those that were skipped have none."""
    query = sa.select(sa.func.count()).where(
        issue_table.c.newsletter == newsletter,
        issue_table.c.language == language,
        issue_table.c.day < day,
        issue_table.c.kind == model.IssueKind.REGULAR,
        issue_table.c.state != model.IssueState.SKIPPED,
    )
    return 1 + int(connection.scalar(query) or 0)


def issue_by_name(connection: sa.Connection, name: str) -> Issue | None:
    """Return an issue by its name, such as `weekly-en-2026-01-09`."""
    called = (
        issue_table.c.newsletter
        + "-"
        + issue_table.c.language
        + "-"
        + sa.cast(issue_table.c.day, sa.Text)
    )
    parts = _NAME.fullmatch(name)
    if parts is None:
        return None
    serial = int(parts[3] or 1) if parts[2] else 0
    kind = issue_table.c.kind == (parts[2] or model.IssueKind.REGULAR)
    query = sa.select(*COLUMNS).where(called == parts[1], issue_table.c.serial == serial, kind)
    row = connection.execute(query).one_or_none()
    return to_issue(row) if row else None


def latest_issues(connection: sa.Connection, limit: int) -> list[Issue]:
    """Return the latest issues and skipped occurrences, latest first."""
    return issues_where(connection, order=_LATEST_FIRST, limit=limit)


def latest_of_edition(
    connection: sa.Connection, newsletter: str, language: str, limit: int
) -> list[Issue]:
    order = (issue_table.c.day.desc(), issue_table.c.serial.desc())
    return issues_where(
        connection, is_of_edition(newsletter, language), order=order, limit=limit
    )


def issues_to_open(connection: sa.Connection, now: datetime) -> list[Issue]:
    """Return the issues that are ready and may be sent now, by due time."""
    ready = issues_in_state(connection, model.IssueState.READY)
    return [one for one in ready if one.send_at is not None and one.send_at <= now]


def same_issue_in_other_languages(connection: sa.Connection, one: Issue) -> list[Issue]:
    """Return the issues of the same day in other languages that have, or will have, a page."""
    return issues_where(
        connection,
        issue_table.c.newsletter == one.newsletter,
        issue_table.c.day == one.day,
        # Corrections have words of their own in each language.
        issue_table.c.kind != model.IssueKind.CORRECTION,
        issue_table.c.kind == one.kind,
        issue_table.c.serial == one.serial,
        issue_table.c.language != one.language,
        issue_table.c.state.in_(model.STATES_WITH_PAGE),
    )


def select_articles(
    connection: sa.Connection, one: Issue, chosen: Sequence[tuple[int, int]]
) -> None:
    """Record an issue's articles: pairs of story and article ids, in order."""
    rows = [
        {"issue_id": one.id, "position": position, "story_id": story, "article_id": article}
        for position, (story, article) in enumerate(chosen)
    ]
    connection.execute(issue_article_table.insert(), rows)


def article_ids_of(connection: sa.Connection, one: Issue) -> list[int]:
    return [article for _story, article in chosen_articles(connection, one)]


def is_former_story(connection: sa.Connection, number: int, language: str) -> bool:
    """Return whether a story was in an issue of a language before a new start."""
    columns = recovered_story_table.c
    here = (story.c.id == number) & (columns.issue == BEFORE_NEW_START + language)
    query = sa.select(story.c.id).join(recovered_story_table, columns.story_key == story.c.slug)
    return connection.execute(query.where(here)).first() is not None


def recovered_stories(connection: sa.Connection, issue: str) -> frozenset[str] | None:
    """Return the keys or slugs of the stories that an issue has to be made of; None if it may have any."""
    columns = recovered_story_table.c
    query = sa.select(columns.story_key).where(columns.issue == issue)
    return frozenset(connection.execute(query).scalars()) or None


def chosen_articles(connection: sa.Connection, one: Issue) -> list[tuple[int, int]]:
    """Return an issue's articles as they were selected: pairs of story and article ids, in order."""
    columns = issue_article_table.c["story_id", "article_id"]
    query = sa.select(*columns).where(issue_article_table.c.issue_id == one.id)
    rows = connection.execute(query.order_by(issue_article_table.c.position))
    return [(row.story_id, row.article_id) for row in rows]


def article_counts(connection: sa.Connection, issues: Sequence[int]) -> dict[int, int]:
    query = (
        sa.select(issue_article_table.c.issue_id, sa.func.count())
        .where(issue_article_table.c.issue_id.in_(issues))
        .group_by(issue_article_table.c.issue_id)
    )
    return {number: count for number, count in connection.execute(query)}  # noqa: C416  # a Row is no pair


def stories_sent(
    connection: sa.Connection,
    newsletter: str,
    language: str,
    stories: Sequence[int],
    *,
    for_profiles: bool = False,
) -> set[int]:
    """Return those of some stories that an edition has carried already.

    Issues that are only for subscribers with a profile do not count, except `for_profiles`: nobody
    else got their stories.
    """
    query = (
        sa.select(issue_article_table.c.story_id)
        .join(issue_table)
        .where(
            is_of_edition(newsletter, language),
            issue_table.c.state.not_in((model.IssueState.CANCELLED, model.IssueState.SKIPPED)),
            sa.or_(
                sa.true() if for_profiles else sa.false(),
                issue_table.c.for_profiles_only.is_(sa.false()),
            ),
        )
    )
    found: set[int] = set()
    for some in chunks(stories):
        here = query.where(issue_article_table.c.story_id.in_(some))
        found.update(connection.execute(here).scalars())
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueFilter:
    """Which issues are listed: of these languages, of one newsletter, in one state, before a place."""

    languages: Collection[str]
    newsletter: str | None = None
    state: str | None = None
    before: tuple[datetime, int] | None = None


def list_issues(connection: sa.Connection, wanted: IssueFilter, limit: int) -> list[Issue]:
    """Return the latest issues and skipped occurrences that are wanted. A place is due time and id."""
    table = issue_table.c
    conditions: list[sa.ColumnElement[bool]] = [table.language.in_(wanted.languages)]
    if wanted.newsletter is not None:
        conditions.append(table.newsletter == wanted.newsletter)
    if wanted.state is not None:
        conditions.append(table.state == wanted.state)
    if wanted.before is not None:
        at, number = wanted.before
        place = sa.tuple_(sa.literal(at, UTCDateTime), sa.literal(number))
        conditions.append(sa.tuple_(table.due_at, table.id) < place)
    return issues_where(connection, *conditions, order=_LATEST_FIRST, limit=limit)


def has_issues(connection: sa.Connection, name: str) -> bool:
    """Return whether a newsletter or a digest has issues, made or planned."""
    query = sa.select(issue_table.c.id).where(issue_table.c.newsletter == name).limit(1)
    return connection.execute(query).first() is not None


def rename_editions(connection: sa.Connection, former: str, name: str) -> None:
    """Move issues, to have their pages written at the new address, and what is planned. The new name must have none."""
    table = edition_table.c.newsletter
    has_former = connection.execute(sa.select(table).where(table == former).limit(1)).first()
    if has_former:
        connection.execute(sa.delete(edition_table).where(table == name))
        connection.execute(
            sa.update(edition_table).where(table == former).values(newsletter=name)
        )
        changed = occurrence_change_table.c.newsletter
        connection.execute(sa.delete(occurrence_change_table).where(changed == name))
        connection.execute(
            sa.update(occurrence_change_table).where(changed == former).values(newsletter=name)
        )
    connection.execute(
        sa.update(issue_table)
        .where(issue_table.c.newsletter == former)
        .values(newsletter=name, page_hash=None)
    )
