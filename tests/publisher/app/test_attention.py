"""What needs somebody, as the console's first page lists it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from publisher.accounts.actor import Actor, terminal_actor
from publisher.app.attention import find_attention, list_attention
from publisher.app.editing_state import EditingState, open_editing_state
from publisher.app.issues import language_of_issue
from publisher.app.status import IssueStatus, PublicationStatus
from publisher.bucket.store import BucketState
from publisher.errors import ForbiddenError, UsageError
from publisher.heartbeat import write_heartbeat
from publisher.ingest.held_sources import HeldSource
from publisher.issues.model import Issue, IssueReason, IssueState
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.printing import pipeline_of

QUIET = PublicationStatus(stories=1, languages=(), worked_at=NOW)


@pytest.fixture
def state(publication: PublicationFolder) -> Iterator[EditingState]:
    with open_editing_state(publication.settings, publication.clock) as state:
        yield state


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


def test_outdated_translations_and_promises_that_were_not_kept_need_somebody() -> None:
    snapshot = replace(QUIET, stale_translations={"ar": 2}, expired_promises={"zh-Hans": 1})
    found = find_attention(snapshot, NOW)
    assert [(one.kind, one.language, one.count) for one in found] == [
        ("promises", "zh-Hans", 1),
        ("stale", "ar", 2),
    ]


def test_nothing_needs_anybody_while_all_is_well() -> None:
    sent = issue(IssueState.SENT, sent=5)
    coming = issue(IssueState.READY, NOW + timedelta(hours=1))
    assert kinds(replace(QUIET, latest=(sent, coming))) == []


@pytest.mark.parametrize(
    ("one", "found"),
    [
        (
            issue(IssueState.AWAITING_APPROVAL, NOW + timedelta(hours=1)),
            [("approval", False)],
        ),
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


def test_counts_and_reasons_are_there() -> None:
    one = issue(IssueState.PARTIAL, in_doubt=2, sent=8)
    (item,) = find_attention(replace(QUIET, latest=(one,)), NOW)
    assert (item.name, item.language, item.count, item.of) == (
        "weekly-ar-2026-01-09",
        "ar",
        2,
        10,
    )
    (paused,) = find_attention(replace(QUIET, latest=(issue(IssueState.PAUSED),)), NOW)
    assert paused.text == "because"


def test_what_is_urgent_comes_first() -> None:
    snapshot = replace(
        QUIET,
        worked_at=NOW - timedelta(hours=1),
        quarantine=(("a.md", "no title"),),
        article_problems={"dead-link": 2, "uncopied-file": 1},
        held_sources=(HeldSource("articles", 7, 9),),
        bucket=BucketState(problem="refused"),
        joining_stopped=True,
        notices_rejected={"templates/x: wrong": 2},
        pings_failed=(("https://hub.example", "en.xml", "404"),),
    )
    assert kinds(snapshot) == [
        ("service", True),
        ("bucket", True),
        ("joining-stopped", True),
        ("notices", True),
        ("lost", True),
        ("hub", False),
        ("quarantine", False),
        ("problems", False),
    ]


def test_a_service_that_works_is_not_listed(
    state: EditingState, publication: PublicationFolder
) -> None:
    _snapshot, items = list_attention(state, terminal_actor())
    assert [one.kind for one in items] == ["service"]
    write_heartbeat(publication.settings.folders.heartbeat, NOW)
    _snapshot, items = list_attention(state, terminal_actor())
    assert items == ()


def test_an_issue_has_a_language(publication: PublicationFolder) -> None:
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    pipeline_of(publication).prepare()
    assert language_of_issue(publication.database, "weekly-en-2026-01-09") == "en"
    with pytest.raises(UsageError, match="no such issue"):
        language_of_issue(publication.database, "weekly-en-1999-01-01")


def test_translations_that_are_older_than_their_originals_are_counted_by_language(
    state: EditingState, publication: PublicationFolder
) -> None:
    write_heartbeat(publication.settings.folders.heartbeat, NOW)
    publication.write("en/ferry.md", "First.", title="Ferry", date="2026-01-08")
    publication.write("zh-Hans/ferry.md", "第一。", title="渡轮", date="2026-01-08")
    publication.pick_up()
    assert list_attention(state, terminal_actor())[1] == ()
    publication.write("en/ferry.md", "Second.", title="Ferry", date="2026-01-08")
    publication.at(NOW + timedelta(minutes=5)).pick_up()
    (item,) = list_attention(state, terminal_actor())[1]
    assert (item.kind, item.language, item.count) == ("stale", "zh-Hans", 1)


def test_what_needs_attention_takes_a_role(state: EditingState) -> None:
    nobody = Actor(name="n@example.org", via="console")
    with pytest.raises(ForbiddenError):
        list_attention(state, nobody)
