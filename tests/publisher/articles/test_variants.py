"""What a story's articles mean for each other."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from publisher.articles import story_keys
from publisher.articles.model import ArticleStatus, Origin
from publisher.articles.tables import article
from tests.publisher.conftest import NOW, House

LATER = NOW + timedelta(days=1)


def write(house: House, language: str, text: str, **matter: Any) -> None:
    house.write(f"{language}/ferry.md", text, title=f"A ferry {language}", **matter)


def standing(house: House) -> dict[str, tuple[str, str]]:
    return {row["language"]: (row["origin"], row["status"]) for row in house.rows(article)}


def test_the_earliest_article_is_the_original(house: House) -> None:
    write(house, "en", "Words.", date="2026-01-08")
    write(house, "ar", "Others.", date="2026-01-07")
    house.pick_up()
    assert standing(house)["ar"][0] == Origin.ORIGINAL
    assert standing(house)["en"][0] == Origin.TRANSLATION


def test_between_equals_the_publications_order_decides(house: House) -> None:
    write(house, "fr", "Mots.", date="2026-01-08")
    write(house, "ar", "Others.", date="2026-01-08")
    house.pick_up()
    assert standing(house)["ar"][0] == Origin.ORIGINAL


def test_an_article_with_a_translator_is_no_original(house: House) -> None:
    write(house, "en", "Words.", date="2026-01-01", translator="Bo Example")
    write(house, "ar", "Others.", date="2026-01-08")
    house.pick_up()
    assert standing(house)["ar"][0] == Origin.ORIGINAL


@pytest.mark.parametrize("status", ["untranslated", "withdrawn", "stale"])
def test_an_article_that_is_held_back_is_no_original(house: House, status: str) -> None:
    write(house, "en", "Others.", date="2026-01-01", status=status)
    write(house, "ar", "Others.", date="2026-01-08")
    house.pick_up()
    assert standing(house)["ar"] == (Origin.ORIGINAL, ArticleStatus.READY)
    assert standing(house)["en"][1] != ArticleStatus.READY


def test_an_untranslated_copy_is_held_back_and_is_new_when_translated(house: House) -> None:
    write(house, "en", "Words.", date="2026-01-08")
    write(house, "ar", "Words.", date="2026-01-08")
    house.pick_up()
    assert standing(house)["ar"] == (Origin.TRANSLATION, ArticleStatus.UNTRANSLATED)
    assert house.visible("ar") == []
    write(house, "ar", "Others.", date="2026-01-08")
    house.at(LATER).pick_up()
    assert house.visible("ar") == ["ferry"]
    assert house.one("ferry", "ar").available_at == LATER
    assert house.one("ferry").available_at == NOW


def test_pictures_without_a_word_are_no_copies_of_each_other(house: House) -> None:
    for language, picture in (("en", "boat"), ("ar", "harbour")):
        src = f"https://example.net/{picture}.png"
        write(house, language, f"![]({src})", date="2026-01-08")
    house.pick_up()
    assert {row["text"] for row in house.rows(article)} == {""}
    assert standing(house) == {
        "en": (Origin.ORIGINAL, ArticleStatus.READY),
        "ar": (Origin.TRANSLATION, ArticleStatus.READY),
    }


def test_a_copy_is_free_when_its_original_turns_out_to_differ(house: House) -> None:
    write(house, "en", "Words.", date="2026-01-08")
    write(house, "ar", "Words.", date="2026-01-08")
    house.pick_up()
    write(house, "en", "Other words.", date="2026-01-08")
    house.at(LATER).pick_up()
    assert standing(house)["ar"] == (Origin.TRANSLATION, ArticleStatus.READY)
    assert house.one("ferry", "ar").available_at == LATER


def test_a_translation_becomes_the_original_when_that_is_removed(house: House) -> None:
    write(house, "en", "Words.", date="2026-01-08")
    write(house, "ar", "Words.", date="2026-01-08")
    house.pick_up()
    (house.articles / "en/ferry.md").unlink()
    house.pick_up()
    assert standing(house)["ar"] == (Origin.ORIGINAL, ArticleStatus.READY)
    assert standing(house)["en"][1] == ArticleStatus.WITHDRAWN


def test_every_page_of_a_story_is_written_again_when_a_language_is_added(house: House) -> None:
    write(house, "en", "Words.", date="2026-01-08")
    house.pick_up()
    with house.database.writing() as connection:
        connection.execute(article.update().values(page_hash="made"))
    write(house, "ar", "Others.", date="2026-01-08")
    house.pick_up()
    assert [row["page_hash"] for row in house.rows(article)] == [None, None]


def test_a_story_without_articles_is_left_alone(house: House) -> None:
    with house.database.writing() as connection:
        story_keys.update_variants(connection, 77, ["en"], NOW)
        story_keys.withdraw_articles(connection, [], ["en"], NOW)
    assert house.rows(article) == []
