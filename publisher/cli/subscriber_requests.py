"""`publisher subscribers unsubscribe`, `resubscribe`, `erase`, and `form` for those who come."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from publisher.app.state import open_state
from publisher.cli.common import CURRENT_FOLDER, FolderArgument, parse_now, read_settings
from publisher.cli.subscriber_revival import (
    AddressArgument,
    NoteOption,
    subscribers_revive_command,
)
from publisher.cli.terminal_text import echo
from publisher.errors import UsageError

OneNewsletterOption = Annotated[
    str | None,
    typer.Option(
        "--newsletter", metavar="NAME", help="Only this newsletter.", show_default="all of them"
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands to their group."""
    for name, command, options in (
        ("unsubscribe", subscribers_unsubscribe_command, "--note 'by telephone'"),
        ("resubscribe", subscribers_resubscribe_command, "--newsletter weekly"),
        ("revive", subscribers_revive_command, "--note 'the mailbox is back'"),
        ("erase", subscribers_erase_command, "my-publication"),
    ):
        example = f"Example: publisher subscribers {name} ann@example.org {options}"
        app.command(name, epilog=example)(command)
    example = "Example: publisher subscribers form --newsletter weekly"
    app.command("form", epilog=example)(subscribers_form_command)


def subscribers_unsubscribe_command(
    address: AddressArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    newsletter: OneNewsletterOption = None,
    note: NoteOption = "",
) -> None:
    """Unsubscribe somebody who asks for it, from one newsletter or from all.

    Mail that waits is not sent any more. Doing it twice is no error. No import undoes it.
    """
    settings = read_settings(directory)

    from publisher.app.subscribers import unsubscribe_address
    from publisher.cli.subscriber_output import unsubscribed_sentence

    with open_state(settings) as database:
        change = unsubscribe_address(
            settings, database, address, newsletter, parse_now(None).now(), note=note
        )
    echo(unsubscribed_sentence(change, newsletter))


def subscribers_resubscribe_command(
    address: AddressArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    newsletter: OneNewsletterOption = None,
    note: NoteOption = "",
) -> None:
    """Undo an unsubscription, or a bounce, because the subscriber asks for it.

    Without --newsletter, the newsletters that ended together are subscribed again. It is refused
    after a complaint, which is final, and before the subscriber has confirmed.
    """
    settings = read_settings(directory)

    from publisher.app.subscribers import resubscribe_address
    from publisher.cli.subscriber_output import resubscribed_sentence

    with open_state(settings) as database:
        change = resubscribe_address(
            settings, database, address, newsletter, parse_now(None).now(), note=note
        )
    echo(resubscribed_sentence(change))


def subscribers_erase_command(
    address: AddressArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Erase without a question.")] = False,
) -> int:
    """Delete all that is stored of a subscriber. It can't be undone.

    A keyed hash of the address stays, so that no import adds it again. The rows of the ledger stay,
    without the address. Not deleted: mails that were sent, files in the outbox, copies and backups
    of the database, and your own lists.
    """
    settings = read_settings(directory)

    from publisher.app.subscribers import erase_address, find_record

    with open_state(settings) as database:
        person = find_record(settings, database, address).subscriber
        if not yes and not _confirms(f"Erase {person.address}? It can't be undone."):
            echo("nothing was erased")
            return 1
        erase_address(settings, database, address, parse_now(None).now())
    echo(
        f"{person.address} is erased. Mails that were sent, the outbox and backups still have it"
    )
    return 0


def subscribers_form_command(
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    newsletter: OneNewsletterOption = None,
    language: Annotated[
        str | None,
        typer.Option(
            "--lang", metavar="TAG", help="Of the form.", show_default="the main language"
        ),
    ] = None,
) -> None:
    """Print a form to subscribe, as HTML to put into a page elsewhere.

    It leads to the page of `publisher web`, where one more click asks for the confirmation mail.
    """
    settings = read_settings(directory)

    from publisher.app.embedded_form import subscription_form

    echo(subscription_form(settings, newsletter, language), nl=False)


def _confirms(question: str) -> bool:
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(
            "erase: there is no terminal for the question; add --yes to erase without it"
        )
    try:
        return typer.confirm(question)
    except typer.Abort:  # the end of the input
        return False
