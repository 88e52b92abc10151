"""Proof of work: a browser computes for a moment, so that thousands of requests are expensive.

The challenges are ALTCHA's, made and checked here, without a service of others. A challenge is
signed; who uses one twice is the caller's question.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

CHALLENGE_LIFETIME = timedelta(hours=2)
"""How long a challenge can be solved: as long as a form can be sent."""

_ALGORITHM = "PBKDF2/SHA-256"
# Rounds of one try; 256 tries are needed on average. About a second for a browser, 3 ms to check.
_COST = 5_000
_KEY_PREFIX = "00"
# Keeps these signatures apart from what else the secret signs.
_KEY = "proof of work:"


def make_challenge(secret: str, now: datetime) -> str:
    """Return a new challenge as JSON."""
    # Takes longer to import than the rest of the pages, and few need it.
    from altcha import create_challenge

    # Not ALTCHA's own time of expiry, which it compares with the clock of the machine.
    until = int((now + CHALLENGE_LIFETIME).timestamp())
    challenge = create_challenge(
        _ALGORITHM,
        _COST,
        key_prefix=_KEY_PREFIX,
        data={"until": until},
        hmac_secret=_KEY + secret,
    )
    return json.dumps(challenge.to_dict())


def solved_challenge(secret: str, payload: str, now: datetime) -> str | None:
    """Return the name of the challenge that a payload (base64 of JSON) solves; None if it is wrong."""
    from altcha import verify_solution
    from altcha.v2 import Payload

    if not verify_solution(payload, _KEY + secret).verified:
        return None
    parameters = Payload.from_base64(payload).challenge.parameters
    until = (parameters.data or {}).get("until", 0)
    return parameters.nonce if now.timestamp() < until else None
