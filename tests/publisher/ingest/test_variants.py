"""What a story's articles mean for each other, and which pages and feeds are due when they change."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from publisher.articles.model import ArticleStatus, Origin
from publisher.articles.tables import article
from publisher.ingest.pickup import story_keys
from publisher.rendering import Renderer
from publisher.site.removal import remove_hidden_pages
from publisher.site.writer import invalidate_articles, mark_all_pages_due
from publisher.urls import article_path, page_file
from tests.publisher.conftest import NOW, Make, PublicationFolder

LATER = NOW + timedelta(days=1)


def write(publication: PublicationFolder, language: str, text: str, **matter: Any) -> None:
    publication.write(f"{language}/ferry.md", text, title=f"A ferry {language}", **matter)


def standing(publication: PublicationFolder) -> dict[str, tuple[str, str]]:
    rows = publication.rows(article)
    return {row["language"]: (row["origin"], row["status"]) for row in rows}


@pytest.mark.parametrize(
    ("other", "date", "matter"),
    [
        ("en", "2026-01-09", {}),
        ("fr", "2026-01-08", {}),
        ("en", "2026-01-01", {"translator": "Bo Example"}),
    ],
    ids=["earlier", "first-in-the-publication's-order", "without-a-translator"],
)
def test_the_original_is_chosen_by_translator_date_and_order_of_languages(
    publication: PublicationFolder, other: str, date: str, matter: dict[str, str]
) -> None:
    write(publication, other, "Words.", date=date, **matter)
    write(publication, "ar", "Others.", date="2026-01-08")
    publication.pick_up()
    origins = {tag: origin for tag, (origin, _) in standing(publication).items()}
    assert origins == {"ar": Origin.ORIGINAL, other: Origin.TRANSLATION}


def test_untranslated_says_of_the_first_language_that_there_is_no_translation_yet(
    publication: PublicationFolder,
) -> None:
    first, other, *_rest = publication.settings.publication.languages
    write(publication, first, "Words.", untranslated="true")
    write(publication, other, "Others.", untranslated="true")
    publication.pick_up()
    assert standing(publication) == {
        first: (Origin.ORIGINAL, ArticleStatus.READY),
        other: (Origin.TRANSLATION, ArticleStatus.UNTRANSLATED),
    }


@pytest.mark.parametrize("status", ["withdrawn", "stale"])
def test_an_article_that_is_held_back_is_no_original(
    publication: PublicationFolder, status: str
) -> None:
    write(publication, "en", "Others.", date="2026-01-01", status=status)
    write(publication, "ar", "Others.", date="2026-01-08")
    publication.pick_up()
    assert standing(publication)["ar"] == (Origin.ORIGINAL, ArticleStatus.READY)
    assert standing(publication)["en"][1] != ArticleStatus.READY


@pytest.mark.parametrize("changed", ["ar", "en"])
def test_an_untranslated_copy_is_held_back_and_is_new_when_it_or_its_original_differs(
    publication: PublicationFolder, changed: str
) -> None:
    write(publication, "en", "Words.", date="2026-01-08")
    write(publication, "ar", "Words.", date="2026-01-08")
    publication.pick_up()
    assert standing(publication)["ar"] == (Origin.TRANSLATION, ArticleStatus.UNTRANSLATED)
    assert publication.visible("ar") == []
    write(publication, changed, "Others.", date="2026-01-08")
    publication.at(LATER).pick_up()
    assert publication.visible("ar") == ["ferry"]
    assert publication.one("ferry", "ar").available_at == LATER
    assert publication.one("ferry").available_at == NOW


def test_pictures_without_a_word_are_no_copies_of_each_other(
    publication: PublicationFolder,
) -> None:
    for language, picture in (("en", "boat"), ("ar", "harbour")):
        src = f"https://example.net/{picture}.png"
        write(publication, language, f"![]({src})", date="2026-01-08")
    publication.pick_up()
    assert {row["text"] for row in publication.rows(article)} == {""}
    assert standing(publication) == {
        "en": (Origin.ORIGINAL, ArticleStatus.READY),
        "ar": (Origin.TRANSLATION, ArticleStatus.READY),
    }


def test_a_translation_becomes_the_original_when_that_is_removed(
    publication: PublicationFolder,
) -> None:
    write(publication, "en", "Words.", date="2026-01-08")
    write(publication, "ar", "Words.", date="2026-01-08")
    publication.pick_up()
    (publication.articles / "en/ferry.md").unlink()
    publication.pick_up()
    assert standing(publication)["ar"] == (Origin.ORIGINAL, ArticleStatus.READY)
    assert standing(publication)["en"][1] == ArticleStatus.WITHDRAWN


def test_a_story_without_articles_is_left_alone(publication: PublicationFolder) -> None:
    with publication.database.writing() as connection:
        story_keys.update_variants(connection, [77], ["en"], NOW)
        story_keys.withdraw_articles(connection, [], ["en"], NOW)
    assert publication.rows(article) == []


@pytest.fixture
def settled(new_publication: Make) -> PublicationFolder:
    """Two stories; of one there is an original, a translation and a conversion."""
    settled = new_publication(newsletters=[{"edition": {"zh-Hant": {"missing": "convert"}}}])
    write_ferry(settled, "en", "Words about a ferry.")
    write_converted(settled)
    settled.pick_up_file("en/map.md", title="The map", date="2026-01-08", topics="[maps]")
    settle(settled)
    return settled


def write_ferry(settled: PublicationFolder, language: str, text: str, **matter: Any) -> None:
    facts = {"title": f"A ferry {language}", "date": "2026-01-08", "topics": "[maps]"}
    settled.write(f"{language}/ferry.md", text, **facts | matter)


def write_converted(
    settled: PublicationFolder, text: str = "汉语的软件", **matter: str
) -> None:
    write_ferry(settled, "zh-Hans", text, date="2026-01-07", **matter)


def settle(settled: PublicationFolder) -> None:
    """Let pages and feeds have taken note of everything."""
    with settled.database.writing() as connection:
        connection.execute(article.update().values(page_hash="made", feed_hash="made"))


def due(settled: PublicationFolder, column: str = "feed_hash") -> set[tuple[str, str]]:
    """Give title and language of what feeds have yet to take note of."""
    query = select(article.c.title, article.c.language).where(article.c[column].is_(None))
    with settled.database.reading() as connection:
        return {(title, language) for title, language in connection.execute(query)}


def languages_due(settled: PublicationFolder, *, is_recommended: bool = False) -> set[str]:
    """Give in which languages the story of three is due.

    The other story is due only if its page recommends what is recommended otherwise now.
    """
    found = due(settled)
    others = {("The map", "en")}
    assert due(settled, "page_hash") == found | (others if is_recommended else set())
    assert not found & others
    return {language for _, language in found}


def test_nothing_is_due_when_nothing_has_changed(settled: PublicationFolder) -> None:
    settled.at(LATER).pick_up()
    assert due(settled) == due(settled, "page_hash") == set()


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Another"},
        {"url": "https://example.org/ferry"},
        {"date": "2026-02-01"},
        {"date": "2026-01-09"},
        {"date": "2026-01-06"},  # it becomes the original
        {"status": "stale"},
        {"status": "withdrawn"},
        {"draft": "true"},
    ],
)
def test_every_version_of_a_story_is_due_when_what_is_shown_of_one_changes(
    settled: PublicationFolder, changes: dict[str, str]
) -> None:
    write_ferry(settled, "en", "Words about a ferry.", **changes)
    settled.at(LATER).pick_up()
    found = languages_due(settled, is_recommended="title" in changes)
    assert found == {"en", "zh-Hans", "zh-Hant"}


@pytest.mark.parametrize(
    "changes",
    [
        *({"summary": "Another."}, {"author": "Ann Example"}),
        *({"image": "https://example.org/a.png"}, {"audio": "https://example.org/a.mp3"}),
        {"topics": "[boats]"},
    ],
)
def test_only_an_article_itself_is_due_when_its_translations_do_not_show_what_changes(
    settled: PublicationFolder, changes: dict[str, str]
) -> None:
    write_ferry(settled, "en", "Words about a ferry.", **changes)
    settled.at(LATER).pick_up()
    assert languages_due(settled, is_recommended="topics" in changes) == {"en"}


def remove(settled: PublicationFolder, language: str) -> None:
    (settled.articles / language / "ferry.md").unlink()


@pytest.mark.parametrize(
    ("change", "languages"),
    [
        (lambda settled: write_ferry(settled, "ar", "Others."), {"en", "ar"}),
        (lambda settled: remove(settled, "en"), {"en"}),
        (lambda settled: remove(settled, "zh-Hans"), {"en"}),
        (lambda settled: settled.reload(), {"en"}),
        (lambda settled: write_ferry(settled, "zh-Hant", "人手寫的。"), {"en"}),
        (lambda settled: write_ferry(settled, "en", "A.", lang="ar", key="ferry"), {"ar"}),
        (lambda settled: write_converted(settled, "汉语的字。"), set()),
        (lambda settled: write_converted(settled, title="渡轮汉语"), {"en"}),
    ],
    ids=[*("language-added", "language-removed", "original-of-conversion-removed"), *("conversion-no-longer-asked-for", "conversion-replaced", "language-changed"), *("text-of-original-of-conversion", "title-of-original-of-conversion")],
)  # fmt: skip
def test_the_versions_of_a_story_that_show_what_has_changed_are_due(
    settled: PublicationFolder,
    change: Callable[[PublicationFolder], object],
    languages: set[str],
) -> None:
    change(settled)
    settled.at(LATER).pick_up()
    assert languages_due(settled) == languages | {"zh-Hans", "zh-Hant"}


def test_withdrawn_articles_are_not_due_when_others_change(settled: PublicationFolder) -> None:
    (settled.articles / "en/ferry.md").unlink()
    settled.pick_up()
    settle(settled)
    write_converted(settled, "汉语的字。")
    settled.at(LATER).pick_up()
    assert languages_due(settled) == {"zh-Hans", "zh-Hant"}
    settle(settled)
    settled.reload()
    settled.pick_up()
    assert languages_due(settled) == {"zh-Hans", "zh-Hant"}


def test_both_stories_are_due_when_an_article_moves_between_them(
    settled: PublicationFolder,
) -> None:
    settled.write("ar/other.md", "Others.", title="Other", date="2026-01-08", key="harbour")
    write_ferry(settled, "ar", "Others too.")
    settled.pick_up()
    settle(settled)
    write_ferry(settled, "ar", "Others too.", key="harbour-2", title="Turned")
    settled.at(LATER).pick_up()
    assert languages_due(settled) == {"en", "zh-Hans", "zh-Hant", "ar"}
    assert ("Turned", "ar") in due(settled)


def test_an_untranslated_copy_is_due_when_it_is_detected_and_when_it_is_released(
    settled: PublicationFolder,
) -> None:
    write_ferry(settled, "ar", "Words about a ferry.", date="2026-01-09")
    (settled.articles / "zh-Hans/ferry.md").unlink()
    settled.pick_up()
    settle(settled)
    write_ferry(settled, "en", "Other words.")
    settled.at(LATER).pick_up()
    assert languages_due(settled) == {"en", "ar"}


def test_a_renamed_file_has_nothing_due(settled: PublicationFolder) -> None:
    (settled.articles / "en/map.md").rename(settled.articles / "en/chart.md")
    assert settled.at(LATER).pick_up().moved == 1
    assert due(settled) == due(settled, "page_hash") == set()


def test_feeds_are_left_alone_when_only_pages_are_due(settled: PublicationFolder) -> None:
    with settled.database.writing() as connection:
        mark_all_pages_due(connection)
    assert (len(due(settled, "page_hash")), due(settled)) == (4, set())
    settle(settled)
    invalidate_articles(settled.settings, settled.database, Renderer())
    assert (len(due(settled, "page_hash")), due(settled)) == (4, set())


def test_feeds_of_related_articles_are_left_alone_when_a_page_is_taken_away(
    settled: PublicationFolder,
) -> None:
    page = settled.settings.folders.public / page_file(article_path("en", "ferry"))
    page.parent.mkdir(parents=True)
    page.touch()
    (settled.articles / "en/ferry.md").unlink()
    settled.at(LATER).pick_up()
    remove_hidden_pages(settled.settings, settled.database, LATER, str, print)
    assert not page.exists()
    assert ("The map", "en") in due(settled, "page_hash")
    assert ("The map", "en") not in due(settled)
