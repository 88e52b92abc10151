"""Which addresses webhooks may have: https, at hosts whose addresses are all on the public net.

Otherwise whoever adds a webhook could have this machine call others beside it, which trust it (server-side
request forgery). The name is resolved once, and the connection goes to an address that was checked.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from publisher.errors import WebhookError

_MAX_LENGTH = 2000
# Visible ASCII: other characters have to be escaped in an address.
_CHARACTERS = re.compile(r"[!-~]+")
# Beside what `ipaddress` knows, which differs between versions of Python: for protocols, 6to4's relays,
# and those that carry an address of IPv4, which would be reached in the end: translated (RFC 6052, 8215),
# Teredo, 6to4, compatible.
_NOT_PUBLIC = tuple(
    map(
        ipaddress.ip_network,
        (
            *("192.0.0.0/24", "192.88.99.0/24", "100.64.0.0/10"),
            *(
                "64:ff9b::/96",
                "64:ff9b:1::/48",
                "2001::/23",
                "2001:db8::/32",
                "2002::/16",
                "::/96",
            ),
        ),
    )
)
_DEFAULT_PORTS = {"https": 443, "http": 80}
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Target:
    """Where a webhook's requests go. `netloc` is as in the address; `path` has the query."""

    is_tls: bool
    host: str
    port: int
    netloc: str
    path: str


def parse_target(url: str, *, allow_loopback: bool = False) -> Target:
    """Return where an address leads; raise WebhookError for one that no webhook may have.

    With `allow_loopback` it may also lead to this machine, by http.
    """
    if len(url) > _MAX_LENGTH or not _CHARACTERS.fullmatch(url):
        raise WebhookError(
            f"not an address of a webhook; write ASCII, {_MAX_LENGTH} characters at most"
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise WebhookError("not an address; write one like https://example.org/hook") from None
    is_local = allow_loopback and host in _LOOPBACK_NAMES
    if parts.scheme != "https" and not (is_local and parts.scheme == "http"):
        raise WebhookError("the address of a webhook begins with https://")
    if not host or parts.username is not None or parts.password is not None or parts.fragment:
        raise WebhookError(
            "the address of a webhook has a host, and neither a user nor a fragment (#)"
        )
    if (literal := _literal(host)) and not _may_be_called(literal, allow_loopback):
        raise WebhookError(
            f"{host}: is not on the public net, so nothing can be sent there; write the name of a public host"
        )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    port = _DEFAULT_PORTS[parts.scheme] if port is None else port
    return Target(parts.scheme == "https", host, port, parts.netloc, path)


def _literal(host: str) -> str:
    """Return the address that a host is, in any spelling that resolvers take; empty for a name."""
    try:
        # Also 0177.0.0.1 and 2130706433, but nothing with blanks, which can't be in an address.
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return host if ":" in host else ""


def resolve(target: Target, *, allow_loopback: bool = False) -> str:
    """Return an address of the target's host; raise WebhookError unless all of them are public.

    One public address among others is no proof: a name server may give another one next time.
    """
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise WebhookError(f"{target.host}: the name can't be resolved") from None
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    refused = [one for one in addresses if not _may_be_called(one, allow_loopback)]
    if refused or not addresses:
        raise WebhookError(
            f"{target.host}: leads to {', '.join(refused) or 'no address'}, which is not on the public net"
        )
    return addresses[0]


def is_public(address: str) -> bool:
    """Return whether an IP address is one of the public net, and of a single host."""
    try:
        one = ipaddress.ip_address(address)
    except ValueError:  # with a zone, such as fe80::1%eth0
        return False
    if any(one in net for net in _NOT_PUBLIC):
        return False
    if isinstance(one, ipaddress.IPv6Address) and (one.ipv4_mapped or one.is_site_local):
        return False
    return one.is_global and not one.is_multicast and not one.is_reserved


def _may_be_called(address: str, allow_loopback: bool) -> bool:
    if is_public(address):
        return True
    return allow_loopback and address in _LOOPBACK_NAMES
