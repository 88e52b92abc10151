"""When newsletters come: local times, cron lines and rules, and what a wrong one is told."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.recurrence import (
    Occurrence,
    Schedule,
    at_local_time,
    occurrences,
    parse_schedule,
)

NEW_YEAR = date(2026, 1, 1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def rule(text: str, start: date | None = None) -> Schedule:
    """Read a rule for days, due at eight."""
    return parse_schedule(text, at=time(8), start=start)


def days(schedule: Schedule, count: int = 3, since: date = NEW_YEAR) -> list[str]:
    return [day.isoformat() for day in islice(schedule.dates(since), count)]


# zone, local date and time -> instant, and what the clocks did to it (RFC 5545 section 3.3.5).
GOLDEN = [
    # Berlin: an hour is left out, an hour comes twice.
    ("Europe/Berlin", "2027-03-28", "01:59", "2027-03-28T00:59", None),
    ("Europe/Berlin", "2027-03-28", "02:00", "2027-03-28T01:00", "gap"),
    ("Europe/Berlin", "2027-03-28", "02:30", "2027-03-28T01:30", "gap"),  # 03:30 local
    ("Europe/Berlin", "2027-03-28", "03:00", "2027-03-28T01:00", None),
    ("Europe/Berlin", "2026-10-25", "01:59", "2026-10-24T23:59", None),
    ("Europe/Berlin", "2026-10-25", "02:30", "2026-10-25T00:30", "fold"),  # the first one
    ("Europe/Berlin", "2026-10-25", "03:00", "2026-10-25T02:00", None),
    # Santiago: midnight itself is left out.
    ("America/Santiago", "2026-09-05", "00:00", "2026-09-05T04:00", None),
    ("America/Santiago", "2026-09-06", "00:00", "2026-09-06T04:00", "gap"),  # 01:00 local
    ("America/Santiago", "2026-09-07", "00:00", "2026-09-07T03:00", None),
    # Lord Howe: half an hour.
    ("Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-03T15:45", "gap"),  # 02:45 local
    ("Australia/Lord_Howe", "2027-04-04", "01:45", "2027-04-03T14:45", "fold"),
    # Apia: a whole day is left out.
    ("Pacific/Apia", "2011-12-29", "08:00", "2011-12-29T18:00", None),
    ("Pacific/Apia", "2011-12-30", "08:00", "2011-12-30T18:00", "gap"),  # the 31st, local
    ("Pacific/Apia", "2011-12-31", "08:00", "2011-12-30T18:00", None),
    # Casablanca: the clocks go back for Ramadan and forward after it.
    ("Africa/Casablanca", "2026-02-01", "08:00", "2026-02-01T07:00", None),
    ("Africa/Casablanca", "2026-02-15", "02:30", "2026-02-15T01:30", "fold"),
    ("Africa/Casablanca", "2026-03-01", "08:00", "2026-03-01T08:00", None),
    ("Africa/Casablanca", "2026-03-22", "02:30", "2026-03-22T02:30", "gap"),
    # No change at all, at a quarter of an hour.
    ("Asia/Kathmandu", "2026-06-01", "08:00", "2026-06-01T02:15", None),
    ("UTC", "2026-06-01", "08:00", "2026-06-01T08:00", None),
]


@pytest.mark.parametrize(("zone", "day", "at", "due", "shifted"), GOLDEN)
def test_a_local_time_is_an_instant_even_where_the_clocks_change(
    zone: str, day: str, at: str, due: str, shifted: str | None
) -> None:
    found = at_local_time(date.fromisoformat(day), time.fromisoformat(at), ZoneInfo(zone))
    assert (found.day, found.due_at) == (date.fromisoformat(day), utc(due))
    assert found.due_at.tzinfo is UTC
    assert found.shifted == shifted


def test_a_window_is_open_at_its_start_and_closed_at_its_end() -> None:
    daily, zone = parse_schedule("0 8 * * *"), ZoneInfo("UTC")
    first, second = utc("2026-01-09T08:00"), utc("2026-01-10T08:00")
    found = occurrences(daily, zone, first, second)
    assert list(found) == [Occurrence(date(2026, 1, 10), second)]
    assert list(occurrences(daily, zone, first, first)) == []
    assert list(occurrences(daily, zone, second, first)) == []


ZONES = st.sampled_from(
    [
        *("UTC", "Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "Pacific/Apia"),
        *("Africa/Casablanca", "Pacific/Kiritimati", "America/New_York", "Pacific/Chatham"),
        *("Asia/Kathmandu", "America/St_Johns", "Pacific/Kwajalein"),
    ]
).map(ZoneInfo)
TIMES = st.times(max_value=time(23, 59, 59)).map(lambda moment: moment.replace(microsecond=0))
RULES = st.sampled_from(
    [
        *("FREQ=DAILY", "FREQ=DAILY;INTERVAL=3", "FREQ=WEEKLY;BYDAY=MO,FR"),
        *(
            "FREQ=WEEKLY;INTERVAL=2",
            "FREQ=MONTHLY;BYMONTHDAY=-1",
            "FREQ=MONTHLY;BYDAY=1MO,-1FR",
        ),
        *("FREQ=YEARLY;BYMONTH=3,10;BYDAY=-1SU", "FREQ=DAILY;UNTIL=20270101"),
    ]
)
CRON = st.tuples(
    st.integers(0, 59),
    st.integers(0, 23),
    st.sampled_from(
        ["* * *", "* * FRI", "* * 0", "1,15 * *", "L * *", "*/2 * *", "* 3,10 SUN#1"]
    ),
).map(lambda parts: parse_schedule("{} {} {}".format(*parts)))
SCHEDULES = st.one_of(
    CRON, st.builds(lambda text, at: parse_schedule(text, at=at), RULES, TIMES)
)


def spell(first: str, length: int) -> st.SearchStrategy[datetime]:
    """Give any instant, to the second, in so many days."""
    seconds = st.integers(0, length * 86_400)
    return seconds.map(lambda second: utc(first) + timedelta(seconds=second))


# A moved date line; then a leap day, Ramadan, and changes in both hemispheres.
INSTANTS = st.one_of(spell("2011-11-01", 180), spell("2026-01-01", 820))
# A shared machine may be slow now and then; that is no finding.
SPANS = st.timedeltas(timedelta(0), timedelta(days=70))


@given(SCHEDULES, ZONES, INSTANTS, SPANS)
def test_occurrences_are_in_order_and_one_for_each_local_date(
    schedule: Schedule, zone: ZoneInfo, after: datetime, span: timedelta
) -> None:
    found = list(occurrences(schedule, zone, after, after + span))
    assert all(one.day < other.day for one, other in pairwise(found))
    assert all(one.due_at <= other.due_at for one, other in pairwise(found))
    assert all(after < occurrence.due_at <= after + span for occurrence in found)
    assert all(
        occurrence == at_local_time(occurrence.day, schedule.at, zone) for occurrence in found
    )


@given(SCHEDULES, ZONES, INSTANTS, SPANS, SPANS)
def test_two_windows_hold_what_the_whole_holds(
    schedule: Schedule, zone: ZoneInfo, after: datetime, one: timedelta, other: timedelta
) -> None:
    middle, end = after + one, after + one + other
    whole = list(occurrences(schedule, zone, after, end))
    first = list(occurrences(schedule, zone, after, middle))
    second = list(occurrences(schedule, zone, middle, end))
    assert first + second == whole


@given(SCHEDULES, ZONES, INSTANTS)
def test_no_date_of_the_rule_is_lost(
    schedule: Schedule, zone: ZoneInfo, after: datetime
) -> None:
    inner = {after.date() + timedelta(days=number) for number in range(3, 40)}
    window = occurrences(schedule, zone, after, after + timedelta(days=45))
    named = {day for day in islice(schedule.dates(after.date()), 60) if day in inner}
    assert {occurrence.day for occurrence in window} & inner == named


@given(SCHEDULES, st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(0, 40))
def test_dates_do_not_depend_on_where_one_starts_to_look(
    schedule: Schedule, since: date, later: int
) -> None:
    from_first = islice(schedule.dates(since), 200)
    second = since + timedelta(days=later)
    expected = [day for day in from_first if day >= second][:5]
    assert list(islice(schedule.dates(second), len(expected))) == expected


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("0 8 * * 0", ["2026-01-04", "2026-01-11", "2026-01-18"]),  # 0 is Sunday
        ("0 8 * * 7", ["2026-01-04", "2026-01-11", "2026-01-18"]),  # and so is 7
        ("0 8 * * fri", ["2026-01-02", "2026-01-09", "2026-01-16"]),
        ("0 8 * * MON#2", ["2026-01-12", "2026-02-09", "2026-03-09"]),
        ("0 8 L * *", ["2026-01-31", "2026-02-28", "2026-03-31"]),
        ("0 8 29 2 *", ["2028-02-29", "2032-02-29", "2036-02-29"]),
        ("0 8 13 * FRI", ["2026-01-02", "2026-01-09", "2026-01-13"]),  # either will do
    ],
)
def test_a_cron_line_names_dates(cron: str, expected: list[str]) -> None:
    assert days(parse_schedule(cron)) == expected


def test_a_cron_line_says_its_own_time_and_may_begin_later() -> None:
    assert parse_schedule("30 7 * * *").at == time(7, 30)
    assert parse_schedule("  05   23 * * MON ").at == time(23, 5)
    weekly = parse_schedule("0 8 * * FRI", start=date(2026, 3, 6))
    assert days(weekly, 1) == ["2026-03-06"]
    assert days(weekly, 1, date(2026, 3, 7)) == ["2026-03-13"]


@pytest.mark.parametrize(
    ("text", "start", "expected"),
    [
        ("FREQ=WEEKLY;BYDAY=FR", None, ["2026-01-02", "2026-01-09", "2026-01-16"]),
        ("rrule:freq=weekly; byday=fr", None, ["2026-01-02", "2026-01-09", "2026-01-16"]),
        ("FREQ=DAILY;INTERVAL=2", None, ["2026-01-02", "2026-01-04", "2026-01-06"]),
        ("FREQ=DAILY;INTERVAL=2", "2026-01-01", ["2026-01-01", "2026-01-03", "2026-01-05"]),
        ("FREQ=MONTHLY;BYDAY=-1FR", None, ["2026-01-30", "2026-02-27", "2026-03-27"]),
        ("FREQ=WEEKLY;BYDAY=FR;COUNT=2", "2026-01-03", ["2026-01-09", "2026-01-16"]),
        ("FREQ=DAILY;UNTIL=20260102", None, ["2026-01-01", "2026-01-02"]),
        ("FREQ=DAILY;UNTIL=20251231", None, []),
    ],
)
def test_a_rule_names_dates(text: str, start: str | None, expected: list[str]) -> None:
    assert days(rule(text, date.fromisoformat(start) if start else None)) == expected


@pytest.mark.parametrize(
    ("text", "problem", "remedy"),
    [
        ("", "neither cron nor RRULE", "five fields"),
        ("@daily", "neither cron nor RRULE", "five fields"),
        ("0 0 8 * * *", "neither cron nor RRULE", "five fields"),
        ("0 8 32 * *", "Bad day-of-month", "five fields"),
        ("0 8 31 2 *", "Bad day-of-month", "five fields"),
        ("0 8 * FEB MON#6", "Bad day-of-week", "five fields"),
        ("* 8 * * *", "more than one time a day", "one minute and one hour"),
    ],
)
def test_a_wrong_cron_line_says_what_would_be_right(
    text: str, problem: str, remedy: str
) -> None:
    with pytest.raises(ValueError, match=problem) as caught:
        parse_schedule(text)
    assert remedy in str(caught.value).partition("; ")[2]


@pytest.mark.parametrize(
    ("text", "problem", "remedy"),
    [
        ("FREQ=HOURLY", "not a rule for days", "FREQ=DAILY"),
        ("FREQ=DAILY;BYHOUR=8", "not a rule for days", "FREQ=DAILY"),
        ("DTSTART:20260101\nRRULE:FREQ=DAILY", "not a rule for days", "FREQ=DAILY"),
        ("FREQ=DAILY;COUNT=3", "counts, but from when", "add start"),
        ("FREQ=DAILY;INTERVAL=0", "no such interval", "INTERVAL=1"),
        ("FREQ=DAILY;UNTIL=20261231T000000Z", "ends at no date", "UNTIL=20261231"),
        ("FREQ=WEEKLY;BYDAY=XX", "is no RRULE", "FREQ=WEEKLY;BYDAY=FR"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "never happens", "a day that exists"),
    ],
)
def test_a_wrong_rule_says_what_would_be_right(text: str, problem: str, remedy: str) -> None:
    with pytest.raises(ValueError, match=problem) as caught:
        rule(text)
    assert remedy in str(caught.value).partition("; ")[2]


def test_a_rule_needs_a_time_and_a_day_and_a_cron_line_has_one() -> None:
    with pytest.raises(ValueError, match="never happens"):
        rule("FREQ=DAILY;COUNT=0", NEW_YEAR)
    with pytest.raises(ValueError, match='no time of day; add at = "08:00"'):
        parse_schedule("FREQ=DAILY")
    with pytest.raises(ValueError, match="a time already; leave out at = 09:00"):
        parse_schedule("0 8 * * *", at=time(9))
    assert parse_schedule("FREQ=DAILY", at=time(0)).at == time(0)
    with pytest.raises(ValueError, match="leave out at = 00:00"):
        parse_schedule("0 8 * * *", at=time(0))


@pytest.mark.parametrize(
    ("schedule", "count"),
    [
        *((parse_schedule("0 8 * * *"), 31), (parse_schedule("0 8 * * FRI"), 5)),
        *((rule("FREQ=MONTHLY;BYMONTHDAY=1"), 1), (rule("FREQ=DAILY;UNTIL=20261231"), 0)),
        (rule("FREQ=DAILY;COUNT=4", date(2030, 1, 1)), 4),
    ],
)
def test_how_often_a_schedule_comes_is_counted_over_31_days(
    schedule: Schedule, count: int
) -> None:
    assert schedule.days_a_month() == count


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;INTERVAL=3",
        "FREQ=DAILY;INTERVAL=10;BYDAY=MO,TU",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR,MO;WKST=SU",
        "FREQ=WEEKLY;INTERVAL=5",
        "FREQ=WEEKLY;INTERVAL=3;BYDAY=SU;UNTIL=20300101",
    ],
)
def test_dates_do_not_depend_on_the_day_from_which_they_are_asked_for(rule: str) -> None:
    schedule = parse_schedule(rule, at=time(8))
    dates = [*takewhile(lambda day: day < date(2032, 1, 1), schedule.dates(date(2001, 1, 1)))]
    for since in (date(2001, 12, 31), date(2002, 1, 7), date(2026, 11, 30), date(2031, 6, 1)):
        later = takewhile(lambda day: day < date(2032, 1, 1), schedule.dates(since))
        assert [*later] == [day for day in dates if day >= since]
