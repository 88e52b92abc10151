"""What each written thing was last made from, so that nothing is made again without need.

A fingerprint is a hash over all inputs of a page or feed. Knows no input and no file.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import Column, Connection, Table, Text, select
from sqlalchemy.dialects.sqlite import insert

from publisher.database.metadata import metadata

output = Table(
    "output",
    metadata,
    Column("name", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    sqlite_with_rowid=False,
)


def hash_inputs(*inputs: object) -> str:
    """Hash inputs whose repr says all there is to them."""
    return hashlib.sha256(repr(inputs).encode("utf-8", "surrogatepass")).hexdigest()


def cached_hash(connection: Connection, name: str) -> str | None:
    """Say what a thing was last made from; None if never."""
    query = select(output.c.fingerprint).where(output.c.name == name)
    return connection.execute(query).scalar_one_or_none()


def store_hash(connection: Connection, name: str, value: str) -> None:
    """Record what a thing has been made from."""
    row = insert(output).values(name=name, fingerprint=value)
    connection.execute(row.on_conflict_do_update(set_={"fingerprint": value}))
