"""DKIM signatures of messages (RFC 6376, RFC 8463). Pure; `dkim_keys` reads settings and keys.

Header fields are signed as `relaxed`, since relays fold and space them anew; the body as `simple`. There is no `t=`,
`x=` or `l=` tag: a message has the same bytes on every attempt, and nothing can be appended to it.
"""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from publisher.mail_limits import MIME_COLUMNS

DkimAlgorithm = Literal["rsa-sha256", "ed25519-sha256"]
# Name, and value as sent: with its blanks and folds, without the last line end.
HeaderField = tuple[bytes, bytes]

# Listed once more in `h=` than the message has them. A field that somebody adds then breaks the
# signature, and no mail program shows or obeys it (RFC 6376 section 8.15, RFC 8058 section 4).
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
# Listed as often as the message has them. Not signed are fields that relays rewrite or drop
# without harm: Content-Language, Precedence, X-Auto-Response-Suppress.
COVERED = (
    *OVERSIGNED,
    b"content-transfer-encoding",
    b"sender",
    b"list-help",
    b"feedback-id",
    b"archived-at",
    b"auto-submitted",
)
_CRLF = b"\r\n"
# Sets of field names whose `h=` tag is cached. All messages of an edition have the same set.
_HEADER_SHAPES = 256


@dataclass(frozen=True, slots=True)
class DkimKey:
    """A private key: `public` is the tag `p=` for DNS, `sign_digest` signs a SHA-256 digest."""

    algorithm: DkimAlgorithm
    public: str
    sign_digest: Callable[[bytes], bytes] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class DkimSigner:
    """A domain that signs messages, with one of its keys."""

    domain: str
    selector: str
    key: DkimKey


def dkim_fields(
    signers: Sequence[DkimSigner], fields: Sequence[HeaderField], body: Sequence[bytes]
) -> bytes:
    """Return the `DKIM-Signature` fields of all signers; `body` is all that follows the empty line, cut anywhere."""
    if not signers:
        return b""
    order, names = _coverage(tuple(name for name, _value in fields))
    covered = b"".join(_relaxed(*fields[place]) + _CRLF for place in order)
    tags = names + _CRLF + b" bh=" + b64encode(body_hash(body)) + b";"
    return b"".join(_signature(signer, covered, tags) for signer in signers)


def _signature(signer: DkimSigner, covered: bytes, tags: bytes) -> bytes:
    """Sign the covered fields, then the signature's own field with an empty `b=`."""
    value = _CRLF.join((_opening(signer), tags, b" b="))
    digest = hashlib.sha256(covered + _relaxed(b"DKIM-Signature", value)).digest()
    last = _wrapped(b" b=" + b64encode(signer.key.sign_digest(digest)))
    return b"DKIM-Signature:%b%b\r\n" % (value.removesuffix(b" b="), last)


def _opening(signer: DkimSigner) -> bytes:
    what = f" v=1; a={signer.key.algorithm}; c=relaxed/simple;"
    who = f" d={signer.domain}; s={signer.selector};"
    if len(who) > MIME_COLUMNS:
        who = f" d={signer.domain};\r\n s={signer.selector};"
    return f"{what}\r\n{who}".encode("ascii")


def body_hash(body: Sequence[bytes]) -> bytes:
    """Return a body's hash, without the empty lines at its end (RFC 6376 section 3.4.3)."""
    kept, tail = len(body), b""
    # A line end may be cut in two, and the last lines may be in as many segments.
    while kept and tail in {b"", b"\n"}:
        kept -= 1
        tail = _without_empty_lines(body[kept] + tail)
    # In one call: each call releases the lock of the interpreter and waits for it again.
    return hashlib.sha256(b"".join((*body[:kept], tail, _CRLF))).digest()


def _without_empty_lines(text: bytes) -> bytes:
    end = len(text)
    while text.endswith(_CRLF, 0, end):
        end -= len(_CRLF)
    return text[:end]


@lru_cache(_HEADER_SHAPES)
def _coverage(names: tuple[bytes, ...]) -> tuple[tuple[int, ...], bytes]:
    """Return the places of the signed fields, of several of one name the last first (RFC 6376 section 5.4.2), and the tag `h=`."""
    present = [name.lower() for name in names]
    order: list[int] = []
    listed: list[bytes] = []
    for name in COVERED:
        places = [place for place, other in enumerate(present) if other == name]
        order += reversed(places)
        listed += [name] * (len(places) + (name in OVERSIGNED))
    return tuple(order), _h_tag(listed)


def _h_tag(names: Sequence[bytes]) -> bytes:
    lines = [b" h="]
    for name in names:
        if len(lines[-1]) + len(name) + 1 > MIME_COLUMNS:
            lines.append(b" ")
        lines[-1] += name + b":"
    return _CRLF.join(lines).removesuffix(b":") + b";"


def _wrapped(line: bytes) -> bytes:
    step = MIME_COLUMNS - 1
    rest = line[MIME_COLUMNS:]
    lines = [line[:MIME_COLUMNS], *(rest[at : at + step] for at in range(0, len(rest), step))]
    return b"\r\n ".join(lines)


def _relaxed(name: bytes, value: bytes) -> bytes:
    """Return a field in canonical form, without a line end (RFC 6376 section 3.4.2)."""
    words = value.replace(_CRLF, b"").replace(b"\t", b" ").split(b" ")
    return name.lower() + b":" + b" ".join(filter(None, words))
