"""Entries and positions when articles are added, changed and withdrawn, in a real database."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from publisher.articles.tables import article
from publisher.syndication.change_log import record_changes
from publisher.syndication.tables import feed, feed_archive, feed_entry, feed_position
from tests.publisher.conftest import NOW, House

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def record(house: House) -> int:
    house.pick_up()
    return record_changes(house.database, house.settings.publication, house.clock.now())


def positions(house: House, name: str) -> list[tuple[str, str]]:
    """Return the positions of a feed in order: entry and state."""
    query = (
        select(feed_entry.c.tag, feed_position.c.state)
        .join(feed_position, feed_position.c.entry_id == feed_entry.c.id)
        .join(feed, feed.c.id == feed_position.c.feed_id)
        .where(feed.c.name == name)
        .order_by(feed_position.c.position)
    )
    with house.database.reading() as connection:
        rows = connection.execute(query).all()
    return [(tag.partition(":")[2].partition(":")[2], state) for tag, state in rows]


def present(house: House, name: str) -> list[str]:
    return [tag for tag, state in positions(house, name) if state == "present"]


def entries(house: House) -> dict[str, dict[str, Any]]:
    return {row["tag"].rpartition(":")[2]: row for row in house.rows(feed_entry)}


def due(house: House) -> set[str]:
    return {row["name"] for row in house.rows(feed) if row["due"]}


def settle(house: House) -> None:
    """Mark all feeds as written."""
    with house.database.writing() as connection:
        connection.execute(feed.update().values(due=False))


def archive(house: House, name: str, last: int) -> None:
    """Archive a feed's positions up to `last`."""
    with house.database.writing() as connection:
        number = select(feed.c.id).where(feed.c.name == name).scalar_subquery()
        row = {"feed_id": number, "number": 1, "first": 1, "last": last, "due": False}
        connection.execute(insert(feed_archive).values(row))


def test_an_article_is_in_the_feeds_of_its_language_topics_authors_and_all(
    house: House,
) -> None:
    house.write(
        "en/fog.md",
        title="Fog",
        date="2026-01-05",
        topics="[Sea, Weather]",
        author="Ann Example",
    )
    assert record(house) == 1
    names = {row["name"] for row in house.rows(feed)}
    assert names == {
        "all",
        "en",
        "en/topics/sea",
        "en/topics/weather",
        "en/authors/ann-example",
    }
    assert all(present(house, name) == ["fog/en"] for name in names)
    assert due(house) == names


def test_recorded_articles_are_not_examined_again(house: House) -> None:
    house.write("en/fog.md", title="Fog", date="2026-01-05")
    assert record(house) == 1
    settle(house)
    assert record(house) == 0
    assert not due(house)


def test_new_entries_are_in_the_order_of_publication(house: House) -> None:
    for day, name in ((7, "c"), (5, "a"), (6, "b")):
        house.write(f"en/{name}.md", title=name, date=f"2026-01-0{day}")
    record(house)
    assert present(house, "en") == ["a/en", "b/en", "c/en"]


def test_a_late_translation_is_the_newest_entry_of_its_feed(house: House) -> None:
    house.write("en/fog.md", title="Fog", date="2026-01-01")
    house.write("ar/tide.md", title="المد", date="2026-01-08")
    record(house)
    house.at(NOW + 20 * DAY).write("ar/fog.md", title="الضباب", date="2026-01-01")
    record(house)
    assert present(house, "ar") == ["tide/ar", "fog/ar"]


def test_an_edit_changes_updated_and_keeps_the_position(house: House) -> None:
    house.write("en/fog.md", "Old words.", title="Fog", date="2026-01-05")
    house.write("en/tide.md", title="Tide", date="2026-01-06")
    record(house)
    before = entries(house)["fog/en"]["updated"]
    house.at(NOW + DAY).write("en/fog.md", "New words.", title="Fog", date="2026-01-05")
    record(house)
    assert entries(house)["fog/en"]["updated"] == round((NOW + DAY).timestamp()) > before
    assert present(house, "en") == ["fog/en", "tide/en"]


def test_a_new_translation_makes_feeds_due_and_changes_no_date(house: House) -> None:
    house.write("en/fog.md", title="Fog", date="2026-01-05")
    record(house)
    before = entries(house)["fog/en"]["updated"]
    settle(house)
    house.at(NOW + DAY).write("ar/fog.md", title="الضباب", date="2026-01-05")
    record(house)
    assert entries(house)["fog/en"]["updated"] == before
    assert due(house) == {"en", "ar", "all"}


def test_a_new_translation_of_an_archived_entry_makes_its_feed_not_due(house: House) -> None:
    house.write("en/fog.md", title="fog", date="2026-01-05")
    record(house)
    for name in ("en", "all"):
        archive(house, name, last=1)
    settle(house)
    house.at(NOW + DAY).write("ar/fog.md", title="الضباب", date="2026-01-05")
    record(house)
    assert due(house) == {"ar", "all"}


def test_a_withdrawn_article_leaves_all_feeds_and_makes_its_archive_due(house: House) -> None:
    file = house.write("en/fog.md", title="fog", date="2026-01-05", topics="[Sea]")
    house.write("en/tide.md", title="tide", date="2026-01-06")
    record(house)
    archive(house, "en", last=1)
    file.unlink()
    house.at(NOW + DAY)
    record(house)
    assert positions(house, "en") == [("fog/en", "withdrawn"), ("tide/en", "present")]
    assert present(house, "en/topics/sea") == []
    assert entries(house)["fog/en"]["withdrawn_at"] == NOW + DAY
    assert [row["due"] for row in house.rows(feed_archive)] == [True]


def test_the_archived_old_version_of_a_withdrawn_article_is_withdrawn(house: House) -> None:
    file = house.write("en/fog.md", "Old.", title="fog", date="2026-01-05")
    record(house)
    archive(house, "en", last=1)
    house.at(NOW + DAY).write("en/fog.md", "New.", title="fog", date="2026-01-05")
    record(house)
    file.unlink()
    house.at(NOW + 2 * DAY)
    record(house)
    assert positions(house, "en") == [("fog/en", "withdrawn"), ("fog/en", "withdrawn")]
    assert [row["due"] for row in house.rows(feed_archive)] == [True]


def test_a_restored_article_keeps_its_id_and_gets_a_new_position_and_later_date(
    house: House,
) -> None:
    file = house.write("en/fog.md", title="fog", date="2026-01-05")
    record(house)
    words = file.read_text()
    file.unlink()
    house.at(NOW + DAY)
    record(house)
    file.write_text(words)
    record(house)
    back = entries(house)["fog/en"]
    assert back["withdrawn_at"] is None
    assert back["updated"] > (NOW + DAY).timestamp()
    assert positions(house, "en") == [("fog/en", "withdrawn"), ("fog/en", "present")]


def test_an_embargoed_article_is_recorded_when_the_embargo_ends(house: House) -> None:
    house.write("en/fog.md", title="fog", date="2026-01-12 08:00")
    assert record(house) == 0
    assert not house.rows(feed_entry)
    house.at(datetime(2026, 1, 12, 8, tzinfo=UTC))
    assert record(house) == 1
    assert present(house, "en") == ["fog/en"]


def test_an_article_that_gets_an_embargo_later_is_hidden_until_it_ends(house: House) -> None:
    house.write("en/fog.md", title="fog", date="2026-01-05")
    record(house)
    house.write("en/fog.md", title="fog", date="2026-01-12")
    record(house)
    assert present(house, "en") == []
    house.at(datetime(2026, 1, 12, tzinfo=UTC))
    record(house)
    assert present(house, "en") == ["fog/en"]


def test_an_article_that_loses_a_topic_leaves_no_tombstone_in_its_feed(house: House) -> None:
    house.write("en/fog.md", title="fog", date="2026-01-05", topics="[Sea, Air]")
    record(house)
    house.write("en/fog.md", title="fog", date="2026-01-05", topics="[Air]")
    record(house)
    assert positions(house, "en/topics/sea") == []
    assert present(house, "en/topics/air") == ["fog/en"]


def test_ids_do_not_change_with_title_slug_or_host(house: House) -> None:
    house.write("en/fog.md", title="Fog", date="2026-01-05", permalink="/fog/")
    record(house)
    before = [row["tag"] for row in house.rows(feed_entry)]
    house.reload(url="https://other.example.net/blog", since=1999)
    house.write("en/fog.md", title="Mist", date="2026-01-05", permalink="/mist/")
    record(house)
    assert [row["tag"] for row in house.rows(feed_entry)] == before


def test_topics_that_differ_in_case_share_a_feed(house: House) -> None:
    house.write("en/a.md", title="a", date="2026-01-05", topics="[Sea]")
    house.write("en/b.md", title="b", date="2026-01-06", topics="[sea, SEA]")
    record(house)
    assert present(house, "en/topics/sea") == ["a/en", "b/en"]
    titles = [row["title"] for row in house.rows(feed) if row["kind"] == "topic"]
    assert titles == ["Sea"]


def test_topics_with_the_same_slug_have_different_feeds(house: House) -> None:
    house.write("en/a.md", title="a", date="2026-01-05", topics='["C", "C++"]')
    record(house)
    names = [row["name"] for row in house.rows(feed) if row["kind"] == "topic"]
    assert len(names) == len(set(names)) == 2
    assert "en/topics/c" in names


def test_a_language_added_to_the_publication_gets_its_entries(house: House) -> None:
    from publisher.syndication.change_log import mark_all_articles_changed

    house.reload(languages=["en"])
    house.write("en/fog.md", title="fog", date="2026-01-05")
    house.write("ar/fog.md", title="الضباب", date="2026-01-05")
    record(house)
    house.reload(languages=["en", "ar"])
    with house.database.writing() as connection:
        mark_all_articles_changed(connection)
    record(house)
    assert present(house, "ar") == ["fog/ar"]


@pytest.mark.parametrize("language", ["en", "ar"])
def test_an_article_whose_language_is_corrected_is_a_new_entry(
    house: House, language: str
) -> None:
    other = {"en": "ar", "ar": "en"}[language]
    house.write("fog.md", title="fog", date="2026-01-05", lang=language)
    record(house)
    house.at(NOW + DAY).write("fog.md", title="fog", date="2026-01-05", lang=other)
    record(house)
    assert present(house, language) == []
    assert present(house, other) == [f"fog/{other}"]


def test_the_end_of_a_translation_s_embargo_updates_entries_that_link_to_it(
    house: House,
) -> None:
    house.write("en/fog.md", title="fog", date="2026-01-05")
    house.write("ar/fog.md", title="الضباب", date="2026-01-12")
    record(house)
    before = {row["name"]: row["updated_at"] for row in house.rows(feed)}
    settle(house)
    with house.database.writing() as connection:
        connection.execute(update(article).values(page_hash="written"))
    house.at(datetime(2026, 1, 12, tzinfo=UTC))
    assert record(house) == 1
    assert due(house) == {"ar", "en", "all"}
    assert [row["language"] for row in house.rows(article) if row["page_hash"] is None] == [
        "en"
    ]
    after = {row["name"]: row["updated_at"] for row in house.rows(feed)}
    assert after["en"] == before["en"]


def test_setting_the_clock_back_withdraws_nothing(house: House) -> None:
    house.write("en/fog.md", title="fog", date="2026-01-05")
    record(house)
    house.at(NOW - 5 * HOUR).write("ar/fog.md", title="الضباب", date="2026-01-05")
    record(house)
    assert present(house, "en") == ["fog/en"]
    assert present(house, "ar") == ["fog/ar"]


def test_a_tombstone_is_later_than_its_entry(house: House) -> None:
    file = house.write("en/fog.md", title="fog")
    record(house)
    for words in ("Once.", "Twice.", "Thrice."):
        house.write("en/fog.md", words, title="fog")
        record(house)
    file.unlink()
    record(house)
    gone = entries(house)["fog/en"]
    assert gone["withdrawn_at"].timestamp() > gone["updated"]


def test_archives_that_link_to_a_withdrawn_translation_are_due(house: House) -> None:
    house.write("en/fog.md", title="fog", date="2026-01-05")
    file = house.write("ar/fog.md", title="الضباب", date="2026-01-05")
    record(house)
    archive(house, "en", last=1)
    settle(house)
    file.unlink()
    record(house)
    assert [row["due"] for row in house.rows(feed_archive)] == [True]
    assert "en" in due(house)


def test_invisible_names_have_no_feed(house: House) -> None:
    house.write(
        "en/fog.md", title="fog", date="2026-01-05", author='"\\u200b"', topics='["\\u2060"]'
    )
    record(house)
    assert {row["kind"] for row in house.rows(feed)} == {"language", "all"}


def test_an_unchanged_article_that_is_examined_again_changes_no_entry(house: House) -> None:
    house.write("en/fog.md", title="fog", date="2026-01-05")
    record(house)
    before = entries(house)
    with house.database.writing() as connection:
        connection.execute(update(article).values(feed_hash=None))
    assert record(house) == 1
    assert entries(house) == before


def test_an_author_s_feed_has_the_newest_affiliation(house: House) -> None:
    for day, name in ((5, "Institute A"), (6, "Institute B")):
        house.write(
            f"en/{day}.md",
            title="x",
            date=f"2026-01-0{day}",
            author="Ann Example",
            affiliation=name,
        )
        record(house)
    assert [row["affiliation"] for row in house.rows(feed) if row["kind"] == "author"] == [
        "Institute B"
    ]
