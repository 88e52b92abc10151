"""A folder of files as a source; the key of a file is its path in the folder.

The signature of a file is its inode, size and times, as in version control. Each change of the
content moves the change time, which no program can set back; but the clock of a file system is
coarse, so a file that changed in the last seconds has no signature yet. The folder's site decides
which files are articles. Shortcodes of the site's own are kept, dropped or shown by a template, as the source says.

When a file first came into its Git repository dates a document without a date: Git is asked once for the whole folder,
and only if a document needs it. Where there is no repository or no Git, or it takes too long, nothing is known.
"""

import hashlib
import os
import posixpath
import shutil
import stat
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path, PurePosixPath

from publisher.config import Settings
from publisher.config.sources import FolderSourceSettings
from publisher.errors import ArticleError, SourceError
from publisher.i18n.messages import message, untranslated
from publisher.ingest.links.resolution import may_be_page
from publisher.ingest.media.document_media import CONVERTED_SUFFIXES, FolderFiles
from publisher.ingest.media.kinds import DOWNLOAD_SUFFIXES, MEDIA_SUFFIXES, TEXT_SUFFIX
from publisher.ingest.parsers import ARTICLE_SUFFIXES
from publisher.ingest.parsers.document import ShortcodeRule, SourceDocument
from publisher.ingest.sites import base as sites
from publisher.ingest.sites.configuration import ConfigurationFiles, shown_place, unreadable
from publisher.ingest.sites.detect import is_editor_file, open_site
from publisher.ingest.sources.base import Item, Listing, RawItem
from publisher.log import log

_GIT_TIMEOUT = 60  # Seconds. A hundred thousand commits take about ten.
# Characters of what Git prints: names of files, for some millions of changes.
_MAX_LENGTH = 200_000_000
_COMMIT = "\x01"  # between commits in what Git prints; no name of a file has it
_MAX_LEVELS = 20  # the oldest folder above the source's in which a repository is looked for


class RepositoryHistory:
    """The history of the files below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def first_commit(self, path: PurePosixPath) -> datetime | None:
        """Return when a file was first committed under any name, None if nobody knows."""
        return self._dates.get(str(path))

    @cached_property
    def _dates(self) -> dict[str, datetime]:
        above = [self._folder, *Path(os.path.realpath(self._folder)).parents][:_MAX_LEVELS]
        if not any((place / ".git").exists() for place in above):
            return {}
        git = shutil.which("git")
        if git is None:
            log.warning("no git, so undated files get the day on which they are first seen")
            return {}
        return first_commits(_read_log(git, self._folder).split("\0"))


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
    """Return when each of today's files first came, under any name, from `git log -z --name-status`. Pure."""
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
            before, after = next(rest, ""), next(rest, "")
            today[before] = today.get(after, after)
        elif word == "A":
            name = next(rest, "")
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


class OwnShortcodes:
    """The rules for the shortcodes of one source; `templates` is the publication's folder of them."""

    def __init__(self, stated: Mapping[str, str], templates: Path, language: str) -> None:
        self._stated = stated
        self._templates = templates
        self.rules: dict[str, ShortcodeRule] = dict(stated)
        if any(one.endswith(".html") for one in stated.values()):
            self._add_templates(language)

    def _add_templates(self, language: str) -> None:
        from publisher.rendering import Renderer  # few sources need it

        renderer = Renderer(self._templates)
        for name, rule in self._stated.items():
            if rule.endswith(".html"):
                self.rules[name] = partial(renderer.shortcode, rule, language)

    @property
    def digest(self) -> str:
        """A hash of the rules and their templates; empty without rules."""
        if not self._stated:
            return ""
        hashed = hashlib.sha256(repr(sorted(self._stated.items())).encode())
        for rule in (one for one in self._stated.values() if one.endswith(".html")):
            path = self._templates / rule
            hashed.update(path.read_bytes() if path.is_file() else b"")
        return hashed.hexdigest()


# Nanoseconds: the coarsest clock of a file system in use (FAT: two seconds).
COARSEST_CLOCK_NS = 2_000_000_000
PICTURE_SUFFIXES = CONVERTED_SUFFIXES | {".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif"}
# Pages that a layout fills, if they have no text of their own.
_FRONT_PAGES = frozenset({"index.html", "index.htm"})
_SHOWN = PICTURE_SUFFIXES | MEDIA_SUFFIXES | DOWNLOAD_SUFFIXES
# Documents of a folder: more of them are a mistake in its path. Also the pictures and attachments whose
# changes are looked for; each costs some hundred bytes of memory, and a row.
MAX_FILES = 100_000
_MAX_GROUPS = 1_000  # Groups of files that are left out. Others are counted together.


class FolderSource:
    """The articles, pictures and attachments below a folder."""

    def __init__(
        self, options: FolderSourceSettings, settings: Settings, *_unused: object
    ) -> None:
        self._folder = settings.folders.root / options.path
        self._clock_file = settings.folders.var / "scanned"
        self._files = ConfigurationFiles(self._folder)
        chosen = sites.SiteOptions(options, settings.publication.languages)
        self._site = open_site(self._files, chosen)
        self._history = RepositoryHistory(self._folder)
        # The keys of items by the names of their stories.
        self._stories: Mapping[str, Sequence[str]] = {}
        templates = settings.folders.templates
        self._shortcodes = OwnShortcodes(options.shortcodes, templates, chosen.language)

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
            pages=scan.pages,
            generated=self._site.generated,
        )

    def read(self, item: Item) -> RawItem:
        """Return a file's content; raise ArticleError if it can't be read."""
        files = FolderFiles(self._folder)
        path = PurePosixPath(item.key)
        try:
            content = files.read(path)
        except OSError as error:
            why = untranslated(error.strerror or str(error))
            raise ArticleError.saying("can't be read: %(why)s", why=why) from None
        if content is None:
            raise ArticleError.saying(
                "is a link to a file outside the source's folder; copy the file here"
            )
        document = document_of_site(self._site, path, content)
        document = replace(document, shortcodes=self._shortcodes.rules)
        history = partial(self._history.first_commit, path)
        return RawItem(document, files, history, self._siblings(path))

    def _siblings(self, path: PurePosixPath) -> tuple[str, ...]:
        page = self._site.classify(path)
        story = page.story if isinstance(page, sites.SitePage) else None
        return tuple(one for one in self._stories.get(story or "", ()) if one != str(path))


def document_of_site(site: sites.Site, path: PurePosixPath, content: bytes) -> SourceDocument:
    """Return a file as a document in the dialect of its site, with the site's values."""
    page = site.classify(path)
    if isinstance(page, sites.LeftOut):
        return SourceDocument(path, content)
    return SourceDocument(
        path,
        content,
        dialect=site.dialect,
        values=site.values(page),
        describe=partial(site.describe, page),
        beside=page.beside,
        static=site.static,
        title=page.title,
        is_page=page.kind is sites.PageKind.DATED or page.path.name in _FRONT_PAGES,
        site_url=site.url,
    )


@dataclass(slots=True)
class FolderScan:
    """The files of a folder that are items, sorted by path, and how many others there are."""

    items: list[Item] = field(default_factory=list)
    left_out: Counter[sites.LeftOut] = field(default_factory=Counter)
    # The keys of documents by the names of their stories, as far as the site says them.
    stories: dict[str, list[str]] = field(default_factory=dict)
    # The signatures of what may be pages of the site and no articles; at most MAX_FILES.
    pages: dict[str, str] = field(default_factory=dict)

    def add_page(self, path: str, signature: str | None) -> None:
        """Note a file that links may lead to, unless it is no file."""
        if signature is not None and len(self.pages) < MAX_FILES:
            self.pages[path] = signature

    def leave_out(self, one: sites.LeftOut) -> None:
        is_known = one in self.left_out or len(self.left_out) < _MAX_GROUPS
        self.left_out[one if is_known else sites.LeftOut(one.reason)] += 1


def scan_folder(folder: Path, now: int, site: sites.Site) -> FolderScan:
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
                raise _too_many(folder)
            if unwatched or len(others) > MAX_FILES:
                unwatched += len(others)
                others.clear()
    except RecursionError:
        place = shown_place(folder, folder)
        problem = message("%(place)s: its folders are nested too deep", place=place)
        raise SourceError(problem) from None
    except OSError as error:
        place = shown_place(folder, error.filename or folder)
        raise unreadable(place, error.strerror or str(error)) from error
    if unwatched:
        scan.left_out[sites.LeftOut(sites.LeftOutReason.UNWATCHED)] = unwatched
    scan.items += others
    scan.items.sort(key=lambda item: item.key)
    return scan


def _too_many(folder: Path) -> SourceError:
    return SourceError.saying(
        "%(place)s: has more than %(most)s documents; name a folder in it as path",
        place=shown_place(folder, folder),
        most=MAX_FILES,
    )


def _walk(
    folder: Path, prefix: str, trusted: int, site: sites.Site, scan: FolderScan
) -> Iterator[Item]:
    with os.scandir(folder) as entries:
        for entry in entries:
            # A name that is not UTF-8 can't be stored. Escaped, its file is quarantined.
            path = f"{prefix}{os.fsencode(entry.name).decode('utf-8', 'backslashreplace')}"
            # A link to a folder may lead in a circle.
            if not entry.is_dir(follow_symlinks=False):
                item = _item(path, partial(_signature, entry, trusted), site, scan)
                if item is not None:
                    yield item
            elif site.looks_into(PurePosixPath(path)):
                yield from _walk(Path(entry.path), f"{path}/", trusted, site, scan)
            else:
                scan.leave_out(sites.LeftOut(sites.LeftOutReason.FOLDER, entry.name))


def _item(
    path: str, signature_of: Callable[[], str | None], site: sites.Site, scan: FolderScan
) -> Item | None:
    """Return the item that a file is; note in `scan` what else it is. A signature takes a call of the system."""
    # PurePath.suffix takes seven times as long, and this runs for every file.
    suffix = posixpath.splitext(path)[1].lower()
    is_document = suffix in ARTICLE_SUFFIXES
    if is_document:
        page = site.classify(PurePosixPath(path))
        if isinstance(page, sites.LeftOut):
            scan.leave_out(page)
            is_static = _is_static(path, site)
            if page.reason.is_on_site or is_static:
                scan.add_page(path, signature_of())
            if not is_static or suffix != TEXT_SUFFIX:
                return None
            is_document = False
        else:
            if page.kind is sites.PageKind.DATED:
                scan.add_page(path, signature_of())
            if page.story:
                scan.stories.setdefault(page.story, []).append(path)
    elif suffix not in _SHOWN or is_editor_file(posixpath.basename(path)):
        scan.leave_out(sites.LeftOut(sites.LeftOutReason.ENDING, suffix))
        if may_be_page(path):
            scan.add_page(path, signature_of())
        return None
    signature = signature_of()
    return None if signature is None else Item(path, signature, is_document)


def _is_static(path: str, site: sites.Site) -> bool:
    hidden = path.startswith("_") or "/_" in path
    return not hidden and any(PurePosixPath(path).is_relative_to(one) for one in site.static)


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
