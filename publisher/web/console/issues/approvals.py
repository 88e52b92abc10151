"""Approving an issue by the hash of what was read, and when it is sent: forms of the page of an issue."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import flask

from publisher.app.editing_state import Actor, EditingState, Permission
from publisher.app.issues import approvals, sending
from publisher.app.issues.lookup import find_issue_group
from publisher.app.issues.overview import compare_revisions
from publisher.errors import IssueError
from publisher.issues.digests import RevisionDiff
from publisher.web.api.operations import About
from publisher.web.console.context import ConsoleRequest
from publisher.web.console.issues.overview import issue_page
from publisher.web.console.routes import RouteTable
from publisher.web.pages.responses import parse_id
from publisher.web.security import MAX_BODY_BYTES

ROUTES = RouteTable()


def _done(
    request: ConsoleRequest,
    issue: str,
    verb: Callable[[EditingState, Actor, str], object],
    word: str,
) -> flask.Response:
    try:
        request.call(verb, issue)
    except IssueError as error:
        return issue_page(request, issue, 409, problem=str(error))
    return request.see_other(f"/issues/{issue}/", done=word)


@ROUTES.add("POST /issues/<issue>/approve/", Permission.APPROVE)
def _approve(request: ConsoleRequest, issue: str) -> flask.Response:
    manifest, note = request.field("manifest"), request.field("note", MAX_BODY_BYTES)
    plan = _shown_plan(request.field("plan_hash"), request.field("recipients"))
    try:
        wanted = approvals.ApprovalRequest(issue, manifest, note, plan)
        request.call(approvals.approve_issues, [wanted])
    except IssueError as error:
        return issue_page(
            request, issue, 409, problem=str(error), diff=_changed(request, issue)
        )
    return request.see_other(f"/issues/{issue}/", done="approved")


def _shown_plan(plan_hash: str, recipients: str) -> approvals.ShownPlan | None:
    """Return the plan that a form has shown; None for a correction."""
    if not plan_hash:
        return None
    count = parse_id(recipients)
    if count is None:
        flask.abort(400)
    return approvals.ShownPlan(plan_hash, count)


def _changed(request: ConsoleRequest, issue: str) -> RevisionDiff | None:
    """Return what the last revision has changed; None if there is one only."""
    try:
        return request.call(compare_revisions, issue)
    except IssueError:
        return None


@ROUTES.add("POST /issues/<issue>/approve-all/", Permission.APPROVE, about=About.EACH)
def _approve_all(request: ConsoleRequest, issue: str) -> flask.Response:
    """Approve the same issue in all languages that a form names, each by its own hash, or in none."""
    form = flask.request.form
    columns = [form.getlist(name) for name in ("name", "manifest", "plan_hash", "recipients")]
    if len({len(column) for column in columns}) > 1:
        flask.abort(400)
    wanted = [
        approvals.ApprovalRequest(name, manifest, plan=_shown_plan(*shown))
        for name, manifest, *shown in zip(*columns, strict=True)
    ]
    try:
        request.call(approvals.approve_issues, wanted)
    except IssueError as error:
        return issue_page(request, issue, 409, problem=str(error))
    return request.see_other(f"/issues/{issue}/", done="approved")


@ROUTES.add("POST /issues/<issue>/request-changes/", Permission.APPROVE)
def _request_changes(request: ConsoleRequest, issue: str) -> flask.Response:
    manifest, note = request.field("manifest"), request.field("changes", MAX_BODY_BYTES)
    verb = partial(approvals.request_changes, manifest=manifest, note=note)
    return _done(request, issue, verb, "changes-requested")


@ROUTES.add("POST /issues/<issue>/schedule/", Permission.MOVE_ISSUE)
def _schedule(request: ConsoleRequest, issue: str) -> flask.Response:
    return _done(request, issue, lambda *_by: _schedule_at(request, issue), "saved")


def _schedule_at(request: ConsoleRequest, issue: str) -> object:
    _group, found = find_issue_group(request.state, issue)
    edition = request.settings.edition(found.newsletter, found.language)
    try:
        local = datetime.fromisoformat(request.field("at"))
        # Without an edition the verb refuses.
        at = local.replace(tzinfo=edition.zone if edition else UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise IssueError.saying(
            "%(issue)s: %(value)s is no date and time",
            issue=issue,
            value=repr(request.field("at")),
        ) from None
    return request.call(sending.schedule_issue, issue, at)


for _name, _access, _verb, _word in (
    ("send-now", Permission.CONTROL_SENDING, sending.send_now, "sent-soon"),
    ("undo", Permission.PAUSE_SENDING, sending.undo_sending, "undone"),
    ("hold", Permission.PAUSE_SENDING, sending.hold_issue, "saved"),
):
    ROUTES.add(f"POST /issues/<issue>/{_name}/", _access)(
        partial(_done, verb=_verb, word=_word)
    )


@ROUTES.add("POST /issues/<issue>/skip/", Permission.MOVE_ISSUE)
def _skip(request: ConsoleRequest, issue: str) -> flask.Response:
    return _done(
        request, issue, partial(sending.skip_issue, reason=request.field("why")), "saved"
    )
