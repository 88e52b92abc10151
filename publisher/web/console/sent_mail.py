"""The mail of an issue as it was sent. Corrections that followed are named, and change nothing of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from publisher.app.corrections import list_corrections
from publisher.app.editing_state import Permission
from publisher.app.issue_groups import find_issue_group
from publisher.app.issue_preview import (
    MailPreview,
    Profile,
    Shown,
    preview_mails,
    viewer_with_profile,
)
from publisher.app.preview_documents import LOOKS, WIDTHS
from publisher.web.console.routes import LanguageFrom, Route

if TYPE_CHECKING:
    import flask

    from publisher.web.console.context import ConsoleRequest

# In these states mails of an issue may have left.
_SENT_STATES = ("sending", "paused", "sent", "partial", "failed", "cancelled")


def _show(request: ConsoleRequest, issue: str) -> flask.Response:
    """Show the frozen digest; lead to previews as long as nothing of it can have left."""
    group, found = find_issue_group(request.state, issue)
    if found.state not in _SENT_STATES:
        return request.see_other(f"/issues/{issue}/preview/")
    opened = request.context.opened
    seen = Shown(issue, viewer_with_profile(found.language, Profile()))
    (mail,) = preview_mails(request.state, opened.renderer, request.actor, [seen])
    is_shown = isinstance(mail, MailPreview) and mail.source.is_frozen
    return request.page(
        "sent.html",
        group=group,
        issue=found,
        edition=request.settings.edition(found.newsletter, found.language),
        mail=mail if is_shown else None,
        problem="" if isinstance(mail, MailPreview) else str(mail),
        key=opened.previews.keep(mail) if isinstance(mail, MailPreview) else "",
        corrections=list_corrections(request.state, issue),
        looks=LOOKS[:2],
        widths=WIDTHS,
    )


ROUTES = (
    Route(
        path="/issues/<issue>/sent/",
        view=_show,
        access=Permission.VIEW,
        language=LanguageFrom.ISSUE,
    ),
)
