"""Select the articles of due issues: all issues of a cycle in one transaction.

An issue links to the same issue in other languages, so all are selected before one is rendered.
The selection is stored: after a crash, issues are only rendered again.
"""

from __future__ import annotations

from datetime import datetime

import structlog
from sqlalchemy import Connection

from publisher.articles import store as articles
from publisher.config import Edition, Settings
from publisher.database import Database
from publisher.issues import store as issues
from publisher.issues.model import EDITION_REMOVED, Issue, IssueReason, IssueState
from publisher.issues.selection import (
    Candidates,
    Selection,
    choose_articles,
    languages_to_search,
)

log = structlog.get_logger()


def select_due(settings: Settings, database: Database, now: datetime) -> int:
    """Move each scheduled issue to assembling, or to skipped. Return how many are assembling."""
    removed = {
        "reason": EDITION_REMOVED,
        "reason_key": IssueReason.EDITION_REMOVED,
        "finished_at": now,
    }
    filled: set[tuple[str, str]] = set()
    count = 0
    with database.writing() as connection:
        issues.reset_future_cutoffs(connection, now)
        for issue in issues.issues_in_state(connection, IssueState.SCHEDULED):
            edition = settings.edition(issue.newsletter, issue.language)
            if edition is None:
                issues.move_issue(connection, issue, IssueState.SKIPPED, **removed)
            elif _fill(connection, edition, issue, now):
                filled.add((issue.newsletter, issue.language))
                count += 1
        for newsletter, language in filled:
            issues.set_cutoff(connection, newsletter, language, now)
    return count


def _fill(connection: Connection, edition: Edition, issue: Issue, now: datetime) -> bool:
    selection = _select(connection, edition, now, issue.published_until)
    if not selection.chosen:
        reason = selection.reason_if_empty()
        issues.move_issue(
            connection,
            issue,
            IssueState.SKIPPED,
            reason=reason,
            reason_key=IssueReason.NO_ARTICLES,
            finished_at=now,
        )
        log.info("issue skipped", issue=issue.name, reason=reason)
        return False
    chosen = [(article.story_id, article.id) for article in selection.chosen]
    issues.select_articles(connection, issue, chosen)
    issues.move_issue(
        connection, issue, IssueState.ASSEMBLING, more=selection.more, assembled_at=now
    )
    return True


def _select(
    connection: Connection, edition: Edition, now: datetime, published_until: datetime | None
) -> Selection:
    since = issues.cutoff(connection, edition.newsletter, edition.language)
    languages = languages_to_search(edition)
    oldest = now - edition.max_age
    found, too_old = articles.became_available(connection, languages, since, now, oldest)
    stories = sorted({article.story_id for article in found})
    candidates = Candidates(
        articles=found,
        too_old=too_old,
        variants=articles.variants(connection, stories, now),
        sent=issues.stories_sent(connection, edition.newsletter, edition.language, stories),
    )
    return choose_articles(edition, candidates, now, published_until)


def preview_selection(connection: Connection, edition: Edition, now: datetime) -> Selection:
    """Return what an edition's next issue would carry if it were made now."""
    return _select(connection, edition, now, None)
