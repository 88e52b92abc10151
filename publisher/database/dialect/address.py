"""Addresses of databases on a server: what is wrong with one, and what of it may be shown.

Does not import the driver: settings are checked without it. A faulty address is never repeated,
since any part of it may belong to a password.
"""

from __future__ import annotations

import re

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

_SCHEMES = ("postgresql", "postgresql+psycopg", "postgres")
_EXAMPLE = "write postgresql://user@host/name"
# Several hosts, each with a port of its own or none, as libpq reads them.
_SEVERAL_HOSTS = re.compile(r"([^/]+://(?:[^/@]*@)?)([^/?@]+,[^/?@]+)(/[^?@]*)(?:\?(.*))?")
# Parameters of libpq that hold passwords.
SECRET_PARAMETERS = ("password", "sslpassword")


def parse_address(address: str) -> URL:
    """Return an address in parts; raise ValueError with the problem and the remedy."""
    try:
        url = make_url(_with_hosts_as_parameters(address))
    except (ArgumentError, ValueError):
        raise ValueError(f"is no address of a database; {_EXAMPLE}") from None
    user, at, place = address.partition("://")[2].partition("?")[0].partition("@")
    if "@" in place or (at and "/" in user):
        raise ValueError(
            "has more than one @, or a / before it; in user and password, write %40 for @ and %2F for /"
        )
    if url.drivername not in _SCHEMES or not url.database:
        raise ValueError(f"is no address of a database: {printable(url)}; {_EXAMPLE}")
    return url.set(drivername="postgresql+psycopg")


def _with_hosts_as_parameters(address: str) -> str:
    """Return an address with several hosts in the form that SQLAlchemy reads; any other one as it is."""
    if not (found := _SEVERAL_HOSTS.fullmatch(address)):
        return address
    start, hosts, name, parameters = found.groups()
    options = [f"host={host}" for host in hosts.split(",")] + [parameters] * bool(parameters)
    return f"{start}{name}?{'&'.join(options)}"


def is_address(text: str) -> bool:
    """Return whether a text is meant as an address, and not as the path of a file."""
    return "://" in text


def require_no_password(address: str) -> str:
    """Return an address that may stand in a file; raise ValueError if it has a password."""
    url = parse_address(address)
    if url.password is not None or not url.query.keys().isdisjoint(SECRET_PARAMETERS):
        raise ValueError(
            "has a password, which does not belong in this file; leave it out, and put it into PGPASSWORD, "
            "into a file that PGPASSFILE names, or put the whole address into PUBLISHER_DATABASE"
        )
    return address


def printable(url: URL) -> str:
    """Return an address without user, password and options."""
    return URL.create(
        url.drivername.partition("+")[0], host=url.host, port=url.port, database=url.database
    ).render_as_string()
