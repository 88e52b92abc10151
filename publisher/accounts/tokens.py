"""Random tokens and their hashes. Pure but for randomness.

A token of 256 bits can't be guessed, so a plain SHA-256 keeps it (OWASP ASVS 5.0, 11.4.1); passwords
have Argon2.
"""

from __future__ import annotations

import hashlib
import secrets

_TOKEN_BYTES = 32


def new_token() -> str:
    """Return a token of 256 bits, as URL-safe base64."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def token_digest(token: str) -> str:
    """Return the SHA-256 of a token, in hexadecimal digits."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
