"""Moving and skipping one occurrence: what may be changed, by whom, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from publisher.app.calendar import read_calendar, read_occurrence
from publisher.app.editing_state import EditingState, Grant, Role, find_terminal_actor
from publisher.app.occurrences import (
    OccurrenceKey,
    move_occurrence,
    restore_occurrence,
    skip_occurrence,
)
from publisher.errors import ForbiddenError, IssueError, UsageError
from publisher.issues import store
from publisher.issues.due_times import move_in_time
from publisher.issues.planner import plan_issues
from publisher.issues.tables import issue_table, occurrence_change_table
from tests.publisher.app.editing import account, audit_log, editing_state
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.printing import pipeline_of

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FRIDAY = date(2026, 1, 16)
KEY = OccurrenceKey(newsletter="weekly", day=FRIDAY)
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


def state_of(publication: PublicationFolder) -> EditingState:
    return editing_state(publication)


def issues(publication: PublicationFolder, language: str = "en") -> list[tuple[Any, ...]]:
    rows = [row for row in publication.rows(issue_table) if row["language"] == language]
    return [(row["day"], row["due_at"], row["state"], row["reason"]) for row in rows]


def move(publication: PublicationFolder, to: datetime, key: OccurrenceKey = KEY) -> None:
    state = state_of(publication)
    move_occurrence(state, find_terminal_actor(state, None), key, to)


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


def test_an_occurrence_that_is_moved_forward_is_made_once(weekly: PublicationFolder) -> None:
    move(weekly, local("2026-01-12 09:00"))
    for day in range(10, 24):
        plan(weekly, at(day, 12))
    assert [one[:2] for one in issues(weekly)] == [
        (date(2026, 1, 9), at(9)),
        (FRIDAY, at(12, 9)),
        (date(2026, 1, 23), at(23)),
    ]


def test_one_language_is_moved_and_the_others_stay(weekly: PublicationFolder) -> None:
    move(
        weekly,
        local("2026-01-17 09:00"),
        OccurrenceKey(newsletter="weekly", day=FRIDAY, languages=("ar",)),
    )
    plan(weekly, at(16, 12))
    assert [one[0] for one in issues(weekly)] == [date(2026, 1, 9), FRIDAY]
    assert [one[0] for one in issues(weekly, "ar")] == [date(2026, 1, 9)]


def test_an_occurrence_is_read_by_its_day_wherever_it_was_moved(
    weekly: PublicationFolder,
) -> None:
    move(weekly, local("2026-01-20 09:00"))
    found = read_occurrence(state_of(weekly), "weekly", FRIDAY)
    assert {one.language: one.due_at for one in found} == {"en": at(20, 9), "ar": at(20, 7)}
    assert read_occurrence(state_of(weekly), "weekly", date(2026, 1, 15)) == ()


def test_a_skipped_occurrence_is_recorded_with_the_reason_and_can_be_restored(
    weekly: PublicationFolder,
) -> None:
    state = state_of(weekly)
    actor = find_terminal_actor(state, None)
    (done, _arabic) = skip_occurrence(state, actor, KEY, "a  holiday")
    assert done.change.revision == 1
    skip_occurrence(state, actor, OccurrenceKey(newsletter="weekly", day=date(2026, 1, 23)), "")
    (restored, _arabic) = restore_occurrence(state, actor, KEY)
    assert (restored.change.revision, restored.occurrence.due_at) == (2, at(16))
    plan(weekly, at(16, 12))
    plan(weekly, at(23, 12))
    assert issues(weekly)[1:] == [
        (FRIDAY, at(16), "scheduled", None),
        (date(2026, 1, 23), at(23), "skipped", "skipped by terminal"),
    ]
    verbs = [(one.verb, one.object) for one in audit_log(state)]
    assert verbs == [
        ("restore occurrence", "weekly-2026-01-16"),
        ("skip occurrence", "weekly-2026-01-23"),
        ("skip occurrence", "weekly-2026-01-16"),
    ]


@pytest.mark.parametrize(
    ("to", "problem"),
    [
        (local("2026-01-09 11:00"), "has passed"),
        (local("2026-01-23 08:00"), "not before the issue after it"),
        (local("2026-01-24 08:00"), "not before the issue after it"),
    ],
)
def test_an_occurrence_moves_between_its_neighbours_and_not_into_the_past(
    weekly: PublicationFolder, to: datetime, problem: str
) -> None:
    with pytest.raises(UsageError, match=problem):
        move(weekly, to)
    assert weekly.rows(occurrence_change_table) == []
    assert audit_log(state_of(weekly)) == []


def test_the_order_of_issues_stays_when_neighbours_move(weekly: PublicationFolder) -> None:
    other = OccurrenceKey(newsletter="weekly", day=date(2026, 1, 23))
    move(weekly, local("2026-01-21 08:00"))
    with pytest.raises(UsageError, match="not after the issue before it"):
        move(weekly, local("2026-01-20 08:00"), other)
    state = state_of(weekly)
    skip_occurrence(state, find_terminal_actor(state, None), KEY, "")
    move(weekly, local("2026-01-20 08:00"), other)
    with pytest.raises(UsageError, match="not before the issue after it"):
        move(weekly, local("2026-01-20 09:00"))


@pytest.mark.parametrize("day", [date(2026, 1, 2), date(2026, 1, 9)])
def test_what_has_passed_is_not_changed(weekly: PublicationFolder, day: date) -> None:
    key = OccurrenceKey(newsletter="weekly", day=day)
    state = state_of(weekly)
    with pytest.raises((UsageError, IssueError), match=r"has passed|was due already"):
        move(weekly, local("2026-01-15 08:00"), key)
    with pytest.raises((UsageError, IssueError), match=r"has passed|not to come"):
        skip_occurrence(state, find_terminal_actor(state, None), key, "")


@pytest.mark.parametrize(
    "to", ["0001-01-01 00:00", "2027-01-18 00:00", "9999-12-30 12:00", "9999-12-31 23:59"]
)
def test_an_hour_is_refused_that_is_more_than_a_year_away(
    weekly: PublicationFolder, to: str
) -> None:
    arabic = OccurrenceKey(newsletter="weekly", day=FRIDAY, languages=("ar",))
    with pytest.raises(UsageError, match=r"is too far away|is not before the issue after it"):
        move(weekly, local(to), arabic)


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
    state = state_of(weekly)
    with pytest.raises(UsageError, match="neither moved nor skipped"):
        restore_occurrence(state, find_terminal_actor(state, None), KEY)


def test_an_edition_at_subscribers_own_hours_is_skipped_but_not_moved(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    publication = plan(
        new_publication(languages=["en"], newsletters=[{**WEEKLY, "local_time": True}]), NOW
    )
    with pytest.raises(UsageError, match="local time"):
        move(publication, local("2026-01-17 08:00"))
    state = state_of(publication)
    skip_occurrence(state, find_terminal_actor(state, None), KEY, "a holiday")
    plan(publication, at(16, 12))
    assert [one[2:] for one in issues(publication)][1:] == [("skipped", "a holiday")]


def test_moving_needs_the_permission_in_every_language_that_moves(
    weekly: PublicationFolder,
) -> None:
    state = state_of(weekly)
    ann = account(state, "ann@example.org", Grant(Role.EDITOR, "ar"))
    with pytest.raises(ForbiddenError):
        move_occurrence(state, ann, KEY, local("2026-01-17 09:00"))
    arabic = OccurrenceKey(newsletter="weekly", day=FRIDAY, languages=("ar",))
    move_occurrence(state, ann, arabic, local("2026-01-17 09:00"))
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
            store.add_occurrence(
                connection,
                newsletter="weekly",
                language=language,
                day=FRIDAY,
                due_at=due_at,
                reason=None,
            )
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


@settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(acts=ACTS)
def test_every_occurrence_is_planned_once_as_the_calendar_said_whatever_is_changed(
    new_publication: Callable[..., PublicationFolder],
    acts: list[tuple[int, str, int, int]],
) -> None:
    publication = plan(new_publication(languages=["en"], newsletters=[WEEKLY]), NOW)
    now = NOW
    for hours, verb, week, target in acts:
        now += hours * HOUR
        plan(publication, now)
        state = state_of(publication)
        actor = find_terminal_actor(state, None)
        key = OccurrenceKey(newsletter="weekly", day=date(2026, 1, 9) + week * 7 * DAY)
        with suppress(UsageError, IssueError):
            if verb == "move":
                to = (NOW + target * HOUR).replace(tzinfo=None)
                move_occurrence(state, actor, key, to)
            elif verb == "skip":
                skip_occurrence(state, actor, key, "a holiday")
            else:
                restore_occurrence(state, actor, key)
    until = date(2026, 2, 28)
    entries = read_calendar(state_of(publication), date(2026, 1, 1), until).entries
    while now < datetime(2026, 3, 2, tzinfo=UTC):
        now += 26 * HOUR
        plan(publication, now)
    assert sorted((one.day, one.due_at) for one in entries) == sorted(
        (day, due_at) for day, due_at, _state, _reason in issues(publication) if day <= until
    )
    assert len(entries) == 8
