"""Subscribers, as the owner sees them: import, export, find, and act for them, as far as `subscribers.consent` lets him."""

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, TextIO

from sqlalchemy import Connection

from publisher.app.subscribers import personal_tables
from publisher.config import Settings
from publisher.database import Database
from publisher.errors import ConsentError, UsageError
from publisher.secrets import load_secret
from subscribers import errors, store
from subscribers.addresses import normalise_address
from subscribers.changes import resubscribe
from subscribers.consent_records import ConsentRecord, load_consent_records, load_history
from subscribers.lists import import_export
from subscribers.lists.rows import ListPublication
from subscribers.model import Subscriber, SubscriberHistory, SubscriberStatus
from subscribers.pending_requests import JoinRequest, list_requests
from subscribers.preferences import Preferences, load_preferences
from subscribers.store import erase

_ERASED_PREFIX = b"erased address:"  # keeps these hashes apart from what else the secret signs


@dataclass(frozen=True, slots=True)
class SubscriberRecord:
    """What is stored of one subscriber."""

    subscriber: Subscriber
    history: SubscriberHistory
    preferences: Preferences
    requests: tuple[JoinRequest, ...] = ()
    consent: tuple[ConsentRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class ConsentChange:
    """A subscriber before and after a change; the same twice if there was nothing to change."""

    before: Subscriber
    after: Subscriber

    @property
    def changed(self) -> bool:
        return self.before != self.after

    @property
    def ended(self) -> tuple[str, ...]:
        """The newsletters that the subscriber got, and gets no more."""
        gets = _received(self.after)
        return tuple(name for name in _received(self.before) if name not in gets)

    @property
    def started(self) -> tuple[str, ...]:
        """The newsletters that the subscriber did not get, and gets now."""
        got = _received(self.before)
        return tuple(name for name in _received(self.after) if name not in got)


def import_subscribers(
    settings: Settings,
    database: Database,
    lines: Iterable[bytes | str],
    now: datetime,
    *,
    returned: Sequence[str] = (),
    **options: Any,
) -> import_export.ImportReport:
    """Add and correct subscribers from CSV, in short transactions; after an interruption, import the file again. Return a report.

    `options` are others of `subscribers.lists.import_export.ImportOptions`. `returned` are erased
    addresses whose subscribers asked to come back.
    """
    digest = address_digest(settings)
    with database.reading() as connection:
        for address in returned:
            # An interrupted import may have stored it: then there is nothing left to do.
            is_stored = store.find_subscriber(connection, address) is not None
            if store.erased_at(connection, address, digest) is None and not is_stored:
                raise UsageError(f"{address}: was not erased; it can be imported as it is")
    identities = [normalise_address(address).identity for address in returned]
    asked = import_export.ImportOptions(now=now, digest=digest, returned=identities, **options)
    publication = ListPublication(
        languages=settings.publication.subscriber_tag,
        default_language=settings.publication.default_language,
        newsletters=[newsletter.name for newsletter in settings.newsletters],
        fields=settings.subscribers.value_types,
    )
    with database.writing_in_portions() as portion:
        return import_export.import_in_portions(portion, lines, publication, asked)


def export_subscribers(settings: Settings, database: Database, out: TextIO) -> int:
    fields = [one.name for one in settings.subscribers.field]
    with database.reading() as connection:
        return import_export.export_csv(connection, out, fields)


def read_subscribers(database: Database) -> list[Subscriber]:
    with database.reading() as connection:
        return list(store.list_subscribers(connection))


def find_record(settings: Settings, database: Database, address: str) -> SubscriberRecord:
    """Return what is stored of a subscriber. Raise ErasedSubscriberError, UnknownSubscriberError or BadAddressError."""
    with database.reading() as connection:
        person = _require_subscriber(connection, settings, address)
        return SubscriberRecord(
            person,
            load_history(connection, person.id),
            load_preferences(connection, person.id),
            tuple(list_requests(connection, person.id)),
            tuple(load_consent_records(connection, person.id)),
        )


def resubscribe_person(
    connection: Connection,
    settings: Settings,
    before: Subscriber,
    newsletter: str | None,
    now: datetime,
    *,
    note: str = "",
) -> ConsentChange:
    """Undo an unsubscription or a bounce of a subscriber on record, but no complaint."""
    check_newsletter(settings, before, newsletter)
    try:
        resubscribe(connection, before.address, newsletter, now, note=note)
        store.readmit(connection, [before.email], address_digest(settings))
    except errors.RefusedTransitionError as error:
        raise ConsentError(f"{before.address}: {error}") from error
    except errors.LostSubscriptionsError as error:
        raise UsageError(f"{error} of {', '.join(newsletters_of(settings, before))}") from error
    return ConsentChange(before, store.known_subscriber(connection, before.address))


def erase_person(
    connection: Connection, settings: Settings, person: Subscriber, now: datetime
) -> None:
    """Delete all that is stored of a subscriber on record, except a keyed hash of the address."""
    personal_tables.delete_personal_rows(connection, person.id)
    personal_tables.forget_address(connection, person.email)
    erase(connection, person.email, address_digest(settings), now)


def read_own_data(settings: Settings, database: Database, address: str) -> str:
    """Return all that is stored of a subscriber, as JSON. Raise what `find_record` raises."""
    with database.reading() as connection:
        person = _require_subscriber(connection, settings, address)
        return personal_tables.personal_json(
            personal_tables.read_personal_rows(connection, person.id)
        )


def address_digest(settings: Settings) -> store.AddressDigest:
    """Return the function that hashes addresses with the secret, which is read with the first one."""
    secret = cache(lambda: load_secret(settings).encode())

    def digest(identity: str) -> str:
        return hmac.digest(secret(), _ERASED_PREFIX + identity.encode(), "sha256").hex()

    return digest


def _require_subscriber(connection: Connection, settings: Settings, address: str) -> Subscriber:
    person = store.find_subscriber(connection, address)
    if person is not None:
        return person
    instant = store.erased_at(connection, address, address_digest(settings))
    if instant is not None:
        raise errors.ErasedSubscriberError(address, instant)
    raise errors.UnknownSubscriberError(address)


def check_newsletter(settings: Settings, person: Subscriber, newsletter: str | None) -> None:
    """Raise UsageError for a newsletter that neither the publication nor the subscriber has."""
    known = newsletters_of(settings, person)
    if newsletter is not None and newsletter not in known:
        raise UsageError(f"{newsletter}: no such newsletter; there are: {', '.join(known)}")


def newsletters_of(settings: Settings, person: Subscriber) -> list[str]:
    """Return the publication's newsletters, and former ones that the subscriber has."""
    return sorted({one.name for one in settings.newsletters} | person.subscriptions.keys())


def _received(person: Subscriber) -> tuple[str, ...]:
    return person.newsletters if person.status is SubscriberStatus.ACTIVE else ()
