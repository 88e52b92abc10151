"""`publisher subscribers data` and `merge`: answer somebody who asks for data, and join two records."""

from __future__ import annotations

from typing import Annotated

import typer

from publisher.app.state import open_state
from publisher.cli.common import CURRENT_FOLDER, FolderArgument, parse_now, read_settings
from publisher.cli.subscriber_revival import AddressArgument
from publisher.cli.terminal_text import echo


def register(app: typer.Typer) -> None:
    """Add the commands to their group."""
    example = "Example: publisher subscribers"
    app.command("data", epilog=f"{example} data ann@example.org")(subscribers_data_command)
    merge = f"{example} merge ann@old.example ann@new.example"
    app.command("merge", epilog=merge)(subscribers_merge_command)


def subscribers_data_command(
    address: AddressArgument, directory: FolderArgument = CURRENT_FOLDER
) -> None:
    """Print all that is stored of a subscriber as JSON, for somebody who asks for it."""
    settings = read_settings(directory)

    from publisher.app.subscribers import read_own_data

    with open_state(settings) as database:
        echo(read_own_data(settings, database, address), nl=False)


def subscribers_merge_command(
    former: Annotated[
        str, typer.Argument(metavar="FROM", help="The address whose record ends.")
    ],
    kept: Annotated[str, typer.Argument(metavar="INTO", help="The address that stays.")],
    directory: FolderArgument = CURRENT_FOLDER,
) -> None:
    """Make one subscriber of two addresses of the same person. It can't be undone.

    Subscriptions are united. What either of them left or refused stays so. Preferences are those of
    INTO.
    """
    settings = read_settings(directory)

    from publisher.app.subscribers import merge_addresses

    with open_state(settings) as database:
        change = merge_addresses(settings, database, former, kept, parse_now(None).now())
    gets = ", ".join(change.after.newsletters) or "no newsletter"
    echo(f"{former} is merged into {change.after.address}, which gets {gets}")
