"""The stories of issues that were sent before the database was restored, which does not know them.

Such an issue is made anew of these alone. What has come since is for the next one: whoever had the issue
does not get it again, and would not be told of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, delete, insert, select

from publisher.articles.tables import story
from publisher.issues.model import Issue
from publisher.issues.tables import issue_article_table, recovered_story_table

_COLUMNS = recovered_story_table.c


def recovered_stories(connection: Connection, issue: str) -> frozenset[str] | None:
    """Return the keys of the stories that an issue has to be made of; None if it may have any."""
    query = select(_COLUMNS.story_key).where(_COLUMNS.issue == issue)
    return frozenset(connection.execute(query).scalars()) or None


def store_recovered_stories(
    connection: Connection, stories: Mapping[str, Iterable[str]]
) -> None:
    """Store the keys of stories by the names of issues, in the place of what an earlier restore found."""
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
