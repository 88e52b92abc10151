"""The files below a folder as articles show them: pictures in memory, others in pieces.

Pictures are kept in memory, since they are measured, and converted in a process with limits if browsers don't
show them; other files may be large, and are hashed and copied in pieces.
"""

import hashlib
import os
from io import BufferedReader
from pathlib import Path, PurePosixPath

from publisher.articles.model import MediaFile
from publisher.errors import ArticleError
from publisher.files import copy_verified, write_file
from publisher.ingest.media.document_media import MediaInfo
from publisher.ingest.media.kinds import HEAD_BYTES
from publisher.ingest.sanitise import MAX_ARTICLE_BYTES
from publisher.pictures.conversion import convert_picture

# Bytes. A larger file is no picture for the web, and would fill the memory.
_MAX_PICTURE_BYTES = 50_000_000
# Formats that are converted, by their suffixes. A drawing (SVG) can hold a program, so it is not
# published as it is.
CONVERTED_SUFFIXES = frozenset(
    {".svg", ".svgz", ".bmp", ".dib", ".tif", ".tiff", ".jp2", ".ico", ".ppm", ".tga", ".pcx"}
)


class FolderFiles:
    """The source folder as seen from one document; collects the paths that are requested."""

    def __init__(self, folder: Path) -> None:
        self._folder = Path(os.path.realpath(folder))
        self._requested: set[str] = set()
        self._converted: dict[str, bytes] = {}
        # Of the files that are copied as they are.
        self._hashes: dict[str, str] = {}

    @property
    def requested(self) -> tuple[str, ...]:
        return tuple(sorted(self._requested))

    def picture_bytes(self, path: PurePosixPath) -> bytes | None:
        """Return a picture's content, None if it is absent or outside the source's folder.

        Formats that browsers do not show are converted. Raises ArticleError for a picture that is
        too large or can't be converted.
        """
        key = str(path)
        self._requested.add(key)
        if key in self._converted:
            return self._converted[key]
        place = self._place(path)
        try:
            if place is None or not place.is_file():
                return None
            if place.stat().st_size > _MAX_PICTURE_BYTES:
                most = _MAX_PICTURE_BYTES // 1_000_000
                raise ArticleError.saying("has more than %(most)s MB; scale it down", most=most)
            content = place.read_bytes()
        except OSError:  # absent, an invalid name, or no permission
            return None
        if path.suffix.lower() in CONVERTED_SUFFIXES:
            content = self._converted[key] = convert_picture(content)
        else:
            self._hashes[key] = hashlib.sha256(content).hexdigest()
        return content

    def size(self, path: PurePosixPath) -> int | None:
        """Return the bytes of a file; None as for `picture_bytes`."""
        self._requested.add(str(path))
        place = self._place(path)
        try:
            return place.stat().st_size if place is not None and place.is_file() else None
        except OSError:
            return None

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
        self._hashes[str(path)] = info.sha256
        return info

    def read(self, path: PurePosixPath) -> bytes | None:
        """Return a file's content, None if it is outside; raises OSError or ArticleError."""
        place = self._place(path)
        if place is not None and place.stat().st_size > MAX_ARTICLE_BYTES:
            most = MAX_ARTICLE_BYTES // 1_000_000
            raise ArticleError.saying("larger than %(most)s MB; split it", most=most)
        return None if place is None else place.read_bytes()

    def publish(self, media: MediaFile, public: Path) -> None:
        """Copy a file that was requested to its target below the web root `public`.

        The target contains the hash, so an existing one is never written again. Raises OSError if
        it can't be written, ArticleError if the file changed since it was inspected.
        """
        target = public / media.target
        if target.exists():
            return
        converted = self._converted.get(media.path)
        place = self._place(PurePosixPath(media.path))
        if converted is not None:
            write_file(target, converted)
        elif place is None or not copy_verified(place, target, self._hashes[media.path]):
            raise ArticleError.saying(
                "%(path)s: was changed while it was being read", path=media.path
            )

    def _place(self, path: PurePosixPath) -> Path | None:
        # Path.resolve() raises other errors for a link that leads to itself.
        file = Path(os.path.realpath(self._folder / path))
        return file if file.is_relative_to(self._folder) else None


def _inspect(file: BufferedReader) -> MediaInfo:
    from publisher.ingest.media.duration import media_duration  # loads tinytag

    head = file.read(HEAD_BYTES)
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256")
    length = file.tell()
    file.seek(0)
    return MediaInfo(digest.hexdigest(), length, head, media_duration(file))
