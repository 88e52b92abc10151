"""Reports add up for each language, provider and cause, whatever became of the mails."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import insert

from publisher.accounts.actor import Actor, terminal_actor
from publisher.app.deliveries import decide_doubts
from publisher.app.editing_state import Grant, Role
from publisher.app.issue_report import (
    DayReport,
    IssueReport,
    report_day,
    report_issue,
    report_issues,
)
from publisher.bounces.model import BounceEvent, BounceKind, Evidence
from publisher.bounces.store import add_event
from publisher.delivery.causes import CAUSES
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
from publisher.errors import ForbiddenError, IssueError, UsageError
from publisher.issues import store as issues
from publisher.issues.model import Issue, IssueState
from subscribers.tables import subscriber
from tests.databases import delete_all_rows
from tests.publisher.conftest import NOW, PublicationFolder, editing_state
from tests.publisher.delivery.mailing import DAY, counts, ready

S = DeliveryState
NAME = f"weekly-en-{DAY}"
ROWS = some.lists(
    some.tuples(
        some.sampled_from(["en", "ar"]),
        some.sampled_from([*S]),
        some.sampled_from([None, "no-mailbox", "full", "unsubscribed", "of-a-later-version"]),
        # Those of no domain were erased.
        some.sampled_from(["gmail.com", "example.org", None]),
    ),
    max_size=12,
)


def _open(
    publication: PublicationFolder,
    rows: list[tuple[str, DeliveryState, str | None, str | None]],
) -> dict[str, Issue]:
    """Make a ledger of two issues with these rows."""
    found = {tag: ready(publication, tag) for tag in ("en", "ar")}
    instants = dict.fromkeys(("due_at", "next_at", "changed_at"), NOW)
    with publication.database.writing() as connection:
        for tag, issue in found.items():
            found[tag] = issues.move_issue(connection, issue, IssueState.SENDING)
        for number, (tag, state, key, domain) in enumerate(rows, 1):
            values = {"subscriber_id": number, "state": state, "reason_key": key}
            values |= {"issue_id": found[tag].id, "reason": f"550 no {number % 2}"}
            connection.execute(insert(delivery).values(values | instants))
            if domain:
                _add_subscriber(connection, number, f"reader.{number}@{domain}")
    return found


def _add_subscriber(connection: Any, number: int, address: str) -> None:
    dates = dict.fromkeys(("created_at", "updated_at"), NOW)
    values = {"id": number, "email": address, "address": address, "language": "en"}
    connection.execute(insert(subscriber).values(values | dates | {"status": "active"}))


@pytest.mark.hypothesis
def test_reports_add_up_by_language_provider_and_cause(publication: PublicationFolder) -> None:
    @given(rows=ROWS)
    def check(rows: list[tuple[str, DeliveryState, str | None, str | None]]) -> None:
        delete_all_rows(publication.database)
        _open(publication, rows)
        report = report_day(editing_state(publication), "weekly", DAY, ["en", "ar"])
        _adds_up(report, len(rows))
        for one in report.issues:
            mine = [row for row in rows if row[0] == one.language]
            _issue_adds_up(one, [(state, key) for _tag, state, key, _domain in mine])

    check()


def _adds_up(report: DayReport, planned: int) -> None:
    assert report.planned == sum(report.counts.values()) == planned
    assert sum((count.total() for count in report.providers.values()), 0) == planned
    assert sum(one.planned for one in report.issues) == planned


def _issue_adds_up(one: IssueReport, rows: list[tuple[DeliveryState, str | None]]) -> None:
    states = Counter(state for state, _key in rows)
    waiting = states[S.PENDING] + states[S.CLAIMED] + states[S.ATTEMPTING]
    assert one.counts["waiting"] == waiting
    for state in (
        S.SENT,
        S.DEFERRED,
        S.BOUNCED,
        S.FAILED,
        S.IN_DOUBT,
        S.SUPPRESSED,
        S.CANCELLED,
    ):
        assert one.counts[state] == states[state]
        assert sum(count[state] for count in one.providers.values()) == states[state]
        of_state = [cause for cause in one.causes if cause.state is state]
        if state in {S.DEFERRED, S.BOUNCED, S.FAILED, S.IN_DOUBT}:
            assert sum(cause.count for cause in of_state) == states[state]
            assert all(cause.words and cause.key in CAUSES for cause in of_state)


def test_what_servers_said_and_what_came_back_later_is_reported(
    publication: PublicationFolder,
) -> None:
    found = _open(
        publication, [("en", S.BOUNCED, "full", "gmail.com"), ("en", S.SENT, None, "x.org")]
    )
    event = BounceEvent(
        source="test",
        source_id="1",
        subscriber_id=2,
        issue_id=found["en"].id,
        evidence=Evidence.VERP,
        kind=BounceKind.SOFT,
        cause="full",
        status="5.2.2",
        diagnostic="",
        at=NOW,
        received_at=NOW,
    )
    with publication.database.writing() as connection:
        assert add_event(connection, event)
    report = report_issue(editing_state(publication), NAME)
    (again,) = report_issues(editing_state(publication), [NAME]).issues
    assert again == report
    (cause,) = report.causes
    assert (cause.key, cause.sentence, cause.words) == (
        "full",
        "the mailbox is full",
        ["550 no 1"],
    )
    assert report.returned == {"soft": 1}
    assert report.as_dict()["providers"]["gmail.com"]["bounced"] == 1


def test_a_day_is_one_report_also_of_issues_that_are_still_to_come(
    publication: PublicationFolder,
) -> None:
    ready(publication, "ar")
    state = editing_state(publication)
    report = report_day(state, "weekly", DAY)
    assert {one.language: one.state for one in report.issues}["ar"] == "ready"
    assert (len(report.issues), report.planned) == (4, 0)
    with pytest.raises(IssueError, match="has no issue on"):
        report_day(state, "weekly", DAY + timedelta(days=1))
    with pytest.raises(UsageError, match="no such issue"):
        report_issue(state, "weekly-en-2020-01-01")


@pytest.mark.parametrize(("resend", "after"), [(True, "pending"), (False, "sent")])
def test_doubts_are_decided_by_who_may(
    publication: PublicationFolder, resend: bool, after: str
) -> None:
    issue = _open(publication, [("en", S.IN_DOUBT, "unanswered", "x.org")])["en"]
    state = editing_state(publication)
    editor = Actor(name="ed@example.org", via="console", grants=(Grant(Role.EDITOR),))
    with pytest.raises(ForbiddenError):
        decide_doubts(state, editor, NAME, resend=resend)
    assert counts(publication, issue) == {"in_doubt": 1}
    assert decide_doubts(state, terminal_actor(), NAME, resend=resend).count == 1
    assert counts(publication, issue) == {after: 1}
    assert decide_doubts(state, terminal_actor(), NAME, resend=resend).count == 0
