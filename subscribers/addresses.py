"""E-mail addresses: what can be written to, and what makes two of them one person's.

Only the form is judged (RFC 5321 sections 4.1.2 and 4.5.3.1, RFC 5891 for the domain). Nothing
is asked of the network, so this module does not know whether the mailbox exists.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from email_validator import EmailNotValidError, validate_email

from subscribers.errors import BadAddressError

# What can be taken for one (RFC 2047 section 2), in whatever state.
_ENCODED_WORD = re.compile(r"=\?.*\?=")


class Address(NamedTuple):
    """`identity` finds the reader again; `address` is written into the envelope."""

    identity: str
    address: str


def normalise_address(address: str) -> Address:
    """Return the identity and the sendable form of an address, both ASCII.

    The domain is lower-cased and, if international, put into its punycode form. The local part
    is sent as it was given, since it belongs to the receiving host (RFC 5321 section 2.4); in the
    identity it is lower-cased, since no provider of note tells Ann@ from ann@ and a reader with
    two records would be written to twice.

    Raises `BadAddressError` with the reason.
    """
    if any(unicodedata.category(character) == "Cc" for character in address):
        raise BadAddressError(address, "it holds a control character or a line break")
    if not address.rpartition("@")[0].isascii():
        # SMTPUTF8 (RFC 6531) must be offered by every host on the way; none promises it.
        raise BadAddressError(
            address,
            "the part before the @ has letters outside ASCII, which not every host takes",
        )
    if _ENCODED_WORD.search(address):
        # Mail programs would decode it (RFC 2047), and read another address than is meant.
        raise BadAddressError(
            address, "it holds an encoded word (=?...?=), which no mail can name"
        )
    try:
        valid = validate_email(
            address, check_deliverability=False, allow_smtputf8=False, strict=True
        )
    except EmailNotValidError as error:
        raise BadAddressError(address, str(error)) from error
    sendable = f"{valid.local_part}@{valid.ascii_domain}"
    return Address(sendable.lower(), sendable)
