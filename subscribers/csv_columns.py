"""Columns of lists that other programs export, read as columns of ours. Pure.

Known are the exports of Mailchimp (a file each for subscribed, unsubscribed and cleaned contacts),
Substack, Ghost, listmonk, Buttondown and Mailman, by the names of their columns. Nobody becomes
active here who was not so there: a word that is not known is refused.
"""

from __future__ import annotations

import difflib
import ipaddress
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from subscribers.csv_cells import ADDRESS_COLUMNS
from subscribers.errors import BadCellError, BadFileError
from subscribers.model import SubscriberStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OWN_COLUMNS: Final = ("email", "name", "language", "timezone", "newsletters", "status")

# Names of columns elsewhere; the first one that a row fills counts.
_NAMES: Final = {
    "email": ADDRESS_COLUMNS,
    "name": ("name", "full name", "display_name", "display name"),
    "first": ("first name", "fname", "first_name"),
    "last": ("last name", "lname", "last_name"),
    "language": ("language", "preferred_language", "locale", "lang"),
    "timezone": ("timezone",),
    "newsletters": ("newsletters",),
    "status": ("status", "subscriber_type", "type"),
    "consented": (
        *(
            "consented",
            "confirm_time",
            "optin_time",
            "created_at",
            "creation_date",
            "start date",
        ),
        *("subscribed_at", "date_added"),
    ),
    "network": ("network", "confirm_ip", "optin_ip", "ip_address"),
    "left": ("unsub_time", "unsubscription_date", "deleted_at"),
    "cleaned": ("clean_time",),
    "wants": ("subscribed_to_emails",),
    "disabled": ("email_disabled",),
    "attributes": ("attributes", "metadata"),
}
_ROLES: Final = {name: role for role, names in _NAMES.items() for name in names}
# Words for a status, of ours and of others.
_STATUSES: Final = {
    word: status
    for status, words in {
        "active": "active subscribed enabled confirmed regular premium trialed gifted churned"
        " churning past_due unpaid paused free paid comp gift founding member",
        "pending": "pending unactivated unconfirmed upcoming",
        "unsubscribed": "unsubscribed disabled blocklisted blacklisted removed blocked spammy inactive",
        "bounced": "bounced cleaned undeliverable",
        "complained": "complained spam abuse",
    }.items()
    for word in words.split()
}
_TRUE, _FALSE = frozenset({"true", "1", "yes"}), frozenset({"false", "0", "no"})
# How alike two names are, from 0 to 1, so that one is taken for a misspelling of the other.
_ALIKE: Final = 0.75


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
        ranked = sorted(zip(self.roles, self.header, cells, strict=True), key=_rank)
        for role, _name, cell in ranked:
            if role and not found.get(role):
                found[role] = cell.strip()
        given: dict[str, str] = {name: found[name] for name in OWN_COLUMNS if name in found}
        if "first" in found or "last" in found:
            whole = " ".join([found.get("first", ""), found.get("last", "")]).strip()
            given["name"] = given.get("name") or whole
        attributes = _attributes(found.get("attributes", ""))
        if language := found.get("language") or _first(
            attributes, "language", "lang", "locale"
        ):
            given["language"] = language
        if status := _status(found):
            given["status"] = status
        for name in ("consented", "network"):
            if found.get(name):
                given[name] = found[name]
        return given


def plan_columns(line: int, cells: Sequence[str]) -> ColumnPlan:
    """Return what the columns of a header are read as.

    Raise BadFileError if a column is there twice, is misspelt, or if there is no address.
    """
    header = tuple(cell.strip() for cell in cells)
    names = [name.casefold() for name in header]
    for name in names:
        if name in _ROLES and names.count(name) > 1:
            raise BadFileError(line, f"the column {name} is there twice")
        near = difflib.get_close_matches(name, OWN_COLUMNS, 1, _ALIKE)
        if name not in _ROLES and near:
            raise BadFileError(line, f"unknown column {name!r}; did you mean {near[0]}?")
    roles = tuple(_ROLES.get(name, "") for name in names)
    if "email" not in roles:
        raise BadFileError(line, "there is no column email")
    return ColumnPlan(header, roles)


def parse_consent_time(cell: str) -> datetime | None:
    """Return an instant of an export, in UTC if it has no zone; None if it can't be read."""
    try:
        found = datetime.fromisoformat(cell.removesuffix(" UTC"))
    except ValueError:
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
    return _NAMES[role].index(name.casefold()) if role else 0


def _status(found: Mapping[str, str]) -> str:
    """Return the status of a row in our words, empty if it says nothing. Raise BadCellError."""
    said = found.get("status", "")
    status = _STATUSES.get(said.casefold(), "")
    if said and not status:
        reason = f"{said!r} is none of {', '.join(SubscriberStatus)}"
        raise BadCellError("status", reason)
    if found.get("cleaned"):
        return "bounced"
    is_off = _truth(found, "disabled", default=False) or not _truth(
        found, "wants", default=True
    )
    if (found.get("left") or is_off) and status in ("", "active", "pending"):
        return "unsubscribed"
    return status


def _truth(found: Mapping[str, str], role: str, *, default: bool) -> bool:
    word = found.get(role, "").casefold()
    if word and word not in _TRUE | _FALSE:
        raise BadCellError(_NAMES[role][0], f"{word!r} is neither true nor false")
    return word in _TRUE if word else default


def _attributes(cell: str) -> dict[str, object]:
    try:
        value = json.loads(cell)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _first(values: Mapping[str, object], *names: str) -> str:
    found = (values.get(name) for name in names)
    return next((value for value in found if isinstance(value, str)), "")
