"""Send a test mail; return the DNS records of the DKIM keys."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from publisher.app.dry_run import open_dry_run, preview_next
from publisher.app.pipeline import Pipeline
from publisher.assembly.preview import IssuePreview
from publisher.clock import Clock
from publisher.config import Edition, Settings
from publisher.delivery.transports import create_transport
from publisher.delivery.transports.base import OutgoingMessage, send_test_message
from publisher.errors import DeliveryError, UsageError
from publisher.mail import IssueMail, compile_mail
from publisher.mail.dkim import DkimSigner
from publisher.mail.dkim_keys import dns_record, load_signers
from subscribers import BadAddressError, Recipient, normalise_address


def send_test(settings: Settings, clock: Clock, edition: Edition, to: str) -> IssuePreview:
    """Send what an edition's next issue would be to one address; return what was sent.

    Nothing is recorded, and it may be sent again. Its personal links do nothing. Raise UsageError
    for an address that is none, and DeliveryError if the message is not accepted.
    """
    address = _address(to)
    transport, signers = create_transport(settings), load_signers(settings)
    with open_dry_run(settings, clock) as pipeline:
        preview = preview_next(pipeline, edition, or_newest=True)
        sender = transport.envelope_from(settings.publication.sender)
        outgoing = _outgoing(pipeline, preview, (sender, address), signers)
    outcome = send_test_message(transport, outgoing)
    if outcome.status != "accepted":
        raise DeliveryError(f"{to}: {outcome.reason or outcome.status}")
    return preview


def dkim_records(settings: Settings) -> list[str]:
    """Return the TXT records that belong to the DKIM keys, as lines of a zone file."""
    return [dns_record(signer).zone_line() for signer in load_signers(settings)]


def _address(to: str) -> str:
    try:
        return normalise_address(to).address
    except BadAddressError as error:
        raise UsageError(str(error)) from None


def _outgoing(
    pipeline: Pipeline,
    preview: IssuePreview,
    envelope: tuple[str, str],
    signers: Sequence[DkimSigner],
) -> OutgoingMessage:
    """Return the test message from one address to another."""
    issue, digest = preview.issue, preview.digest
    envelope_from, address = envelope
    date = pipeline.clock.now()
    letter = IssueMail(
        publication=pipeline.settings.publication,
        issue=issue,
        subject=digest.subject,
        html=digest.html,
        text=digest.text,
        date=date,
        has_web=pipeline.settings.web.enabled,
    )
    recipient = Recipient(
        id=0, address=address, name="", language=issue.language, timezone=None
    )
    # A new Message-ID each time: mail programs show one of several mails with the same one. Its
    # personal links are of subscriber 0, who does not exist.
    number = secrets.randbits(62)
    compiled = compile_mail(letter, f"{pipeline.secret}/{number}", signers)
    return OutgoingMessage(
        issue_id=number,
        newsletter=issue.newsletter,
        language=issue.language,
        day=None,
        envelope_from=envelope_from,
        recipient=address,
        message=compiled.message(recipient, date),
    )
