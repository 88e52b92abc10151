"""The request of a provider's webhook, and the events in it: what each provider's module is about (see the package). Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from publisher.bounces.diagnosis import diagnose_refusal
from publisher.bounces.model import BounceKind
from publisher.errors import PublisherError

# A signed time stamp is accepted for so long, before and after.
MAX_SIGNATURE_AGE: Final = timedelta(minutes=5)


class FeedbackRefusedError(PublisherError):
    """A request that does not prove that it comes from the provider. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class FeedbackRequest:
    """A POST: its body as it came, and its header by names in lower case."""

    body: bytes = field(repr=False)
    header: Mapping[str, str] = field(default_factory=dict, repr=False)

    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise FeedbackRefusedError("the body is not JSON") from None


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """One event about one recipient. `identifiers` is text in which our tokens may stand, `id` the provider's, if any."""

    id: str
    kind: BounceKind
    recipient: str = field(default="", repr=False)
    cause: str | None = None
    status: str = ""
    words: str = ""
    at: datetime | None = None
    identifiers: str = field(default="", repr=False)
    # A token that must not come twice, if the signature does not cover the body.
    once: str = field(default="", repr=False)


def failure_event(  # the fields of an event
    event_id: str, recipient: str, status: str, words: str, *, at: Any, identifiers: str
) -> ProviderEvent:
    found = diagnose_refusal(status, words, recipient.rpartition("@")[2])
    return ProviderEvent(
        event_id,
        found.kind,
        recipient,
        found.cause.key,
        found.status,
        words,
        instant_of(at),
        identifiers,
    )


def instant_of(value: Any) -> datetime | None:
    """Return a time stamp: seconds since the epoch, or ISO 8601. None for anything else."""
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        found = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def check_age(stamp: object, now: datetime) -> None:
    """Raise FeedbackRefusedError for a time stamp in seconds that is not of this moment."""
    try:
        sent_at = datetime.fromtimestamp(int(str(stamp)), UTC)
    except (ValueError, OverflowError, OSError):
        raise FeedbackRefusedError("the time stamp is missing or invalid") from None
    if abs(now - sent_at) > MAX_SIGNATURE_AGE:
        raise FeedbackRefusedError("the time stamp is not of this moment; check the clock")


def texts_of(table: object, *names: str) -> tuple[str, ...]:
    """Return values of an object as texts that databases store; empty for those that are absent."""
    values = table if isinstance(table, dict) else {}
    return tuple("" if values.get(name) is None else _text(values[name]) for name in names)


def _text(value: object) -> str:
    # JSON can hold half a surrogate pair, and NUL.
    return str(value).encode("utf-8", "replace").decode().replace("\0", "")


def table_in(table: object, name: str) -> dict[str, Any]:
    found = table.get(name) if isinstance(table, dict) else None
    return found if isinstance(found, dict) else {}


def tables_in(table: object, name: str) -> list[dict[str, Any]]:
    found = table.get(name) if isinstance(table, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
