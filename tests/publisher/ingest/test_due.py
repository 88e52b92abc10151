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
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.ingest.helpers import wav

LATER = NOW + timedelta(days=1)


@pytest.fixture
def publication(new_publication: Callable[..., PublicationFolder]) -> PublicationFolder:
    """Two stories; of one there is an original, a translation and a conversion."""
    publication = new_publication(
        newsletters=[{"edition": {"zh-Hant": {"missing": "convert"}}}]
    )
    write(publication, "en", "Words about a ferry.")
    write(publication, "zh-Hans", "汉语的软件。", date="2026-01-07")
    publication.write("en/map.md", title="The map", date="2026-01-08", topics="[maps]")
    publication.pick_up()
    settle(publication)
    return publication


def write(publication: PublicationFolder, language: str, text: str, **matter: Any) -> None:
    facts = {"title": f"A ferry {language}", "date": "2026-01-08", "topics": "[maps]"}
    publication.write(f"{language}/ferry.md", text, **facts | matter)


def settle(publication: PublicationFolder) -> None:
    """Let pages and feeds have taken note of everything."""
    with publication.database.writing() as connection:
        connection.execute(article.update().values(page_hash="made", feed_hash="made"))


def due(publication: PublicationFolder, column: str = "feed_hash") -> set[tuple[str, str]]:
    """Give title and language of what feeds have yet to take note of."""
    query = select(article.c.title, article.c.language).where(article.c[column].is_(None))
    with publication.database.reading() as connection:
        return {(title, language) for title, language in connection.execute(query)}


def languages_due(publication: PublicationFolder, *, is_recommended: bool = False) -> set[str]:
    """Give in which languages the story of three is due.

    The other story is due only if its page recommends what is recommended otherwise now.
    """
    found = due(publication)
    others = {("The map", "en")}
    assert due(publication, "page_hash") == found | (others if is_recommended else set())
    assert not found & others
    return {language for _, language in found}


def test_nothing_is_due_when_nothing_has_changed(publication: PublicationFolder) -> None:
    publication.at(LATER).pick_up()
    assert due(publication) == due(publication, "page_hash") == set()


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Another"},
        {"url": "https://example.org/ferry"},
        {"date": "2026-02-01"},
        {"status": "stale"},
        {"status": "withdrawn"},
        {"draft": "true"},
    ],
)
def test_every_version_of_a_story_is_due_when_what_is_shown_of_one_changes(
    publication: PublicationFolder, changes: dict[str, str]
) -> None:
    write(publication, "en", "Words about a ferry.", **changes)
    publication.at(LATER).pick_up()
    found = languages_due(publication, is_recommended="title" in changes)
    assert found == {"en", "zh-Hans", "zh-Hant"}


@pytest.mark.parametrize(
    "changes",
    [
        {"summary": "Another."},
        {"author": "Ann Example"},
        {"image": "https://example.org/a.png"},
        {"audio": "https://example.org/a.mp3"},
        {"topics": "[boats]"},
        {"date": "2026-01-09"},
    ],
)
def test_only_an_article_itself_is_due_when_its_translations_do_not_show_what_changes(
    publication: PublicationFolder, changes: dict[str, str]
) -> None:
    write(publication, "en", "Words about a ferry.", **changes)
    publication.at(LATER).pick_up()
    assert languages_due(publication, is_recommended="topics" in changes) == {"en"}


def test_only_an_article_and_its_conversion_are_due_when_its_text_changes(
    publication: PublicationFolder,
) -> None:
    write(publication, "zh-Hans", "汉语的字。", date="2026-01-07")
    publication.at(LATER).pick_up()
    assert languages_due(publication) == {"zh-Hans", "zh-Hant"}


def test_every_version_of_a_story_is_due_when_the_title_of_a_converted_one_changes(
    publication: PublicationFolder,
) -> None:
    facts = {"title": "渡轮汉语", "date": "2026-01-07"}
    write(publication, "zh-Hans", "汉语的软件。", **facts)
    publication.at(LATER).pick_up()
    assert languages_due(publication) == {"en", "zh-Hans", "zh-Hant"}


def test_every_version_of_a_story_is_due_when_another_one_becomes_the_original(
    publication: PublicationFolder,
) -> None:
    write(publication, "en", "Words about a ferry.", date="2026-01-06")
    publication.at(LATER).pick_up()
    assert languages_due(publication) == {"en", "zh-Hans", "zh-Hant"}


def remove(publication: PublicationFolder, language: str) -> None:
    (publication.articles / language / "ferry.md").unlink()


@pytest.mark.parametrize(
    ("change", "languages"),
    [
        (lambda publication: write(publication, "ar", "Others."), {"en", "ar"}),
        (lambda publication: remove(publication, "en"), {"en"}),
        (lambda publication: remove(publication, "zh-Hans"), {"en"}),
        (lambda publication: publication.reload(), {"en"}),
        (lambda publication: write(publication, "zh-Hant", "人手寫的。"), {"en"}),
        (
            lambda publication: write(publication, "en", "A ferry.", lang="ar", key="ferry"),
            {"ar"},
        ),
    ],
    ids=[
        *("language-added", "language-removed", "original-of-conversion-removed"),
        *("conversion-no-longer-asked-for", "conversion-replaced", "language-changed"),
    ],
)
def test_every_version_of_a_story_is_due_when_one_comes_or_goes(
    publication: PublicationFolder,
    change: Callable[[PublicationFolder], object],
    languages: set[str],
) -> None:
    change(publication)
    publication.at(LATER).pick_up()
    assert languages_due(publication) == languages | {"zh-Hans", "zh-Hant"}


def test_withdrawn_articles_are_not_due_when_others_change(
    publication: PublicationFolder,
) -> None:
    (publication.articles / "en/ferry.md").unlink()
    publication.pick_up()
    settle(publication)
    write(publication, "zh-Hans", "汉语的字。", date="2026-01-07")
    publication.at(LATER).pick_up()
    assert languages_due(publication) == {"zh-Hans", "zh-Hant"}
    settle(publication)
    publication.reload()
    publication.pick_up()
    assert languages_due(publication) == {"zh-Hans", "zh-Hant"}


def test_both_stories_are_due_when_an_article_moves_between_them(
    publication: PublicationFolder,
) -> None:
    publication.write("ar/other.md", "Others.", title="Other", date="2026-01-08", key="harbour")
    write(publication, "ar", "Others too.")
    publication.pick_up()
    settle(publication)
    write(publication, "ar", "Others too.", key="harbour-2", title="Turned")
    publication.at(LATER).pick_up()
    assert languages_due(publication) == {"en", "zh-Hans", "zh-Hant", "ar"}
    assert ("Turned", "ar") in due(publication)


def test_an_untranslated_copy_is_due_when_it_is_detected_and_when_it_is_released(
    publication: PublicationFolder,
) -> None:
    write(publication, "ar", "Words about a ferry.", date="2026-01-09")
    (publication.articles / "zh-Hans/ferry.md").unlink()
    publication.pick_up()
    settle(publication)
    write(publication, "en", "Other words.")
    publication.at(LATER).pick_up()
    assert languages_due(publication) == {"en", "ar"}


def test_a_renamed_file_has_nothing_due(publication: PublicationFolder) -> None:
    (publication.articles / "en/map.md").rename(publication.articles / "en/chart.md")
    assert publication.at(LATER).pick_up().moved == 1
    assert due(publication) == due(publication, "page_hash") == set()


def test_a_changed_audio_file_makes_its_article_due(publication: PublicationFolder) -> None:
    publication.write("en/talk.wav", wav(1))
    write(publication, "en", "Words about a ferry.", audio="talk.wav")
    publication.pick_up()
    settle(publication)
    publication.write("en/talk.wav", wav(2))
    publication.at(LATER).pick_up()
    assert languages_due(publication) == {"en"}


def test_feeds_are_left_alone_when_only_pages_are_due(publication: PublicationFolder) -> None:
    with publication.database.writing() as connection:
        mark_all_pages_due(connection)
    assert (len(due(publication, "page_hash")), due(publication)) == (4, set())
    settle(publication)
    invalidate_articles(publication.settings, publication.database, Renderer())
    assert (len(due(publication, "page_hash")), due(publication)) == (4, set())


def test_feeds_of_related_articles_are_left_alone_when_a_page_is_taken_away(
    publication: PublicationFolder,
) -> None:
    page = publication.settings.folders.public / page_file(article_path("en", "ferry"))
    page.parent.mkdir(parents=True)
    page.touch()
    (publication.articles / "en/ferry.md").unlink()
    publication.at(LATER).pick_up()
    remove_hidden_pages(publication.settings, publication.database, LATER)
    assert not page.exists()
    assert ("The map", "en") in due(publication, "page_hash")
    assert ("The map", "en") not in due(publication)
