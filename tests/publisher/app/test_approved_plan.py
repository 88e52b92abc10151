"""Who gets an issue is part of what is approved: if that moves far, the approvers are asked again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from publisher.app.approved_plan import DayPlans, plan_to_sign, signed_plan
from publisher.app.attention import list_attention
from publisher.app.audience_plan import plan_audience, plan_hash
from publisher.app.issue_approvals import (
    ShownPlan,
    approve_issue,
    read_approvals,
    read_plan_to_sign,
)
from publisher.delivery.approved_audience import count_recipients
from publisher.errors import IssueError
from publisher.issues.approvals import approvals_of
from publisher.issues.model import IssueReason, IssueState
from tests.publisher.app.approving import (
    DAY,
    DUE,
    HOUR,
    NAME,
    TERMINAL,
    approve,
    cycle,
    fill,
    issue_of,
    newsletter,
    person,
    state_of_editors,
)
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import subscribe

LAPSED = "recipients: 11 when it was approved, 21 now"


@pytest.fixture
def publication(new_publication: Callable[..., PublicationFolder]) -> PublicationFolder:
    """An issue in two languages that waits for approval; the English one has 11 recipients."""
    found = new_publication(languages=["en", "ar"], newsletters=[newsletter()])
    fill(found, "en", "ar")
    join(found, 10)
    cycle(found, DUE - DAY)
    return found


def join(publication: PublicationFolder, count: int, group: str = "old") -> None:
    subscribe(publication, *((f"{group}-{n}@example.com", "en") for n in range(count)))


def plan_of(publication: PublicationFolder) -> Any:
    state = state_of_editors(publication)
    return read_plan_to_sign(state, read_approvals(state, TERMINAL, NAME))


def test_an_approval_keeps_the_plan_that_is_shown_with_the_issue(
    publication: PublicationFolder,
) -> None:
    state, ann = state_of_editors(publication), person(publication, "ann")
    shown = plan_of(publication)
    assert (shown.recipients, shown.moved) == (11, ())
    assert shown.hash == plan_hash(plan_audience(state, "weekly", issue_of(publication).day))
    (row,) = approve(publication, ann).rows
    assert (row.plan_hash, row.plan_counts) == (shown.hash, {"en": 11})
    with publication.database.reading() as connection:
        issue = issue_of(publication)
        assert count_recipients(connection, publication.settings, issue, DUE) == 11


def test_the_plan_of_now_is_signed_if_none_was_shown_and_none_of_a_correction(
    publication: PublicationFolder,
) -> None:
    state, issue = state_of_editors(publication), issue_of(publication)
    now = plan_to_sign(state, issue)
    assert now is not None
    assert now.recipients == 11
    assert signed_plan(state, issue, None) == (now.hash, {"en": 11})
    erratum = replace(issue, corrects_id=issue.id)
    assert plan_to_sign(state, erratum) is None
    assert signed_plan(state, erratum, ShownPlan(now.hash)) is None


def test_what_was_shown_may_have_moved_a_little_but_not_far(
    publication: PublicationFolder,
) -> None:
    state, ann = state_of_editors(publication), person(publication, "ann")
    manifest = read_approvals(state, ann, NAME).manifest
    assert manifest is not None
    shown = plan_of(publication)
    join(publication, 2, "few")
    with pytest.raises(IssueError, match=r"the plan is another by now \(recipients: 13\)"):
        approve_issue(state, ann, NAME, manifest, plan=ShownPlan(shown.hash))
    with pytest.raises(IssueError, match="recipients: 3 when it was read, 13 now"):
        approve_issue(state, ann, NAME, manifest, plan=ShownPlan("0" * 64, 3))
    assert read_approvals(state, ann, NAME).rows == ()
    plan = ShownPlan(shown.hash, shown.recipients)
    (row,) = approve_issue(state, ann, NAME, manifest, plan=plan).rows
    assert (row.plan_hash, row.plan_counts) == (shown.hash, {"en": 11})


def test_a_list_that_moved_a_little_is_sent_to(publication: PublicationFolder) -> None:
    approve(publication, person(publication, "ann"))
    join(publication, 9, "few")
    assert len(cycle(publication, DUE).taken) == 20


@pytest.mark.parametrize("early", [timedelta(minutes=10), timedelta(0)])
def test_approvers_are_asked_again_if_the_list_moved_far(
    publication: PublicationFolder, early: timedelta
) -> None:
    """Some minutes before the hour by a cycle, or when the ledger would be opened."""
    ann = person(publication, "ann")
    approve(publication, ann)
    join(publication, 10, "new")
    assert plan_of(publication).moved == (LAPSED,)
    assert cycle(publication, DUE - HOUR).taken == []
    assert issue_of(publication).state is IssueState.READY
    assert cycle(publication, DUE - early).taken == []
    waiting = issue_of(publication)
    assert waiting.state is IssueState.AWAITING_APPROVAL
    assert waiting.reason == f"0 of 1 approvals; {LAPSED}"
    assert waiting.reason_key == IssueReason.NOT_APPROVED
    # A later cycle does not take the old approval again.
    assert cycle(publication, DUE + HOUR).taken == []
    held = issue_of(publication)
    assert held.reason == f"held at its hour: 0 of 1 approvals; {LAPSED}"
    view = read_approvals(state_of_editors(publication), ann, NAME)
    assert [*view.count.invalid.values()] == [LAPSED]
    items = list_attention(state_of_editors(publication), ann)[1]
    assert [one.text for one in items if one.kind == "approval" and one.name == NAME] == [
        held.reason
    ]
    assert approve(publication, ann).issue.state is IssueState.READY
    assert len(cycle(publication, DUE + 2 * HOUR).taken) == 21


def test_only_the_approval_lapses_that_was_of_other_numbers(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    publication = new_publication(newsletters=[newsletter(approval="two")])
    fill(publication)
    cycle(publication, DUE - DAY)
    approve(publication, person(publication, "ann"))
    join(publication, 10)
    view = approve(publication, person(publication, "bob"))
    assert view.issue.state is IssueState.READY
    cycle(publication, DUE)
    reason = issue_of(publication).reason or ""
    assert "1 of 2 approvals; recipients: 1 when it was approved, 11 now" in reason


def test_another_language_s_list_does_not_matter(publication: PublicationFolder) -> None:
    ann = person(publication, "ann")
    for name in (NAME, "weekly-ar-2026-01-09"):
        approve(publication, ann, name)
    join(publication, 10, "new")
    assert len(cycle(publication, DUE).taken) == 1
    assert issue_of(publication, "weekly-ar-2026-01-09").state is IssueState.SENT
    assert issue_of(publication).state is IssueState.AWAITING_APPROVAL


def test_languages_that_are_approved_together_count_their_plan_once(
    publication: PublicationFolder,
) -> None:
    state, ann = state_of_editors(publication), person(publication, "ann")
    plans = DayPlans()
    for name in (NAME, "weekly-ar-2026-01-09"):
        manifest = read_approvals(state, ann, name).manifest
        assert manifest is not None
        approve_issue(state, ann, name, manifest, plans=plans)
        # Not in the plan any more that is counted once.
        join(publication, 3, f"after-{name}")
    with publication.database.reading() as connection:
        found = [
            approvals_of(connection, issue_of(publication, one))
            for one in (NAME, "weekly-ar-2026-01-09")
        ]
    assert [row.plan_counts for rows in found for row in rows] == [{"en": 11}, {"ar": 1}]
    assert found[0][0].plan_hash == found[1][0].plan_hash
