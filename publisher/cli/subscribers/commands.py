"""`publisher subscribers`: import, export, list and find subscribers, and act for them."""

import csv
import sys
from io import BytesIO, StringIO
from pathlib import Path
from typing import Annotated

import typer

from publisher.app.opening import open_state
from publisher.cli import common
from publisher.cli.exit_codes import echo
from publisher.cli.subscribers import imports
from publisher.cli.subscribers.imports import import_lines, print_import
from publisher.errors import UsageError

AddressArgument = Annotated[
    str, typer.Argument(metavar="ADDRESS", help="The subscriber's address, in any spelling.")
]
NoteOption = Annotated[
    str,
    typer.Option("--note", metavar="TEXT", help="How the subscriber asked; `find` shows it."),
]


def subscribers_add_command(  # noqa: PLR0913  # the columns of a list
    address: AddressArgument,
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    consented: Annotated[
        str,
        typer.Option(
            "--consented",
            metavar="INSTANT",
            help="When the person agreed, like 2026-01-09T12:00:00Z: the proof of consent.",
        ),
    ],
    network: Annotated[
        str,
        typer.Option("--network", metavar="IP", help="From where; only its network is stored."),
    ] = "",
    name: Annotated[str, typer.Option("--name", metavar="TEXT", help="For `To:`.")] = "",
    lang: Annotated[
        str, typer.Option("--lang", metavar="TAG", help="The language of the mails.")
    ] = "",
    newsletter: Annotated[
        list[str] | None,
        typer.Option(
            "--newsletter", metavar="NAME", help="May be repeated.", show_default="all of them"
        ),
    ] = None,
    on_behalf: common.ActorOption = None,
) -> int:
    """Add one subscriber who agreed, as `import` adds those of a list; exit code 1 if it is refused."""
    columns = {"email": address, "consented": consented, "network": network, "name": name}
    columns |= {"language": lang, "newsletters": " ".join(newsletter or ())}
    given = {column: value for column, value in columns.items() if value}
    text = StringIO(newline="")
    csv.writer(text).writerows((given.keys(), given.values()))
    report = import_lines(directory, on_behalf, BytesIO(text.getvalue().encode()))
    return print_import(address, report)


def subscribers_data_command(
    address: AddressArgument, directory: common.FolderArgument = common.CURRENT_FOLDER
) -> None:
    """Print all that is stored of a subscriber as JSON, for somebody who asks for it."""
    settings = common.read_settings(directory)

    from publisher.app.subscribers.records import read_own_data

    with open_state(settings) as database:
        echo(read_own_data(settings, database, address), nl=False)


OneNewsletterOption = Annotated[
    str | None,
    typer.Option(
        "--newsletter", metavar="NAME", help="Only this newsletter.", show_default="all of them"
    ),
]


def subscribers_unsubscribe_command(
    address: AddressArgument,
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    newsletter: OneNewsletterOption = None,
    note: NoteOption = "",
) -> None:
    """Unsubscribe somebody who asks for it, from one newsletter or from all.

    Mail that waits is not sent any more. Doing it twice is no error. No import undoes it.
    """
    settings = common.read_settings(directory)

    from publisher.app.subscribers.records import unsubscribe_address
    from publisher.cli.subscribers.output import unsubscribed_sentence

    with open_state(settings) as database:
        change = unsubscribe_address(
            settings, database, address, newsletter, common.parse_now(None).now(), note=note
        )
    echo(unsubscribed_sentence(change, newsletter))


def subscribers_resubscribe_command(
    address: AddressArgument,
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    newsletter: OneNewsletterOption = None,
    note: NoteOption = "",
) -> None:
    """Undo an unsubscription, or a bounce, because the subscriber asks for it.

    Without --newsletter, the newsletters that ended together are subscribed again. It is refused
    after a complaint, which is final, and before the subscriber has confirmed.
    """
    settings = common.read_settings(directory)

    from publisher.app.subscribers.records import resubscribe_address
    from publisher.cli.subscribers.output import resubscribed_sentence

    with open_state(settings) as database:
        change = resubscribe_address(
            settings, database, address, newsletter, common.parse_now(None).now(), note=note
        )
    echo(resubscribed_sentence(change))


def subscribers_erase_command(
    address: AddressArgument,
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Erase without a question.")] = False,
) -> int:
    """Delete all that is stored of a subscriber. It can't be undone.

    A keyed hash of the address stays, so that no import adds it again. The rows of the ledger stay,
    without the address. Not deleted: mails that were sent, files in the outbox, copies and backups
    of the database, and your own lists.
    """
    settings = common.read_settings(directory)

    from publisher.app.subscribers.records import erase_address, find_record

    with open_state(settings) as database:
        person = find_record(settings, database, address).subscriber
        if not yes and not _confirms(f"Erase {person.address}? It can't be undone."):
            echo("nothing was erased")
            return 1
        erase_address(settings, database, address, common.parse_now(None).now())
    echo(
        f"{person.address} is erased. Mails that were sent, the outbox and backups still have it"
    )
    return 0


def subscribers_form_command(
    directory: common.FolderArgument = common.CURRENT_FOLDER,
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
    settings = common.read_settings(directory)

    from publisher.app.subscribers.joining import subscription_form

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


app = typer.Typer(
    no_args_is_help=True,
    help="Import, export, list and find subscribers; unsubscribe, resubscribe and erase them.",
    epilog="Example: publisher subscribers import subscribers.csv my-publication",
)


@app.command("export", epilog="Example: publisher subscribers export --out subscribers.csv")
def subscribers_export_command(
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Where to; else standard output."),
    ] = None,
    on_behalf: common.ActorOption = None,
) -> None:
    """Write all subscribers as CSV, in the form that import takes."""
    with common.editing(directory, on_behalf) as (state, actor):
        from publisher.app.subscribers.lists import export_list, export_list_to

        if out is None:
            export_list(state, actor, sys.stdout)
            return
        with common.writing_file(out):
            count = export_list_to(state, actor, out)
    echo(f"{count} subscribers: {out}")


@app.command("list", epilog="Example: publisher subscribers list --json my-publication")
def subscribers_list_command(
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    as_json: common.JsonOption = False,
) -> None:
    """List the subscribers."""
    settings = common.read_settings(directory)

    from publisher.app.subscribers.records import read_subscribers
    from publisher.cli.subscribers.output import subscriber_json, subscribers_table

    with open_state(settings) as database:
        found = read_subscribers(database)
    if as_json:
        common.print_json([subscriber_json(one) for one in found])
    else:
        common.stdout_console().print(subscribers_table(found))


@app.command("find", epilog="Example: publisher subscribers find ann@example.org")
def subscribers_find_command(
    address: AddressArgument,
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    as_json: common.JsonOption = False,
) -> None:
    """Show one subscriber: preferences, history, proof of consent, and what was returned.

    Exit code 1 if nobody has the address, or if the subscriber was erased: the message says which.
    """
    settings = common.read_settings(directory)

    from publisher.app.subscribers.actions import read_returned_mail
    from publisher.app.subscribers.records import find_record, read_own_data
    from publisher.cli.subscribers.output import record_tables, returned_mail_table

    with open_state(settings) as database:
        if as_json:
            echo(read_own_data(settings, database, address), nl=False)
            return
        record = find_record(settings, database, address)
        returned = read_returned_mail(database, record, common.parse_now(None).now())
    common.stdout_console().print(
        *record_tables(record), *returned_mail_table(returned), sep="\n"
    )


_EXAMPLE = "Example: publisher subscribers"
for _name, _command, _words in (
    ("add", subscribers_add_command, "--consented 2026-01-09T12:00:00Z"),
    ("unsubscribe", subscribers_unsubscribe_command, "--note 'by telephone'"),
    ("resubscribe", subscribers_resubscribe_command, "--newsletter weekly"),
    ("erase", subscribers_erase_command, "my-publication"),
    ("data", subscribers_data_command, "my-publication"),
):
    app.command(_name, epilog=f"{_EXAMPLE} {_name} ann@example.org {_words}")(_command)
app.command("form", epilog=f"{_EXAMPLE} form --newsletter weekly")(subscribers_form_command)
imports.register(app)
