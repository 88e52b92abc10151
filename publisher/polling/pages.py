"""The kind `pages`: articles' pages, listed by a sitemap or in the settings, or the files of a site that was built.

What a listing says of a page, or its file, changes with the page: one that is unchanged is not read again. Few pages
are read at a poll, the rest at the next ones. A page is withdrawn when its listing lacks it and its address says that
it is gone, or its file is.
"""

import hashlib
import json
import os
import re
import stat
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from time import monotonic
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote, unquote, urljoin, urlsplit

from pydantic import TypeAdapter

from publisher.errors import PublisherError, SourceError
from publisher.fetching.limits import FetchError
from publisher.polling import schedule
from publisher.polling.asking import Asking, PollOutcome, RefusedError
from publisher.polling.foreign_values import header_links, iso_time, web_address
from publisher.polling.identity import bare_host, bare_link
from publisher.polling.model import AnswerError, WebEntry, WebFeed
from publisher.polling.page_reader import CLOSED, NO_INDEX, ReadPage, read_web_page
from publisher.polling.schedule import PollAnswer
from publisher.polling.sitemap import (
    MAX_PAGES,
    MAX_ROBOTS,
    RobotRules,
    Sitemap,
    is_chosen,
    read_robots,
    read_sitemap,
)

_MOST_ASKED, _SECONDS = 60, 60.0  # pages that one poll asks a site for, and seconds for them
_MOST_FAILURES = 3  # in a row; then the site is left alone until the next poll
# After which a page is asked again whose listing does not say when it was changed, or that could not be read.
_AGAIN = timedelta(hours=23)
_ROBOTS_KEPT = timedelta(hours=24)
_HTML = {"Accept": "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"}
_XML = {"Accept": "application/xml, text/xml, text/plain;q=0.5, */*;q=0.1"}
_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_MOST_REASONS = 6
_BUSY = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_ELSEWHERE, _TWICE = "lead to other pages", "name another page as the first copy (canonical)"
_NO_ADDRESS = "state no address (canonical), and the source has no `base`"
_ROBOTS = "are closed to programs by robots.txt"
_Value = TypeVar("_Value")
# How long a page is looked after that its listing lacks, and whose address still answers.
_MISSED = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class KnownPage:
    """What is known of a page. `mark` is what its listing says of its last change, `read_mark` that of the last reading.

    `problem` is why it is no article. `is_old` says that it was there at the first poll, `is_single` that a translation
    does not name it in turn, `gone_at` since when its listing lacks it, `parent` which sitemap has it.
    """

    mark: str = ""
    read_mark: str | None = None
    read_at: str = ""
    etag: str = ""
    last_modified: str = ""
    problem: str = ""
    gone_at: str = ""
    parent: str = ""
    translations: tuple[tuple[str, str], ...] = ()
    is_old: bool = False
    is_filed: bool = False
    is_single: bool = False

    def is_due(self, now: datetime) -> bool:
        """Return whether it is to be read: it is new or has changed, or nobody says whether it has."""
        if self.read_mark is not None and self.read_mark != self.mark:
            return True
        is_again = self.read_mark is None or not self.mark or bool(self.gone_at)
        return is_again and self.read_at < (now - _AGAIN).isoformat()


Pages = dict[str, KnownPage]
_PAGES = TypeAdapter(Pages)
_RULES = ("include", "exclude", "select", "base", "languages")
_OF_READING = ("read_mark", "read_at", "etag", "last_modified")


def ask_pages(asking: Asking) -> PollOutcome:
    """Read the pages that are new or have changed, and look which ones are gone. Raise SourceError."""
    cursor = json.loads(asking.source.state.cursor or "{}")
    options: Any = asking.options
    before = _PAGES.validate_python(cursor.get("pages", {}))
    rules = repr([getattr(options, name) for name in _RULES])
    if cursor.setdefault("rules", rules) != rules:
        before, asking = _all_anew(before, asking)
        cursor |= {"rules": rules, "sitemaps": {}}
    site = _Folder(asking, cursor) if options.path else Website(asking, cursor)
    answer, listed = site.listing(before)
    if not listed:
        raise AnswerError("it lists no page; nothing is withdrawn")
    pages = merged_pages(before, listed, asking.now, is_first="pages" not in cursor)
    entries = dict[str, WebEntry]()
    try:
        for url in site.due(pages):
            pages[url], entry = site.read(url, pages)
            if entry is not None:
                entries[url] = entry
    except RefusedError as error:
        answer = error.answer
    began = datetime.fromisoformat(cursor.setdefault("began", asking.now.isoformat()))
    _complete(entries, pages, began - options.backfill, options.languages)
    if any(one.is_due(asking.now) and one.problem != _ROBOTS for one in pages.values()):
        answer = replace(answer, interval=schedule.SHORTEST_INTERVAL)
    cursor["pages"] = _PAGES.dump_python(pages, exclude_defaults=True)
    notes = "; ".join([*site.notes, *_notes(pages.values())])
    saved, found = json.dumps(cursor), tuple(entries.values())
    return PollOutcome(asking.source, answer, found, notes, cursor=saved)


def _all_anew(before: Pages, asking: Asking) -> tuple[Pages, Asking]:
    """Forget what was read: other rules may take other pages, and read them otherwise."""
    unread = {name: getattr(KnownPage(), name) for name in _OF_READING}
    state = replace(asking.source.state, etag="", last_modified="", body_hash="")
    pages = {url: replace(one, **unread) for url, one in before.items()}
    return pages, replace(asking, source=replace(asking.source, state=state))


def _complete(
    entries: dict[str, WebEntry], pages: Pages, news: datetime, languages: Collection[str]
) -> None:
    """Change entries by what others say; forget the pages that are gone. What is older than `news` is an archive."""
    _leave_out_copies(entries, pages)
    _link(entries, pages, languages)
    listed = {bare_link(url) for url, one in pages.items() if entries and not one.gone_at}
    for url, entry in [*entries.items()]:
        mark = iso_time(pages[url].mark)
        if entry.published is None and (pages[url].is_old or (mark and mark < news)):
            # It was there at the first poll, nobody knows since when.
            times = [mark, news - timedelta(seconds=1)]
            entries[url] = replace(entry, published=min(filter(None, times)))
        if entry.expired and pages[url].gone_at:
            del pages[url]
            if bare_link(url) in listed - {""}:
                # The same page stands at https by now, or with a slash.
                del entries[url]


def merged_pages(before: Pages, listed: Pages, now: datetime, *, is_first: bool) -> Pages:
    """Return the pages after a listing; those that it lacks stay as long as it must be found out whether they are gone."""
    pages = Pages()
    for url, one in listed.items():
        old = before.get(url, replace(one, is_old=is_first))
        is_read = one.mark and one.mark == old.read_mark
        told = () if is_read else one.translations or old.translations
        pages[url] = replace(
            old, mark=one.mark, parent=one.parent, translations=told, gone_at=""
        )
    for url, old in before.items():
        since = old.gone_at or now.isoformat()
        is_missed = datetime.fromisoformat(since) > now - _MISSED
        if url not in listed and old.is_filed and is_missed:
            pages[url] = replace(old, gone_at=since)
    return pages


def _leave_out_copies(entries: dict[str, WebEntry], pages: Pages) -> None:
    listed = {bare_link(url) for url in pages if entries} - {""}
    taken = set[str]()
    for url, entry in [*entries.items()]:
        link = bare_link(entry.url)
        is_copy = link in taken or (link in listed and link != bare_link(url))
        if is_copy and not entry.expired:
            del entries[url]
            pages[url] = replace(pages[url], problem=_TWICE, is_filed=False)
        taken.add(link)


def _link(entries: dict[str, WebEntry], pages: Pages, languages: Collection[str]) -> None:
    """Keep the translations of entries that may be some: on their own host, or on one that the settings name."""
    for url, entry in entries.items():
        hosts = _own_hosts(entry.url, languages)
        named = [one for one in entry.translations if bare_host(one[1]) in hosts]
        entries[url] = replace(entry, translations=tuple(named))
    links = {
        bare_link(one.url): {bare_link(address) for _tag, address in one.translations}
        for one in entries.values()
    }
    for url, entry in entries.items():
        own = bare_link(entry.url)
        others = [one for one in links[own] if one in links]
        pages[url] = replace(pages[url], is_single=any(own not in links[one] for one in others))


def _own_hosts(url: str, languages: Collection[str]) -> set[str]:
    """Return the host of an address, and those that the settings name for languages."""
    return {bare_host(url), *(one.removeprefix("www.") for one in languages)}


def _notes(pages: Iterable[KnownPage]) -> Iterator[str]:
    """Yield what is left out, and what waits."""
    listed = [*pages]
    reasons = Counter(one.problem for one in listed if one.problem).most_common()
    if reasons:
        said = ", ".join(f"{number} {why}" for why, number in reasons[:_MOST_REASONS])
        yield f"{sum(number for _why, number in reasons)} of {len(listed)} pages are left out: {said}"
    if single := sum(one.is_single for one in listed):
        yield f"{single} are not joined with a translation that does not name them in turn"
    if waiting := sum(one.read_mark is None and not one.problem for one in listed):
        yield f"{waiting} are read at the next polls"


class _PageList:
    """How the pages of a source are listed and read."""

    def __init__(self, asking: Asking, cursor: dict[str, Any]) -> None:
        self._asking, self._cursor = asking, cursor
        self._options: Any = asking.options
        self.notes = list[str]()

    def _read_as(
        self, url: str, page: KnownPage, body: bytes, at: str, content_type: str = ""
    ) -> tuple[KnownPage, WebEntry | None]:
        """Return a page and its entry, from its bytes, which stand at the address `at`."""
        options, select, is_chosen = self._options, "", True
        # A feed leads to articles alone.
        if options.kind == "pages":
            select, is_chosen = options.select, bool(options.include)
        try:
            found: ReadPage = self._asking.parse(
                read_web_page, body, at, content_type, select, is_chosen
            )
        except AnswerError as error:
            return replace(page, problem=f"can't be read ({error})"), None
        problem = found.problem or ("" if found.entry.url else _NO_ADDRESS)
        if problem:
            return self._closed(url, replace(page, problem=problem))
        told = tuple(dict.fromkeys((*page.translations, *found.entry.translations)))
        entry = replace(found.entry, id=url, translations=told)
        # Without a mark it is read again, maybe when its listing is not.
        kept = () if page.mark else page.translations
        return replace(page, problem="", is_filed=True, translations=kept), entry

    def _is_sure(self, gone: KnownPage) -> bool:
        """Return whether a page has been gone since an earlier poll, which nobody has asked for just before."""
        return gone.gone_at <= (self._asking.now - schedule.SHORTEST_INTERVAL).isoformat()

    def _few(self, pages: Sequence[tuple[str, _Value]]) -> dict[str, _Value]:
        if len(pages) > MAX_PAGES:
            self.notes.append(f"{len(pages) - MAX_PAGES} of its pages are too many")
        return dict(pages[:MAX_PAGES])

    def _closed(self, url: str, page: KnownPage) -> tuple[KnownPage, WebEntry | None]:
        is_closed = page.is_filed and page.problem in CLOSED
        return page, WebEntry(id=url, expired=True) if is_closed else None


class _Folder(_PageList):
    """The files of a site that a generator has built. What it lacks at two polls is gone: builds begin by deleting."""

    @property
    def _folder(self) -> Path:
        return self._asking.root / str(self._options.path)

    def listing(self, _before: Pages) -> tuple[PollAnswer, Pages]:
        if not self._folder.is_dir():
            raise SourceError(f"{self._options.path}: is not a folder; nothing is withdrawn")
        files = dict(built_files(self._folder, self._options.include, self._options.exclude))
        listed = self._few(sorted(files.items()))
        said = hashlib.sha256(repr(listed).encode("utf-8", "surrogatepass")).hexdigest()
        pages = {path: KnownPage(mark) for path, mark in listed.items()}
        return PollAnswer(HTTPStatus.OK, {}, said, interval=schedule.SHORTEST_INTERVAL), pages

    def due(self, pages: Pages) -> list[str]:
        return [
            path
            for path, one in pages.items()
            if (self._is_sure(one) if one.gone_at else one.read_mark != one.mark)
        ]

    def read(self, path: str, pages: Pages) -> tuple[KnownPage, WebEntry | None]:
        page = pages[path]
        if page.gone_at:
            return page, WebEntry(id=path, expired=True)
        page = replace(page, read_mark=page.mark, read_at=self._asking.now.isoformat())
        try:
            body = (self._folder / path).read_bytes()
        except OSError as error:
            return replace(
                page, read_mark=None, problem=f"can't be read ({error.strerror})"
            ), None
        digest = hashlib.sha256(body).hexdigest()[:32]
        if digest == page.etag:
            return page, None
        base = self._options.base
        at = urljoin(f"{base.rstrip('/')}/", quote(path_of_file(path))) if base else ""
        return self._read_as(path, replace(page, etag=digest), body, at)


def built_files(
    folder: Path, include: Sequence[str] = (), exclude: Sequence[str] = ()
) -> Iterator[tuple[str, str]]:
    """Yield the pages below a folder, and what changes with each."""
    for place, folders, names in os.walk(folder, onerror=_unlisted):
        folders[:] = [one for one in folders if not one.startswith(".")]
        for name in names:
            file = Path(place, name)
            path = file.relative_to(folder).as_posix()
            is_page = name.endswith((".html", ".htm")) and not name.startswith(".")
            if is_page and is_chosen(f"/{path_of_file(path)}", include, exclude):
                try:
                    about = file.lstat()
                except OSError as error:
                    _unlisted(error)
                if stat.S_ISREG(about.st_mode):
                    yield path, f"{about.st_mtime_ns} {about.st_size}"


def _unlisted(error: OSError) -> NoReturn:
    raise SourceError(f"{Path(error.filename).name}: can't be listed; nothing is withdrawn")


def path_of_file(path: str) -> str:
    """Return the path in a page's address of its file: that of a folder for its index."""
    return path.removesuffix("index.html") if f"/{path}".endswith("/index.html") else path


def pictures_of_folder(
    root: Path, options: Any, entries: Iterable[WebEntry]
) -> Callable[[str], bytes | None]:
    """Return what reads a picture of entries that is a file of their source's folder; None for one that is none."""
    if not getattr(options, "path", ""):
        return lambda _address: None
    folder = (root / str(options.path)).resolve()
    pairs = ((_stem(one.url), _stem(quote(path_of_file(one.id)))) for one in entries)
    bases = {url.removesuffix(path) for url, path in pairs}

    def read(address: str) -> bytes | None:
        for base in bases:
            path = unquote(urlsplit(address).path.removeprefix(urlsplit(base).path))
            # No file has a name that is too long, or has a zero byte.
            with suppress(OSError, ValueError):
                file = (folder / path.lstrip("/")).resolve()
                is_inside = address.startswith(base) and file.is_relative_to(folder)
                if is_inside and file.is_file():
                    return file.read_bytes()
        return None

    return read


def _stem(address: str) -> str:
    return address.rstrip("/").removesuffix(".html")


def _listed_by(sitemap: str, pages: Pages) -> Pages:
    return {url: one for url, one in pages.items() if one.parent == sitemap and not one.gone_at}


class Website(_PageList):
    """Pages that a site sends."""

    _failures, _pause, _has_asked = 0, 0.0, False

    def listing(self, before: Pages) -> tuple[PollAnswer, Pages]:
        if self._options.urls:
            return PollAnswer(HTTPStatus.OK, {}), dict.fromkeys(self._options.urls, KnownPage())
        state = self._asking.source.state
        if not all(self._rules([state.url]).values()):
            raise AnswerError("robots.txt closes its sitemap to programs")
        conditions = schedule.conditional_headers(state, self._asking.now)
        answer, body = self._asking.get(state.url, _XML | conditions)
        former = self._cursor.get("sitemaps", {})
        if answer.status == HTTPStatus.OK and answer.body_hash != state.body_hash:
            pages, parts = self._sitemap(answer, body)
        elif answer.status in {HTTPStatus.OK, HTTPStatus.NOT_MODIFIED}:
            pages, parts = _listed_by("", before), former
        else:
            raise RefusedError(answer)
        for url, mark in parts.items():
            carried = _listed_by(url, before)
            if not (mark and mark == former.get(url)):
                part = self._part(url)
                # One that can't be read is read at the next poll, changed or not.
                parts[url] = mark if part is not None else ""
                carried = carried if part is None else part
            pages = {**carried, **pages}
        self._cursor["sitemaps"] = parts
        newest = sorted(pages.items(), key=lambda one: one[1].mark, reverse=True)
        dates = [WebEntry(published=iso_time(one.mark)) for one in pages.values() if one.mark]
        now = self._asking.now
        own = schedule.interval_of(WebFeed(entries=tuple(dates)), now) if dates else None
        return replace(answer, interval=own), self._few(newest)

    def _part(self, url: str) -> Pages | None:
        """Return the pages of a sitemap that another one names; None if it can't be read."""
        try:
            answer, body = self._asking.get(url, _XML)
            if answer.status != HTTPStatus.OK:
                raise RefusedError(answer)
            return self._sitemap(answer, body, url)[0]
        except PublisherError as error:
            self.notes.append(f"a part of its sitemap can't be read: {error}")
            return None

    def _sitemap(
        self, answer: PollAnswer, body: bytes, parent: str = ""
    ) -> tuple[Pages, dict[str, str]]:
        """Return pages of a sitemap, those on its own host, and on hosts that the settings name; and the sitemaps in it."""
        options = self._options
        sitemap: Sitemap = self._asking.parse(
            read_sitemap, body, answer.url, options.include, options.exclude
        )
        if sitemap.left_out:
            self.notes.append(f"{sitemap.left_out} of its pages are too many")
        hosts = _own_hosts(answer.url, options.languages)
        pages = {
            one.url: KnownPage(one.mark, translations=one.translations, parent=parent)
            for one in sitemap.pages
            if bare_host(one.url) in hosts
        }
        if lost := len(sitemap.pages) - len(pages):
            self.notes.append(
                f"{lost} of its pages are on other hosts, which `languages` does not name"
            )
        return pages, {one.url: one.mark for one in sitemap.parts}

    def due(self, pages: Pages) -> Iterator[str]:
        """Yield the pages that are read at this poll, after a look at robots.txt."""
        due = {url: one for url, one in pages.items() if one.is_due(self._asking.now)}
        # Those that are only asked again come last: they might take every place at every poll.
        wanted = sorted(
            due, key=lambda url: (due[url].read_mark == due[url].mark, due[url].read_at)
        )
        allowed = self._rules(wanted) if wanted else {}
        for url in wanted:
            is_open = allowed.get(url, True)
            if is_open != (pages[url].problem != _ROBOTS):
                pages[url] = replace(pages[url], problem="" if is_open else _ROBOTS)
        most = int(_SECONDS / self._pause) if self._pause else _MOST_ASKED
        chosen, ends = [url for url in wanted if allowed.get(url)], monotonic() + _SECONDS
        for number, url in enumerate(chosen[: max(1, min(most, _MOST_ASKED))]):
            if number and monotonic() > ends:
                return
            yield url

    def read(self, url: str, pages: Pages) -> tuple[KnownPage, WebEntry | None]:
        page = pages[url]
        answer, body = self._fetched(url, page)
        if answer.status in _BUSY or self._failures >= _MOST_FAILURES:
            raise RefusedError(answer)
        if answer.status in _GONE and page.gone_at:
            # A site that is being built anew may answer so for a moment: the next poll asks once more.
            return page, WebEntry(id=url, expired=True) if self._is_sure(page) else None
        page = replace(page, read_at=self._asking.now.isoformat(), read_mark=page.mark)
        if answer.status == HTTPStatus.NOT_MODIFIED:
            return page, None
        if answer.status != HTTPStatus.OK:
            problem = answer.problem or f"answer {answer.status}"
            return replace(page, read_mark=None, problem=problem), None
        page, entry = self._judged(url, page, answer, body, pages)
        is_other = bare_link(answer.url) != bare_link(url)
        if page.problem and (is_other or page.is_filed):
            # It may be so for a time only, and its mark stay the same.
            page = replace(page, read_mark=None)
        return page, entry

    def _judged(
        self, url: str, page: KnownPage, answer: PollAnswer, body: bytes, pages: Pages
    ) -> tuple[KnownPage, WebEntry | None]:
        """Return a page and its entry, from an answer that has one."""
        said = answer.headers
        page = replace(
            page, etag=said.get("ETag", ""), last_modified=said.get("Last-Modified", "")
        )
        robots = {*re.split(r"[\s,:]+", said.get("X-Robots-Tag", "").lower())}
        if {"noindex", "none"} & robots:
            return self._closed(url, replace(page, problem=NO_INDEX))
        if bare_link(answer.url) != bare_link(url) and self._is_elsewhere(url, answer, pages):
            return replace(page, problem=_ELSEWHERE), None
        told = [
            (language, web_address(address, answer.url))
            for address, relations, language in header_links(said)
            if language and "alternate" in relations and language.lower() != "x-default"
        ]
        page = replace(page, translations=(*page.translations, *told))
        return self._read_as(url, page, body, answer.url, said.get("Content-Type", ""))

    def _is_elsewhere(self, url: str, answer: PollAnswer, pages: Pages) -> bool:
        """Return whether an address leads to what is no article of this source: its front page, or a login."""
        path, options = urlsplit(answer.url).path, self._options
        is_away = bare_host(answer.url) != bare_host(url) and not answer.moved_to
        is_front = path.strip("/") == "" or not is_chosen(
            path, options.include, options.exclude
        )
        return answer.url in pages or is_away or is_front

    def _fetched(self, url: str, page: KnownPage) -> tuple[PollAnswer, bytes]:
        """Ask for a page, with validators if it was read; an answer without a status says why there is none."""
        said = {"If-None-Match": page.etag, "If-Modified-Since": page.last_modified}
        known = {name: one for name, one in said.items() if one and page.read_mark is not None}
        pause, self._has_asked = self._pause if self._has_asked else 0.0, True
        try:
            answered = self._asking.get(url, _HTML | known, pause)
        except FetchError as error:
            self._failures += 1
            return PollAnswer(None, {}, problem=f"can't be fetched ({error})"), b""
        self._failures = 0
        return answered

    def _rules(self, urls: Sequence[str]) -> dict[str, bool]:
        """Return which addresses robots.txt lets this program read; those of a host whose file can't be read are missing."""
        hosts = defaultdict[str, list[str]](list)
        for url in urls:
            hosts[urljoin(url, "/robots.txt")].append(url)
        allowed = dict[str, bool]()
        for place, there in hosts.items():
            try:
                text = self._robots(place)
            except PublisherError as error:
                if len(hosts) == 1:
                    raise
                self.notes.append(f"{bare_host(place)}: {error}")
                continue
            rules: RobotRules = self._asking.parse(
                read_robots, text.encode(), self._asking.agent, there
            )
            allowed |= dict(zip(there, rules.allowed, strict=True))
            self._pause = max(self._pause, rules.seconds)
        return allowed

    def _robots(self, place: str) -> str:
        """Return the text of robots.txt, a day old at most; without one, all may be read (RFC 9309 section 2.3.1)."""
        kept = self._cursor.setdefault("robots", {})
        now = self._asking.now
        if place not in kept or datetime.fromisoformat(kept[place][0]) + _ROBOTS_KEPT <= now:
            answer, body = self._asking.get(place, {"Accept": "text/plain, */*;q=0.1"})
            is_missing = str(answer.status).startswith("4") and answer.status not in _BUSY
            if answer.status != HTTPStatus.OK and not is_missing:
                raise RefusedError(
                    replace(
                        answer,
                        problem=f"its robots.txt answered {answer.status}, so nothing is read",
                    )
                )
            kept[place] = now.isoformat(), body[:MAX_ROBOTS].decode("utf-8", "replace")
        text: str = kept[place][1]
        return text
