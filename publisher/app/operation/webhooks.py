"""What editors do about webhooks: add, list, test, rotate the secret, enable, remove, see deliveries."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy import Connection

from publisher.app.editing_state import Actor, EditingState, Permission
from publisher.errors import UsageError
from publisher.i18n.messages import message
from publisher.webhooks import store
from publisher.webhooks.client import Answer, Caller, check_webhook_address
from publisher.webhooks.events import TEST_EVENT, EventType, event_body
from publisher.webhooks.sender import WebhookSender
from publisher.webhooks.store import Webhook, WebhookDelivery


@dataclass(frozen=True, slots=True)
class ListedWebhook:
    """A webhook, and its deliveries by state: pending, delivered, failed."""

    webhook: Webhook
    deliveries: Mapping[str, int]


def add_webhook(
    state: EditingState, actor: Actor, url: str, events: Sequence[str] = ()
) -> tuple[int, str]:
    """Add a webhook for some types of events, or for all. Return its id and secret.

    Nobody can read the secret again. Raise WebhookError for an address that no webhook may have, and
    UsageError for an unknown type. Whether a name leads to the public net is checked at each request.
    """
    actor.require(Permission.MANAGE_WEBHOOKS)
    check_webhook_address(url, allow_loopback=state.settings.webhooks.loopback)
    types = [_event_type(name) for name in dict.fromkeys(events)]
    with state.changing(actor, "add-webhook", _host(url), {"events": types}) as change:
        number, secret = store.insert_webhook(
            change.connection, state.secret, url, types, state.clock.now()
        )
        change.details["webhook"] = number
    return number, secret


def list_webhooks(state: EditingState, actor: Actor) -> list[ListedWebhook]:
    """Return the webhooks. Their addresses may be secrets of the receivers."""
    actor.require(Permission.MANAGE_WEBHOOKS)
    with state.database.reading() as connection:
        return [
            ListedWebhook(webhook, store.count_by_state(connection, webhook.id))
            for webhook in store.load_webhooks(connection)
        ]


def list_webhook_deliveries(
    state: EditingState, actor: Actor, webhook_id: int, delivery_state: str | None, limit: int
) -> list[WebhookDelivery]:
    actor.require(Permission.MANAGE_WEBHOOKS)
    with state.database.reading() as connection:
        webhook = store.webhook_by_id(connection, webhook_id)
        return store.load_deliveries(connection, webhook.id, delivery_state, limit)


def rotate_webhook(state: EditingState, actor: Actor, webhook_id: int) -> str:
    """Replace the secret of a webhook and return the new one. For a day both sign, and it is refused."""
    with _changing(state, actor, "rotate-webhook", webhook_id) as (connection, webhook):
        return store.rotate_secret(connection, state.secret, webhook, state.clock.now())


def enable_webhook(state: EditingState, actor: Actor, webhook_id: int) -> int:
    """Send to a disabled webhook again; what failed is due now. Return how many events that are."""
    with _changing(state, actor, "enable-webhook", webhook_id) as (connection, webhook):
        return store.reopen_webhook(connection, webhook.id, state.clock.now())


def disable_webhook(state: EditingState, actor: Actor, webhook_id: int) -> None:
    """Send nothing more to a webhook until somebody enables it. Waiting events are marked as failed."""
    with _changing(state, actor, "disable-webhook", webhook_id) as (connection, webhook):
        reason = message("disabled by hand")
        store.close_webhook(connection, webhook.id, reason, state.clock.now())


def remove_webhook(state: EditingState, actor: Actor, webhook_id: int) -> None:
    with _changing(state, actor, "remove-webhook", webhook_id) as (connection, webhook):
        store.delete_webhook(connection, webhook.id)


def send_test_event(state: EditingState, actor: Actor, webhook_id: int) -> Answer:
    """Send an event that means nothing to a webhook, also to a disabled one. Return its answer."""
    with _changing(state, actor, "test-webhook", webhook_id) as (_connection, webhook):
        pass
    caller = Caller(allow_loopback=state.settings.webhooks.loopback)
    sender = WebhookSender(state.database, state.clock, caller, state.secret)
    data = {"publication": state.settings.publication.url}
    body = event_body(TEST_EVENT, state.clock.now(), data)
    return sender.send(webhook, store.new_event_id(), body)


@contextmanager
def _changing(
    state: EditingState, actor: Actor, verb: str, webhook_id: int
) -> Iterator[tuple[Connection, Webhook]]:
    actor.require(Permission.MANAGE_WEBHOOKS)
    with state.database.reading() as connection:
        host = _host(store.webhook_by_id(connection, webhook_id).url)
    with state.changing(actor, verb, host, {"webhook": webhook_id}) as change:
        yield change.connection, store.webhook_by_id(change.connection, webhook_id)


def _event_type(name: str) -> EventType:
    try:
        return EventType(name)
    except ValueError:
        names = ", ".join(EventType)
        raise UsageError(f"{name}: no such event; the events are {names}") from None


def _host(url: str) -> str:
    """Return what the audit log has of an address: the rest of it may be a secret."""
    return f"webhook at {urlsplit(url).hostname}"
