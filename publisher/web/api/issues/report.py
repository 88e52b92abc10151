"""Operations after an issue was sent: its report, its deliveries in doubt."""

from enum import StrEnum
from typing import Any

from pydantic import Field

from publisher.app.editing_state import Permission
from publisher.app.issues.deliveries import decide_doubts, report_issue
from publisher.web.api.operations import ApiValue, OperationTable
from publisher.web.api.requests import ApiRequest

OPERATIONS = OperationTable()


class ReportValue(ApiValue):
    """What became of an issue: the counts add up to what was planned."""

    report: dict[str, Any] = Field(description="As `publisher issues report --json` prints it.")


class DoubtChoiceValue(StrEnum):
    """What is done with deliveries of which nobody knows whether they arrived."""

    RESEND = "resend"
    MARK_SENT = "mark-sent"


class DoubtCount(ApiValue):
    """How many deliveries were decided."""

    deliveries: int


@OPERATIONS.add("GET /issues/<issue>/report", Permission.VIEW)
def _read_report(request: ApiRequest, issue: str) -> ReportValue:
    """Read what became of every mail of an issue."""
    return ReportValue(report=report_issue(request.state, issue).as_dict())


@OPERATIONS.add("POST /issues/<issue>/doubts", Permission.DECIDE_DOUBTS)
def _decide_doubts(
    request: ApiRequest, issue: str, *, decision: DoubtChoiceValue
) -> DoubtCount:
    """Send deliveries in doubt again, or record them as sent."""
    is_resent = decision is DoubtChoiceValue.RESEND
    return DoubtCount(deliveries=request.call(decide_doubts, issue, resend=is_resent).count)
