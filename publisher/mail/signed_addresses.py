"""Addresses of one subscriber, signed so that no one can act for another: links, and envelope senders. Pure.

A link's token names a subscriber, a newsletter, the generation of the subscriber's links, and the number of the row
that the link is about, which has the time if it expires. The envelope sender names its subscriber in a bounce: VERP
with a signed token, `bounces+TOKEN@example.org`, the same for all issues, because greylisting servers remember pairs
of sender and recipient.
"""

import hashlib
import hmac
import json
import re
from base64 import b32decode, b32encode
from binascii import Error as Base32Error
from binascii import b2a_base64
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from itsdangerous import BadData, URLSafeSerializer
from itsdangerous.encoding import base64_decode, base64_encode

from publisher import urls
from publisher.config import Publication
from publisher.issues.model import Issue

# The kinds of links in an issue's mail, and all kinds.
MailLinkKind = Literal["unsubscribe", "preferences", "web"]
LinkKind = MailLinkKind | Literal["confirm", "undo", "undo-address", "data", "address", "feed"]

_PREFIX: Final = "v2."  # stands before each token
# URL-safe base64 (RFC 4648 section 5), without the padding, as itsdangerous writes it.
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_PADDING = b"\n="


@dataclass(frozen=True, slots=True)
class SignedLink:
    """What a token says. `number` is the id of a row that the link is about, 0 for none."""

    kind: LinkKind
    subscriber_id: int
    newsletter: str = ""
    generation: int = 0
    number: int = 0

    def has_ended(self, generation: int) -> bool:
        """Return whether a link is no longer valid for a subscriber of a `generation`; one to unsubscribe never ends."""
        return self.kind != "unsubscribe" and self.generation != generation


class LinkSigner:
    """Signs one kind of link of one newsletter, as itsdangerous' URLSafeSerializer does, in a tenth of its time. Safe among threads."""

    def __init__(self, secret: str, kind: LinkKind, newsletter: str, number: int = 0) -> None:
        key = _serializer(secret, kind).make_signer().derive_key()
        self._hmac = hmac.new(key, digestmod="sha256")
        name = json.dumps(newsletter).encode().replace(b"%", b"%%")
        self._payload = b"[%%d,%b,%%d,%d]" % (name, number)

    def token(self, subscriber_id: int, generation: int = 0) -> bytes:
        payload = _url_safe(self._payload % (subscriber_id, generation))
        signature = self._hmac.copy()
        signature.update(payload)
        return b"v2.%b.%b" % (payload, _url_safe(signature.digest()))


def sign_link(
    secret: str,
    kind: LinkKind,
    subscriber_id: int,
    *,
    newsletter: str = "",
    generation: int = 0,
    number: int = 0,
) -> str:
    """Return the token of one link: ASCII that needs no escape in a URL."""
    signer = LinkSigner(secret, kind, newsletter, number)
    return signer.token(subscriber_id, generation).decode("ascii")


def find_link(secret: str, kind: LinkKind, value: str) -> SignedLink | None:
    """Return what a token says; None for one that was not made here, or is of another kind of link."""
    try:
        fields = _serializer(secret, kind).loads(value.removeprefix(_PREFIX))
        return SignedLink(kind, *fields) if _is_as_written(value) else None
    except (BadData, UnicodeError):
        return None


@cache
def _serializer(secret: str, kind: LinkKind) -> URLSafeSerializer:
    return URLSafeSerializer(
        secret, salt=f"v2.{kind}", signer_kwargs={"digest_method": hashlib.sha256}
    )


def _is_as_written(value: str) -> bool:
    """Return whether a token has our prefix, and unused bits at the end of its signature's base64 as we write them."""
    signature = value.rpartition(".")[2]
    written = base64_encode(base64_decode(signature)).decode("ascii")
    return value.startswith(_PREFIX) and written == signature


def _url_safe(octets: bytes) -> bytes:
    return b2a_base64(octets).translate(_URL_SAFE, _PADDING)


def subscriber_url(publication: Publication, issue: Issue, kind: MailLinkKind) -> str:
    path = (
        urls.issue_path(issue.language, issue.newsletter, issue.day, issue.suffix)
        if kind == "web"
        else urls.subscriber_page_path(issue.language, kind)
    )
    return f"{urls.public_url(publication, path)}?t="


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
