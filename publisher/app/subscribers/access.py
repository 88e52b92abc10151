"""A subscriber's own access: the links in her mails, sessions, and the change of her address.

A link to preferences is mailed when she asks. For the rest only whoever reads her mail now counts: a link
of 30 minutes and a code are mailed; either starts a session, once. The link only shows a button, since mail
scanners follow links. The session's cookie holds random bytes, and the database their hash. An address is
changed in a session, confirmed from the new one, and undone from the old. Pages and answers are the same
whether the new address is known or not. If it is, the two records are merged when the new mailbox confirms.
"""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy import Connection

from publisher.app.subscribers.join_protection import exceeded_limit, personal_address
from publisher.app.subscribers.personal_tables import MOVED_TABLES
from publisher.app.subscribers.records import address_digest
from publisher.config import Settings
from publisher.mail.signed_addresses import LinkKind, SignedLink, find_link, sign_link
from publisher.notices.kinds import NoticeKind
from publisher.notices.ledger import cancel_notices, enqueue_notice
from publisher.request_limits import Limit, LimitKeys, check_limit
from subscribers import address_change, pending_requests
from subscribers.address_change import AddressChange
from subscribers.addresses import mask_address, normalise_address
from subscribers.joining import add_nobody
from subscribers.model import JoinWish, Subscriber, SubscriberStatus
from subscribers.store import current_id, find_subscriber, load_subscriber, refused_among

_NOTHING: Final = JoinWish(("",), "en")
# Mails that one address gets because somebody asked for its links: one at a time, and a few a day.
_LINKS_LIMITS: Final = {
    "links by address": Limit(per=3, burst=1, period=timedelta(hours=1)),
    "links by address and day": Limit(per=5, burst=5, period=timedelta(days=1)),
}


def read_preferences_link(connection: Connection, secret: str, token: str) -> Subscriber | None:
    found = read_own_link(connection, secret, "preferences", token)
    return found[1] if found else None


def read_own_link(
    connection: Connection, secret: str, kind: LinkKind, token: str
) -> tuple[SignedLink, Subscriber] | None:
    """Return what a token says and who has it; None if it is damaged or has ended, as links of a merged record have."""
    link = find_link(secret, kind, token)
    if link is None:
        return None
    person = load_subscriber(connection, link.subscriber_id)
    if person is None or person.id != link.subscriber_id or link.has_ended(person.generation):
        return None
    return link, person


def unsubscribe_token(secret: str, link: SignedLink) -> str:
    """Return the token that unsubscribes whoever has a link, from any newsletter."""
    return sign_link(secret, "unsubscribe", link.subscriber_id, generation=link.generation)


def send_own_links(
    connection: Connection,
    settings: Settings,
    keys: LimitKeys,
    address: str,
    now: datetime,
    *,
    client: str = "",
) -> None:
    """Mail a subscriber the links to her preferences; nobody else gets anything, nor an answer. Each address is asked the same work."""
    identity = normalise_address(address).identity
    # Counted for unknown addresses too, so that the answer takes as long.
    exceeded = exceeded_limit(connection, settings, "links", identity, client, now)
    is_often = bool(exceeded) or any(
        check_limit(connection, keys.key(name, identity), limit, now) is not None
        for name, limit in _LINKS_LIMITS.items()
    )
    refused = refused_among(connection, [identity], address_digest(settings))
    person = find_subscriber(connection, identity)
    _enqueue_links(connection, None if is_often or refused else person, now)


def _enqueue_links(connection: Connection, person: Subscriber | None, now: datetime) -> None:
    """Enqueue the mail to a subscriber, or to nobody, which is undone: it takes as long."""
    is_sent = person is not None and person.status is not SubscriberStatus.COMPLAINED
    savepoint = connection.begin_nested()
    number = add_nobody(connection, _NOTHING, now)
    if person is not None and is_sent:
        savepoint.rollback()
        number = person.id
    enqueue_notice(connection, NoticeKind.LINKS, number, now)
    if savepoint.is_active:
        savepoint.rollback()


# Keeps these hashes apart from what else the secret signs.
_CODE_PREFIX = b"access code:"
_CODE_DIGITS = 6
_COOKIE_BYTES = 32
# Whoever has a forwarded mail can ask too: 10 mails a day, 50 guesses of a million.
_ACCESS_LIMIT: Final = Limit(per=10, burst=3, period=timedelta(days=1))


def send_access_link(
    connection: Connection, secret: str, person: Subscriber, language: str, now: datetime
) -> bool:
    """Mail a subscriber a link and a code. Return False if she got too many, or refuses all mail."""
    key = LimitKeys(secret).key("access by subscriber", str(person.id))
    if person.status is SubscriberStatus.COMPLAINED:
        return False
    if check_limit(connection, key, _ACCESS_LIMIT, now) is not None:
        return False
    code = f"{secrets.randbelow(10**_CODE_DIGITS):0{_CODE_DIGITS}}"
    number = pending_requests.request_access(
        connection, person.id, _code_digest(secret, person.id, code), now
    )
    values = {"number": number, "code": code}
    enqueue_notice(
        connection, NoticeKind.DATA, person.id, now, language=language, values=values
    )
    return True


def read_access_link(
    connection: Connection, secret: str, token: str, now: datetime
) -> Subscriber | None:
    """Return whose link it is if it can still be used, else None. It is not used by this."""
    found = read_own_link(connection, secret, "data", token)
    if found is None or not pending_requests.is_access_open(
        connection, found[0].number, found[1].id, now
    ):
        return None
    return found[1]


def open_session_by_link(
    connection: Connection, secret: str, token: str, now: datetime
) -> str | None:
    """Use a link. Return the new session's cookie, or None if the link has ended."""
    found = read_own_link(connection, secret, "data", token)
    if found is None or not pending_requests.use_access_link(
        connection, found[0].number, found[1].id, now
    ):
        return None
    return _open_session(connection, found[1].id, now)


def open_session_by_code(
    connection: Connection, secret: str, person: Subscriber, code: str, now: datetime
) -> str | None:
    """Use a code. Return the new session's cookie, or None if the code is wrong or has ended."""
    # Digits of any script, in groups: as people type them.
    digits = "".join(str(int(one)) for one in code if one.isdecimal())
    digest = _code_digest(secret, person.id, digits)
    if not pending_requests.use_access_code(connection, person.id, digest, now):
        return None
    return _open_session(connection, person.id, now)


def session_subscriber(connection: Connection, cookie: str, now: datetime) -> Subscriber | None:
    number = pending_requests.session_subscriber_id(connection, _cookie_digest(cookie), now)
    return None if number is None else load_subscriber(connection, number)


def close_session(connection: Connection, cookie: str) -> None:
    """End a session; one that has ended is no error."""
    pending_requests.end_session(connection, _cookie_digest(cookie))


def _open_session(connection: Connection, subscriber_id: int, now: datetime) -> str:
    cookie = secrets.token_urlsafe(_COOKIE_BYTES)
    pending_requests.start_session(connection, subscriber_id, _cookie_digest(cookie), now)
    return cookie


def _cookie_digest(cookie: str) -> str:
    return hashlib.sha256(cookie.encode("utf-8", "surrogatepass")).hexdigest()


def _code_digest(secret: str, subscriber_id: int, code: str) -> str:
    text = _CODE_PREFIX + f"{subscriber_id}\n{code}".encode()
    return hmac.digest(secret.encode(), text, "sha256").hex()


# Mails that one subscriber can have sent to new addresses, and that one new address gets.
_ADDRESS_LIMIT: Final = Limit(per=5, burst=3, period=timedelta(days=1))


def request_new_address(
    connection: Connection,
    settings: Settings,
    secret: str,
    person: Subscriber,
    new_address: str,
    now: datetime,
) -> bool:
    """Mail the new address a link that confirms it; if it complained, none, with the same answer. Return False after too many requests."""
    address = personal_address(settings, new_address)
    keys = LimitKeys(secret)
    for name, who in (("address of", str(person.id)), ("address to", address.identity)):
        if check_limit(connection, keys.key(name, who), _ADDRESS_LIMIT, now) is not None:
            return False
    cancel_notices(connection, person.id, [NoticeKind.CONFIRM_ADDRESS], now)
    number = address_change.request_address_change(connection, person, address.address, now)
    known = find_subscriber(connection, address.identity)
    complained = known is not None and known.status is SubscriberStatus.COMPLAINED
    refused = refused_among(connection, [address.identity], address_digest(settings))
    if address.identity != person.email and not complained and not refused:
        enqueue_notice(
            connection,
            NoticeKind.CONFIRM_ADDRESS,
            person.id,
            now,
            to=address.address,
            values={"number": number},
        )
    return True


def read_address_link(
    connection: Connection,
    secret: str,
    kind: Literal["address", "undo-address"],
    token: str,
    now: datetime,
) -> AddressChange | None:
    """Return the change that a link confirms or undoes, of any generation: undoing works after the change. None if it is long over."""
    link = find_link(secret, kind, token)
    if link is None:
        return None
    change = address_change.load_address_change(connection, link.number, now)
    owner = current_id(connection, link.subscriber_id)
    return change if change and change.subscriber_id == owner else None


def confirm_new_address(
    connection: Connection, settings: Settings, change: AddressChange, now: datetime
) -> bool:
    """Give a subscriber the new address; mail the old one how to undo it. Return False if nothing waits, or she left."""
    digest = address_digest(settings)
    if not address_change.confirm_address_change(
        connection, change, now, moved=MOVED_TABLES, digest=digest
    ):
        return False
    enqueue_notice(
        connection,
        NoticeKind.ADDRESS_CHANGED,
        change.subscriber_id,
        now,
        to=change.old_address,
        values={"number": change.id, "changed": mask_address(change.new_address)},
    )
    return True


def undo_new_address(
    connection: Connection, settings: Settings, change: AddressChange, now: datetime
) -> bool:
    digest = address_digest(settings)
    return address_change.undo_address_change(
        connection, change, now, moved=MOVED_TABLES, digest=digest
    )
