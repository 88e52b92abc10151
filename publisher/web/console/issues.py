"""Issues: the latest of all newsletters, and one of them in all its languages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from publisher.app.editing_state import Permission
from publisher.app.issue_groups import find_issue_group, list_issue_groups
from publisher.web.console.routes import LanguageFrom, Route

if TYPE_CHECKING:
    import flask

    from publisher.web.console.context import ConsoleRequest

# Issues that are listed, each language counted.
_LISTED = 120


def _list(request: ConsoleRequest) -> flask.Response:
    return request.page(
        "issues.html",
        groups=list_issue_groups(request.state, _LISTED),
        newsletters=request.settings.newsletters,
        editions_of=request.settings.editions_of,
    )


def _show(request: ConsoleRequest, issue: str) -> flask.Response:
    group, found = find_issue_group(request.state, issue)
    return request.page(
        "issue.html",
        group=group,
        issue=found,
        edition=request.settings.edition(found.newsletter, found.language),
    )


ROUTES = (
    Route(path="/issues/", view=_list, access=Permission.VIEW, menu="issues"),
    Route(
        path="/issues/<issue>/",
        view=_show,
        access=Permission.VIEW,
        language=LanguageFrom.ISSUE,
    ),
)
