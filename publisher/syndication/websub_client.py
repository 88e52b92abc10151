"""One ping to one WebSub hub: the request, and what its answer means.

W3C WebSub (section "Publishing") leaves open how a hub is told, and so does PubSubHubbub 0.4. What
hubs take is the form of PubSubHubbub 0.3 ("New Content Notification"): a POST of `hub.mode=publish`
and `hub.url`, the feed's address. Google's hub and Superfeedr document just that; Switchboard
documents `hub.topic` instead, and WebSubHub takes either. Both are sent: a hub passes over the one
that it does not know. Proxies are taken from the environment, as everywhere in Python; certificates
are verified.

A refusal (4xx) is final: the same form would be refused again, and a person should hear of it now
rather than in a day. What may be over soon (5xx, 408, 425, 429, no connection) is not.

Knows no rows and no schedule.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from http.client import HTTPConnection, HTTPException, HTTPResponse, responses
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode, urljoin, urlsplit, urlunsplit
from urllib.request import (
    AbstractHTTPHandler,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    UnknownHandler,
)

from publisher import __version__

_HEADERS = {
    "Content-Type": "application/x-www-form-urlencoded",
    "User-Agent": f"newsletter-publisher/{__version__}",
}
_SUCCESS, _REDIRECTION, _SERVER_ERROR = range(200, 300), (307, 308), 500
_TOO_MANY, _UNAVAILABLE = 429, 503
# Too slow, too early, too many: not the request's own fault.
_TEMPORARY = frozenset({408, 425, _TOO_MANY})
# A hub can't put a ping off for longer.
_MAX_RETRY_AFTER = timedelta(days=1)
# Bytes of a hub's words that are read, and characters that are kept.
_MAX_BODY, _MAX_TEXT = 1024, 200


class HubResult(Enum):
    """What came of a ping."""

    TOLD = auto()
    REFUSED = auto()
    BUSY = auto()
    UNREACHED = auto()


@dataclass(frozen=True, slots=True)
class HubResponse:
    """What came of one ping, in words for people; `wait` is what the hub asks for.

    `crowded`: the hub wants fewer pings, whatever they are about.
    """

    verdict: HubResult
    words: str
    wait: timedelta = timedelta(0)
    crowded: bool = False


def timed_out(timeout: float) -> HubResponse:
    """Give what stands for the answer of a hub that gave none in `timeout` seconds."""
    return HubResponse(HubResult.UNREACHED, f"no answer within {timeout:g} seconds")


def printable_address(address: str) -> str:
    """Give an address without what may be secret in it: user information and the query."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "an address that can't be read"
    host = parts.netloc.rpartition("@")[2]
    known = urlunsplit((parts.scheme, host, parts.path, "", ""))
    return _printable(known) + ("?…" if parts.query else "")


class PublishRequest:
    """One ping; another thread may cut it off."""

    def __init__(self) -> None:
        self._connections: list[HTTPConnection] = []

    def tell(self, hub: str, topic: str, timeout: float, now: datetime) -> HubResponse:
        """Tell a hub that a topic has changed; raises nothing that a hub can bring about.

        `timeout`, in seconds, is for each wait on the network; whoever started this sees to the
        whole.
        """
        form = urlencode({"hub.mode": "publish", "hub.url": topic, "hub.topic": topic}).encode()
        opener = _opener(self._connections)
        try:
            reply = _post(opener, hub, form, timeout)
            target = _redirection(hub, reply)
            if target:
                reply = _post(opener, target, form, timeout)
            return _judge(reply, hub, now)
        except TimeoutError:
            return timed_out(timeout)
        # ValueError: an address, of the hub or redirected to, that no request can be made of.
        except (OSError, HTTPException, ValueError) as error:
            reason = error.reason if isinstance(error, URLError) else error
            if isinstance(reason, TimeoutError):
                return timed_out(timeout)
            return HubResponse(HubResult.UNREACHED, _trouble(reason))

    def cut(self) -> None:
        """End it, wherever its thread is: that then fails soon, and nobody need listen."""
        for connection in list(self._connections):
            line = connection.sock
            if line is not None:
                with suppress(OSError):
                    # Not the TLS layer's own, which a thread that reads must not meet.
                    socket.socket.shutdown(line, socket.SHUT_RDWR)


@dataclass(frozen=True, slots=True)
class _Reply:
    """What a hub answered: status, header fields, and its own words if they are plain text."""

    status: int
    headers: Mapping[str, str]
    words: str


def _post(opener: OpenerDirector, address: str, form: bytes, timeout: float) -> _Reply:
    request = Request(address, form, _HEADERS, method="POST")  # noqa: S310 -- the opener has HTTP only
    with opener.open(request, timeout=timeout) as response:
        return _Reply(response.status, response.headers, _words(response))


def _words(response: HTTPResponse) -> str:
    """Read the beginning of what a hub says about a ping that it did not take, in one go."""
    if response.status in _SUCCESS or response.headers.get_content_type() != "text/plain":
        return ""
    text = b""
    # The status has been read, and counts whatever becomes of the rest.
    with suppress(OSError, HTTPException):
        text = response.read1(_MAX_BODY)
    lines = text.decode("utf-8", "replace").strip().splitlines()
    return _printable(lines[0]) if lines else ""


def _redirection(hub: str, reply: _Reply) -> str | None:
    """Give where the same POST is to go (RFC 9110 sections 15.4.8 and 15.4.9), once."""
    location = reply.headers.get("Location")
    if reply.status not in _REDIRECTION or not location:
        return None
    target = urljoin(hub, location)
    return target if urlsplit(target).scheme in {"http", "https"} else None


def _judge(reply: _Reply, hub: str, now: datetime) -> HubResponse:
    """Say what a reply means (RFC 9110 section 15)."""
    words = f"{reply.status} {responses.get(reply.status, '')}".strip()
    if reply.status in _SUCCESS:
        return HubResponse(HubResult.TOLD, words)
    # A hub may repeat what it was asked with, so its words are kept where that holds no secret.
    if reply.words and not {"?", "@"} & set(hub):
        words += f": {reply.words}"
    if reply.status in {_TOO_MANY, _UNAVAILABLE}:
        wait = _retry_after(reply.headers.get("Retry-After"), now)
        crowded = reply.status == _TOO_MANY or wait > timedelta(0)
        return HubResponse(HubResult.BUSY, words, wait, crowded)
    if reply.status >= _SERVER_ERROR or reply.status in _TEMPORARY:
        return HubResponse(HubResult.BUSY, words)
    if location := reply.headers.get("Location"):
        words += f"; the hub is now at {printable_address(location)}"
    return HubResponse(HubResult.REFUSED, words)


def _retry_after(value: str | None, now: datetime) -> timedelta:
    """Read Retry-After (RFC 9110 section 10.2.3): seconds or a date; no wait if it is neither."""
    text = (value or "").strip()
    try:
        if text.isascii() and text.isdigit():
            # Nine digits are 31 years; more would not fit.
            wait = timedelta(seconds=int(text[:9]))
        else:
            moment = parsedate_to_datetime(text)
            wait = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
    except (ValueError, OverflowError):
        return timedelta(0)
    return min(max(wait, timedelta(0)), _MAX_RETRY_AFTER)


def _trouble(error: BaseException | str) -> str:
    """Say why a hub was not reached. What an HTTPException says may hold the whole address."""
    match error:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not to be trusted: {error.verify_message}"
        case socket.gaierror():
            return "the hub's name can't be found"
        case ConnectionRefusedError():
            return "the connection was refused"
        case ConnectionError():
            return "the hub hung up without an answer"
        case OSError():
            return f"the hub can't be reached: {error.strerror or type(error).__name__}"
        case _:
            return "the hub doesn't speak HTTP, or its address can't be used"


def _printable(text: str) -> str:
    """Keep what an answer holds from moving a terminal's cursor, or filling the page."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)[:_MAX_TEXT]


class _Kept(AbstractHTTPHandler):
    """Notes each connection where it can be cut."""

    def __init__(self, connections: list[HTTPConnection]) -> None:
        super().__init__()
        self._connections = connections

    def do_open(self, http_class: Any, req: Request, **arguments: Any) -> HTTPResponse:
        """Make the connection and send the request."""

        def connect(host: str, **options: Any) -> Any:
            connection = http_class(host, **options)
            self._connections.append(connection)
            return connection

        return super().do_open(connect, req, **arguments)


class _Plain(_Kept, HTTPHandler):
    """For http."""


class _Secure(_Kept, HTTPSHandler):
    """For https; certificates are verified, which is what HTTPSHandler does by itself."""


def _opener(connections: list[HTTPConnection]) -> OpenerDirector:
    """Make what sends: no cookies, no redirects of its own, and no error for any status."""
    opener = OpenerDirector()
    for handler in (
        ProxyHandler(),
        UnknownHandler(),
        _Plain(connections),
        _Secure(connections),
    ):
        opener.add_handler(handler)
    return opener
