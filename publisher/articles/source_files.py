"""The files of a source, as far as they lie in its folder; a Library for readers.

Pictures are held in memory, since they are measured; what may be large is surveyed and copied
in pieces. Remembers all that was asked for, there or not. Knows no article and no database.
"""

from __future__ import annotations

import hashlib
import os
from io import BufferedReader
from pathlib import Path, PurePosixPath

from publisher.articles.duration import media_duration
from publisher.articles.media_types import HEAD_BYTES
from publisher.articles.model import MediaFile
from publisher.articles.parsers import MediaInfo
from publisher.errors import ArticleError
from publisher.files import make_folder, sync_folder, write_file

# Large enough that a disk is not the slower for it, small enough for any machine.
PIECE = 1 << 20


class SourceFiles:
    """One document's view of its source folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._asked: set[str] = set()
        self._kept: dict[str, bytes] = {}
        self._surveyed: dict[str, MediaInfo] = {}

    @property
    def asked(self) -> tuple[str, ...]:
        """List the paths that were asked for, sorted."""
        return tuple(sorted(self._asked))

    def media(self, path: PurePosixPath) -> bytes | None:
        """Give a picture's bytes, unless it is absent or lies outside the source's folder."""
        self._asked.add(str(path))
        try:
            content = self.read(path)
        except OSError:  # absent, a name that no file can have, or one that may not be read
            return None
        if content is not None:
            self._kept[str(path)] = content
        return content

    def survey(self, path: PurePosixPath) -> MediaInfo | None:
        """Say what there is to know of a file, however large; None as for `media`."""
        self._asked.add(str(path))
        place = self._place(path)
        try:
            # Opening a pipe would wait for ever.
            if place is None or not place.is_file():
                return None
            with place.open("rb") as file:
                survey = _survey(file)
        except OSError:
            return None
        self._surveyed[str(path)] = survey
        return survey

    def read(self, path: PurePosixPath) -> bytes | None:
        """Give a file's bytes, None if it lies outside; raises OSError if it can't be read."""
        place = self._place(path)
        return None if place is None else place.read_bytes()

    def publish(self, media: MediaFile, public: Path) -> None:
        """Put a file that was asked for where the web finds it: below the web root `public`.

        Its name there holds its hash, so once is enough. Raises OSError if it can't be put
        there, ArticleError if it is no longer what was surveyed.
        """
        target = public / media.target
        if target.exists():
            return
        survey = self._surveyed.get(media.path)
        place = self._place(PurePosixPath(media.path))
        if survey is None or place is None:
            write_file(target, self._kept[media.path])
        elif not _copy(place, target, survey.sha256):
            raise ArticleError(f"{media.path}: was changed while it was being read")

    def _place(self, path: PurePosixPath) -> Path | None:
        # Not Path.resolve(), which fails in its own way on a link that leads to itself.
        file = Path(os.path.realpath(self._folder / path))
        return file if file.is_relative_to(self._folder) else None


def _survey(file: BufferedReader) -> MediaInfo:
    head = file.read(HEAD_BYTES)
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256")
    length = file.tell()
    file.seek(0)
    return MediaInfo(
        sha256=digest.hexdigest(), length=length, head=head, duration=media_duration(file)
    )


def _copy(source: Path, target: Path, sha256: str) -> bool:
    """Copy a file in pieces; whole or not at all, and not if its content has another hash."""
    make_folder(target.parent)
    unfinished = target.with_name(f".{target.name}.part")
    try:
        same = _copy_pieces(source, unfinished) == sha256
        if same:
            unfinished.replace(target)
            sync_folder(target.parent)
    finally:
        # A full disk must not stay full of what is of no use.
        unfinished.unlink(missing_ok=True)
    return same


def _copy_pieces(source: Path, target: Path) -> str:
    digest = hashlib.sha256()
    with source.open("rb") as original, target.open("wb") as copy:
        while piece := original.read(PIECE):
            digest.update(piece)
            copy.write(piece)
        copy.flush()
        os.fsync(copy.fileno())
    return digest.hexdigest()
