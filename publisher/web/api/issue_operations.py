"""Operations about issues: list, read, pause, resume, cancel."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from pydantic import Field

from publisher.app.editing_state import Permission
from publisher.app.issue_control import cancel_sending, pause_sending, resume_sending
from publisher.app.issue_reading import (
    IssueFilter,
    IssueState,
    list_issue_page,
    read_issue,
)
from publisher.web.api.models import (
    ApiValue,
    Instant,
    Name,
    PageInLanguage,
    Text,
    read_cursor,
    write_cursor,
)
from publisher.web.api.operations import About, Operation

if TYPE_CHECKING:
    from publisher.app.status import IssueStatus
    from publisher.web.api.context import ApiRequest


class IssueSummary(ApiValue):
    """An issue: one newsletter in one language on one day."""

    name: str = Field(description="Like weekly-en-2026-01-09.")
    newsletter: str
    language: str
    day: date
    due_at: Instant
    state: IssueState
    reason: str | None = Field(description="Why it is in its state, in English.")
    articles: int
    warnings: int


class IssueDetails(IssueSummary):
    """An issue with its subject and its deliveries."""

    version: int = Field(description="Grows with each change; the ETag begins with it.")
    revision: int = Field(description="Of its mail, as the console and `issues diff` count.")
    send_at: Instant | None = Field(description="When it is sent; None if it is held.")
    subject: str | None = Field(description="None until it is assembled.")
    preheader: str | None
    digest_hash: str | None = Field(description="SHA-256 of what is sent.")
    deliveries: dict[str, int] = Field(description="By state; they add up to what was planned.")


class IssueList(ApiValue):
    """Issues, the latest first."""

    issues: list[IssueSummary]
    next_cursor: str | None


class IssueQuery(PageInLanguage):
    """Which issues are listed."""

    newsletter: Name | None = None
    state: IssueState | None = None


class Reason(ApiValue):
    """Why something is done. It is shown with the issue."""

    reason: Text | None = None


def _list(request: ApiRequest) -> IssueList:
    query: IssueQuery = request.query
    before = None
    if query.cursor is not None:
        at, number = read_cursor(query.cursor, int, int)
        before = (datetime.fromtimestamp(at, UTC), number)
    wanted = IssueFilter(
        languages=request.languages(Permission.VIEW, query.language),
        newsletter=query.newsletter,
        state=query.state,
        before=before,
    )
    found, has_more = list_issue_page(request.state, wanted, query.limit)
    last = found[-1].issue if has_more else None
    cursor = write_cursor(int(last.due_at.timestamp()), last.id) if last else None
    return IssueList(
        issues=[IssueSummary(**_summary(one)) for one in found], next_cursor=cursor
    )


def read_details(request: ApiRequest, issue: str) -> IssueDetails:
    """Return an issue, as operations answer that have changed it."""
    found = read_issue(request.state, issue)
    return IssueDetails(
        **_summary(found.status),
        version=found.status.issue.epoch,
        revision=found.status.issue.revision,
        send_at=found.status.issue.send_at,
        subject=found.subject,
        preheader=found.preheader,
        digest_hash=found.digest_hash,
        deliveries=dict(found.deliveries),
    )


def _pause(request: ApiRequest, issue: str) -> IssueDetails:
    pause_sending(request.state, request.actor, issue, request.body.reason)
    return read_details(request, issue)


def _resume(request: ApiRequest, issue: str) -> IssueDetails:
    resume_sending(request.state, request.actor, issue)
    return read_details(request, issue)


def _cancel(request: ApiRequest, issue: str) -> IssueDetails:
    cancel_sending(request.state, request.actor, issue, request.body.reason)
    return read_details(request, issue)


def _summary(one: IssueStatus) -> dict[str, Any]:
    issue = one.issue
    return {
        "name": issue.name,
        "newsletter": issue.newsletter,
        "language": issue.language,
        "day": issue.day,
        "due_at": issue.due_at,
        "state": issue.state,
        "reason": issue.reason,
        "articles": one.articles,
        "warnings": one.warnings,
    }


OPERATIONS = (
    Operation(
        method="GET",
        path="/issues",
        id="listIssues",
        summary="List issues, the latest first",
        access=Permission.VIEW,
        about=About.EACH,
        query=IssueQuery,
        answer=IssueList,
        run=_list,
    ),
    Operation(
        method="GET",
        path="/issues/<issue>",
        id="readIssue",
        summary="Read an issue",
        access=Permission.VIEW,
        about=About.ISSUE,
        answer=IssueDetails,
        tagged=True,
        run=read_details,
    ),
    Operation(
        method="POST",
        path="/issues/<issue>/pause",
        id="pauseIssue",
        summary="Stop sending an issue; mails that are being sent are completed",
        access=Permission.PAUSE_SENDING,
        about=About.ISSUE,
        body=Reason,
        answer=IssueDetails,
        run=_pause,
    ),
    Operation(
        method="POST",
        path="/issues/<issue>/resume",
        id="resumeIssue",
        summary="Continue a paused issue where it stopped",
        access=Permission.CONTROL_SENDING,
        about=About.ISSUE,
        answer=IssueDetails,
        run=_resume,
    ),
    Operation(
        method="POST",
        path="/issues/<issue>/cancel",
        id="cancelIssue",
        summary="End an issue for good; who has not got it yet will not get it",
        access=Permission.CONTROL_SENDING,
        about=About.ISSUE,
        body=Reason,
        answer=IssueDetails,
        run=_cancel,
    ),
)
