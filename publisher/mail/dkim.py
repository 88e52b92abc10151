"""Signatures by which a domain answers for a message (DKIM: RFC 6376, RFC 8463). Pure.

Fields are taken as `relaxed`, since relays fold and space them anew; the body as `simple`, since
ours has no blanks at the ends of lines that could get lost. There is no `t=`, `x=` or `l=`: a
message has the same bytes on every attempt, and nothing may be added to it. Knows no settings
and no key files (`publisher.mail.dkim_keys`).
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

DkimAlgorithm = Literal["rsa-sha256", "ed25519-sha256"]
# Name, and value as on the wire: blanks and folds as they are, without the last line end.
HeaderField = tuple[bytes, bytes]

# Named once more than they are there, so that nobody can add one: mail programs would show, or
# act on, what the signature does not answer for (RFC 6376 section 8.15, RFC 8058 section 4).
OVERSIGNED = (
    b"from",
    b"to",
    b"cc",
    b"reply-to",
    b"subject",
    b"date",
    b"message-id",
    b"mime-version",
    b"content-type",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
    b"list-id",
)
# Named as often as they are there. What relays rewrite or drop, and nobody is harmed by, is left
# out: Content-Language, Precedence, X-Auto-Response-Suppress.
COVERED = (
    *OVERSIGNED,
    b"content-transfer-encoding",
    b"sender",
    b"list-help",
    b"feedback-id",
    b"archived-at",
    b"auto-submitted",
)
# RFC 5322 section 2.1.1 recommends 78; our other fields are folded at this.
_COLUMNS = 76
_CRLF = b"\r\n"
# The messages of one edition have the same fields; there are as many kinds as editions, or fewer.
_HEADER_SHAPES = 256


@dataclass(frozen=True, slots=True)
class DkimKey:
    """A key: what DNS says of its public half (`p=`), and what signs a SHA-256 digest with it."""

    algorithm: DkimAlgorithm
    public: str
    seal: Callable[[bytes], bytes] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class DkimSigner:
    """A domain that answers for messages, with one of its keys."""

    domain: str
    selector: str
    key: DkimKey

    def sign(self, fields: Sequence[HeaderField], body: Sequence[bytes]) -> bytes:
        """Give the whole field `DKIM-Signature`, with its line end, for a message.

        `body` is what follows the empty line, cut anywhere.
        """
        return dkim_fields((self,), fields, body)


def dkim_fields(
    signers: Sequence[DkimSigner], fields: Sequence[HeaderField], body: Sequence[bytes]
) -> bytes:
    """Give the field of each signer, none for none; what is the same for all is reckoned once."""
    if not signers:
        return b""
    order, names = _coverage(tuple(name for name, _value in fields))
    covered = b"".join(_relaxed(*fields[place]) + _CRLF for place in order)
    tags = names + _CRLF + b" bh=" + b64encode(body_hash(body)) + b";"
    return b"".join(_signature(signer, covered, tags) for signer in signers)


def _signature(signer: DkimSigner, covered: bytes, tags: bytes) -> bytes:
    """Sign the covered fields and, behind them, the signature's own, its value yet empty."""
    value = _CRLF.join((_opening(signer), tags, b" b="))
    digest = hashlib.sha256(covered + _relaxed(b"DKIM-Signature", value)).digest()
    last = _wrapped(b" b=" + b64encode(signer.key.seal(digest)))
    return b"DKIM-Signature:%b%b\r\n" % (value.removesuffix(b" b="), last)


def _opening(signer: DkimSigner) -> bytes:
    what = f" v=1; a={signer.key.algorithm}; c=relaxed/simple;"
    who = f" d={signer.domain}; s={signer.selector};"
    if len(who) > _COLUMNS:
        who = f" d={signer.domain};\r\n s={signer.selector};"
    return f"{what}\r\n{who}".encode("ascii")


def body_hash(body: Sequence[bytes]) -> bytes:
    """Hash a body: empty lines at its end count for nothing (RFC 6376 section 3.4.3)."""
    kept, tail = len(body), b""
    # A line end may be cut in two, and the last lines may be in as many segments.
    while kept and tail in {b"", b"\n"}:
        kept -= 1
        tail = _without_empty_lines(body[kept] + tail)
    # One piece: hashing lets other threads run, and then waits for its turn.
    return hashlib.sha256(b"".join((*body[:kept], tail, _CRLF))).digest()


def _without_empty_lines(text: bytes) -> bytes:
    end = len(text)
    while text.endswith(_CRLF, 0, end):
        end -= len(_CRLF)
    return text[:end]


@lru_cache(_HEADER_SHAPES)
def _coverage(names: tuple[bytes, ...]) -> tuple[tuple[int, ...], bytes]:
    """Say which fields are covered, in the order in which they are hashed, and the tag `h=`.

    Of several fields of one name the last is taken first (RFC 6376 section 5.4.2).
    """
    present = [name.lower() for name in names]
    order: list[int] = []
    said: list[bytes] = []
    for name in COVERED:
        places = [place for place, other in enumerate(present) if other == name]
        order += reversed(places)
        said += [name] * (len(places) + (name in OVERSIGNED))
    return tuple(order), _listed(said)


def _listed(names: Sequence[bytes]) -> bytes:
    """Write the tag `h=`, folded after colons."""
    lines = [b" h="]
    for name in names:
        if len(lines[-1]) + len(name) + 1 > _COLUMNS:
            lines.append(b" ")
        lines[-1] += name + b":"
    return _CRLF.join(lines).removesuffix(b":") + b";"


def _wrapped(line: bytes) -> bytes:
    """Cut a line of base64 into lines, each but the first with the space that goes on."""
    step = _COLUMNS - 1
    rest = line[_COLUMNS:]
    lines = [line[:_COLUMNS], *(rest[at : at + step] for at in range(0, len(rest), step))]
    return b"\r\n ".join(lines)


def _relaxed(name: bytes, value: bytes) -> bytes:
    """Write a field in the form that is hashed, without a line end (RFC 6376 section 3.4.2)."""
    words = value.replace(_CRLF, b"").replace(b"\t", b" ").split(b" ")
    return name.lower() + b":" + b" ".join(filter(None, words))
