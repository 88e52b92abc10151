"""The reader's own links: signed, so that nobody can act for another. Pure.

A token says who, and which newsletter; it does not expire, since a mail is kept for years and
its unsubscribe link must go on working. Knows no message.
"""

from __future__ import annotations

from typing import Literal

from itsdangerous import BadData, URLSafeSerializer

from publisher import urls
from publisher.config import Publication
from publisher.errors import DeliveryError

Kind = Literal["unsubscribe", "preferences"]


def token(secret: str, kind: Kind, subscriber_id: int, newsletter: str) -> str:
    """Sign who may do what; each kind of link has a signature of its own."""
    return str(URLSafeSerializer(secret, salt=kind).dumps([subscriber_id, newsletter]))


def read_token(secret: str, kind: Kind, value: str) -> tuple[int, str]:
    """Give the subscriber and newsletter that a token was signed for.

    Raises DeliveryError for a token that was not made here, or for another purpose.
    """
    try:
        subscriber_id, newsletter = URLSafeSerializer(secret, salt=kind).loads(value)
    except (BadData, UnicodeError):
        raise DeliveryError(f"the {kind} link is damaged or was not made here") from None
    return int(subscriber_id), str(newsletter)


def reader_url(publication: Publication, language: str, kind: Kind, value: str) -> str:
    """Give the address of a reader's own page."""
    return f"{urls.absolute(publication, urls.letter_path(language, kind))}?t={value}"
