"""Hashes of the inputs of written files, so that nothing is rendered again without need."""

from __future__ import annotations

import hashlib

from sqlalchemy import Column, Connection, Table, Text, delete, select

from publisher.database.dialect.sql import KEYED, upsert
from publisher.database.metadata import metadata

build_cache = Table(
    "build_cache",
    metadata,
    Column("name", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    info=KEYED,
)


def hash_inputs(*inputs: object) -> str:
    """Return a hash of inputs whose repr is complete."""
    return hashlib.sha256(repr(inputs).encode("utf-8", "surrogatepass")).hexdigest()


def cached_hash(connection: Connection, name: str) -> str | None:
    """Return the hash that was stored for a name; None if there is none."""
    query = select(build_cache.c.fingerprint).where(build_cache.c.name == name)
    return connection.execute(query).scalar_one_or_none()


def forget_hash(connection: Connection, name: str) -> None:
    """Forget what a name was written from, so that it is written again."""
    connection.execute(delete(build_cache).where(build_cache.c.name == name))


def store_hash(connection: Connection, name: str, value: str) -> None:
    """Store the hash of the inputs that a name was last written from."""
    row = upsert(connection, build_cache).values(name=name, fingerprint=value)
    connection.execute(
        row.on_conflict_do_update(index_elements=["name"], set_={"fingerprint": value})
    )
