"""Which articles an issue carries, and why others are excluded."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from publisher.articles.model import Article, Byline, Origin, Provenance
from publisher.config import Edition, Newsletter, Publication
from publisher.config.publication import People, Person
from publisher.issues import selection as article_selection
from publisher.testing import SAMPLE_NEWSLETTER, SAMPLE_PUBLICATION, sample_article
from subscribers.preferences import Profile

NOW = datetime(2026, 1, 9, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PEOPLE = People(
    {"ada-lark": Person(name={"en": "Ada Lark", "ar": "آدا"}, aliases=("A. Lark",))}  # type: ignore[arg-type]  # a validator's
)
LANGUAGES = ["zh-Hant", "zh-Hans", "en", "ar"]
PUBLICATION = Publication(**{**SAMPLE_PUBLICATION, "languages": LANGUAGES}).model_copy(
    update={"people": PEOPLE}
)


def edition(language: str = "en", **terms: Any) -> Edition:
    return Newsletter(**{**SAMPLE_NEWSLETTER, **terms}).in_language(language, "UTC")


def an_article(number: int, language: str = "en", *, age: int = 1, **changes: Any) -> Article:
    facts = {"id": number * 10, "story_id": number, "published_at": NOW - age * DAY}
    return sample_article(language=language, **facts | changes)


def pick(
    where: Edition,
    articles: Sequence[Article],
    *,
    others: Sequence[Article] = (),
    sent: Collection[int] = (),
    published_until: datetime | None = None,
) -> article_selection.Selection:
    """Choose among articles; `others` are earlier articles of the same stories."""
    variants: dict[int, list[Article]] = {}
    for article in (*articles, *others):
        variants.setdefault(article.story_id, []).append(article)
    candidates = article_selection.Candidates(articles=articles, variants=variants, sent=sent)
    window = article_selection.SelectionWindow(until=NOW, published_until=published_until)
    return article_selection.choose_articles(where, candidates, window)


def stories(selection: article_selection.Selection) -> list[int]:
    return [article.story_id for article in selection.chosen]


def test_the_newest_articles_are_chosen_and_those_beyond_the_most_are_counted() -> None:
    some = [an_article(3, age=2), an_article(2), an_article(1)]
    assert stories(pick(edition(), some)) == [1, 2, 3]
    found = pick(edition(max_articles=2), [an_article(n, age=n) for n in (1, 2, 3, 4)])
    assert (stories(found), found.more) == ([1, 2], 2)


def test_a_source_fills_no_more_than_its_places_and_the_rest_waits() -> None:
    some = [an_article(n, available_at=NOW - n * DAY) for n in (1, 2, 3, 4, 5)]
    places = {1: ("wire", 1), 2: ("wire", 1), 3: ("wire", 1), 4: ("own", 2)}
    candidates = article_selection.Candidates(
        articles=some, variants={one.story_id: [one] for one in some}, sent=(), places=places
    )
    window = article_selection.SelectionWindow(until=NOW)
    found = article_selection.choose_articles(edition(), candidates, window)
    assert (stories(found), found.more) == ([1, 4, 5], 2)
    assert found.reason_to_wait() == "2 articles wait for the next issue, by max_share of wire"
    # All that came after the first of them is considered again.
    assert found.considered_until(NOW) == NOW - 3 * DAY - timedelta(seconds=1)
    # What has no room anyway does not wait.
    full = article_selection.choose_articles(edition(max_articles=1), candidates, window)
    assert (stories(full), full.more, full.reason_to_wait()) == ([1], 4, "")
    assert full.considered_until(NOW) == NOW


def test_articles_that_were_carried_or_are_too_old_are_excluded_and_counted() -> None:
    found = pick(edition(), [an_article(1), an_article(2)], sent={1})
    assert stories(found) == [2]
    assert found.excluded == {"carried before": 1}
    found = pick(edition(max_age=30), [an_article(1, age=30), an_article(2, age=31)])
    assert stories(found) == [1]
    assert found.excluded == {"older than 30 days": 1}
    old = an_article(1, age=31)
    candidates = article_selection.Candidates(
        articles=[old], too_old=4, variants={1: [old]}, sent=()
    )
    found = article_selection.choose_articles(
        edition(max_age=30), candidates, article_selection.SelectionWindow(until=NOW)
    )
    assert found.excluded == {"older than 30 days": 5}
    assert found.reason_if_empty() == "no new articles (5 older than 30 days)"


def test_a_translation_is_as_old_as_its_original_and_news_in_its_own_edition() -> None:
    translation = an_article(1, "ar", age=1, origin=Origin.TRANSLATION)
    fresh, old = an_article(1, age=29), an_article(1, age=31)
    assert stories(pick(edition("ar", max_age=30), [translation], others=[fresh])) == [1]
    assert stories(pick(edition("ar", max_age=30), [translation], others=[old])) == []
    translation = an_article(1, "ar", age=21, available_at=NOW)
    assert stories(pick(edition("ar"), [translation])) == [1]


@pytest.mark.parametrize(
    ("missing", "carried"), [("skip", False), ("fallback", False), ("convert", True)]
)
def test_conversions_are_carried_only_where_they_are_allowed(
    missing: str, carried: bool
) -> None:
    converted = an_article(1, "zh-Hant", origin=Origin.CONVERTED)
    found = pick(edition("zh-Hant", missing=missing), [converted])
    assert bool(found.chosen) == carried
    assert found.excluded == ({} if carried else {"converted or translated by machine": 1})


@pytest.mark.parametrize("wants", [True, False])
@pytest.mark.parametrize("provenance", [Provenance.MACHINE, Provenance.SCRIPT])
def test_machine_translations_are_only_for_those_who_want_them(
    wants: bool, provenance: Provenance
) -> None:
    own = edition("ar")
    profile = Profile(machine_translations=wants)
    rules = article_selection.rules_of_profile(own, [own], PUBLICATION, "ar", profile)
    translation = an_article(1, "ar", origin=Origin.TRANSLATION, provenance=provenance)
    assert rules.allows(translation) == wants
    assert rules.allows(an_article(2, "ar", origin=Origin.TRANSLATION))
    # Nobody without a profile has asked to be spared.
    assert stories(pick(own, [translation])) == [1]


def test_fallback_languages_count_only_with_missing_fallback() -> None:
    assert article_selection.languages_to_search(edition("ar", fallback=["en"])) == ("ar",)
    falling = edition("ar", missing="fallback", fallback=["zh-Hans", "ar", "en"])
    assert article_selection.languages_to_search(falling) == ("ar", "zh-Hans", "en")


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_first_available_fallback_language_is_shown(order: Sequence[int]) -> None:
    both = [an_article(1, "en"), an_article(1, "zh-Hans", age=3)]
    where = edition("ar", missing="fallback", fallback=["zh-Hans", "en"])
    (found,) = pick(where, [both[n] for n in order]).chosen
    assert found.language == "zh-Hans"


def test_a_fallback_stands_at_its_date_and_only_where_no_other_article_may_be_shown() -> None:
    where = edition("ar", missing="fallback", fallback=["en"], max_articles=2)
    some = [an_article(1, "en", age=1), an_article(2, "ar", age=9), an_article(3, "ar", age=8)]
    found = pick(where, some)
    assert (stories(found), found.more) == ([1, 3], 1)
    where = edition("ar", missing="fallback", fallback=["en"])
    found = pick(where, [an_article(1, "en")], others=[an_article(1, "ar")])
    assert (found.chosen, found.excluded) == ((), {})
    where = edition("zh-Hant", missing="fallback", fallback=["zh-Hans"])
    conversion = an_article(1, "zh-Hant", origin=Origin.CONVERTED)
    (chosen,) = pick(where, [an_article(1, "zh-Hans")], others=[conversion]).chosen
    assert chosen.language == "zh-Hans"


def test_a_late_issue_leaves_later_articles_to_the_next_and_an_empty_one_has_a_reason() -> None:
    some = [an_article(1, age=1), an_article(2, age=3), an_article(3, age=2)]
    found = pick(edition(), some, published_until=NOW - 2 * DAY)
    assert (stories(found), found.excluded) == ([3, 2], {})
    assert pick(edition(), []).reason_if_empty() == "no new articles"
    some = [an_article(1), an_article(2), an_article(3, age=100)]
    reason = pick(edition(), some, sent={1, 2}).reason_if_empty()
    assert reason == "no new articles (2 carried before, 1 older than 60 days)"


# --- subscribers with a profile


def profile_pick(
    where: Edition,
    articles: Sequence[Article],
    *,
    others: Sequence[Article] = (),
    sisters: Sequence[Edition] = (),
    language: str = "",
    **profile: Any,
) -> list[tuple[int, str]]:
    """Choose for a profile; return the stories and the languages that they come in."""
    rules = article_selection.rules_of_profile(
        where, [where, *sisters], PUBLICATION, language or where.language, Profile(**profile)
    )
    variants: dict[int, list[Article]] = {}
    for article in (*articles, *others):
        variants.setdefault(article.story_id, []).append(article)
    candidates = article_selection.Candidates(articles=articles, variants=variants, sent=())
    found = article_selection.choose_for_profile(
        rules, candidates, article_selection.SelectionWindow(until=NOW)
    )
    return [(article.story_id, article.language) for article in found]


def test_each_story_comes_in_the_best_of_the_subscriber_s_languages() -> None:
    some = [
        an_article(1, "zh-Hant"),
        an_article(1, "en"),
        an_article(2, "en"),
        an_article(2, "ar"),
        an_article(3, "ar"),
        an_article(4, "zh-Hans"),
    ]
    where = edition("zh-Hant")
    found = profile_pick(where, some, more_languages=("en", "ar"))
    assert found == [(1, "zh-Hant"), (2, "en"), (3, "ar")]
    found = profile_pick(where, some, more_languages=("ar", "en"))
    assert found == [(1, "zh-Hant"), (2, "ar"), (3, "ar")]


def test_the_languages_of_the_edition_come_after_the_subscriber_s() -> None:
    where = edition("ar", missing="fallback", fallback=["en"])
    some = [an_article(1, "ar"), an_article(2, "en"), an_article(3, "zh-Hant")]
    assert profile_pick(where, some, length="full") == [(1, "ar"), (2, "en")]
    some = [an_article(1, "en"), an_article(1, "zh-Hant"), an_article(2, "en")]
    found = profile_pick(where, some, more_languages=("zh-Hant",))
    assert found == [(1, "zh-Hant"), (2, "en")]


def test_a_story_that_exists_in_a_better_language_is_no_news_in_another() -> None:
    found = profile_pick(
        edition("zh-Hant"),
        [an_article(1, "en")],
        others=[an_article(1, "zh-Hant", age=20)],
        more_languages=("en",),
    )
    assert found == []


def test_a_conversion_is_skipped_for_those_who_decline_it() -> None:
    where = edition("zh-Hant", missing="convert")
    some = [
        an_article(1, "zh-Hant", origin=Origin.CONVERTED),
        an_article(1, "zh-Hans"),
        an_article(2, "zh-Hant", origin=Origin.CONVERTED),
    ]
    assert profile_pick(where, some, more_languages=("zh-Hans",)) == [
        (1, "zh-Hant"),
        (2, "zh-Hant"),
    ]
    declined = profile_pick(
        where, some, more_languages=("zh-Hans",), machine_translations=False
    )
    assert declined == [(1, "zh-Hans")]


@pytest.mark.parametrize("missing", ["skip", "convert"])
def test_the_edition_of_a_language_decides_about_conversions_into_it(missing: str) -> None:
    some = [an_article(1, "zh-Hant", origin=Origin.CONVERTED)]
    sister = edition("zh-Hant", missing=missing)
    found = profile_pick(edition("en"), some, sisters=[sister], more_languages=("zh-Hant",))
    assert bool(found) == (missing == "convert")


def test_a_story_with_any_of_the_topics_or_authors_is_chosen() -> None:
    some = [
        an_article(1, topics=("Harbour", "Fish")),
        an_article(2, topics=("Art",)),
        an_article(3, topics=(), bylines=(Byline(name="B. Invented"),)),
    ]
    assert profile_pick(edition(), some, topics=("harbour",)) == [(1, "en")]
    assert profile_pick(edition(), some, topics=("FISH", "art")) == [(1, "en"), (2, "en")]
    assert profile_pick(edition(), some, authors=("b.  invented",)) == [(3, "en")]
    found = profile_pick(edition(), some, topics=("art",), authors=("B. Invented",))
    assert found == [(2, "en"), (3, "en")]


def test_a_renamed_topic_is_chosen_by_each_of_its_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(PUBLICATION.renamed_topics, "Docks", "Harbour")
    some = [an_article(1, topics=("Harbour",)), an_article(2, topics=("Docks",))]
    for chosen in ("docks", "HARBOUR"):
        assert profile_pick(edition(), some, topics=(chosen,)) == [(1, "en"), (2, "en")]


@pytest.mark.parametrize("chosen", ["Ada Lark", "A. LARK", "آدا", "ada-lark"])
def test_an_author_of_people_toml_is_chosen_in_every_spelling(chosen: str) -> None:
    names = ("Ada Lark", "A. Lark", "آدا", "B. Invented")
    some = [an_article(n, bylines=(Byline(name=name),)) for n, name in enumerate(names, 1)]
    found = profile_pick(edition(), some, authors=(chosen,))
    assert found == [(1, "en"), (2, "en"), (3, "en")]


def test_topics_are_found_in_any_language_and_all_that_is_wanted_is_chosen_before_the_bound() -> (
    None
):
    some = [an_article(1, "zh-Hant", topics=("港口",))]
    others = [an_article(1, "en", age=2, topics=("Harbour",))]
    assert profile_pick(edition("zh-Hant"), some, others=others, topics=("harbour",))
    some = [an_article(n, age=n) for n in (1, 2, 3)]
    found = profile_pick(edition(max_articles=2), some, length="full")
    assert [story for story, _language in found] == [1, 2, 3]


@pytest.mark.parametrize(
    ("wanted", "served"),
    [(["ar"], "ar"), (["fr", "zh-Hant", "en"], "zh-Hant"), (["en-GB"], "en"), (["fr"], None)],
)
def test_the_first_language_that_has_an_edition_decides_which_serves(
    wanted: Sequence[str], served: str | None
) -> None:
    assert article_selection.serving_language(["en", "zh-Hant", "ar"], wanted) == served
