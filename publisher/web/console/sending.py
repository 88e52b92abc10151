"""Who gets an issue, how far it is while it is sent, and what became of every mail.

Each page is about an issue in all its languages. What mail servers say is text of strangers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import flask

from publisher.app.audience_plan import plan_audience, plan_hash
from publisher.app.deliveries import decide_doubts
from publisher.app.editing_state import Permission
from publisher.app.feed_followers import list_feed_followers
from publisher.app.issue_control import (
    cancel_sending,
    pause_sending,
    resume_sending,
)
from publisher.app.issue_groups import find_issue_group
from publisher.app.issue_report import report_issues
from publisher.web.console.progress import progress_values, sending_progress, watch
from publisher.web.console.routes import LanguageFrom, Route

if TYPE_CHECKING:
    from publisher.app.issue_groups import IssueGroup
    from publisher.app.issue_reading import IssueState
    from publisher.web.console.context import ConsoleRequest

# Mail providers that are shown by name.
_PROVIDERS = 20
_PLANNED_STATES = ("scheduled", "assembling", "awaiting_approval", "ready")


def _plan(request: ConsoleRequest, issue: str) -> flask.Response:
    group, found = find_issue_group(request.state, issue)
    # A correction goes to whoever got the error, and what is being sent has a report.
    if found.serial or not any(_is_planned(one.issue.state) for one in group.issues):
        return request.see_other(f"/issues/{issue}/report/")
    plan = plan_audience(request.state, found.newsletter, found.day)
    providers = sum((one.providers for one in plan.editions), Counter[str]())
    return request.page(
        "plan.html",
        **_given(request, group, found),
        plan=plan,
        hash=plan_hash(plan, request.state.secret),
        providers=providers.most_common(_PROVIDERS),
        others=len(providers) - _PROVIDERS,
        in_others=_rest(providers),
    )


def _is_planned(state: IssueState) -> bool:
    return state in _PLANNED_STATES


def _rest(counts: Counter[str]) -> int:
    return counts.total() - sum(count for _name, count in counts.most_common(_PROVIDERS))


def _sending(
    request: ConsoleRequest, issue: str, status: int = 200, **values: Any
) -> flask.Response:
    group, found = find_issue_group(request.state, issue)
    looks = watch.look_at_group(request.state, issue)
    given = _given(request, group, found) | {"reason": "", "is_unproved": False}
    return request.page(
        "sending.html", status, **given | values, **progress_values(looks, issue)
    )


def _report(request: ConsoleRequest, issue: str) -> flask.Response:
    group, found = find_issue_group(request.state, issue)
    report = report_issues(request.state, [one.issue.name for one in group.issues])
    found_at = report.providers
    largest = sorted(found_at, key=lambda name: (-found_at[name].total(), name))
    shown, others = largest[:_PROVIDERS], largest[_PROVIDERS:]
    return request.page(
        "report.html",
        **_given(request, group, found),
        report=report,
        states=_used([one.counts for one in report.issues]),
        providers=[(name, found_at[name]) for name in shown],
        feed_followers=list_feed_followers(request.state.database, _languages_of_feeds(group)),
        others=len(others),
        in_others=sum((found_at[name] for name in others), Counter[str]()),
    )


def _languages_of_feeds(group: IssueGroup) -> list[str]:
    """Return the languages of an issue's feeds; the empty one is the feed of all languages."""
    return ["", *(one.issue.language for one in group.issues)]


def _used(lines: Sequence[Mapping[str, int]]) -> list[str]:
    """Return the states in which there is any mail."""
    states = [*dict.fromkeys(state for line in lines for state in line)]
    return [state for state in states if any(line[state] for line in lines)]


def _given(request: ConsoleRequest, group: IssueGroup, issue: Any) -> dict[str, Any]:
    edition = request.settings.edition(issue.newsletter, issue.language)
    return {"group": group, "issue": issue, "edition": edition}


def _pause(request: ConsoleRequest, issue: str) -> flask.Response:
    pause_sending(request.state, request.actor, issue, request.field("reason") or None)
    return _done(request, issue, "paused")


def _resume(request: ConsoleRequest, issue: str) -> flask.Response:
    resume_sending(request.state, request.actor, issue)
    return _done(request, issue, "resumed")


def _pause_before_proof(request: ConsoleRequest, issue: str) -> flask.Response:
    """Pause an issue that is to be cancelled while a factor is asked for, and show the form with its reason."""
    _group, found = find_issue_group(request.state, issue)
    reason = request.field("reason")
    can_pause = request.permits(Permission.PAUSE_SENDING, found.language)
    if found.state == "sending" and can_pause:
        pause_sending(request.state, request.actor, issue, reason or None)
        watch.forget(request.state, issue)
    return _sending(request, issue, 403, reason=reason, is_unproved=True)


def _cancel(request: ConsoleRequest, issue: str) -> flask.Response:
    cancel_sending(request.state, request.actor, issue, request.field("reason") or None)
    return _done(request, issue, "cancelled")


def _done(request: ConsoleRequest, issue: str, done: str) -> flask.Response:
    watch.forget(request.state, issue)
    return request.see_other(f"/issues/{issue}/sending/", done=done)


def _resend_doubts(request: ConsoleRequest, issue: str) -> flask.Response:
    return _decide(request, issue, resend=True)


def _mark_doubts(request: ConsoleRequest, issue: str) -> flask.Response:
    return _decide(request, issue, resend=False)


def _decide(request: ConsoleRequest, issue: str, *, resend: bool) -> flask.Response:
    decide_doubts(request.state, request.actor, issue, resend=resend)
    watch.forget(request.state, issue)
    return request.see_other(f"/issues/{issue}/report/", done="doubts-decided")


_SHOWN = (
    ("plan", _plan),
    ("sending", _sending),
    ("sending/progress", sending_progress),
    ("report", _report),
)
_CHANGES = (
    ("pause", _pause, Permission.PAUSE_SENDING, LanguageFrom.ISSUE),
    ("resume", _resume, Permission.CONTROL_SENDING, LanguageFrom.ISSUE),
    ("cancel", _cancel, Permission.CONTROL_SENDING, LanguageFrom.ISSUE),
    ("doubts/resend", _resend_doubts, Permission.DECIDE_DOUBTS, LanguageFrom.NOWHERE),
    ("doubts/mark-sent", _mark_doubts, Permission.DECIDE_DOUBTS, LanguageFrom.NOWHERE),
)
ROUTES = (
    *(
        Route(
            path=f"/issues/<issue>/{name}/",
            view=view,
            access=Permission.VIEW,
            language=LanguageFrom.ISSUE,
        )
        for name, view in _SHOWN
    ),
    *(
        Route(
            path=f"/issues/<issue>/{name}/",
            view=view,
            access=access,
            methods=("POST",),
            language=language,
            # Pausing stops mails at once, and can be undone; cancelling can't.
            needs_fresh=name == "cancel",
            unproved=_pause_before_proof if name == "cancel" else None,
        )
        for name, view, access, language in _CHANGES
    ),
)
