"""Secrets and signatures by Standard Webhooks 1.0. Pure, but for the random bytes of a new secret."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

# Bytes; the specification asks for 24 to 64.
_SECRET_BYTES = 32
_PREFIX = "whsec_"


def new_webhook_secret() -> str:
    """Return a secret as both sides write it."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signed_headers(
    signing_secrets: Sequence[str], event_id: str, second: int, body: bytes
) -> dict[str, str]:
    """Return the header fields that name and sign an event.

    `second` is the time of this attempt, in seconds since 1970. Each secret makes a signature: while
    a secret is replaced, receivers that know either accept the event.
    """
    content = b"%b.%d.%b" % (event_id.encode(), second, body)
    signatures = [_signature(one, content) for one in signing_secrets]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(second),
        "webhook-signature": " ".join(signatures),
    }


def _signature(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    digest = hmac.new(key, content, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
