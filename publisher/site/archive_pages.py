"""Write the lists by which each article can be reached: months, sections, topics, authors; and the search, a page with a script.

A list is rendered again if what it shows of an article has changed since. The pages count as due from the transaction
on in which an article's page counts as written or removed, so that nothing is asked of the database otherwise.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache, cached_property
from pathlib import PurePosixPath
from typing import Any, TypeVar

from sqlalchemy import Connection

from publisher import urls, web_files
from publisher.articles import store as articles
from publisher.articles.model import Byline
from publisher.config import Publication, Settings
from publisher.database import Database
from publisher.fault_isolation import Report, isolated, unreported
from publisher.files import remove_file, write_if_changed
from publisher.languages import format_date, list_names
from publisher.rendering import PublicationView, Renderer, model, views
from publisher.site.list_changes import change_numbers

_T = TypeVar("_T")

# The lists of sections, topics and authors have so many articles on a page, those of months all.
ARTICLES_ON_PAGE = 50
# Articles in a part of the index, which is written again for one of them, and of which all are loaded.
ARTICLES_IN_PART = 250
# Characters of each text in the index: with more than one part, so that 4,700 articles take less than 1 MB in gzip.
_LONG_START, _SHORT_START = 2000, 160
_MOST_NAMED = 100  # so many topics and authors in the list of lists, those with most articles

# In the build cache: the hashes of a language's pages by path, with its tag behind it.
ARCHIVES = "archives "
ARCHIVE_STATE = "archives: all"  # in the build cache: what the lists were last compared with


def write_archives(
    settings: Settings,
    database: Database,
    renderer: Renderer,
    now: datetime,
    report: Report = unreported,
) -> int:
    """Write changed lists; return how many files changed. `report` gets why a page failed: the next cycle tries it again."""
    around = web_files.hash_inputs(
        settings.publication,
        settings.takes_requests,
        settings.joining.privacy,
        renderer.fingerprint(),
    )
    with database.reading() as connection:
        before = archive_state(connection)
        if before.get("around") != around:
            before = {"months": {}, "paths": {}, "numbers": {}}
        numbers = change_numbers(connection)
        lists = _lists_to_compare(connection, settings.publication, now, before, numbers)
    if not lists:
        return 0
    months = before["months"] | {tag: [*one.by_kind["archive"]] for tag, one in lists.items()}
    writer, failed = _ArchiveWriter(settings, database, renderer, around, months), list[str]()
    changed = sum(writer.write(one, failed.append) for one in lists.values())
    for problem in failed:
        report(problem)
    if not failed:
        paths = before["paths"] | writer.paths
        state = {"around": around, "months": months, "paths": paths, "numbers": numbers}
        with database.writing() as connection:
            web_files.store_hash(connection, ARCHIVE_STATE, json.dumps(state))
    return changed


def archive_state(connection: Connection) -> dict[str, Any]:
    """Return what the lists were last compared with: by language their months, and a hash of their `paths`."""
    return dict(json.loads(web_files.cached_hash(connection, ARCHIVE_STATE) or "{}"))


def _lists_to_compare(
    connection: Connection,
    publication: Publication,
    now: datetime,
    before: Mapping[str, Any],
    numbers: Mapping[str, int],
) -> dict[str, "_Lists"]:
    """Return the lists of languages whose articles changed; of all if a month has come or gone, which others link to."""
    found, months = dict[str, _Lists](), before["months"]
    for tag in publication.languages:
        if tag not in months or before["numbers"].get(tag) != numbers.get(tag):
            found[tag] = _Lists(tag, publication, articles.listed(connection, tag, now))
    if all(months.get(tag) == [*one.by_kind["archive"]] for tag, one in found.items()):
        return found
    for tag in publication.languages:
        if tag not in found:
            found[tag] = _Lists(tag, publication, articles.listed(connection, tag, now))
    return found


def split_list(rows: Sequence[_T], size: int) -> Iterator[tuple[int, Sequence[_T]]]:
    """Yield the pages of a list, the newest first, with their numbers. Pure.

    0 has up to twice `size` rows, the others `size` each, numbered from the oldest on: a new row changes the first
    page alone.
    """
    closed = max(0, len(rows) // size - 1)
    start = len(rows) - closed * size
    yield 0, rows[:start]
    for number in range(closed, 0, -1):
        yield number, rows[start : start + size]
        start += size


@dataclass(slots=True)
class _List:
    """A list: its name in the newest article, and its articles, the newest first."""

    title: str
    rows: list[articles.ListedRow] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """A page of a list, or a part of the index; `newer` and `older` are the paths of the pages beside it."""

    kind: model.ArchiveKind
    title: str = ""
    rows: Sequence[articles.ListedRow] = ()
    newer: str = ""
    older: str = ""
    moved_to: str = ""  # where the page of a topic's former name leads
    inputs: object = ()  # what it depends on besides


@dataclass(frozen=True)
class _Lists:
    """The lists of a language."""

    language: str
    publication: Publication
    rows: Sequence[articles.ListedRow]

    @cached_property
    def by_kind(self) -> Mapping[urls.ListKind, Mapping[str, _List]]:
        """The lists of each kind by their names in addresses: of months, such as `2026-01`."""
        found: dict[urls.ListKind, dict[str, _List]]
        found = {"archive": {}, "sections": {}, "topics": {}, "authors": {}}
        sections = urls.section_slugs({row.section for row in self.rows if row.section})

        def lists(kind: urls.ListKind, names: Mapping[str, str]) -> list[_List]:
            return [found[kind].setdefault(name, _List(title)) for name, title in names.items()]

        # Many articles have the same labels.
        months = cache(lambda month: lists("archive", {month: ""}))
        of_section = cache(lambda section: lists("sections", {sections[section]: section}))
        topics = cache(lambda stored: lists("topics", self._topics(stored)))
        authors = cache(lambda stored: lists("authors", self._authors(stored)))
        for row in self.rows:
            places = (
                months(str(row.published_on)[:7]) + topics(row.topics) + authors(row.bylines)
            )
            for one in places + of_section(row.section) if row.section else places:
                one.rows.append(row)
        return found

    def _topics(self, stored: str) -> dict[str, str]:
        named = map(self.publication.present_topic, reversed(json.loads(stored)))
        return {urls.label_slug(topic): topic for topic in named if topic}

    def _authors(self, stored: str) -> dict[str, str]:
        bylines = self.bylines(stored)
        return {urls.author_slug(by): by.name for by in reversed(bylines) if by.name}

    def bylines(self, stored: str) -> tuple[Byline, ...]:
        found = (Byline(**one) for one in json.loads(stored))
        return articles.known_bylines(self.publication.people, found, self.language)

    def most(self, kind: urls.ListKind) -> Mapping[str, _List]:
        counted = Counter({name: len(one.rows) for name, one in self.by_kind[kind].items()})
        found = {
            name: self.by_kind[kind][name] for name, _count in counted.most_common(_MOST_NAMED)
        }
        return dict(sorted(found.items(), key=lambda one: (one[1].title.casefold(), one[0])))

    @cached_property
    def parts(self) -> list[tuple[int, Sequence[articles.ListedRow]]]:
        return [*split_list(self.rows, ARTICLES_IN_PART)] if self.rows else []

    @property
    def start(self) -> int:
        return _SHORT_START if len(self.parts) > 1 else _LONG_START

    def pages(self) -> Iterator[tuple[str, _Page]]:
        counts = [
            {n: (one.title, len(one.rows)) for n, one in some.items()}
            for some in self.by_kind.values()
        ]
        yield urls.list_path(self.language, "archive"), _Page(kind="archive", inputs=counts)
        months = self.by_kind["archive"]
        for name, one in months.items():
            yield (
                urls.list_path(self.language, "archive", name),
                _Page(kind="month", rows=one.rows),
            )
        for kind, lists in self.by_kind.items():
            for name, one in lists.items() if kind != "archive" else ():
                yield from _pages_of(urls.list_path(self.language, kind, name), kind, one)
        yield from self._former_topics()
        search = urls.list_path(self.language, "search")
        yield search, _Page(kind="search", inputs=([*months], len(self.parts)))
        for number, rows in self.parts:
            yield f"{search}{number}.json", _Page(kind="part", rows=rows, inputs=self.start)

    def _former_topics(self) -> Iterator[tuple[str, _Page]]:
        """Yield the pages of former names of topics; their paths are those of files, which no sitemap names."""
        topics = self.by_kind["topics"]
        for former, present in self.publication.renamed_topics.items():
            old, new = urls.label_slug(former), urls.label_slug(present)
            if new in topics and old not in topics:
                path = urls.list_path(self.language, "topics", old)
                moved_to = urls.list_path(self.language, "topics", new)
                yield f"{path}index.html", _Page(kind="topics", moved_to=moved_to)


def _pages_of(path: str, kind: model.ArchiveKind, one: _List) -> Iterator[tuple[str, _Page]]:
    pages = [*split_list(one.rows, ARTICLES_ON_PAGE)]
    paths = [f"{path}{number}/" if number else path for number, _rows in pages]
    beside = zip(["", *paths], paths, [*paths[1:], ""], pages, strict=False)
    for newer, own, older, (_number, rows) in beside:
        yield own, _Page(kind=kind, title=one.title, rows=rows, newer=newer, older=older)


@dataclass(frozen=True)
class _ArchiveWriter:
    settings: Settings
    database: Database
    renderer: Renderer
    around: str  # of all that the pages depend on besides articles
    # By language; `paths` has hashes of those that were written.
    months: Mapping[str, Sequence[str]]
    paths: dict[str, str] = field(default_factory=dict)

    def write(self, lists: _Lists, report: Report) -> int:
        name, changed = f"{ARCHIVES}{lists.language}", 0
        with self.database.reading() as connection:
            before = json.loads(web_files.cached_hash(connection, name) or "{}")
        pages = dict(self._pages(lists))
        current = {path: self._digest(page) for path, page in pages.items()}
        self.paths[lists.language] = web_files.hash_inputs(sorted(current))
        public = self.settings.folders.public
        for path in before.keys() - current.keys():
            remove_file(public / _file(path), public)
        for path, digest in current.items():
            if before.get(path) == digest:
                continue
            with isolated(f"/{path}", report):
                changed += self._write_page(lists, path, pages[path])
                before[path] = digest
        written = {path: before[path] for path in current if path in before}
        with self.database.writing() as connection:
            web_files.store_hash(connection, name, json.dumps(written))
        return changed

    def _digest(self, page: _Page) -> str:
        # The index has the starts of texts, too.
        is_part = page.kind == "part"
        rows = " ".join([row.version if is_part else row.shown for row in page.rows])
        beside = (page.newer, page.older, page.moved_to)
        around = (self.around, page.kind, page.title, *beside, page.inputs)
        return web_files.hash_inputs(*around, rows)[:16]

    def _pages(self, lists: _Lists) -> Iterator[tuple[str, _Page]]:
        for path, page in lists.pages():
            sisters = self._sisters(lists.language, path, page)
            yield path, replace(page, inputs=(page.inputs, sisters))

    def _sisters(self, language: str, path: str, page: _Page) -> tuple[model.LanguageLink, ...]:
        """Return the same list in other languages: there is no month without articles."""
        if page.kind not in {"archive", "month", "search"}:
            return ()
        name = path.split("/")[2]
        return tuple(
            model.LanguageLink(language=tag, url=self._url(path.replace(language, tag, 1)))
            for tag, months in self.months.items()
            if tag != language and (not name or name in months)
        )

    def _write_page(self, lists: _Lists, path: str, page: _Page) -> bool:
        if page.kind == "part":
            file = self.settings.folders.public / path
            return write_if_changed(file, self._index(lists, page.rows))
        house = views.site_view(self.settings, lists.language)
        if page.moved_to:
            moved = self.renderer.moved_page(house, self._url(page.moved_to))
            return web_files.write_page(self.settings, PurePosixPath(path), moved)
        script = self._write_script(house) if page.kind == "search" else ""
        content = replace(self._content(lists, path, page), script=script)
        return web_files.write_page(
            self.settings, urls.page_file(path), self.renderer.archive_page(house, content)
        )

    def _content(self, lists: _Lists, path: str, page: _Page) -> model.ArchiveContent:
        language = lists.language
        content = model.ArchiveContent(
            kind=page.kind,
            url=self._url(path),
            title=page.title,
            day=page.rows[0].published_on.replace(day=1) if page.kind == "month" else None,
            articles=self._articles(language, page.rows),
            newer_url=self._url(page.newer) if page.newer else "",
            older_url=self._url(page.older) if page.older else "",
            sisters=self._sisters(language, path, page),
        )
        if page.kind not in {"archive", "search"}:
            return content
        months = self._lines(language, "archive", lists.by_kind["archive"])
        if page.kind == "search":
            return replace(content, months=months, parts=len(lists.parts))
        return replace(
            content,
            months=months,
            sections=self._lines(language, "sections", lists.by_kind["sections"]),
            topics=self._lines(language, "topics", lists.most("topics")),
            authors=self._lines(language, "authors", lists.most("authors")),
        )

    def _lines(
        self, language: str, kind: urls.ListKind, lists: Mapping[str, _List]
    ) -> tuple[model.ArchiveLine, ...]:
        return tuple(
            model.ArchiveLine(
                url=self._url(urls.list_path(language, kind, name)),
                count=len(one.rows),
                title=one.title,
                day=one.rows[0].published_on.replace(day=1) if kind == "archive" else None,
            )
            for name, one in lists.items()
        )

    def _articles(
        self, language: str, rows: Sequence[articles.ListedRow]
    ) -> tuple[model.ArticleView, ...]:
        with self.database.reading() as connection:
            found = articles.articles_by_id(
                connection, [row.id for row in rows], with_texts=False
            )
        publication = self.settings.publication
        return tuple(
            views.article_view(publication, found[row.id], language, ()) for row in rows
        )

    def _index(self, lists: _Lists, rows: Sequence[articles.ListedRow]) -> bytes:
        """Return a part of the index: address, title, date, names, topics, summary and start of the text of each."""
        language, documents, present = lists.language, [], lists.publication.present_topic
        # Many articles have the same ones.
        day = cache(lambda on: format_date(on, language))
        named = cache(
            lambda stored: list_names([by.name for by in lists.bylines(stored)], language)
        )
        about = cache(lambda stored: [*dict.fromkeys(map(present, json.loads(stored)))])
        with self.database.reading() as connection:
            found = articles.indexed(connection, [row.id for row in rows], lists.start)
        for row in rows:
            slug, url, title, summary, text = found[row.id]
            topics = ", ".join(filter(None, (row.section, *about(row.topics))))
            address, names = url or f"../stories/{slug}/", named(row.bylines)
            documents.append(
                [address, title, day(row.published_on), names, topics, summary, text]
            )
        return json.dumps(documents, ensure_ascii=False, separators=(",", ":")).encode()

    def _write_script(self, house: PublicationView) -> str:
        content = self.renderer.search_script(house).encode()
        path = f"assets/search.{hashlib.sha256(content).hexdigest()[:16]}.js"
        write_if_changed(self.settings.folders.public / path, content)
        return path

    def _url(self, path: str) -> str:
        return urls.public_url(self.settings.publication, path)


def _file(path: str) -> PurePosixPath:
    return urls.page_file(path) if path.endswith("/") else PurePosixPath(path)
