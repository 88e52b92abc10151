"""Issues of which a restored database has no record: their occurrences, and the stories that were sent.

An issue that was sent before is made anew of these stories alone. What has come since is for the next one:
whoever had the issue does not get it again, and would not be told of it.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote

from sqlalchemy import Connection, delete, exists, insert, select

from publisher import urls
from publisher.articles.tables import article, story
from publisher.config import Edition, Settings
from publisher.issues import planner, schedule, store
from publisher.issues.model import Issue, IssueReason, IssueState, issue_name
from publisher.issues.tables import BEFORE_NEW_START, issue_article_table, recovered_story_table
from publisher.recurrence import Occurrence


def plan_missed(
    connection: Connection,
    settings: Settings,
    now: datetime,
    reason: str | None,
    wanted: Collection[str],
    begun: Collection[str],
) -> list[Issue]:
    """Store the occurrences until now that are not on record, and return their issues.

    They are planned as always, whether or not they have a page. Issues whose names are in `begun` were sent
    already, to some at least: they are not late. With a `reason`, only those are planned whose names are
    `wanted`; the others are skipped for it. Nothing is logged: this may be a preview.
    """
    found: list[Issue] = []
    changes = schedule.read_changes(connection)
    for edition in planner.editions_to_plan(connection, settings):
        name, language = edition.newsletter, edition.language
        since = store.planned_until(connection, name, language) or planner.planning_start(
            edition, now
        )
        own = schedule.changes_of(changes, edition)
        due = list(schedule.occurrences_with_changes(edition, own, since, now))
        planned = _plan(edition, due, now, own, begun)
        for one in _all_but_wanted(planned, reason, wanted) if reason else planned:
            store.add_occurrence(connection, one)
        store.set_planned_until(connection, name, language, max(now, since))
        names = (_name(edition, one) for one in due)
        found += filter(None, (store.issue_by_name(connection, one) for one in names))
    return found


def _plan(
    edition: Edition,
    due: Sequence[Occurrence],
    now: datetime,
    changes: Sequence[schedule.OccurrenceChange],
    begun: Collection[str],
) -> list[Issue]:
    """Apply the late policy to all that were not begun. Return all, in their order."""
    new = [one for one in due if _name(edition, one) not in begun]
    planned = {one.day: one for one in planner.apply_late_policy(edition, new, now, changes)}
    return [planned.get(one.day) or planner.planned_issue(edition, one) for one in due]


def _name(edition: Edition, occurrence: Occurrence) -> str:
    return issue_name(edition.newsletter, edition.language, occurrence.day)


def _all_but_wanted(
    planned: Sequence[Issue], reason: str, wanted: Collection[str]
) -> Iterator[Issue]:
    for one in planned:
        if one.name in wanted:
            yield replace(one, state=IssueState.SCHEDULED, reason=None, reason_key=None)
        else:
            yield planner.skipped(one, IssueReason.MAY_HAVE_BEEN_SENT, reason)


# A link to the page of an article (`urls.article_path`).
_STORY = re.compile(r"stories/([^/\"'?#]+)/")
_COLUMNS = recovered_story_table.c


def page_of(public: Path, issue: Issue) -> Path:
    path = urls.issue_path(issue.language, issue.newsletter, issue.day, issue.suffix)
    return public / urls.page_file(path)


def read_page(public: Path, issue: Issue) -> str:
    """Return an issue's page; an empty text if it is lost."""
    file = page_of(public, issue)
    return file.read_text("utf-8", "replace") if file.is_file() else ""


def linked_slugs(page: str) -> frozenset[str]:
    return frozenset(map(unquote, _STORY.findall(page)))


def keys_dated_until(connection: Connection, issue: Issue) -> frozenset[str]:
    """Return the keys of the stories that were published in an issue's language before it was due."""
    query = (
        select(story.c.key)
        .join(article, article.c.story_id == story.c.id)
        .where(article.c.language == issue.language, article.c.published_at <= issue.due_at)
    )
    return frozenset(connection.execute(query).scalars())


def store_former_stories(connection: Connection, public: Path) -> int:
    """Store the stories of all issues that have a page, before a new start. Return how many there are.

    Nobody knows who got them, so they count as an archive.
    """
    found: dict[str, set[str]] = {}
    for file in public.glob("*/*/[0-9]*-[0-9]*-[0-9]*/index.html"):
        language = file.relative_to(public).parts[0]
        slugs = linked_slugs(file.read_text("utf-8", "replace"))
        found.setdefault(BEFORE_NEW_START + language, set()).update(slugs)
    store_recovered_stories(connection, found)
    return sum(map(len, found.values()))


def lacks_recovered_stories(
    connection: Connection, issue: str, languages: Collection[str]
) -> bool:
    """Return whether an issue needs a story that was never read since in these languages, as of a source that is down."""
    is_read = exists().where(
        article.c.story_id == story.c.id,
        article.c.language.in_(languages),
        # Two equalities: for IN, some databases would read all stories.
        (_COLUMNS.story_key == story.c.key) | (_COLUMNS.story_key == story.c.slug),
    )
    query = select(_COLUMNS.story_key).where(_COLUMNS.issue == issue, ~is_read)
    return connection.execute(query.limit(1)).first() is not None


def store_recovered_stories(
    connection: Connection, stories: Mapping[str, Iterable[str]]
) -> None:
    """Store the keys or slugs of stories by the names of issues, in the place of what an earlier restore found."""
    connection.execute(delete(recovered_story_table).where(_COLUMNS.issue.in_([*stories])))
    rows = [{"issue": name, "story_key": key} for name, keys in stories.items() for key in keys]
    if rows:
        connection.execute(insert(recovered_story_table), rows)


def story_keys(connection: Connection, issue: Issue) -> frozenset[str]:
    query = (
        select(story.c.key)
        .join(issue_article_table, issue_article_table.c.story_id == story.c.id)
        .where(issue_article_table.c.issue_id == issue.id)
    )
    return frozenset(connection.execute(query).scalars())
