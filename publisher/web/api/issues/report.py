"""Operations after an issue was sent: its report, its deliveries in doubt."""

from typing import Any, Literal

from pydantic import Field

from publisher.app.editing_state import Permission
from publisher.app.issues.deliveries import decide_doubts, report_issue
from publisher.web.api.operations import ApiValue, OperationTable
from publisher.web.api.requests import ApiRequest

OPERATIONS = OperationTable()


class ReportValue(ApiValue):
    """What became of an issue: the counts add up to what was planned."""

    report: dict[str, Any] = Field(description="As `publisher issues report --json` prints it.")


class DoubtCount(ApiValue):
    """How many deliveries were decided."""

    deliveries: int


@OPERATIONS.add("GET /issues/<issue>/report", Permission.VIEW)
def _read_report(request: ApiRequest, issue: str) -> ReportValue:
    """Read what became of every mail of an issue."""
    return ReportValue(report=report_issue(request.state, issue).as_dict())


@OPERATIONS.add("POST /issues/<issue>/doubts", Permission.DECIDE_DOUBTS)
def _decide_doubts(
    request: ApiRequest, issue: str, *, decision: Literal["resend", "mark-sent"]
) -> DoubtCount:
    """Send deliveries in doubt again, or record them as sent."""
    is_resent = decision == "resend"
    return DoubtCount(deliveries=request.call(decide_doubts, issue, resend=is_resent).count)
