"""The web pages of issues: which may be shown, which are to be written, and which are not as they were sent.

No page is shown before its issue may be sent. When articles are corrected or withdrawn after that, the digest
stays frozen. A row of `revised_page` has the page that is on the web in its place; one without a page is still
to be rendered. What an article said when its issue was frozen is kept as a hash.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

import sqlalchemy as sa

from publisher.articles.tables import article
from publisher.database.dialect.sql import upsert
from publisher.issues.model import STATES_WITH_PAGE, Issue, IssueKind, IssueState
from publisher.issues.store import COLUMNS, issues_by_ids, to_issue
from publisher.issues.tables import (
    OUTDATED,
    digest_table,
    issue_article_table,
    issue_table,
    revised_page_table,
)

# Before an issue is ready, its digest may not be sent, nor its page be shown.
_UNFINISHED = (IssueState.ASSEMBLING, IssueState.AWAITING_APPROVAL)


def _is_public(now: datetime) -> sa.ColumnElement[bool]:
    """Return whether an issue's page may be on the web: not before the issue may be sent."""
    state = issue_table.c.state
    return (
        state.in_(STATES_WITH_PAGE)
        & state.not_in(_UNFINISHED)
        & ((state != IssueState.READY) | (issue_table.c.send_at <= now))
    )


def published_issues(
    connection: sa.Connection,
    newsletter: str | None,
    language: str,
    limit: int,
    now: datetime,
) -> list[Issue]:
    """Return the issues whose web pages may be shown, latest first; of one newsletter or all.

    Corrections are linked from the issues that they correct, and are not among them. Digests repeat the newsletters' issues for some subscribers, and do not count among all.
    """
    query = sa.select(*COLUMNS).where(
        issue_table.c.language == language,
        issue_table.c.kind == IssueKind.REGULAR,
        _is_public(now),
    )
    if newsletter is not None:
        query = query.where(issue_table.c.newsletter == newsletter)
    else:
        query = query.where(issue_table.c.newsletter.not_like("%.%"))
    rows = connection.execute(
        query.order_by(issue_table.c.day.desc(), issue_table.c.newsletter).limit(limit)
    )
    return [to_issue(row) for row in rows]


def issues_without_page(
    connection: sa.Connection, now: datetime
) -> list[tuple[Issue, str, str]]:
    """Return issues whose page is not on disk and may be, or is outdated there, with page and hash."""
    is_new = issue_table.c.page_hash.is_(None) & _is_public(now)
    revised = revised_page_table.c
    query = (
        sa.select(
            *COLUMNS,
            sa.func.coalesce(revised.page, digest_table.c.page).label("page"),
            sa.func.coalesce(revised.sha256, digest_table.c.sha256).label("sha256"),
        )
        .join(digest_table, digest_table.c.issue_id == issue_table.c.id)
        .outerjoin(revised_page_table, revised.issue_id == issue_table.c.id)
        .where(
            is_new | (issue_table.c.page_hash == OUTDATED),
            # Nothing stands in for a page that is to be rendered again.
            revised.issue_id.is_(None) | revised.page.is_not(None),
        )
        .order_by(issue_table.c.id)
    )
    return [(to_issue(row), row.page, row.sha256) for row in connection.execute(query)]


def issue_ids_without_page(connection: sa.Connection) -> set[int]:
    """Return the ids of issues whose page is not on disk yet."""
    query = sa.select(issue_table.c.id).where(issue_table.c.page_hash.is_(None))
    return set(connection.execute(query).scalars())


def mark_page_written(connection: sa.Connection, one: Issue, sha256: str) -> None:
    """Record that an issue's page is on disk."""
    connection.execute(
        sa.update(issue_table).where(issue_table.c.id == one.id).values(page_hash=sha256)
    )


def record_words(connection: sa.Connection, one: Issue, words: Mapping[int, str]) -> None:
    """Store the hash of the words of each article of a digest. Its page is not revised any more."""
    here = issue_article_table.c.issue_id == one.id
    connection.execute(sa.update(issue_article_table).where(here).values(words_hash=None))
    connection.execute(
        sa.update(issue_article_table)
        .where(here, issue_article_table.c.article_id == sa.bindparam("number"))
        .values(words_hash=sa.bindparam("words")),
        [{"number": number, "words": found} for number, found in words.items()],
    )
    connection.execute(
        sa.delete(revised_page_table).where(revised_page_table.c.issue_id == one.id)
    )


def articles_as_sent(connection: sa.Connection, one: Issue) -> list[tuple[int, str]]:
    """Return the ids of a digest's articles, in order, each with the hash of its words."""
    columns = issue_article_table.c["article_id", "words_hash"]
    query = sa.select(*columns).where(
        issue_article_table.c.issue_id == one.id, issue_article_table.c.words_hash.is_not(None)
    )
    rows = connection.execute(query.order_by(issue_article_table.c.position))
    return [(row.article_id, row.words_hash) for row in rows]


def changed_places(
    connection: sa.Connection,
) -> list[sa.Row[int, int, str, bool, datetime | None]]:
    """Return the places in digests of articles whose own page is due: they may have changed.

    Each has `issue_id`, `article_id`, `words_hash`, `is_revised`: the page is not as it was sent, and `assembled_at`.
    """
    is_revised = sa.exists().where(
        revised_page_table.c.issue_id == issue_article_table.c.issue_id
    )
    query = (
        sa.select(
            *issue_article_table.c["issue_id", "article_id", "words_hash"],
            is_revised.label("is_revised"),
            issue_table.c.assembled_at,
        )
        .join(issue_table, issue_table.c.id == issue_article_table.c.issue_id)
        .join(article, article.c.id == issue_article_table.c.article_id)
        .where(article.c.page_hash.is_(None), issue_article_table.c.words_hash.is_not(None))
    )
    return list(connection.execute(query))


def mark_pages_outdated(connection: sa.Connection, numbers: Collection[int]) -> None:
    """Have the pages of some issues rendered again."""
    row = upsert(connection, revised_page_table)
    renewed = row.on_conflict_do_update(
        index_elements=["issue_id"], set_={"page": None, "sha256": None}
    )
    connection.execute(renewed, [{"issue_id": number} for number in numbers])


def issues_with_outdated_page(connection: sa.Connection) -> list[Issue]:
    """Return the issues whose page is to be rendered again."""
    query = sa.select(revised_page_table.c.issue_id).where(revised_page_table.c.page.is_(None))
    return issues_by_ids(connection, list(connection.execute(query).scalars()))


def store_revised_page(
    connection: sa.Connection, one: Issue, page: str | None, sha256: str | None
) -> None:
    """Store a page that is rendered again, and have it written; None is the frozen one."""
    here = revised_page_table.c.issue_id == one.id
    if page is None:
        connection.execute(sa.delete(revised_page_table).where(here))
    else:
        values = {"page": page, "sha256": sha256}
        connection.execute(sa.update(revised_page_table).where(here).values(values))
    # A page that was never written, such as that of a cancelled issue, is not due because of this.
    outdated = sa.case((issue_table.c.page_hash.is_not(None), OUTDATED), else_=None)
    connection.execute(
        sa.update(issue_table).where(issue_table.c.id == one.id).values(page_hash=outdated)
    )
