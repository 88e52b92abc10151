"""Send one request to a webhook: over https, to the public net only, without redirects, within 15 seconds.

Of the answer only the status line and the header fields are read: nothing of a body reaches a person or the log.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import responses

from publisher.errors import WebhookError
from publisher.fetching import addresses
from publisher.fetching.client import GuardedClient
from publisher.fetching.limits import FetchError, FetchLimits

_MAX_LENGTH = 2000
# Visible ASCII: other characters have to be escaped in an address.
_CHARACTERS = re.compile(r"[!-~]+")
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
REQUEST_SECONDS = 15.0  # Seconds, for a whole request. Standard Webhooks recommends 15 to 30.
_SUCCESS, _REDIRECTION, GONE = range(200, 300), range(300, 400), 410


def check_webhook_address(url: str, *, allow_loopback: bool = False) -> None:
    """Raise WebhookError for an address that no webhook may have; `allow_loopback` allows this machine, by http."""
    if len(url) > _MAX_LENGTH or not _CHARACTERS.fullmatch(url):
        raise WebhookError(
            f"not an address of a webhook; write ASCII, {_MAX_LENGTH} characters at most"
        )
    try:
        target = addresses.read_target(url)
    except FetchError as error:
        raise WebhookError(f"{error}; write one like https://example.org/hook") from None
    if not target.is_tls and not (allow_loopback and target.host in _LOOPBACK_NAMES):
        raise WebhookError("the address of a webhook begins with https://")
    if "#" in url:
        raise WebhookError("the address of a webhook has no fragment (#)")
    literal = addresses.literal_address(target.host)
    if literal and not addresses.may_reach(
        literal, addresses.LOOPBACK if allow_loopback else ()
    ):
        raise WebhookError(
            f"{target.host}: is not on the public net, so nothing can be sent there; write the name of a public host"
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request: the status, None if there was none, and a text for people."""

    status: int | None
    text: str

    @property
    def is_accepted(self) -> bool:
        return self.status in _SUCCESS


@dataclass(frozen=True, slots=True)
class Caller:
    """Sends requests."""

    allow_loopback: bool = False
    seconds: float = REQUEST_SECONDS

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send a request; errors of the receiver and of the network become an answer."""
        networks = addresses.LOOPBACK if self.allow_loopback else ()
        client = GuardedClient(FetchLimits(self.seconds), networks)
        fields = {"Content-Type": "application/json", **headers}
        try:
            check_webhook_address(url, allow_loopback=self.allow_loopback)
            with client.open(addresses.WebRequest(url, "POST", fields, body)) as response:
                status = response.status
        except WebhookError as error:
            return Answer(None, f"not sent: {error}")
        except FetchError as error:
            return Answer(None, str(error))
        text = f"{status} {responses.get(status, '')}".strip()
        is_redirect = status in _REDIRECTION
        return Answer(status, text + ", and redirects are not followed" * is_redirect)
