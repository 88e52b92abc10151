"""What only whoever reads a subscriber's mail now may do: prove the mailbox, and keep a session.

A link of 30 minutes and a code are mailed; either starts a session, once. The link only shows a
button, since mail scanners follow links. The session's cookie holds random bytes, and the database
their hash.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from publisher.app.own_links import read_own_link
from publisher.notices.kinds import NoticeKind
from publisher.notices.queue import enqueue_notice
from publisher.request_limits import Limit, LimitKeys, check_limit
from subscribers import (
    SubscriberStatus,
    end_session,
    is_access_open,
    load_subscriber,
    request_access,
    session_subscriber_id,
    start_session,
    use_access_code,
    use_access_link,
)

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from subscribers import Subscriber

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
    number = request_access(connection, person.id, _code_digest(secret, person.id, code), now)
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
    if found is None or not is_access_open(connection, found[0].number, found[1].id, now):
        return None
    return found[1]


def open_session_by_link(
    connection: Connection, secret: str, token: str, now: datetime
) -> str | None:
    """Use a link. Return the new session's cookie, or None if the link has ended."""
    found = read_own_link(connection, secret, "data", token)
    if found is None or not use_access_link(connection, found[0].number, found[1].id, now):
        return None
    return _open_session(connection, found[1].id, now)


def open_session_by_code(
    connection: Connection, secret: str, person: Subscriber, code: str, now: datetime
) -> str | None:
    """Use a code. Return the new session's cookie, or None if the code is wrong or has ended."""
    # Digits of any script, in groups: as people type them.
    digits = "".join(str(int(one)) for one in code if one.isdecimal())
    digest = _code_digest(secret, person.id, digits)
    if not use_access_code(connection, person.id, digest, now):
        return None
    return _open_session(connection, person.id, now)


def session_subscriber(connection: Connection, cookie: str, now: datetime) -> Subscriber | None:
    """Return whose session a cookie belongs to, or None."""
    number = session_subscriber_id(connection, _cookie_digest(cookie), now)
    return None if number is None else load_subscriber(connection, number)


def close_session(connection: Connection, cookie: str) -> None:
    """End a session; one that has ended is no error."""
    end_session(connection, _cookie_digest(cookie))


def _open_session(connection: Connection, subscriber_id: int, now: datetime) -> str:
    cookie = secrets.token_urlsafe(_COOKIE_BYTES)
    start_session(connection, subscriber_id, _cookie_digest(cookie), now)
    return cookie


def _cookie_digest(cookie: str) -> str:
    return hashlib.sha256(cookie.encode("utf-8", "surrogatepass")).hexdigest()


def _code_digest(secret: str, subscriber_id: int, code: str) -> str:
    text = _CODE_PREFIX + f"{subscriber_id}\n{code}".encode()
    return hmac.digest(secret.encode(), text, "sha256").hex()
