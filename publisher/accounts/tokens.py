"""Random tokens and their hashes, and what is proved by one: invitations, challenges, recovery codes.

A token of 256 bits can't be guessed, so a plain SHA-256 keeps it (OWASP ASVS 5.0, 11.4.1); passwords have Argon2.

An invitation is a link that lets the owner of an account set up how to sign in: for a new account,
or a lost factor. A new one of the same account ends the earlier ones. A challenge is what a session
was asked for, or has proved on its way: it is kept for minutes. Each account has ten recovery
codes, for whoever has lost a passkey or telephone. All of them are used once.
"""

import base64
import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from publisher.accounts.tables import (
    account_table,
    challenge_table,
    invitation_table,
    recovery_code_table,
)

_TOKEN_BYTES = 32


def new_token() -> str:
    """Return a token of 256 bits, as URL-safe base64."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def token_digest(token: str) -> str:
    """Return the SHA-256 of a token, in hexadecimal digits."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


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
        .where(invitation_table.c.digest == digest, invitation_table.c.used_at.is_(None))
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


LIFETIME = timedelta(minutes=5)  # of what a browser is asked for


def keep_challenge(
    connection: Connection,
    session: str,
    purpose: str,
    value: bytes,
    now: datetime,
    lifetime: timedelta = LIFETIME,
) -> None:
    """Keep what the session with a token is asked for, in place of an earlier one of that purpose."""
    digest = token_digest(session)
    same = (challenge_table.c.session_digest == digest) & (challenge_table.c.purpose == purpose)
    over = challenge_table.c.expires_at <= now
    connection.execute(delete(challenge_table).where(same | over))
    connection.execute(
        insert(challenge_table).values(
            session_digest=digest, purpose=purpose, value=value, expires_at=now + lifetime
        )
    )


def read_challenge(
    connection: Connection, session: str, purpose: str, now: datetime
) -> bytes | None:
    """Return what a session was asked for, which stays; None if that is over or was used."""
    query = select(challenge_table.c.value).where(_counts(session, purpose, now))
    return connection.execute(query).scalar_one_or_none()


def take_challenge(
    connection: Connection, session: str, purpose: str, now: datetime
) -> bytes | None:
    """Return what a session was asked for, which ends it; None if that is over or was used."""
    taken = (
        delete(challenge_table)
        .where(_counts(session, purpose, now))
        .returning(challenge_table.c.value)
    )
    return connection.execute(taken).scalar_one_or_none()


def _counts(session: str, purpose: str, now: datetime) -> ColumnElement[bool]:
    return (
        (challenge_table.c.session_digest == token_digest(session))
        & (challenge_table.c.purpose == purpose)
        & (challenge_table.c.expires_at > now)
    )


CODES = 10
# 80 bits can't be guessed, so they need no slow hash. They make 16 letters.
_CODE_BYTES = 10
_GROUP = 4


def new_recovery_codes(connection: Connection, account_id: int) -> list[str]:
    """Replace the codes of an account. Return the new ones, which nobody can read again."""
    remove_recovery_codes(connection, account_id)
    codes = [_new_code() for _ in range(CODES)]
    rows = [{"account_id": account_id, "digest": _digest(code)} for code in codes]
    connection.execute(insert(recovery_code_table), rows)
    return codes


def remove_recovery_codes(connection: Connection, account_id: int) -> None:
    mine = recovery_code_table.c.account_id == account_id
    connection.execute(delete(recovery_code_table).where(mine))


def use_recovery_code(
    connection: Connection, account_id: int, code: str, now: datetime
) -> bool:
    """Use a code, written in any way. Return whether it was good; of several at a time, one is."""
    used = (
        update(recovery_code_table)
        .where(
            recovery_code_table.c.account_id == account_id,
            recovery_code_table.c.digest == _digest(code),
            recovery_code_table.c.used_at.is_(None),
        )
        .values(used_at=now)
    )
    return connection.execute(used).rowcount == 1


def count_recovery_codes(connection: Connection, account_id: int) -> int:
    query = select(func.count()).where(
        recovery_code_table.c.account_id == account_id, recovery_code_table.c.used_at.is_(None)
    )
    return int(connection.execute(query).scalar_one())


def _new_code() -> str:
    letters = base64.b32encode(secrets.token_bytes(_CODE_BYTES)).decode().lower()
    return "-".join(letters[at : at + _GROUP] for at in range(0, len(letters), _GROUP))


def _digest(code: str) -> str:
    return token_digest("".join(code.split()).replace("-", "").lower())
