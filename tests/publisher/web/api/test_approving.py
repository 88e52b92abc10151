"""Approving, scheduling and sending by keys: the same rules as for people."""

from typing import Any

import pytest

from publisher.accounts.model import Grant, Role
from tests.publisher.app.approving import HOUR
from tests.publisher.conftest import PublicationFolder
from tests.publisher.starting_points import Point, StartingPoint
from tests.publisher.web.api.conftest import NewKey, Program
from tests.publisher.web.api.test_requests import detail

NAME = "weekly-en-2026-01-09"
PATH = f"/issues/{NAME}"


@pytest.fixture
def publication(starting_point: StartingPoint) -> PublicationFolder:
    """An issue that is due in six hours, and waits for an approval."""
    return starting_point(Point.WAITING, "en", "ar", before=6 * HOUR, undo=5)


def manifest(program: Program) -> str:
    found: Any = program.get(f"{PATH}/approvals").get_json()["manifest"]
    assert isinstance(found, str)
    return found


def test_an_approval_is_of_the_manifest_and_plan_that_were_read_and_not_by_who_edited(
    new_key: NewKey,
) -> None:
    both = (Grant(Role.EDITOR), Grant(Role.APPROVER))
    editor, other = new_key(*both), new_key(Grant(Role.APPROVER))
    tag = {"If-Match": editor.get(PATH).headers["ETag"]}
    subject = {"kind": "subject", "value": "Tides turn"}
    edited = editor.ask("POST", f"{PATH}/edits", subject, tag)
    assert edited.get_json()["problem"] is None
    assert "has edited it" in detail(
        editor.post(f"{PATH}/approvals", {"manifest": manifest(editor)}), 409
    )
    read = {"manifest": manifest(other), "plan_hash": "0" * 64}
    assert "the plan is another" in detail(other.post(f"{PATH}/approvals", read), 409)
    assert "/recipients" in detail(
        other.post(f"{PATH}/approvals", read | {"recipients": -1}), 422
    )
    done = other.post(f"{PATH}/approvals", {"manifest": manifest(other), "note": "good"})
    assert done.get_json()["reason"] is None
    assert [one["note"] for one in done.get_json()["approvals"]] == ["good"]
    assert other.get(PATH).get_json()["state"] == "ready"


def test_changes_are_asked_for_and_what_is_approved_is_named_by_its_manifest(
    new_key: NewKey,
) -> None:
    program = new_key()
    body = {"manifest": manifest(program)}
    assert "never was" in detail(program.post(f"{PATH}/approvals", {"manifest": "0" * 64}), 409)
    assert "/manifest" in detail(program.post(f"{PATH}/approvals", {"manifest": "x"}), 422)
    note = {"note": "the second title is wrong"}
    asked = (
        new_key(Grant(Role.APPROVER)).post(f"{PATH}/change-requests", body | note).get_json()
    )
    assert "the second title is wrong" in asked["reason"]
    assert program.get(PATH).get_json()["state"] == "awaiting_approval"


def test_an_approved_issue_is_sent_now_undone_scheduled_held_and_skipped(
    new_key: NewKey, program: Program
) -> None:
    assert "awaiting approval" in detail(program.post(f"{PATH}/send-now"), 409)
    approver = new_key(Grant(Role.APPROVER))
    approver.post(f"{PATH}/approvals", {"manifest": manifest(approver)})
    due = program.get(PATH).get_json()["send_at"]
    now = approver.post(f"{PATH}/send-now").get_json()["send_at"]
    assert now < due
    assert approver.post(f"{PATH}/undo").get_json()["send_at"] == due
    later = {"send_at": "2026-01-09T19:30:00+00:00"}
    detail(approver.post(f"{PATH}/schedule", later), 403)
    assert (
        program.post(f"{PATH}/schedule", later).get_json()["send_at"] == "2026-01-09T19:30:00Z"
    )
    passed = {"send_at": "2026-01-01T09:00:00+08:00"}
    answer = detail(program.post(f"{PATH}/schedule", passed), 409)
    assert "2026-01-01 01:00:00 UTC has passed" in answer
    for none in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        assert detail(program.post(f"{PATH}/schedule", {"send_at": none}), 422)
    naive = {"send_at": "2026-01-09T19:30:00"}
    assert "/send_at" in detail(program.post(f"{PATH}/schedule", naive), 422)
    assert program.post(f"{PATH}/hold").get_json()["send_at"] is None
    assert (
        program.post(f"{PATH}/skip", {"reason": "a holiday"}).get_json()["state"] == "skipped"
    )
