"""Entries and positions when articles are added, changed and withdrawn, in a real database."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from publisher.articles.tables import article
from publisher.syndication.change_log import record_changes
from publisher.syndication.tables import feed, feed_archive, feed_entry, feed_position
from tests.publisher.conftest import NOW, PublicationFolder

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def record(publication: PublicationFolder) -> int:
    publication.pick_up()
    return record_changes(
        publication.database, publication.settings.publication, publication.clock.now()
    )


def positions(publication: PublicationFolder, name: str) -> list[tuple[str, str]]:
    """Return the positions of a feed in order: entry and state."""
    query = (
        select(feed_entry.c.tag, feed_position.c.state)
        .join(feed_position, feed_position.c.entry_id == feed_entry.c.id)
        .join(feed, feed.c.id == feed_position.c.feed_id)
        .where(feed.c.name == name)
        .order_by(feed_position.c.position)
    )
    with publication.database.reading() as connection:
        rows = connection.execute(query).all()
    return [(tag.partition(":")[2].partition(":")[2], state) for tag, state in rows]


def present(publication: PublicationFolder, name: str) -> list[str]:
    return [tag for tag, state in positions(publication, name) if state == "present"]


def entries(publication: PublicationFolder) -> dict[str, dict[str, Any]]:
    return {row["tag"].rpartition(":")[2]: row for row in publication.rows(feed_entry)}


def due(publication: PublicationFolder) -> set[str]:
    return {row["name"] for row in publication.rows(feed) if row["due"]}


def settle(publication: PublicationFolder) -> None:
    """Mark all feeds as written."""
    with publication.database.writing() as connection:
        connection.execute(feed.update().values(due=False))


def archive(publication: PublicationFolder, name: str, last: int) -> None:
    """Archive a feed's positions up to `last`."""
    with publication.database.writing() as connection:
        number = select(feed.c.id).where(feed.c.name == name).scalar_subquery()
        row = {"feed_id": number, "number": 1, "first": 1, "last": last, "due": False}
        connection.execute(insert(feed_archive).values(row))


def test_an_article_is_in_the_feeds_of_its_language_topics_authors_and_all(
    publication: PublicationFolder,
) -> None:
    publication.write(
        "en/fog.md",
        title="Fog",
        date="2026-01-05",
        topics="[Sea, Weather]",
        author="Ann Example",
    )
    assert record(publication) == 1
    names = {row["name"] for row in publication.rows(feed)}
    assert names == {
        "all",
        "en",
        "en/topics/sea",
        "en/topics/weather",
        "en/authors/ann-example",
    }
    assert all(present(publication, name) == ["fog/en"] for name in names)
    assert due(publication) == names
    # What was recorded is not examined again.
    settle(publication)
    assert record(publication) == 0
    assert not due(publication)


def test_new_entries_are_in_the_order_of_publication(publication: PublicationFolder) -> None:
    for day, name in ((7, "c"), (5, "a"), (6, "b")):
        publication.write(f"en/{name}.md", title=name, date=f"2026-01-0{day}")
    record(publication)
    assert present(publication, "en") == ["a/en", "b/en", "c/en"]


def test_a_late_translation_is_the_newest_entry_of_its_feed(
    publication: PublicationFolder,
) -> None:
    publication.write("en/fog.md", title="Fog", date="2026-01-01")
    publication.write("ar/tide.md", title="المد", date="2026-01-08")
    record(publication)
    publication.at(NOW + 20 * DAY).write("ar/fog.md", title="الضباب", date="2026-01-01")
    record(publication)
    assert present(publication, "ar") == ["tide/ar", "fog/ar"]


def test_an_edit_changes_updated_and_keeps_the_position(publication: PublicationFolder) -> None:
    publication.write("en/fog.md", "Old words.", title="Fog", date="2026-01-05")
    publication.write("en/tide.md", title="Tide", date="2026-01-06")
    record(publication)
    before = entries(publication)["fog/en"]["updated"]
    publication.at(NOW + DAY).write("en/fog.md", "New words.", title="Fog", date="2026-01-05")
    record(publication)
    assert entries(publication)["fog/en"]["updated"] == round((NOW + DAY).timestamp()) > before
    assert present(publication, "en") == ["fog/en", "tide/en"]


@pytest.mark.parametrize(
    ("archived", "marked"), [((), {"en", "ar", "all"}), (("en", "all"), {"ar", "all"})]
)
def test_a_new_translation_changes_no_date_and_makes_feeds_due_but_for_an_archived_entry(
    publication: PublicationFolder, archived: tuple[str, ...], marked: set[str]
) -> None:
    publication.write("en/fog.md", title="Fog", date="2026-01-05")
    record(publication)
    before = entries(publication)["fog/en"]["updated"]
    for name in archived:
        archive(publication, name, last=1)
    settle(publication)
    publication.at(NOW + DAY).write("ar/fog.md", title="الضباب", date="2026-01-05")
    record(publication)
    assert entries(publication)["fog/en"]["updated"] == before
    assert due(publication) == marked


def test_a_withdrawn_article_leaves_all_feeds_and_makes_its_archive_due(
    publication: PublicationFolder,
) -> None:
    file = publication.write("en/fog.md", title="fog", date="2026-01-05", topics="[Sea]")
    publication.write("en/tide.md", title="tide", date="2026-01-06")
    record(publication)
    archive(publication, "en", last=1)
    file.unlink()
    publication.at(NOW + DAY)
    record(publication)
    assert positions(publication, "en") == [("fog/en", "withdrawn"), ("tide/en", "present")]
    assert present(publication, "en/topics/sea") == []
    assert entries(publication)["fog/en"]["withdrawn_at"] == NOW + DAY
    assert [row["due"] for row in publication.rows(feed_archive)] == [True]


def test_a_revised_archived_article_keeps_its_position_until_it_is_withdrawn(
    publication: PublicationFolder,
) -> None:
    file = publication.write("en/fog.md", "Old.", title="fog", date="2026-01-05")
    record(publication)
    archive(publication, "en", last=1)
    settle(publication)
    publication.at(NOW + DAY).write("en/fog.md", "New.", title="fog", date="2026-01-05")
    record(publication)
    assert positions(publication, "en") == [("fog/en", "present")]
    assert [row["due"] for row in publication.rows(feed_archive)] == [True]
    assert due(publication) == {"all"}
    file.unlink()
    publication.at(NOW + 2 * DAY)
    record(publication)
    assert positions(publication, "en") == [("fog/en", "withdrawn")]


def test_an_old_entry_that_comes_into_a_feed_stands_before_newer_ones(
    publication: PublicationFolder,
) -> None:
    for day, topic in ((4, "Air"), (5, "Sea"), (6, "Sea")):
        publication.write(
            f"en/{day}.md", title="x", date=f"2026-01-0{day}", topics=f"[{topic}]"
        )
    record(publication)
    publication.write("en/4.md", title="x", date="2026-01-04", topics="[Sea]")
    record(publication)
    assert present(publication, "en/topics/sea") == ["4/en", "5/en", "6/en"]


def test_a_restored_article_keeps_its_id_and_gets_a_new_position_and_later_date(
    publication: PublicationFolder,
) -> None:
    file = publication.write("en/fog.md", title="fog", date="2026-01-05")
    record(publication)
    words = file.read_text()
    file.unlink()
    publication.at(NOW + DAY)
    record(publication)
    file.write_text(words)
    record(publication)
    back = entries(publication)["fog/en"]
    assert back["withdrawn_at"] is None
    assert back["updated"] > (NOW + DAY).timestamp()
    assert positions(publication, "en") == [("fog/en", "withdrawn"), ("fog/en", "present")]


def test_an_embargoed_article_is_recorded_when_the_embargo_ends_and_hidden_by_another_one(
    publication: PublicationFolder,
) -> None:
    publication.write("en/fog.md", title="fog", date="2026-01-12 08:00")
    assert record(publication) == 0
    assert not publication.rows(feed_entry)
    publication.at(datetime(2026, 1, 12, 8, tzinfo=UTC))
    assert record(publication) == 1
    assert present(publication, "en") == ["fog/en"]
    publication.write("en/fog.md", title="fog", date="2026-01-14")
    record(publication)
    assert present(publication, "en") == []
    publication.at(datetime(2026, 1, 14, tzinfo=UTC))
    record(publication)
    assert present(publication, "en") == ["fog/en"]


def test_an_article_that_loses_a_topic_leaves_no_tombstone_in_its_feed(
    publication: PublicationFolder,
) -> None:
    publication.write("en/fog.md", title="fog", date="2026-01-05", topics="[Sea, Air]")
    record(publication)
    publication.write("en/fog.md", title="fog", date="2026-01-05", topics="[Air]")
    record(publication)
    assert positions(publication, "en/topics/sea") == []
    assert present(publication, "en/topics/air") == ["fog/en"]


def test_ids_do_not_change_with_title_slug_or_host(publication: PublicationFolder) -> None:
    publication.write("en/fog.md", title="Fog", date="2026-01-05", permalink="/fog/")
    record(publication)
    before = [row["tag"] for row in publication.rows(feed_entry)]
    publication.reload(url="https://other.example.net/blog", since=1999)
    publication.write("en/fog.md", title="Mist", date="2026-01-05", permalink="/mist/")
    record(publication)
    assert [row["tag"] for row in publication.rows(feed_entry)] == before


def test_topics_that_differ_in_case_share_a_feed(publication: PublicationFolder) -> None:
    publication.write("en/a.md", title="a", date="2026-01-05", topics="[Sea]")
    publication.write("en/b.md", title="b", date="2026-01-06", topics="[sea, SEA]")
    record(publication)
    assert present(publication, "en/topics/sea") == ["a/en", "b/en"]
    titles = [row["title"] for row in publication.rows(feed) if row["kind"] == "topic"]
    assert titles == ["Sea"]


def test_topics_with_the_same_slug_have_different_feeds(publication: PublicationFolder) -> None:
    publication.write("en/a.md", title="a", date="2026-01-05", topics='["C", "C++"]')
    record(publication)
    names = [row["name"] for row in publication.rows(feed) if row["kind"] == "topic"]
    assert len(names) == len(set(names)) == 2
    assert "en/topics/c" in names


def test_a_language_added_to_the_publication_gets_its_entries(
    publication: PublicationFolder,
) -> None:
    from publisher.syndication.change_log import mark_all_articles_changed

    publication.reload(languages=["en"])
    publication.write("en/fog.md", title="fog", date="2026-01-05")
    publication.write("ar/fog.md", title="الضباب", date="2026-01-05")
    record(publication)
    publication.reload(languages=["en", "ar"])
    with publication.database.writing() as connection:
        mark_all_articles_changed(connection)
    record(publication)
    assert present(publication, "ar") == ["fog/ar"]


@pytest.mark.parametrize("language", ["en", "ar"])
def test_an_article_whose_language_is_corrected_is_a_new_entry(
    publication: PublicationFolder, language: str
) -> None:
    other = {"en": "ar", "ar": "en"}[language]
    publication.write("fog.md", title="fog", date="2026-01-05", lang=language)
    record(publication)
    publication.at(NOW + DAY).write("fog.md", title="fog", date="2026-01-05", lang=other)
    record(publication)
    assert present(publication, language) == []
    assert present(publication, other) == [f"fog/{other}"]


def test_the_end_of_a_translation_s_embargo_updates_entries_that_link_to_it(
    publication: PublicationFolder,
) -> None:
    publication.write("en/fog.md", title="fog", date="2026-01-05")
    publication.write("ar/fog.md", title="الضباب", date="2026-01-12")
    record(publication)
    before = {row["name"]: row["updated_at"] for row in publication.rows(feed)}
    settle(publication)
    with publication.database.writing() as connection:
        connection.execute(update(article).values(page_hash="written"))
    publication.at(datetime(2026, 1, 12, tzinfo=UTC))
    assert record(publication) == 1
    assert due(publication) == {"ar", "en", "all"}
    assert [
        row["language"] for row in publication.rows(article) if row["page_hash"] is None
    ] == ["en"]
    after = {row["name"]: row["updated_at"] for row in publication.rows(feed)}
    assert after["en"] == before["en"]


def test_setting_the_clock_back_withdraws_nothing(publication: PublicationFolder) -> None:
    publication.write("en/fog.md", title="fog", date="2026-01-05")
    record(publication)
    publication.at(NOW - 5 * HOUR).write("ar/fog.md", title="الضباب", date="2026-01-05")
    record(publication)
    assert present(publication, "en") == ["fog/en"]
    assert present(publication, "ar") == ["fog/ar"]


def test_a_tombstone_is_later_than_its_entry(publication: PublicationFolder) -> None:
    file = publication.write("en/fog.md", title="fog")
    record(publication)
    for words in ("Once.", "Twice.", "Thrice."):
        publication.write("en/fog.md", words, title="fog")
        record(publication)
    file.unlink()
    record(publication)
    gone = entries(publication)["fog/en"]
    assert gone["withdrawn_at"].timestamp() > gone["updated"]


def test_archives_do_not_change_with_translations(publication: PublicationFolder) -> None:
    publication.write("en/fog.md", title="fog", date="2026-01-05")
    file = publication.write("ar/fog.md", title="الضباب", date="2026-01-05")
    record(publication)
    archive(publication, "en", last=1)
    settle(publication)
    publication.write("ar/fog.md", title="المطر", date="2026-01-05")
    record(publication.at(NOW + HOUR))
    file.unlink()
    record(publication)
    assert [row["due"] for row in publication.rows(feed_archive)] == [False]
    # The subscription document does not have the entry.
    assert "en" not in due(publication)


def test_invisible_names_have_no_feed(publication: PublicationFolder) -> None:
    publication.write(
        "en/fog.md", title="fog", date="2026-01-05", author='"\\u200b"', topics='["\\u2060"]'
    )
    record(publication)
    assert {row["kind"] for row in publication.rows(feed)} == {"language", "all"}


def test_an_unchanged_article_that_is_examined_again_changes_no_entry(
    publication: PublicationFolder,
) -> None:
    publication.write("en/fog.md", title="fog", date="2026-01-05")
    record(publication)
    before = entries(publication)
    with publication.database.writing() as connection:
        connection.execute(update(article).values(feed_hash=None))
    assert record(publication) == 1
    assert entries(publication) == before


def test_an_author_s_feed_has_the_newest_affiliation(publication: PublicationFolder) -> None:
    for day, name in ((5, "Institute A"), (6, "Institute B")):
        publication.write(
            f"en/{day}.md",
            title="x",
            date=f"2026-01-0{day}",
            author="Ann Example",
            affiliation=name,
        )
        record(publication)
    assert [
        row["affiliation"] for row in publication.rows(feed) if row["kind"] == "author"
    ] == ["Institute B"]
