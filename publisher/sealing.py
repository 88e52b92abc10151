"""Seal values with the publication's secret, so that a copy of the database alone does not show them.

Imports cryptography when something is sealed: most commands seal nothing.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.fernet import Fernet


def seal(secret: str, purpose: str, value: str) -> str:
    """Encrypt a value. What was sealed for one purpose can't be opened for another."""
    return _box(secret, purpose).encrypt(value.encode()).decode()


def unseal(secret: str, purpose: str, sealed: str) -> str | None:
    """Return the value, or None if the publication's secret is another one now."""
    from cryptography.fernet import InvalidToken

    try:
        return _box(secret, purpose).decrypt(sealed.encode()).decode()
    except InvalidToken:
        return None


def _box(secret: str, purpose: str) -> Fernet:
    from cryptography.fernet import Fernet

    key = hashlib.sha256(f"{purpose}\0{secret}".encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
