"""`publisher check`: run the gate on the next issues and system mails, or on a mail in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from publisher.cli.common import (
    CURRENT_FOLDER,
    FolderArgument,
    JsonOption,
    NowOption,
    parse_now,
    print_json,
    read_settings,
    stdout_console,
)
from publisher.cli.gate_report import print_report, report_as_json
from publisher.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check", epilog="Example: publisher check --lang ar my-publication")(
        check_command
    )


def check_command(
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    newsletter: Annotated[
        str | None, typer.Option("--newsletter", metavar="NAME", help="Only this newsletter.")
    ] = None,
    lang: Annotated[
        str | None,
        typer.Option("--lang", metavar="TAG", help="Only this language; with --file, its own."),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", metavar="MAIL", help="Check a message (.eml) or a page (.html)."
        ),
    ] = None,
    as_json_: JsonOption = False,
    now: NowOption = None,
) -> None:
    """Check every edition's next mail, and mails about subscriptions; exit code 1 for an error."""
    if file is not None:
        if newsletter is not None or directory != CURRENT_FOLDER:
            raise UsageError(
                "--file: a mail in a file belongs to no publication; leave out the folder and --newsletter"
            )
        from publisher.app.eml_input import check_file

        results = [check_file(file, lang)]
    else:
        settings, clock = read_settings(directory), parse_now(now)
        from publisher.app.check import check_editions
        from publisher.app.editions import choose_editions

        editions = choose_editions(settings, newsletter, lang)
        results = list(check_editions(settings, editions, clock, notices=newsletter is None))
    if as_json_:
        print_json(report_as_json(results))
    else:
        print_report(stdout_console(), results)
    if any(result.failed for result in results):
        raise typer.Exit(1)
