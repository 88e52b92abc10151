"""`publisher accounts` and `keys`. An invitation's link is printed on standard output, and nowhere else."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli import common
from publisher.cli.common import Given
from publisher.cli.exit_codes import echo

if TYPE_CHECKING:
    from publisher.app.accounts.administration import Invitation


def _print_invitation(given: Given, invitation: Invitation) -> None:
    email, link = invitation.account.email, invitation.link(given.settings.console.url)
    if given.as_json:
        until = common.rfc3339_or_none(invitation.expires_at)
        values = {"address": email, "link": link, "expires_at": until}
        common.print_json(values | {"mailed": invitation.is_mailed})
        return
    echo(
        f"{email} sets up how to sign in at this address. It works once, until "
        f"{common.format_local(invitation.expires_at)}, and is shown only here:"
    )
    echo(link)
    if invitation.is_mailed:
        echo(f"It is also mailed to {email}")


@common.command("accounts add", "ann@example.org --role editor:ar", takes="DIR --as --json")
def accounts_add_command(
    given: Given, address: str, *, role: list[str], name: str = "", lang: str | None = None
) -> None:
    """Add an account, and print the link with which its owner sets up how to sign in.

    The link works once: for 30 minutes for the first administrator, for 24 hours for others. It is
    printed here only. Nothing on the web adds the first account.

    ADDRESS: The account's e-mail address.
    --role ROLE[:LANGUAGE]: administrator, editor, approver, translator, subscriber-desk or viewer;
        may be repeated. With a language, only for its texts.
    --name TEXT (the address): Who it is.
    --lang TAG (the publication's first): The language of the console's pages.
    """
    from publisher.accounts.store import NewAccount
    from publisher.app.accounts.administration import create_account, parse_roles

    with given.editing() as (state, actor):
        publication = state.settings.publication
        grants = parse_roles(publication, role)
        new = NewAccount(address, name, lang or publication.default_language, grants)
        invitation = create_account(state, actor, new)
    _print_invitation(given, invitation)


@common.command("accounts recover", "ann@example.org", takes="DIR --as --json")
def accounts_recover_command(given: Given, address: str) -> None:
    """Print a new link for somebody who can't sign in, or whose device was stolen.

    Sessions, passkeys, password and recovery codes of before are deleted. API keys stay:
    `publisher api listKeys` shows them.

    ADDRESS: The account's e-mail address.
    """
    from publisher.app.accounts.administration import recover_account

    with given.editing() as (state, actor):
        invitation = recover_account(state, actor, address)
    _print_invitation(given, invitation)


_DaysOption = Annotated[int, typer.Option("--days", min=1, max=366, help="How long it lasts.")]


@common.command("keys add", "ann@example.org --label ci --scope view", takes="DIR --as")
def keys_add_command(
    given: Given,
    address: str,
    *,
    label: str,
    scope: list[str],
    lang: list[str] | None = None,
    days: _DaysOption = 90,
) -> None:
    """Make a key for an account, and print it. It can't be read again.

    It permits at most what the account does. With --as, only a key of one's own account.

    ADDRESS: The account's e-mail address.
    --label TEXT: By which to know the key later.
    --scope PERMISSION: What it permits; may be repeated.
    --lang TAG (all of the account): Only this language; may be repeated.
    """
    from publisher.accounts.api_keys import KeyRequest
    from publisher.app.accounts.keys import create_key, parse_scopes

    languages = tuple(lang) if lang else None
    wanted = KeyRequest(label, parse_scopes(scope), languages, timedelta(days=days))
    with given.editing() as (state, actor):
        echo(create_key(state, actor, address, wanted))
