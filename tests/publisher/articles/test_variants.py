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
    house: House, other: str, date: str, matter: dict[str, str]
) -> None:
    write(house, other, "Words.", date=date, **matter)
    write(house, "ar", "Others.", date="2026-01-08")
    house.pick_up()
    assert {tag: origin for tag, (origin, _) in standing(house).items()} == {
        "ar": Origin.ORIGINAL,
        other: Origin.TRANSLATION,
    }


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


def test_a_story_without_articles_is_left_alone(house: House) -> None:
    with house.database.writing() as connection:
        story_keys.update_variants(connection, 77, ["en"], NOW)
        story_keys.withdraw_articles(connection, [], ["en"], NOW)
    assert house.rows(article) == []
