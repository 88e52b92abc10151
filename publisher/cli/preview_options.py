"""What `preview` and `send` share: which issue, and as whom it is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.terminal_text import echo

if TYPE_CHECKING:
    from publisher.app.dry_run import Renderer
    from publisher.app.editing_state import Actor, EditingState
    from publisher.app.issue_preview import MailPreview
    from publisher.config import Edition

DayOption = Annotated[
    str | None,
    typer.Option(
        "--day", metavar="DATE", help="An issue that is there.", show_default="the next one"
    ),
]
SubscriberOption = Annotated[
    str | None,
    typer.Option(
        "--subscriber",
        metavar="ADDRESS",
        help="As this subscriber gets it; its links do nothing.",
    ),
]


def preview_for(  # the options of the commands
    state: EditingState,
    renderer: Renderer,
    actor: Actor,
    edition: Edition,
    day: str | None,
    subscriber: str | None,
) -> MailPreview:
    """Return an edition's issue of a day, or its next one, as a subscriber gets it, or most do."""
    from publisher.app import issue_preview as app

    what = app.find_issue_name(edition, day) if day else edition
    viewer = (
        app.find_viewer(state, actor, subscriber)
        if subscriber
        else app.viewer_with_profile(edition.language)
    )
    return app.preview_mail(state, renderer, actor, what, viewer)


def explain_old(why_not_new: str | None) -> None:
    """Say that the mail is a sample, if there is nothing new for an issue."""
    if why_not_new:
        echo(
            f"It shows the newest articles: an issue would be skipped now, since there are {why_not_new}. "
            "publisher articles announce has articles of an archive mailed."
        )
