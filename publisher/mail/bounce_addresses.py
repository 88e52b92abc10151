"""The envelope senders of messages: one per subscriber, so that a bounce names its subscriber. Pure.

This is VERP with a signed token: `bounces+TOKEN@example.org`. Nobody can make the token of another
subscriber. It is the same for all issues, because greylisting servers remember the pair of sender
and recipient.
"""

from __future__ import annotations

import hmac
import re
from base64 import b32decode, b32encode
from binascii import Error as Base32Error
from collections.abc import Iterator

# Octets: five for the subscriber's id, six for the signature. Together 18 characters.
_ID_OCTETS, _MAC_OCTETS = 5, 6
_PURPOSE = b"bounce address\n"
# Before the @, or before what a forwarding server puts in its place. Servers that tag addresses
# (BATV: `prvs=...=`, SRS: `SRS0=...=`) put their part in front.
_TOKEN = re.compile(r"(?<![A-Za-z0-9])([A-Za-z2-7]{18})(?=[@=]|%40)")


class BounceAddresses:
    """The envelope senders of all subscribers. Without a separator, all have the same."""

    def __init__(self, secret: str, address: str, separator: str = "") -> None:
        self._address = address
        self._local_part, _, self._domain = address.rpartition("@")
        self._separator = separator
        self._hmac = _keyed(secret)

    def address_for(self, subscriber_id: int) -> str:
        """Return the address to which a subscriber's bounces return."""
        if not self._separator or not 0 <= subscriber_id < 1 << 8 * _ID_OCTETS:
            return self._address
        number = subscriber_id.to_bytes(_ID_OCTETS)
        signed = self._hmac.copy()
        signed.update(number)
        token = b32encode(number + signed.digest()[:_MAC_OCTETS]).rstrip(b"=").decode().lower()
        return f"{self._local_part}{self._separator}{token}@{self._domain}"


def subscribers_of_tokens(secret: str, text: str) -> Iterator[int]:
    """Yield the subscribers of the valid tokens in a text, in order. Forged ones are passed over."""
    keyed = _keyed(secret)
    for token in dict.fromkeys(found[1].upper() for found in _TOKEN.finditer(text)):
        try:
            octets = b32decode(f"{token}======")
        except Base32Error:
            continue
        number, mac = octets[:_ID_OCTETS], octets[_ID_OCTETS:]
        signed = keyed.copy()
        signed.update(number)
        if hmac.compare_digest(signed.digest()[:_MAC_OCTETS], mac):
            yield int.from_bytes(number)


def _keyed(secret: str) -> hmac.HMAC:
    return hmac.new(secret.encode(), _PURPOSE, "sha256")
