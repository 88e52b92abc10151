"""A folder of files as a source; the key of a file is its path in the folder.

The signature of a file is its inode, size and times, as in version control. Each change of the
content moves the change time, which no program can set back; but the clock of a file system is
coarse, so a file that changed in the last seconds has no signature yet. The folder's site decides
which files are articles. Pictures are kept in memory; attachments, which may be large, are not.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import stat
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from io import BufferedReader
from pathlib import Path, PurePosixPath

from publisher.articles.model import MediaFile
from publisher.config import Settings
from publisher.config.sources import FolderSourceSettings
from publisher.errors import ArticleError, SourceError
from publisher.files import copy_verified, write_file
from publisher.ingest.media_types import HEAD_BYTES, MEDIA_SUFFIXES
from publisher.ingest.own_shortcodes import OwnShortcodes
from publisher.ingest.parsers import ARTICLE_SUFFIXES, MediaInfo, SourceDocument
from publisher.ingest.repository import RepositoryHistory
from publisher.ingest.sanitise import MAX_ARTICLE_BYTES
from publisher.ingest.sites.base import LeftOut, LeftOutReason, PageKind, Site, SitePage
from publisher.ingest.sites.configuration import ConfigurationFiles
from publisher.ingest.sites.detect import open_site
from publisher.ingest.sites.options import SiteOptions
from publisher.ingest.sites.plain import is_editor_file
from publisher.ingest.sources.base import Item, Listing, RawItem
from publisher.picture_conversion import CONVERTED_SUFFIXES, convert_picture

# Nanoseconds: the coarsest clock of a file system in use (FAT: two seconds).
COARSEST_CLOCK_NS = 2_000_000_000
PICTURE_SUFFIXES = CONVERTED_SUFFIXES | {".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif"}
# Bytes. A larger file is no picture for the web, and would fill the memory.
_MAX_PICTURE_BYTES = 50_000_000
# Pages that a layout fills, if they have no text of their own.
_FRONT_PAGES = frozenset({"index.html", "index.htm"})
_SHOWN = PICTURE_SUFFIXES | MEDIA_SUFFIXES
# Documents of a folder: more of them are a mistake in its path. Also the pictures and attachments whose
# changes are looked for; each costs some hundred bytes of memory, and a row.
MAX_FILES = 100_000
# Groups of files that are left out. Others are counted together.
_MAX_GROUPS = 1_000


class FolderSource:
    """The articles, pictures and attachments below a folder."""

    def __init__(self, options: FolderSourceSettings, settings: Settings) -> None:
        self._folder = settings.folders.root / options.path
        self._clock_file = settings.folders.var / "scanned"
        self._files = ConfigurationFiles(self._folder)
        self._site = open_site(self._files, site_options(options, settings))
        self._history = RepositoryHistory(self._folder)
        # The keys of items by the names of their stories.
        self._stories: Mapping[str, Sequence[str]] = {}
        language = options.language or settings.publication.default_language
        self._shortcodes = OwnShortcodes(
            options.shortcodes, settings.folders.templates, language
        )

    def poll(self, mark: str) -> Listing:
        """Return all files, sorted by path; the mark is a hash of the configuration."""
        self._clock_file.parent.mkdir(parents=True, exist_ok=True)
        scan = scan_folder(self._folder, file_system_time(self._clock_file), self._site)
        self._stories = scan.stories
        digest = self._files.digest + self._shortcodes.digest
        return Listing(
            scan.items,
            True,
            digest,
            read_all=digest != mark,
            left_out=scan.left_out,
            is_site=self._site.generator != "plain",
        )

    def read(self, item: Item) -> RawItem:
        """Return a file's content; raise ArticleError if it can't be read."""
        files = FolderFiles(self._folder)
        path = PurePosixPath(item.key)
        try:
            content = files.read(path)
        except OSError as error:
            raise ArticleError(f"can't be read: {error.strerror or error}") from None
        if content is None:
            raise ArticleError(
                "is a link to a file outside the source's folder; copy the file here"
            )
        document = document_of_site(self._site, path, content)
        document = replace(document, shortcodes=self._shortcodes.rules)
        history = partial(self._history.first_commit, path)
        return RawItem(document, files, history, self._siblings(path))

    def _siblings(self, path: PurePosixPath) -> tuple[str, ...]:
        page = self._site.classify(path)
        story = page.story if isinstance(page, SitePage) else None
        return tuple(one for one in self._stories.get(story or "", ()) if one != str(path))


def site_options(options: FolderSourceSettings, settings: Settings) -> SiteOptions:
    """Return what a source says of its site."""
    publication = settings.publication
    return SiteOptions(
        site=options.site,
        static=options.static,
        include=options.include,
        exclude=options.exclude,
        url=(options.url or "").rstrip("/"),
        language=options.language or publication.default_language,
        languages=publication.languages,
    )


def document_of_site(site: Site, path: PurePosixPath, content: bytes) -> SourceDocument:
    """Return a file as a document in the dialect of its site, with the site's values."""
    page = site.classify(path)
    if isinstance(page, LeftOut):
        return SourceDocument(path, content)
    return SourceDocument(
        path,
        content,
        dialect=page.dialect,
        values=site.values(page),
        describe=partial(site.describe, page),
        beside=page.beside,
        static=site.static,
        title=page.title,
        is_page=page.kind is PageKind.DATED or page.path.name in _FRONT_PAGES,
        site_url=site.url,
    )


@dataclass(slots=True)
class FolderScan:
    """The files of a folder that are items, sorted by path, and how many others there are."""

    items: list[Item] = field(default_factory=list)
    left_out: Counter[LeftOut] = field(default_factory=Counter)
    # The keys of documents by the names of their stories, as far as the site says them.
    stories: dict[str, list[str]] = field(default_factory=dict)

    def leave_out(self, one: LeftOut) -> None:
        """Count a file that is no item."""
        is_known = one in self.left_out or len(self.left_out) < _MAX_GROUPS
        self.left_out[one if is_known else LeftOut(one.reason)] += 1


def scan_folder(folder: Path, now: int, site: Site) -> FolderScan:
    """Return the articles, pictures and attachments below a folder.

    `now` is the time of the file system's clock in nanoseconds. Raises SourceError if the folder,
    or one below it, can't be read, or holds more than MAX_FILES documents. Of so many other files
    none is an item: articles show them, but a change of one alone is not noticed.
    """
    scan = FolderScan()
    # A second change in the same tick of the clock would go unnoticed.
    trusted = now - COARSEST_CLOCK_NS
    others: list[Item] = []
    unwatched = 0
    try:
        for item in _walk(folder, "", trusted, site, scan):
            (scan.items if item.is_document else others).append(item)
            if len(scan.items) > MAX_FILES:
                problem = f"has more than {MAX_FILES:,} documents"
                raise SourceError(f"{folder}: {problem}; name a folder in it as path")
            if unwatched or len(others) > MAX_FILES:
                unwatched += len(others)
                others.clear()
    except RecursionError:
        raise SourceError(f"{folder}: its folders are nested too deep") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise SourceError(f"{error.filename or folder}: can't be read: {reason}") from error
    if unwatched:
        scan.left_out[LeftOut(LeftOutReason.UNWATCHED)] = unwatched
    scan.items += others
    scan.items.sort(key=lambda item: item.key)
    return scan


def _walk(
    folder: Path, prefix: str, trusted: int, site: Site, scan: FolderScan
) -> Iterator[Item]:
    with os.scandir(folder) as entries:
        for entry in entries:
            # A name that is not UTF-8 can't be stored. Escaped, its file is quarantined.
            path = f"{prefix}{os.fsencode(entry.name).decode('utf-8', 'backslashreplace')}"
            # A link to a folder may lead in a circle.
            if entry.is_dir(follow_symlinks=False):
                if site.looks_into(PurePosixPath(path)):
                    yield from _walk(Path(entry.path), f"{path}/", trusted, site, scan)
                else:
                    scan.leave_out(LeftOut(LeftOutReason.FOLDER, entry.name))
                continue
            # PurePath.suffix takes seven times as long, and this runs for every file.
            suffix = posixpath.splitext(entry.name)[1].lower()
            if suffix in ARTICLE_SUFFIXES:
                page = site.classify(PurePosixPath(path))
                if isinstance(page, LeftOut):
                    scan.leave_out(page)
                    continue
                if page.story:
                    scan.stories.setdefault(page.story, []).append(path)
            elif suffix not in _SHOWN or is_editor_file(entry.name):
                scan.leave_out(LeftOut(LeftOutReason.ENDING, suffix))
                continue
            signature = _signature(entry, trusted)
            if signature is not None:
                yield Item(path, signature, suffix in ARTICLE_SUFFIXES)


def _signature(entry: os.DirEntry[str], trusted: int) -> str | None:
    """Return a file's signature, empty if it changed later than `trusted`; None for no file."""
    try:
        found = entry.stat()
    except OSError:  # a broken link, or deleted since; reading it gives the reason
        return ""
    if not stat.S_ISREG(found.st_mode):  # reading a pipe would never end
        return None
    if max(found.st_ctime_ns, found.st_mtime_ns) > trusted:
        return ""
    return f"{found.st_ino}-{found.st_size}-{found.st_mtime_ns}-{found.st_ctime_ns}"


def file_system_time(marker: Path) -> int:
    """Return the time of the file system's clock in nanoseconds, by touching a file on it."""
    marker.touch()
    return marker.stat().st_mtime_ns


# Reading


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
        """The paths that were requested, whether they exist or not, sorted."""
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
                raise ArticleError(
                    f"has more than {_MAX_PICTURE_BYTES // 1_000_000} MB; scale it down"
                )
            content = place.read_bytes()
        except OSError:  # absent, an invalid name, or no permission
            return None
        if path.suffix.lower() in CONVERTED_SUFFIXES:
            content = self._converted[key] = convert_picture(content)
        else:
            self._hashes[key] = hashlib.sha256(content).hexdigest()
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
        self._hashes[str(path)] = info.sha256
        return info

    def read(self, path: PurePosixPath) -> bytes | None:
        """Return a file's content, None if it is outside; raises OSError or ArticleError."""
        place = self._place(path)
        if place is not None and place.stat().st_size > MAX_ARTICLE_BYTES:
            raise ArticleError(f"larger than {MAX_ARTICLE_BYTES // 1_000_000} MB; split it")
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
            raise ArticleError(f"{media.path}: was changed while it was being read")

    def _place(self, path: PurePosixPath) -> Path | None:
        # Path.resolve() raises other errors for a link that leads to itself.
        file = Path(os.path.realpath(self._folder / path))
        return file if file.is_relative_to(self._folder) else None


def _inspect(file: BufferedReader) -> MediaInfo:
    from publisher.ingest.duration import media_duration  # loads tinytag

    head = file.read(HEAD_BYTES)
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256")
    length = file.tell()
    file.seek(0)
    return MediaInfo(
        sha256=digest.hexdigest(), length=length, head=head, duration=media_duration(file)
    )
