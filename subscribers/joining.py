"""Join by a confirmation from one's own mailbox: request, confirm, refuse, and forget.

`subscribers.consent` decides what a request leads to. The mails are the caller's, and so is the
transaction, which has locked the database for writing. Codes come as keyed hashes.
"""

import hmac
import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Integer, bindparam, delete, exists, insert, select, update

from subscribers import consent_records, pending_requests, store
from subscribers.addresses import Address
from subscribers.changes import store_change, unsubscribe_subscriber
from subscribers.consent import JoinAnswer, answer_request, confirm_newsletters
from subscribers.consent_records import ConsentEvent
from subscribers.model import ConsentSource, JoinWish, Subscriber, SubscriberStatus
from subscribers.preferences import load_preferences, store_preferences
from subscribers.tables import UTCDateTime, insert_row, join_request, subscriber, subscription

RESEND_LIMITS: Final = ((timedelta(minutes=10), 1), (timedelta(days=1), 3))
"""How many mails the requests for one address lead to, in each time before the next one. Nothing
older than a day counts, so nobody can lock an address for long."""

_FORGET_AFTER: Final = timedelta(days=30)


def prepare_answer(
    connection: Connection,
    identity: str,
    newsletters: tuple[str, ...],
    digest: store.AddressDigest,
    now: datetime,
) -> tuple[JoinAnswer, Subscriber | None]:
    """Return what a request leads to, and who has the identity.

    It is nothing while the address had its mails already, so that nobody fills a mailbox with them.
    """
    refused = identity in store.refused_among(connection, [identity], digest)
    person = store.find_subscribers(connection, [identity]).get(identity)
    answer = answer_request(person, newsletters, refused=refused)
    number = person.id if person else 0
    for period, most in RESEND_LIMITS:
        if consent_records.count_requests_since(connection, now - period, number) >= most:
            answer = JoinAnswer.NOTHING
    return answer, person


def add_nobody(connection: Connection, wish: JoinWish, now: datetime) -> int:
    """Store a subscriber who does not exist, and return the id. The caller undoes it.

    So an answer to an unknown address takes the same work as one to a known address.
    """
    # `.invalid` belongs to nobody (RFC 2606).
    invented = f"{secrets.token_hex(8)}@nobody.invalid"
    return add_pending(connection, Address(invented, invented), wish, now)


def add_pending(connection: Connection, address: Address, wish: JoinWish, now: datetime) -> int:
    """Store somebody unknown, who has yet to confirm. Return the id."""
    pending = {"status": SubscriberStatus.PENDING}
    number = insert_row(
        connection,
        subscriber,
        email=address.identity,
        address=address.address,
        language=wish.language,
        created_at=now,
        updated_at=now,
        **pending,
    )
    asked = pending | {"subscriber_id": number, "source": ConsentSource.SUBSCRIBER}
    rows = [asked | {"newsletter": name} for name in wish.newsletters]
    connection.execute(insert(subscription), rows)
    return number


def confirm_request(
    connection: Connection,
    request: pending_requests.JoinRequest,
    digest: store.AddressDigest,
    origin: consent_records.ConsentOrigin,
    now: datetime,
) -> bool:
    """Subscribe whoever made a request. Return whether it could be confirmed, now or earlier.

    Doing so twice is no error and changes nothing, also if she left in between.
    """
    if request.state(now) is not pending_requests.RequestState.OPEN:
        return request.state(now) is pending_requests.RequestState.CONFIRMED
    before = store.load_subscriber(connection, request.subscriber_id)
    if before is None or before.status is SubscriberStatus.COMPLAINED:
        return False
    after = confirm_newsletters(before, request.wish.newsletters)
    store_change(connection, (before, after), now, ConsentSource.SUBSCRIBER, "")
    if before.status is not SubscriberStatus.ACTIVE:
        _put_language_first(connection, before.id, request.wish.language, now)
    pending_requests.set_on_request(connection, request.id, confirmed_at=now)
    store.readmit(connection, [before.email], digest)
    asked_by = consent_records.find_message_id(connection, before.id, request.requested_at)
    origin = replace(origin, message_id=asked_by)
    consent_records.append_consent_record(
        connection, before.id, ConsentEvent.CONFIRMED, request.wish, origin, now
    )
    return True


# Open, or confirmed just now: a code counts again after a second click.
_HAS_CODE = (
    (join_request.c.confirmed_at.is_not(None) | join_request.c.cancelled_at.is_(None))
    & (join_request.c.expires_at > bindparam("now", type_=UTCDateTime))
    & (join_request.c.code_attempts < pending_requests.CODE_ATTEMPTS)
    & join_request.c.subscriber_id.in_(
        select(subscriber.c.id).where(subscriber.c.email == bindparam("identity"))
    )
)
_CODES = select(join_request.c.id, join_request.c.code_digest).where(_HAS_CODE)
_COUNT_WRONG = (
    update(join_request)
    .where(_HAS_CODE, bindparam("is_wrong", type_=Integer()) == 1)
    .values(code_attempts=join_request.c.code_attempts + 1)
)


def match_code(
    connection: Connection, identity: str, code_digest: str, now: datetime
) -> tuple[pending_requests.JoinRequest | None, bool]:
    """Return the request with this code, open or confirmed just now, of whoever has an address, or None.

    A wrong code counts for each such request; the second value says whether it did for any. The same statements run for
    everybody, and nobody's record is read unless the code is right, so that the time does not tell whose address is on
    record. All digests are compared in constant time, and one is compared for nobody, too.
    """
    values = {"identity": identity, "now": now}
    requests = connection.execute(_CODES, values).all()
    digests = {request.id: request.code_digest for request in requests} or {0: "no request"}
    right = [id_ for id_, one in digests.items() if hmac.compare_digest(one, code_digest)]
    number = right[0] if right else 0
    counted = connection.execute(_COUNT_WRONG, values | {"is_wrong": int(not number)}).rowcount
    request = pending_requests.find_request(connection, number) if number else None
    return request, bool(counted)


def refuse_request(
    connection: Connection,
    request: pending_requests.JoinRequest,
    digest: store.AddressDigest,
    origin: consent_records.ConsentOrigin,
    now: datetime,
) -> bool:
    """End a request that its mailbox's owner did not make. Return whether the address refuses all mail now.

    Somebody who is subscribed keeps what she gets: only the requests end. For everybody else the
    address is never written to again; a record that was never confirmed is erased, and the links of
    others end, but for those that unsubscribe: whoever has an old mail can't bring them back.
    """
    person = store.load_subscriber(connection, request.subscriber_id)
    if person is None:
        return False
    pending_requests.cancel_requests(connection, person.id, None, now)
    if person.status is SubscriberStatus.ACTIVE:
        return False
    if person.status is SubscriberStatus.PENDING:
        connection.execute(delete(subscriber).where(subscriber.c.id == person.id))
    else:
        unsubscribe_subscriber(connection, person, None, now)
        consent_records.append_consent_record(
            connection, person.id, ConsentEvent.REFUSED, request.wish, origin, now
        )
        ended = update(subscriber).where(subscriber.c.id == person.id)
        connection.execute(ended.values(generation=subscriber.c.generation + 1))
        pending_requests.end_access(connection, person.id)
    store.remember_erased(connection, person.email, digest, now, store.ErasureReason.REFUSED)
    return True


def delete_unconfirmed(connection: Connection, now: datetime) -> list[int]:
    """Delete those who asked 30 or more days ago and confirmed nothing. Return their ids.

    Unconfirmed requests of other subscribers that are as old are deleted, too.
    """
    old = join_request.c.requested_at <= now - _FORGET_AFTER
    of_person = join_request.c.subscriber_id == subscriber.c.id
    confirmed_or_imported = exists().where(
        subscription.c.subscriber_id == subscriber.c.id,
        (subscription.c.status != SubscriberStatus.PENDING)
        | (subscription.c.source != ConsentSource.SUBSCRIBER),
    )
    statement = select(subscriber.c.id).where(
        subscriber.c.status.in_([SubscriberStatus.PENDING, SubscriberStatus.BOUNCED]),
        exists().where(of_person),
        ~exists().where(of_person, ~old),
        ~confirmed_or_imported,
    )
    numbers = list(connection.execute(statement).scalars())
    connection.execute(delete(subscriber).where(subscriber.c.id.in_(numbers)))
    connection.execute(delete(join_request).where(old, join_request.c.confirmed_at.is_(None)))
    return numbers


def _put_language_first(
    connection: Connection, subscriber_id: int, language: str, now: datetime
) -> None:
    """A single language is replaced; several were chosen, and stay behind it."""
    chosen = load_preferences(connection, subscriber_id)
    others = chosen.languages if len(chosen.languages) > 1 else ()
    languages = tuple(dict.fromkeys((language, *others)))
    store_preferences(connection, subscriber_id, replace(chosen, languages=languages), now)
