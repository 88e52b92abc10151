"""Read files below a source's folder; paths that leave it are refused. A MediaLibrary for parsers.

Pictures are kept in memory, since they are measured. Attachments may be large: they are hashed and
copied in pieces.
"""

from __future__ import annotations

import hashlib
import os
from io import BufferedReader
from pathlib import Path, PurePosixPath

from publisher.articles.model import MediaFile
from publisher.errors import ArticleError
from publisher.files import make_folder, sync_folder, write_file
from publisher.ingest.duration import media_duration
from publisher.ingest.media_types import HEAD_BYTES
from publisher.ingest.parsers import MediaInfo

# Bytes that are copied at once.
_PIECE = 1 << 20


class FolderFiles:
    """The source folder as seen from one document; collects the paths that are requested."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._requested: set[str] = set()
        self._contents: dict[str, bytes] = {}
        self._inspected: dict[str, MediaInfo] = {}

    @property
    def requested(self) -> tuple[str, ...]:
        """The paths that were requested, whether they exist or not, sorted."""
        return tuple(sorted(self._requested))

    def picture_bytes(self, path: PurePosixPath) -> bytes | None:
        """Return a picture's content, None if it is absent or outside the source's folder."""
        self._requested.add(str(path))
        try:
            content = self.read(path)
        except OSError:  # absent, an invalid name, or no permission
            return None
        if content is not None:
            self._contents[str(path)] = content
        return content

    def inspect(self, path: PurePosixPath) -> MediaInfo | None:
        """Return facts about a file of any size; None as for `picture_bytes`."""
        self._requested.add(str(path))
        place = self._place(path)
        try:
            # Opening a pipe would wait forever.
            if place is None or not place.is_file():
                return None
            with place.open("rb") as file:
                info = _inspect(file)
        except OSError:
            return None
        self._inspected[str(path)] = info
        return info

    def read(self, path: PurePosixPath) -> bytes | None:
        """Return a file's content, None if it is outside; raises OSError if it can't be read."""
        place = self._place(path)
        return None if place is None else place.read_bytes()

    def publish(self, media: MediaFile, public: Path) -> None:
        """Copy a file that was requested to its target below the web root `public`.

        The target contains the hash, so an existing one is never written again. Raises OSError if
        it can't be written, ArticleError if the file changed since it was inspected.
        """
        target = public / media.target
        if target.exists():
            return
        info = self._inspected.get(media.path)
        place = self._place(PurePosixPath(media.path))
        if info is None or place is None:
            write_file(target, self._contents[media.path])
        elif not _copy(place, target, info.sha256):
            raise ArticleError(f"{media.path}: was changed while it was being read")

    def _place(self, path: PurePosixPath) -> Path | None:
        # Path.resolve() raises other errors for a link that leads to itself.
        file = Path(os.path.realpath(self._folder / path))
        return file if file.is_relative_to(self._folder) else None


def _inspect(file: BufferedReader) -> MediaInfo:
    head = file.read(HEAD_BYTES)
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256")
    length = file.tell()
    file.seek(0)
    return MediaInfo(
        sha256=digest.hexdigest(), length=length, head=head, duration=media_duration(file)
    )


def _copy(source: Path, target: Path, sha256: str) -> bool:
    """Copy a file completely or not at all; return False if its content has another hash."""
    make_folder(target.parent)
    unfinished = target.with_name(f".{target.name}.part")
    try:
        same = _copy_pieces(source, unfinished) == sha256
        if same:
            unfinished.replace(target)
            sync_folder(target.parent)
    finally:
        # Do not leave a useless file on a full disk.
        unfinished.unlink(missing_ok=True)
    return same


def _copy_pieces(source: Path, target: Path) -> str:
    digest = hashlib.sha256()
    with source.open("rb") as original, target.open("wb") as copy:
        while piece := original.read(_PIECE):
            digest.update(piece)
            copy.write(piece)
        copy.flush()
        os.fsync(copy.fileno())
    return digest.hexdigest()
