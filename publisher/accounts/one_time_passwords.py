"""One-time passwords by time (TOTP, RFC 6238), as authenticator programs make them.

The shared secret is sealed with the publication's secret, so that a copy of the database alone makes
none.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime

import pyotp
from cryptography.fernet import Fernet, InvalidToken

# Steps of 30 seconds that a clock may be wrong by.
_WINDOW = 1
_STEP_SECONDS = 30


def new_totp_secret() -> str:
    """Return a shared secret of 160 bits, in base32."""
    return pyotp.random_base32()


def totp_uri(shared: str, email: str, issuer: str) -> str:
    """Return the address that an authenticator program reads, also from a QR code."""
    return pyotp.TOTP(shared).provisioning_uri(name=email, issuer_name=issuer)


def accepted_step(shared: str, code: str, last_step: int | None, now: datetime) -> int | None:
    """Return the time step of a code, or None if it is wrong or was used before.

    Store the step that is returned: no code of it or of earlier ones is good again.
    """
    digits = code.replace(" ", "")
    generator = pyotp.TOTP(shared)
    current = int(now.timestamp()) // _STEP_SECONDS
    for step in range(current - _WINDOW, current + _WINDOW + 1):
        is_new = last_step is None or step > last_step
        expected = generator.at(step * _STEP_SECONDS)
        if is_new and pyotp.utils.strings_equal(digits, expected):
            return step
    return None


def seal(secret: str, shared: str) -> str:
    """Encrypt a shared secret with the publication's secret."""
    return _box(secret).encrypt(shared.encode()).decode()


def unseal(secret: str, sealed: str) -> str | None:
    """Return the shared secret, or None if the publication's secret is another one now."""
    try:
        return _box(secret).decrypt(sealed.encode()).decode()
    except InvalidToken:
        return None


def _box(secret: str) -> Fernet:
    key = hashlib.sha256(b"one-time passwords\0" + secret.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
