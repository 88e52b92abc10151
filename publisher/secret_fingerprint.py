"""A fingerprint of the publication's secret, in its database.

Machines that share a database must have the same secret: with another one they make other
Message-IDs and links. The secret itself does not follow from the fingerprint.
"""

from __future__ import annotations

import hmac
from datetime import datetime

from sqlalchemy import CheckConstraint, Column, Connection, Integer, Table, Text, select

from publisher.database.dialect.sql import upsert_by_key
from publisher.database.metadata import metadata

_ONLY_ROW = 1

secret_fingerprint_table = Table(
    "secret_fingerprint",
    metadata,
    Column(
        "id", Integer, CheckConstraint(f"id = {_ONLY_ROW}", name="only_row"), primary_key=True
    ),
    Column("fingerprint", Text, nullable=False),
)


def fingerprint(secret: str) -> str:
    """Return the fingerprint of a secret."""
    return hmac.digest(secret.encode(), b"fingerprint of the secret", "sha256").hex()


def stored_fingerprint(connection: Connection) -> str | None:
    """Return the one on record, or None."""
    return _stored(connection)[0] or None


def secret_adopted_at(connection: Connection) -> datetime | None:
    """Return when the secret took the place of another one; None if it is the first."""
    at = _stored(connection)[1:]
    return datetime.fromisoformat(at[0]) if at else None


def _stored(connection: Connection) -> list[str]:
    stored = connection.scalar(select(secret_fingerprint_table.c.fingerprint)) or ""
    return stored.split(" ")


def store_fingerprint(
    connection: Connection, value: str, adopted_at: datetime | None = None
) -> None:
    """Record one in place of any other, and when, if there was another."""
    at = f" {adopted_at:%Y-%m-%dT%H:%M:%SZ}" if adopted_at else ""
    row = {"id": _ONLY_ROW, "fingerprint": f"{value}{at}"}
    connection.execute(upsert_by_key(connection, secret_fingerprint_table), row)
