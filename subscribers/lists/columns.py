"""Columns of lists that other programs export, read as columns of ours. Pure.

Known are the exports of Mailchimp (a file each for subscribed, unsubscribed and cleaned contacts),
Substack, Ghost, listmonk, Buttondown and Mailman, by the names of their columns.

Columns also say whether somebody gets mail, and nobody becomes active here who was not so there. A
column tells a status by its word (`status`), that there is no mail by being filled (`off`), that
there is mail by being true (`on`), or names what somebody gets mail about (`sections`, `lists`). Of
several columns the strongest refusal counts. Names are those of `column_key` in `cells`.
"""

import difflib
import ipaddress
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Final

from subscribers.errors import BadCellError, BadFileError, RowReason, none_of, quoted
from subscribers.lists.cells import ADDRESS_COLUMNS, column_key
from subscribers.model import SubscriberStatus

_STATUS_ROLES: Final = {
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
    if role := _STATUS_ROLES.get(name):
        return role
    if _OTHER.search(name):
        return ""
    return "off" if _OFF.search(name) else "on" if _ON.search(name) else ""


def stated_status(columns: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """Return the status that these cells tell, and which column does; empty if none. Raise BadCellError."""
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
    if name in _STATUS_ROLES or not re.match(r"\d", word):
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


OWN_COLUMNS: Final = ("email", "name", "language", "timezone", "newsletters", "status")

# Names of columns elsewhere, as keys; the first one that a row fills counts.
_NAMES: Final = {
    "email": ADDRESS_COLUMNS,
    "name": ("name", "full name", "display name", "real name"),
    "first": ("first name", "fname"),
    "last": ("last name", "lname"),
    "language": (
        *("language", "preferred language", "locale", "lang", "user language", "mc language"),
        *("sprache", "langue", "idioma", "lengua", "语言", "語言", "语种", "語種", "言語"),
    ),
    "timezone": ("timezone",),
    "newsletters": ("newsletters",),
    "consented": (
        *("consented", "confirm time", "optin time", "created at", "creation date"),
        *("start date", "subscribed at", "date added"),
    ),
    "network": ("network", "confirm ip", "optin ip", "ip address"),
    "attributes": ("attributes", "metadata"),
}
FIELD_ROLE: Final = "field "  # before the name of a field of the publication's own
_COLUMN_ROLES: Final = {name: role for role, names in _NAMES.items() for name in names}
# Years in which somebody can have agreed to mail. The first and the last that there are have no UTC time.
_YEARS: Final = range(1970, 2200)
# How alike two names are, from 0 to 1, so that one is taken for a misspelling of the other.
_ALIKE: Final = 0.75


def is_column_name(name: str) -> bool:
    """Return whether lists have a column of such a name already."""
    key = name.replace("-", " ")
    return key in _COLUMN_ROLES or bool(status_role(key))


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """The columns of a file: what each is read as, empty for those that are ignored."""

    header: tuple[str, ...]
    roles: tuple[str, ...]

    @property
    def ignored(self) -> tuple[str, ...]:
        """The names of the columns that are not read."""
        return tuple(
            name for name, role in zip(self.header, self.roles, strict=True) if not role
        )

    @property
    def understood(self) -> dict[str, str]:
        """What each column that is read is read as."""
        return {n: role for n, role in zip(self.header, self.roles, strict=True) if role}

    def own_cells(self, cells: Sequence[str]) -> dict[str, str]:
        """Return a row's cells by the names of our columns. Raise BadCellError."""
        found: dict[str, str] = {}
        rows = list(zip(self.roles, self.header, cells, strict=True))
        for role, _name, cell in sorted(rows, key=_rank):
            if role in _NAMES and not found.get(role):
                found[role] = cell.strip()
        given: dict[str, str] = {name: found[name] for name in OWN_COLUMNS if name in found}
        if "first" in found or "last" in found:
            whole = " ".join([found.get("first", ""), found.get("last", "")]).strip()
            given["name"] = given.get("name") or whole
        if language := found.get("language") or _language(found.get("attributes", "")):
            given["language"] = language
        # The other columns that are read tell whether there is mail.
        given |= {role: cell for role, _name, cell in rows if role.startswith(FIELD_ROLE)}
        stated = [
            (name, cell.strip())
            for role, name, cell in rows
            if role and role not in _NAMES and role not in given
        ]
        status, column = stated_status(stated)
        if status:
            given |= {"status": status, "by": column}
        for name in ("consented", "network"):
            if found.get(name):
                given[name] = found[name]
        return given


def plan_columns(line: int, cells: Sequence[str], fields: Sequence[str] = ()) -> ColumnPlan:
    """Return what a header's columns are read as; `fields` are names of the publication's own. Raise BadFileError for a double or misspelt column, or no address."""
    if not cells:
        raise BadFileError(
            line, RowReason("the file is empty; it starts with a header such as email,name")
        )
    header = tuple(cell.strip() for cell in cells)
    names = [column_key(name) for name in header]
    own = {name.replace("-", " "): FIELD_ROLE + name for name in fields}
    for name in names:
        is_known = (
            name.replace("-", " ") in own or name in _COLUMN_ROLES or name in _STATUS_ROLES
        )
        if is_known and names.count(name) > 1:
            raise BadFileError(line, RowReason("the column %(name)s is there twice", name=name))
        near = difflib.get_close_matches(name, OWN_COLUMNS, 1, _ALIKE)
        if not is_known and near:
            reason = RowReason(
                "unknown column %(name)s; did you mean %(near)s?",
                name=quoted(name),
                near=near[0],
            )
            raise BadFileError(line, reason)
    roles = tuple(
        own.get(name.replace("-", " ")) or _COLUMN_ROLES.get(name) or status_role(name)
        for name in names
    )
    if "email" not in roles:
        raise BadFileError(line, RowReason("there is no column email"))
    return ColumnPlan(header, roles)


def parse_consent_time(cell: str) -> datetime | None:
    """Return an instant of an export, in UTC if it has no zone; None if it can't be read, or can't be true."""
    try:
        found = datetime.fromisoformat(cell.removesuffix(" UTC"))
    except ValueError:
        return None
    if found.year not in _YEARS:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def shorten_network(cell: str) -> str:
    """Return the /24 of an IPv4 address, the /48 of an IPv6 one, or an empty text."""
    try:
        address = ipaddress.ip_interface(cell).ip
    except ValueError:
        return ""
    length = 24 if address.version == 4 else 48  # noqa: PLR2004 -- versions of IP
    return str(ipaddress.ip_network((address, length), strict=False))


def _rank(column: tuple[str, str, str]) -> int:
    role, name, _cell = column
    return _NAMES[role].index(column_key(name)) if role in _NAMES else 0


def _language(attributes: str) -> str:
    try:
        values = json.loads(attributes)
    except (ValueError, RecursionError):
        return ""
    names = ("language", "lang", "locale") if isinstance(values, dict) else ()
    return next((values[name] for name in names if isinstance(values.get(name), str)), "")
