"""E-mail addresses: which are valid, and which two are the same person's.

Only the form is checked (RFC 5321 sections 4.1.2 and 4.5.3.1, RFC 5891 for the domain). There is
no network request, so a valid address may have no mailbox.
"""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from typing import NamedTuple

import idna
from email_validator import EmailNotValidError, validate_email

from subscribers.errors import BadAddressError

# Text that some mail program decodes as an encoded word (RFC 2047 section 2).
_ENCODED_WORD = re.compile(r"=\?.*\?=")


class Address(NamedTuple):
    """`identity` is the key of a subscriber; `address` is what mail is sent to."""

    identity: str
    address: str


def normalise_address(address: str) -> Address:
    """Return the identity and the sendable form of an address, both ASCII.

    The domain is lower-cased and, if international, converted to punycode. The local part is sent
    as given, since only the receiving host may interpret it (RFC 5321 section 2.4). In the identity
    it is lower-cased: all large providers treat Ann@ and ann@ as the same mailbox, and a subscriber
    with two records would get every mail twice.

    Raise `BadAddressError` with the reason.
    """
    if any(unicodedata.category(character) == "Cc" for character in address):
        raise BadAddressError(address, "it holds a control character or a line break")
    if not address.rpartition("@")[0].isascii():
        # Every host on the way must support SMTPUTF8 (RFC 6531), and few do.
        raise BadAddressError(
            address,
            "the part before the @ has letters outside ASCII, which many mail servers refuse",
        )
    if _ENCODED_WORD.search(address):
        # Mail programs would decode it (RFC 2047) and read another address.
        raise BadAddressError(
            address, "it holds an encoded word (=?...?=), which mail programs would decode"
        )
    try:
        valid = validate_email(
            address, check_deliverability=False, allow_smtputf8=False, strict=True
        )
    except EmailNotValidError as error:
        raise BadAddressError(address, str(error)) from error
    sendable = f"{valid.local_part}@{valid.ascii_domain}"
    return Address(sendable.lower(), sendable)


def readable_address(address: str) -> str:
    """Return an address as its owner writes it: an international domain in its own script."""
    local_part, at, domain = address.rpartition("@")
    if "xn--" not in domain:
        return address
    with suppress(UnicodeError):
        domain = idna.decode(domain)
    return f"{local_part}{at}{domain}"


def mask_address(address: str) -> str:
    """Return what its owner recognises, and others learn little from: `a•••@example.org`."""
    local_part, at, domain = readable_address(address).rpartition("@")
    return f"{local_part[:1]}•••{at}{domain}"
