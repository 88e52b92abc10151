"""The files of a source's folder, as seen from one document: pictures, what it links to, and their history.

Paths that leave the folder are refused, also through a symbolic link. Pictures are kept in memory,
since they are measured, and converted in a process with limits if browsers don't show them; other files may be large, and are hashed and copied in pieces. When a file first came
into its Git repository dates a document without a date: Git is asked once for the whole folder, and only if a
document needs it. Where there is no repository or no Git, or it takes too long, nothing is known.
"""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cached_property
from io import BufferedReader
from pathlib import Path, PurePosixPath

from publisher.articles.model import MediaFile
from publisher.errors import ArticleError
from publisher.files import copy_verified, write_file
from publisher.ingest.media.document_media import MediaInfo
from publisher.ingest.media.kinds import HEAD_BYTES
from publisher.ingest.sanitise import MAX_ARTICLE_BYTES
from publisher.log import log
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


# Seconds. A hundred thousand commits take about ten.
_GIT_TIMEOUT = 60
# Characters of what Git prints: names of files, for some millions of changes.
_MAX_LENGTH = 200_000_000
# Between commits in what Git prints; no name of a file has it.
_COMMIT = "\x01"
# The oldest folder above the source's in which a repository is looked for.
_MAX_LEVELS = 20


class RepositoryHistory:
    """The history of the files below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def first_commit(self, path: PurePosixPath) -> datetime | None:
        """Return when a file was first committed under any name, None if nobody knows."""
        return self._dates.get(str(path))

    @cached_property
    def _dates(self) -> dict[str, datetime]:
        if not _has_repository(self._folder):
            return {}
        git = shutil.which("git")
        if git is None:
            log.warning("no git, so undated files get the day on which they are first seen")
            return {}
        return first_commits(_read_log(git, self._folder).split("\0"))


def _has_repository(folder: Path) -> bool:
    above = [folder, *Path(os.path.realpath(folder)).parents][:_MAX_LEVELS]
    return any((place / ".git").exists() for place in above)


def _read_log(git: str, folder: Path) -> str:
    """Return commits, newest first: their time, and the files that were added or renamed."""
    command = [git, "-C", str(folder), "-c", "core.fsmonitor=false", "log", "-z", "--relative"]
    command += ["--no-show-signature", "--no-ext-diff", "--no-textconv", "-M", "--name-status"]
    command += ["--diff-filter=AR", f"--format={_COMMIT}%cI", "--", "."]
    # Nothing is fetched for an incomplete copy of a repository, and nobody is asked for anything.
    environment = os.environ | {"GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(  # noqa: S603  # a fixed command; the folder is the editor's own
            command, capture_output=True, timeout=_GIT_TIMEOUT, env=environment, check=True
        )
    except (subprocess.SubprocessError, OSError) as error:
        log.warning("no history of files", folder=str(folder), reason=type(error).__name__)
        return ""
    text = done.stdout.decode("utf-8", "backslashreplace")
    # Only whole fields: of the oldest commits, some may be lost.
    return text if len(text) <= _MAX_LENGTH else text[:_MAX_LENGTH].rpartition("\0")[0]


def first_commits(fields: Iterable[str]) -> dict[str, datetime]:
    """Return when each file first came, by whatever name, from `git log -z --name-status`. Pure."""
    dates: dict[str, datetime] = {}
    # What a name of the past is called today.
    today: dict[str, str] = {}
    when: datetime | None = None
    rest = iter(fields)
    for one in rest:
        word = one.strip("\n")
        if word.startswith(_COMMIT):
            when = _instant(word[1:])
        elif word.startswith("R"):
            before, after = _next(rest), _next(rest)
            today[before] = today.get(after, after)
        elif word == "A":
            name = _next(rest)
            if when is not None:
                # Commits come newest first, so the oldest one stays.
                dates[today.get(name, name)] = when
    return dates


def _instant(text: str) -> datetime | None:
    """Return the time of a commit; None if it is none: Git stores any zone and any year."""
    try:
        when = datetime.fromisoformat(text)
        # Near the first and the last year, a time has no counterpart in UTC.
        when.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return when


def _next(fields: Iterator[str]) -> str:
    return next(fields, "")
