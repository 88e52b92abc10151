"""Planning: which issues and digests are due, on which days; late ones follow the policy."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from publisher import recurrence
from publisher.config import Edition, Newsletter
from publisher.issues import store
from publisher.issues.model import Issue, IssueReason, IssueState
from publisher.issues.planner import (
    MAX_LATE_ISSUES,
    PlanningRecord,
    apply_late_policy,
    plan_issues,
    planned_issue,
    planning_start,
    read_planning,
    upcoming_issues,
)
from publisher.issues.schedule import format_span
from publisher.issues.tables import edition_table, issue_table
from publisher.recurrence import Occurrence, occurrences
from publisher.testing import SAMPLE_NEWSLETTER
from subscribers.preferences import Cadence
from tests.publisher.conftest import NOW, Make, PublicationFolder
from tests.publisher.delivery.mailing import choose_cadence, number_of, subscribe
from tests.subscribers.leaving import unsubscribe

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DAILY = {"name": "daily", "schedule": "0 8 * * *"}


def edition(**terms: Any) -> Edition:
    return Newsletter(**{**SAMPLE_NEWSLETTER, **DAILY, **terms}).in_language("en", "UTC")


def missed(count: int) -> list[Occurrence]:
    """Return the last daily occurrences before NOW, the latest four hours ago."""
    first = NOW - 4 * HOUR
    due = [first - number * DAY for number in reversed(range(count))]
    return [Occurrence(at.date(), at) for at in due]


def reasons(planned: list[Issue]) -> list[str | None]:
    return [one.reason for one in planned]


def test_an_issue_that_is_made_in_time_becomes_one_under_every_policy() -> None:
    due = [Occurrence(date(2026, 1, 9), NOW - timedelta(minutes=9))]
    for late in ("send", "skip", "merge"):
        assert apply_late_policy(edition(late=late), due, NOW) == [
            planned_issue(edition(), due[0])
        ]
    due = [Occurrence(date(2026, 1, 10), NOW + 20 * HOUR)]
    for late in ("send", "skip", "merge"):
        found = apply_late_policy(edition(late=late, lead=24), due, NOW)
        assert found == [planned_issue(edition(), due[0])]


def test_late_skip_tolerates_cycles_that_run_every_hour() -> None:
    hourly, later = (
        [Occurrence(date(2026, 1, 9), NOW - timedelta(minutes=minutes))] for minutes in (65, 66)
    )
    assert apply_late_policy(edition(late="skip"), hourly, NOW) == [
        planned_issue(edition(), hourly[0])
    ]
    assert reasons(apply_late_policy(edition(late="skip"), later, NOW)) == [
        "1 hour late, and late = skip"
    ]


def test_late_issues_are_sent_or_skipped_or_merged_as_the_policy_says() -> None:
    due = missed(3)
    found = apply_late_policy(edition(late="send", max_lateness=72), due, NOW)
    assert found == [
        planned_issue(edition(), due[0], None, due[0].due_at),
        planned_issue(edition(), due[1], None, due[1].due_at),
        planned_issue(edition(), due[2]),
    ]
    found = apply_late_policy(edition(late="send", max_lateness=30), missed(3), NOW)
    assert reasons(found) == ["2 days late, more than max_lateness (30 hours)", None, None]
    assert [one.published_until is None for one in found] == [True, False, True]
    found = apply_late_policy(edition(late="merge"), due, NOW)
    assert reasons(found) == ["merged into 2026-01-09"] * 2 + [None]
    assert found[2].published_until is None
    found = apply_late_policy(edition(late="send", max_lateness=8760), missed(300), NOW)
    assert len(found) == 300
    assert reasons(found)[:-MAX_LATE_ISSUES] == ["too many missed before 2026-01-09"] * 290
    assert reasons(found)[-MAX_LATE_ISSUES:] == [None] * 10


def test_each_skipped_occurrence_has_a_reason_with_a_key() -> None:
    found = apply_late_policy(
        edition(late="merge", skip_dates=[date(2026, 1, 9)]), missed(3), NOW
    )
    assert reasons(found) == [
        "merged into 2026-01-08",
        None,
        "one of the newsletter's skip_dates",
    ]
    due = missed(30)
    skipped = {"skip_dates": [str(due[-2].day)]}
    keys = {
        late: {
            one.reason_key for one in apply_late_policy(edition(late=late, **skipped), due, NOW)
        }
        for late in ("send", "skip", "merge")
    }
    assert keys == {
        "send": {IssueReason.SKIP_DATE, IssueReason.LATE, None},
        "skip": {IssueReason.SKIP_DATE, IssueReason.LATE},
        "merge": {IssueReason.SKIP_DATE, IssueReason.MERGED, None},
    }


@pytest.mark.parametrize("late", ["send", "skip", "merge"])
@given(lateness=st.lists(st.integers(0, 400), max_size=12, unique=True))
def test_every_occurrence_is_an_issue_or_skipped_with_a_reason(
    late: str, lateness: list[int]
) -> None:
    due = [
        Occurrence((NOW - hours * DAY).date(), NOW - hours * DAY)
        for hours in sorted(lateness, reverse=True)
    ]
    found = apply_late_policy(edition(late=late), due, NOW)
    assert [(one.day, one.due_at) for one in found] == [(one.day, one.due_at) for one in due]
    bounded = [one for one in found if one.published_until]
    assert all(one.reason is None for one in bounded)


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=59), "less than a minute"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(minutes=59), "59 minutes"),
        (timedelta(hours=1, minutes=59), "1 hour"),
        (timedelta(hours=47), "47 hours"),
        (timedelta(days=3), "3 days"),
    ],
)
def test_spans_are_written_in_one_unit(span: timedelta, words: str) -> None:
    assert format_span(span) == words


def daily_publication(new_publication: Make, **terms: Any) -> PublicationFolder:
    """Return an English publication with one daily newsletter."""
    return new_publication(languages=["en"], newsletters=[{**DAILY, **terms}])


def go(publication: PublicationFolder, now: datetime) -> int:
    return plan_issues(publication.settings, publication.database, now)


def issues(publication: PublicationFolder) -> list[Issue]:
    with publication.database.reading() as connection:
        return store.latest_issues(connection, 100)[::-1]


def days(publication: PublicationFolder) -> list[str]:
    return [f"{one.day:%m-%d} {one.state}" for one in issues(publication)]


def test_a_due_occurrence_is_scheduled_from_the_local_midnight_of_the_first_day(
    new_publication: Make,
) -> None:
    publication = daily_publication(new_publication)
    assert go(publication, NOW) == 1
    (one,) = issues(publication)
    assert one.state == IssueState.SCHEDULED
    assert (one.day, one.due_at) == (date(2026, 1, 9), datetime(2026, 1, 9, 8, tzinfo=UTC))
    publication = daily_publication(
        new_publication, timezone="Asia/Hong_Kong", schedule="0 0 * * *"
    )
    assert go(publication, datetime(2026, 1, 9, 17, tzinfo=UTC)) == 1
    assert days(publication) == ["01-10 scheduled"]


@pytest.mark.parametrize("lead", [0, 36])
def test_a_clock_that_is_set_back_plans_nothing_twice(new_publication: Make, lead: int) -> None:
    publication = daily_publication(new_publication, lead=lead)
    go(publication, NOW)
    go(publication, NOW + 2 * DAY)
    before = publication.rows(issue_table)
    for back in (NOW - 5 * DAY, NOW, NOW + DAY):
        assert go(publication, back) == 0
    assert publication.rows(issue_table) == before
    editions = (
        row
        for row in publication.rows(edition_table)
        if row["newsletter"] in ("daily", "weekly")
    )
    assert {row["planned_until"] for row in editions} == {NOW + 2 * DAY + lead * HOUR}
    assert go(publication, NOW + 3 * DAY) == 1


def test_a_new_schedule_applies_from_where_planning_stopped_and_no_day_has_two_issues(
    new_publication: Make,
) -> None:
    publication = daily_publication(new_publication)
    go(publication, NOW)
    publication.reload(languages=["en"], newsletters=[{**DAILY, "schedule": "0 6 * * MON,TUE"}])
    assert go(publication, NOW + 4 * DAY) == 2
    assert days(publication) == ["01-09 scheduled", "01-12 scheduled", "01-13 scheduled"]
    publication = daily_publication(new_publication)
    go(publication, NOW)
    publication.reload(languages=["en"], newsletters=[{**DAILY, "schedule": "0 18 * * *"}])
    assert go(publication, NOW + 8 * HOUR) == 0
    assert days(publication) == ["01-09 scheduled"]
    publication = daily_publication(new_publication)
    go(publication, NOW)
    publication.reload(languages=["en"], newsletters=[])
    assert go(publication, NOW + DAY) == 0


def test_each_language_has_its_own_hour(new_publication: Make) -> None:
    terms = {"zh-Hans": {"timezone": "Asia/Shanghai"}, "en": {"schedule": "30 7 * * FRI"}}
    publication = new_publication(languages=["en", "zh-Hans"], newsletters=[{"edition": terms}])
    go(publication, NOW)
    due = {one.language: one.due_at for one in issues(publication)}
    assert due == {
        "en": datetime(2026, 1, 9, 7, 30, tzinfo=UTC),
        "zh-Hans": datetime(2026, 1, 9, 0, tzinfo=UTC),
    }


NEWSLETTERS = [
    {**DAILY, "timezone": "Europe/Berlin", "schedule": "30 2 * * *"},
    {"name": "weekly", "lead": 36, "edition": {"ar": {"timezone": "Africa/Cairo"}}},
    {**DAILY, "name": "early", "timezone": "Australia/Lord_Howe", "lead": 24},
    {"name": "monthly", "schedule": "FREQ=MONTHLY;BYMONTHDAY=-1", "at": "23:30",
     "timezone": "America/New_York", "skip_dates": [date(2026, 3, 31)]},
]  # fmt: skip


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(hours=st.integers(0, 24 * 365), turns=st.lists(st.integers(1, 200), max_size=4))
def test_upcoming_issues_are_those_that_planning_makes(
    new_publication: Make, hours: int, turns: list[int]
) -> None:
    publication = new_publication(languages=["en", "ar"], newsletters=NEWSLETTERS)
    start = datetime(2026, 1, 1, tzinfo=UTC) + hours * HOUR
    go(publication, start)
    known = {one.id for one in issues(publication)}
    with publication.database.reading() as connection:
        planned = read_planning(connection, publication.settings)
    upcoming = upcoming_issues(publication.settings, planned, start, 80)
    end = start
    for turn in turns:
        end += turn * HOUR / 4
        go(publication, end)
    made = {
        (one.newsletter, one.language, one.day, one.due_at)
        for one in issues(publication)
        if one.id not in known and one.reason != "one of the newsletter's skip_dates"
    }
    assert made == {
        (
            one.edition.newsletter,
            one.edition.language,
            one.issue.day,
            one.issue.due_at,
        )
        for one in upcoming
        if one.issue.due_at <= end + one.edition.lead
    }


def test_upcoming_issues_of_a_new_edition_include_today_s(new_publication: Make) -> None:
    publication = daily_publication(new_publication)
    (first, second) = upcoming_issues(publication.settings, PlanningRecord(), NOW, 2)
    assert (first.issue.day, second.issue.day) == (date(2026, 1, 9), date(2026, 1, 10))
    go(publication, NOW)
    assert days(publication) == ["01-09 scheduled"]


def test_upcoming_issues_are_sorted_by_time_then_by_settings(new_publication: Make) -> None:
    publication = new_publication(
        languages=["en", "ar"], newsletters=[{"name": "b"}, {"name": "a"}]
    )
    lines = upcoming_issues(publication.settings, PlanningRecord(), NOW, 5)
    names = [(line.edition.newsletter, line.edition.language) for line in lines]
    assert names == [("b", "en"), ("b", "ar"), ("a", "en"), ("a", "ar"), ("b", "en")]


def test_upcoming_issues_are_computed_lazily(
    new_publication: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[Occurrence] = []

    def counted(*arguments: Any) -> Iterator[Occurrence]:
        for one in occurrences(*arguments):
            computed.append(one)
            yield one

    monkeypatch.setattr(recurrence, "occurrences", counted)
    newsletters = [{**DAILY, "name": f"n{number}"} for number in range(20)]
    publication = new_publication(languages=["en"], newsletters=newsletters)
    assert len(upcoming_issues(publication.settings, PlanningRecord(), NOW, 50)) == 50
    assert len(computed) <= 50 + 20


def test_a_day_without_midnight_has_an_occurrence_at_midnight() -> None:
    where = edition(timezone="Africa/Cairo", schedule="0 0 * * *")
    now = datetime(2026, 4, 24, 12, tzinfo=UTC)  # the clocks went from 00:00 to 01:00
    (one,) = occurrences(where.schedule, where.zone, planning_start(where, now), now)
    assert (one.day, one.shifted) == (date(2026, 4, 24), "gap")


def test_an_issue_is_planned_its_lead_before_it_is_due(new_publication: Make) -> None:
    publication = daily_publication(new_publication, lead=24)
    assert go(publication, NOW) == 2
    assert days(publication) == ["01-09 scheduled", "01-10 scheduled"]
    assert [one.send_at for one in issues(publication)] == [
        datetime(2026, 1, day, 8, tzinfo=UTC) for day in (9, 10)
    ]
    assert go(publication, NOW + 19 * HOUR) == 0
    assert go(publication, NOW + 20 * HOUR) == 1
    assert days(publication)[2:] == ["01-11 scheduled"]


def test_what_is_still_to_come_is_neither_late_nor_merged() -> None:
    due = [Occurrence((NOW + n * DAY).date(), NOW + n * DAY) for n in (-2, -1, 1, 2)]
    found = apply_late_policy(edition(late="merge", lead=48), due, NOW)
    merged = "merged into 2026-01-08"
    assert reasons(found) == [merged, None, None, None]
    # Each but the last takes what was published before it should have been made.
    assert [one.published_until for one in found] == [
        None,
        due[1].due_at - 2 * DAY,
        due[2].due_at - 2 * DAY,
        None,
    ]


def test_another_lead_plans_no_occurrence_twice_and_forgets_none(new_publication: Make) -> None:
    publication = daily_publication(new_publication, lead=48)
    assert go(publication, NOW) == 3
    for lead in (0, 24):
        publication.reload(languages=["en"], newsletters=[{**DAILY, "lead": lead}])
        assert go(publication, NOW + HOUR) == 0
    publication.reload(languages=["en"], newsletters=[DAILY])
    assert go(publication, NOW + 2 * DAY) == 0
    assert go(publication, NOW + 3 * DAY) == 1
    publication.reload(languages=["en"], newsletters=[{**DAILY, "lead": 72}])
    assert go(publication, NOW + 3 * DAY) == 3
    assert [line[:5] for line in days(publication)] == [
        "01-09", "01-10", "01-11", "01-12", "01-13", "01-14", "01-15",
    ]  # fmt: skip


ANN = "ann@example.com"
DAILY_DIGEST = {"name": "weekly", "schedule": "0 8 * * *"}


def made(publication: PublicationFolder, key: str) -> list[date]:
    return [row["day"] for row in publication.rows(issue_table) if row["newsletter"] == key]


def choose(publication: PublicationFolder, cadence: Cadence) -> None:
    number = number_of(publication.database, ANN)
    with publication.database.writing() as connection:
        choose_cadence(connection, number, cadence)


def run(
    publication: PublicationFolder, first: datetime, last: datetime, step: timedelta
) -> None:
    now = first
    while now <= last:
        plan_issues(publication.settings, publication.database, now)
        now += step


def test_a_year_has_a_digest_for_each_week_and_month_whatever_the_clocks_do(
    new_publication: Make,
) -> None:
    publication = new_publication(
        languages=["en"], newsletters=[DAILY_DIGEST], timezone="America/New_York"
    )
    subscribe(publication, (ANN, "en"))
    choose(publication, Cadence.WEEKLY)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    while now < datetime(2027, 1, 1, 1, tzinfo=UTC):
        go(publication, now)
        # At each hour of the day around the changes of clocks and the turns of months and the
        # year, and in steps of some days in between.
        is_close = now.day in {1, 2, 28, 29, 30, 31} or (now.month in {3, 11} and now.day < 12)
        now += 25 * HOUR if is_close else 121 * HOUR
    mondays = made(publication, "weekly.weekly")
    assert mondays == [date(2026, 1, 5) + timedelta(weeks=n) for n in range(52)]
    assert made(publication, "weekly.monthly") == made(publication, "weekly.daily") == []
    assert len(made(publication, "weekly")) >= 365
    due = {r["due_at"] for r in publication.rows(issue_table) if r["newsletter"] != "weekly"}
    assert {(at.hour, at.minute) for at in due} == {(10, 0)}


def test_a_digest_that_nobody_gets_is_not_planned_and_its_cutoff_moves_on(
    new_publication: Make,
) -> None:
    publication = new_publication(languages=["en"], newsletters=[DAILY_DIGEST])
    subscribe(publication, (ANN, "en"))
    thursday = datetime(2026, 1, 8, 12, tzinfo=UTC)
    run(publication, thursday, thursday, DAY)
    # On the first sight of a digest, too: its first issue has one week, not all that there is.
    row = next(
        row for row in publication.rows(edition_table) if row["newsletter"] == "weekly.weekly"
    )
    assert row["cut_at"] == datetime(2026, 1, 4, 10, tzinfo=UTC)
    run(publication, thursday, thursday + 7 * DAY, DAY)
    choose(publication, Cadence.WEEKLY)
    with publication.database.reading() as connection:
        assert store.cutoff(connection, "weekly.weekly", "en") == datetime(
            2026, 1, 11, 10, tzinfo=UTC
        )
    run(publication, thursday + 8 * DAY, thursday + 15 * DAY, DAY)
    assert made(publication, "weekly.weekly") == [date(2026, 1, 19)]
    with publication.database.writing() as connection:
        unsubscribe(connection, ANN, None, thursday)
    run(publication, thursday + 16 * DAY, thursday + 30 * DAY, DAY)
    assert made(publication, "weekly.weekly") == [date(2026, 1, 19)]


def test_the_plan_lists_digests_that_somebody_gets(new_publication: Make) -> None:
    publication = new_publication(languages=["en", "ar"], newsletters=[DAILY_DIGEST])
    subscribe(publication, (ANN, "en"))
    now = datetime(2026, 1, 8, 12, tzinfo=UTC)
    run(publication, now, now, DAY)

    def keys() -> set[str]:
        with publication.database.reading() as connection:
            planned = read_planning(connection, publication.settings)
        found = upcoming_issues(publication.settings, planned, now, 60)
        return {f"{one.edition.newsletter} {one.edition.language}" for one in found}

    assert keys() == {"weekly en", "weekly ar"}
    choose(publication, Cadence.MONTHLY)
    assert keys() == {"weekly en", "weekly ar", "weekly.monthly en", "weekly.monthly ar"}
