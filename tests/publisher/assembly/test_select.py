"""Selecting the articles of due issues: all of a cycle together, each story once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from publisher.articles import store as articles
from publisher.assembly import preview_selection, select_due
from publisher.issues import store
from publisher.issues.model import Issue, IssueState
from publisher.issues.planner import all_editions, plan_issues
from publisher.issues.tables import issue_table
from tests.publisher.conftest import NOW, House

DAY = timedelta(days=1)
DAILY = {"name": "daily", "schedule": "0 8 * * *"}


def select(house: House) -> int:
    """Run a cycle up to the selection."""
    now = house.clock.now()
    house.pick_up()
    plan_issues(house.settings, house.database, now)
    return select_due(house.settings, house.database, now)


def issues(house: House) -> dict[str, Issue]:
    with house.database.reading() as connection:
        return {one.name: one for one in store.latest_issues(connection, 100)}


def carried(house: House, name: str) -> list[str]:
    with house.database.reading() as connection:
        numbers = store.article_ids_of(connection, issues(house)[name])
        found = articles.articles_by_id(connection, numbers)
    return [f"{found[n].story_key} {found[n].language}" for n in numbers]


@pytest.fixture
def daily(make_house: Callable[..., House]) -> Callable[..., House]:
    """Return a maker of English publications with one daily newsletter."""

    def make(**terms: Any) -> House:
        return make_house(languages=["en"], newsletters=[{**DAILY, **terms}])

    return make


def test_a_due_issue_gets_the_articles_that_became_available(house: House) -> None:
    house.write("en/a.md", title="A", date="2026-01-08")
    house.write("en/b.md", title="B", date="2026-01-07")
    house.write("ar/b.md", title="B in Arabic", date="2026-01-07")
    assert select(house) == 2
    assert carried(house, "weekly-en-2026-01-09") == ["a en", "b en"]
    assert carried(house, "weekly-ar-2026-01-09") == ["b ar"]
    assert issues(house)["weekly-en-2026-01-09"].assembled_at == NOW


def test_an_issue_without_articles_is_skipped_with_the_reason(house: House) -> None:
    house.write("en/a.md", title="A", date="2020-01-08")
    assert select(house) == 0
    one = issues(house)["weekly-en-2026-01-09"]
    assert (one.state, one.reason) == (
        IssueState.SKIPPED,
        "no new articles (1 older than 60 days)",
    )
    assert issues(house)["weekly-ar-2026-01-09"].reason == "no new articles"


def test_no_story_is_carried_twice(daily: Callable[..., House]) -> None:
    house = daily()
    house.write("a.md", title="A", date="2026-01-08")
    select(house)
    house.write("a.md", title="A, corrected", date="2026-01-08")
    house.write("b.md", title="B", date="2026-01-10")
    house.at(NOW + DAY)
    select(house)
    assert carried(house, "daily-en-2026-01-10") == ["b en"]


def test_an_embargoed_article_waits_for_the_issue_after_its_time(
    daily: Callable[..., House],
) -> None:
    house = daily()
    house.write("a.md", title="A", date="2026-01-10 07:00")
    select(house)
    assert issues(house)["daily-en-2026-01-09"].state == IssueState.SKIPPED
    house.at(NOW + DAY)
    select(house)
    assert carried(house, "daily-en-2026-01-10") == ["a en"]


def test_each_late_issue_carries_what_was_published_before_its_own_hour(
    daily: Callable[..., House],
) -> None:
    house = daily(max_lateness=100)
    select(house)
    for day in (9, 10, 11, 12):
        house.write(f"{day}.md", title=f"N {day}", date=f"2026-01-{day:02} 07:00")
    house.at(NOW + 3 * DAY)
    assert select(house) == 3
    assert carried(house, "daily-en-2026-01-10") == ["10 en", "9 en"]
    assert carried(house, "daily-en-2026-01-11") == ["11 en"]
    assert carried(house, "daily-en-2026-01-12") == ["12 en"]


def test_a_scheduled_issue_of_a_removed_newsletter_is_skipped(
    daily: Callable[..., House],
) -> None:
    house = daily()
    house.write("a.md", title="A")
    plan_issues(house.settings, house.database, NOW)
    house.reload(languages=["en"], newsletters=[])
    assert select(house) == 0
    one = issues(house)["daily-en-2026-01-09"]
    assert (one.state, one.reason) == (IssueState.SKIPPED, "no longer in publication.toml")


def test_an_article_from_the_second_of_the_last_selection_is_in_the_next_issue(
    daily: Callable[..., House],
) -> None:
    house = daily()
    house.write("a.md", title="A", date="2026-01-08")
    select(house)
    house.write("b.md", title="B", date="2026-01-08")
    assert select(house) == 0
    house.at(NOW + DAY)
    assert select(house) == 1
    assert carried(house, "daily-en-2026-01-10") == ["b en"]


def test_articles_that_come_after_a_clock_was_days_fast_are_carried(
    daily: Callable[..., House],
) -> None:
    house = daily()
    select(house)
    house.write("a.md", title="A", date="2026-01-08")
    house.at(NOW + 5 * DAY)
    select(house)
    assert carried(house, "daily-en-2026-01-14") == ["a en"]
    house.write("b.md", title="B", date="2026-01-08")
    house.at(NOW + DAY)
    assert select(house) == 0
    house.at(NOW + 6 * DAY)
    assert select(house) == 1
    assert carried(house, "daily-en-2026-01-15") == ["b en"]


def test_a_translation_of_a_story_shown_as_fallback_is_not_carried_again(
    make_house: Callable[..., House],
) -> None:
    terms = {"missing": "fallback", "fallback": ["en"]}
    house = make_house(
        languages=["en", "ar"], newsletters=[{**DAILY, "edition": {"ar": terms}}]
    )
    house.write("en/a.md", title="A", date="2026-01-08")
    select(house)
    house.write("ar/a.md", title="A in Arabic", date="2026-01-08")
    house.at(NOW + DAY)
    select(house)
    assert "carried before" in str(issues(house)["daily-ar-2026-01-10"].reason)


def test_only_editions_with_missing_convert_carry_conversions(
    make_house: Callable[..., House],
) -> None:
    asking = {"name": "weekly", "edition": {"zh-Hant": {"missing": "convert"}}}
    house = make_house(languages=["zh-Hans", "zh-Hant"], newsletters=[asking, DAILY])
    house.write("zh-Hans/a.md", "汉语", title="汉语", date="2026-01-08")
    house.write("zh-Hant/b.md", "漢語", title="漢語", date="2026-01-08")
    select(house)
    assert carried(house, "weekly-zh-Hant-2026-01-09") == ["a zh-Hant", "b zh-Hant"]
    assert carried(house, "daily-zh-Hant-2026-01-09") == ["b zh-Hant"]
    house.write("zh-Hant/a.md", "人手", title="人手", date="2026-01-08")
    house.at(NOW + DAY)
    select(house)
    assert carried(house, "daily-zh-Hant-2026-01-10") == ["a zh-Hant"]


def test_a_preview_selects_the_same_and_changes_nothing(house: House) -> None:
    house.write("en/a.md", title="A", date="2026-01-08")
    house.pick_up()
    edition = next(e for e in all_editions(house.settings) if e.language == "en")
    before = house.rows(issue_table)
    with house.database.reading() as connection:
        shown = preview_selection(connection, edition, NOW)
    assert house.rows(issue_table) == before
    select(house)
    assert [f"{a.story_key} {a.language}" for a in shown.chosen] == carried(
        house, "weekly-en-2026-01-09"
    )
