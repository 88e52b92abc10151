"""E-mail addresses: which are valid, which two are the same person's, and who serves many of them.

Only the form is checked (RFC 5321 sections 4.1.2 and 4.5.3.1, RFC 5891 for the domain). There is no
network request, so a valid address may have no mailbox. Of the largest webmail services the domains
are known, and where their users read mail.
"""

import re
import unicodedata
from contextlib import suppress
from typing import Final, NamedTuple

from subscribers.errors import BadAddressError, RowReason, english

# Text that some mail program decodes as an encoded word (RFC 2047 section 2).
_ENCODED_WORD = re.compile(r"=\?.*\?=")
# What email_validator says most often, by a part of it; the rest stays as it says it.
_CAUSES = {
    "must have an @-sign": RowReason("it has no @-sign"),
    "something before the @-sign": RowReason("nothing stands before the @-sign"),
    "something after the @-sign": RowReason("nothing stands after the @-sign"),
    "display name": RowReason("it has a display name; write the address only"),
    "two periods in a row": RowReason("it has two periods in a row"),
    "should have a period": RowReason("the part after the @-sign has no period"),
    "special-use or reserved": RowReason(
        "the part after the @-sign is reserved for other uses"
    ),
    "email address is too long": RowReason("it is too long"),
}
# The same of characters, which it names: with what is before the sign, and after it.
_BEFORE = re.compile(r"characters before the @-sign: (.+)\.")
_AFTER = re.compile(r"after the @-sign contains invalid characters: (.+)\.")


class Address(NamedTuple):
    """`identity` is the key of a subscriber; `address` is what mail is sent to."""

    identity: str
    address: str


def normalise_address(address: str) -> Address:
    """Return the identity and the sendable form of an address, both ASCII.

    The domain is lower-cased and, if international, converted to punycode. The local part is sent as given, since only
    the receiving host may interpret it (RFC 5321 section 2.4). In the identity it is lower-cased: all large providers
    treat Ann@ and ann@ as the same mailbox, and a subscriber with two records would get every mail twice.

    Raise `BadAddressError` with the reason.
    """
    from email_validator import EmailNotValidError, validate_email  # slow to import

    if any(unicodedata.category(character) == "Cc" for character in address):
        reason = RowReason("it holds a control character or a line break")
        raise BadAddressError(address, reason)
    if not address.rpartition("@")[0].isascii():
        # Every host on the way must support SMTPUTF8 (RFC 6531), and few do.
        raise BadAddressError(
            address,
            RowReason(
                "the part before the @ has letters outside ASCII, which many mail servers refuse"
            ),
        )
    if _ENCODED_WORD.search(address):
        # Mail programs would decode it (RFC 2047) and read another address.
        reason = RowReason(
            "it holds an encoded word (=?...?=), which mail programs would decode"
        )
        raise BadAddressError(address, reason)
    try:
        valid = validate_email(
            address, check_deliverability=False, allow_smtputf8=False, strict=True
        )
    except EmailNotValidError as error:
        raise BadAddressError(address, _why(str(error))) from error
    sendable = f"{valid.local_part}@{valid.ascii_domain}"
    return Address(sendable.lower(), sendable)


def _why(said: str) -> RowReason:
    """Return what email_validator says, in words that have translations."""
    if found := _BEFORE.search(said):
        return RowReason("this is not allowed before the @-sign: %(found)s", found=found[1])
    if found := _AFTER.search(said):
        return RowReason("this is not allowed after the @-sign: %(found)s", found=found[1])
    known = (reason for part, reason in _CAUSES.items() if part in said)
    return next(known, english(said))


def readable_address(address: str) -> str:
    """Return an address as its owner writes it: an international domain in its own script."""
    local_part, at, domain = address.rpartition("@")
    if "xn--" not in domain:
        return address
    import idna

    with suppress(UnicodeError):
        domain = idna.decode(domain)
    return f"{local_part}{at}{domain}"


def mask_address(address: str) -> str:
    """Return what its owner recognises, and others learn little from: `a•••@example.org`."""
    local_part, at, domain = readable_address(address).rpartition("@")
    return f"{local_part[:1]}•••{at}{domain}"


_GOOGLE = "https://mail.google.com/"
_MICROSOFT = "https://outlook.live.com/mail/"
_YAHOO = "https://mail.yahoo.com/"
_APPLE = "https://www.icloud.com/mail"

INBOXES: Final = {
    "gmail.com": _GOOGLE,
    "googlemail.com": _GOOGLE,
    "outlook.com": _MICROSOFT,
    "hotmail.com": _MICROSOFT,
    "live.com": _MICROSOFT,
    "yahoo.com": _YAHOO,
    "icloud.com": _APPLE,
    "me.com": _APPLE,
    "qq.com": "https://mail.qq.com/",
    "163.com": "https://mail.163.com/",
    "126.com": "https://mail.126.com/",
    "gmx.net": "https://www.gmx.net/",
    "gmx.de": "https://www.gmx.net/",
    "web.de": "https://web.de/",
    "mail.ru": "https://e.mail.ru/",
    "proton.me": "https://mail.proton.me/",
}
"""The page of the inbox for each domain. So many people have such an address that requests for
these domains say nothing about an attack."""
