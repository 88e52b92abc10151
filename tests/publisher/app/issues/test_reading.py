"""Issues and articles as programs and pages read them, and what needs somebody."""

from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from publisher.accounts.model import Actor, terminal_actor
from publisher.app.editing_state import EditingState
from publisher.app.issues import listing, lookup
from publisher.app.issues.overview import edit_text, list_issue_page
from publisher.app.operation.attention import find_attention, list_attention
from publisher.app.operation.status import IssueStatus, PublicationStatus
from publisher.bucket.contents import BucketState
from publisher.errors import ForbiddenError
from publisher.ingest.problems import HeldSource
from publisher.issues import editing, store
from publisher.issues.model import Issue, IssueReason, IssueState
from publisher.issues.store import IssueFilter
from publisher.jobs.heartbeat import write_heartbeat
from tests.publisher.app.reading import Reading
from tests.publisher.conftest import NOW, Make, PublicationFolder, editing_state


def add(publication: PublicationFolder, *days: int, language: str = "en") -> None:
    with publication.database.writing() as connection:
        for day in days:
            at = NOW + timedelta(days=day)
            planned = Issue(newsletter="weekly", language=language, day=at.date(), due_at=at)
            store.add_occurrence(connection, planned)


def names(publication: PublicationFolder, wanted: IssueFilter, limit: int) -> list[str]:
    found, _more = list_issue_page(editing_state(publication), wanted, limit)
    return [one.issue.name for one in found]


def test_pages_follow_each_other_and_each_issue_is_on_one(
    publication: PublicationFolder,
) -> None:
    add(publication, *range(5))
    # At the same instant.
    add(publication, *range(5), language="ar")
    found: list[str] = []
    before = None
    for _page in range(5):
        wanted = IssueFilter(languages=("en", "ar"), before=before)
        page, more = list_issue_page(editing_state(publication), wanted, 3)
        found += [one.issue.name for one in page]
        before = (page[-1].issue.due_at, page[-1].issue.id)
        if not more:
            break
    assert len(found) == len({*found}) == 10
    assert found[0].endswith("2026-01-13")
    assert found[-1].endswith("2026-01-09")


def test_what_is_listed_can_be_narrowed(publication: PublicationFolder) -> None:
    add(publication, 0, 1)
    add(publication, 0, language="ar")
    assert names(publication, IssueFilter(languages=("ar",)), 9) == ["weekly-ar-2026-01-09"]
    assert names(publication, IssueFilter(languages=()), 9) == []
    assert names(publication, IssueFilter(languages=("en",), newsletter="daily"), 9) == []
    assert len(names(publication, IssueFilter(languages=("en",), state="scheduled"), 9)) == 2
    assert names(publication, IssueFilter(languages=("en",), state="sent"), 9) == []


# --- the same issue in several languages is one object


DAILY = {"name": "daily", "schedule": "0 8 * * *"}


@pytest.fixture
def grouped(prepared_publication: Make) -> EditingState:
    made = prepared_publication(
        send_two_days, languages=("en", "zh-Hant", "ar"), newsletters=(DAILY,)
    )
    return editing_state(made.at(NOW + timedelta(days=1)))


def send_two_days(publication: PublicationFolder) -> None:
    reading = Reading(publication)
    reading.join("ann", "en")
    reading.write(1, "en", "ar")
    reading.run()
    reading.write(2, "en")
    reading.next_day()


ALL = dict.fromkeys(listing.LINE_FILTERS, "")


def test_lines_of_a_month_have_languages_in_order_with_subjects_and_readers(
    grouped: EditingState,
) -> None:
    month = listing.read_issue_month(grouped, date(2026, 1, 20), ALL)
    assert [len(week) for week in month.weeks] == [7] * 5
    ninth, tenth, coming = (one for one in month.lines if 9 <= one.day.day <= 11)
    assert [one.issue.language for one in ninth.entries] == ["en", "zh-Hant", "ar"]
    assert (ninth.states, ninth.recipients) == ({"sent": 2, "skipped": 1}, 1)
    assert "Story 1 in en" in ninth.subjects["en"]
    # Nothing is made of an issue without articles.
    assert "zh-Hant" not in ninth.subjects
    assert tenth.states["sent"] == 1
    assert (coming.states, coming.recipients) == ({"planned": 3}, 1)
    english = listing.read_issue_month(grouped, date(2026, 1, 20), ALL | {"language": "en"})
    assert {one.entries[0].issue.language for one in english.lines} == {"en"}
    assert {len(one.entries) for one in english.lines} == {1}


def test_a_correction_is_listed_when_it_was_due_and_not_when_its_original_was(
    grouped: EditingState,
) -> None:
    with grouped.database.writing() as connection:
        first = store.issue_by_name(connection, "daily-en-2026-01-09")
        assert first is not None
        new = editing.NewCorrection(
            subject="S", markdown="T", html="T", actor="a", created_at=NOW
        )
        editing.add_correction_issue(connection, first, new, NOW + timedelta(days=9))
    month = listing.read_issue_month(grouped, date(2026, 1, 1), ALL)
    found = [one for one in month.lines if one.issue.kind == "correction"]
    assert [(one.day, one.issue.day.day, one.recipients) for one in found] == [
        (date(2026, 1, 18), 9, 0)
    ]


def test_an_opening_is_shown_as_it_was_written() -> None:
    edit = editing.IssueEdit(
        id=1,
        issue_id=1,
        kind=editing.EditKind.OPENING,
        story_id=None,
        value=editing.opening_value("Dear *all*", "<p>Dear <em>all</em></p>"),
        actor="terminal",
        account_id=None,
        at=NOW,
        undone_at=None,
    )
    assert edit_text(edit) == "Dear *all*"
    assert edit_text(replace(edit, kind=editing.EditKind.SUBJECT, value="Words")) == "Words"


def test_a_group_is_found_by_the_name_of_any_of_its_issues(grouped: EditingState) -> None:
    group, issue = lookup.find_issue_group(grouped, "daily-ar-2026-01-09")
    assert issue.language == "ar"
    assert [one.issue.name for one in group.issues] == [
        "daily-en-2026-01-09",
        "daily-zh-Hant-2026-01-09",
        "daily-ar-2026-01-09",
    ]


# --- articles


# --- what needs somebody, as the console's first page lists it


LATER = NOW + timedelta(hours=1)
QUIET = PublicationStatus(stories=1, languages=(), worked_at=NOW)


def issue(state: IssueState, due: datetime = NOW, **counts: int) -> IssueStatus:
    found = Issue(
        id=1,
        newsletter="weekly",
        language="ar",
        day=due.date(),
        due_at=due,
        state=state,
        reason="because",
        reason_key=None,
        epoch=1,
        published_until=None,
        more=0,
        assembled_at=None,
    )
    return IssueStatus(found, 3, Counter(counts))


def kinds(snapshot: PublicationStatus) -> list[tuple[str, bool]]:
    return [(one.kind, one.urgent) for one in find_attention(snapshot, NOW)]


def test_an_issue_that_waits_for_translations_is_not_late() -> None:
    late = issue(IssueState.SCHEDULED, NOW - timedelta(hours=1))
    reason = IssueReason.WAITS_FOR_TRANSLATIONS
    waiting = replace(late, issue=replace(late.issue, reason_key=reason))
    assert kinds(replace(QUIET, latest=(late,))) == [("late", True)]
    assert kinds(replace(QUIET, latest=(waiting,))) == [("waits", False)]


def test_what_an_issue_needs_is_said_with_counts_and_reasons() -> None:
    sent, coming = issue(IssueState.SENT, sent=5), issue(IssueState.READY, LATER)
    assert kinds(replace(QUIET, latest=(sent, coming))) == []
    doubtful, paused = issue(IssueState.PARTIAL, in_doubt=2, sent=8), issue(IssueState.PAUSED)
    (item,) = find_attention(replace(QUIET, latest=(doubtful,)), NOW)
    assert (item.name, item.language) == ("weekly-ar-2026-01-09", "ar")
    assert (item.count, item.of) == (2, 10)
    (item,) = find_attention(replace(QUIET, latest=(paused,)), NOW)
    assert item.text == "because"


@pytest.mark.parametrize(
    ("one", "found"),
    [
        (issue(IssueState.AWAITING_APPROVAL, LATER), [("approval", False)]),
        (issue(IssueState.AWAITING_APPROVAL), [("approval", True)]),
        (issue(IssueState.ASSEMBLING, NOW - timedelta(minutes=10)), []),
        (issue(IssueState.ASSEMBLING, NOW - timedelta(minutes=20)), [("late", True)]),
        (issue(IssueState.READY, NOW - timedelta(minutes=20)), [("late", True)]),
        (issue(IssueState.PAUSED, pending=2), [("paused", True)]),
        (issue(IssueState.PARTIAL, in_doubt=2), [("in-doubt", True)]),
        (issue(IssueState.PARTIAL, bounced=1, failed=2), [("undelivered", False)]),
        (issue(IssueState.PARTIAL, NOW - timedelta(days=8), failed=2), []),
    ],
)
def test_an_issue_needs_somebody_in_some_states(
    one: IssueStatus, found: list[tuple[str, bool]]
) -> None:
    assert kinds(replace(QUIET, latest=(one,))) == found


def test_what_is_urgent_comes_first() -> None:
    snapshot = replace(
        QUIET,
        worked_at=NOW - timedelta(hours=1),
        quarantine=(("a.md", "no title"),),
        article_problems={"dead-link": 2, "uncopied-file": 1},
        held_sources=(HeldSource("articles", 7, 9),),
        bucket=BucketState(problem="refused"),
        joining_stopped=True,
        stale_translations={"ar": 2},
        expired_promises={"zh-Hans": 1},
        notices_rejected={"templates/x: wrong": 2},
        pings_failed=(("https://hub.example", "en.xml", "404"),),
    )
    found = find_attention(snapshot, NOW)
    assert [
        (one.language, one.count) for one in found if one.kind in {"promises", "stale"}
    ] == [("zh-Hans", 1), ("ar", 2)]
    assert kinds(snapshot) == [
        ("service", True),
        ("bucket", True),
        ("joining-stopped", True),
        ("notices", True),
        ("lost", True),
        ("hub", False),
        ("quarantine", False),
        ("problems", False),
        ("promises", False),
        ("stale", False),
    ]


def test_a_service_that_works_is_not_listed(
    state: EditingState, publication: PublicationFolder
) -> None:
    _snapshot, items = list_attention(state, terminal_actor())
    assert [one.kind for one in items] == ["service"]
    write_heartbeat(publication.settings.folders.heartbeat, NOW)
    _snapshot, items = list_attention(state, terminal_actor())
    assert items == ()


def test_what_needs_attention_takes_a_role(state: EditingState) -> None:
    nobody = Actor(name="n@example.org", via="console")
    with pytest.raises(ForbiddenError):
        list_attention(state, nobody)
