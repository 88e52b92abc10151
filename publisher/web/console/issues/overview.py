"""Issues: the latest of all newsletters, one of them in all its languages, and editing it."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import flask

from publisher.app.editing_state import Permission
from publisher.app.issues import overview as use_cases
from publisher.app.issues.approvals import (
    ApprovalView,
    PlanToSign,
    read_approvals,
    read_plan_to_sign,
)
from publisher.app.issues.corrections import can_be_corrected
from publisher.app.issues.edits import EditRequest, edit_issue, undo_edit
from publisher.app.issues.lookup import IssueGroup, find_issue_group, list_issue_groups
from publisher.app.issues.overview import edit_text
from publisher.app.issues.preview import inbox_lines
from publisher.errors import EditConflictError, IssueError
from publisher.issues.digests import RevisionDiff
from publisher.issues.editing import EditKind
from publisher.issues.model import Issue
from publisher.web.console.context import ConsoleRequest
from publisher.web.console.routes import RouteTable
from publisher.web.pages.responses import parse_id

# Issues on a page of the list, all languages counted as one.
_LISTED = 30
# Seconds before its first mail from which on the page of an issue counts down.
_SOON = 3600
# Characters of an opening.
_MOST_WORDS = 8000


ROUTES = RouteTable()


@ROUTES.add("GET /issues/", Permission.VIEW, menu="issues")
def _list(request: ConsoleRequest) -> flask.Response:
    """Show issues page by page, by default without those that were skipped: there may be hundreds in a row."""
    skipped = {"skipped": "yes"} if flask.request.args.get("skipped") == "yes" else {}
    before = _place(flask.request.args.get("before", ""))
    groups, last = list_issue_groups(
        request.state, _LISTED, before=before, with_skipped=bool(skipped)
    )
    older = {**skipped, "before": f"{last[0]:%Y%m%dT%H%M%SZ}-{last[1]}"} if last else {}
    return request.page(
        "issues.html",
        groups=groups,
        newsletters=request.settings.newsletters,
        with_skipped=bool(skipped),
        may_announce=any(
            request.permits(Permission.EDIT_ISSUE, tag)
            for tag in request.settings.publication.languages
        ),
        older=f"/issues/?{urlencode(older)}" if older else "",
        newest=f"/issues/?{urlencode(skipped)}" if before else "",
    )


def _place(text: str) -> tuple[datetime, int] | None:
    written, _, last = text.partition("-")
    number = parse_id(last)
    try:
        at = datetime.strptime(written, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    return None if number is None else (at, number)


@ROUTES.add("GET /issues/<issue>/", Permission.VIEW)
def issue_page(
    request: ConsoleRequest, issue: str, status: int = 200, **values: Any
) -> flask.Response:
    """Return the page of an issue; `problem` is why a change was refused, `entered` what it was.

    `rejected` is why no mail can be made with a change that was stored. `conflict` is an edit that was not
    made, since somebody else has changed the same.
    `diff` is what changed since what an approver has read, or has approved.
    """
    group, found = find_issue_group(request.state, issue)
    overview = request.call(use_cases.read_issue_overview, issue)
    today = next(iter(overview.revisions), None)
    approvals = _approvals(request, issue)
    to_approve = _to_approve(request, group)
    given = {
        "group": group,
        "issue": found,
        "edition": request.settings.edition(found.newsletter, found.language),
        "overview": overview,
        "digest": today,
        "inbox": inbox_lines(today.subject, today.preheader) if today else [],
        "approvals": approvals,
        "to_approve": to_approve,
        "plan": _plan(request, approvals, to_approve),
        "leaves_in": _seconds_until_sent(request, found),
        "is_correctable": can_be_corrected(request.state, found),
        "diff": _changed_since_approval(request, approvals),
        "found": None,
        "opening": _opening(overview),
        "edit_text": edit_text,
        "titles": _titles(overview),
        "problem": "",
        "rejected": "",
        "conflict": None,
        "entered": {},
    }
    return request.page("issue.html", status, **given | values)


def _approvals(request: ConsoleRequest, issue: str) -> ApprovalView | None:
    try:
        return request.call(read_approvals, issue)
    except IssueError:
        return None


def _changed_since_approval(
    request: ConsoleRequest, approvals: ApprovalView | None
) -> RevisionDiff | None:
    """Return what changed since an issue was approved that waits for approval again; None for others."""
    if approvals is None or not approvals.struck:
        return None
    first = min(row.revision for row in approvals.struck)
    try:
        return request.call(use_cases.compare_revisions, approvals.issue.name, first)
    except IssueError:
        return None


def _to_approve(request: ConsoleRequest, group: IssueGroup) -> list[ApprovalView]:
    """Return what the sender of a request may approve of an issue, in all languages."""
    waiting = [one.issue for one in group.issues if one.issue.state == "awaiting_approval"]
    mine = [one for one in waiting if request.permits(Permission.APPROVE, one.language)]
    found = (_approvals(request, one.name) for one in mine)
    return [one for one in found if one is not None and one.manifest and not one.why_not]


def _plan(
    request: ConsoleRequest, view: ApprovalView | None, to_approve: Sequence[ApprovalView]
) -> PlanToSign | None:
    """Return who gets an issue, for those who may approve it or its sisters: it counts everybody."""
    if view is not None and request.permits(Permission.APPROVE, view.issue.language):
        return read_plan_to_sign(request.state, view)
    return read_plan_to_sign(request.state, to_approve[0]) if to_approve else None


def _seconds_until_sent(request: ConsoleRequest, issue: Issue) -> int | None:
    """Return how long an issue that is about to be sent can still be stopped; None for others."""
    if issue.state != "ready" or issue.send_at is None:
        return None
    left = math.ceil((issue.send_at - request.state.clock.now()).total_seconds())
    return left if 0 < left <= _SOON else None


def _opening(overview: use_cases.IssueOverview) -> str:
    found = [one for one in overview.edits if one.kind == EditKind.OPENING]
    return next((edit_text(one) for one in reversed(found) if one.undone_at is None), "")


def _titles(overview: use_cases.IssueOverview) -> dict[int, str]:
    left_out = [one.story for one in overview.left_out]
    stories = (*overview.stories, *left_out, *overview.further)
    return {one.story_id: one.title for one in stories}


@ROUTES.add("POST /issues/<issue>/edits/", Permission.EDIT_ISSUE)
def _edit(request: ConsoleRequest, issue: str) -> flask.Response:
    """Change an issue as a form says. What somebody else has changed since it was read is shown first, and can be written over."""
    kind, story = request.field("kind"), request.number("story")
    value = request.field("value", _MOST_WORDS)
    if kind not in [*EditKind] or (story is None and request.field("story")):
        flask.abort(400)
    wanted = EditRequest(EditKind(kind), value, story, request.number("seen") or 0)
    renderer = request.context.opened.renderer
    try:
        edited = request.call(edit_issue, issue, wanted, renderer)
    except EditConflictError:
        given = {"conflict": wanted, "entered": {kind: value}}
        return issue_page(request, issue, 409, **given)
    except IssueError as error:
        given = {"problem": str(error), "entered": {kind: value}}
        return issue_page(request, issue, 409, **given)
    if edited.problem:
        return issue_page(request, issue, 422, rejected=edited.problem, entered={kind: value})
    return request.see_other(f"/issues/{issue}/", done="saved")


@ROUTES.add("POST /issues/<issue>/edits/undo/", Permission.EDIT_ISSUE)
def _undo(request: ConsoleRequest, issue: str) -> flask.Response:
    number = request.number("edit")
    if number is None:
        flask.abort(400)
    renderer = request.context.opened.renderer
    try:
        edited = request.call(undo_edit, issue, number, renderer)
    except IssueError as error:
        return issue_page(request, issue, 409, problem=str(error))
    if edited.problem:
        return issue_page(request, issue, 422, rejected=edited.problem)
    return request.see_other(f"/issues/{issue}/", done="saved")


@ROUTES.add("POST /issues/<issue>/stories/", Permission.EDIT_ISSUE)
def _search(request: ConsoleRequest, issue: str) -> flask.Response:
    """Show stories that an issue could have. By POST, so that no address has what was searched."""
    words = request.field("words").strip()
    found = request.call(use_cases.search_stories, issue, words)
    return issue_page(request, issue, found=found, entered={"words": words})


@ROUTES.add("GET /issues/<issue>/revisions/", Permission.VIEW)
def _revisions(request: ConsoleRequest, issue: str) -> flask.Response:
    old, new = (parse_id(flask.request.args.get(name, "")) for name in ("old", "new"))
    group, found = find_issue_group(request.state, issue)
    overview = request.call(use_cases.read_issue_overview, issue)
    diff = None
    if old is not None or new is not None or len(overview.revisions) > 1:
        diff = request.call(use_cases.compare_revisions, issue, old, new)
    return request.page(
        "revisions.html", group=group, issue=found, overview=overview, diff=diff
    )
