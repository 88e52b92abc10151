"""`publisher subscribers add`: add one subscriber, with the proof of consent."""

from __future__ import annotations

import csv
from io import BytesIO, StringIO
from typing import Annotated

import typer

from publisher.cli.common import CURRENT_FOLDER, ActorOption, FolderArgument
from publisher.cli.subscriber_import import import_lines, print_import
from publisher.cli.subscriber_revival import AddressArgument


def register(app: typer.Typer) -> None:
    """Add the command."""
    example = (
        "Example: publisher subscribers add ann@example.org --consented 2026-01-09T12:00:00Z"
    )
    app.command("add", epilog=example)(subscribers_add_command)


def subscribers_add_command(  # noqa: PLR0913  # the columns of a list
    address: AddressArgument,
    directory: FolderArgument = CURRENT_FOLDER,
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
    on_behalf: ActorOption = None,
) -> int:
    """Add one subscriber who agreed, as `import` adds those of a list; exit code 1 if it is refused."""
    columns = {"email": address, "consented": consented, "network": network, "name": name}
    columns |= {"language": lang, "newsletters": " ".join(newsletter or ())}
    given = {column: value for column, value in columns.items() if value}
    text = StringIO(newline="")
    csv.writer(text).writerows((given.keys(), given.values()))
    report = import_lines(directory, on_behalf, BytesIO(text.getvalue().encode()))
    return print_import(address, report)
