"""Which files of the web root are to be put into a bucket, which deleted, and in which order.

Header fields that follow from the request, such as Link and those of CORS, are settings of the bucket.

What others refer to comes first: pictures and archive documents, then pages from the deepest folder up, then feeds.
What is gone is deleted last. So no page or feed refers to an object that is not there.
"""

import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from publisher.bucket.contents import StoredFile
from publisher.config import Settings
from publisher.serving.headers import document_kind, headers_for, is_hidden, is_text
from publisher.web_files import COMPRESSORS

_STORED_FIELDS = ("Content-Type", "Cache-Control")
# No key of an object can hold them, and no file of ours has such a name.
_IMPOSSIBLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file: key, kind, header fields, and a digest of all of it before compression, which differs by program."""

    key: str
    path: Path
    kind: str
    headers: Mapping[str, str]
    digest: str

    def compressed(self) -> bytes | None:
        """Return the content to store if it is compressed, else None: it is stored as it is."""
        if "Content-Encoding" not in self.headers:
            return None
        return COMPRESSORS[".gz"](self.path.read_bytes())


# Inode, size in bytes, time of change in nanoseconds. Files are replaced by rename.
_Signature = tuple[int, int, int]


class LocalFiles:
    """Finds the files, and reads again only what has changed since the last time."""

    def __init__(self) -> None:
        # None for a file that is not served.
        self._known: dict[str, tuple[_Signature, LocalFile | None]] = {}
        self._settings: object = None

    def find(self, settings: Settings) -> dict[str, LocalFile]:
        # What headers follow from.
        used = settings.publication, settings.feeds, settings.s3
        read_before = self._known if used == self._settings else {}
        read_now = {}
        for key, entry in _entries(str(settings.folders.public)):
            looks = entry.stat()
            signature = looks.st_ino, looks.st_size, looks.st_mtime_ns
            before = read_before.get(key)
            if before is None or before[0] != signature:
                hidden = is_hidden(key) or _IMPOSSIBLE.search(key)
                before = signature, None if hidden else _read(settings, key, Path(entry.path))
            read_now[key] = before
        self._known, self._settings = read_now, used
        return {key: file for key, (_signature, file) in read_now.items() if file}


def _entries(folder: str, below: str = "") -> Iterator[tuple[str, os.DirEntry[str]]]:
    try:
        entries = os.scandir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return
    with entries:
        for entry in entries:
            key = f"{below}{entry.name}"
            if entry.is_dir():
                yield from _entries(entry.path, f"{key}/")
            elif entry.is_file():
                yield key, entry


def _read(settings: Settings, key: str, path: Path) -> LocalFile:
    fields = dict(headers_for(key, settings))
    headers = {name: fields[name] for name in _STORED_FIELDS}
    if settings.s3 and settings.s3.compressed and is_text(headers["Content-Type"]):
        headers["Content-Encoding"] = "gzip"
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    digest.update(repr(sorted(headers.items())).encode())
    return LocalFile(key, path, document_kind(key, settings).name, headers, digest.hexdigest())


@dataclass(frozen=True, slots=True)
class UploadPlan:
    """Groups of files to put, one group after another, and keys to delete after them."""

    groups: Sequence[Sequence[LocalFile]]
    gone: Sequence[str]

    @property
    def files(self) -> list[LocalFile]:
        return [one for group in self.groups for one in group]


def plan_upload(
    local: Mapping[str, LocalFile], stored: Mapping[str, StoredFile], *, deletes: bool
) -> UploadPlan:
    there = {key for key, one in stored.items() if one.tag}
    wanted = sorted(
        (f for k, f in local.items() if k not in there or stored[k].digest != f.digest),
        key=lambda file: (_rank(file), file.key),
    )
    groups = [list(group) for _rank, group in groupby(wanted, key=_rank)]
    gone = sorted(stored.keys() - local.keys()) if deletes else []
    return UploadPlan(groups, gone)


def _rank(file: LocalFile) -> tuple[int, int]:
    if file.kind in ("feed", "list"):
        return 2, 0
    if file.kind == "page" and file.key.endswith(".html"):
        return 1, -file.key.count("/")
    return 0, 0
