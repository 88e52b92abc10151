"""`publisher send`: send the next issue to one address, as subscribers would get it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.app.dry_run import (
    find_edition,
    open_dry_run,
    preview_next,
    preview_subject,
)
from publisher.cli.common import (
    CURRENT_FOLDER,
    FolderArgument,
    NowOption,
    parse_now,
    read_settings,
)
from publisher.cli.gate_report import gate_summary
from publisher.errors import DeliveryError, UsageError

if TYPE_CHECKING:
    from publisher.app.pipeline import Pipeline
    from publisher.assembly.preview import IssuePreview
    from publisher.delivery.transports.base import OutgoingMessage
    from publisher.mail.dkim import DkimSigner


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "send", epilog="Example: publisher send weekly --to editor@example.org my-publication"
    )(send_command)


def send_command(
    newsletter: Annotated[str, typer.Argument(help="The newsletter's name.")],
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    to: Annotated[
        str,
        typer.Option(
            "--to", metavar="ADDRESS", help="The recipient; need not be a subscriber."
        ),
    ],
    lang: Annotated[
        str | None,
        typer.Option("--lang", metavar="TAG", help="The edition.", show_default="the first"),
    ] = None,
    now: NowOption = None,
) -> None:
    """Send what the next issue would be to one address, by the transport of all mail.

    This is a test: no subscriber gets it, nothing is recorded, and it may be sent again. Its
    personal links do nothing.
    """
    clock, settings = parse_now(now), read_settings(directory)
    edition = find_edition(settings, newsletter, lang)
    address = _address(to)

    from publisher.delivery.transports import create_transport
    from publisher.delivery.transports.base import send_test_message
    from publisher.mail.dkim_keys import load_signers

    transport, signers = create_transport(settings), load_signers(settings)
    with open_dry_run(settings, clock) as machine:
        rehearsal = preview_next(machine, edition, clock.now(), or_newest=True)
        sender = transport.envelope_from(settings.publication.sender)
        outgoing = _outgoing(machine, rehearsal, (sender, address), signers)
    outcome = send_test_message(transport, outgoing)
    if outcome.status != "accepted":
        raise DeliveryError(f"{to}: {outcome.reason or outcome.status}")
    typer.echo(
        f"{preview_subject(rehearsal)}: sent to {to}. {gate_summary(rehearsal.gate_run.report)}"
    )


def _address(to: str) -> str:
    from subscribers import BadAddressError, normalise_address

    try:
        return normalise_address(to).address
    except BadAddressError as error:
        raise UsageError(f"--to: {error}") from None


def _outgoing(
    machine: Pipeline,
    rehearsal: IssuePreview,
    envelope: tuple[str, str],
    signers: Sequence[DkimSigner],
) -> OutgoingMessage:
    """Return the test message from one address to another."""
    from publisher.delivery.transports.base import OutgoingMessage
    from publisher.mail import IssueMail, compile_mail
    from subscribers import Recipient

    issue, digest = rehearsal.issue, rehearsal.digest
    envelope_from, address = envelope
    date = machine.clock.now()
    letter = IssueMail(
        publication=machine.settings.publication,
        issue=issue,
        subject=digest.subject,
        html=digest.html,
        text=digest.text,
        date=date,
    )
    recipient = Recipient(
        id=0, address=address, name="", language=issue.language, timezone=None
    )
    # A Message-ID of its own each time: mail programs show one of those that have the same. Its
    # personal links are of subscriber 0, who does not exist.
    number = secrets.randbits(62)
    compiled = compile_mail(letter, f"{machine.secret}/{number}", signers)
    return OutgoingMessage(
        issue_id=number,
        newsletter=issue.newsletter,
        language=issue.language,
        day=None,
        envelope_from=envelope_from,
        recipient=address,
        message=compiled.message(recipient, date),
    )
