"""What changed in an RSS or Atom document: the instance manipulation `feed` of RFC 3229.

A feed reader that sends `A-IM: feed` gets an entity tag that names the entries, too; when it sends the tag again,
entries that are not among those are the ones that it lacks. So nothing is stored, and an unknown tag only has the
whole document sent. As `feeds` writes documents, each entry begins on a line of its own, and markup in its text is
escaped.
"""

import re
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256

_START = re.compile(rb"(?=\n *<(?:item|entry)[ >])")
_END = re.compile(rb".*</(?:item|entry)>", re.DOTALL)
# Characters of base64, six bits each: a changed entry is taken for a known one once in 10 million times.
_MARK_LENGTH = 5
_MAX_ENTRIES = 80  # tags of longer documents would be longer than 400 characters
_TAG = re.compile(r"[0-9a-f]+[a-z-]*\.([A-Za-z0-9+/]+)")  # after the hash and the coding


def entry_marks(document: bytes) -> str:
    """Return short hashes of all entries, for a tag; "" for a document that has none, or too many."""
    _head, entries, _tail = _split(document)
    return "".join(map(_mark, entries)) if len(entries) <= _MAX_ENTRIES else ""


def known_entries(tags: Iterable[str]) -> tuple[str, frozenset[str]] | None:
    """Return the first of a client's tags that names entries, and their hashes; None if none does."""
    for tag in tags:
        if known := _TAG.fullmatch(tag):
            starts = range(0, len(known[1]), _MARK_LENGTH)
            return tag, frozenset(known[1][start : start + _MARK_LENGTH] for start in starts)
    return None


def changed_entries(document: bytes, known: frozenset[str]) -> bytes:
    """Return the document without the entries whose hashes are known."""
    head, entries, tail = _split(document)
    return b"".join((head, *(one for one in entries if _mark(one) not in known), tail))


def _split(document: bytes) -> tuple[bytes, list[bytes], bytes]:
    head, *entries = _START.split(document)
    last = _END.match(entries[-1]) if entries else None
    if last is None:
        return document, [], b""
    return head, [*entries[:-1], last[0]], entries[-1][last.end() :]


def _mark(entry: bytes) -> str:
    return b64encode(sha256(entry).digest())[:_MARK_LENGTH].decode()
