"""How an invitation is printed: its link on standard output, and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from publisher.cli.common import format_local, print_json, rfc3339_or_none
from publisher.cli.terminal_text import echo

if TYPE_CHECKING:
    from publisher.app.console_accounts import Invitation


def print_invitation(invitation: Invitation, console_url: str, *, as_json: bool) -> None:
    """Print a link, whose it is, and until when it works."""
    email, link = invitation.account.email, invitation.link(console_url)
    if as_json:
        until = rfc3339_or_none(invitation.expires_at)
        print_json({"address": email, "link": link, "expires_at": until})
        return
    echo(
        f"{email} sets up how to sign in at this address. It works once, until "
        f"{format_local(invitation.expires_at)}, and is shown only here:"
    )
    echo(link)
