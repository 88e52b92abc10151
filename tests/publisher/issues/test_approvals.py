"""Whether the approvals of an issue let it go: by who may approve, what was signed and who gets it."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from publisher.accounts.model import Account, Grant, Role
from publisher.config.choices import ApprovalPolicy
from publisher.issues.approvals import (
    ApprovalFacts,
    IssueApproval,
    manifest_hash,
    manifest_text,
    verdict,
)
from publisher.issues.model import Issue, IssueState
from tests.publisher.conftest import NOW

SIGNED = {"digest": "d", "sender": ["Example", "news@example.org"]}
TEXT = manifest_text(SIGNED)
ISSUE = Issue(
    id=1,
    newsletter="weekly",
    language="en",
    day=date(2026, 1, 9),
    due_at=NOW,
    state=IssueState.AWAITING_APPROVAL,
)


def account(number: int, *grants: Grant, is_disabled: bool = False) -> Account:
    return Account(
        id=number,
        email=f"{number}@example.org",
        name="",
        language="en",
        created_at=NOW,
        disabled_at=NOW if is_disabled else None,
        grants=grants or (Grant(Role.APPROVER),),
    )


def row(number: int, person: int | None, said: str = "approve", **values: Any) -> IssueApproval:
    return IssueApproval(
        id=number,
        issue_id=1,
        revision=0,
        note="",
        at=NOW,
        actor=str(person),
        account_id=person,
        verdict=said,
        **{"manifest": manifest_hash(TEXT), **values},
    )


def facts(*rows: IssueApproval, **values: Any) -> ApprovalFacts:
    usual: dict[str, Any] = {
        "policy": ApprovalPolicy.ONE,
        "manifest": TEXT,
        "editors": (),
        "issue": ISSUE,
    }
    return ApprovalFacts(rows=rows, **usual | {"accounts": [account(1), account(2)]} | values)


@pytest.mark.parametrize(
    ("policy", "rows", "editors", "accounts", "approvers"),
    [
        ("one", [row(1, 1)], [], [account(1)], 1),
        ("one", [row(1, 1)], [], [account(1, is_disabled=True)], 0),
        ("one", [row(1, 1)], [], [account(1, Grant(Role.APPROVER, "ar"))], 0),
        ("one", [row(1, 1)], [], [account(1, Grant(Role.EDITOR))], 0),
        ("two", [row(1, 1), row(2, 1)], [], [account(1), account(2)], 1),
        ("two", [row(1, 1), row(2, None)], [], [account(1)], 2),
        ("two", [row(1, 1), row(2, 2)], [2], [account(1), account(2)], 1),
        ("one", [row(1, 1)], [1], [account(1)], 0),
        ("one", [row(1, 1)], [1], [account(1), account(2)], 0),
        ("one", [row(1, None)], [None], [], 0),
        ("one", [row(1, None)], [1], [account(1)], 1),
        ("one", [row(1, 1), row(2, 1, "changes")], [], [account(1)], 0),
        ("one", [row(1, 1, "changes"), row(2, 1)], [], [account(1)], 1),
        ("one", [row(1, 1, manifest="another")], [], [account(1)], 0),
    ],
)
def test_approvals_count_by_people_who_may(
    policy: str,
    rows: list[IssueApproval],
    editors: list[int | None],
    accounts: list[Account],
    approvers: int,
) -> None:
    stored = facts(*rows, policy=ApprovalPolicy(policy), editors=editors, accounts=accounts)
    decided = verdict(stored)
    assert len(decided.count.approvers) == approvers
    assert (decided.reason is None) == (approvers >= stored.policy.needed)


def test_an_issue_goes_only_as_it_was_signed() -> None:
    approved = facts(row(1, 1))
    assert verdict(approved, now=SIGNED).reason is None
    changed = verdict(approved, now={**SIGNED, "sender": ["Other", "news@example.org"]})
    assert changed.changes == ["the sender"]
    assert changed.reason == "changed since it was approved: the sender"
    unsigned = verdict(replace(approved, manifest=None), now=SIGNED)
    assert unsigned.reason == "made when nobody had to approve it"


def test_approvals_lapse_if_the_number_of_recipients_moved_far() -> None:
    approved = facts(row(1, 1, plan_counts={"en": 100}), row(2, 2))
    assert verdict(approved, recipients=120).reason is None
    moved = verdict(approved, recipients=121)
    assert moved.lapsed == {1: "recipients: 100 when it was approved, 121 now"}
    # The other one was given without a plan.
    assert (moved.reason, moved.count.approvers) == (None, ("2",))
    alone = verdict(facts(row(1, 1, plan_counts={"en": 100})), recipients=79)
    assert alone.reason == "0 of 1 approvals; recipients: 100 when it was approved, 79 now"
