"""WebSub (W3C) as a subscriber: what is asked of a hub and when, and what follows from its answers. Pure.

A push says only that a feed has changed: nothing of it is stored, and the feed is asked. So a hub that fails, or lies,
loses nothing: polls go on as without it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from publisher.polling.foreign_values import header_links

# What a hub is asked for, and asks to be confirmed.
HubMode: TypeAlias = Literal["subscribe", "unsubscribe"]
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
# What is asked for, and the longest that a confirmation counts.
_LEASE, _LONGEST_LEASE = 10 * _DAY, 14 * _DAY
# Of a lease, after which it is renewed; never sooner than after the shortest time.
_RENEWED_AFTER, _SHORTEST = 0.8, _HOUR
BETWEEN_PUSHES = timedelta(minutes=1)  # a push has a feed asked so often at most


@dataclass(frozen=True, slots=True)
class PushState:
    """What is known between two requests to a hub.

    `hub` and `topic` are what the document names, the others where pushes are asked for. Without `until` the hub has
    not confirmed it, or no longer. `errors` counts requests without a confirmation.
    """

    hub: str = ""
    topic: str = ""
    asked_hub: str = ""
    asked_topic: str = ""
    next_at: datetime | None = None
    until: datetime | None = None
    pushed_at: datetime | None = None
    errors: int = 0
    reason: str = ""


def named_hub(headers: Mapping[str, str], hub: str, topic: str) -> tuple[str, str]:
    """Return the hub and the topic of an answer: header fields come first, then what the document has; two empty texts without both."""
    links = dict[str, str]()
    for address, relations, _language in header_links(headers):
        for relation in relations:
            links.setdefault(relation, address)
    hub, topic = links.get("hub", hub), links.get("self", topic)
    is_web = all(one.startswith(("http://", "https://")) for one in (hub, topic))
    return (hub, topic) if is_web else ("", "")


def next_request(push: PushState, now: datetime, *, is_wanted: bool) -> HubMode | None:
    """Return what is to be asked of a hub now."""
    asked, named = (push.asked_hub, push.asked_topic), (push.hub, push.topic)
    if push.asked_hub and not (is_wanted and asked == named):
        return "unsubscribe"
    is_due = push.next_at is None or push.next_at <= now
    return "subscribe" if is_wanted and push.hub and is_due else None


def before_request(push: PushState, mode: HubMode, now: datetime) -> PushState:
    """Return the state that is stored before a request: the hub may ask to confirm it before it answers."""
    if mode == "unsubscribe":
        return PushState(push.hub, push.topic)
    wait = min(_HOUR * 2 ** min(push.errors, 5), _DAY)
    asked = replace(push, asked_hub=push.hub, asked_topic=push.topic, errors=push.errors + 1)
    return replace(asked, next_at=now + wait, reason="was asked, and has not confirmed it yet")


def request_fields(push: PushState, callback: str, secret: str) -> dict[str, str]:
    """Return the form with which a hub is asked for pushes (WebSub section 5.1); its mode apart."""
    lease = str(int(_LEASE.total_seconds()))
    fields = {"topic": push.asked_topic, "callback": callback, "secret": secret}
    return {f"hub.{name}": value for name, value in {**fields, "lease_seconds": lease}.items()}


def confirmed(push: PushState, question: Mapping[str, str], now: datetime) -> PushState | None:
    """Return the state after a request for confirmation (section 5.3), or a refusal; None for what was not asked."""
    mode, topic = question.get("hub.mode", ""), question.get("hub.topic", "")
    is_asked = topic != "" and topic == push.asked_topic
    if mode == "unsubscribe":
        return None if is_asked else push
    if not is_asked or mode not in {"subscribe", "denied"}:
        return None
    if mode == "denied":
        said = "".join(
            c if c.isprintable() else "\ufffd" for c in question.get("hub.reason", "")
        )
        return replace(push, until=None, next_at=now + _DAY, reason=f"refuses: {said[:200]}")
    given = question.get("hub.lease_seconds", "")
    seconds = int(given[:9]) if given.isascii() and given.isdigit() else 0
    lease = min(timedelta(seconds=seconds) or _LEASE, _LONGEST_LEASE)
    renewed = now + max(lease * _RENEWED_AFTER, _SHORTEST)
    return replace(push, until=now + lease, next_at=renewed, errors=0, reason="")


def due_after_push(push: PushState, next_at: datetime, now: datetime) -> datetime | None:
    """Return when a push has its feed asked; None if that comes by itself soon enough."""
    due = max(now, push.pushed_at + BETWEEN_PUSHES) if push.pushed_at else now
    return due if due < next_at else None
