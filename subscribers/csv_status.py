"""What columns of a list say about whether somebody gets mail. Pure.

A column tells a status by its word (`status`), that there is no mail by being filled (`off`), that
there is mail by being true (`on`), or names what somebody gets mail about (`sections`, `lists`). Of
several columns the strongest refusal counts. Names are those of `csv_cells.column_key`.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Final

from subscribers.csv_cells import column_key
from subscribers.errors import BadCellError
from subscribers.model import SubscriberStatus
from subscribers.reasons import RowReason, none_of, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

_ROLES: Final = {
    name: role
    for role, names in {
        "status": "status, subscriber type, type, subscription status, subscriber status,"
        " contact status, member status, marketing status, email status, email marketing,"
        " email marketing status, email subscription status, delivery status, role",
        "off": "deleted at, disabled, blocked, banned, dnc",
        "on": "subscribed to emails, subscribed, is subscribed, active, is active, enabled",
        "sections": "emails enabled, sections",
        "lists": "lists",
    }.items()
    for name in names.split(", ")
}
# Further names of columns that are filled, or true, for those who get no mail.
_OFF: Final = re.compile(
    r"unsub|opt(ed)?[ -]?out|no[ -]?mail|suppress|black-?list|block-?list|undeliverab"
    r"|\b(bounced?|clean time|cleaned|complain\w*|spam|abuse|do not (contact|e?-?mail|send))\b"
    r"|\b(e-?mails?|mail|delivery|account|user|subscri\w+) (is )?(disabled|off|blocked)\b"
)
_ON: Final = re.compile(
    r"\b(e-?mails?|mail|newsletters?|marketing)\b.*\b(enabled|subscribed|opt(ed)?[ -]?in|allowed"
    r"|accepted|consent|permission)\b|^(accepts|receives?|wants) .*(mail|marketing|newsletter)"
    r"|^(has )?opt(ed)?[ -]?in$"
)
# What such a name may be about instead of a person's wish.
_OTHER: Final = re.compile(
    r"\b(count|score|rate|rating|num|number|total|url|link|token|key|hash|code|ip|bounces)\b"
)
_ENDED: Final = {"bounced": r"bounce|clean|undeliverab", "complained": r"complain|spam|abuse"}

_FALSE: Final = frozenset({"false", "0", "no", "n", "f", "off", "never", "none", "null"})
_TRUE: Final = frozenset({"true", "1", "yes", "y", "t", "on", "x"})
# Cells of a column for those without mail that say nothing: dates that are none, and Mailman's word.
_EMPTY: Final = _FALSE | {"", "-", "n/a", r"\n", "enabled", "0000-00-00 00:00:00"}
# Words for a status, of ours and of others.
_STATUSES: Final = {
    word: status
    for status, words in {
        "active": "active, subscribed, enabled, confirmed, regular, premium, trialed, gifted, churned,"
        " churning, past due, unpaid, paused, free, paid, comp, gift, founding, member, trial,"
        " free trial, iap, lifetime, monthly, yearly, annual, verified",
        "pending": "pending, unactivated, unconfirmed, upcoming",
        "unsubscribed": "unsubscribed, disabled, blocklisted, blacklisted, removed, blocked, spammy,"
        " inactive, archived, by user, by moderator, by admin, unknown, banned, suppressed",
        "bounced": "bounced, cleaned, undeliverable, by bounces, by bounce, [b]",
        "complained": "complained, spam, abuse",
    }.items()
    for word in words.split(", ")
}
_NEVER: Final = frozenset(
    {"non-subscribed", "nonsubscribed", "not subscribed", "transactional", "nonmember"}
)
_STRENGTH: Final = ("", "active", "pending", "bounced", "unsubscribed", "complained")


@cache
def status_role(name: str) -> str:
    """Return how a column of this name tells whether there is mail, or an empty text."""
    if role := _ROLES.get(name):
        return role
    if _OTHER.search(name):
        return ""
    return "off" if _OFF.search(name) else "on" if _ON.search(name) else ""


def is_own_status_column(name: str) -> bool:
    """Return whether a column is known by its name and not by a part of it."""
    return name in _ROLES


def stated_status(columns: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """Return the status that these cells tell, and the name of the column that tells it.

    Both are empty if they say nothing. Raise BadCellError.
    """
    stated = [(_stated(column_key(name), cell), name) for name, cell in columns]
    return max(stated, key=lambda one: _STRENGTH.index(one[0]), default=("", ""))


def _stated(name: str, cell: str) -> str:
    word = " ".join(cell.casefold().replace("_", " ").split())
    match status_role(name):
        case "status":
            return _by_word(name, cell, word)
        case "off":
            return "" if word in _EMPTY else _off(name, word)
        case "on":
            return _on(name, word)
        case "sections":
            return "unsubscribed" if not word.strip(",[] ") or word in _FALSE else ""
        case _:
            return _by_lists(cell)


def _by_word(name: str, cell: str, word: str) -> str:
    status = _STATUSES.get(word, "")
    if word in _NEVER:
        reason = RowReason(
            "%(cell)s means that this person never subscribed", cell=quoted(cell)
        )
        raise BadCellError(name, reason)
    # Of the roles of Mailman that one counts. Other lists have roles of their own.
    if name == "role":
        return ""
    if word and not status:
        raise BadCellError(name, none_of(cell, SubscriberStatus))
    return status


def _off(name: str, word: str) -> str:
    said = _STATUSES.get(word, "")
    if said not in ("", "active", "pending"):
        return said
    return next((one for one, part in _ENDED.items() if re.search(part, name)), "unsubscribed")


def _on(name: str, word: str) -> str:
    # Ghost itself reads an empty cell of its column as true.
    if word in _TRUE or (not word and name == "subscribed to emails"):
        return ""
    if word in _EMPTY:
        return "unsubscribed"
    if name in _ROLES or not re.match(r"\d", word):
        reason = RowReason("%(word)s is neither true nor false", word=quoted(word))
        raise BadCellError(name, reason)
    # The day since when mail is wanted.
    return ""


def _by_lists(cell: str) -> str:
    """Return the best status among the lists of listmonk, as JSON; names alone say nothing."""
    try:
        lists = json.loads(cell)
    except (ValueError, RecursionError):
        return ""
    rows = [one for one in lists if isinstance(one, dict)] if isinstance(lists, list) else []
    found = {_of_list(one) for one in rows if one.get("subscription_status")}
    return min(found, key=_STRENGTH.index, default="")


def _of_list(row: dict[str, object]) -> str:
    said = str(row["subscription_status"]).casefold()
    # A list without double opt-in mails those who did not confirm.
    if said == "unconfirmed" and row.get("optin") == "single":
        return "active"
    return _STATUSES.get(said, "unsubscribed")
