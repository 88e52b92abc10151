"""The state of a publication as plain values, for `status`, `run --once` and `demo`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from publisher.articles import store as articles
from publisher.config import Settings
from publisher.delivery.ledger.counts import count_deliveries
from publisher.ingest.quarantine import quarantined_items
from publisher.issues import store as issues
from publisher.issues.model import Issue
from publisher.issues.planner import UpcomingIssue, all_editions, next_issues_of
from publisher.languages import match
from publisher.syndication import feed_index, websub_queue
from subscribers import count_subscribers_by_language

# Latest issues per language.
_ISSUES_PER_LANGUAGE = 20


@dataclass(frozen=True, slots=True)
class IssueStatus:
    """An issue with its numbers of articles, deliveries by state, and warnings."""

    issue: Issue
    articles: int
    deliveries: Counter[str]
    warnings: int = 0


@dataclass(frozen=True, slots=True)
class LanguageStatus:
    """The numbers and issues of one language."""

    language: str
    articles: int
    conversions: int
    held_back: int
    subscribers: int
    issues: tuple[IssueStatus, ...]
    upcoming: tuple[UpcomingIssue, ...]


@dataclass(frozen=True, slots=True)
class PublicationStatus:
    """The state of a publication at one instant."""

    stories: int
    languages: tuple[LanguageStatus, ...]
    elsewhere: dict[str, int] = field(default_factory=dict)
    unserved: dict[str, int] = field(default_factory=dict)
    quarantine: tuple[tuple[str, str], ...] = ()
    feeds: int = 0
    pings_waiting: int = 0
    # Hub, feed, and what the hub answered last.
    pings_failed: tuple[tuple[str, str, str], ...] = ()


def collect_status(
    connection: Connection, settings: Settings, now: datetime
) -> PublicationStatus:
    """Return the state of a publication."""
    served = settings.publication.languages
    counts = articles.count_articles_by_language(connection)
    subscribers = count_subscribers_by_language(connection)
    conversions = articles.count_conversions(connection)
    shown = _latest_issues(connection, _ISSUES_PER_LANGUAGE * len(served))
    until = read_planned_until(connection, settings)
    coming = [u for e in all_editions(settings) for u in next_issues_of(e, until, now, 1)]
    return PublicationStatus(
        stories=articles.count_stories(connection),
        languages=tuple(
            LanguageStatus(
                language=language,
                articles=counts.get(language, 0),
                conversions=conversions.get(language, 0),
                held_back=sum(articles.held_back(connection, language).values()),
                subscribers=sum(
                    n for tag, n in subscribers.items() if match(tag, served) == language
                ),
                issues=tuple(one for one in shown if one.issue.language == language),
                upcoming=tuple(u for u in coming if u.edition.language == language),
            )
            for language in served
        ),
        elsewhere={tag: n for tag, n in counts.items() if tag not in served},
        unserved={tag: n for tag, n in subscribers.items() if match(tag, served) is None},
        quarantine=tuple(quarantined_items(connection)),
        feeds=feed_index.count_feeds(connection, served),
        pings_waiting=websub_queue.count_waiting_pings(connection),
        pings_failed=tuple(websub_queue.failed_pings(connection)),
    )


def _latest_issues(connection: Connection, most: int) -> list[IssueStatus]:
    shown = issues.latest_issues(connection, most)
    ids = [issue.id for issue in shown]
    ledgers = count_deliveries(connection, ids)
    sizes = issues.article_counts(connection, ids)
    warned = issues.warning_counts(connection, ids)
    return [
        IssueStatus(one, sizes.get(one.id, 0), ledgers[one.id], warned.get(one.id, 0))
        for one in shown
    ]


def read_planned_until(
    connection: Connection, settings: Settings
) -> dict[tuple[str, str], datetime]:
    """Return up to when each edition, by newsletter and language, is planned."""
    found = {}
    for edition in all_editions(settings):
        since = issues.planned_until(connection, edition.newsletter, edition.language)
        if since is not None:
            found[edition.newsletter, edition.language] = since
    return found
