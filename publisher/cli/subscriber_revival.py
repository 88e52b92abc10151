"""`publisher subscribers revive`: write again to an address that bounced."""

from __future__ import annotations

from typing import Annotated

import typer

from publisher.app.state import open_state
from publisher.cli.common import CURRENT_FOLDER, FolderArgument, parse_now, read_settings
from publisher.cli.terminal_text import echo

AddressArgument = Annotated[
    str, typer.Argument(metavar="ADDRESS", help="The subscriber's address, in any spelling.")
]
NoteOption = Annotated[
    str,
    typer.Option("--note", metavar="TEXT", help="How the subscriber asked; `find` shows it."),
]


def subscribers_revive_command(
    address: AddressArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    note: NoteOption = "",
) -> None:
    """Write again to an address that bounced, because it works now.

    Reports of before do not count any more. Doing it twice is no error. It is refused for somebody
    who has unsubscribed, and after a complaint, which is final.
    """
    settings = read_settings(directory)

    from publisher.app.returned_mail import revive_address
    from publisher.cli.returned_mail_output import revived_sentence

    with open_state(settings) as database:
        change = revive_address(settings, database, address, parse_now(None).now(), note=note)
    echo(revived_sentence(change))
