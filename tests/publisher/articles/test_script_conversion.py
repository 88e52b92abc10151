"""Script conversions: made where an edition asks, from the original only, under a lasting id."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from publisher.articles import script_conversion, store
from publisher.articles.model import Article, ArticleStatus, Byline, Origin
from publisher.articles.tables import article, source_state
from tests.publisher.conftest import NOW, House

LATER = NOW + timedelta(days=1)
ASKING = [{"edition": {"zh-Hant": {"missing": "convert"}}}]
TEXT = "汉语的软件，`汉语`。"


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    return make_house(newsletters=ASKING)


def write(house: House, language: str = "zh-Hans", text: str = TEXT, **matter: Any) -> None:
    facts: dict[str, Any] = {"title": "汉语", "date": "2026-01-08", "topics": "[网络]"}
    house.write(f"{language}/ferry.md", text, **facts | matter)


def made(house: House) -> Article:
    return house.one("ferry", "zh-Hant")


def test_a_conversion_is_made_for_an_edition_that_asks(house: House) -> None:
    write(house, summary="摘要说明")
    house.pick_up()
    found, original = made(house), house.one("ferry", "zh-Hans")
    assert (found.origin, found.status) == (Origin.CONVERTED, ArticleStatus.READY)
    assert (found.title, found.summary) == ("漢語", "摘要說明")
    assert found.topics == ("網絡",)
    assert found.slug == original.slug
    assert found.published_at == original.published_at


def test_code_and_names_are_left_as_they_are(house: House) -> None:
    write(house, author="{name: 范后, affiliation: 汉语学会}")
    house.pick_up()
    assert "<code>汉语</code>" in made(house).html
    assert "漢語" in made(house).html
    assert made(house).bylines == (Byline(name="范后", affiliation="漢語學會"),)


def test_the_words_of_a_picture_are_converted_and_its_address_is_not(house: House) -> None:
    write(house, image="{src: 'https://example.org/汉.png', alt: 汉语}")
    house.pick_up()
    picture = made(house).picture
    assert picture is not None
    assert (picture.src, picture.alt) == ("https://example.org/汉.png", "漢語")


def test_the_titles_of_attachments_are_converted_and_the_rest_is_not(house: House) -> None:
    write(house, audio="{src: 'https://example.org/汉.mp3', title: 汉语, length: 17}")
    house.pick_up()
    original, conversion = house.one("ferry", "zh-Hans"), made(house)
    assert conversion.attachments == (replace(original.attachments[0], title="漢語"),)


def test_no_conversion_is_made_where_no_edition_asks(make_house: Callable[..., House]) -> None:
    house = make_house()
    write(house)
    house.pick_up()
    assert set(house.all()) == {("ferry", "zh-Hans")}


def test_an_original_in_an_unpublished_script_is_converted_into_a_published_one(
    make_house: Callable[..., House],
) -> None:
    house = make_house(languages=["en", "zh-Hant"], newsletters=ASKING)
    write(house)
    house.pick_up()
    assert made(house).origin == Origin.CONVERTED


def test_a_conversion_source_of_the_publication_counts_before_others(
    make_house: Callable[..., House],
) -> None:
    asking = [{"edition": {"zh-Hans": {"missing": "convert"}}}]
    house = make_house(languages=["zh-Hans", "zh-Hant-HK"], newsletters=asking)
    write(house, "zh-HK", "香港的軟件。", title="香港")
    house.pick_up()
    assert house.one("ferry", "zh-Hans").title == "香港"
    assert house.one("ferry", "zh-Hans").text == "香港的软件。"


def test_a_conversion_is_made_again_when_the_original_changes(house: House) -> None:
    write(house)
    house.pick_up()
    before = made(house)
    write(house, title="汉字")
    house.at(LATER).pick_up()
    found = made(house)
    assert (found.id, found.title) == (before.id, "漢字")
    assert (found.updated_at, found.available_at) == (LATER, before.available_at)


def test_a_conversion_is_made_again_by_another_converter(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(house)
    house.pick_up()
    before = house.rows(article)
    monkeypatch.setattr(script_conversion, "converter_name", lambda: "Another 1.0")
    house.pick_up()
    after = house.rows(article)
    assert [row["converted_from"] for row in after] != [row["converted_from"] for row in before]
    assert after[1]["content_hash"] == before[1]["content_hash"]


def test_a_pick_up_without_changes_converts_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(house)
    house.pick_up()
    before = house.rows(article)
    # Calling it would fail, and so show that it was.
    monkeypatch.setattr(script_conversion, "_convert_all", None)
    assert house.pick_up().problems == []
    assert house.rows(article) == before


def due(house: House) -> list[int] | None:
    """Give the stories that are marked; None if all of them are to be looked at."""
    with house.database.reading() as connection:
        mark = script_conversion._State.load(connection)
    return sorted(mark.due) if mark.rules else None


class Killed(BaseException):
    """What a kill looks like from inside."""


def killed(*_arguments: object) -> None:
    raise Killed


def test_a_kill_between_a_change_and_its_conversion_costs_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(house)
    house.pick_up()
    write(house, title="汉字")
    with monkeypatch.context() as patch:
        patch.setattr(script_conversion, "update_conversions", killed)
        for _ in range(2):
            with pytest.raises(Killed):
                house.pick_up()
    assert made(house).title == "漢語"
    house.pick_up()
    assert made(house).title == "漢字"


def test_too_many_changes_make_all_stories_be_examined(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script_conversion, "_MAX_LISTED", 2)
    house.pick_up()
    titles = {f"s{number}": f"汉语{number}" for number in range(3)}
    for key, title in titles.items():
        house.write(f"zh-Hans/{key}.md", TEXT, title=title, date="2026-01-08")
    with monkeypatch.context() as patch:
        patch.setattr(script_conversion, "update_conversions", killed)
        with pytest.raises(Killed):
            house.pick_up()
    assert due(house) is None
    house.pick_up()
    assert due(house) == []
    assert [house.one(key, "zh-Hant").title for key in titles] == ["漢語0", "漢語1", "漢語2"]


def test_a_source_in_a_folder_called_conversions_is_not_mistaken_for_the_stored_state(
    make_house: Callable[..., House],
) -> None:
    house = make_house(newsletters=ASKING, sources=[{"kind": "folder", "path": "conversions"}])
    write(house)
    house.pick_up()
    before = house.rows(source_state)
    assert len(before) == 2
    house.pick_up()
    assert (due(house), house.rows(source_state)) == ([], before)


def test_a_human_translation_takes_the_conversions_place_and_id(house: House) -> None:
    write(house)
    house.pick_up()
    machine = made(house)
    write(house, "zh-Hant", "人手寫的。", title="人手")
    house.at(LATER).pick_up()
    human = made(house)
    assert (human.id, human.title) == (machine.id, "人手")
    assert human.origin == Origin.TRANSLATION
    assert human.available_at == human.updated_at == LATER


def test_the_conversion_comes_back_when_the_human_translation_goes(house: House) -> None:
    write(house)
    write(house, "zh-Hant", "人手寫的。", title="人手")
    house.pick_up()
    human = made(house)
    (house.articles / "zh-Hant/ferry.md").unlink()
    house.at(LATER).pick_up()
    found = made(house)
    assert (found.id, found.origin, found.title) == (human.id, Origin.CONVERTED, "漢語")


@pytest.mark.parametrize("others", [(), ("en",)])
def test_a_conversion_goes_with_its_original_whatever_else_the_story_has(
    house: House, others: tuple[str, ...]
) -> None:
    write(house)
    for language in others:
        write(house, language, "Words.", title="The ferry")
    house.pick_up()
    (house.articles / "zh-Hans/ferry.md").unlink()
    house.at(LATER).pick_up()
    assert {language for _, language in house.all()} == set(others)


def test_a_conversion_comes_back_with_its_original(house: House) -> None:
    write(house)
    house.pick_up()
    before = made(house)
    (house.articles / "zh-Hans/ferry.md").unlink()
    house.pick_up()
    write(house)
    house.pick_up()
    assert made(house).id == before.id
    assert made(house).status == ArticleStatus.READY


def test_an_article_that_its_document_withdraws_is_not_replaced_by_a_conversion(
    house: House,
) -> None:
    write(house)
    write(house, "zh-Hant", "人手寫的。", title="人手")
    house.pick_up()
    write(house, "zh-Hant", "人手寫的。", title="人手", status="withdrawn")
    for _ in range(2):
        house.pick_up()
        assert set(house.all()) == {("ferry", "zh-Hans")}
    (house.articles / "zh-Hant/ferry.md").unlink()
    house.pick_up()
    assert made(house).origin == Origin.CONVERTED


def test_conversions_are_withdrawn_when_no_edition_asks_and_pages_are_updated(
    house: House,
) -> None:
    write(house)
    house.pick_up()
    with house.database.writing() as connection:
        connection.execute(article.update().values(page_hash="made"))
    house.reload()
    house.pick_up()
    assert set(house.all()) == {("ferry", "zh-Hans")}
    assert [row["page_hash"] for row in house.rows(article)] == [None, None]


def test_a_conversion_is_never_converted(make_house: Callable[..., House]) -> None:
    both = {"zh-Hant": {"missing": "convert"}, "zh-Hans": {"missing": "convert"}}
    house = make_house(newsletters=[{"edition": both}])
    write(house)
    house.write("zh-Hant/map.md", "漢語", title="漢語", date="2026-01-08")
    house.pick_up()
    before = house.rows(article)
    house.pick_up()
    origins = {at: one.origin for at, one in house.all().items()}
    assert origins == {
        ("ferry", "zh-Hans"): Origin.ORIGINAL,
        ("ferry", "zh-Hant"): Origin.CONVERTED,
        ("map", "zh-Hans"): Origin.CONVERTED,
        ("map", "zh-Hant"): Origin.ORIGINAL,
    }
    assert house.rows(article) == before


def test_held_back_originals_are_not_converted(house: House) -> None:
    write(house, status="stale")
    house.pick_up()
    assert set(house.all()) == {("ferry", "zh-Hans")}


def test_a_conversion_keeps_its_originals_embargo_however_it_is_moved(house: House) -> None:
    write(house, date="2026-01-20 08:00")
    house.pick_up()
    for date in ("2026-01-20 09:00", "2026-01-22", "2026-01-09"):
        write(house, date=date)
        house.pick_up()
        original = house.one("ferry", "zh-Hans")
        assert made(house).available_at == original.available_at
        assert made(house).published_at == original.published_at
    assert made(house).available_at == NOW


def test_conversions_are_counted_by_language(house: House) -> None:
    write(house)
    house.pick_up()
    with house.database.reading() as connection:
        assert store.count_conversions(connection) == {"zh-Hant": 1}
        assert store.count_articles_by_language(connection) == {"zh-Hans": 1, "zh-Hant": 1}
