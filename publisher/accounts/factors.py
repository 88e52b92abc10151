"""How an account's owner signs in, by password and one-time password, and limits on tries.

An account signs in with a passkey, or with a password and a one-time password; a recovery code
stands in for the latter. Which of them it has decides what is still to be set up. A provider of OpenID
Connect may stand for the password, or for both; whoever has nothing else depends on it.

Limits slow tries down, and lock nobody out: a passkey has none of them. By account and network 5 a minute, by account
20 an hour, by network 60 in ten minutes. So 10,000 tries against one account in an hour make 40 slow hashes at most.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, exists, insert, select, update

from publisher.accounts.passwords import accepted_step, hash_password, is_outdated, is_password
from publisher.accounts.store import find_account
from publisher.accounts.tables import (
    invitation_table,
    openid_table,
    passkey_table,
    password_table,
    recovery_code_table,
)
from publisher.accounts.tokens import count_recovery_codes
from publisher.errors import AccountError
from publisher.request_limits import Limit, LimitKeys, check_limit
from publisher.secrets import seal, unseal

_PURPOSE = "one-time passwords"  # what the secrets of one-time passwords are sealed for


@dataclass(frozen=True, slots=True)
class Factors:
    """What an account can sign in with."""

    has_passkey: bool
    has_password: bool
    has_totp: bool
    recovery_codes: int
    has_openid: bool = False

    @property
    def is_enough(self) -> bool:
        return self.has_passkey or (self.has_password and self.has_totp)


def read_factors(connection: Connection, account_id: int) -> Factors:
    has_passkey = select(exists().where(passkey_table.c.account_id == account_id))
    row = connection.execute(
        select(password_table.c.totp_sealed).where(password_table.c.account_id == account_id)
    ).one_or_none()
    return Factors(
        bool(connection.execute(has_passkey).scalar_one()),
        row is not None,
        row is not None and row.totp_sealed is not None,
        count_recovery_codes(connection, account_id),
        _openid_issuer(connection, account_id) is not None,
    )


def openid_account_id(connection: Connection, issuer: str, subject: str) -> int | None:
    """Return whose account is connected to a provider's, or None."""
    same = (openid_table.c.issuer == issuer) & (openid_table.c.subject == subject)
    return connection.scalar(select(openid_table.c.account_id).where(same))


def _openid_issuer(connection: Connection, account_id: int) -> str | None:
    mine = openid_table.c.account_id == account_id
    return connection.scalar(select(openid_table.c.issuer).where(mine))


def connect_openid(connection: Connection, account_id: int, issuer: str, subject: str) -> None:
    """Store who an account's owner is to a provider, which uses up an invitation. Raise AccountError if that is somebody else already."""
    if _openid_issuer(connection, account_id) == issuer:
        raise AccountError(f"account {account_id}: is connected to another one there")
    for table in (openid_table, invitation_table):
        connection.execute(delete(table).where(table.c.account_id == account_id))
    row = {"account_id": account_id, "issuer": issuer, "subject": subject}
    connection.execute(insert(openid_table).values(row))


def remove_openid(connection: Connection, account_id: int) -> None:
    connection.execute(delete(openid_table).where(openid_table.c.account_id == account_id))


def set_password(connection: Connection, account_id: int, hashed: str, now: datetime) -> None:
    """Store a new password's hash; the one-time password stays. Hash it before the transaction: that takes 0.1 s."""
    changed = (
        update(password_table)
        .where(password_table.c.account_id == account_id)
        .values(hash=hashed, changed_at=now)
    )
    if not connection.execute(changed).rowcount:
        connection.execute(
            insert(password_table).values(account_id=account_id, hash=hashed, changed_at=now)
        )


def remove_password(connection: Connection, account_id: int) -> None:
    connection.execute(delete(password_table).where(password_table.c.account_id == account_id))


def remove_factors(connection: Connection, account_id: int) -> None:
    for table in (passkey_table, password_table, recovery_code_table, openid_table):
        connection.execute(delete(table).where(table.c.account_id == account_id))


def check_password(connection: Connection, email: str, password: str) -> int | None:
    """Return whose password it is, or None. Unknown and disabled accounts take as long as others."""
    account = find_account(connection, email)
    if account is None or account.disabled_at is not None:
        is_password(None, password)
        return None
    return account.id if is_password(_stored_hash(connection, account.id), password) else None


def _stored_hash(connection: Connection, account_id: int) -> str | None:
    mine = password_table.c.account_id == account_id
    return connection.scalar(select(password_table.c.hash).where(mine))


def renewed_hash(connection: Connection, account_id: int, password: str) -> str | None:
    """Return a new hash of the right password if the stored one is weaker than today's, or None."""
    stored = _stored_hash(connection, account_id)
    return hash_password(password) if stored and is_outdated(stored) else None


def set_totp(
    connection: Connection, secret: str, account_id: int, shared: str, step: int | None = None
) -> None:
    """Store the secret of one-time passwords, once a first code has proved that the owner has it.

    `step` is that of the code, which is not good again.
    """
    connection.execute(
        update(password_table)
        .where(password_table.c.account_id == account_id)
        .values(totp_sealed=seal(secret, _PURPOSE, shared), totp_step=step)
    )


def use_totp_code(
    connection: Connection, secret: str, account_id: int, code: str, now: datetime
) -> bool:
    """Use a one-time password. Return whether it was right; of several uses at a time, one is."""
    row = connection.execute(
        select(password_table).where(password_table.c.account_id == account_id)
    ).one_or_none()
    shared = (
        unseal(secret, _PURPOSE, row.totp_sealed)
        if row is not None and row.totp_sealed
        else None
    )
    if row is None or shared is None:
        return False
    step = accepted_step(shared, code, row.totp_step, now)
    if step is None:
        return False
    unchanged = password_table.c.totp_step.is_not_distinct_from(row.totp_step)
    used = (
        update(password_table)
        .where(password_table.c.account_id == account_id, unchanged)
        .values(totp_step=step)
    )
    return connection.execute(used).rowcount == 1


# What is counted, and how often it may be.
_LIMITS: Final = {
    "sign in by network": Limit(per=60, burst=60, period=timedelta(minutes=10)),
    "sign in by account and network": Limit(per=5, burst=5, period=timedelta(minutes=1)),
    "sign in by account": Limit(per=20, burst=20, period=timedelta(hours=1)),
    # Of a million codes three are right at a time. Only who knows the password gets here.
    "sign-in code by account": Limit(per=10, burst=5, period=timedelta(hours=1)),
    # Entries of the audit log that somebody reached a limit.
    "recorded limit": Limit(per=4, burst=1, period=timedelta(hours=1)),
}


def count_try(
    connection: Connection, secret: str, what: str, who: str, now: datetime
) -> int | None:
    """Count something of `_LIMITS`. Return None, or the seconds until it is allowed."""
    return check_limit(connection, LimitKeys(secret).key(what, who), _LIMITS[what], now)


def count_password(
    connection: Connection, secret: str, email: str, network: str, now: datetime
) -> int | None:
    """Count a password, before it is hashed. Return None, or the seconds until one is allowed."""
    name = email.strip().lower()
    both = count_try(
        connection, secret, "sign in by account and network", f"{name}\n{network}", now
    )
    if both is not None:
        return both
    return count_try(connection, secret, "sign in by account", name, now)
