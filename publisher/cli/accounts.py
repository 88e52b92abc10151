"""`publisher accounts`, `keys` and `audit`: who may sign in or use the API, and who did what.

An invitation's link is printed on standard output, and nowhere else.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli import common
from publisher.cli.api import answer_of
from publisher.cli.exit_codes import echo

if TYPE_CHECKING:
    from publisher.app.accounts.administration import AccountRecord, Invitation


def print_invitation(invitation: Invitation, console_url: str, *, as_json: bool) -> None:
    """Print a link, whose it is, and until when it works."""
    email, link = invitation.account.email, invitation.link(console_url)
    if as_json:
        until = common.rfc3339_or_none(invitation.expires_at)
        common.print_json({"address": email, "link": link, "expires_at": until})
        return
    echo(
        f"{email} sets up how to sign in at this address. It works once, until "
        f"{common.format_local(invitation.expires_at)}, and is shown only here:"
    )
    echo(link)


def account_row(one: AccountRecord) -> tuple[str, ...]:
    """Return the cells of an account: address, name, roles, ways to sign in, sessions, state."""
    from publisher.app.accounts.administration import written_grant

    account = one.account
    return (
        account.email,
        account.name,
        "\n".join(map(written_grant, account.grants)),
        ", ".join(_ways(one)) or "nothing yet",
        str(one.sessions),
        _state(one),
    )


def _ways(one: AccountRecord) -> list[str]:
    factors = one.factors
    codes = factors.recovery_codes
    ways = [
        (factors.has_passkey, "passkey"),
        (factors.has_password and factors.has_totp, "password and one-time password"),
        (codes > 0, common.count_noun(codes, "recovery code")),
    ]
    return [way for is_there, way in ways if is_there]


def _state(one: AccountRecord) -> str:
    if one.account.disabled_at:
        return f"disabled {common.format_local(one.account.disabled_at)}"
    if one.invited_until:
        return f"invited until {common.format_local(one.invited_until)}"
    return "active" if one.factors.is_enough else "its link has expired: recover it"


EmailArgument = Annotated[
    str, typer.Argument(metavar="ADDRESS", help="The account's e-mail address.")
]
RoleOption = Annotated[
    list[str],
    typer.Option(
        "--role",
        metavar="ROLE[:LANGUAGE]",
        help="administrator, editor, approver, translator, subscriber-desk or viewer; may be "
        "repeated. With a language, only for its texts.",
    ),
]


app = typer.Typer(
    no_args_is_help=True,
    help="Add, list and recover accounts of the editors' console.",
    epilog="Example: publisher accounts add ann@example.org --role administrator",
)


@app.command("add", epilog="Example: publisher accounts add ann@example.org --role editor:ar")
def accounts_add_command(  # noqa: PLR0913  # what an account is
    email: EmailArgument,
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    role: RoleOption,
    name: Annotated[
        str, typer.Option("--name", help="Who it is.", show_default="the address")
    ] = "",
    language: Annotated[
        str | None,
        typer.Option(
            "--lang",
            metavar="TAG",
            help="The language of the console's pages.",
            show_default="the publication's first",
        ),
    ] = None,
    acting: common.ActorOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """Add an account, and print the link with which its owner sets up how to sign in.

    The link works once: for 30 minutes for the first administrator, for 24 hours for others. It is
    printed here only. Nothing on the web adds the first account.
    """
    from publisher.accounts.store import NewAccount
    from publisher.app.accounts.administration import create_account, parse_roles

    with common.editing(directory, acting) as (state, actor):
        publication = state.settings.publication
        grants = parse_roles(publication, role)
        new = NewAccount(email, name, language or publication.default_language, grants)
        invitation = create_account(state, actor, new)
    print_invitation(invitation, state.settings.console.url, as_json=as_json)


@app.command("list", epilog="Example: publisher accounts list --json my-publication")
def accounts_list_command(
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    acting: common.ActorOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """List the accounts: roles, ways to sign in, sessions, and links that wait."""
    from publisher.app.accounts.administration import read_accounts

    with common.editing(directory, acting) as (state, actor):
        if as_json:
            common.print_json(answer_of(state, actor, "listAccounts"))
            return
        found = read_accounts(state, actor)
    table = common.make_table("address", "name", "roles", "signs in with", "sessions", "state")
    for one in found:
        table.add_row(*account_row(one))
    common.stdout_console().print(table)


@app.command("recover", epilog="Example: publisher accounts recover ann@example.org")
def accounts_recover_command(
    email: EmailArgument,
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    acting: common.ActorOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """Print a new link for somebody who can't sign in, or whose device was stolen.

    Sessions, passkeys, password and recovery codes of before are deleted. API keys stay:
    `publisher api listKeys` shows them.
    """
    from publisher.app.accounts.administration import recover_account

    with common.editing(directory, acting) as (state, actor):
        invitation = recover_account(state, actor, email)
    print_invitation(invitation, state.settings.console.url, as_json=as_json)


keys_app = typer.Typer(
    no_args_is_help=True,
    help="Make keys of the API.",
    epilog="Example: publisher keys add ann@example.org --label ci --scope view",
)
_DAYS = 90
_MOST_DAYS = 366


@keys_app.command(
    "add", epilog="Example: publisher keys add ann@example.org --label ci --scope view"
)
def keys_add_command(  # noqa: PLR0913  # what a key is good for
    email: EmailArgument,
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    label: Annotated[str, typer.Option("--label", help="By which to know the key later.")],
    scope: Annotated[
        list[str],
        typer.Option("--scope", metavar="PERMISSION", help="What it permits; may be repeated."),
    ],
    language: Annotated[
        list[str] | None,
        typer.Option(
            "--lang",
            metavar="TAG",
            help="Only this language; may be repeated.",
            show_default="all of the account",
        ),
    ] = None,
    days: Annotated[
        int, typer.Option("--days", min=1, max=_MOST_DAYS, help="How long it lasts.")
    ] = _DAYS,
    acting: common.ActorOption = None,
) -> None:
    """Make a key for an account, and print it. It can't be read again.

    It permits at most what the account does. With --as, only a key of one's own account.
    """
    from publisher.accounts.api_keys import KeyRequest
    from publisher.app.accounts.keys import create_key, parse_scopes

    languages = tuple(language) if language else None
    wanted = KeyRequest(label, parse_scopes(scope), languages, timedelta(days=days))
    with common.editing(directory, acting) as (state, actor):
        echo(create_key(state, actor, email, wanted))


@keys_app.callback()
def _group() -> None:
    """Make keys of the API."""  # keeps `add` a command of a group


audit_app = typer.Typer(
    cls=common.ListByDefault,
    help="Show who did what, and check that nobody has changed the record.",
    epilog="Example: publisher audit my-publication",
)


@audit_app.command(
    common.DEFAULT_COMMAND, epilog="Example: publisher audit --limit 20 my-publication"
)
def audit_command(
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=10_000, help="How many entries.")
    ] = 100,
    before: Annotated[
        int | None,
        typer.Option("--before", metavar="NUMBER", help="Only entries before this one."),
    ] = None,
    acting: common.ActorOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """List the entries of the audit log, the latest first; times are UTC."""
    from publisher.app.accounts.administration import read_audit_log

    with common.editing(directory, acting) as (state, actor):
        if as_json:
            query = {"before": before, "limit": limit}
            common.print_json(answer_of(state, actor, "readAuditLog", query))
            return
        found = read_audit_log(state, actor, before=before, limit=limit)
    table = common.make_table("number", "at", "who", "did", "to", "details")
    for number, one in found:
        details = json.dumps(one.details, ensure_ascii=False, sort_keys=True)
        at = f"{one.at:%Y-%m-%d %H:%M:%S}"
        table.add_row(str(number), at, one.actor, one.verb, one.object, details)
    common.stdout_console().print(table)


@audit_app.command("verify", epilog="Example: publisher audit verify my-publication")
def audit_verify_command(
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    acting: common.ActorOption = None,
) -> int:
    """Check each entry against its hash, and that none is missing. Exit code 1 if one is.

    Entries that were cut off at the end are not noticed: compare the last number with a backup's.
    """
    from publisher.app.accounts.administration import verify_audit_log

    with common.editing(directory, acting) as (state, actor):
        check = verify_audit_log(state, actor)
    if check.fault is None:
        echo(f"no entry was changed, up to number {check.last}")
        return 0
    what = {
        "changed": "is not as it was written",
        "missing": "does not follow the one before: entries are missing",
    }[check.fault.fault]
    echo(f"entry {check.fault.row} {what}")
    return 1
