"""Links that let the owner of an account set up how to sign in: for a new account, or a lost factor.

A link is used once. A new one of the same account ends the earlier ones.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from publisher.accounts.tables import account_table, invitation_table
from publisher.accounts.tokens import new_token, token_digest

# For whoever sits at the terminal, and for whoever gets a mail (OWASP ASVS 5.0, 6.4.1).
INVITATION_LIFETIME = timedelta(minutes=30)
INVITATION_LIFETIME_BY_MAIL = timedelta(hours=24)


def invite(
    connection: Connection,
    account_id: int,
    now: datetime,
    lifetime: timedelta = INVITATION_LIFETIME,
) -> str:
    """Return the token of a new link, which nobody can read again."""
    old = (invitation_table.c.account_id == account_id) | (invitation_table.c.expires_at <= now)
    connection.execute(delete(invitation_table).where(old))
    token = new_token()
    connection.execute(
        insert(invitation_table).values(
            digest=token_digest(token), account_id=account_id, expires_at=now + lifetime
        )
    )
    return token


def invited_account_id(connection: Connection, digest: str, now: datetime) -> int | None:
    """Return whose link it is by the token's digest, if it can still be used, or None."""
    query = (
        select(invitation_table.c.account_id)
        .join(account_table)
        .where(
            invitation_table.c.digest == digest,
            invitation_table.c.used_at.is_(None),
            invitation_table.c.expires_at > now,
            account_table.c.disabled_at.is_(None),
        )
    )
    return connection.execute(query).scalar_one_or_none()


def use_invitation(connection: Connection, digest: str, now: datetime) -> int | None:
    """Use a link. Return whose it is, or None; of several uses at a time, one succeeds."""
    number = invited_account_id(connection, digest, now)
    if number is None:
        return None
    used = (
        update(invitation_table)
        .where(
            invitation_table.c.digest == digest,
            invitation_table.c.used_at.is_(None),
        )
        .values(used_at=now)
    )
    return number if connection.execute(used).rowcount == 1 else None


def invitation_expiry(
    connection: Connection, account_id: int, now: datetime
) -> datetime | None:
    """Return until when the link of an account can be used, or None if there is none."""
    query = select(invitation_table.c.expires_at).where(
        invitation_table.c.account_id == account_id,
        invitation_table.c.used_at.is_(None),
        invitation_table.c.expires_at > now,
    )
    return connection.execute(query).scalar_one_or_none()
