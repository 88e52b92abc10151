"""What is on record about consent: the proof of it, and its history.

Proof says who agreed to what, when, where, and to which words (GDPR, article 7.1). Records are
added, never changed, and erased with the subscriber.

The history has what happened to each subscriber's consent. An event is written in the transaction of the change itself.
A new subscriber has no event: a row's `created_at` and the source of its subscriptions say where it comes from, and a
million events more would slow a large import down. The transaction belongs to the caller.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select

from subscribers import model
from subscribers.tables import (
    consent_record,
    consent_wording,
    insert_row,
    subscriber,
    subscriber_event,
    subscription,
)

_APPENDED = insert(subscriber_event)
_EVENTS = (
    select(subscriber_event)
    .where(subscriber_event.c.subscriber_id == bindparam("number"))
    .order_by(subscriber_event.c.id)
)
_LAST_EVENT = select(func.max(subscriber_event.c.id)).where(
    subscriber_event.c.subscriber_id == bindparam("number")
)


def events_between(
    before: model.Subscriber,
    after: model.Subscriber,
    at: datetime,
    source: model.ConsentSource,
    note: str = "",
) -> Iterator[model.SubscriberEvent]:
    """Yield the events between two values of a subscriber, first that of the subscriber's status."""
    if before.status is not after.status:
        yield model.SubscriberEvent(
            at, None, before.status, after.status, source, note, after.id
        )
    old, new = before.subscriptions, after.subscriptions
    for name in sorted(old.keys() | new.keys()):
        was, becomes = old.get(name), new.get(name)
        if was is not becomes:
            yield model.SubscriberEvent(at, name, was, becomes, source, note, after.id)


def append_events(connection: Connection, events: Sequence[model.SubscriberEvent]) -> None:
    names = [column.name for column in subscriber_event.c if column.name != "id"]
    values = [{name: getattr(event, name) for name in names} for event in events]
    if values:
        connection.execute(_APPENDED, values)


def load_events(connection: Connection, subscriber_id: int) -> list[model.SubscriberEvent]:
    """Return all changes of a subscriber's consent, in the order in which they happened."""
    return [*map(_event, connection.execute(_EVENTS, {"number": subscriber_id}))]


def load_events_after(
    connection: Connection, event_id: int, limit: int
) -> list[model.SubscriberEvent]:
    query = select(subscriber_event).where(subscriber_event.c.id > event_id)
    return [
        *map(_event, connection.execute(query.order_by(subscriber_event.c.id).limit(limit)))
    ]


def load_leavings_since(connection: Connection, since: datetime) -> list[model.SubscriberEvent]:
    """Return what ended by a wish since an instant."""
    query = select(subscriber_event).where(
        subscriber_event.c.at >= since,
        subscriber_event.c.after == model.SubscriberStatus.UNSUBSCRIBED,
    )
    return [*map(_event, connection.execute(query.order_by(subscriber_event.c.id)))]


def last_event_id(connection: Connection, subscriber_id: int) -> int:
    """Return the id of a subscriber's newest change of consent, 0 if there is none."""
    return connection.execute(_LAST_EVENT, {"number": subscriber_id}).scalar_one() or 0


def load_history(connection: Connection, subscriber_id: int) -> model.SubscriberHistory:
    """Return when a subscriber on record was stored, the subscriptions now and all changes."""
    created_at = connection.execute(
        select(subscriber.c.created_at).where(subscriber.c.id == subscriber_id)
    ).scalar_one()
    rows = connection.execute(
        select(*subscription.c["newsletter", "status", "source", "consented_at"])
        .where(subscription.c.subscriber_id == subscriber_id)
        .order_by(subscription.c.newsletter)
    )
    records = tuple(
        model.SubscriptionRecord(
            row.newsletter,
            model.SubscriberStatus(row.status),
            model.ConsentSource(row.source),
            row.consented_at,
        )
        for row in rows
    )
    return model.SubscriberHistory(
        created_at, records, tuple(load_events(connection, subscriber_id))
    )


def _event(row: Row[Any]) -> model.SubscriberEvent:
    values = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it
    for name in ("before", "after"):
        values[name] = values[name] and model.SubscriberStatus(values[name])
    return model.SubscriberEvent(**values | {"source": model.ConsentSource(row.source)})


class ConsentEvent(StrEnum):
    """Newsletters were asked for, confirmed by mail, refused there, or agreed to in another program's list (`IMPORTED`)."""

    REQUESTED = "requested"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    IMPORTED = "imported"


class ConsentChannel(StrEnum):
    """How it came in: by the form, the link or the code of the mail, by a mail, or by an import."""

    FORM = "form"
    LINK = "link"
    CODE = "code"
    MAIL = "mail"
    IMPORT = "import"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentOrigin:
    """Where a request or a confirmation came from.

    `wording` is the whole text that was shown, empty if none was. `page` is its URL, `network` a
    shortened one (/24 or /48), `message_id` that of a mail; each may be empty.
    """

    source: ConsentChannel
    wording: str = ""
    page: str = ""
    network: str = ""
    message_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRecord:
    """One event, as it is stored; `wording_digest` is the SHA-256 of the text that was shown."""

    at: datetime
    event: ConsentEvent
    wish: model.JoinWish
    wording_digest: str | None
    page: str
    network: str
    message_id: str
    source: ConsentChannel


def append_consent_record(
    connection: Connection,
    subscriber_id: int,
    event: ConsentEvent,
    wish: model.JoinWish,
    origin: ConsentOrigin,
    now: datetime,
) -> int:
    """Store an event of a subscriber on record, and the text that was shown. Return its id."""
    values = _values(subscriber_id, event, wish, origin, now)
    if origin.wording:
        values["wording_digest"] = _store_wording(connection, wish.language, origin.wording)
    return insert_row(connection, consent_record, **values)


def append_imported_consent(
    connection: Connection, rows: Sequence[tuple[int, model.JoinWish, str, datetime]]
) -> None:
    """Store when subscribers agreed, as a list says it: id, wish, network and time of each."""
    values = []
    for number, wish, network, at in rows:
        origin = ConsentOrigin(source=ConsentChannel.IMPORT, network=network)
        values.append(_values(number, ConsentEvent.IMPORTED, wish, origin, at))
    if values:
        connection.execute(insert(consent_record), values)


def _values(
    subscriber_id: int,
    event: ConsentEvent,
    wish: model.JoinWish,
    origin: ConsentOrigin,
    now: datetime,
) -> dict[str, Any]:
    values = asdict(origin)
    del values["wording"]
    values |= {"subscriber_id": subscriber_id, "at": now, "event": event}
    values |= {"newsletters": list(wish.newsletters), "language": wish.language}
    return values | {"wording_digest": None}


def load_consent_records(connection: Connection, subscriber_id: int) -> list[ConsentRecord]:
    """Return all events of a subscriber, the first one first."""
    rows = connection.execute(
        select(consent_record)
        .where(consent_record.c.subscriber_id == subscriber_id)
        .order_by(consent_record.c.id)
    )
    names = ("at", "wording_digest", "page", "network", "message_id")
    return [
        ConsentRecord(
            event=ConsentEvent(row.event),
            wish=model.JoinWish(tuple(row.newsletters), row.language),
            source=ConsentChannel(row.source),
            **{name: getattr(row, name) for name in names},
        )
        for row in rows
    ]


def find_wording(connection: Connection, digest: str) -> str | None:
    query = select(consent_wording.c.text).where(consent_wording.c.digest == digest)
    return connection.execute(query).scalar()


def find_message_id(connection: Connection, subscriber_id: int, at: datetime) -> str:
    """Return the Message-ID of the mail that a request of an instant led to; empty if there is none."""
    query = select(consent_record.c.message_id).where(
        consent_record.c.subscriber_id == subscriber_id,
        consent_record.c.event == ConsentEvent.REQUESTED,
        consent_record.c.at == at,
    )
    return connection.execute(query).scalar() or ""


def count_requests_since(
    connection: Connection, since: datetime, subscriber_id: int | None = None
) -> int:
    """Return how many requests came after an instant, from all or for one subscriber."""
    query = select(func.count()).where(
        consent_record.c.at > since, consent_record.c.event == ConsentEvent.REQUESTED
    )
    if subscriber_id is not None:
        query = query.where(consent_record.c.subscriber_id == subscriber_id)
    return connection.execute(query).scalar_one()


def _store_wording(connection: Connection, language: str, text: str) -> str:
    digest = hashlib.sha256(text.encode()).hexdigest()
    if find_wording(connection, digest) is None:
        row = {"digest": digest, "language": language, "text": text}
        connection.execute(insert(consent_wording).values(row))
    return digest
