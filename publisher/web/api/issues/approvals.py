"""Operations before an issue is sent: approve it, ask for changes, schedule, send now, undo, hold, skip."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AwareDatetime, Field

from publisher.app.editing_state import Permission
from publisher.app.issues.approvals import (
    ApprovalView,
    ShownPlan,
    approve_issue,
    read_approvals,
    request_changes,
)
from publisher.app.issues.sending import (
    hold_issue,
    schedule_issue,
    send_now,
    skip_issue,
    undo_sending,
)
from publisher.web.api.issues.overview import IssueDetails, read_details
from publisher.web.api.operations import About, ApiValue, Instant, Operation, Text
from publisher.web.api.problems import ProblemError

if TYPE_CHECKING:
    from publisher.web.api.requests import ApiRequest

# SHA-256, in hexadecimal digits.
ManifestHash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class ApprovalValue(ApiValue):
    """What somebody said of an issue. It is `struck` if it is about what the issue was before."""

    verdict: str
    by: str
    at: Instant
    note: str
    manifest: str
    struck: bool
    invalid: str | None = Field(description="Why it does not count.")


class Approvals(ApiValue):
    """The approvals of an issue. `manifest` is what an approval has to name: what everybody would get."""

    manifest: str | None = Field(description="None until the issue is assembled.")
    needed: int
    approvers: list[str] = Field(description="Whose approvals count.")
    reason: str | None = Field(description="Why it may not be sent; None if it may.")
    approvals: list[ApprovalValue]


class NewApprovalValue(ApiValue):
    """An approval of what was read, and of the plan of who gets it.

    Without a plan, it is that of now. With its hash alone, nobody may have come or gone since; with
    `recipients` too, their number may not have moved far.
    """

    manifest: ManifestHash
    plan_hash: ManifestHash | None = Field(
        default=None, description="The hash of the day's plan in all languages."
    )
    recipients: int | None = Field(
        default=None, ge=0, description="How many get the issue, as that plan says."
    )
    note: Text = ""


class ChangesWanted(ApiValue):
    """What is to be changed of what was read."""

    manifest: ManifestHash
    note: Annotated[str, Field(min_length=1, max_length=2000)]


class NewSchedule(ApiValue):
    """When an issue is to be sent, with an offset from UTC."""

    send_at: AwareDatetime


class SkipReason(ApiValue):
    """Why an issue is never sent."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


def _read(request: ApiRequest, issue: str) -> Approvals:
    return _approvals(read_approvals(request.state, request.actor, issue))


def _approve(request: ApiRequest, issue: str) -> Approvals:
    body: NewApprovalValue = request.body
    plan = ShownPlan(body.plan_hash, body.recipients) if body.plan_hash else None
    done = approve_issue(
        request.state, request.actor, issue, body.manifest, note=body.note, plan=plan
    )
    return _approvals(done)


def _request_changes(request: ApiRequest, issue: str) -> Approvals:
    body: ChangesWanted = request.body
    done = request_changes(request.state, request.actor, issue, body.manifest, body.note)
    return _approvals(done)


def _approvals(view: ApprovalView) -> Approvals:
    return Approvals(
        manifest=view.manifest,
        needed=view.count.needed,
        approvers=list(view.count.approvers),
        reason=view.count.reason,
        approvals=[
            ApprovalValue(
                verdict=one.verdict,
                by=one.actor,
                at=one.at,
                note=one.note,
                manifest=one.manifest,
                struck=view.is_struck(one),
                invalid=view.count.invalid.get(one.id),
            )
            for one in view.rows
        ],
    )


def _schedule(request: ApiRequest, issue: str) -> IssueDetails:
    try:
        at = request.body.send_at.astimezone(UTC)
    except OverflowError as error:
        raise ProblemError(422, "send_at: is no time that a calendar has") from error
    schedule_issue(request.state, request.actor, issue, at)
    return read_details(request, issue)


def _send_now(request: ApiRequest, issue: str) -> IssueDetails:
    send_now(request.state, request.actor, issue)
    return read_details(request, issue)


def _undo(request: ApiRequest, issue: str) -> IssueDetails:
    undo_sending(request.state, request.actor, issue)
    return read_details(request, issue)


def _hold(request: ApiRequest, issue: str) -> IssueDetails:
    hold_issue(request.state, request.actor, issue)
    return read_details(request, issue)


def _skip(request: ApiRequest, issue: str) -> IssueDetails:
    skip_issue(request.state, request.actor, issue, request.body.reason)
    return read_details(request, issue)


def _verb(path: str, name: str, summary: str, access: Permission, **values: Any) -> Operation:
    return Operation(
        method="POST",
        path=f"/issues/<issue>/{path}",
        id=name,
        summary=summary,
        access=access,
        about=About.ISSUE,
        **{"answer": IssueDetails, **values},
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/issues/<issue>/approvals",
        id="readApprovals",
        summary="Read the approvals of an issue, and what is missing",
        access=Permission.VIEW,
        about=About.ISSUE,
        answer=Approvals,
        run=_read,
    ),
    _verb(
        "approvals",
        "approveIssue",
        "Approve an issue as it was read",
        Permission.APPROVE,
        body=NewApprovalValue,
        answer=Approvals,
        run=_approve,
    ),
    _verb(
        "change-requests",
        "requestChanges",
        "Ask for changes; the issue is not sent until it is changed",
        Permission.APPROVE,
        body=ChangesWanted,
        answer=Approvals,
        run=_request_changes,
    ),
    _verb(
        "schedule",
        "scheduleIssue",
        "Have an issue sent at another time, once it is approved",
        Permission.MOVE_ISSUE,
        body=NewSchedule,
        run=_schedule,
    ),
    _verb(
        "send-now",
        "sendNow",
        "Send an issue after the time to undo",
        Permission.CONTROL_SENDING,
        run=_send_now,
    ),
    _verb(
        "undo",
        "undoSending",
        "Take back sending now, before the first mail",
        Permission.PAUSE_SENDING,
        run=_undo,
    ),
    _verb(
        "hold",
        "holdIssue",
        "Keep an issue from being sent until somebody schedules it",
        Permission.PAUSE_SENDING,
        run=_hold,
    ),
    _verb(
        "skip",
        "skipIssue",
        "Send an issue never; the next one may have its articles",
        Permission.MOVE_ISSUE,
        body=SkipReason,
        run=_skip,
    ),
)
