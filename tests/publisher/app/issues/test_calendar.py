"""The calendar: moving and skipping one occurrence, what is shown of the plan, and its file."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

import icalendar
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from publisher.accounts.model import Grant, Role
from publisher.accounts.store import disable_account
from publisher.app.editing_state import EditingState
from publisher.app.issues.calendar import (
    CalendarEntry,
    calendar_of_token,
    calendar_token,
    clock_changes,
    read_calendar,
    read_occurrence,
    renew_private_addresses,
    write_calendar,
)
from publisher.app.issues.occurrences import (
    OccurrenceKey,
    move_occurrence,
    restore_occurrence,
    skip_occurrence,
)
from publisher.delivery.lineage.witness import read_lineage, set_lineage
from publisher.errors import AccountError, ForbiddenError, IssueError, UsageError
from publisher.issues import store
from publisher.issues.model import Issue, IssueState
from publisher.issues.planner import plan_issues
from publisher.issues.schedule import move_in_time
from publisher.issues.tables import issue_table, occurrence_change_table
from tests.publisher.app.approving import DAY, HOUR, cycle
from tests.publisher.app.editing import ROOT, account, audit_log
from tests.publisher.conftest import NOW, PublicationFolder, editing_state
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.printing import pipeline_of
from tests.sizes import by_lane

FRIDAY = date(2026, 1, 16)
KEY = OccurrenceKey(newsletter="weekly", day=FRIDAY)
ARABIC = OccurrenceKey(newsletter="weekly", day=FRIDAY, languages=("ar",))
LATER = OccurrenceKey(newsletter="weekly", day=date(2026, 1, 23))
WEEKLY = {"name": "weekly", "schedule": "0 8 * * FRI", "timezone": "UTC"}


@pytest.fixture
def weekly(new_publication: Callable[..., PublicationFolder]) -> PublicationFolder:
    """A weekly newsletter in two languages, whose issue of January 9 is planned."""
    edition = {"ar": {"timezone": "Africa/Cairo"}}
    made = new_publication(languages=["en", "ar"], newsletters=[{**WEEKLY, "edition": edition}])
    return plan(made, NOW)


def plan(publication: PublicationFolder, now: datetime) -> PublicationFolder:
    plan_issues(publication.settings, publication.database, now)
    return publication.at(now)


def issues(publication: PublicationFolder, language: str = "en") -> list[tuple[Any, ...]]:
    rows = [row for row in publication.rows(issue_table) if row["language"] == language]
    return [(row["day"], row["due_at"], row["state"], row["reason"]) for row in rows]


def move(publication: PublicationFolder, to: datetime, key: OccurrenceKey = KEY) -> None:
    state = editing_state(publication)
    move_occurrence(state, ROOT, key, to)


def local(text: str) -> datetime:
    """Return a local time, without a zone."""
    return datetime.fromisoformat(text)


def at(day: int, hour: int = 8) -> datetime:
    return datetime(2026, 1, day, hour, tzinfo=UTC)


def test_a_moved_occurrence_is_due_in_each_edition_at_its_local_time(
    weekly: PublicationFolder,
) -> None:
    move(weekly, local("2026-01-17 09:00"))
    plan(weekly, at(16, 12))
    assert len(issues(weekly)) == 1
    plan(weekly, at(17, 12))
    assert issues(weekly)[1:] == [(FRIDAY, at(17, 9), "scheduled", None)]
    assert issues(weekly, "ar")[1:] == [(FRIDAY, at(17, 7), "scheduled", None)]


def test_one_language_is_moved_and_the_others_stay_and_each_is_read_by_its_day(
    weekly: PublicationFolder,
) -> None:
    move(weekly, local("2026-01-17 09:00"), ARABIC)
    found = read_occurrence(editing_state(weekly), "weekly", FRIDAY)
    assert {one.issue.language: one.issue.due_at for one in found} == {
        "en": at(16),
        "ar": at(17, 7),
    }
    assert read_occurrence(editing_state(weekly), "weekly", date(2026, 1, 15)) == ()
    plan(weekly, at(16, 12))
    assert [one[0] for one in issues(weekly)] == [date(2026, 1, 9), FRIDAY]
    assert [one[0] for one in issues(weekly, "ar")] == [date(2026, 1, 9)]


def test_a_skipped_occurrence_is_recorded_with_the_reason_and_can_be_restored(
    weekly: PublicationFolder,
) -> None:
    state = editing_state(weekly)
    (done, _arabic) = skip_occurrence(state, ROOT, KEY, "a  holiday")
    assert done.change.revision == 1
    skip_occurrence(state, ROOT, LATER, "")
    (restored, _arabic) = restore_occurrence(state, ROOT, KEY)
    assert (restored.change.revision, restored.occurrence.due_at) == (2, at(16))
    plan(weekly, at(16, 12))
    plan(weekly, at(23, 12))
    assert issues(weekly)[1:] == [
        (FRIDAY, at(16), "scheduled", None),
        (date(2026, 1, 23), at(23), "skipped", "skipped by terminal"),
    ]
    assert [(one.verb, one.object) for one in audit_log(state)] == [
        ("restore occurrence", "weekly-2026-01-16"),
        ("skip occurrence", "weekly-2026-01-23"),
        ("skip occurrence", "weekly-2026-01-16"),
    ]


def test_an_occurrence_that_was_skipped_as_late_is_restored_while_it_is_not(
    weekly: PublicationFolder,
) -> None:
    # By a clock that was six weeks ahead.
    plan(weekly, at(30, 12) + timedelta(days=21)).at(at(15))
    assert issues(weekly)[1][2:] == ("skipped", "35 days late, more than max_lateness (3 days)")
    state = editing_state(weekly)
    assert len(restore_occurrence(state, ROOT, KEY)) == 2
    plan(weekly, at(16, 12))
    assert issues(weekly)[-1] == (FRIDAY, at(16), "scheduled", None)
    plan(weekly, at(30, 12))
    with pytest.raises(UsageError, match=r"weekly-en-2026-01-23: was neither moved"):
        restore_occurrence(editing_state(weekly), ROOT, LATER)


def test_what_was_due_before_the_database_was_made_is_skipped_and_can_be_restored(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    publication = new_publication(languages=["en"], newsletters=[WEEKLY])
    publication.write("en/tides.md", "It waits.", title="Tides", date="2026-01-08")
    subscribe(publication, ("reader@example.org", "en"))
    with publication.database.writing() as connection:
        found = read_lineage(connection)
        assert found is not None
        assert found.made_at, "new databases know it"
        set_lineage(connection, made_at=at(9, 9))
    assert not cycle(publication, at(9, 10)).taken, "due at 8, made at 9"
    ((_day, _due, state, reason),) = issues(publication)
    assert (state, str(reason).split(",")[0]) == (
        "skipped",
        "it was due before this database was made (2026-01-09 09:00 UTC)",
    )
    key = OccurrenceKey(newsletter="weekly", day=date(2026, 1, 9))
    restore_occurrence(editing_state(publication), ROOT, key)
    assert len(cycle(publication, at(9, 11)).taken) == 1


def test_a_time_before_the_database_was_made_is_given_and_sends_at_once(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    publication = new_publication(languages=["en"], newsletters=[WEEKLY])
    plan_issues(publication.settings, publication.database, NOW, NOW + timedelta(days=300))
    assert [one[2] for one in issues(publication)] == ["scheduled"]
    publication.reload(languages=["en"], newsletters=[WEEKLY, {**WEEKLY, "name": "other"}])
    plan_issues(publication.settings, publication.database, NOW, at(8))
    assert {one[2] for one in issues(publication)} == {"scheduled"}, "a later newsletter"


def test_an_occurrence_moves_between_its_neighbours_and_not_into_the_past(
    weekly: PublicationFolder,
) -> None:
    for to, problem in (
        ("2026-01-09 11:00", "has passed"),
        ("2026-01-23 08:00", "not before the issue after it"),
        ("2026-01-24 08:00", "not before the issue after it"),
    ):
        with pytest.raises(UsageError, match=problem):
            move(weekly, local(to))
    assert weekly.rows(occurrence_change_table) == []
    assert audit_log(editing_state(weekly)) == []


def test_the_order_of_issues_stays_when_neighbours_move(weekly: PublicationFolder) -> None:
    move(weekly, local("2026-01-21 08:00"))
    with pytest.raises(UsageError, match="not after the issue before it"):
        move(weekly, local("2026-01-20 08:00"), LATER)
    state = editing_state(weekly)
    skip_occurrence(state, ROOT, KEY, "")
    move(weekly, local("2026-01-20 08:00"), LATER)
    with pytest.raises(UsageError, match="not before the issue after it"):
        move(weekly, local("2026-01-20 09:00"))


def test_what_has_passed_is_not_changed(weekly: PublicationFolder) -> None:
    for day in (date(2026, 1, 2), date(2026, 1, 9)):
        key = OccurrenceKey(newsletter="weekly", day=day)
        with pytest.raises((UsageError, IssueError), match=r"has passed|was due already"):
            move(weekly, local("2026-01-15 08:00"), key)
        with pytest.raises((UsageError, IssueError), match=r"has passed|not to come"):
            skip_occurrence(editing_state(weekly), ROOT, key, "")


def test_an_hour_is_refused_that_is_more_than_a_year_away(weekly: PublicationFolder) -> None:
    for day in ("0001-01-01 00:00", "2027-01-18 00:00", "9999-12-30 12:00", "9999-12-31 23:59"):
        with pytest.raises(UsageError, match=r"is too far away|is not before the issue after"):
            move(weekly, local(day), ARABIC)


def test_what_no_schedule_has_is_refused(weekly: PublicationFolder) -> None:
    for newsletter, day, languages, problem in [
        ("other", FRIDAY, (), "no newsletter"),
        ("weekly.monthly", FRIDAY, (), "no newsletter"),
        ("weekly", date(2026, 1, 17), (), "its schedule has no 2026-01-17"),
        ("weekly", FRIDAY, ("ja",), "no edition in ja"),
    ]:
        key = OccurrenceKey(newsletter=newsletter, day=day, languages=languages)
        with pytest.raises(UsageError, match=problem):
            move(weekly, local("2026-01-17 08:00"), key)
    state = editing_state(weekly)
    with pytest.raises(UsageError, match="neither moved nor skipped"):
        restore_occurrence(state, ROOT, KEY)


def test_an_edition_at_subscribers_own_hours_is_skipped_but_not_moved(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    publication = plan(
        new_publication(languages=["en"], newsletters=[{**WEEKLY, "local_time": True}]), NOW
    )
    with pytest.raises(UsageError, match="local time"):
        move(publication, local("2026-01-17 08:00"))
    state = editing_state(publication)
    skip_occurrence(state, ROOT, KEY, "a holiday")
    plan(publication, at(16, 12))
    assert [one[2:] for one in issues(publication)][1:] == [("skipped", "a holiday")]


def test_moving_needs_the_permission_in_every_language_that_moves(
    weekly: PublicationFolder,
) -> None:
    state = editing_state(weekly)
    ann = account(state, "ann@example.org", Grant(Role.EDITOR, "ar"))
    with pytest.raises(ForbiddenError):
        move_occurrence(state, ann, KEY, local("2026-01-17 09:00"))
    move_occurrence(state, ann, ARABIC, local("2026-01-17 09:00"))
    (row,) = weekly.rows(occurrence_change_table)
    assert (row["language"], row["actor"]) == ("ar", "ann@example.org")
    assert audit_log(state)[0].details["languages"] == {
        "ar": {"due_at": "2026-01-17T07:00:00+00:00", "skipped": None}
    }


def test_an_issue_that_is_made_already_moves_with_its_occurrence_until_it_is_due(
    weekly: PublicationFolder,
) -> None:
    with weekly.database.writing() as connection:
        for language, due_at in (("en", at(16)), ("ar", at(16, 6))):
            planned = Issue(newsletter="weekly", language=language, day=FRIDAY, due_at=due_at)
            store.add_occurrence(connection, planned)
        before = store.issue_by_name(connection, "weekly-en-2026-01-16")
    assert before is not None
    move(weekly, local("2026-01-17 09:00"))
    assert issues(weekly)[1:] == [(FRIDAY, at(17, 9), "scheduled", None)]
    moved = [row for row in weekly.rows(issue_table) if row["day"] == FRIDAY]
    assert [row["send_at"] for row in moved] == [at(17, 9), at(17, 7)]
    with weekly.database.writing() as connection, pytest.raises(IssueError, match="another"):
        move_in_time(connection, before, at(18), NOW)
    plan(weekly, at(16, 12))
    assert len(issues(weekly)) == 2
    weekly.at(at(17, 10))
    with pytest.raises(IssueError, match="was due already"):
        move(weekly, local("2026-01-18 09:00"))


def test_an_issue_that_waits_to_be_sent_is_made_again_for_another_time(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    publication = new_publication(
        languages=["en"], newsletters=[{**WEEKLY, "lead": 48, "approval": "one"}]
    ).at(at(15))
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    pipeline_of(publication).prepare()
    assert issues(publication)[-1][2] == "awaiting_approval"
    move(publication, local("2026-01-17 09:00"))
    (row,) = [row for row in publication.rows(issue_table) if row["day"] == FRIDAY]
    assert (row["state"], row["due_at"], row["revision"]) == ("assembling", at(17, 9), 1)
    pipeline_of(publication).prepare()
    assert issues(publication)[-1][2] == "awaiting_approval"


# An hour at which something is done, what, to which week, and to which hour.
ACTS = st.lists(
    st.tuples(
        st.integers(1, 200),
        st.sampled_from(["move", "skip", "restore"]),
        st.integers(1, 4),
        st.integers(0, 40 * 24),
    ),
    max_size=6,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS)
def test_every_occurrence_is_planned_once_as_the_calendar_said_whatever_is_changed(
    new_publication: Callable[..., PublicationFolder], acts: list[tuple[int, str, int, int]]
) -> None:
    publication = plan(new_publication(languages=["en"], newsletters=[WEEKLY]), NOW)
    now = NOW
    for hours, verb, week, target in acts:
        now += hours * HOUR
        plan(publication, now)
        state = editing_state(publication)
        key = OccurrenceKey(newsletter="weekly", day=date(2026, 1, 9) + week * 7 * DAY)
        with suppress(UsageError, IssueError):
            if verb == "move":
                to = (NOW + target * HOUR).replace(tzinfo=None)
                move_occurrence(state, ROOT, key, to)
            elif verb == "skip":
                skip_occurrence(state, ROOT, key, "a holiday")
            else:
                restore_occurrence(state, ROOT, key)
    until = date(2026, 2, 28)
    entries = read_calendar(editing_state(publication), date(2026, 1, 1), until).entries
    while now < datetime(2026, 3, 2, tzinfo=UTC):
        now += 26 * HOUR
        plan(publication, now)
    assert sorted((one.issue.day, one.issue.due_at) for one in entries) == sorted(
        (day, due_at) for day, due_at, _state, _reason in issues(publication) if day <= until
    )
    assert len(entries) == 8


# --- the calendar shows what was made, and exactly what planning will make


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
    {"name": "nightly", "schedule": "30 2 * * *", "max_lateness": 240, "edition": NIGHTS},
    {"name": "weekly", "languages": ["en", "ar"], "max_lateness": 240,
     "edition": {"ar": {"timezone": "Africa/Cairo"}}},
    {"name": "monthly", "languages": ["en"], "max_lateness": 240, "schedule": "FREQ=MONTHLY;BYMONTHDAY=-1",
     "at": "00:30", "timezone": "America/New_York", "skip_dates": [date(2026, 3, 31)]},
]  # fmt: skip


def expected(entry: CalendarEntry) -> tuple[object, ...]:
    issue = entry.issue
    reason = issue.reason if entry.state == IssueState.SKIPPED else None
    which = (issue.newsletter, issue.language, issue.day)
    return (*which, issue.due_at, reason, issue.reason_key)


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
    weekly = [OccurrenceKey(newsletter="weekly", day=date(2026, 5, day)) for day in (1, 8, 15)]
    skip_occurrence(state, ROOT, weekly[0], "a holiday")
    move_occurrence(state, ROOT, weekly[1], datetime.fromisoformat("2026-05-04 07:00"))
    move_occurrence(state, ROOT, weekly[2], datetime.fromisoformat("2026-05-20 19:00"))
    calendar = read_calendar(state, date(2026, 1, 1), date(2026, 12, 31))
    shifts = {(one.timezone, one.shifted) for one in calendar.entries if one.shifted}
    assert shifts >= {
        ("Europe/Berlin", "gap"),
        ("Europe/Berlin", "fold"),
        ("America/New_York", "fold"),
        ("America/Santiago", "gap"),
        ("Africa/Casablanca", "gap"),
    }
    now, last = start, datetime(2027, 1, 3, tzinfo=UTC)
    while now < last:
        now = min(now + by_lane(9, 2) * DAY, last)
        plan_issues(publication.settings, publication.database, now)
        # No new schedule is looked for in what was sent.
        with publication.database.writing() as connection:
            past = issue_table.c.state == IssueState.SCHEDULED, issue_table.c.due_at < now
            connection.execute(update(issue_table).where(*past).values(state=IssueState.SENT))
    planned = {one for one in made(publication) if "2026-01-01" <= str(one[2]) <= "2026-12-31"}
    assert len(planned) == len(HOURS) * 365 + 2 * 52 + 12
    assert {expected(one) for one in calendar.entries} == planned
    state = editing_state(publication.at(now))
    then = read_calendar(state, date(2026, 1, 1), date(2026, 12, 31))
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
    english = [one for one in calendar.entries if one.issue.language == "en"]
    assert [(one.issue.day.day, one.state, one.is_overdue) for one in english] == [
        (9, "sent", False),
        (16, "skipped", True),
        (23, "skipped", True),
        (30, "planned", False),
    ]
    assert english[1].issue.reason == "11 days late, more than max_lateness (3 days)"
    assert english[3].at.tzinfo is not None


def test_years_are_refused_that_no_schedule_has_or_that_take_long_to_compute(
    publication: PublicationFolder,
) -> None:
    state = editing_state(publication)
    assert read_calendar(state, date(2036, 12, 1), date(2036, 12, 31)).entries
    for year in (1970, 2037, 9999):
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


@pytest.fixture
def english(new_publication: Callable[..., PublicationFolder]) -> PublicationFolder:
    return new_publication(languages=["en"], newsletters=[{"name": "weekly"}])


def test_a_change_is_listed_that_a_new_schedule_leaves_without_effect(
    english: PublicationFolder,
) -> None:
    state = editing_state(english)
    skip_occurrence(state, ROOT, KEY, "a holiday")
    assert read_calendar(state, date(2026, 1, 10), date(2026, 1, 31)).ignored == ()
    mondays = {"name": "weekly", "schedule": "0 8 * * MON"}
    english.reload(languages=["en"], newsletters=[mondays])
    calendar = read_calendar(editing_state(english), date(2026, 1, 10), date(2026, 1, 31))
    assert [one.day for one in calendar.ignored] == [date(2026, 1, 16)]
    assert {one.state for one in calendar.entries} == {"planned"}


@pytest.mark.parametrize(("local_time", "hour"), [(False, 8), (True, 0)])
def test_an_edition_at_local_time_is_shown_at_its_hour_and_assembled_before(
    new_publication: Callable[..., PublicationFolder], local_time: bool, hour: int
) -> None:
    terms = {"schedule": "0 8 * * FRI", "timezone": "UTC", "local_time": local_time}
    publication = new_publication(languages=["en"], newsletters=[{"name": "weekly", **terms}])
    state = editing_state(publication)
    entries = read_calendar(state, date(2026, 1, 10), date(2026, 1, 17)).entries
    assert [one.at for one in entries] == [datetime(2026, 1, 16, 8, tzinfo=UTC)]
    before = timedelta(hours=14 if local_time else 0)
    assert entries[0].issue.due_at == datetime(2026, 1, 16, hour, tzinfo=UTC) - before


def test_drafts_and_what_waits_for_a_date_are_in_the_tray(
    publication: PublicationFolder,
) -> None:
    publication.write("en/tides.md", "Words.", title="Tides", date="2026-01-05")
    publication.write("en/draft.md", "Words.", title="Half a thought", draft="true")
    publication.write("ar/draft.ar.md", "كلمات", title="مسودة", published="false")
    publication.pick_up_file("en/later.md", "Words.", title="Later", date="2026-02-01")
    found = read_calendar(editing_state(publication), date(2026, 1, 9), date(2026, 1, 9))
    assert [(one.file, one.title, one.language) for one in found.waiting] == [
        ("ar/draft.ar.md", "مسودة", "ar"),
        ("en/draft.md", "Half a thought", "en"),
        ("en/later.md", "Later", "en"),
    ]
    assert [one.until is None for one in found.waiting] == [True, True, False]
    publication.pick_up_file("en/draft.md", "Words.", title="A thought", date="2026-01-08")
    found = read_calendar(editing_state(publication), date(2026, 1, 9), date(2026, 1, 9))
    assert [one.file for one in found.waiting] == ["ar/draft.ar.md", "en/later.md"]


# --- the calendar file, as another library reads it, and the addresses that accounts have for it


FIRST, LAST = date(2026, 1, 10), date(2026, 2, 10)


@pytest.fixture
def bilingual(new_publication: Callable[..., PublicationFolder]) -> EditingState:
    title = {"en": "Weekly; news, views", "zh-Hant": "新聞週刊" * 12}
    return editing_state(
        new_publication(languages=["en", "zh-Hant"], newsletters=[{**WEEKLY, "title": title}])
    )


def events(content: bytes) -> dict[str, Any]:
    calendar = icalendar.Calendar.from_ical(content)
    assert calendar.errors == []
    return {str(one["UID"]): one for one in calendar.walk("VEVENT")}


def test_another_library_reads_the_file_and_events_keep_their_identity(
    bilingual: EditingState,
) -> None:
    before = events(write_calendar(bilingual, FIRST, LAST))
    move_occurrence(bilingual, ROOT, KEY, datetime.fromisoformat("2026-01-17 09:00"))
    skip_occurrence(bilingual, ROOT, LATER, "a holiday; all are away")
    content = write_calendar(bilingual, FIRST, LAST)
    after = events(content)
    assert before.keys() == after.keys()
    assert len(after) == 8
    assert max(len(line) for line in content.split(b"\r\n")) <= 75
    moved = after["weekly-en-2026-01-16@news.example.org"]
    assert moved["DTSTART"].dt == datetime(2026, 1, 17, 9, tzinfo=UTC)
    assert (int(moved["SEQUENCE"]), str(moved["STATUS"])) == (1, "TENTATIVE")
    assert str(moved["SUMMARY"]) == "Weekly; news, views (en)"
    skipped = after["weekly-zh-Hant-2026-01-23@news.example.org"]
    assert str(skipped["STATUS"]) == "CANCELLED"
    assert str(skipped["DESCRIPTION"]) == "a holiday; all are away"
    assert str(skipped["SUMMARY"]) == "新聞週刊" * 12 + " (zh-Hant)"
    assert all(
        one.errors == [] and one["DTSTAMP"].dt.tzinfo is not None for one in after.values()
    )


def test_an_address_shows_the_calendar_until_it_is_renewed_or_its_account_disabled(
    bilingual: EditingState,
) -> None:
    account(bilingual, "root@example.org", Grant(Role.ADMINISTRATOR))
    ann = account(bilingual, "ann@example.org", Grant(Role.VIEWER))
    token = calendar_token(bilingual, ann)
    assert calendar_token(bilingual, ann) == token
    found = calendar_of_token(bilingual, token)
    assert found is not None
    assert "weekly-en-2026-01-16@news.example.org" in events(found)
    renew_private_addresses(bilingual, ann)
    assert audit_log(bilingual)[0].verb == "renew private addresses"
    assert calendar_of_token(bilingual, token) is None
    token = calendar_token(bilingual, ann)
    assert calendar_of_token(bilingual, token) is not None
    with bilingual.database.writing() as connection:
        disable_account(connection, ann.account_id or 0, NOW)
    assert calendar_of_token(bilingual, token) is None


def test_no_other_token_shows_the_calendar_and_only_an_account_has_one(
    bilingual: EditingState,
) -> None:
    ann = account(bilingual, "ann@example.org", Grant(Role.ADMINISTRATOR))
    token = calendar_token(bilingual, ann)
    number, generation, signature = token.split("-", 2)
    wrong = [
        "",
        token[:-1],
        f"{token}x",
        f"{int(number) + 1}-{generation}-{signature}",
        f"{number}-1-{signature}",
        f"{number}-{generation}-{signature.swapcase()}",
        f"{number}-{generation}-" + "é" * 43,
    ]
    assert [calendar_of_token(bilingual, one) for one in wrong] == [None] * len(wrong)
    for verb in (calendar_token, renew_private_addresses):
        with pytest.raises(AccountError, match="only somebody with an account"):
            verb(bilingual, ROOT)
