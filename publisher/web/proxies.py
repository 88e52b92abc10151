"""The client's address behind proxies. Pure.

Each proxy adds the address of its peer at the end of X-Forwarded-For. What stands before the first
one that is not trusted may be invented.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence


def client_address(peer: str, forwarded_for: str, trusted: Sequence[str]) -> str:
    """Return the address of a client.

    `peer` is who sent the request to us, `forwarded_for` the field X-Forwarded-For, and `trusted`
    are networks of proxies.
    """
    networks = [ipaddress.ip_network(one) for one in trusted]
    address = peer
    for hop in reversed(forwarded_for.split(",")):
        found = _parse(hop)
        if not _is_in(address, networks) or found is None:
            break
        address = str(found)
    return address


def _is_in(
    address: str, networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]
) -> bool:
    found = _parse(address)
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return found is not None and any(found in network for network in networks)


def _parse(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    host = text.strip()
    # Some proxies add the port: 192.0.2.7:50000, [2001:db8::7]:50000.
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
