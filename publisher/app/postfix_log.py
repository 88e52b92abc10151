"""Read what became of mails from Postfix's log, by Message-ID. Pure.

Postfix logs a Message-ID with the number of its queue file, and later the result with that number. A
number may be used again, for another Message-ID.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_MESSAGE_ID = re.compile(r"postfix[^ ]*/cleanup\[\d+\]: (\w+): message-id=<([^<>\s]+)>")
_RESULT = re.compile(
    r"postfix[^ ]*/[\w-]+\[\d+\]: (\w+): to=<[^>]*>,.* dsn=([\d.]+), status=(\w+) \((.*)\)\s*$"
)
# A mail that a filter took and a server refused later was returned.
_RANKS = {"sent": 1, "bounced": 2, "expired": 2}


@dataclass(frozen=True, slots=True)
class LoggedResult:
    """What the log says of a mail: whether a server took it, else its status (RFC 3463) and words."""

    is_sent: bool
    status: str
    words: str


def read_postfix_log(lines: Iterable[str]) -> dict[str, LoggedResult]:
    """Return the results by Message-ID, without angle brackets. Mails that still wait have none."""
    queued: dict[str, str] = {}
    found: dict[str, tuple[int, LoggedResult]] = {}
    for line in lines:
        if match := _MESSAGE_ID.search(line):
            queued[match[1]] = match[2]
        elif (match := _RESULT.search(line)) and match[1] in queued:
            number, status, result, words = match.groups()
            rank, message_id = _RANKS.get(result, 0), queued[number]
            if rank and rank >= found.get(message_id, (0,))[0]:
                found[message_id] = rank, LoggedResult(result == "sent", status, words)
    return {message_id: result for message_id, (_rank, result) in found.items()}
