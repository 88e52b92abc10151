"""What bounds a request, and why it failed: values, with a sentence for people.

No sentence has what a server sent, or more of an address than its host: the rest may be secret.
"""

from dataclasses import dataclass
from enum import Enum

from publisher.errors import PublisherError


class FetchProblem(Enum):
    """Why there is no complete answer. The value is the sentence, some with a place for the detail."""

    ADDRESS = "the address is malformed"
    FORBIDDEN = "the address is not on the public net"
    NAME = "the name can't be resolved"
    REFUSED = "the connection was refused"
    CLOSED = "the connection was closed without an answer"
    UNREACHABLE = "it can't be reached"
    CERTIFICATE = "its certificate can't be verified"
    TLS = "it does not speak TLS"
    LATE = "no answer within {} seconds"
    TOO_LONG = "the answer is too long"
    BROKEN = "the answer is incomplete or malformed"
    REDIRECTS = "too many redirects"
    PROTOCOL = "it does not speak HTTP"


class FetchError(PublisherError):
    """A request that has no complete answer; `detail` says more, without secrets."""

    def __init__(self, problem: FetchProblem, detail: str = "") -> None:
        has_place = "{}" in problem.value or not detail
        super().__init__(
            (problem.value if has_place else f"{problem.value}: {{}}").format(detail)
        )
        self.problem = problem


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Bounds of one request with its redirects. Bytes of a body are counted as sent, with TLS, and decompressed."""

    # For all of it: look-ups, connections, handshakes, redirects, header fields and body.
    seconds: float = 30.0
    # Of the status line and the header fields, with those of informational answers and TLS's handshake.
    header_bytes: int = 65_536
    sent_bytes: int = 10_000_000
    body_bytes: int = 10_000_000
    redirects: int = 5  # enough for http -> https -> www -> language -> slash


USUAL_LIMITS = FetchLimits()
