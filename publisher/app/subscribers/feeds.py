"""A subscriber's own feed, at an address that only she has.

It has what her preferences select. Its address ends with the subscriber's generation of links, or when she
asks for another. Entries are those of the public feeds, so a feed reader that has both shows nothing twice.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection

import feeds
from publisher import urls
from publisher.app.subscribers.access import read_own_link
from publisher.articles import store as articles
from publisher.articles.model import Article
from publisher.config import Settings
from publisher.issues import selection
from publisher.mail.signed_addresses import find_link, sign_link
from publisher.rendering import Renderer
from publisher.syndication import feed_window
from publisher.syndication.entry_builder import EntryBuilder
from publisher.syndication.feed_index import publication_tag
from publisher.syndication.feed_window import Withdrawal
from publisher.web_files import hash_inputs
from subscribers import preferences
from subscribers.addresses import mask_address
from subscribers.model import Subscriber

MAX_ENTRIES: Final = 50
# Newest articles of each language among which entries are chosen. With topics or authors few of them are wanted.
_POOL: Final = 100
_POOL_OF_CHOICE: Final = 400


class EndedFeedError(Exception):
    """The address of a subscriber's feed was valid once."""


@dataclass(frozen=True, slots=True)
class PrivateFeed:
    """What a subscriber's feed contains, before it is rendered."""

    language: str
    title: str
    token: str = field(repr=False)
    rules: tuple[selection.SelectionRules, ...]
    now: datetime

    @property
    def languages(self) -> list[str]:
        return list(dict.fromkeys(tag for own in self.rules for tag in own.languages))

    def etag(self, connection: Connection, name: str) -> str:
        """Return a value that changes with the document, of wishes and the public feeds' states: most readers poll in vain."""
        wanted = [
            (
                own.languages,
                own.by_machine,
                *map(sorted, (own.conversions, own.topics, own.authors)),
            )
            for own in self.rules
        ]
        state = feed_window.language_feeds(connection, self.languages)
        return hash_inputs(name, self.language, self.title, self.token, wanted, state)[:32]


def private_feed_token(secret: str, person: Subscriber) -> str:
    number = person.feed_generation
    return sign_link(secret, "feed", person.id, generation=person.generation, number=number)


def private_feed_urls(settings: Settings, token: str, language: str) -> dict[str, str]:
    """Return the addresses of the feed of a token, by the titles of the formats."""
    addresses = _addresses(settings, language, token)
    return {form.title: addresses[form.name] for form in feeds.FEED_FORMATS}


def renew_private_feed(connection: Connection, subscriber_id: int, now: datetime) -> None:
    """Give a subscriber's feed another address. The one of before is not found any more."""
    preferences.renew_feed_generation(connection, subscriber_id, now)


def private_feed_type(name: str) -> str | None:
    return next((one.media_type for one in feeds.FEED_FORMATS if one.name == name), None)


def read_private_feed(
    connection: Connection,
    settings: Settings,
    secret: str,
    token: str,
    language: str,
    now: datetime,
) -> PrivateFeed | None:
    """Return a token's feed, None if it was never signed. Raise EndedFeedError if revoked, or the subscriber was erased."""
    if find_link(secret, "feed", token) is None:
        return None
    link, person = read_own_link(connection, secret, "feed", token) or (None, None)
    if link is None or person is None or link.number != person.feed_generation:
        raise EndedFeedError
    wanted = preferences.load_preferences(connection, person.id)
    title = settings.publication.title(language)
    return PrivateFeed(
        language=language,
        title=f"{title} ({mask_address(person.address)})",
        token=token,
        rules=tuple(dict.fromkeys(_rules(settings, person, wanted))),
        now=now,
    )


def render_private_feed(
    connection: Connection, settings: Settings, renderer: Renderer, feed: PrivateFeed, name: str
) -> bytes:
    publication, language = settings.publication, feed.language
    builder = EntryBuilder(settings, renderer)
    chosen = _select(connection, feed)
    full = settings.feeds.content != "summary"
    entries = builder.build(
        feed_window.rows_of_articles(connection, chosen),
        lambda rows: feed_window.stored_entries(connection, rows, feed.now, with_texts=full),
        full=full,
    )
    entries += builder.build_withdrawn(_withdrawn(connection, feed, chosen), 0, feed.now)
    token = hashlib.sha256(feed.token.encode()).hexdigest()[:16]
    channel = feeds.Channel(
        id=publication_tag(publication, f"feed/of/{token}"),
        title=feed.title,
        description=publication.description(language),
        site_url=urls.public_url(publication, urls.home_path(language)),
        addresses=_addresses(settings, language, feed.token),
        language=language,
        mixed=any(one.language != language for one in entries),
        entries=tuple(entries),
        author=feeds.Author(name=publication.title(language)),
        updated=max(
            (one.updated for one in entries),
            default=datetime(publication.since, 1, 1, tzinfo=UTC),
        ),
        stylesheet=f"/{urls.feed_style_path(language)}",
        ttl=settings.feeds.ttl,
    )
    return feeds.render(next(one for one in feeds.FEED_FORMATS if one.name == name), channel)


def _addresses(settings: Settings, language: str, token: str) -> dict[str, str]:
    return {
        form.name: urls.public_url(
            settings.publication, urls.private_feed_path(language, token, form.name)
        )
        for form in feeds.FEED_FORMATS
    }


def _select(connection: Connection, feed: PrivateFeed) -> list[Article]:
    """Return the newest articles that a subscriber wants, each story once, newest first; without texts."""
    found: dict[int, Article] = {}
    for own in feed.rules:
        limit = _POOL_OF_CHOICE if own.topics or own.authors else _POOL
        pool = [
            one
            for language in own.languages
            for one in articles.newest_articles(
                connection, language, feed.now, limit, with_texts=False
            )
        ]
        stories = articles.variants(connection, {one.story_id for one in pool}, feed.now)
        for article in _wanted(own, pool, stories, feed.now):
            found.setdefault(article.story_id, article)
    newest = sorted(found.values(), key=lambda one: (-one.published_at.timestamp(), one.id))
    return newest[:MAX_ENTRIES]


def _withdrawn(
    connection: Connection, feed: PrivateFeed, chosen: Sequence[Article]
) -> list[Withdrawal]:
    """Return what would be among the chosen articles if it had not been withdrawn."""
    gone = [
        one
        for row in feed_window.language_feeds(connection, feed.languages)
        for one in feed_window.withdrawals_from(connection, row.id)
    ]
    ids = [one.article_id for one in gone]
    pool = list(articles.articles_by_id(connection, ids, with_texts=False).values())
    stories = {one.story_id: [one] for one in pool}
    wanted = {one.id for own in feed.rules for one in _wanted(own, pool, stories, feed.now)}
    oldest = chosen[-1].published_at if len(chosen) == MAX_ENTRIES else None
    return [
        one
        for one in gone
        if one.article_id in wanted and (oldest is None or one.published > oldest)
    ]


def _wanted(
    own: selection.SelectionRules,
    pool: Sequence[Article],
    stories: Mapping[int, Sequence[Article]],
    now: datetime,
) -> list[Article]:
    candidates = selection.Candidates(articles=pool, variants=stories, sent=())
    return selection.choose_for_profile(own, candidates, selection.SelectionWindow(until=now))


def _rules(
    settings: Settings, person: Subscriber, chosen: preferences.Preferences
) -> Iterator[selection.SelectionRules]:
    """Yield the rules of each newsletter that a subscriber has, without a bound of age."""
    profile = preferences.profile_of(chosen)
    for name in person.newsletters:
        newsletter = settings.newsletter(name)
        editions = settings.editions(newsletter) if newsletter else ()
        own = selection.serving_language([one.language for one in editions], chosen.languages)
        edition = next((one for one in editions if one.language == own), None)
        if edition is not None:
            publication = settings.publication
            rules = selection.rules_of_profile(
                edition, editions, publication, person.language, profile
            )
            yield replace(rules, max_age=timedelta.max)
