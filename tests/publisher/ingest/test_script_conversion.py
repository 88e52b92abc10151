"""Script conversions: made where an edition asks, from the original only, under a lasting id."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from publisher.articles import store
from publisher.articles.model import Article, ArticleStatus, Byline, Origin
from publisher.articles.tables import article
from publisher.ingest.pickup import script_conversion
from publisher.ingest.tables import script_conversion_due
from publisher.languages import conversion
from tests.publisher.conftest import NOW, Make, PublicationFolder

LATER = NOW + timedelta(days=1)
ASKING = [{"edition": {"zh-Hant": {"missing": "convert"}}}]
TEXT = "汉语的软件，`汉语`。"


@pytest.fixture
def publication(new_publication: Make) -> PublicationFolder:
    return new_publication(newsletters=ASKING)


def write(
    publication: PublicationFolder, language: str = "zh-Hans", text: str = TEXT, **matter: Any
) -> None:
    facts: dict[str, Any] = {"title": "汉语", "date": "2026-01-08", "topics": "[网络]"}
    publication.write(f"{language}/ferry.md", text, **facts | matter)


def pick_up_ferry(publication: PublicationFolder, *texts: str, **matter: str) -> None:
    write(publication, *texts, **matter)
    publication.pick_up()


def made(publication: PublicationFolder) -> Article:
    return publication.one("ferry", "zh-Hant")


def test_a_conversion_is_made_for_an_edition_that_asks(publication: PublicationFolder) -> None:
    pick_up_ferry(publication, summary="摘要说明")
    found, original = made(publication), publication.one("ferry", "zh-Hans")
    assert (found.origin, found.status) == (Origin.CONVERTED, ArticleStatus.READY)
    assert (found.title, found.summary) == ("漢語", "摘要說明")
    assert found.topics == ("網絡",)
    assert found.slug == original.slug
    assert found.published_at == original.published_at


def test_words_are_converted_and_code_names_and_addresses_are_not(
    publication: PublicationFolder,
) -> None:
    write(
        publication,
        author="{name: 范后, affiliation: 汉语学会}",
        image="{src: 'https://example.org/汉.png', alt: 汉语, caption: 头发, credit: 汉}",
        audio="{src: 'https://example.org/汉.mp3', title: 汉语, length: 17}",
    )
    publication.pick_up()
    original, conversion = publication.one("ferry", "zh-Hans"), made(publication)
    assert "<code>汉语</code>" in conversion.html
    assert "漢語" in conversion.html
    assert conversion.bylines == (Byline(name="范后", affiliation="漢語學會"),)
    picture = conversion.picture
    assert picture is not None
    assert (picture.src, picture.alt) == ("https://example.org/汉.png", "漢語")
    assert (picture.caption, picture.credit) == ("頭髮", "汉")
    assert conversion.attachments == (replace(original.attachments[0], title="漢語"),)


def test_an_original_in_an_unpublished_script_is_converted_into_a_published_one(
    new_publication: Make,
) -> None:
    publication = new_publication(languages=["en", "zh-Hant"], newsletters=ASKING)
    pick_up_ferry(publication)
    assert made(publication).origin == Origin.CONVERTED


def test_a_conversion_source_of_the_publication_counts_before_others(
    new_publication: Make,
) -> None:
    asking = [{"edition": {"zh-Hans": {"missing": "convert"}}}]
    publication = new_publication(languages=["zh-Hans", "zh-Hant-HK"], newsletters=asking)
    pick_up_ferry(publication, "zh-HK", "香港的軟件。", title="香港")
    assert publication.one("ferry", "zh-Hans").title == "香港"
    assert publication.one("ferry", "zh-Hans").text == "香港的软件。"


def test_a_conversion_is_made_again_when_the_original_changes(
    publication: PublicationFolder,
) -> None:
    pick_up_ferry(publication)
    before = made(publication)
    write(publication, title="汉字")
    publication.at(LATER).pick_up()
    found = made(publication)
    assert (found.id, found.title) == (before.id, "漢字")
    assert (found.updated_at, found.available_at) == (LATER, before.available_at)


def test_a_conversion_is_made_again_by_another_converter(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    pick_up_ferry(publication)
    before = publication.rows(article)
    monkeypatch.setattr(conversion, "converter_name", lambda: "Another 1.0")
    publication.pick_up()
    after = publication.rows(article)
    assert [row["converted_from"] for row in after] != [row["converted_from"] for row in before]
    assert after[1]["content_hash"] == before[1]["content_hash"]


def test_a_pick_up_without_changes_converts_nothing(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    pick_up_ferry(publication)
    before = publication.rows(article)
    # Calling it would fail, and so show that it was.
    monkeypatch.setattr(script_conversion, "_ConversionUpdate", None)
    assert publication.pick_up().problems == []
    assert publication.rows(article) == before


def due(publication: PublicationFolder) -> list[int]:
    """Return the stories that are marked."""
    return [row["story_id"] for row in publication.rows(script_conversion_due)]


class Killed(BaseException):
    """What a kill looks like from inside."""


def killed(*_arguments: object) -> None:
    raise Killed


def test_all_that_changed_before_a_kill_is_converted_after_it(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    publication.pick_up()
    titles = {f"s{number}": f"汉语{number}" for number in range(3)}
    for key, title in titles.items():
        publication.write(f"zh-Hans/{key}.md", TEXT, title=title, date="2026-01-08")
    with monkeypatch.context() as patch:
        patch.setattr(script_conversion, "update_conversions", killed)
        for _ in range(2):
            with pytest.raises(Killed):
                publication.pick_up()
    assert len(due(publication)) == 3
    publication.pick_up()
    assert due(publication) == []
    converted = [publication.one(key, "zh-Hant").title for key in titles]
    assert converted == ["漢語0", "漢語1", "漢語2"]


def test_a_human_translation_takes_the_conversions_place_and_id(
    publication: PublicationFolder,
) -> None:
    pick_up_ferry(publication)
    machine = made(publication)
    write(publication, "zh-Hant", "人手寫的。", title="人手")
    publication.at(LATER).pick_up()
    human = made(publication)
    assert (human.id, human.title) == (machine.id, "人手")
    assert human.origin == Origin.TRANSLATION
    assert human.available_at == human.updated_at == LATER


def test_the_conversion_comes_back_when_the_human_translation_goes(
    publication: PublicationFolder,
) -> None:
    write(publication)
    write(publication, "zh-Hant", "人手寫的。", title="人手")
    publication.pick_up()
    human = made(publication)
    (publication.articles / "zh-Hant/ferry.md").unlink()
    publication.at(LATER).pick_up()
    found = made(publication)
    assert (found.id, found.origin, found.title) == (human.id, Origin.CONVERTED, "漢語")


@pytest.mark.parametrize("others", [(), ("en",)])
def test_a_conversion_goes_and_comes_with_its_original_whatever_else_the_story_has(
    publication: PublicationFolder, others: tuple[str, ...]
) -> None:
    write(publication)
    for language in others:
        write(publication, language, "Words.", title="The ferry")
    publication.pick_up()
    before = made(publication)
    (publication.articles / "zh-Hans/ferry.md").unlink()
    publication.at(LATER).pick_up()
    assert {language for _, language in publication.all()} == set(others)
    pick_up_ferry(publication)
    assert (made(publication).id, made(publication).status) == (before.id, ArticleStatus.READY)


def test_an_article_that_its_document_withdraws_is_not_replaced_by_a_conversion(
    publication: PublicationFolder,
) -> None:
    write(publication)
    write(publication, "zh-Hant", "人手寫的。", title="人手")
    publication.pick_up()
    write(publication, "zh-Hant", "人手寫的。", title="人手", status="withdrawn")
    for _ in range(2):
        publication.pick_up()
        assert set(publication.all()) == {("ferry", "zh-Hans")}
    (publication.articles / "zh-Hant/ferry.md").unlink()
    publication.pick_up()
    assert made(publication).origin == Origin.CONVERTED


def test_conversions_are_withdrawn_when_no_edition_asks_and_pages_are_updated(
    publication: PublicationFolder,
) -> None:
    pick_up_ferry(publication)
    with publication.database.writing() as connection:
        connection.execute(article.update().values(page_hash="made"))
    publication.reload()
    publication.pick_up()
    assert set(publication.all()) == {("ferry", "zh-Hans")}
    assert [row["page_hash"] for row in publication.rows(article)] == [None, None]


def test_a_conversion_is_never_converted(new_publication: Make) -> None:
    both = {"zh-Hant": {"missing": "convert"}, "zh-Hans": {"missing": "convert"}}
    publication = new_publication(newsletters=[{"edition": both}])
    write(publication)
    publication.pick_up_file("zh-Hant/map.md", "漢語", title="漢語", date="2026-01-08")
    before = publication.rows(article)
    publication.pick_up()
    origins = {at: one.origin for at, one in publication.all().items()}
    assert origins == {
        ("ferry", "zh-Hans"): Origin.ORIGINAL,
        ("ferry", "zh-Hant"): Origin.CONVERTED,
        ("map", "zh-Hans"): Origin.CONVERTED,
        ("map", "zh-Hant"): Origin.ORIGINAL,
    }
    assert publication.rows(article) == before


def test_held_back_originals_are_not_converted(publication: PublicationFolder) -> None:
    pick_up_ferry(publication, status="stale")
    assert set(publication.all()) == {("ferry", "zh-Hans")}


def test_a_conversion_keeps_its_originals_embargo_however_it_is_moved(
    publication: PublicationFolder,
) -> None:
    pick_up_ferry(publication, date="2026-01-20 08:00")
    for date in ("2026-01-20 09:00", "2026-01-22", "2026-01-09"):
        pick_up_ferry(publication, date=date)
        original = publication.one("ferry", "zh-Hans")
        assert made(publication).available_at == original.available_at
        assert made(publication).published_at == original.published_at
    assert made(publication).available_at == NOW


def test_conversions_are_counted_by_language(publication: PublicationFolder) -> None:
    pick_up_ferry(publication)
    with publication.database.reading() as connection:
        assert store.count_conversions(connection) == {"zh-Hant": 1}
        assert store.count_articles_by_language(connection) == {"zh-Hans": 1, "zh-Hant": 1}
