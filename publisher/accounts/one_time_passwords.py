"""One-time passwords by time (TOTP, RFC 6238), as authenticator programs make them."""

from __future__ import annotations

import io
from datetime import datetime

import pyotp

# Steps of 30 seconds that a clock may be wrong by.
_WINDOW = 1
_STEP_SECONDS = 30


def new_totp_secret() -> str:
    """Return a shared secret of 160 bits, in base32."""
    return pyotp.random_base32()


def totp_uri(shared: str, email: str, issuer: str) -> str:
    """Return the address that an authenticator program reads, also from a QR code."""
    return pyotp.TOTP(shared).provisioning_uri(name=email, issuer_name=issuer)


def totp_picture(uri: str) -> bytes:
    """Return the QR code of an address, as SVG: dark on light, whatever the page's colours are."""
    import segno

    out = io.BytesIO()
    segno.make_qr(uri, error="m").save(
        out, kind="svg", omitsize=True, dark="#000", light="#fff", svgclass=None, lineclass=None
    )
    return out.getvalue()


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
