"""Figures of translations: lags, states, and who is served in which language."""

from collections import Counter
from datetime import timedelta

import pytest

from publisher.translations import delays
from publisher.translations.model import CellState
from subscribers.preferences import Preferences, store_preferences
from subscribers.store import count_subscribers_by_languages
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import subscribe

DAY = timedelta(days=1)
PEOPLE = (("a", "ar"), ("b", "ar"), ("c", "zh-TW"), ("d", "fr"))
LANGUAGES = ("en", "zh-Hans", "ar")


def write(publication: PublicationFolder, language: str, key: str, **matter: object) -> None:
    facts = {"title": key, "date": f"{publication.clock.now():%Y-%m-%d}"} | matter
    publication.write(f"{language}/{key}.md", f"Words of {key} in {language}.", **facts)


def statistics(publication: PublicationFolder) -> delays.TranslationStatistics:
    now = publication.clock.now()
    with publication.database.reading() as connection:
        return delays.statistics_of(connection, LANGUAGES, now - 60 * DAY, now)


def test_lags_are_summed_up_by_the_nearest_rank() -> None:
    hours = [timedelta(hours=number) for number in range(1, 101)]
    assert delays.summarise_lags(hours) == delays.Lag(
        100, timedelta(hours=50), timedelta(hours=95)
    )
    assert delays.summarise_lags([DAY]) == delays.Lag(1, DAY, DAY)
    assert delays.summarise_lags([]) == delays.Lag(0, None, None)


def test_a_lag_is_from_the_original_to_a_persons_translation(
    publication: PublicationFolder,
) -> None:
    write(publication, "en", "ferry")
    write(publication, "en", "bridge")
    publication.pick_up()
    publication.at(NOW + 2 * DAY)
    write(publication, "ar", "ferry", translator="Omar")
    write(publication, "zh-Hans", "ferry", provenance="machine")
    publication.pick_up()
    found = statistics(publication)
    assert found.lags["ar"] == delays.Lag(1, 2 * DAY, 2 * DAY)
    assert found.lags["zh-Hans"] == delays.Lag(0, None, None)
    assert found.states["ar"] == {CellState.TRANSLATION: 1, CellState.MISSING: 1}
    assert found.states["en"] == {CellState.ORIGINAL: 2}
    assert found.states["zh-Hans"][CellState.MACHINE] == 1


@pytest.mark.parametrize(
    ("languages", "share"),
    [
        (("en",), delays.ServedShare(first=2)),
        (("ar", "en"), delays.ServedShare(first=1, other=1)),
        (("ar",), delays.ServedShare(first=1, none=1)),
        ((None, "en"), delays.ServedShare(other=2)),
        ((None,), delays.ServedShare(none=2)),
    ],
)
def test_each_story_counts_once_for_each_subscriber(
    languages: tuple[str | None, ...], share: delays.ServedShare
) -> None:
    offered = Counter([frozenset({"en"}), frozenset({"en", "ar"})])
    assert delays.share_served({languages: 1}, offered) == share
    assert delays.share_served({languages: 3}, offered).total == 6


def test_subscribers_are_counted_by_all_their_languages(publication: PublicationFolder) -> None:
    subscribe(publication, *((f"{name}@example.com", tag) for name, tag in PEOPLE))
    with publication.database.writing() as connection:
        for number, languages in ((2, ("ar", "en")), (4, ("fr", "ar"))):
            store_preferences(connection, number, Preferences(languages=languages), NOW)
        counts = count_subscribers_by_languages(connection)
    assert sum(counts.values()) == 4
    assert counts["ar", "en"] == 1
    write(publication, "en", "ferry")
    publication.pick_up()
    found = statistics(publication)
    # Those of zh-Hant and French are served in none, or in Arabic.
    assert found.subscribers == delays.ServedShare(first=2, other=1, none=1)
    # In English: one who reads it, too; all others not.
    assert found.readings == delays.ServedShare(first=0, other=1, none=3)
