"""What a session was asked for, or has proved on its way: kept here for minutes, and used once."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, insert, select

from publisher.accounts.tables import challenge_table
from publisher.accounts.tokens import token_digest

# Of what a browser is asked for.
LIFETIME = timedelta(minutes=5)


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
