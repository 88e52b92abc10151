"""Rendering issues and freezing their bytes: what is frozen is what is approved and sent.

An issue that was being assembled when the program died is simply rendered again, from the
selection that it has. Knows no reader.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, datetime

import structlog
from sqlalchemy import Connection

from publisher import urls
from publisher.articles import store as articles
from publisher.articles.model import Article
from publisher.config import Edition, Settings
from publisher.database import Database
from publisher.errors import PublisherError
from publisher.issues import store as issues
from publisher.issues.life import NO_EDITION, State
from publisher.issues.model import Issue
from publisher.rendering import Digest, IssueContent, LanguageLink, Renderer, views

log = structlog.get_logger()


def assemble(
    settings: Settings, database: Database, renderer: Renderer
) -> tuple[int, list[str]]:
    """Render and freeze every issue that is being assembled; gives how many, and what went wrong."""
    made, problems = 0, []
    with database.reading() as connection:
        waiting = issues.in_state(connection, State.ASSEMBLING)
    for issue in waiting:
        try:
            made += _assemble_one(settings, database, renderer, issue)
        except PublisherError as error:
            problems.append(f"{issue.name}: {error}")
            log.error("issue can't be assembled", issue=issue.name, reason=str(error))
            with database.writing() as connection:
                issues.note(connection, issue, str(error))
    return made, problems


def _assemble_one(
    settings: Settings, database: Database, renderer: Renderer, issue: Issue
) -> bool:
    edition = settings.edition(issue.newsletter, issue.language)
    if edition is None:
        with database.writing() as connection:
            issues.move(connection, issue, State.SKIPPED, reason=NO_EDITION)
        return False
    with database.reading() as connection:
        content = _content_of_issue(connection, settings, edition, issue)
    feeds = views.feed_lines(settings.publication, issue.language)
    digest = renderer.digest(content)
    page = renderer.issue_page(content, feeds)
    with database.writing() as connection:
        parts = {
            "subject": digest.subject,
            "preheader": digest.preheader,
            "html": digest.html,
            "text": digest.text,
            "page": page,
            "sha256": digest_hash(digest, page),
        }
        issues.freeze(connection, issue, parts)
        issues.move(connection, issue, State.READY, reason=None)
    log.info("issue ready", issue=issue.name, articles=len(content.items))
    return True


def digest_hash(digest: Digest, page: str) -> str:
    """Hash everything that is frozen of an issue."""
    parts = (digest.subject, digest.preheader, digest.html, digest.text, page)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _content_of_issue(
    connection: Connection, settings: Settings, edition: Edition, issue: Issue
) -> IssueContent:
    numbers = issues.articles_of(connection, issue)
    found = articles.by_ids(connection, numbers)
    publication = settings.publication
    sisters = [
        LanguageLink(
            language=sister.language,
            url=urls.absolute(
                publication, urls.issue_path(sister.language, sister.newsletter, sister.day)
            ),
        )
        for sister in issues.sisters(connection, issue)
        if sister.language in publication.languages
    ]
    sisters.sort(key=lambda link: publication.languages.index(link.language))
    return content_of(
        connection,
        settings,
        edition,
        [found[number] for number in numbers],
        day=issue.day,
        now=issue.assembled_at or issue.due_at,
        sisters=sisters,
        more=issue.more,
    )


def content_of(  # noqa: PLR0913  # everything that an issue says comes together here
    connection: Connection,
    settings: Settings,
    edition: Edition,
    chosen: Sequence[Article],
    *,
    day: date,
    now: datetime,
    sisters: Sequence[LanguageLink] = (),
    more: int = 0,
) -> IssueContent:
    """Put together what an issue says; `now` is when it was made."""
    publication, language = settings.publication, edition.language
    stories = {article.story_id for article in chosen}
    variants = articles.variants(connection, stories, now)
    pool = articles.newest(connection, language, now, views.POOL)
    path = urls.issue_path(language, edition.newsletter, day)
    return IssueContent(
        house=views.house(publication, language),
        newsletter=edition.newsletter,
        title=edition.title(language),
        day=day,
        items=tuple(
            views.mailed(
                views.item(
                    publication,
                    article,
                    language,
                    variants.get(article.story_id, ()),
                    views.related(article, pool, stories),
                )
            )
            for article in chosen
        ),
        sisters=tuple(sisters),
        web_url=urls.absolute(publication, path),
        more=more,
        more_url=urls.absolute(publication, urls.home_path(language)),
    )
