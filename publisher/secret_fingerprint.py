"""A fingerprint of the publication's secret, in its database.

Machines that share a database must have the same secret: with another one they make other
Message-IDs and links. The secret itself does not follow from the fingerprint.
"""

from __future__ import annotations

import hmac

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
    return connection.scalar(select(secret_fingerprint_table.c.fingerprint))


def store_fingerprint(connection: Connection, value: str) -> None:
    """Record one in place of any other."""
    row = {"id": _ONLY_ROW, "fingerprint": value}
    connection.execute(upsert_by_key(connection, secret_fingerprint_table), row)
