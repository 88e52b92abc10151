"""HMAC (RFC 2104) under one key for many short texts. Pure.

What depends on the key alone is hashed once, and copied: half the time of `hmac.digest`, which
counts where a million messages each need four.
"""

from __future__ import annotations

import hashlib
from typing import Literal

# Of both hashes, in octets; a longer key is hashed first.
BLOCK = 64
INNER = bytes(octet ^ 0x36 for octet in range(256))
OUTER = bytes(octet ^ 0x5C for octet in range(256))


class Mac:
    """What signs texts with a key; for any number of threads."""

    def __init__(self, key: bytes, algorithm: Literal["sha1", "sha256"]) -> None:
        if len(key) > BLOCK:
            key = hashlib.new(algorithm, key).digest()
        key = key.ljust(BLOCK, b"\0")
        self._inner = hashlib.new(algorithm, key.translate(INNER))
        self._outer = hashlib.new(algorithm, key.translate(OUTER))

    def digest(self, text: bytes) -> bytes:
        """Sign a text."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(text)
        outer.update(inner.digest())
        return outer.digest()
