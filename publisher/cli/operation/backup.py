"""`publisher backup`, `restore`, `recover` and `database`: copies of a database, and what an old one has missed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from publisher.app.opening import open_state
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
    recovery: Recovery, *, released: bool, is_shared: bool, names_none: bool
) -> None:
    """Print why nothing was sent, how much is known, and the issues about which a person may decide."""
    console = common.stdout_console()
    console.print(recovery.reason)
    if recovery.is_complete:
        console.print("Witness and journal have everything that was sent since.")
    elif is_shared and names_none:
        console.print(
            "Other machines may have sent, so what was due may have been sent. Name the var/ of each "
            "machine that sends by --journal; if there is one machine, its own"
        )
    else:
        console.print(
            f"Witness or journal are missing, or have gaps ({_lost(recovery)}): what was due may have been sent"
        )
        if is_shared:
            console.print(_NAME_ALL if recovery.has_own_witness else _NO_WITNESS)
    _show_departures(recovery, console)
    _show_issues(recovery, console)
    console.print(
        "Mail goes out again with the next run."
        if released
        else "Nothing is changed yet: add --release, and --sent, --send, --hold or --skip ISSUE to choose."
    )


def _show_departures(recovery: Recovery, console: Console) -> None:
    if recovery.left:
        who = common.count_noun(recovery.left, "subscriber")
        console.print(f"{who} left since, or their mail was returned: they get no mail again.")
    if not recovery.is_complete:
        since = f"{recovery.copied_at:%Y-%m-%d %H:%M} UTC" if recovery.copied_at else "then"
        console.print(
            f"Who left since {since} may not be known, and gets the next issue: take them off by hand."
        )


def _show_issues(recovery: Recovery, console: Console) -> None:
    shown = [issue for issue in recovery.issues if not issue.is_merely_late]
    table = common.make_table(_HEADINGS, map(_row, shown))
    console.print(table if shown else "No issue is concerned.")
    if late := len(recovery.issues) - len(shown):
        console.print(
            f"Skipped as too late: {common.count_noun(late, 'more issue')}; --json lists them."
        )
    if any(issue.may_have_been_sent for issue in recovery.issues):
        console.print(
            "The stories of issues that may have been sent go into the next one, for everybody. If you know that one was "
            "sent, say --sent ISSUE: its stories go to nobody again."
        )


_HEADINGS = ("Issue", "State", "Surely sent", "Surely not", "In doubt", "Why")


def _row(issue: RecoveredIssue) -> tuple[str, ...]:
    return (
        issue.name,
        issue.state.replace("_", " ") if issue.state else "not in this database",
        str(issue.sent),
        "not counted yet" if issue.not_sent is None else str(issue.not_sent),
        str(issue.in_doubt),
        issue.reason or "",
    )


def _lost(recovery: Recovery) -> str:
    # Where an earlier recovery jumped over numbers, any number of them may be lost.
    if not recovery.missing_pages:
        return "nobody knows how many transactions are lost"
    return f"at least {common.count_noun(recovery.missing_pages, 'transaction')} lost"


def recovery_as_json(recovery: Recovery, *, released: bool) -> dict[str, object]:
    return {
        "reason": recovery.reason,
        "copied_at": common.rfc3339_or_none(recovery.copied_at),
        "complete": recovery.is_complete,
        "missing_pages": recovery.missing_pages,
        "left": recovery.left,
        "released": released,
        "issues": [
            {"issue": issue.name} | {name: getattr(issue, name) for name in _COLUMNS}
            for issue in recovery.issues
        ],
    }


@common.command("backup", "/backup my-publication", takes="DIR --now")
def backup_command(given: common.Given, folder: Path) -> None:
    """Copy database and secret into a new folder below FOLDER, while everything runs.

    The copy is marked: nothing is sent from it until `publisher recover --release`.

    FOLDER: Where backups are kept.
    """
    from publisher.app.operation.backup import back_up_publication

    echo(f"{back_up_publication(given.settings, folder, given.clock).folder}")


@common.command("restore", "/backup/publisher-20260109T120000Z", takes="DIR --now")
def restore_command(given: common.Given, backup: Path) -> None:
    """Put a backup in the place of the database file, which is kept under another name.

    On a server the backup goes into an empty database. Stop all processes of the publication first.
    Nothing is planned or sent until `publisher recover --release`.

    BACKUP: A folder of a backup.
    """
    from publisher.app.operation.backup import restore_publication

    restored = restore_publication(given.settings, backup, given.clock)
    echo(
        f"restored as it was at {restored.made_at:%Y-%m-%d %H:%M:%S} UTC. Nothing is sent: see what "
        "was sent since with `publisher recover`, and decide with its option --release"
    )


@common.command(
    "recover", "--release --send weekly-en-2026-01-09", takes="DIR --as --now --json"
)
def recover_command(  # noqa: PLR0913  # options
    given: common.Given,
    *,
    send: list[str] | None = None,
    hold: list[str] | None = None,
    skip: list[str] | None = None,
    sent: list[str] | None = None,
    journal: list[Path] | None = None,
    release: bool = False,
) -> None:
    """Show per issue what happened after an old database was copied: sent, not sent, in doubt.

    Nothing changes without --release. What is in doubt is not sent again unless its issue is named.

    --send ISSUE: Send again what is in doubt; may be repeated.
    --hold ISSUE: Send nothing of it until `resume`, or `publisher api scheduleIssue` if it was not
        being sent; may be repeated.
    --skip ISSUE: Never send what is left of it, if nobody has it; may be repeated.
    --sent ISSUE: It was sent to all: nobody gets it, or its stories, again; may be repeated.
    --journal FOLDER: The var/ of another machine that sends; name all of them, on a server.
    --release: Apply these decisions, and let mail go out again.
    """
    from publisher.app.operation.databases import preview_recovery, recover_database
    from publisher.delivery.lineage.recovery import Choices

    choices = Choices(*(frozenset(names or ()) for names in (send, hold, skip, sent)))
    run = recover_database if release else preview_recovery
    with given.editing() as (state, actor):
        recovery = run(state, actor, choices, journal or ())
        is_shared = isinstance(state.settings.database, str)
    if given.as_json:
        common.print_json(recovery_as_json(recovery, released=release))
    else:
        show_recovery(recovery, released=release, is_shared=is_shared, names_none=not journal)


@common.command("database copy", "var/publisher.db ADDRESS", takes="--json")
def copy_command(given: common.Given, from_: str, to: str) -> None:
    """Copy a publication's database into another one, and compare every row.

    Stop all processes of the publication first. Nothing is kept if anything differs. Afterwards mail
    is sent from TO only; FROM sends nothing until `publisher recover --release`.

    FROM: A file, or an address.
    TO: A new file, or an empty database's address.
    """
    from publisher.app.operation.databases import copy_publication

    copied = copy_publication(from_, to, given.clock, os.environ.get("PUBLISHER_SECRET"))
    if given.as_json:
        common.print_json(
            [
                {"table": name, "rows": content.rows, "checksum": content.checksum}
                for name, content in copied
            ]
        )
        return
    rows = ((name, str(content.rows), content.checksum) for name, content in copied)
    common.stdout_console().print(common.make_table(("table", "rows", "checksum"), rows))
    total = sum(content.rows for _name, content in copied)
    echo(f"{total} rows in {len(copied)} tables were copied; both sides are equal")


@common.command("database adopt-secret", "my-publication")
def adopt_secret_command(given: common.Given) -> None:
    """Take this machine's secret as the publication's, after it was changed on purpose.

    Machines with the former secret do not start any more. Links in mails that were sent lead nowhere.
    """
    settings = given.settings
    from publisher.app.issues.deliveries import list_in_doubt
    from publisher.app.same_secret import adopt_secret

    if not adopt_secret(settings, given.clock.now()):
        echo("this is the publication's secret")
        return
    echo(
        "the secret was changed: give it to all machines, and start them again. Take who was erased "
        "off your lists: an import would add them again"
    )
    with open_state(given.settings) as database:
        if doubts := len(list_in_doubt(settings, database)):
            echo(
                f"{common.count_noun(doubts, 'mail')} in doubt: the server's log has the Message-IDs of the former secret, which nobody can "
                "compute any more. Look for the addresses there, and decide by them: publisher doubt list"
            )
