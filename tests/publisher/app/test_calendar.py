"""The calendar shows what was made, and exactly what planning will make."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from publisher.app.calendar import (
    CalendarEntry,
    clock_changes,
    read_calendar,
    read_occurrence,
)
from publisher.app.editing_state import find_terminal_actor
from publisher.app.occurrences import OccurrenceKey, move_occurrence, skip_occurrence
from publisher.errors import UsageError
from publisher.issues.model import IssueState
from publisher.issues.planner import plan_issues
from publisher.issues.tables import issue_table
from tests.publisher.app.editing import editing_state
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.printing import pipeline_of

DAY = timedelta(days=1)
# By language: a time zone and an hour at which its clocks are set forward or back. One is in the
# southern hemisphere, one moves by half an hour, one sets its clocks back for Ramadan.
HOURS = {
    "en": ("Europe/Berlin", 2),
    "es": ("America/New_York", 1),
    "es-CL": ("America/Santiago", 0),
    "fr": ("Australia/Lord_Howe", 2),
    "ar": ("Africa/Casablanca", 2),
    "zh-Hant": ("Asia/Hong_Kong", 2),
}
NIGHTS = {tag: {"timezone": zone, "schedule": f"30 {hour} * * *"}
          for tag, (zone, hour) in HOURS.items()}  # fmt: skip
NEWSLETTERS: list[dict[str, Any]] = [
    {"name": "nightly", "schedule": "30 2 * * *", "max_lateness": 72, "edition": NIGHTS},
    {"name": "weekly", "languages": ["en", "ar"], "edition": {"ar": {"timezone": "Africa/Cairo"}}},
    {"name": "monthly", "languages": ["en"], "schedule": "FREQ=MONTHLY;BYMONTHDAY=-1",
     "at": "00:30", "timezone": "America/New_York", "skip_dates": [date(2026, 3, 31)]},
]  # fmt: skip


def expected(entry: CalendarEntry) -> tuple[object, ...]:
    skipped = entry.state == IssueState.SKIPPED
    return (
        entry.newsletter,
        entry.language,
        entry.day,
        entry.due_at,
        entry.reason if skipped else None,
        entry.reason_key,
    )


def made(publication: PublicationFolder) -> list[tuple[object, ...]]:
    columns = ("newsletter", "language", "day", "due_at", "reason", "reason_key")
    return [tuple(row[name] for name in columns) for row in publication.rows(issue_table)]


def test_the_calendar_of_a_year_is_what_planning_makes_from_day_to_day(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    publication = new_publication(languages=[*HOURS], newsletters=NEWSLETTERS)
    start = datetime(2025, 12, 30, tzinfo=UTC)
    plan_issues(publication.settings, publication.database, start)
    state = editing_state(publication.at(start))
    actor = find_terminal_actor(state, None)
    weekly = [OccurrenceKey(newsletter="weekly", day=date(2026, 5, day)) for day in (1, 8, 15)]
    skip_occurrence(state, actor, weekly[0], "a holiday")
    move_occurrence(state, actor, weekly[1], datetime.fromisoformat("2026-05-04 07:00"))
    move_occurrence(state, actor, weekly[2], datetime.fromisoformat("2026-05-20 19:00"))
    calendar = read_calendar(state, date(2026, 1, 1), date(2026, 12, 31))
    shifts = {(one.timezone, one.shifted) for one in calendar.entries if one.shifted}
    assert shifts >= {
        ("Europe/Berlin", "gap"),
        ("Europe/Berlin", "fold"),
        ("America/New_York", "fold"),
        ("America/Santiago", "gap"),
        ("Africa/Casablanca", "gap"),
    }
    now = start
    while now < datetime(2027, 1, 3, tzinfo=UTC):
        plan_issues(publication.settings, publication.database, now)
        now += 2 * DAY
    planned = {one for one in made(publication) if "2026-01-01" <= str(one[2]) <= "2026-12-31"}
    assert len(planned) == len(HOURS) * 365 + 2 * 52 + 12
    assert {expected(one) for one in calendar.entries} == planned
    then = read_calendar(
        editing_state(publication.at(now)), date(2026, 1, 1), date(2026, 12, 31)
    )
    assert {expected(one) for one in then.entries} == planned
    assert {one.at for one in then.entries} == {one.at for one in calendar.entries}


def test_what_went_out_is_shown_with_its_state_and_what_is_late_with_what_becomes_of_it(
    publication: PublicationFolder,
) -> None:
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    subscribe(publication, ("ann@example.com", "en"))
    pipeline_of(publication).run()
    later = NOW + 18 * DAY
    calendar = read_calendar(
        editing_state(publication.at(later)), date(2026, 1, 9), date(2026, 1, 30)
    )
    english = [one for one in calendar.entries if one.language == "en"]
    assert [(one.day.day, one.state, one.is_overdue) for one in english] == [
        (9, "sent", False),
        (16, "skipped", True),
        (23, "skipped", True),
        (30, "planned", False),
    ]
    assert english[1].reason == "11 days late, more than max_lateness (3 days)"
    assert english[3].at.tzinfo is not None


@pytest.mark.parametrize("year", [1970, 2037, 9999])
def test_years_are_refused_that_no_schedule_has_or_that_take_long_to_compute(
    publication: PublicationFolder, year: int
) -> None:
    state = editing_state(publication)
    assert read_calendar(state, date(2036, 12, 1), date(2036, 12, 31)).entries
    with pytest.raises(UsageError, match="choose a year from 1971 to 2036"):
        read_calendar(state, date(year, 1, 1), date(year, 1, 2))
    with pytest.raises(UsageError, match="choose a year from 1971 to 2036"):
        read_occurrence(state, "weekly", date(year, 1, 1))


def test_days_on_which_clocks_change_are_marked() -> None:
    found = list(
        clock_changes(["Asia/Tokyo", "Europe/Berlin"], date(2026, 3, 1), date(2026, 12, 1))
    )
    assert [(one.timezone, one.day, one.after - one.before) for one in found] == [
        ("Europe/Berlin", date(2026, 3, 29), timedelta(hours=1)),
        ("Europe/Berlin", date(2026, 10, 25), timedelta(hours=-1)),
    ]


def test_issues_of_one_edition_within_an_hour_are_marked(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    publication = new_publication(languages=["en"], newsletters=[{"name": "weekly"}])
    state = editing_state(publication)
    key = OccurrenceKey(newsletter="weekly", day=date(2026, 1, 16))
    entries = read_calendar(state, date(2026, 1, 10), date(2026, 1, 31)).entries
    to = entries[1].at.replace(tzinfo=None) - timedelta(minutes=30)
    move_occurrence(state, find_terminal_actor(state, None), key, to)
    found = read_calendar(state, date(2026, 1, 10), date(2026, 1, 31)).entries
    assert [(one.day.day, [day.day for day in one.conflicts_with]) for one in found] == [
        (16, [23]),
        (23, [16]),
        (30, []),
    ]
    assert found[0].scheduled_at == entries[0].due_at


def test_a_change_is_listed_that_a_new_schedule_leaves_without_effect(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    publication = new_publication(languages=["en"], newsletters=[{"name": "weekly"}])
    state = editing_state(publication)
    key = OccurrenceKey(newsletter="weekly", day=date(2026, 1, 16))
    skip_occurrence(state, find_terminal_actor(state, None), key, "a holiday")
    assert read_calendar(state, date(2026, 1, 10), date(2026, 1, 31)).ignored == ()
    publication.reload(
        languages=["en"], newsletters=[{"name": "weekly", "schedule": "0 8 * * MON"}]
    )
    calendar = read_calendar(editing_state(publication), date(2026, 1, 10), date(2026, 1, 31))
    assert [one.day for one in calendar.ignored] == [date(2026, 1, 16)]
    assert {one.state for one in calendar.entries} == {"planned"}


@pytest.mark.parametrize(("local_time", "hour"), [(False, 8), (True, 0)])
def test_an_edition_at_local_time_is_shown_at_its_hour_and_assembled_before(
    new_publication: Callable[..., PublicationFolder], local_time: bool, hour: int
) -> None:
    terms = {"schedule": "0 8 * * FRI", "timezone": "UTC", "local_time": local_time}
    publication = new_publication(languages=["en"], newsletters=[{"name": "weekly", **terms}])
    entries = read_calendar(
        editing_state(publication), date(2026, 1, 10), date(2026, 1, 17)
    ).entries
    assert [one.at for one in entries] == [datetime(2026, 1, 16, 8, tzinfo=UTC)]
    assert entries[0].due_at == datetime(2026, 1, 16, hour, tzinfo=UTC) - timedelta(
        hours=14 if local_time else 0
    )


def test_drafts_and_what_waits_for_a_date_are_in_the_tray(
    publication: PublicationFolder,
) -> None:
    publication.write("en/tides.md", "Words.", title="Tides", date="2026-01-05")
    publication.write("en/draft.md", "Words.", title="Half a thought", draft="true")
    publication.write("ar/draft.ar.md", "كلمات", title="مسودة", published="false")
    publication.write("en/later.md", "Words.", title="Later", date="2026-02-01")
    publication.pick_up()
    found = read_calendar(editing_state(publication), date(2026, 1, 9), date(2026, 1, 9))
    assert [(one.file, one.title, one.language) for one in found.waiting] == [
        ("ar/draft.ar.md", "مسودة", "ar"),
        ("en/draft.md", "Half a thought", "en"),
        ("en/later.md", "Later", "en"),
    ]
    assert [one.until is None for one in found.waiting] == [True, True, False]
    publication.write("en/draft.md", "Words.", title="A thought", date="2026-01-08")
    publication.pick_up()
    found = read_calendar(editing_state(publication), date(2026, 1, 9), date(2026, 1, 9))
    assert [one.file for one in found.waiting] == ["ar/draft.ar.md", "en/later.md"]
