"""Who gets an issue, how far it is, and what became of every mail.

What mail servers say is text of strangers.
"""

from collections import Counter
from functools import partial
from typing import Any

import flask

from publisher.app.editing_state import Permission
from publisher.app.issues import sending
from publisher.app.issues.audience_plan import plan_audience, plan_hash
from publisher.app.issues.deliveries import decide_doubts, report_issues, used_states
from publisher.app.issues.lookup import IssueGroup, find_issue_group
from publisher.web.api.operations import About
from publisher.web.console.context import ConsoleRequest
from publisher.web.console.routes import RouteTable

watch = sending.SendingWatch()  # for everybody who looks at this process's pages

ROUTES = RouteTable()


def progress_values(looks: tuple[sending.SendingStatus, ...], issue: str) -> dict[str, Any]:
    return {
        "looks": looks,
        "look": next(one for one in looks if one.issue.name == issue),
        "is_changing": any(one.is_changing for one in looks),
    }


@ROUTES.add("GET /issues/<issue>/sending/progress/", Permission.VIEW)
def sending_progress(request: ConsoleRequest, issue: str) -> flask.Response:
    looks = watch.look_at_group(request.state, issue)
    return request.page("sending_progress.html", **progress_values(looks, issue))


# Mail providers that are shown by name.
_PROVIDERS = 20
_PLANNED_STATES = ("scheduled", "assembling", "awaiting_approval", "ready")


@ROUTES.add("GET /issues/<issue>/plan/", Permission.VIEW)
def _plan(request: ConsoleRequest, issue: str) -> flask.Response:
    group, found = find_issue_group(request.state, issue)
    # A correction goes to whoever got the error, and what is being sent has a report.
    if found.corrects_id or not any(one.issue.state in _PLANNED_STATES for one in group.issues):
        return request.see_other(f"/issues/{issue}/report/")
    plan = plan_audience(request.state, found.newsletter, found.day, suffix=found.suffix)
    providers = sum((one.providers for one in plan.editions), Counter[str]())
    return request.page(
        "plan.html",
        **_given(request, group, found),
        plan=plan,
        hash=plan_hash(plan, request.state.secret),
        providers=providers.most_common(_PROVIDERS),
        others=len(providers) - _PROVIDERS,
        in_others=sum(count for _name, count in providers.most_common()[_PROVIDERS:]),
    )


@ROUTES.add("GET /issues/<issue>/sending/", Permission.VIEW)
def _sending(
    request: ConsoleRequest, issue: str, status: int = 200, **values: Any
) -> flask.Response:
    group, found = find_issue_group(request.state, issue)
    looks = watch.look_at_group(request.state, issue)
    given = _given(request, group, found) | {"reason": "", "is_unproved": False}
    return request.page(
        "sending.html", status, **given | values, **progress_values(looks, issue)
    )


@ROUTES.add("GET /issues/<issue>/report/", Permission.VIEW)
def _report(request: ConsoleRequest, issue: str) -> flask.Response:
    group, found = find_issue_group(request.state, issue)
    report = report_issues(request.state, [one.issue.name for one in group.issues])
    largest = [*report.providers.items()]
    others = [counts for _name, counts in largest[_PROVIDERS:]]
    return request.page(
        "report.html",
        **_given(request, group, found),
        report=report,
        states=used_states([one.counts for one in report.issues]),
        providers=largest[:_PROVIDERS],
        others=len(others),
        in_others=sum(others, Counter[str]()),
    )


def _given(request: ConsoleRequest, group: IssueGroup, issue: Any) -> dict[str, Any]:
    edition = request.settings.edition(issue.newsletter, issue.language)
    return {"group": group, "issue": issue, "edition": edition}


@ROUTES.add("POST /issues/<issue>/pause/", Permission.PAUSE_SENDING)
def _pause(request: ConsoleRequest, issue: str) -> flask.Response:
    request.call(sending.pause_sending, issue, request.field("reason") or None)
    return _done(request, issue, "paused")


@ROUTES.add("POST /issues/<issue>/resume/", Permission.CONTROL_SENDING)
def _resume(request: ConsoleRequest, issue: str) -> flask.Response:
    request.call(sending.resume_sending, issue)
    return _done(request, issue, "resumed")


def _pause_before_proof(request: ConsoleRequest, issue: str) -> flask.Response:
    """Pause an issue that is to be cancelled while a factor is asked for, and show the form with its reason."""
    _group, found = find_issue_group(request.state, issue)
    reason = request.field("reason")
    can_pause = request.permits(Permission.PAUSE_SENDING, found.language)
    if found.state == "sending" and can_pause:
        request.call(sending.pause_sending, issue, reason or None)
        watch.forget(request.state, issue)
    return _sending(request, issue, 403, reason=reason, is_unproved=True)


@ROUTES.add(
    "POST /issues/<issue>/cancel/",
    Permission.CONTROL_SENDING,
    needs_fresh=True,
    unproved=_pause_before_proof,
)
def _cancel(request: ConsoleRequest, issue: str) -> flask.Response:
    request.call(sending.cancel_sending, issue, request.field("reason") or None)
    return _done(request, issue, "cancelled")


def _done(request: ConsoleRequest, issue: str, done: str) -> flask.Response:
    watch.forget(request.state, issue)
    return request.see_other(f"/issues/{issue}/sending/", done=done)


def _decide(request: ConsoleRequest, issue: str, *, resend: bool) -> flask.Response:
    request.call(decide_doubts, issue, resend=resend)
    watch.forget(request.state, issue)
    return request.see_other(f"/issues/{issue}/report/", done="doubts-decided")


for _word, _resend in (("resend", True), ("mark-sent", False)):
    ROUTES.add(
        f"POST /issues/<issue>/doubts/{_word}/", Permission.DECIDE_DOUBTS, about=About.NOTHING
    )(partial(_decide, resend=_resend))
