"""`publisher issues send-now`, `undo`, `hold`, `schedule`: when an issue is sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.common import (
    CURRENT_FOLDER,
    ActorOption,
    FolderArgument,
    JsonOption,
    NowOption,
)
from publisher.cli.issue_arguments import IssueDayArgument, LanguagesOption, NewsletterArgument
from publisher.cli.issue_verbs import find_names, run_verb
from publisher.errors import UsageError

if TYPE_CHECKING:
    from publisher.app.editing_state import Actor, EditingState
    from publisher.app.issues import Issue

_EXAMPLE = "Example: publisher issues"
_DAY = "weekly 2026-01-09 --lang ar"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for name, verb in (("send-now", _send_now), ("undo", _undo), ("hold", _hold)):
        epilog = f"{_EXAMPLE} {name} {_DAY}"
        app.command(name, help=verb.__doc__, epilog=epilog)(_command(verb))
    app.command("schedule", epilog=f"{_EXAMPLE} schedule {_DAY} --at 2026-01-10T09:00:00Z")(
        schedule_command
    )


def _send_now(state: EditingState, actor: Actor, name: str) -> Issue:
    """Send an issue that is ready, after the time to undo it."""
    from publisher.app.issue_sending import send_now

    return send_now(state, actor, name)


def _undo(state: EditingState, actor: Actor, name: str) -> Issue:
    """Take "send now" back, or the last approval, before the first mail."""
    from publisher.app.issue_sending import undo_sending

    return undo_sending(state, actor, name)


def _hold(state: EditingState, actor: Actor, name: str) -> Issue:
    """Keep an issue from being sent until it is scheduled or sent now."""
    from publisher.app.issue_sending import hold_issue

    return hold_issue(state, actor, name)


def _command(verb: Callable[[EditingState, Actor, str], Issue]) -> Callable[..., None]:
    def command(  # noqa: PLR0913  # options
        newsletter: NewsletterArgument,
        day: IssueDayArgument,
        directory: FolderArgument = CURRENT_FOLDER,
        *,
        lang: LanguagesOption = None,
        acting: ActorOption = None,
        now: NowOption = None,
        as_json: JsonOption = False,
    ) -> None:
        names = find_names(newsletter, day, lang)
        run_verb(directory, acting, now, names, verb, as_json=as_json)

    return command


def schedule_command(  # noqa: PLR0913  # options
    newsletter: NewsletterArgument,
    day: IssueDayArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    at: Annotated[
        str, typer.Option("--at", metavar="INSTANT", help="Like 2026-01-10T09:00:00Z.")
    ],
    lang: LanguagesOption = None,
    acting: ActorOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have an issue sent at an instant, once it is approved."""
    from publisher.app.issue_sending import schedule_issue

    instant = _instant(at)

    def schedule(state: EditingState, actor: Actor, name: str) -> Issue:
        return schedule_issue(state, actor, name, instant)

    names = find_names(newsletter, day, lang)
    run_verb(directory, acting, now, names, schedule, as_json=as_json)


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise UsageError(f"--at: {text!r} is no instant; write one like 2026-01-10T09:00:00Z")
