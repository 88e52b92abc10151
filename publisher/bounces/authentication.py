"""Whether our own mail server has authenticated a mail's sender (Authentication-Results, RFC 8601). Pure.

Anybody can write such a field into a mail. So only one with the configured authserv-id counts, and of
these only the topmost: servers add theirs above what came with the mail (RFC 8601 section 5).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email.utils import getaddresses
from typing import Final

# The properties whose domain a passed method vouches for.
_PROPERTIES: Final = {
    "dmarc": ("header.from",),
    "dkim": ("header.d", "header.i"),
    "spf": ("smtp.mailfrom",),
}
_EQUALS: Final = re.compile(r"\s*=\s*")


@dataclass(frozen=True, slots=True)
class _Result:
    """What one method found: `dkim`, `pass`, and the properties with their values."""

    method: str
    result: str
    properties: dict[str, str]


def sole_sender(values: Sequence[str]) -> str:
    """Return the address of the From fields; empty unless there is one field with one address.

    With two, servers and mail clients differ in which of them they check and show.
    """
    found = getaddresses(values) if len(values) == 1 else []
    return found[0][1] if len(found) == 1 else ""


def is_authenticated(values: Iterable[str], authserv_id: str, domain: str) -> bool:
    """Return whether the server `authserv_id` authenticated a mail from `domain`.

    `values` are the mail's Authentication-Results fields, the topmost first. `dmarc=pass` counts for
    the domain of From; a passed DKIM or SPF for its own domain and those below. `dmarc=fail` forbids.
    """
    results = next((r for one in values if (r := _results(one, authserv_id)) is not None), [])
    if any((one.method, one.result) == ("dmarc", "fail") for one in results):
        return False
    return any(one.result == "pass" and _vouches_for(one, domain.lower()) for one in results)


def _vouches_for(result: _Result, domain: str) -> bool:
    for name in _PROPERTIES.get(result.method, ()):
        value = result.properties.get(name, "").rpartition("@")[2]
        is_above = result.method != "dmarc" and "." in value and domain.endswith(f".{value}")
        if value and (domain == value or is_above):
            return True
    return False


def _results(value: str, authserv_id: str) -> list[_Result] | None:
    """Return the results of a field, none if it can't be read; None if it is of another server."""
    name, *rest = _bare(value).lower().split(";")
    if name.split() and name.split()[0] != authserv_id.lower():
        return None
    found = []
    for text in rest:
        method, *properties = _EQUALS.sub("=", text).split() or [""]
        kind, _, result = method.partition("=")
        pairs = (one.partition("=") for one in properties)
        values = {name: value for name, _, value in pairs}
        found.append(_Result(kind.partition("/")[0], result, values))
    return found


def _bare(value: str) -> str:
    """Return a field without comments and quoted texts: a sender chooses what is in them.

    Empty if one does not end, or a comment is glued to a word (`d=bank.example(.evil.example`).
    """
    kept, depth, is_quoted, is_escaped = [" "], 0, False, False
    for sign in value:
        if is_escaped:
            is_escaped = False
        elif sign == "\\":
            is_escaped = True
        elif is_quoted or (sign == '"' and not depth):
            is_quoted = sign != '"' if is_quoted else True
        elif sign == "(":
            if not depth and kept[-1] not in " =;":
                return ""
            depth += 1
        elif sign == ")" and depth:
            depth -= 1
        elif not depth:
            kept.append(sign)
    return "" if is_quoted or depth else "".join(kept)
