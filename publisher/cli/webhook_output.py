"""How webhooks and their deliveries are printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from publisher.cli.common import count_noun, rfc3339_or_none

if TYPE_CHECKING:
    from publisher.app.webhooks import ListedWebhook, WebhookDelivery


def webhook_as_json(one: ListedWebhook) -> dict[str, Any]:
    """Return a webhook, for programs."""
    return {
        "webhook": one.webhook.id,
        "url": one.webhook.url,
        "events": list(one.webhook.events),
        "created": rfc3339_or_none(one.webhook.created_at),
        "disabled": rfc3339_or_none(one.webhook.disabled_at),
        "disabled_reason": one.webhook.disabled_reason,
        "deliveries": dict(one.deliveries),
    }


def webhook_as_line(one: ListedWebhook) -> str:
    """Return a webhook in a line, or two if it is disabled."""
    counts = ", ".join(f"{count} {state}" for state, count in one.deliveries.items())
    events = " ".join(one.webhook.events) or "all events"
    line = f"{one.webhook.id}  {one.webhook.url}  {events}  {counts}"
    disabled = one.webhook.disabled_reason
    return f"{line}\n    disabled: {disabled}" if disabled else line


def delivery_as_json(one: WebhookDelivery) -> dict[str, Any]:
    """Return an event for a webhook, for programs."""
    return {
        "id": one.event_id,
        "type": one.type,
        "data": dict(one.data),
        "occurred": rfc3339_or_none(one.occurred_at),
        "state": one.state,
        "attempts": one.attempts,
        "next_try": rfc3339_or_none(one.due_at) if one.state == "pending" else None,
        "last_answer": one.last_answer,
    }


def delivery_as_line(one: WebhookDelivery) -> str:
    """Return an event for a webhook in a line."""
    tried = count_noun(one.attempts, "attempt")
    line = f"{one.event_id}  {one.type}  {one.state}  {tried}"
    return f"{line}: {one.last_answer}" if one.last_answer else line
