"""What a story's articles mean for each other."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from publisher.articles.model import ArticleStatus, Origin
from publisher.articles.tables import article
from publisher.ingest import story_keys
from tests.publisher.conftest import NOW, PublicationFolder

LATER = NOW + timedelta(days=1)


def write(publication: PublicationFolder, language: str, text: str, **matter: Any) -> None:
    publication.write(f"{language}/ferry.md", text, title=f"A ferry {language}", **matter)


def standing(publication: PublicationFolder) -> dict[str, tuple[str, str]]:
    return {
        row["language"]: (row["origin"], row["status"]) for row in publication.rows(article)
    }


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
    assert {tag: origin for tag, (origin, _) in standing(publication).items()} == {
        "ar": Origin.ORIGINAL,
        other: Origin.TRANSLATION,
    }


@pytest.mark.parametrize("status", ["untranslated", "withdrawn", "stale"])
def test_an_article_that_is_held_back_is_no_original(
    publication: PublicationFolder, status: str
) -> None:
    write(publication, "en", "Others.", date="2026-01-01", status=status)
    write(publication, "ar", "Others.", date="2026-01-08")
    publication.pick_up()
    assert standing(publication)["ar"] == (Origin.ORIGINAL, ArticleStatus.READY)
    assert standing(publication)["en"][1] != ArticleStatus.READY


def test_an_untranslated_copy_is_held_back_and_is_new_when_translated(
    publication: PublicationFolder,
) -> None:
    write(publication, "en", "Words.", date="2026-01-08")
    write(publication, "ar", "Words.", date="2026-01-08")
    publication.pick_up()
    assert standing(publication)["ar"] == (Origin.TRANSLATION, ArticleStatus.UNTRANSLATED)
    assert publication.visible("ar") == []
    write(publication, "ar", "Others.", date="2026-01-08")
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


def test_a_copy_is_free_when_its_original_turns_out_to_differ(
    publication: PublicationFolder,
) -> None:
    write(publication, "en", "Words.", date="2026-01-08")
    write(publication, "ar", "Words.", date="2026-01-08")
    publication.pick_up()
    write(publication, "en", "Other words.", date="2026-01-08")
    publication.at(LATER).pick_up()
    assert standing(publication)["ar"] == (Origin.TRANSLATION, ArticleStatus.READY)
    assert publication.one("ferry", "ar").available_at == LATER


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
