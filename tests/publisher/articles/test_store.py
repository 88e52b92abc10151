"""The questions that others ask about articles."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from publisher.articles import store
from publisher.articles.model import ArticleStatus
from publisher.database import engine
from publisher.ingest.quarantine import quarantined_items
from tests.publisher.conftest import FOREVER, NOW, PublicationFolder

HOUR = timedelta(hours=1)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture
def publication(publication: PublicationFolder) -> PublicationFolder:
    """Three stories: one in two languages, one held back, one under embargo."""
    publication.write("en/a.md", title="A", date="2026-01-07")
    publication.write("ar/a.md", title="A in Arabic", date="2026-01-07")
    publication.write("en/b.md", title="B", date="2026-01-08", status="stale")
    publication.write("en/c.md", title="C", date="2026-01-10")
    publication.write("en/d.md", b"\xff")
    publication.pick_up()
    return publication


def test_the_newest_articles_come_first_up_to_the_limit(publication: PublicationFolder) -> None:
    with publication.database.reading() as connection:
        found = store.newest_articles(connection, "en", FOREVER, 10)
        assert [one.story_key for one in found] == ["c", "a"]
        assert store.newest_articles(connection, "en", FOREVER, 1) == found[:1]
        assert [one.story_key for one in store.newest_articles(connection, "en", NOW, 10)] == [
            "a"
        ]


def test_articles_become_available_after_since_and_up_to_until(
    publication: PublicationFolder,
) -> None:
    with publication.database.reading() as connection:

        def keys(since: datetime | None, until: datetime) -> list[str]:
            found, older = store.became_available(
                connection, ["en", "ar"], since, until, LONG_AGO
            )
            assert older == 0
            return [f"{one.story_key} {one.language}" for one in found]

        assert sorted(keys(None, NOW)) == ["a ar", "a en"]
        assert keys(NOW - HOUR, NOW - timedelta(seconds=1)) == []
        assert keys(NOW, NOW + HOUR) == []
        assert keys(NOW, FOREVER) == ["c en"]


def test_articles_published_before_the_oldest_are_only_counted(
    publication: PublicationFolder,
) -> None:
    published = publication.one("a").published_at
    with publication.database.reading() as connection:

        def found(since: datetime | None, oldest: datetime) -> tuple[list[str], int]:
            some, older = store.became_available(connection, ["en"], since, FOREVER, oldest)
            return [one.story_key for one in some], older

        assert found(None, published) == (["c", "a"], 0)
        assert found(None, published + HOUR) == (["c"], 1)
        assert found(None, FOREVER) == ([], 2)
        assert found(NOW, FOREVER) == ([], 1)


def test_variants_are_the_publishable_articles_of_a_story(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "MAX_SQL_PARAMETERS", 1)
    with publication.database.reading() as connection:
        ids = {one.story_key: one.story_id for one in store.all_articles(connection)}
        found = store.variants(connection, ids.values(), NOW)
        assert store.variants(connection, [], NOW) == {}
    assert {number: [one.language for one in some] for number, some in found.items()} == {
        ids["a"]: ["ar", "en"]
    }


def test_articles_are_found_by_their_ids(publication: PublicationFolder) -> None:
    with publication.database.reading() as connection:
        every = list(store.all_articles(connection))
        found = store.articles_by_id(connection, [one.id for one in every[:2]] + [999])
    assert found == {one.id: one for one in every[:2]}


def test_counts_add_up(publication: PublicationFolder) -> None:
    with publication.database.reading() as connection:
        assert store.held_back(connection, ["en"]) == {ArticleStatus.STALE: 1}
        assert store.held_back(connection, ["ar"]) == {}
        assert store.count_articles_by_language(connection) == {"en": 3, "ar": 1}
        assert store.count_stories(connection) == 3
        assert store.count_conversions(connection) == {}
        assert [path for path, _reason in quarantined_items(connection)] == ["en/d.md"]


def test_pages_are_due_until_they_are_written(publication: PublicationFolder) -> None:
    with publication.database.writing() as connection:
        due = store.articles_without_page(connection, NOW, 10)
        assert [one.story_key for one in due] == ["a", "a"]  # b is held back
        assert store.count_articles_without_page(connection, NOW) == 2
        assert store.articles_without_page(connection, NOW, 1) == due[:1]
        store.mark_article_pages_written(connection, [])
        store.mark_article_pages_written(connection, [one.id for one in due])
        assert store.articles_without_page(connection, NOW, 10) == []
        assert store.count_articles_without_page(connection, NOW) == 0
        assert store.count_articles_without_page(connection, FOREVER) == 1
        assert [
            one.story_key for one in store.articles_without_page(connection, FOREVER, 10)
        ] == ["c"]
