"""Which occurrences have come, and what becomes of those that came late."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from publisher.config import Edition, Newsletter
from publisher.issues import store
from publisher.issues.model import Issue
from publisher.issues.planner import (
    MAX_LATE_ISSUES,
    PlannedOccurrence,
    UpcomingIssue,
    apply_late_policy,
    format_span,
    plan_issues,
    planning_start,
    upcoming_issues,
)
from publisher.issues.states import IssueState
from publisher.issues.tables import edition_table, issue_table
from publisher.recurrence import Occurrence, occurrences
from publisher.testing import SAMPLE_NEWSLETTER
from tests.publisher.conftest import NOW, House

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DAILY = {"name": "daily", "schedule": "0 8 * * *"}


def edition(**terms: Any) -> Edition:
    return Newsletter(**{**SAMPLE_NEWSLETTER, **DAILY, **terms}).in_language("en", "UTC")


def missed(count: int) -> list[Occurrence]:
    """Give the last daily occurrences before NOW, the latest four hours ago."""
    first = NOW - 4 * HOUR
    due = [first - number * DAY for number in reversed(range(count))]
    return [Occurrence(at.date(), at) for at in due]


def reasons(verdicts: list[PlannedOccurrence]) -> list[str | None]:
    return [verdict.reason for verdict in verdicts]


# What becomes of late ones


def test_what_is_not_late_is_an_issue_whatever_the_policy() -> None:
    due = [Occurrence(date(2026, 1, 9), NOW - timedelta(minutes=9))]
    for late in ("send", "skip", "merge"):
        assert apply_late_policy(edition(late=late), due, NOW) == [PlannedOccurrence(due[0])]


def test_skipping_tolerates_those_who_run_a_cycle_every_hour() -> None:
    hourly, later = (
        [Occurrence(date(2026, 1, 9), NOW - timedelta(minutes=minutes))] for minutes in (65, 66)
    )
    assert apply_late_policy(edition(late="skip"), hourly, NOW) == [
        PlannedOccurrence(hourly[0])
    ]
    assert reasons(apply_late_policy(edition(late="skip"), later, NOW)) == [
        "1 hour late, and late = skip"
    ]


def test_three_missed_are_sent_each_with_what_came_before_its_hour() -> None:
    due = missed(3)
    found = apply_late_policy(edition(late="send", max_lateness=72), due, NOW)
    assert found == [
        PlannedOccurrence(due[0], None, due[0].due_at),
        PlannedOccurrence(due[1], None, due[1].due_at),
        PlannedOccurrence(due[2], None, None),
    ]


def test_three_missed_are_sent_only_within_max_lateness() -> None:
    found = apply_late_policy(edition(late="send", max_lateness=30), missed(3), NOW)
    assert reasons(found) == [
        "2 days late, more than max_lateness (30 hours)",
        None,
        None,
    ]
    assert [verdict.published_until is None for verdict in found] == [True, False, True]


def test_three_missed_are_skipped_each_with_its_lateness() -> None:
    found = apply_late_policy(edition(late="skip"), missed(3), NOW)
    assert reasons(found) == [
        f"{span} late, and late = skip" for span in ("2 days", "28 hours", "4 hours")
    ]


def test_three_missed_are_merged_into_the_last() -> None:
    due = missed(3)
    found = apply_late_policy(edition(late="merge"), due, NOW)
    assert reasons(found) == ["merged into 2026-01-09"] * 2 + [None]
    assert found[2].published_until is None


def test_a_year_off_makes_ten_issues_and_no_more() -> None:
    found = apply_late_policy(edition(late="send", max_lateness=8760), missed(300), NOW)
    assert len(found) == 300
    assert reasons(found)[:-MAX_LATE_ISSUES] == ["too many missed before 2026-01-09"] * 290
    assert reasons(found)[-MAX_LATE_ISSUES:] == [None] * 10


def test_skip_dates_are_skipped_and_nothing_is_merged_into_them() -> None:
    found = apply_late_policy(
        edition(late="merge", skip_dates=[date(2026, 1, 9)]), missed(3), NOW
    )
    assert reasons(found) == [
        "merged into 2026-01-08",
        None,
        "one of the newsletter's skip_dates",
    ]


@pytest.mark.parametrize("late", ["send", "skip", "merge"])
@given(lateness=st.lists(st.integers(0, 400), max_size=12, unique=True))
def test_no_occurrence_vanishes(late: str, lateness: list[int]) -> None:
    due = [
        Occurrence((NOW - hours * DAY).date(), NOW - hours * DAY)
        for hours in sorted(lateness, reverse=True)
    ]
    found = apply_late_policy(edition(late=late), due, NOW)
    assert [verdict.occurrence for verdict in found] == due
    bounded = [verdict for verdict in found if verdict.published_until]
    assert all(verdict.reason is None for verdict in bounded)


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
def test_spans_are_written_for_people(span: timedelta, words: str) -> None:
    assert format_span(span) == words


# Planning over a database


def press(make_house: Callable[..., House], **terms: Any) -> House:
    """Make a publication in English with one daily newsletter."""
    return make_house(languages=["en"], newsletters=[{**DAILY, **terms}])


def go(house: House, now: datetime) -> int:
    return plan_issues(house.settings, house.database, now)


def issues(house: House) -> list[Issue]:
    with house.database.reading() as connection:
        return store.latest_issues(connection, 100)[::-1]


def days(house: House) -> list[str]:
    return [f"{one.day:%m-%d} {one.state}" for one in issues(house)]


def test_what_has_come_is_scheduled(make_house: Callable[..., House]) -> None:
    house = press(make_house)
    assert go(house, NOW) == 1
    (one,) = issues(house)
    assert one.state == IssueState.SCHEDULED
    assert (one.day, one.due_at) == (date(2026, 1, 9), datetime(2026, 1, 9, 8, tzinfo=UTC))


def test_a_new_edition_counts_from_its_local_midnight(make_house: Callable[..., House]) -> None:
    house = press(make_house, timezone="Asia/Hong_Kong", schedule="0 0 * * *")
    assert go(house, datetime(2026, 1, 9, 17, tzinfo=UTC)) == 1
    assert days(house) == ["01-10 scheduled"]


def test_what_was_due_before_the_edition_began_is_not_made_up_for(
    make_house: Callable[..., House],
) -> None:
    house = press(make_house)
    assert go(house, datetime(2026, 1, 9, 7, tzinfo=UTC)) == 0
    assert issues(house) == []


def test_planning_twice_adds_none(make_house: Callable[..., House]) -> None:
    house = press(make_house)
    go(house, NOW)
    before = house.rows(issue_table)
    assert go(house, NOW) == 0
    assert house.rows(issue_table) == before


def test_a_clock_that_is_set_back_plans_nothing_twice(make_house: Callable[..., House]) -> None:
    house = press(make_house)
    go(house, NOW)
    go(house, NOW + 2 * DAY)
    before = house.rows(issue_table)
    for back in (NOW - 5 * DAY, NOW, NOW + DAY):
        assert go(house, back) == 0
    assert house.rows(issue_table) == before
    assert {row["planned_until"] for row in house.rows(edition_table)} == {NOW + 2 * DAY}
    assert go(house, NOW + 3 * DAY) == 1


@pytest.mark.parametrize(
    ("late", "states"),
    [
        ("send", ["scheduled", "scheduled", "scheduled"]),
        ("skip", ["skipped", "skipped", "skipped"]),
        ("merge", ["skipped", "skipped", "scheduled"]),
    ],
)
def test_each_of_three_missed_ends_as_an_issue_or_as_skipped_with_a_reason(
    make_house: Callable[..., House], late: str, states: list[str]
) -> None:
    house = press(make_house, late=late, max_lateness=100)
    go(house, NOW)
    assert go(house, NOW + 3 * DAY) == 3
    found = issues(house)[1:]
    assert [one.state for one in found] == states
    assert all(bool(one.reason) == (one.state == IssueState.SKIPPED) for one in found)


def test_skip_dates_end_as_skipped(make_house: Callable[..., House]) -> None:
    house = press(make_house, skip_dates=[date(2026, 1, 10)])
    go(house, NOW)
    go(house, NOW + DAY)
    assert days(house) == ["01-09 scheduled", "01-10 skipped"]


def test_another_schedule_counts_from_where_planning_stood(
    make_house: Callable[..., House],
) -> None:
    house = press(make_house)
    go(house, NOW)
    house.reload(languages=["en"], newsletters=[{**DAILY, "schedule": "0 6 * * MON,TUE"}])
    assert go(house, NOW + 4 * DAY) == 2
    assert days(house) == ["01-09 scheduled", "01-12 scheduled", "01-13 scheduled"]


def test_a_later_hour_on_a_day_that_was_planned_makes_no_second_issue(
    make_house: Callable[..., House],
) -> None:
    house = press(make_house)
    go(house, NOW)
    house.reload(languages=["en"], newsletters=[{**DAILY, "schedule": "0 18 * * *"}])
    assert go(house, NOW + 8 * HOUR) == 0
    assert days(house) == ["01-09 scheduled"]


def test_a_newsletter_that_is_no_longer_named_is_planned_no_more(
    make_house: Callable[..., House],
) -> None:
    house = press(make_house)
    go(house, NOW)
    house.reload(languages=["en"], newsletters=[])
    assert go(house, NOW + DAY) == 0


def test_each_language_has_its_hour(make_house: Callable[..., House]) -> None:
    terms = {"zh-Hans": {"timezone": "Asia/Shanghai"}, "en": {"schedule": "30 7 * * FRI"}}
    house = make_house(languages=["en", "zh-Hans"], newsletters=[{"edition": terms}])
    go(house, NOW)
    due = {one.language: one.due_at for one in issues(house)}
    assert due == {
        "en": datetime(2026, 1, 9, 7, 30, tzinfo=UTC),
        "zh-Hans": datetime(2026, 1, 9, 0, tzinfo=UTC),
    }


# Clocks that are changed


@pytest.mark.parametrize(
    ("day", "due_at"),
    [
        (date(2026, 3, 29), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # 02:30 is jumped over
        (date(2026, 10, 25), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # 02:30 comes twice
    ],
)
def test_a_changed_clock_makes_one_issue_a_day(
    make_house: Callable[..., House], day: date, due_at: datetime
) -> None:
    house = press(make_house, timezone="Europe/Berlin", schedule="30 2 * * *", late="send")
    start = datetime.combine(day - DAY, datetime.min.time(), tzinfo=UTC)
    for hour in range(72):
        go(house, start + hour * HOUR)
    found = {one.day: one.due_at for one in issues(house)}
    assert found[day] == due_at
    assert sorted(found) == [day - DAY, day, day + DAY]


def test_a_zone_that_is_changed_makes_no_second_issue_of_a_date(
    make_house: Callable[..., House],
) -> None:
    house = press(make_house, timezone="Asia/Hong_Kong")
    go(house, NOW)
    house.reload(languages=["en"], newsletters=[{**DAILY, "timezone": "America/New_York"}])
    go(house, NOW + 12 * HOUR)
    assert days(house) == ["01-09 scheduled"]


# What goes out next


NEWSLETTERS = [
    {**DAILY, "timezone": "Europe/Berlin", "schedule": "30 2 * * *"},
    {"name": "weekly", "edition": {"ar": {"timezone": "Africa/Cairo"}}},
    {"name": "monthly", "schedule": "FREQ=MONTHLY;BYMONTHDAY=-1", "at": "23:30",
     "timezone": "America/New_York", "skip_dates": [date(2026, 3, 31)]},
]  # fmt: skip


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(hours=st.integers(0, 24 * 365), turns=st.lists(st.integers(1, 200), max_size=4))
def test_what_is_said_to_go_out_next_is_what_planning_makes(
    make_house: Callable[..., House], hours: int, turns: list[int]
) -> None:
    house = make_house(languages=["en", "ar"], newsletters=NEWSLETTERS)
    start = datetime(2026, 1, 1, tzinfo=UTC) + hours * HOUR
    go(house, start)
    known = {one.id for one in issues(house)}
    with house.database.reading() as connection:
        planned = {
            (row.newsletter, row.language): row.planned_until
            for row in connection.execute(edition_table.select())
        }
    promised = upcoming_issues(house.settings, planned, start, 50)
    end = start
    for turn in turns:
        end += turn * HOUR / 4
        go(house, end)
    made = {
        (one.newsletter, one.language, one.day, one.due_at)
        for one in issues(house)
        if one.id not in known and one.reason != "one of the newsletter's skip_dates"
    }
    assert made == {
        (
            one.edition.newsletter,
            one.edition.language,
            one.occurrence.day,
            one.occurrence.due_at,
        )
        for one in promised
        if one.occurrence.due_at <= end
    }


def test_before_the_first_turn_today_counts_as_planning_will_count_it(
    make_house: Callable[..., House],
) -> None:
    house = press(make_house)
    (first, second) = upcoming_issues(house.settings, {}, NOW, 2)
    assert (first.occurrence.day, second.occurrence.day) == (
        date(2026, 1, 9),
        date(2026, 1, 10),
    )
    go(house, NOW)
    assert days(house) == ["01-09 scheduled"]


def test_upcoming_lines_come_by_time_and_then_by_the_settings_order(
    make_house: Callable[..., House],
) -> None:
    house = make_house(languages=["en", "ar"], newsletters=[{"name": "b"}, {"name": "a"}])
    lines = upcoming_issues(house.settings, {}, NOW, 5)
    names = [(line.edition.newsletter, line.edition.language) for line in lines]
    assert names == [("b", "en"), ("b", "ar"), ("a", "en"), ("a", "ar"), ("b", "en")]


def test_a_line_shows_the_editions_own_clock() -> None:
    where = edition(timezone="Asia/Hong_Kong")
    (one,) = occurrences(where.schedule, where.zone, NOW, NOW + DAY)
    assert UpcomingIssue(where, one).local.isoformat() == "2026-01-10T08:00:00+08:00"


def test_a_day_begins_at_midnight_even_where_midnight_is_jumped_over() -> None:
    where = edition(timezone="Africa/Cairo", schedule="0 0 * * *")
    now = datetime(2026, 4, 24, 12, tzinfo=UTC)  # the clocks went from 00:00 to 01:00
    (one,) = occurrences(where.schedule, where.zone, planning_start(where, now), now)
    assert (one.day, one.shifted) == (date(2026, 4, 24), "gap")
