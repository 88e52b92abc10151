"""Selecting the articles of due issues: all of a cycle together, each story once."""

from datetime import date, timedelta
from typing import Any

import pytest

from publisher.app.issues.occurrences import OccurrenceKey, restore_occurrence
from publisher.articles import store as articles
from publisher.assembly.select import preview_selection, select_due
from publisher.issues import store
from publisher.issues.model import Issue, IssueReason, IssueState
from publisher.issues.planner import plan_issues
from publisher.issues.recovered_issues import store_recovered_stories
from publisher.languages import normalise
from subscribers.preferences import Preferences, store_preferences
from tests.publisher.app.editing import ROOT
from tests.publisher.conftest import NOW, Make, PublicationFolder, editing_state
from tests.subscribers.importing import import_csv

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
DAILY = {"name": "daily", "schedule": "0 8 * * *"}


def select(publication: PublicationFolder) -> int:
    """Run a cycle up to the selection."""
    now = publication.clock.now()
    publication.pick_up()
    plan_issues(publication.settings, publication.database, now)
    return select_due(publication.settings, publication.database, now)


def issues(publication: PublicationFolder) -> dict[str, Issue]:
    with publication.database.reading() as connection:
        return {one.name: one for one in store.latest_issues(connection, 100)}


def carried(publication: PublicationFolder, name: str) -> list[str]:
    with publication.database.reading() as connection:
        numbers = store.article_ids_of(connection, issues(publication)[name])
        found = articles.articles_by_id(connection, numbers)
    return [f"{found[n].story_key} {found[n].language}" for n in numbers]


@pytest.fixture
def daily(new_publication: Make) -> Make:
    """Return a maker of English publications with one daily newsletter."""

    def make(**terms: Any) -> PublicationFolder:
        return new_publication(languages=["en"], newsletters=[{**DAILY, **terms}])

    return make


def test_a_due_issue_gets_the_articles_that_became_available(
    publication: PublicationFolder,
) -> None:
    publication.write("en/a.md", title="A", date="2026-01-08")
    publication.write("en/b.md", title="B", date="2026-01-07")
    publication.write("ar/b.md", title="B in Arabic", date="2026-01-07")
    assert select(publication) == 2
    assert carried(publication, "weekly-en-2026-01-09") == ["a en", "b en"]
    assert carried(publication, "weekly-ar-2026-01-09") == ["b ar"]
    assert issues(publication)["weekly-en-2026-01-09"].assembled_at == NOW


def test_an_issue_without_articles_is_skipped_with_the_reason(
    publication: PublicationFolder,
) -> None:
    publication.write("en/a.md", title="A", date="2020-01-08")
    assert select(publication) == 0
    one = issues(publication)["weekly-en-2026-01-09"]
    assert one.reason_key == IssueReason.NO_ARTICLES
    assert (one.state, one.reason) == (
        IssueState.SKIPPED,
        "no new articles (1 older than 60 days)",
    )
    assert issues(publication)["weekly-ar-2026-01-09"].reason == "no new articles"


def test_few_articles_wait_for_the_next_issue_which_carries_all(daily: Make) -> None:
    publication = daily(min_articles=3)
    for name in "ab":
        publication.write(f"{name}.md", title=name, date="2026-01-08")
    assert select(publication) == 0
    one = issues(publication)["daily-en-2026-01-09"]
    assert (one.state, one.reason_key) == (IssueState.SKIPPED, IssueReason.TOO_FEW_ARTICLES)
    reason = "2 articles, and min_articles is 3: they wait for the next issue"
    assert one.reason == reason
    publication.at(NOW + DAY)
    assert select(publication) == 0
    assert issues(publication)["daily-en-2026-01-10"].reason == reason
    publication.write("c.md", title="c", date="2026-01-10")
    publication.at(NOW + 2 * DAY)
    assert select(publication) == 1
    assert carried(publication, "daily-en-2026-01-11") == ["c en", "a en", "b en"]
    publication.at(NOW + 3 * DAY)
    assert select(publication) == 0
    assert issues(publication)["daily-en-2026-01-12"].reason_key == IssueReason.NO_ARTICLES


@pytest.mark.parametrize(
    ("terms", "first", "day"),
    [
        ({"max_age": 3}, "2026-01-08", 10),
        # As old as its original, in whatever language.
        ({"max_age": 5}, "2026-01-06", 10),
        # There is no room for more.
        ({"max_articles": 1}, "2026-01-08", 9),
        # The next issue is due in a year.
        ({"skip_dates": [date(2026, 1, n) for n in range(10, 32)], "schedule": "0 8 * 1 *"}, "2026-01-08", 9),
    ],
    ids=["old", "original", "full", "skip-dates"],
)  # fmt: skip
def test_an_article_is_sent_alone_if_waiting_would_lose_it_or_nothing_has_room_beside_it(
    new_publication: Make, terms: dict[str, Any], first: str, day: int
) -> None:
    newsletters = [{**DAILY, "min_articles": 3, **terms}]
    publication = new_publication(languages=["en", "ar"], newsletters=newsletters)
    publication.write("ar/a.md", "Of it.", title="A in Arabic", date=first)
    publication.write("en/a.md", "On it.", title="A", date="2026-01-08")
    names = []
    for later in range(5):
        publication.at(NOW + later * DAY)
        select(publication)
        names += [name for name, one in issues(publication).items() if one.assembled_at]
    sent = {name for name in names if "-en-" in name}
    assert sent == {f"daily-en-2026-01-{day:02}"}


def test_a_fallback_counts_and_a_missing_translation_does_not(new_publication: Make) -> None:
    edition = {"ar": {"missing": "fallback", "fallback": ["en"]}}
    newsletters = [{**DAILY, "min_articles": 2, "edition": edition}]
    publication = new_publication(languages=["en", "ar", "zh-Hans"], newsletters=newsletters)
    publication.write("en/a.md", title="A", date="2026-01-08")
    publication.write("ar/b.md", "Of it.", title="B", date="2026-01-08")
    publication.write("zh-Hans/b.md", "On it.", title="B", date="2026-01-08")
    assert select(publication) == 1
    assert carried(publication, "daily-ar-2026-01-09") == ["a en", "b ar"]
    for tag in ("en", "zh-Hans"):
        assert (
            issues(publication)[f"daily-{tag}-2026-01-09"].reason_key
            == IssueReason.TOO_FEW_ARTICLES
        )


def test_an_editor_has_an_issue_made_that_was_skipped_for_few_articles(daily: Make) -> None:
    publication = daily(min_articles=3)
    publication.write("a.md", title="A", date="2026-01-08")
    assert select(publication) == 0
    key = OccurrenceKey(newsletter="daily", day=date(2026, 1, 9))
    restore_occurrence(editing_state(publication), ROOT, key)
    assert select(publication) == 1
    assert carried(publication, "daily-en-2026-01-09") == ["a en"]
    # That was about this one issue.
    publication.write("b.md", title="B", date="2026-01-08")
    publication.at(NOW + DAY)
    assert select(publication) == 0


def test_what_a_source_may_not_fill_is_carried_by_the_next_issues(
    new_publication: Make,
) -> None:
    sources = [
        {"kind": "folder", "path": "articles"},
        {"kind": "folder", "path": "wire", "name": "wire", "max_share": 0.5},
    ]
    publication = new_publication(
        languages=["en"], newsletters=[{**DAILY, "max_articles": 4}], sources=sources
    )
    publication.write("own.md", title="Own", date="2026-01-05")
    for n in range(1, 6):
        publication.write(f"../wire/w{n}.md", title=f"Wire {n}", date=f"2026-01-08 0{n}:00")
    with publication.database.reading() as connection:
        where = publication.settings.edition("daily", "en")
        assert where is not None
    assert select(publication) == 1
    assert carried(publication, "daily-en-2026-01-09") == ["w5 en", "w4 en", "own en"]
    with publication.database.reading() as connection:
        coming = preview_selection(connection, publication.settings, where, NOW + HOUR)
    assert [one.slug for one in coming.chosen] == ["w3", "w2"]
    assert coming.reason_to_wait() == "1 article waits for the next issue, by max_share of wire"
    for day, stories in ((10, ["w3 en", "w2 en"]), (11, ["w1 en"])):
        publication.at(NOW + (day - 9) * DAY)
        assert select(publication) == 1
        assert carried(publication, f"daily-en-2026-01-{day}") == stories
    publication.at(NOW + 3 * DAY)
    assert select(publication) == 0


def test_an_embargoed_article_waits_for_the_issue_after_its_time(daily: Make) -> None:
    publication = daily()
    publication.write("a.md", title="A", date="2026-01-10 07:00")
    select(publication)
    assert issues(publication)["daily-en-2026-01-09"].state == IssueState.SKIPPED
    publication.at(NOW + DAY)
    select(publication)
    assert carried(publication, "daily-en-2026-01-10") == ["a en"]


def test_each_late_issue_carries_what_was_published_before_its_own_hour(daily: Make) -> None:
    publication = daily(max_lateness=100)
    select(publication)
    for day in (9, 10, 11, 12):
        publication.write(f"{day}.md", title=f"N {day}", date=f"2026-01-{day:02} 07:00")
    publication.at(NOW + 3 * DAY)
    assert select(publication) == 3
    assert carried(publication, "daily-en-2026-01-10") == ["10 en", "9 en"]
    assert carried(publication, "daily-en-2026-01-11") == ["11 en"]
    assert carried(publication, "daily-en-2026-01-12") == ["12 en"]


def test_a_scheduled_issue_of_a_removed_newsletter_is_skipped(daily: Make) -> None:
    publication = daily()
    publication.write("a.md", title="A")
    plan_issues(publication.settings, publication.database, NOW)
    publication.reload(languages=["en"], newsletters=[])
    assert select(publication) == 0
    one = issues(publication)["daily-en-2026-01-09"]
    assert (one.state, one.reason) == (IssueState.SKIPPED, "no longer in publication.toml")
    assert one.reason_key == IssueReason.EDITION_REMOVED


def test_an_article_from_the_second_of_the_last_selection_is_in_the_next_issue(
    daily: Make,
) -> None:
    publication = daily()
    publication.write("a.md", title="A", date="2026-01-08")
    select(publication)
    publication.write("b.md", title="B", date="2026-01-08")
    assert select(publication) == 0
    publication.at(NOW + DAY)
    assert select(publication) == 1
    assert carried(publication, "daily-en-2026-01-10") == ["b en"]


def test_articles_that_come_after_a_clock_was_days_fast_are_carried(daily: Make) -> None:
    publication = daily()
    select(publication)
    publication.write("a.md", title="A", date="2026-01-08")
    publication.at(NOW + 5 * DAY)
    select(publication)
    assert carried(publication, "daily-en-2026-01-14") == ["a en"]
    publication.write("b.md", title="B", date="2026-01-08")
    publication.at(NOW + DAY)
    assert select(publication) == 0
    publication.at(NOW + 6 * DAY)
    assert select(publication) == 1
    assert carried(publication, "daily-en-2026-01-15") == ["b en"]


def test_an_issue_waits_for_its_time_if_the_clock_was_set_back(daily: Make) -> None:
    publication = daily()
    publication.write("en/a.md", title="A", date="2026-01-09")
    plan_issues(publication.settings, publication.database, NOW)
    assert select(publication.at(NOW - 3 * DAY)) == 0
    one = issues(publication)["daily-en-2026-01-09"]
    assert (one.state, one.reason) == (
        IssueState.SCHEDULED,
        "waits until Fri 2026-01-09 08:00 UTC: when it was planned, the clock was ahead or the lead longer",
    )
    assert select(publication.at(NOW)) == 1


@pytest.fixture
def restored(daily: Make) -> PublicationFolder:
    """A publication whose issue had a story that no source has, and a later one."""
    publication = daily()
    for name in "ac":
        publication.write(f"en/{name}.md", title=name, date="2026-01-09")
    with publication.database.writing() as connection:
        store_recovered_stories(connection, {"daily-en-2026-01-09": ["a", "b"]})
    assert select(publication) == 0
    return publication


@pytest.mark.parametrize(("hours", "carries"), [(7, ["a en", "b en"]), (8, ["a en"])])
def test_an_issue_of_before_a_restore_waits_for_its_stories_if_a_source_is_down(
    restored: PublicationFolder, hours: int, carries: list[str]
) -> None:
    assert issues(restored)["daily-en-2026-01-09"].reason == (
        "waits until Fri 2026-01-09 20:00 UTC for stories of before the restore: no source has them now"
    )
    if len(carries) > 1:
        restored.write("en/b.md", title="b", date="2026-01-09")
    assert select(restored.at(NOW + timedelta(hours=hours))) == 1
    assert carried(restored, "daily-en-2026-01-09") == carries
    assert issues(restored)["daily-en-2026-01-09"].send_at == restored.clock.now()


def test_the_issue_after_one_that_waits_for_its_stories_waits_too(
    restored: PublicationFolder,
) -> None:
    with restored.database.writing() as connection:
        store.touch_issue(
            connection, issues(restored)["daily-en-2026-01-09"], send_at=NOW + DAY
        )
    assert select(restored.at(NOW + DAY)) == 0
    # By itself it would wait until 20:00.
    assert select(restored.at(NOW + DAY + timedelta(hours=9))) == 0
    restored.write("en/b.md", title="b", date="2026-01-09")
    assert select(restored) == 2
    assert carried(restored, "daily-en-2026-01-09") == ["a en", "b en"]
    assert carried(restored, "daily-en-2026-01-10") == ["c en"]


def test_an_issue_that_is_held_waits_for_its_stories_and_the_next_as_long_as_for_its_own(
    restored: PublicationFolder,
) -> None:
    with restored.database.writing() as connection:
        store.touch_issue(connection, issues(restored)["daily-en-2026-01-09"], send_at=None)
    assert select(restored.at(NOW + DAY + timedelta(hours=7))) == 0
    assert select(restored.at(NOW + DAY + timedelta(hours=8))) == 1
    assert carried(restored, "daily-en-2026-01-10") == ["a en", "c en"]
    restored.write("en/b.md", title="b", date="2026-01-09")
    assert select(restored) == 1
    assert carried(restored, "daily-en-2026-01-09") == ["b en"]


def subscribe(publication: PublicationFolder, *languages: str, newsletter: str) -> None:
    """Subscribe one who reads these languages, best first."""
    now = publication.clock.now()
    with publication.database.writing() as connection:
        row = f"ann@example.com,Ann,{languages[0]},,{newsletter},active"
        import_csv(
            connection,
            ["email,name,language,timezone,newsletters,status\n", f"{row}\n"],
            languages=normalise,
            newsletters=[newsletter],
            now=now,
        )
        store_preferences(connection, 1, Preferences(languages=languages), now)


def test_an_issue_that_only_subscribers_with_a_profile_get_is_made_for_them(
    new_publication: Make,
) -> None:
    terms = {**DAILY, "max_articles": 1}
    publication = new_publication(languages=["en", "ar"], newsletters=[terms])
    subscribe(publication, "ar", "en", newsletter="daily")
    for key, day in (("a", "08"), ("b", "07")):
        publication.write(f"en/{key}.md", title=key, date=f"2026-01-{day}")
    assert select(publication) == 2
    one = issues(publication)["daily-ar-2026-01-09"]
    assert (one.state, one.for_profiles_only) == (IssueState.ASSEMBLING, True)
    assert one.more == 1
    assert carried(publication, "daily-ar-2026-01-09") == ["a en"]
    assert not issues(publication)["daily-en-2026-01-09"].for_profiles_only
    # The edition's other subscribers have not got the story: its translation is news.
    publication.write("ar/a.md", title="A in Arabic", date="2026-01-08")
    publication.at(NOW + DAY)
    select(publication)
    assert carried(publication, "daily-ar-2026-01-10") == ["a ar"]


def test_no_issue_is_made_twice_of_what_subscribers_with_a_profile_have_got(
    new_publication: Make,
) -> None:
    publication = new_publication(
        languages=["en", "ar"], newsletters=[{**DAILY, "max_lateness": 100}]
    )
    subscribe(publication, "ar", "en", newsletter="daily")
    select(publication)
    publication.write("en/a.md", title="A", date="2026-01-10 07:00")
    publication.at(NOW + 3 * DAY)
    select(publication)
    states = {name: one.state for name, one in issues(publication).items() if "-ar-" in name}
    assert states == {
        "daily-ar-2026-01-09": IssueState.SKIPPED,
        "daily-ar-2026-01-10": IssueState.ASSEMBLING,
        "daily-ar-2026-01-11": IssueState.SKIPPED,
        "daily-ar-2026-01-12": IssueState.SKIPPED,
    }
