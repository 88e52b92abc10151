"""Translations are stale while their originals say something else than what they were made from."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import select

from publisher.errors import TranslationError
from publisher.ingest.pickup.source_pickup import pick_up
from publisher.translations import listing
from publisher.translations.model import (
    Cell,
    CellState,
    ChangedParagraph,
    Words,
    changes_between,
)
from publisher.translations.records import current_words, dismiss, source_hash, words_by_hash
from publisher.translations.tables import former_words, translation_source
from tests.publisher.conftest import NOW, PublicationFolder

LANGUAGES = ("en", "zh-Hans", "ar")


@pytest.fixture
def days(publication: PublicationFolder) -> Days:
    return Days(publication)


class Days:
    """Picks up each time a day later."""

    def __init__(self, publication: PublicationFolder) -> None:
        self.publication = publication
        self.number = 0

    def write(self, language: str, text: str, key: str = "ferry", **matter: object) -> None:
        facts = {"title": f"{key} {language}", "date": "2026-01-08"} | matter
        self.publication.write(f"{language}/{key}.md", text, **facts)

    def translate(self, *languages: str, key: str = "ferry") -> None:
        for language in languages:
            self.write(language, f"Words in {language}.", key, translator="Li Na")

    def pick_up(self) -> None:
        self.number += 1
        self.publication.at(NOW + timedelta(days=self.number))
        self.publication.pick_up()

    def line(self, key: str = "ferry") -> listing.StoryLine:
        with self.publication.database.reading() as connection:
            found = listing.find_story(connection, key, LANGUAGES, self.publication.clock.now())
        assert found is not None
        return found

    def dismiss(self, key: str, language: str) -> None:
        line = self.line(key)
        cell = line.cell(language)
        assert cell is not None
        assert cell.article_id is not None
        with self.publication.database.writing() as connection:
            words = current_words(connection, [line.original_id])[line.original_id]
            dismiss(connection, cell.article_id, words.hash)

    def words_before(self, cell: Cell) -> Words | None:
        assert cell.article_id is not None
        with self.publication.database.reading() as connection:
            return words_by_hash(connection, source_hash(connection, cell.article_id))

    def states(self, key: str = "ferry") -> list[str]:
        return [one.state.value for one in self.line(key).cells]


def test_a_change_of_an_original_marks_its_translations_and_no_others(days: Days) -> None:
    for key in ("ferry", "bridge"):
        days.write("en", "First.\n\nSecond.", key)
        days.translate("zh-Hans", "ar", key=key)
    days.pick_up()
    assert days.states() == ["original", "translation", "translation"]
    days.write("en", "First.\n\nOther.")
    days.pick_up()
    assert days.states() == ["original", "stale", "stale"]
    assert days.states("bridge") == ["original", "translation", "translation"]
    assert days.line().cells[1].changed_at == NOW + timedelta(days=2)


def test_an_original_that_says_the_same_as_before_makes_nothing_stale(days: Days) -> None:
    days.write("en", "First.")
    days.translate("ar")
    days.pick_up()
    days.write("en", "First.  ", topics="[sea]")
    days.pick_up()
    assert days.states() == ["original", "missing", "translation"]
    days.write("en", "Other.")
    days.pick_up()
    days.write("en", "First.")
    days.pick_up()
    assert days.states() == ["original", "missing", "translation"]


def test_of_what_was_there_before_nothing_is_known_until_its_original_changes(
    days: Days,
) -> None:
    days.write("en", "First.")
    days.translate("zh-Hans")
    days.pick_up()
    with days.publication.database.writing() as connection:
        connection.execute(translation_source.delete())
    days.write("ar", "Words in ar.", translator="Li Na")
    days.pick_up()
    assert days.states() == ["original", "translation", "translation"]
    days.write("en", "Other.")
    days.pick_up()
    assert days.states() == ["original", "stale", "stale"]


def test_old_words_are_kept_as_long_as_a_translation_needs_them(days: Days) -> None:
    days.write("en", "First.")
    days.translate("zh-Hans", "ar")
    days.pick_up()
    for text in ("Second.", "Third."):
        days.write("en", text)
        days.pick_up()
    kept = select(former_words.c.text)
    with days.publication.database.reading() as connection:
        assert connection.execute(kept).scalars().all() == ["First."]
    for language in ("zh-Hans", "ar"):
        days.write(language, f"New in {language}.", translator="Li Na")
        days.pick_up()
    with days.publication.database.reading() as connection:
        assert connection.execute(kept).scalars().all() == []


def test_a_copy_of_the_original_is_no_translation(days: Days) -> None:
    days.write("en", "First.")
    days.write("ar", "First.")
    days.pick_up()
    assert days.states() == ["original", "missing", "missing"]


def test_a_document_that_calls_itself_stale_is_listed_as_such(days: Days) -> None:
    days.write("en", "First.")
    days.write("ar", "Old words.", translator="Li Na", status="stale")
    days.pick_up()
    assert days.states() == ["original", "missing", "stale"]
    assert days.line().cells[2].changed_at is None


def test_the_newest_stories_come_first_and_a_place_leads_to_the_others(days: Days) -> None:
    for number in range(1, 6):
        days.write("en", "Words.", f"story-{number}", date=f"2026-01-0{number}")
    days.translate("ar", key="story-4")
    days.pick_up()
    with days.publication.database.reading() as connection:
        every = list(
            listing.read_stories(connection, listing.StoryFilter(languages=LANGUAGES), NOW)
        )
        third = (every[2].published_at, every[2].original_id)
        rest = listing.StoryFilter(languages=["ar"], states=[CellState.MISSING], before=third)
        left = [one.key for one in listing.read_stories(connection, rest, NOW)]
        recent = listing.StoryFilter(
            languages=["ar"], states=[CellState.MISSING], since=third[0]
        )
        new = [one.key for one in listing.read_stories(connection, recent, NOW)]
    assert [one.key for one in every] == [f"story-{number}" for number in (5, 4, 3, 2, 1)]
    assert (left, new) == (["story-2", "story-1"], ["story-5", "story-3"])


def test_changes_are_shown_by_paragraphs_and_a_made_summary_does_not_count_twice() -> None:
    old = Words("Ferry", "First.", "First.\n\nSecond.")
    new = Words("Ferry", "First.", "First.\n\nOther.\n\nThird.")
    assert changes_between(old, new) == [
        ChangedParagraph("same", "Ferry"),
        ChangedParagraph("same", "First."),
        ChangedParagraph("removed", "Second."),
        ChangedParagraph("added", "Other."),
        ChangedParagraph("added", "Third."),
    ]
    assert old.hash == Words("Ferry ", "First.", "First.\nSecond.").hash != new.hash


def test_picking_up_again_changes_nothing(days: Days) -> None:
    days.write("en", "First.")
    days.translate("ar")
    days.pick_up()
    days.write("en", "Other.")
    days.pick_up()
    before = days.publication.rows(translation_source)
    pick_up(days.publication.settings, days.publication.database, NOW + timedelta(days=9))
    assert days.publication.rows(translation_source) == before
    assert [row["original_changed_at"] for row in before] == [NOW + timedelta(days=2)]


@pytest.mark.parametrize("seed", range(3))
def test_whatever_changes_each_translation_is_stale_exactly_while_its_original_differs(
    days: Days, seed: int
) -> None:
    """Play random changes, and compare with what each translation was made from."""
    random = Random(seed)
    keys = ("ferry", "bridge")
    places = [(key, language) for key in keys for language in LANGUAGES[1:]]
    texts = dict.fromkeys(keys, "Text 0.")
    made_from = dict.fromkeys(places, "Text 0.")
    dismissed: dict[tuple[str, str], str] = {}
    for key in keys:
        days.write("en", texts[key], key)
        days.translate(*LANGUAGES[1:], key=key)
    days.pick_up()
    for step in range(25):
        key, language = random.choice(places)
        match random.choice(["original", "original", "translation", "both", "dismiss"]):
            case "dismiss":
                if days.line(key).cells[LANGUAGES.index(language)].state is CellState.STALE:
                    days.dismiss(key, language)
                    dismissed[key, language] = texts[key]
            case what:
                if what != "translation":
                    # Sometimes the words of before come back.
                    texts[key] = f"Text {random.randrange(4)}."
                    days.write("en", texts[key], key)
                if what != "original":
                    days.write(language, f"Step {step}.", key, translator="Li Na")
                    made_from[key, language] = texts[key]
                    dismissed.pop((key, language), None)
        days.pick_up()
        for one, tag in places:
            is_stale = texts[one] not in {made_from[one, tag], dismissed.get((one, tag))}
            wanted = CellState.STALE if is_stale else CellState.TRANSLATION
            cell = days.line(one).cells[LANGUAGES.index(tag)]
            assert cell.state is wanted, (step, one, tag)
            if is_stale:
                assert days.words_before(cell) is not None


CONVERTED = ("en", "zh-Hans", "zh-Hant")
ASKING = [{"edition": {"zh-Hant": {"missing": "convert"}}}]


def converted(days: Days, languages: tuple[str, ...] = CONVERTED) -> list[str]:
    with days.publication.database.reading() as connection:
        found = listing.find_story(connection, "ferry", languages, days.publication.clock.now())
    assert found is not None
    return [one.state.value for one in found.cells]


def test_a_conversion_is_stale_with_the_translation_that_it_was_made_from(days: Days) -> None:
    days.publication.reload(languages=[*CONVERTED], newsletters=ASKING)
    days.write("en", "First.")
    days.translate("zh-Hans")
    days.pick_up()
    assert converted(days) == ["original", "translation", "converted"]
    days.write("en", "Other.")
    days.pick_up()
    assert converted(days) == ["original", "stale", "stale"]
    # Also where only its own language is listed.
    assert converted(days, ("zh-Hant",)) == ["stale"]
    with days.publication.database.reading() as connection:
        line = listing.find_story(connection, "ferry", CONVERTED, days.publication.clock.now())
        assert line is not None
        assert [one.converted_from for one in line.cells] == [None, None, "zh-Hans"]
        with pytest.raises(TranslationError, match="is converted from zh-Hans, and stale with"):
            listing.source_of_stale(connection, line, line.cells[2])
    days.dismiss("ferry", "zh-Hans")
    assert converted(days) == ["original", "translation", "converted"]
    days.write("en", "Third.")
    days.pick_up()
    days.write("zh-Hans", "Third words.", translator="Li Na")
    days.pick_up()
    assert converted(days) == ["original", "translation", "converted"]


def test_a_conversion_of_an_original_is_not_stale_when_that_changes(days: Days) -> None:
    days.publication.reload(languages=[*CONVERTED], newsletters=ASKING)
    days.write("zh-Hans", "第一。")
    days.pick_up()
    days.write("zh-Hans", "第二。")
    days.pick_up()
    assert converted(days) == ["missing", "original", "converted"]
