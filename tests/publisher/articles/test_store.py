"""Articles as they are stored."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection

from publisher.articles import store
from publisher.articles.model import ArticleStatus, Attachment, Byline, ParsedArticle, Picture
from publisher.articles.store import content_hash, publication_time
from publisher.database import engine
from publisher.ingest.pickup.upsert import content_columns
from publisher.ingest.problems import quarantined_items
from tests.publisher.conftest import FOREVER, NOW, PublicationFolder

# The questions that others ask about articles.


HOUR = timedelta(hours=1)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture
def publication(publication: PublicationFolder) -> PublicationFolder:
    """Three stories: one in two languages, one held back, one under embargo."""
    publication.write("en/a.md", title="A", date="2026-01-07")
    publication.write("ar/a.md", title="A in Arabic", date="2026-01-07")
    publication.write("en/b.md", title="B", date="2026-01-08", status="stale")
    publication.write("en/c.md", title="C", date="2026-01-10")
    publication.pick_up_file("en/d.md", b"\xff")
    return publication


def test_the_newest_articles_come_first_up_to_the_limit(connection: Connection) -> None:
    found = store.newest_articles(connection, "en", FOREVER, 10)
    assert [one.story_key for one in found] == ["c", "a"]
    assert store.newest_articles(connection, "en", FOREVER, 1) == found[:1]
    assert [one.story_key for one in store.newest_articles(connection, "en", NOW, 10)] == ["a"]


def test_articles_become_available_after_since_and_up_to_until(connection: Connection) -> None:
    def keys(since: datetime | None, until: datetime) -> list[str]:
        found, older = store.became_available(connection, ["en", "ar"], since, until, LONG_AGO)
        assert older == 0
        return [f"{one.story_key} {one.language}" for one in found]

    assert sorted(keys(None, NOW)) == ["a ar", "a en"]
    assert keys(NOW - HOUR, NOW - timedelta(seconds=1)) == []
    assert keys(NOW, NOW + HOUR) == []
    assert keys(NOW, FOREVER) == ["c en"]


def test_articles_published_before_the_oldest_are_only_counted(
    publication: PublicationFolder, connection: Connection
) -> None:
    published = publication.one("a").published_at

    def found(since: datetime | None, oldest: datetime) -> tuple[list[str], int]:
        some, older = store.became_available(connection, ["en"], since, FOREVER, oldest)
        return [one.story_key for one in some], older

    assert found(None, published) == (["c", "a"], 0)
    assert found(None, published + HOUR) == (["c"], 1)
    assert found(None, FOREVER) == ([], 2)
    assert found(NOW, FOREVER) == ([], 1)


def test_variants_are_the_publishable_articles_of_a_story(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "MAX_SQL_PARAMETERS", 1)
    ids = {one.story_key: one.story_id for one in store.all_articles(connection)}
    found = store.variants(connection, ids.values(), NOW)
    assert store.variants(connection, [], NOW) == {}
    assert found.keys() == {ids["a"]}
    assert [article.language for article in found[ids["a"]]] == ["ar", "en"]


def test_articles_are_found_by_their_ids_and_counted(connection: Connection) -> None:
    every = list(store.all_articles(connection))
    found = store.articles_by_id(connection, [one.id for one in every[:2]] + [999])
    assert found == {one.id: one for one in every[:2]}
    assert store.held_back(connection, ["en"]) == {ArticleStatus.STALE: 1}
    assert store.held_back(connection, ["ar"]) == {}
    assert store.count_articles_by_language(connection) == {"en": 3, "ar": 1}
    assert store.count_stories(connection) == 3
    assert store.count_conversions(connection) == {}
    assert [path for path, _reason in quarantined_items(connection)] == ["en/d.md"]


def test_pages_are_due_until_they_are_written(connection: Connection) -> None:
    due = store.articles_without_page(connection, NOW, 10)
    assert [one.story_key for one in due] == ["a", "a"]  # b is held back
    assert store.count_articles_without_page(connection, NOW) == 2
    assert store.articles_without_page(connection, NOW, 1) == due[:1]
    store.mark_article_pages_written(connection, [])
    store.mark_article_pages_written(connection, [one.id for one in due])
    assert store.articles_without_page(connection, NOW, 10) == []
    assert store.count_articles_without_page(connection, NOW) == 0
    assert store.count_articles_without_page(connection, FOREVER) == 1
    due = store.articles_without_page(connection, FOREVER, 10)
    assert [article.story_key for article in due] == ["c"]


# Between a draft and the columns of its row.


HONG_KONG = ZoneInfo("Asia/Hong_Kong")
DRAFT = ParsedArticle(title="T", html="<p>Some words.</p>", text="Some words.")
DAY = date(2026, 1, 9)
SOUND = Attachment(src="/media/x.mp3", media_type="audio/mpeg", length=17)


def test_a_date_or_time_is_the_publications_unless_it_has_an_offset() -> None:
    found = publication_time(datetime(2026, 1, 9, 7, 30), HONG_KONG)  # noqa: DTZ001  # as it is written
    assert (found.day, found.at) == (DAY, datetime(2026, 1, 8, 23, 30, tzinfo=UTC))
    written = datetime(2026, 1, 8, 20, 0, 0, 999, tzinfo=timezone(timedelta(hours=-1)))
    found = publication_time(written, HONG_KONG, NOW)
    assert (found.day, found.at) == (DAY, datetime(2026, 1, 8, 21, tzinfo=UTC))


@pytest.mark.parametrize(
    ("zone", "seen", "at"),
    [
        # Nobody has seen it, or it is still to come: midnight, from which on it may be shown.
        ("Asia/Hong_Kong", None, "2026-01-08T16:00"),
        ("Asia/Hong_Kong", "2026-01-08T15:00", "2026-01-08T16:00"),
        # Never later than it was seen.
        ("Asia/Hong_Kong", "2026-01-08T23:30", "2026-01-08T23:30"),
        ("Asia/Hong_Kong", "2026-01-09T11:59", "2026-01-09T11:59"),
        # Later on, the same day nearly everywhere.
        ("Asia/Hong_Kong", "2026-01-12T09:00", "2026-01-09T12:00"),
        ("America/New_York", "2026-01-10T04:00", "2026-01-09T12:00"),
        ("Pacific/Kiritimati", "2026-01-12T09:00", "2026-01-09T09:00"),
        ("Etc/GMT+12", "2026-01-12T09:00", "2026-01-09T12:00"),
    ],
)
def test_a_bare_date_is_a_moment_of_its_day_nearly_everywhere_and_never_to_come(
    zone: str, seen: str | None, at: str
) -> None:
    moment = datetime.fromisoformat(f"{seen}:00.5+00:00") if seen else None
    found = publication_time(DAY, ZoneInfo(zone), moment)
    assert (found.day, found.at.isoformat()) == (DAY, f"{at}:00+00:00")
    if at.endswith("T12:00"):
        days = [(found.at + timedelta(hours=hours)).date() for hours in range(-12, 12)]
        assert {*days} == {DAY}


def test_a_summary_is_made_where_none_is_and_every_field_of_an_attachment_counts() -> None:
    assert content_columns(DRAFT, "en", DAY)["summary"] == "Some words."
    assert content_columns(replace(DRAFT, summary="Mine."), "en", DAY)["summary"] == "Mine."
    changes: list[dict[str, Any]] = [{"src": "/media/y.mp3"}, {"media_type": "audio/mp4"}]
    changes += [{}, {"length": 18}, {"title": "A talk"}, {"duration": 60}]
    drafts = [replace(DRAFT, attachments=(replace(SOUND, **one),)) for one in changes]
    hashes = {content_columns(one, "en", DAY)["content_hash"] for one in drafts}
    assert len(hashes) == len(changes)


@pytest.mark.parametrize(
    "other",
    [
        replace(DRAFT, title="U"),
        replace(DRAFT, html="<p>Some <b>words</b>.</p>"),
        replace(DRAFT, bylines=(Byline(name="Ann Example"),)),
        replace(DRAFT, topics=("maps",)),
        replace(DRAFT, picture=Picture(src="/media/x.png", alt="X")),
        replace(DRAFT, picture=Picture(src="/media/x.png", credit="Ann Example")),
        replace(DRAFT, url="https://example.org/t"),
        replace(DRAFT, attachments=(SOUND,)),
    ],
)
def test_every_visible_column_counts_in_the_hash(other: ParsedArticle) -> None:
    mine, its = content_columns(DRAFT, "en", DAY), content_columns(other, "en", DAY)
    assert mine["content_hash"] != its["content_hash"]


def test_a_picture_without_caption_and_credit_is_stored_as_before_there_were_any() -> None:
    drawn: dict[str, Any] = {"src": "/media/x.png", "alt": "X", "width": 8, "height": None}
    for words in ({}, {"caption": "Low tide"}, {"credit": "Ann Example"}):
        one = replace(DRAFT, picture=Picture(**(drawn | words)))
        assert content_columns(one, "en", DAY)["picture"] == drawn | words


def test_neither_invisible_columns_nor_order_nor_empty_lists_count_in_the_hash() -> None:
    other = replace(DRAFT, key="k", permalink="/p/")
    assert content_columns(other, "en", DAY) == content_columns(DRAFT, "en", DAY)
    assert content_hash({"a": 1, "attachments": []}) == content_hash({"a": 1})
    assert content_hash({"a": 1, "b": DAY}) == content_hash({"b": DAY, "a": 1})
