"""What a bucket has: the object `.publisher.json` in it, and the row of its state in the database.

The object is replaced only as it was read, so of two processes that put files, one notices the other. An object that
is about to be put stands in it without a tag: after a kill, the next process knows that it may be there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, NamedTuple

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Column, Connection, Table, Text, select

from publisher.database.dialect.sql import KEYED, upsert
from publisher.database.metadata import SentenceText, UTCDateTime, metadata

bucket_state = Table(
    "bucket_state",
    metadata,
    Column("name", Text, primary_key=True),  # there is one row, `public`
    Column("problem", SentenceText),  # why files were not put there last time
    Column("complete_at", UTCDateTime),  # the instant of the last turn whose files it has all
    info=KEYED,
)

CONTENTS_KEY = ".publisher.json"
_UNKNOWN = f"{CONTENTS_KEY} is in a format that this version does not know"


class StoredFile(NamedTuple):
    """The digest of a file with its header fields, and the object's entity tag; empty if unknown."""

    digest: str = ""
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Contents:
    """Which files are there, of which publication; and when the bucket was last listed."""

    url: str
    listed_at: float = 0.0
    files: Mapping[str, StoredFile] = field(default_factory=dict)
    # Of the format. Another one is not understood, and takes part in no decision.
    version: Literal[1] = 1

    def after_listing(self, tags: Mapping[str, str], now: float) -> Contents:
        files = {
            key: one if tags.get(key) == one.tag else StoredFile()
            for key, one in self.files.items()
        }
        return replace(self, listed_at=now, files=files)

    def with_files(self, files: Mapping[str, StoredFile]) -> Contents:
        return replace(self, files={**self.files, **files})

    def without(self, keys: Iterable[str]) -> Contents:
        gone = set(keys)
        kept = {key: one for key, one in self.files.items() if key not in gone}
        return replace(self, files=kept)


def to_json(contents: Contents) -> bytes:
    return json.dumps(asdict(contents), ensure_ascii=False, sort_keys=True).encode()


def from_json(document: bytes) -> Contents:
    try:
        return TypeAdapter(Contents).validate_json(document)
    except ValidationError as error:
        raise ValueError(_UNKNOWN) from error


_NAME = "public"


@dataclass(frozen=True, slots=True)
class BucketState:
    """Why the bucket lacks files, if it does, and the last turn whose files it has all."""

    problem: str | None = None
    complete_at: datetime | None = None


def read_state(connection: Connection) -> BucketState:
    row = connection.execute(select(bucket_state)).first()
    return BucketState(row.problem, row.complete_at) if row else BucketState()


def record_state(connection: Connection, **values: Any) -> None:
    row = upsert(connection, bucket_state).values(name=_NAME, **values)
    connection.execute(row.on_conflict_do_update(index_elements=["name"], set_=values))
