"""Which pages and feed entries are due when articles change, and which are left alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from publisher.articles.tables import article
from publisher.rendering import Renderer
from publisher.site.hidden_pages import remove_hidden_pages
from publisher.site.invalidation import invalidate_articles, mark_all_pages_due
from publisher.urls import article_path, page_file
from tests.publisher.articles.helpers import wav
from tests.publisher.conftest import NOW, House

LATER = NOW + timedelta(days=1)


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    """Two stories; of one there is an original, a translation and a conversion."""
    house = make_house(newsletters=[{"edition": {"zh-Hant": {"missing": "convert"}}}])
    write(house, "en", "Words about a ferry.")
    write(house, "zh-Hans", "汉语的软件。", date="2026-01-07")
    house.write("en/map.md", title="The map", date="2026-01-08", topics="[maps]")
    house.pick_up()
    settle(house)
    return house


def write(house: House, language: str, text: str, **matter: Any) -> None:
    facts = {"title": f"A ferry {language}", "date": "2026-01-08", "topics": "[maps]"}
    house.write(f"{language}/ferry.md", text, **facts | matter)


def settle(house: House) -> None:
    """Let pages and feeds have taken note of everything."""
    with house.database.writing() as connection:
        connection.execute(article.update().values(page_hash="made", feed_hash="made"))


def due(house: House, column: str = "feed_hash") -> set[tuple[str, str]]:
    """Give title and language of what feeds have yet to take note of."""
    query = select(article.c.title, article.c.language).where(article.c[column].is_(None))
    with house.database.reading() as connection:
        return {(title, language) for title, language in connection.execute(query)}


def languages_due(house: House) -> set[str]:
    """Give in which languages the story of three is due; the other story never may be."""
    found = due(house)
    assert found == due(house, "page_hash")
    assert ("The map", "en") not in found
    return {language for _, language in found}


def test_nothing_is_due_when_nothing_has_changed(house: House) -> None:
    house.at(LATER).pick_up()
    assert due(house) == due(house, "page_hash") == set()


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Another"},
        {"summary": "Another."},
        {"author": "Ann Example"},
        {"image": "https://example.org/a.png"},
        {"audio": "https://example.org/a.mp3"},
        {"topics": "[boats]"},
        {"url": "https://example.org/ferry"},
        {"date": "2026-01-09"},
        {"date": "2026-02-01"},
        {"status": "stale"},
        {"status": "withdrawn"},
        {"draft": "true"},
    ],
)
def test_every_version_of_a_story_is_due_when_what_is_shown_of_one_changes(
    house: House, changes: dict[str, str]
) -> None:
    write(house, "en", "Words about a ferry.", **changes)
    house.at(LATER).pick_up()
    assert languages_due(house) == {"en", "zh-Hans", "zh-Hant"}


def remove(house: House, language: str) -> None:
    (house.articles / language / "ferry.md").unlink()


@pytest.mark.parametrize(
    ("change", "languages"),
    [
        (lambda house: write(house, "zh-Hans", "汉语的字。", date="2026-01-07"), {"en"}),
        (lambda house: write(house, "ar", "Others."), {"en", "ar"}),
        (lambda house: remove(house, "en"), {"en"}),
        (lambda house: remove(house, "zh-Hans"), {"en"}),
        (lambda house: house.reload(), {"en"}),
        (lambda house: write(house, "zh-Hant", "人手寫的。"), {"en"}),
        (lambda house: write(house, "en", "A ferry.", lang="ar", key="ferry"), {"ar"}),
    ],
    ids=[
        *(
            "text-changed",
            "language-added",
            "language-removed",
            "original-of-conversion-removed",
        ),
        *("conversion-no-longer-asked-for", "conversion-replaced", "language-changed"),
    ],
)
def test_every_version_of_a_story_is_due_when_one_comes_changes_or_goes(
    house: House, change: Callable[[House], object], languages: set[str]
) -> None:
    change(house)
    house.at(LATER).pick_up()
    assert languages_due(house) == languages | {"zh-Hans", "zh-Hant"}


def test_withdrawn_articles_are_not_due_when_others_change(house: House) -> None:
    (house.articles / "en/ferry.md").unlink()
    house.pick_up()
    settle(house)
    write(house, "zh-Hans", "汉语的字。", date="2026-01-07")
    house.at(LATER).pick_up()
    assert languages_due(house) == {"zh-Hans", "zh-Hant"}
    settle(house)
    house.reload()
    house.pick_up()
    assert languages_due(house) == {"zh-Hans", "zh-Hant"}


def test_both_stories_are_due_when_an_article_moves_between_them(house: House) -> None:
    house.write("ar/other.md", "Others.", title="Other", date="2026-01-08", key="harbour")
    write(house, "ar", "Others too.")
    house.pick_up()
    settle(house)
    write(house, "ar", "Others too.", key="harbour-2", title="Turned")
    house.at(LATER).pick_up()
    assert languages_due(house) == {"en", "zh-Hans", "zh-Hant", "ar"}
    assert ("Turned", "ar") in due(house)


def test_an_untranslated_copy_is_due_when_it_is_detected_and_when_it_is_released(
    house: House,
) -> None:
    write(house, "ar", "Words about a ferry.", date="2026-01-09")
    (house.articles / "zh-Hans/ferry.md").unlink()
    house.pick_up()
    settle(house)
    write(house, "en", "Other words.")
    house.at(LATER).pick_up()
    assert languages_due(house) == {"en", "ar"}


def test_a_renamed_file_has_nothing_due(house: House) -> None:
    (house.articles / "en/map.md").rename(house.articles / "en/chart.md")
    assert house.at(LATER).pick_up().moved == 1
    assert due(house) == due(house, "page_hash") == set()


def test_a_changed_audio_file_makes_its_story_due(house: House) -> None:
    house.write("en/talk.wav", wav(1))
    write(house, "en", "Words about a ferry.", audio="talk.wav")
    house.pick_up()
    settle(house)
    house.write("en/talk.wav", wav(2))
    house.at(LATER).pick_up()
    assert languages_due(house) == {"en", "zh-Hans", "zh-Hant"}


def test_feeds_are_left_alone_when_only_pages_are_due(house: House) -> None:
    with house.database.writing() as connection:
        mark_all_pages_due(connection)
    assert (len(due(house, "page_hash")), due(house)) == (4, set())
    settle(house)
    invalidate_articles(house.settings, house.database, Renderer())
    assert (len(due(house, "page_hash")), due(house)) == (4, set())


def test_feeds_of_related_articles_are_left_alone_when_a_page_is_taken_away(
    house: House,
) -> None:
    page = house.settings.folders.public / page_file(article_path("en", "ferry"))
    page.parent.mkdir(parents=True)
    page.touch()
    (house.articles / "en/ferry.md").unlink()
    house.at(LATER).pick_up()
    remove_hidden_pages(house.settings, house.database, LATER)
    assert not page.exists()
    assert ("The map", "en") in due(house, "page_hash")
    assert ("The map", "en") not in due(house)
