"""Who may send a request, and the header fields of every answer.

A form is protected from other sites without a token: browsers say where a request comes from (Fetch metadata),
and older ones at least name the origin.
"""

import re
from collections.abc import Callable, Collection, Iterable
from enum import Enum
from typing import Any, TypeVar
from urllib.parse import urlsplit

import flask

from publisher.request_limits import network_of
from publisher.web.wsgi import parse_ip_address

_View = TypeVar("_View", bound=Callable[..., object])

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# A name or an address, and a port (RFC 9110, 7.2). Parsers of URLs would take more for a host.
_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
# Where browsers of this machine find the server, whatever the publication's URL is.
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_SCRIPT_POLICY = f"{_POLICY}; script-src 'self'; worker-src 'self'; connect-src 'self'"
# The console shows previews in frames, and none of its pages needs a worker.
_CONSOLE_POLICY = f"{_POLICY}; script-src 'self'; connect-src 'self'; frame-src 'self'"
# A year, for browsers that reached a host by https once.
_ONLY_HTTPS = ("Strict-Transport-Security", "max-age=31536000; includeSubDomains")

# On every answer. `no-referrer` would make browsers send `Origin: null` with our own forms.
_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
    ("X-Robots-Tag", "noindex"),
    ("Permissions-Policy", ""),
)

MAX_BODY_BYTES = 64 * 1024  # the largest body of a route that does not say another one


class OriginCheck(Enum):
    """What protects the unsafe methods of a route from other sites.

    TOKEN: the request's token is the credential, or it has none. COOKIE: a cookie is. EXEMPT: every
    program may send it, as for one-click unsubscribing, webhooks, and forms on other sites.
    """

    TOKEN = "token"  # noqa: S105  # a kind, not a secret
    COOKIE = "cookie"
    EXEMPT = "exempt"


def origin_check(check: OriginCheck) -> Callable[[_View], _View]:
    return _marking("origin_check", check)


def max_body(size: int) -> Callable[[_View], _View]:
    """Mark a view with the largest body in bytes that it reads, if it is not `MAX_BODY_BYTES`."""
    return _marking("max_body", size)


def _marking(name: str, value: object) -> Callable[[_View], _View]:
    def mark(view: _View) -> _View:
        view.__dict__[name] = value
        return view

    return mark


def security_headers(*, script: bool = False) -> tuple[tuple[str, str], ...]:
    policy = _SCRIPT_POLICY if script else _POLICY
    return (("Content-Security-Policy", policy), *_HEADERS)


def console_headers(url: str) -> tuple[tuple[str, str], ...]:
    is_secure = urlsplit(url).scheme == "https"
    policy = ("Content-Security-Policy", _CONSOLE_POLICY)
    return (policy, *_HEADERS, *((_ONLY_HTTPS,) if is_secure else ()))


def add_headers(response: flask.Response, fields: Iterable[tuple[str, str]]) -> flask.Response:
    present = {name.lower() for name, _value in response.headers}
    response.headers.extend([field for field in fields if field[0].lower() not in present])
    return response


def _host() -> str:
    # As it was sent: Werkzeug would leave the port out.
    return str(flask.request.environ.get("HTTP_HOST", ""))


def is_for_us(url: str, others: Collection[str]) -> bool:
    """Return whether the request names the host of `url`, this machine, or one of `others`."""
    host = _host()
    name = _host_name(f"//{host}") if _HOST.fullmatch(host) else None
    if name is None:
        return False
    if name == _host_name(url) or name in _LOOPBACK_NAMES or name in others:
        return True
    # A server on all addresses is reached by any of them. Only names can be rebound by others.
    return bool({"0.0.0.0", "::"} & {*others}) and parse_ip_address(name) is not None  # noqa: S104  # compared only


def is_own_request(check: OriginCheck, url: str) -> bool:
    """Return whether the page that sent a request may do so; `url` is our own address, and the host was found to be known."""
    if flask.request.method in SAFE_METHODS or check is OriginCheck.EXEMPT:
        return True
    fields = flask.request.headers
    site, origin = fields.get("Sec-Fetch-Site"), fields.get("Origin")
    if site is not None:
        return site in {"same-origin", "none"}
    if origin is None or origin == "null":
        return check is OriginCheck.TOKEN
    own, host = urlsplit(url), _host()
    if origin == f"{own.scheme}://{own.netloc}":
        return True
    return _host_name(f"//{host}") != own.hostname and urlsplit(origin).netloc == host


def _host_name(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        name, _port = parts.hostname, parts.port  # a port above 65535 is a ValueError
    except ValueError:
        return None
    else:
        return name


def client_network(request: flask.Request) -> str:
    """Return the client's network, /24 of IPv4, /48 of IPv6, or "". A proxy names the client only if it is trusted."""
    return network_of(request.remote_addr or "", 24, 48)


# Fields of a cookie that no plain-http page and no script reads.
COOKIE: dict[str, Any] = {"path": "/", "secure": True, "httponly": True, "samesite": "Lax"}
