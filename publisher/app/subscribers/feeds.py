"""A subscriber's own feed, at an address that only she has.

It has what her preferences select. Its address ends with the subscriber's generation of links, or when she
asks for another. Entries are those of the public feeds, so a feed reader that has both shows nothing twice.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection

import feeds
from publisher import urls
from publisher.articles import store as articles
from publisher.articles.model import Article
from publisher.config import Settings
from publisher.issues import selection
from publisher.mail.signed_addresses import find_link, sign_link
from publisher.rendering import Renderer
from publisher.syndication.entry_builder import EntryBuilder
from publisher.syndication.feed_index import publication_tag
from publisher.syndication.feed_window import StoredEntry, entries_of_articles
from subscribers import preferences
from subscribers.addresses import mask_address
from subscribers.model import Subscriber
from subscribers.store import load_subscriber

MAX_ENTRIES: Final = 50
# Newest articles of each language among which entries are chosen. With topics or authors few of
# them are wanted.
_POOL: Final = 100
_POOL_OF_CHOICE: Final = 400


@dataclass(frozen=True, slots=True)
class PrivateFeed:
    """What a subscriber's feed contains, before it is rendered."""

    language: str
    title: str
    token: str = field(repr=False)
    entries: tuple[StoredEntry, ...]

    def etag(self, name: str) -> str:
        """Return a value that changes with the document in the format of this name."""
        stated = [f"{one.tag} {one.updated.isoformat()}" for one in self.entries]
        text = "\n".join((feeds.__name__, name, self.language, self.title, self.token, *stated))
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def private_feed_token(secret: str, person: Subscriber) -> str:
    """Return the token in the addresses of a subscriber's feed."""
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
    """Return the media type of the format of this name, or None."""
    return next((one.media_type for one in feeds.FEED_FORMATS if one.name == name), None)


def read_private_feed(
    connection: Connection,
    settings: Settings,
    secret: str,
    token: str,
    language: str,
    now: datetime,
) -> PrivateFeed | None:
    """Return the feed of a token, or None if it is damaged or was revoked, or the subscriber erased."""
    link = find_link(secret, "feed", token)
    person = load_subscriber(connection, link.subscriber_id) if link else None
    if link is None or person is None or person.id != link.subscriber_id:
        return None
    if link.has_ended(person.generation) or link.number != person.feed_generation:
        return None
    chosen = _select(
        connection, settings, person, preferences.load_preferences(connection, person.id), now
    )
    title = settings.publication.title(language)
    return PrivateFeed(
        language=language,
        title=f"{title} ({mask_address(person.address)})",
        token=token,
        entries=tuple(entries_of_articles(connection, chosen, now)),
    )


def render_private_feed(
    settings: Settings, renderer: Renderer, feed: PrivateFeed, name: str
) -> bytes:
    """Return the document in the format of this name."""
    publication, language = settings.publication, feed.language
    entries = EntryBuilder(settings, renderer).build(
        feed.entries, read=list, full=settings.feeds.content != "summary"
    )
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


def _select(
    connection: Connection,
    settings: Settings,
    person: Subscriber,
    chosen: preferences.Preferences,
    now: datetime,
) -> list[Article]:
    """Return the newest articles that a subscriber wants, each story once, newest first."""
    found: dict[int, Article] = {}
    for rules in dict.fromkeys(_rules(settings, person, chosen)):
        limit = _POOL_OF_CHOICE if rules.topics or rules.authors else _POOL
        pool = [
            one
            for language in rules.languages
            for one in articles.newest_articles(connection, language, now, limit)
        ]
        stories = articles.variants(connection, {one.story_id for one in pool}, now)
        candidates = selection.Candidates(articles=pool, variants=stories, sent=())
        for article in selection.choose_for_profile(
            rules, candidates, selection.SelectionWindow(until=now)
        ):
            found.setdefault(article.story_id, article)
    newest = sorted(found.values(), key=lambda one: (-one.published_at.timestamp(), one.id))
    return newest[:MAX_ENTRIES]


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
