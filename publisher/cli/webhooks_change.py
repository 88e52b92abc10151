"""`publisher webhooks rotate`, `enable`, `disable` and `remove`: change a webhook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.common import (
    CURRENT_FOLDER,
    ActorOption,
    FolderArgument,
    count_noun,
    editing,
)
from publisher.cli.terminal_text import echo

if TYPE_CHECKING:
    pass

NumberArgument = Annotated[
    int, typer.Argument(metavar="WEBHOOK", help="Its number; `webhooks list` shows it.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for name, command in (
        ("rotate", webhooks_rotate_command),
        ("enable", webhooks_enable_command),
        ("disable", webhooks_disable_command),
        ("remove", webhooks_remove_command),
    ):
        app.command(name, epilog=f"Example: publisher webhooks {name} 1")(command)


def webhooks_rotate_command(
    number: NumberArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    acting: ActorOption = None,
) -> None:
    """Replace a webhook's secret. For 24 hours the old one signs, too."""
    from publisher.app.webhooks import rotate_webhook

    with editing(directory, acting) as (state, actor):
        secret = rotate_webhook(state, actor, number)
    echo(f"webhook {number} has a new secret, which is not shown again:\n{secret}")


def webhooks_enable_command(
    number: NumberArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    acting: ActorOption = None,
) -> None:
    """Send to a disabled webhook again, first what failed."""
    from publisher.app.webhooks import enable_webhook

    with editing(directory, acting) as (state, actor):
        count = enable_webhook(state, actor, number)
    echo(f"webhook {number} is enabled; {count_noun(count, 'event')} will be sent again")


def webhooks_disable_command(
    number: NumberArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    acting: ActorOption = None,
) -> None:
    """Send nothing more to a webhook until it is enabled; waiting events are marked as failed."""
    from publisher.app.webhooks import disable_webhook

    with editing(directory, acting) as (state, actor):
        disable_webhook(state, actor, number)
    echo(f"webhook {number} is disabled")


def webhooks_remove_command(
    number: NumberArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    acting: ActorOption = None,
) -> None:
    """Remove a webhook with what waits for it."""
    from publisher.app.webhooks import remove_webhook

    with editing(directory, acting) as (state, actor):
        remove_webhook(state, actor, number)
    echo(f"webhook {number} is removed")
