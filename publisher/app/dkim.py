"""The DNS records of the DKIM keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from publisher.mail.dkim_keys import dns_record, load_signers

if TYPE_CHECKING:
    from publisher.config import Settings


def dkim_records(settings: Settings) -> list[str]:
    """Return the TXT records that belong to the DKIM keys, as lines of a zone file."""
    return [dns_record(signer).zone_line() for signer in load_signers(settings)]
