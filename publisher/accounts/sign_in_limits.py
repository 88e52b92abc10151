"""Limits on tries to sign in. They slow tries down, and lock nobody out: a passkey has none of them.

By account and network 5 a minute, by account 20 an hour, by network 60 in ten minutes. So 10,000 tries
against one account in an hour make 40 slow hashes at most.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from publisher.request_limits import Limit, LimitKeys, check_limit

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

_BY_NETWORK: Final = Limit(per=60, burst=60, period=timedelta(minutes=10))
_BY_ACCOUNT_AND_NETWORK: Final = Limit(per=5, burst=5, period=timedelta(minutes=1))
_BY_ACCOUNT: Final = Limit(per=20, burst=20, period=timedelta(hours=1))
# Of a million codes three are right at a time. Only who knows the password gets here.
_CODE_BY_ACCOUNT: Final = Limit(per=10, burst=5, period=timedelta(hours=1))
_RECORDED: Final = Limit(per=4, burst=1, period=timedelta(hours=1))


def count_step(connection: Connection, secret: str, network: str, now: datetime) -> int | None:
    """Count the beginning of a sign-in. Return None, or the seconds until one is allowed."""
    key = LimitKeys(secret).key("sign in by network", network)
    return check_limit(connection, key, _BY_NETWORK, now)


def count_password(
    connection: Connection, secret: str, email: str, network: str, now: datetime
) -> int | None:
    """Count a password, before it is hashed. Return None, or the seconds until one is allowed."""
    keys = LimitKeys(secret)
    name = email.strip().lower()
    for key, limit in (
        (
            keys.key("sign in by account and network", f"{name}\n{network}"),
            _BY_ACCOUNT_AND_NETWORK,
        ),
        (keys.key("sign in by account", name), _BY_ACCOUNT),
    ):
        seconds = check_limit(connection, key, limit, now)
        if seconds is not None:
            return seconds
    return None


def count_code(
    connection: Connection, secret: str, account_id: int, now: datetime
) -> int | None:
    """Count a one-time password or recovery code. Return None, or the seconds until one is allowed."""
    key = LimitKeys(secret).key("sign-in code by account", str(account_id))
    return check_limit(connection, key, _CODE_BY_ACCOUNT, now)


def is_to_record(connection: Connection, secret: str, who: str, now: datetime) -> bool:
    """Return whether the audit log gets an entry that somebody reached a limit: four an hour at most."""
    key = LimitKeys(secret).key("recorded limit", who)
    return check_limit(connection, key, _RECORDED, now) is None
