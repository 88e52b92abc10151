"""Judge where a request may go: read an address of the web, and say which IP addresses may be reached. Pure.

Requests go to the public net only. Otherwise whoever names an address could have this machine call others beside
it, which trust it (server-side request forgery). There is one parser of addresses, and it refuses what parsers
read differently: backslashes, blanks, control characters, users.
"""

import ipaddress
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias
from urllib.parse import quote, urljoin, urlsplit

from publisher.fetching.limits import FetchError, FetchProblem

IPNetwork: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_MAX_LENGTH = 8000  # characters; servers need not take more (RFC 9110 section 4.1)
_REFUSED = re.compile(r"[\x00-\x20\x7f-\x9f\\]")
# As long as a name may be (RFC 1035 section 2.3.4).
_HOST_NAME = re.compile(r"[a-z0-9_.-]{1,253}")
_BRACKETS = re.compile(r"\[[^]]*\](?::|$)")  # around all of a host
_DEFAULT_PORTS = {"https": 443, "http": 80}
# Escaped already, or with a meaning of their own (RFC 3986 section 2.2).
_SAFE = "!#$%&'()*+,/:;=?@[]~"
# Beside what `ipaddress` knows, which differs between versions of Python: for protocols, 6to4's relays, NAT of
# carriers, and a public address at which Azure shows a machine its secrets.
_SPECIAL_IPV4 = "192.0.0.0/24 192.88.99.0/24 100.64.0.0/10 168.63.129.16/32"
# Of what is assigned to hosts: for protocols and Teredo, for examples, 6to4.
_SPECIAL_IPV6 = "2001::/23 2001:db8::/32 2002::/16 3fff::/20"
_NOT_PUBLIC = [ipaddress.ip_network(net) for net in f"{_SPECIAL_IPV4} {_SPECIAL_IPV6}".split()]
_UNICAST = ipaddress.IPv6Network("2000::/3")
# An address of IPv4 in its last 32 bits, as name servers give it to hosts without IPv4 (RFC 6052, 6147).
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
# What the settings may name of an intranet (RFC 1918, 6598, 4193), and where clouds show secrets in these ranges.
_INTRANETS = "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 fc00::/7"
_METADATA = "100.100.100.200 fd00:ec2::254 fd20:ce::254"
LOOPBACK = (ipaddress.ip_network("127.0.0.1"), ipaddress.ip_network("::1"))
_REPEATING = frozenset({307, 308})
_REDIRECTING = _REPEATING | {301, 302, 303}


@dataclass(frozen=True, slots=True)
class WebTarget:
    """Where a request goes: `host` is ASCII and without brackets, `path` has the query."""

    is_tls: bool
    host: str
    port: int
    path: str

    @property
    def netloc(self) -> str:
        """The host and port, as the Host field has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_tls else 80) else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class WebRequest:
    """A request. `follow` says which redirects are followed: none, one at the same host, or any.

    A redirect to another origin gets none of `headers`, except those that begin with Accept or If.
    """

    url: str = field(repr=False)
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    follow: Literal["none", "same host", "any"] = "none"


def read_target(url: str) -> WebTarget:
    """Return where an address leads; raise FetchError for one that is malformed, or not of the web."""
    if len(url) > _MAX_LENGTH or _REFUSED.search(url):
        raise FetchError(FetchProblem.ADDRESS)
    try:
        parts = urlsplit(url)
        host, port = _ascii_host(parts.hostname or ""), parts.port
    except ValueError:
        raise FetchError(FetchProblem.ADDRESS) from None
    if parts.scheme not in _DEFAULT_PORTS:
        raise FetchError(FetchProblem.ADDRESS, "only http and https are read")
    is_bracketed = _BRACKETS.match(parts.netloc) is not None
    if not host or port == 0 or "@" in parts.netloc or is_bracketed != (":" in host):
        raise FetchError(FetchProblem.ADDRESS, "it has a host, and no user")
    path = quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe=_SAFE)
    return WebTarget(parts.scheme == "https", host, port or _DEFAULT_PORTS[parts.scheme], path)


def _ascii_host(host: str) -> str:
    """Return a host as name servers know it; raise ValueError for a malformed one."""
    if ":" in host:
        if "%" in host:  # a zone, which names an interface of this machine
            raise ValueError(host)
        return str(ipaddress.IPv6Address(host))
    if not host.isascii():
        import idna

        # Maps other digits and full stops, too.
        host = idna.encode(host, uts46=True).decode()
    if host and not _HOST_NAME.fullmatch(host):
        raise ValueError(host)
    return host


def literal_address(host: str) -> str:
    """Return the IP address that a host is, in any spelling that resolvers take; empty for a name."""
    try:
        # Also 0177.0.0.1 and 2130706433.
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return host if ":" in host else ""


def is_public(address: str) -> bool:
    """Return whether an IP address is one of the public net, and of a single host."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _TRANSLATED:
            return is_public(str(ipaddress.IPv4Address(ip.packed[-4:])))
        is_special = ip.scope_id is not None or ip not in _UNICAST
    else:
        is_special = not ip.is_global or ip.is_multicast or ip.is_reserved
    return not is_special and not any(ip in net for net in _NOT_PUBLIC)


def may_reach(address: str, networks: Sequence[IPNetwork]) -> bool:
    """Return whether an IP address is public, or in one of the networks that a configuration names."""
    if is_public(address):
        return True
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(ip in net for net in networks)


def intranet(text: str) -> IPNetwork:
    """Return the network that a text names; raise ValueError unless all of it is a part of an intranet.

    This machine, link-local addresses and those at which clouds show machines their secrets are none.
    """
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        raise ValueError(f"{text!r} is no network; write one like 10.1.2.0/24") from None
    whole = map(ipaddress.ip_network, _INTRANETS.split())
    if not any(one.supernet_of(network) for one in whole if one.version == network.version):  # type: ignore[arg-type]  # of one version
        raise ValueError(f"{text!r} is no part of an intranet; such are {_INTRANETS}")
    for secret in _METADATA.split():
        if ipaddress.ip_address(secret) in network:
            raise ValueError(f"{text!r} has {secret}, where clouds show secrets; name less")
    return network


def networks_named_by(url: str) -> tuple[IPNetwork, ...]:
    """Return what an address of the settings names itself: its IP address, or this machine by `localhost`.

    A name of another machine names none: its name server may lead it anywhere.
    """
    host = read_target(url).host
    if host == "localhost":
        return LOOPBACK
    address = literal_address(host)
    return (ipaddress.ip_network(address),) if address else ()


def redirected(request: WebRequest, status: int, location: str) -> WebRequest | None:
    """Return the request that a redirect asks for (RFC 9110 section 15.4), None if it is not followed.

    A POST is repeated for 307 and 308 only, and never becomes a GET.
    """
    codes = _REDIRECTING if request.method in {"GET", "HEAD"} else _REPEATING
    if request.follow == "none" or status not in codes or not location:
        return None
    try:
        # http.client has read bytes as Latin-1.
        raw = quote(location.strip().encode("latin-1"), safe=_SAFE + " ")
        url = urljoin(request.url, raw)
        before, after = urlsplit(request.url), urlsplit(url)
    except ValueError:
        raise FetchError(FetchProblem.ADDRESS, "that of a redirect") from None
    if request.follow == "same host":
        is_same = after.netloc == before.netloc and after.scheme in {before.scheme, "https"}
        return replace(request, url=url, follow="none") if is_same else None
    if (after.scheme, after.netloc) == (before.scheme, before.netloc):
        return replace(request, url=url)
    kept = {n: v for n, v in request.headers.items() if n.lower().startswith(("accept", "if-"))}
    return replace(request, url=url, headers=kept)
