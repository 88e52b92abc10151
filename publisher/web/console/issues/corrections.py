"""Correct an issue that was sent: write the erratum, see whom it reaches, store it after a factor was shown."""

import flask

from publisher.app.editing_state import Permission
from publisher.app.issues import corrections
from publisher.app.issues.lookup import find_issue_group
from publisher.errors import IssueError, UsageError
from publisher.web.console.context import ConsoleRequest
from publisher.web.console.routes import RouteTable

ROUTES = RouteTable()

_MOST_TEXT = 6000


@ROUTES.add("GET /issues/<issue>/correct/", Permission.CORRECT)
def _page(
    request: ConsoleRequest, issue: str, problem: str = "", status: int = 200
) -> flask.Response:
    _group, found = find_issue_group(request.state, issue)
    (plan,) = corrections.plan_correction(
        request.state, found.newsletter, found.day, [found.language]
    )
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


@ROUTES.add(
    "POST /issues/<issue>/correct/", Permission.CORRECT, needs_fresh=True, unproved=_unproved
)
def _correct(request: ConsoleRequest, issue: str) -> flask.Response:
    _group, found = find_issue_group(request.state, issue)
    wanted = corrections.CorrectionRequest(
        newsletter=found.newsletter,
        day=found.day,
        languages=(found.language,),
        subject=request.field("subject"),
        text=request.field("text", _MOST_TEXT),
        web_only=request.field("how") != "mail",
    )
    try:
        request.call(corrections.correct_issue, wanted)
    except (UsageError, IssueError) as error:
        return _page(request, issue, str(error), 422)
    return request.see_other(f"/issues/{issue}/correct/", "corrected")
