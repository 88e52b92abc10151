"""Correct an issue that was sent: whom a correction reaches, and the form for its words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from publisher.app.corrections import CorrectionRequest, correct_issue, plan_correction
from publisher.app.editing_state import Permission
from publisher.app.issue_groups import find_issue_group
from publisher.errors import IssueError, UsageError
from publisher.web.console.routes import LanguageFrom, Route

if TYPE_CHECKING:
    import flask

    from publisher.web.console.context import ConsoleRequest

_MOST_TEXT = 6000


def _show(request: ConsoleRequest, issue: str) -> flask.Response:
    return _page(request, issue)


def _page(
    request: ConsoleRequest, issue: str, problem: str = "", status: int = 200
) -> flask.Response:
    _group, found = find_issue_group(request.state, issue)
    (plan,) = plan_correction(request.state, found.newsletter, found.day, [found.language])
    return request.page(
        "correct.html",
        status,
        plan=plan,
        issue=plan.issue,
        problem=problem,
        subject=request.field("subject"),
        text=request.field("text", _MOST_TEXT),
    )


def _unproved(request: ConsoleRequest, issue: str) -> flask.Response:
    """Show the form again with its words: the page asks for a factor, in a window of its own."""
    return _page(request, issue, status=403)


def _correct(request: ConsoleRequest, issue: str) -> flask.Response:
    _group, found = find_issue_group(request.state, issue)
    wanted = CorrectionRequest(
        newsletter=found.newsletter,
        day=found.day,
        languages=(found.language,),
        subject=request.field("subject"),
        text=request.field("text", _MOST_TEXT),
        web_only=request.field("how") != "mail",
    )
    try:
        correct_issue(request.state, request.actor, wanted)
    except (UsageError, IssueError) as error:
        return _page(request, issue, str(error), 422)
    return request.see_other(f"/issues/{issue}/correct/", "corrected")


_PATH = "/issues/<issue>/correct/"
ROUTES = (
    Route(path=_PATH, view=_show, access=Permission.CORRECT, language=LanguageFrom.ISSUE),
    Route(
        path=_PATH,
        view=_correct,
        access=Permission.CORRECT,
        language=LanguageFrom.ISSUE,
        methods=("POST",),
        needs_fresh=True,
        unproved=_unproved,
    ),
)
