"""The stories of issues that were sent before the database was restored, which does not know them.

Such an issue is made anew of these alone. What has come since is for the next one: whoever had the issue
does not get it again, and would not be told of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import unquote

from sqlalchemy import Connection, delete, exists, insert, select

from publisher import urls
from publisher.articles.tables import article, story
from publisher.issues.model import Issue
from publisher.issues.tables import issue_article_table, recovered_story_table

# A link to the page of an article (`urls.article_path`).
_STORY = re.compile(r"stories/([^/\"'?#]+)/")
# Before a language: in the place of an issue's name, for those of a database that is lost.
_FORMER = "before the new start: "
_COLUMNS = recovered_story_table.c


def page_of(public: Path, issue: Issue) -> Path:
    """Return the file of an issue's page."""
    path = urls.issue_path(issue.language, issue.newsletter, issue.day, issue.serial)
    return public / urls.page_file(path)


def read_page(public: Path, issue: Issue) -> str:
    """Return an issue's page; an empty text if it is lost."""
    file = page_of(public, issue)
    return file.read_text("utf-8", "replace") if file.is_file() else ""


def linked_slugs(page: str) -> frozenset[str]:
    """Return the slugs of the stories that an issue's page links to. Pure."""
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
        found.setdefault(_FORMER + language, set()).update(slugs)
    store_recovered_stories(connection, found)
    return sum(map(len, found.values()))


def is_former_story(connection: Connection, number: int, language: str) -> bool:
    """Return whether a story was in an issue of a language before a new start."""
    here = (story.c.id == number) & (_COLUMNS.issue == _FORMER + language)
    query = select(story.c.id).join(recovered_story_table, _COLUMNS.story_key == story.c.slug)
    return connection.execute(query.where(here)).first() is not None


def recovered_stories(connection: Connection, issue: str) -> frozenset[str] | None:
    """Return the keys or slugs of the stories that an issue has to be made of; None if it may have any."""
    query = select(_COLUMNS.story_key).where(_COLUMNS.issue == issue)
    return frozenset(connection.execute(query).scalars()) or None


def lacks_recovered_stories(connection: Connection, issue: str) -> bool:
    """Return whether an issue has to be made of a story that was never read since: a source may be down."""
    is_read = exists().where(_COLUMNS.story_key.in_([story.c.key, story.c.slug]))
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
    """Return the keys of an issue's stories."""
    query = (
        select(story.c.key)
        .join(issue_article_table, issue_article_table.c.story_id == story.c.id)
        .where(issue_article_table.c.issue_id == issue.id)
    )
    return frozenset(connection.execute(query).scalars())
