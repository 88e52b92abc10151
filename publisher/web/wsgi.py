"""What is done before an application is asked: the client's address behind proxies, and `/healthz`. Needs no Flask.

Anybody may ask `/healthz` whether this process can serve, so its answer names no person, path or address; the
log has the details. Each proxy adds the address of its peer at the end of X-Forwarded-For. What stands before the
first one that is not trusted may be invented.
"""

import ipaddress
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


def name_client(environ: WSGIEnvironment, url: str, trusted: Sequence[str]) -> None:
    """Put the client's address into a request, and the scheme of the URL at which browsers find the site."""
    environ["wsgi.url_scheme"] = urlsplit(url).scheme
    environ["REMOTE_ADDR"] = client_address(
        str(environ.get("REMOTE_ADDR", "")),
        str(environ.get("HTTP_X_FORWARDED_FOR", "")),
        trusted,
    )


def client_address(peer: str, forwarded_for: str, trusted: Sequence[str]) -> str:
    """Return a client's address: `peer` sent the request, `forwarded_for` is X-Forwarded-For, `trusted` are networks of proxies."""
    networks = _networks(tuple(trusted))
    address = peer
    for hop in reversed(forwarded_for.split(",")):
        found = parse_ip_address(hop)
        if not _is_in(address, networks) or found is None:
            break
        address = str(found)
    return address


@lru_cache(maxsize=4)
def _networks(texts: tuple[str, ...]) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    return [ipaddress.ip_network(text) for text in texts]


def _is_in(
    address: str, networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]
) -> bool:
    found = parse_ip_address(address)
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return found is not None and any(found in network for network in networks)


def parse_ip_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return an IP address, which may have a port; None for anything else."""
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


HEALTH_PATH = "/healthz"


def with_health(
    application: WSGIApplication, find_problem: Callable[[], str]
) -> WSGIApplication:
    """Return an application that answers HEALTH_PATH by 200, or by 503 with what `find_problem` returns, whatever the host."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") != HEALTH_PATH:
            return application(environ, start_response)
        problem = find_problem()
        body = f"{problem or 'ok'}\n".encode("ascii")
        fields = [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")]
        fields += [("Content-Length", str(len(body)))]
        start_response("503 Service Unavailable" if problem else "200 OK", fields)
        return [] if environ.get("REQUEST_METHOD") == "HEAD" else [body]

    return answer
