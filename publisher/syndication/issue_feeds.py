"""Feeds whose entries are the issues of a newsletter: which have to be written, and their entries.

A feed belongs to a newsletter in a language, and keeps its address and id when the newsletter gets another name.
The id of an entry is that of its feed and the day of the issue.
"""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa

import feeds
from publisher import urls, web_files
from publisher.articles.model import Article, ArticleStatus
from publisher.articles.store import articles_by_id
from publisher.config import Newsletter, Settings
from publisher.issues import digests, store
from publisher.issues.model import Issue
from publisher.rendering import IssueContent, Renderer, views
from publisher.syndication.feed_index import Feed, FeedIndex, FeedSubject, mark_feeds_due
from publisher.syndication.tables import feed


def mark_changed_issue_feeds(
    connection: sa.Connection, settings: Settings, now: datetime
) -> None:
    """Mark the feeds of newsletters whose newest issues, or pages of them, are others than before."""
    index, most = FeedIndex(connection, settings.publication), settings.feeds.entries
    for newsletter in settings.newsletters:
        for edition in settings.editions(newsletter):
            language = edition.language
            marks = digests.page_marks(connection, newsletter.name, language, most, now)
            current = web_files.hash_inputs(marks)
            name = f"feeds/issues/{language}/{newsletter.name}"
            if marks and web_files.cached_hash(connection, name) != current:
                _take_over(connection, newsletter, language)
                subject = FeedSubject("issues", language, newsletter.name)
                mark_feeds_due(connection, [index.find_or_create(subject)])
                web_files.store_hash(connection, name, current)


def _take_over(connection: sa.Connection, newsletter: Newsletter, language: str) -> None:
    """Give the feed that a newsletter had under a former name to its present one."""
    here = (feed.c.kind == "issues") & (feed.c.language == language)
    known = sa.select(feed.c.id).where(here, feed.c.label == newsletter.name)
    if newsletter.formerly and connection.execute(known).first() is None:
        former = sa.update(feed).where(here, feed.c.label.in_(newsletter.formerly))
        connection.execute(former.values(label=newsletter.name, title=""))


def newsletter_title(settings: Settings, one: Feed) -> str:
    """Return the title of the newsletter of a feed; of one that ended its name."""
    edition = settings.edition(one.label, one.language)
    return edition.title(one.language) if edition else one.label


def issue_entries(
    connection: sa.Connection, settings: Settings, renderer: Renderer, one: Feed, now: datetime
) -> Iterator[feeds.Entry]:
    """Yield the entries of a newsletter's newest issues; raise RenderingError or FeedsError."""
    most = settings.feeds.entries
    for issue in digests.published_issues(connection, one.label, one.language, most, now):
        chosen = [article for _story, article in store.chosen_articles(connection, issue)]
        found = articles_by_id(connection, chosen, with_texts=False)
        yield _entry(
            settings, renderer, one, issue, [found[n] for n in chosen if n in found], now
        )


def _entry(
    settings: Settings,
    renderer: Renderer,
    one: Feed,
    issue: Issue,
    chosen: list[Article],
    now: datetime,
) -> feeds.Entry:
    publication, until = settings.publication, issue.shows_until(now)
    path = urls.issue_path(issue.language, issue.newsletter, issue.day)
    content = IssueContent(
        publication=views.publication_view(publication, issue.language),
        newsletter=issue.newsletter,
        title=newsletter_title(settings, one),
        day=issue.day,
        items=tuple(
            views.article_view(publication, each, issue.language, ())
            for each in chosen
            if each.status == ArticleStatus.READY and each.available_at <= until
        ),
        sisters=(),
        web_url=urls.public_url(publication, path),
    )
    texts = renderer.issue_texts(content)
    sent = issue.send_at or issue.due_at
    return feeds.Entry(
        id=f"{one.tag}/{issue.day}",
        url=content.web_url,
        **asdict(texts),
        language=issue.language,
        published=sent.astimezone(settings.zone()),
        # A later one is of a correction or withdrawal.
        updated=max([sent, *(each.updated_at for each in chosen)]),
    )
