"""A subscriber's own feed has what her preferences select, each story once, newest first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import feedparser
import pytest
from sqlalchemy import update

from publisher.app.private_feed import (
    MAX_ENTRIES,
    PrivateFeed,
    private_feed_token,
    private_feed_type,
    private_feed_urls,
    read_private_feed,
    render_private_feed,
    renew_private_feed,
)
from publisher.testing import SECRET
from subscribers import (
    erase,
    known_subscriber,
    load_preferences,
    store_preferences,
    unsubscribe,
)
from subscribers.tables import subscriber
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.printing import pipeline_of, renderer

ANN = "ann@example.com"


@pytest.fixture
def lantern(publication: PublicationFolder) -> PublicationFolder:
    """Two stories: one in two languages, one in Arabic only, published in that order."""
    publication.reload(languages=["en", "zh-Hant", "ar"])
    tides: dict[str, Any] = {"key": "tides", "topics": ["Harbour"], "date": "2026-01-05"}
    publication.write("en/tides.md", title="Tides", **tides)
    publication.write("ar/tides.md", title="المدّ", **tides)
    publication.write("ar/ropes.md", title="حبال", key="ropes", date="2026-01-06")
    subscribe(publication, (ANN, "en"))
    pipeline_of(publication).prepare()
    return publication


def token_of(publication: PublicationFolder) -> str:
    with publication.database.reading() as connection:
        token = private_feed_token(SECRET, known_subscriber(connection, ANN))
    found = private_feed_urls(publication.settings, token, "en")
    assert list(found) == ["RSS", "Atom", "JSON Feed"]
    address = found["RSS"]
    assert address.startswith(f"{publication.settings.publication.url}/en/feeds/of/v2.")
    return address.rpartition("/")[2].removesuffix(".rss")


def read(publication: PublicationFolder, token: str | None = None) -> PrivateFeed | None:
    token = token or token_of(publication)
    with publication.database.reading() as connection:
        return read_private_feed(connection, publication.settings, SECRET, token, "en", NOW)


def titles(publication: PublicationFolder) -> list[str]:
    found = read(publication)
    assert found is not None
    return [one.article.title for one in found.entries]


def prefer(publication: PublicationFolder, **changes: Any) -> None:
    with publication.database.writing() as connection:
        chosen = replace(load_preferences(connection, 1), **changes)
        store_preferences(connection, 1, chosen, NOW)


def test_each_story_comes_once_in_the_best_language_that_has_it(
    lantern: PublicationFolder,
) -> None:
    assert titles(lantern) == ["Tides"]
    prefer(lantern, languages=("en", "ar"))
    assert titles(lantern) == ["حبال", "Tides"]
    prefer(lantern, languages=("ar", "en"))
    assert titles(lantern) == ["حبال", "المدّ"]


def test_topics_and_newsletters_choose(lantern: PublicationFolder) -> None:
    prefer(lantern, languages=("en", "ar"), topics=("harbour",))
    assert titles(lantern) == ["Tides"]
    with lantern.database.writing() as connection:
        unsubscribe(connection, ANN, "weekly", NOW)
    assert titles(lantern) == []


def test_the_documents_are_valid_and_have_the_entries_of_the_public_feeds(
    lantern: PublicationFolder,
) -> None:
    prefer(lantern, languages=("en", "ar"))
    found = read(lantern)
    assert found is not None
    for name in ("rss", "atom"):
        document = feedparser.parse(
            render_private_feed(lantern.settings, renderer(lantern), found, name)
        )
        assert not document.bozo
        assert document.feed.title == "The Lantern (a•••@example.com)"
        assert [one.id for one in document.entries] == [one.tag for one in found.entries]
    public = lantern.settings.folders.public / "feeds/en.atom.xml"
    assert found.entries[-1].tag in public.read_text("utf-8")
    assert private_feed_type("json") == "application/feed+json"
    assert private_feed_type("html") is None


def test_an_address_ends_when_it_is_renewed_moved_or_erased(lantern: PublicationFolder) -> None:
    former = token_of(lantern)
    with lantern.database.writing() as connection:
        renew_private_feed(connection, 1, NOW)
    assert read(lantern, former) is None
    former = token_of(lantern)
    assert read(lantern, former) is not None
    with lantern.database.writing() as connection:
        connection.execute(update(subscriber).values(generation=1))
    assert read(lantern, former) is None
    former = token_of(lantern)
    with lantern.database.writing() as connection:
        erase(connection, ANN, lambda _identity: "digest", NOW)
    assert read(lantern, former) is None
    assert read(lantern, "damaged") is None


def test_a_feed_has_the_newest_entries_only(lantern: PublicationFolder) -> None:
    for number in range(MAX_ENTRIES + 5):
        lantern.write(f"en/story-{number}.md", title=f"Story {number}", date="2026-01-07")
    pipeline_of(lantern).prepare()
    assert len(titles(lantern)) == MAX_ENTRIES
    assert "Tides" not in titles(lantern)
