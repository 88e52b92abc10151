"""What a bucket has, as the object `.publisher.json` in it says.

It is replaced only as it was read. So of two processes that put files, one notices the other.
An object that is about to be put stands in it without a tag: if the process is killed, the next one
knows that it may be there, and puts or deletes it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

CONTENTS_KEY = ".publisher.json"
# Of the format. Another one is not understood, and takes part in no decision.
_VERSION = 1
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

    def after_listing(self, tags: Mapping[str, str], now: float) -> Contents:
        """Return these contents without the tags of objects that are gone, or others."""
        files = {
            key: one if tags.get(key) == one.tag else StoredFile()
            for key, one in self.files.items()
        }
        return replace(self, listed_at=now, files=files)

    def with_files(self, files: Mapping[str, StoredFile]) -> Contents:
        """Return these contents with some files, in place of others of their names."""
        return replace(self, files={**self.files, **files})

    def without(self, keys: Iterable[str]) -> Contents:
        """Return these contents without some files."""
        gone = set(keys)
        kept = {key: one for key, one in self.files.items() if key not in gone}
        return replace(self, files=kept)


def to_json(contents: Contents) -> bytes:
    """Return contents as the bucket has them."""
    document = {
        "version": _VERSION,
        "url": contents.url,
        "listed_at": contents.listed_at,
        "files": contents.files,
    }
    return json.dumps(document, ensure_ascii=False, sort_keys=True).encode()


def from_json(document: bytes) -> Contents:
    """Return what a bucket says; raise ValueError if it is in another format."""
    try:
        found = json.loads(document)
        if found["version"] == _VERSION:
            files = {key: StoredFile(*one) for key, one in found["files"].items()}
            return Contents(found["url"], found["listed_at"], files)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(_UNKNOWN) from error
    raise ValueError(_UNKNOWN)
