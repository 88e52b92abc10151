"""`publisher backup`, `restore`, `recover` and `database`: copies of a database, and what an old one has missed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli import common
from publisher.cli.exit_codes import echo

if TYPE_CHECKING:
    from rich.console import Console

    from publisher.app.operation.databases import Recovery
    from publisher.delivery.lineage.recovery import RecoveredIssue


_NAME_ALL = "Each machine that sends has to be named by --journal."
_NO_WITNESS = "This var/ has no witness, so its last mails may be lost: recover where there is one, and name this one there."
_COLUMNS = ("state", "sent", "not_sent", "in_doubt", "reason")


def show_recovery(
    found: Recovery, *, released: bool, is_shared: bool, names_none: bool
) -> None:
    """Print why nothing was sent, how much is known, and the issues about which a person may decide."""
    console = common.stdout_console()
    console.print(found.reason)
    if found.is_complete:
        console.print("Witness and journal have everything that was sent since.")
    elif is_shared and names_none:
        console.print(
            "Other machines may have sent, so what was due may have been sent. Name the var/ of each "
            "machine that sends by --journal; if there is one machine, its own"
        )
    else:
        console.print(
            f"Witness or journal are missing, or have gaps ({_lost(found)}): what was due may have been sent"
        )
        if is_shared:
            console.print(_NAME_ALL if found.has_own_witness else _NO_WITNESS)
    _show_departures(found, console)
    _show_issues(found, console)
    console.print(
        "Mail goes out again with the next run."
        if released
        else "Nothing is changed yet: add --release, and --sent, --send, --hold or --skip ISSUE to choose."
    )


def _show_departures(found: Recovery, console: Console) -> None:
    if found.left:
        who = common.count_noun(found.left, "subscriber")
        console.print(f"{who} left since, or their mail was returned: they get no mail again.")
    if not found.is_complete:
        since = f"{found.copied_at:%Y-%m-%d %H:%M} UTC" if found.copied_at else "then"
        console.print(
            f"Who left since {since} may not be known, and gets the next issue: take them off by hand."
        )


def _show_issues(found: Recovery, console: Console) -> None:
    shown = [one for one in found.issues if not one.is_merely_late]
    table = common.make_table("Issue", "State", "Surely sent", "Surely not", "In doubt", "Why")
    for one in shown:
        waiting = "not counted yet" if one.not_sent is None else str(one.not_sent)
        numbers = (str(one.sent), waiting, str(one.in_doubt))
        table.add_row(one.name, _state(one), *numbers, one.reason or "")
    console.print(table if shown else "No issue is concerned.")
    if late := len(found.issues) - len(shown):
        console.print(
            f"Skipped as too late: {common.count_noun(late, 'more issue')}; --json lists them."
        )
    if any(one.may_have_been_sent for one in found.issues):
        console.print(
            "The stories of issues that may have been sent go into the next one, for everybody. If you know that one was "
            "sent, say --sent ISSUE: its stories go to nobody again."
        )


def _lost(found: Recovery) -> str:
    # Where an earlier recovery jumped over numbers, any number of them may be lost.
    if not found.missing_pages:
        return "nobody knows how many transactions are lost"
    return f"at least {common.count_noun(found.missing_pages, 'transaction')} lost"


def _state(one: RecoveredIssue) -> str:
    return one.state.replace("_", " ") if one.state else "not in this database"


def recovery_as_json(found: Recovery, *, released: bool) -> dict[str, object]:
    """Return all that is known, for programs."""
    return {
        "reason": found.reason,
        "copied_at": common.rfc3339_or_none(found.copied_at),
        "complete": found.is_complete,
        "missing_pages": found.missing_pages,
        "left": found.left,
        "released": released,
        "issues": [
            {"issue": one.name} | {name: getattr(one, name) for name in _COLUMNS}
            for one in found.issues
        ],
    }


def backup_command(
    target: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where backups are kept.")],
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    now: common.NowOption = None,
) -> None:
    """Copy database and secret into a new folder below FOLDER, while everything runs.

    The copy is marked: nothing is sent from it until `publisher recover --release`.
    """
    from publisher.app.operation.backup import back_up_publication

    backup = back_up_publication(common.read_settings(directory), target, common.parse_now(now))
    echo(f"{backup.folder}")


def restore_command(
    backup: Annotated[Path, typer.Argument(metavar="BACKUP", help="A folder of a backup.")],
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    now: common.NowOption = None,
) -> None:
    """Put a backup in the place of the database file, which is kept under another name.

    On a server the backup goes into an empty database. Stop all processes of the publication first.
    Nothing is planned or sent until `publisher recover --release`.
    """
    from publisher.app.operation.backup import restore_publication

    restored = restore_publication(
        common.read_settings(directory), backup, common.parse_now(now)
    )
    echo(
        f"restored as it was at {restored.made_at:%Y-%m-%d %H:%M:%S} UTC. Nothing is sent: see what "
        "was sent since with `publisher recover`, and decide with its option --release"
    )


SendOption = Annotated[
    list[str] | None,
    typer.Option(
        "--send", metavar="ISSUE", help="Send again what is in doubt; may be repeated."
    ),
]
HoldOption = Annotated[
    list[str] | None,
    typer.Option(
        "--hold",
        metavar="ISSUE",
        help="Send nothing of it until `resume`, or `issues schedule` if it was not being sent; may be repeated.",
    ),
]
SkipOption = Annotated[
    list[str] | None,
    typer.Option(
        "--skip",
        metavar="ISSUE",
        help="Never send what is left of it, if nobody has it; may be repeated.",
    ),
]
SentOption = Annotated[
    list[str] | None,
    typer.Option(
        "--sent",
        metavar="ISSUE",
        help="It was sent to all: nobody gets it, or its stories, again; may be repeated.",
    ),
]
JournalOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--journal",
        metavar="FOLDER",
        help="The var/ of another machine that sends; name all of them, on a server.",
    ),
]


def recover_command(  # noqa: PLR0913  # options
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    send: SendOption = None,
    hold: HoldOption = None,
    skip: SkipOption = None,
    sent: SentOption = None,
    journal: JournalOption = None,
    release: Annotated[
        bool,
        typer.Option("--release", help="Apply these decisions, and let mail go out again."),
    ] = False,
    acting: common.ActorOption = None,
    now: common.NowOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """Show per issue what happened after an old database was copied: sent, not sent, in doubt.

    Nothing changes without --release. What is in doubt is not sent again unless its issue is named.
    """
    from publisher.app.operation.databases import preview_recovery, recover_database
    from publisher.delivery.lineage.recovery import Choices

    choices = Choices(*(frozenset(names or ()) for names in (send, hold, skip, sent)))
    run = recover_database if release else preview_recovery
    with common.editing(directory, acting, common.parse_now(now)) as (state, actor):
        found = run(state, actor, choices, journal or ())
        is_shared = isinstance(state.settings.database, str)
    if as_json:
        common.print_json(recovery_as_json(found, released=release))
    else:
        show_recovery(found, released=release, is_shared=is_shared, names_none=not journal)


app = typer.Typer(
    help="Look after the database.",
    epilog="Example: publisher database copy var/publisher.db ADDRESS",
    no_args_is_help=True,
)


@app.command("copy", epilog="Example: publisher database copy var/publisher.db ADDRESS")
def copy_command(
    source: Annotated[str, typer.Argument(metavar="FROM", help="A file, or an address.")],
    target: Annotated[
        str, typer.Argument(metavar="TO", help="A new file, or an empty database's address.")
    ],
    *,
    as_json: common.JsonOption = False,
) -> None:
    """Copy a publication's database into another one, and compare every row.

    Stop all processes of the publication first. Nothing is kept if anything differs. Afterwards mail
    is sent from TO only; FROM sends nothing until `publisher recover --release`.
    """
    from publisher.app.operation.databases import copy_publication

    secret = os.environ.get("PUBLISHER_SECRET")
    copied = copy_publication(source, target, common.parse_now(None), secret)
    if as_json:
        common.print_json(
            [
                {"table": name, "rows": content.rows, "checksum": content.checksum}
                for name, content in copied
            ]
        )
        return
    table = common.make_table("table", "rows", "checksum")
    for name, content in copied:
        table.add_row(name, str(content.rows), content.checksum)
    common.stdout_console().print(table)
    total = sum(content.rows for _name, content in copied)
    echo(f"{total} rows in {len(copied)} tables were copied; both sides are equal")


@app.command("adopt-secret", epilog="Example: publisher database adopt-secret my-publication")
def adopt_secret_command(directory: common.FolderArgument = common.CURRENT_FOLDER) -> None:
    """Take this machine's secret as the publication's, after it was changed on purpose.

    Machines with the former secret do not start any more. Links in mails that were sent lead nowhere.
    """
    settings = common.read_settings(directory)

    from publisher.app.issues.deliveries import list_in_doubt
    from publisher.app.opening import open_state
    from publisher.app.start_checks import adopt_secret

    if not adopt_secret(settings, common.parse_now(None).now()):
        echo("this is the publication's secret")
        return
    echo(
        "the secret was changed: give it to all machines, and start them again. Take who was erased "
        "off your lists: an import would add them again"
    )
    with open_state(settings) as database:
        if found := len(list_in_doubt(settings, database)):
            echo(
                f"{common.count_noun(found, 'mail')} in doubt: the server's log has the Message-IDs of the former secret, which nobody can "
                "compute any more. Look for the addresses there, and decide by them: publisher doubt list"
            )


def register(app: typer.Typer) -> None:
    """Add what this module has."""
    app.command("backup", epilog="Example: publisher backup /backup my-publication")(
        backup_command
    )
    app.command(
        "restore", epilog="Example: publisher restore /backup/publisher-20260109T120000Z"
    )(restore_command)
    app.command(
        "recover", epilog="Example: publisher recover --release --send weekly-en-2026-01-09"
    )(recover_command)
