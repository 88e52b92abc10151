"""Operations before an issue is sent: approve it, ask for changes, schedule, send now, undo, hold, skip."""

from typing import Annotated

from pydantic import Field

from publisher.app.editing_state import Permission
from publisher.app.issues import approvals as use_cases
from publisher.app.issues import sending
from publisher.web.api.issues.overview import IssueDetails, read_details
from publisher.web.api.operations import ApiValue, Instant, Moment, OperationTable, Text
from publisher.web.api.requests import ApiRequest

OPERATIONS = OperationTable()

# SHA-256, in hexadecimal digits.
ManifestHash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
RequiredText = Annotated[str, Field(min_length=1, max_length=2000)]


class ApprovalValue(ApiValue):
    """What somebody said of an issue. It is `struck` if it is about what the issue was before."""

    verdict: str
    by: str = Field(validation_alias="actor")
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


@OPERATIONS.add("GET /issues/<issue>/approvals", Permission.VIEW)
def _read_approvals(request: ApiRequest, issue: str) -> Approvals:
    """Read the approvals of an issue, and what is missing."""
    return _approvals(request.call(use_cases.read_approvals, issue))


@OPERATIONS.add("POST /issues/<issue>/approvals", Permission.APPROVE)
def _approve_issue(request: ApiRequest, issue: str, body: NewApprovalValue) -> Approvals:
    """Approve an issue as it was read."""
    plan = use_cases.ShownPlan(body.plan_hash, body.recipients) if body.plan_hash else None
    wanted = use_cases.ApprovalRequest(issue, body.manifest, body.note, plan)
    (done,) = request.call(use_cases.approve_issues, [wanted])
    return _approvals(done)


@OPERATIONS.add("POST /issues/<issue>/change-requests", Permission.APPROVE)
def _request_changes(
    request: ApiRequest, issue: str, *, manifest: ManifestHash, note: RequiredText
) -> Approvals:
    """Ask for changes; the issue is not sent until it is changed."""
    return _approvals(request.call(use_cases.request_changes, issue, manifest, note))


def _approvals(view: use_cases.ApprovalView) -> Approvals:
    rows = [
        ApprovalValue.of(
            row, struck=view.is_struck(row), invalid=view.count.invalid.get(row.id)
        )
        for row in view.rows
    ]
    return Approvals.of(view, view.count, approvals=rows)


@OPERATIONS.add("POST /issues/<issue>/schedule", Permission.MOVE_ISSUE)
def _schedule_issue(request: ApiRequest, issue: str, *, send_at: Moment) -> IssueDetails:
    """Have an issue sent at another time, once it is approved."""
    request.call(sending.schedule_issue, issue, send_at)
    return read_details(request, issue)


@OPERATIONS.add("POST /issues/<issue>/send-now", Permission.CONTROL_SENDING)
def _send_now(request: ApiRequest, issue: str) -> IssueDetails:
    """Send an issue after the time to undo."""
    request.call(sending.send_now, issue)
    return read_details(request, issue)


@OPERATIONS.add("POST /issues/<issue>/undo", Permission.PAUSE_SENDING)
def _undo_sending(request: ApiRequest, issue: str) -> IssueDetails:
    """Take back sending now, before the first mail."""
    request.call(sending.undo_sending, issue)
    return read_details(request, issue)


@OPERATIONS.add("POST /issues/<issue>/hold", Permission.PAUSE_SENDING)
def _hold_issue(request: ApiRequest, issue: str) -> IssueDetails:
    """Keep an issue from being sent until somebody schedules it."""
    request.call(sending.hold_issue, issue)
    return read_details(request, issue)


@OPERATIONS.add("POST /issues/<issue>/skip", Permission.MOVE_ISSUE)
def _skip_issue(
    request: ApiRequest, issue: str, *, reason: Annotated[RequiredText, Field(max_length=500)]
) -> IssueDetails:
    """Send an issue never; the next one may have its articles."""
    request.call(sending.skip_issue, issue, reason)
    return read_details(request, issue)
