"""A subscriber's own links, signed so that no one can act for another subscriber. Pure.

A token names a subscriber and a newsletter. It does not expire: people keep mails for years, and
the unsubscribe link must go on working.
"""

from __future__ import annotations

import hmac
import json
from binascii import b2a_base64
from typing import Literal

from itsdangerous import BadData, URLSafeSerializer

from publisher import urls
from publisher.config import Publication
from publisher.errors import DeliveryError
from publisher.issues.model import Issue

LinkKind = Literal["unsubscribe", "preferences", "web"]

# URL-safe base64 (RFC 4648 section 5), without the padding, as itsdangerous writes it.
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_PADDING = b"\n="


class LinkSigner:
    """Signs one kind of link of one newsletter. Safe among threads.

    The tokens are those of URLSafeSerializer of itsdangerous, in a tenth of its time: the key is
    derived once, and nothing so short is compressed.
    """

    def __init__(self, secret: str, kind: LinkKind, newsletter: str) -> None:
        key = URLSafeSerializer(secret, salt=kind).make_signer().derive_key()
        self._hmac = hmac.new(key, digestmod="sha1")
        self._payload = b"[%%d,%b]" % json.dumps(newsletter).encode().replace(b"%", b"%%")

    def token(self, subscriber_id: int) -> bytes:
        """Return a subscriber's token: ASCII that needs no escape in a URL."""
        payload = _url_safe(self._payload % subscriber_id)
        signature = self._hmac.copy()
        signature.update(payload)
        return payload + b"." + _url_safe(signature.digest())


def _url_safe(octets: bytes) -> bytes:
    return b2a_base64(octets).translate(_URL_SAFE, _PADDING)


def read_token(secret: str, kind: LinkKind, value: str) -> tuple[int, str]:
    """Return the subscriber's id and the newsletter that a token was signed for.

    Raise DeliveryError for a token that was not made here, or for another kind of link.
    """
    try:
        subscriber_id, newsletter = URLSafeSerializer(secret, salt=kind).loads(value)
    except (BadData, UnicodeError):
        raise DeliveryError(
            f"the {kind} link is damaged or was not made here; use the whole link from the mail"
        ) from None
    return int(subscriber_id), str(newsletter)


def subscriber_url(publication: Publication, issue: Issue, kind: LinkKind) -> str:
    """Return the URL of a subscriber's own page, up to the token.

    `unsubscribe` and `preferences` have one page a language; `web` is the issue's own page.
    """
    path = (
        urls.issue_path(issue.language, issue.newsletter, issue.day)
        if kind == "web"
        else urls.letter_path(issue.language, kind)
    )
    return f"{urls.public_url(publication, path)}?t="
