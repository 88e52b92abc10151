"""Columns of lists that other programs export, read as columns of ours. Pure.

Known are the exports of Mailchimp (a file each for subscribed, unsubscribed and cleaned contacts),
Substack, Ghost, listmonk, Buttondown and Mailman, by the names of their columns. Nobody becomes
active here who was not so there: `subscribers.csv_status` reads the columns that say so.
"""

from __future__ import annotations

import difflib
import ipaddress
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from subscribers.csv_cells import ADDRESS_COLUMNS, column_key
from subscribers.csv_status import is_own_status_column, stated_status, status_role
from subscribers.errors import BadFileError
from subscribers.reasons import RowReason, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
        *(
            "consented",
            "confirm time",
            "optin time",
            "created at",
            "creation date",
            "start date",
        ),
        *("subscribed at", "date added"),
    ),
    "network": ("network", "confirm ip", "optin ip", "ip address"),
    "attributes": ("attributes", "metadata"),
}
_ROLES: Final = {name: role for role, names in _NAMES.items() for name in names}
# Years in which somebody can have agreed to mail. The first and the last that there are have no UTC time.
_YEARS: Final = range(1970, 2200)
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
        rows = list(zip(self.roles, self.header, cells, strict=True))
        for role, _name, cell in sorted(rows, key=_rank):
            if role in _NAMES and not found.get(role):
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
        stated = ((name, cell.strip()) for role, name, cell in rows if _tells(role))
        status, column = stated_status(stated)
        if status:
            given |= {"status": status, "by": column}
        for name in ("consented", "network"):
            if found.get(name):
                given[name] = found[name]
        return given


def plan_columns(line: int, cells: Sequence[str]) -> ColumnPlan:
    """Return what the columns of a header are read as.

    Raise BadFileError if a column is there twice, is misspelt, or if there is no address.
    """
    if not cells:
        raise BadFileError(
            line, RowReason("the file is empty; it starts with a header such as email,name")
        )
    header = tuple(cell.strip() for cell in cells)
    names = [column_key(name) for name in header]
    for name in names:
        is_known = name in _ROLES or is_own_status_column(name)
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
    roles = tuple(_ROLES.get(name) or status_role(name) for name in names)
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


def _tells(role: str) -> bool:
    """Return whether a column of this role tells whether there is mail."""
    return bool(role) and role not in _NAMES


def _attributes(cell: str) -> dict[str, object]:
    try:
        value = json.loads(cell)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _first(values: Mapping[str, object], *names: str) -> str:
    found = (values.get(name) for name in names)
    return next((value for value in found if isinstance(value, str)), "")
