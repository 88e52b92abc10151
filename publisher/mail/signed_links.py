"""The reader's own links: signed, so that nobody can act for another. Pure.

A token says who, and which newsletter; it does not expire, since a mail is kept for years and
its unsubscribe link must go on working. Knows no message.
"""

from __future__ import annotations

import json
from binascii import b2a_base64
from typing import Literal

from itsdangerous import BadData, URLSafeSerializer

from publisher import urls
from publisher.config import Publication
from publisher.errors import DeliveryError
from publisher.issues.model import Issue
from publisher.mail.macs import Mac

LinkKind = Literal["unsubscribe", "preferences", "web"]

# RFC 4648 section 5: of base64, what is safe in an address; itsdangerous leaves out the padding.
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_PADDING = b"\n="


class LinkSigner:
    """Signs one kind of link of one newsletter.

    The tokens are those of itsdangerous' URLSafeSerializer, made in a tenth of the time: the key
    is derived once, and nothing so short is tried to be compressed.
    """

    def __init__(self, secret: str, kind: LinkKind, newsletter: str) -> None:
        key = URLSafeSerializer(secret, salt=kind).make_signer().derive_key()
        self._mac = Mac(key, "sha1")
        self._payload = b"[%%d,%b]" % json.dumps(newsletter).encode().replace(b"%", b"%%")

    def token(self, subscriber_id: int) -> bytes:
        """Sign who may do what: ASCII that fits an address as it stands."""
        payload = _safe(self._payload % subscriber_id)
        return payload + b"." + _safe(self._mac.digest(payload))


def _safe(octets: bytes) -> bytes:
    return b2a_base64(octets).translate(_URL_SAFE, _PADDING)


def link_token(secret: str, kind: LinkKind, subscriber_id: int, newsletter: str) -> str:
    """Sign who may do what; each kind of link has a signature of its own."""
    return LinkSigner(secret, kind, newsletter).token(subscriber_id).decode("ascii")


def read_token(secret: str, kind: LinkKind, value: str) -> tuple[int, str]:
    """Give the subscriber and newsletter that a token was signed for.

    Raises DeliveryError for a token that was not made here, or for another purpose.
    """
    try:
        subscriber_id, newsletter = URLSafeSerializer(secret, salt=kind).loads(value)
    except (BadData, UnicodeError):
        raise DeliveryError(f"the {kind} link is damaged or was not made here") from None
    return int(subscriber_id), str(newsletter)


def subscriber_url(publication: Publication, issue: Issue, kind: LinkKind) -> str:
    """Give the address of a reader's own page, up to where her token goes.

    Her pages for leaving and changing belong to a language, and `web` is the issue's own page.
    """
    path = (
        urls.issue_path(issue.language, issue.newsletter, issue.day)
        if kind == "web"
        else urls.letter_path(issue.language, kind)
    )
    return f"{urls.absolute_url(publication, path)}?t="
