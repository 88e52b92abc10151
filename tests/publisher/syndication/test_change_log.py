"""What becomes of entries and places when articles come, change and go; over a real database."""

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


def note(house: House) -> int:
    house.pick_up()
    return record_changes(house.database, house.settings.publication, house.clock.now())


def places(house: House, name: str) -> list[tuple[str, str]]:
    """Give a feed's places in order: whose, and how they stand."""
    query = (
        select(feed_entry.c.tag, feed_position.c.standing)
        .join(feed_position, feed_position.c.entry_id == feed_entry.c.id)
        .join(feed, feed.c.id == feed_position.c.feed_id)
        .where(feed.c.name == name)
        .order_by(feed_position.c.position)
    )
    with house.database.reading() as connection:
        rows = connection.execute(query).all()
    return [(tag.partition(":")[2].partition(":")[2], standing) for tag, standing in rows]


def standing(house: House, name: str) -> list[str]:
    return [tag for tag, how in places(house, name) if how == "here"]


def entries(house: House) -> dict[str, dict[str, Any]]:
    return {row["tag"].rpartition(":")[2]: row for row in house.rows(feed_entry)}


def due(house: House) -> set[str]:
    return {row["name"] for row in house.rows(feed) if row["due"]}


def settle(house: House) -> None:
    """Let all feeds be written."""
    with house.database.writing() as connection:
        connection.execute(feed.update().values(due=False))


def close(house: House, name: str, last: int) -> None:
    """Let a feed's places up to one be closed."""
    with house.database.writing() as connection:
        number = select(feed.c.id).where(feed.c.name == name).scalar_subquery()
        row = {"feed_id": number, "number": 1, "first": 1, "last": last, "due": False}
        connection.execute(insert(feed_archive).values(row))


def test_an_article_stands_in_the_feeds_of_its_language_topics_authors_and_all(
    house: House,
) -> None:
    house.write(
        "en/fog.md",
        title="Fog",
        date="2026-01-05",
        topics="[Sea, Weather]",
        author="Ann Example",
    )
    assert note(house) == 1
    names = {row["name"] for row in house.rows(feed)}
    assert names == {
        "all",
        "en",
        "en/topics/sea",
        "en/topics/weather",
        "en/authors/ann-example",
    }
    assert all(standing(house, name) == ["fog/en"] for name in names)
    assert due(house) == names


def test_what_was_noted_is_not_looked_at_again(house: House) -> None:
    house.write("en/fog.md", title="Fog", date="2026-01-05")
    assert note(house) == 1
    settle(house)
    assert note(house) == 0
    assert not due(house)


def test_places_are_taken_in_the_order_of_publication(house: House) -> None:
    for day, name in ((7, "c"), (5, "a"), (6, "b")):
        house.write(f"en/{name}.md", title=name, date=f"2026-01-0{day}")
    note(house)
    assert standing(house, "en") == ["a/en", "b/en", "c/en"]


def test_a_late_translation_is_the_newest_of_its_feed(house: House) -> None:
    house.write("en/fog.md", title="Fog", date="2026-01-01")
    house.write("ar/tide.md", title="المد", date="2026-01-08")
    note(house)
    house.at(NOW + 20 * DAY).write("ar/fog.md", title="الضباب", date="2026-01-01")
    note(house)
    assert standing(house, "ar") == ["tide/ar", "fog/ar"]


def test_an_edit_moves_updated_and_keeps_the_place(house: House) -> None:
    house.write("en/fog.md", "Old words.", title="Fog", date="2026-01-05")
    house.write("en/tide.md", title="Tide", date="2026-01-06")
    note(house)
    before = entries(house)["fog/en"]["updated"]
    house.at(NOW + DAY).write("en/fog.md", "New words.", title="Fog", date="2026-01-05")
    note(house)
    assert entries(house)["fog/en"]["updated"] == round((NOW + DAY).timestamp()) > before
    assert standing(house, "en") == ["fog/en", "tide/en"]


def test_a_new_translation_makes_feeds_due_and_moves_no_date(house: House) -> None:
    house.write("en/fog.md", title="Fog", date="2026-01-05")
    note(house)
    before = entries(house)["fog/en"]["updated"]
    settle(house)
    house.at(NOW + DAY).write("ar/fog.md", title="الضباب", date="2026-01-05")
    note(house)
    assert entries(house)["fog/en"]["updated"] == before
    assert due(house) == {"en", "ar", "all"}


def test_an_edit_of_what_is_closed_takes_a_new_place(house: House) -> None:
    for day, name in ((5, "fog"), (6, "tide")):
        house.write(f"en/{name}.md", title=name, date=f"2026-01-0{day}")
    note(house)
    close(house, "en", last=1)
    house.at(NOW + DAY).write("en/fog.md", "New words.", title="fog", date="2026-01-05")
    note(house)
    assert places(house, "en") == [
        ("fog/en", "revised"),
        ("tide/en", "here"),
        ("fog/en", "here"),
    ]
    assert not any(row["due"] for row in house.rows(feed_archive))


def test_a_new_translation_of_what_is_closed_makes_nothing_due(house: House) -> None:
    house.write("en/fog.md", title="fog", date="2026-01-05")
    note(house)
    for name in ("en", "all"):
        close(house, name, last=1)
    settle(house)
    house.at(NOW + DAY).write("ar/fog.md", title="الضباب", date="2026-01-05")
    note(house)
    assert due(house) == {"ar", "all"}


def test_a_withdrawn_article_leaves_every_feed_and_opens_what_was_closed(house: House) -> None:
    file = house.write("en/fog.md", title="fog", date="2026-01-05", topics="[Sea]")
    house.write("en/tide.md", title="tide", date="2026-01-06")
    note(house)
    close(house, "en", last=1)
    file.unlink()
    house.at(NOW + DAY)
    note(house)
    assert places(house, "en") == [("fog/en", "gone"), ("tide/en", "here")]
    assert standing(house, "en/topics/sea") == []
    assert entries(house)["fog/en"]["gone_at"] == NOW + DAY
    assert [row["due"] for row in house.rows(feed_archive)] == [True]


def test_an_older_text_that_stands_closed_goes_with_its_article(house: House) -> None:
    file = house.write("en/fog.md", "Old.", title="fog", date="2026-01-05")
    note(house)
    close(house, "en", last=1)
    house.at(NOW + DAY).write("en/fog.md", "New.", title="fog", date="2026-01-05")
    note(house)
    file.unlink()
    house.at(NOW + 2 * DAY)
    note(house)
    assert places(house, "en") == [("fog/en", "gone"), ("fog/en", "gone")]
    assert [row["due"] for row in house.rows(feed_archive)] == [True]


def test_what_comes_back_has_its_id_a_new_place_and_a_later_date(house: House) -> None:
    file = house.write("en/fog.md", title="fog", date="2026-01-05")
    note(house)
    words = file.read_text()
    file.unlink()
    house.at(NOW + DAY)
    note(house)
    file.write_text(words)
    note(house)
    back = entries(house)["fog/en"]
    assert back["gone_at"] is None
    assert back["updated"] > (NOW + DAY).timestamp()
    assert places(house, "en") == [("fog/en", "gone"), ("fog/en", "here")]


def test_what_is_to_appear_later_waits_and_is_then_noted(house: House) -> None:
    house.write("en/fog.md", title="fog", date="2026-01-12 08:00")
    assert note(house) == 0
    assert not house.rows(feed_entry)
    house.at(datetime(2026, 1, 12, 8, tzinfo=UTC))
    assert note(house) == 1
    assert standing(house, "en") == ["fog/en"]


def test_what_is_put_under_embargo_again_is_hidden_until_then(house: House) -> None:
    house.write("en/fog.md", title="fog", date="2026-01-05")
    note(house)
    house.write("en/fog.md", title="fog", date="2026-01-12")
    note(house)
    assert standing(house, "en") == []
    house.at(datetime(2026, 1, 12, tzinfo=UTC))
    note(house)
    assert standing(house, "en") == ["fog/en"]


def test_a_topic_that_is_taken_away_leaves_no_tombstone(house: House) -> None:
    house.write("en/fog.md", title="fog", date="2026-01-05", topics="[Sea, Air]")
    note(house)
    house.write("en/fog.md", title="fog", date="2026-01-05", topics="[Air]")
    note(house)
    assert places(house, "en/topics/sea") == []
    assert standing(house, "en/topics/air") == ["fog/en"]


def test_a_title_a_slug_and_the_host_may_change_but_the_id_stays(house: House) -> None:
    house.write("en/fog.md", title="Fog", date="2026-01-05", permalink="/fog/")
    note(house)
    before = [row["tag"] for row in house.rows(feed_entry)]
    house.reload(url="https://other.example.net/blog", since=1999)
    house.write("en/fog.md", title="Mist", date="2026-01-05", permalink="/mist/")
    note(house)
    assert [row["tag"] for row in house.rows(feed_entry)] == before


def test_a_translation_by_hand_keeps_the_id_of_the_conversion(house: House) -> None:
    house.reload(
        newsletters=[{"edition": {"zh-Hant": {"missing": "convert"}}}],
    )
    house.write("zh-Hans/fog.md", "灯笼。", title="灯笼", date="2026-01-05")
    note(house)
    before = entries(house)["fog/zh-Hant"]
    house.at(NOW + DAY).write("zh-Hant/fog.md", "燈籠呀。", title="燈籠", date="2026-01-05")
    note(house)
    after = entries(house)["fog/zh-Hant"]
    assert (after["id"], after["article_id"]) == (before["id"], before["article_id"])
    assert after["updated"] > before["updated"]


def test_names_that_differ_in_case_are_one_topic(house: House) -> None:
    house.write("en/a.md", title="a", date="2026-01-05", topics="[Sea]")
    house.write("en/b.md", title="b", date="2026-01-06", topics="[sea, SEA]")
    note(house)
    assert standing(house, "en/topics/sea") == ["a/en", "b/en"]
    titles = [row["title"] for row in house.rows(feed) if row["kind"] == "topic"]
    assert titles == ["Sea"]


def test_names_that_look_alike_in_ascii_have_feeds_of_their_own(house: House) -> None:
    house.write("en/a.md", title="a", date="2026-01-05", topics='["C", "C++"]')
    note(house)
    names = [row["name"] for row in house.rows(feed) if row["kind"] == "topic"]
    assert len(names) == len(set(names)) == 2
    assert "en/topics/c" in names


def test_a_language_that_the_publication_takes_on_later_gets_its_entries(house: House) -> None:
    from publisher.syndication.change_log import mark_all_articles_changed

    house.reload(languages=["en"])
    house.write("en/fog.md", title="fog", date="2026-01-05")
    house.write("ar/fog.md", title="الضباب", date="2026-01-05")
    note(house)
    house.reload(languages=["en", "ar"])
    with house.database.writing() as connection:
        mark_all_articles_changed(connection)
    note(house)
    assert standing(house, "ar") == ["fog/ar"]


@pytest.mark.parametrize("language", ["en", "ar"])
def test_an_article_whose_language_was_wrong_is_a_new_entry(
    house: House, language: str
) -> None:
    other = {"en": "ar", "ar": "en"}[language]
    house.write("fog.md", title="fog", date="2026-01-05", lang=language)
    note(house)
    house.at(NOW + DAY).write("fog.md", title="fog", date="2026-01-05", lang=other)
    note(house)
    assert standing(house, language) == []
    assert standing(house, other) == [f"fog/{other}"]


def test_every_article_is_marked_in_the_end(house: House) -> None:
    house.write("en/a.md", title="a", date="2026-01-05")
    house.write("en/copy.md", title="a", date="2026-01-05").rename(house.articles / "ar.md")
    note(house)
    with house.database.reading() as connection:
        left = connection.execute(select(article.c.id).where(article.c.feed_hash.is_(None)))
        assert left.all() == []


def test_a_translation_that_appears_by_the_clock_is_named_by_its_siblings(house: House) -> None:
    house.write("en/fog.md", title="fog", date="2026-01-05")
    house.write("ar/fog.md", title="الضباب", date="2026-01-12")
    note(house)
    before = {row["name"]: row["updated_at"] for row in house.rows(feed)}
    settle(house)
    with house.database.writing() as connection:
        connection.execute(update(article).values(page_hash="written"))
    house.at(datetime(2026, 1, 12, tzinfo=UTC))
    assert note(house) == 1
    assert due(house) == {"ar", "en", "all"}
    assert [row["language"] for row in house.rows(article) if row["page_hash"] is None] == [
        "en"
    ]
    after = {row["name"]: row["updated_at"] for row in house.rows(feed)}
    assert after["en"] == before["en"]


def test_a_clock_that_is_set_back_withdraws_nothing(house: House) -> None:
    house.write("en/fog.md", title="fog", date="2026-01-05")
    note(house)
    house.at(NOW - 5 * HOUR).write("ar/fog.md", title="الضباب", date="2026-01-05")
    note(house)
    assert standing(house, "en") == ["fog/en"]
    assert standing(house, "ar") == ["fog/ar"]


def test_a_tombstone_is_later_than_its_entry(house: House) -> None:
    file = house.write("en/fog.md", title="fog")
    note(house)
    for words in ("Once.", "Twice.", "Thrice."):
        house.write("en/fog.md", words, title="fog")
        note(house)
    file.unlink()
    note(house)
    gone = entries(house)["fog/en"]
    assert gone["gone_at"].timestamp() > gone["updated"]


def test_a_withdrawn_translation_is_named_in_no_archive_document(house: House) -> None:
    house.write("en/fog.md", title="fog", date="2026-01-05")
    file = house.write("ar/fog.md", title="الضباب", date="2026-01-05")
    note(house)
    close(house, "en", last=1)
    settle(house)
    file.unlink()
    note(house)
    assert [row["due"] for row in house.rows(feed_archive)] == [True]
    assert "en" in due(house)


def test_a_name_that_nobody_can_see_has_no_feed(house: House) -> None:
    house.write(
        "en/fog.md", title="fog", date="2026-01-05", author='"\\u200b"', topics='["\\u2060"]'
    )
    note(house)
    assert {row["kind"] for row in house.rows(feed)} == {"language", "all"}


def test_an_article_that_was_marked_in_vain_makes_nothing_due(house: House) -> None:
    house.write("en/fog.md", title="fog", date="2026-01-05")
    note(house)
    before = entries(house)
    with house.database.writing() as connection:
        connection.execute(update(article).values(feed_hash=None))
    assert note(house) == 1
    assert entries(house) == before


def test_an_author_s_feed_says_the_newest_affiliation(house: House) -> None:
    for day, name in ((5, "Institute A"), (6, "Institute B")):
        house.write(
            f"en/{day}.md",
            title="x",
            date=f"2026-01-0{day}",
            author="Ann Example",
            affiliation=name,
        )
        note(house)
    assert [row["affiliation"] for row in house.rows(feed) if row["kind"] == "author"] == [
        "Institute B"
    ]
