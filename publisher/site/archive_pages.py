"""Write the lists by which each article can be reached: the months and sections of each language.

A list is rendered again if an article on it has changed since. So that nothing is asked of the database otherwise,
the pages count as due from the transaction on in which an article's page counts as written or removed.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from sqlalchemy import Connection, Row

from publisher import urls, web_files
from publisher.articles import store as articles
from publisher.config import Settings
from publisher.database import Database
from publisher.fault_isolation import Report, isolated, unreported
from publisher.files import remove_file
from publisher.rendering import Renderer, views
from publisher.rendering.model import ArchiveContent, ArchiveLine, ArticleView, LanguageLink
from publisher.web_files import write_page

_Listed = Row[tuple[int, date, str | None, str | None]]
# The list of a section has so many of its newest articles; those of months have all.
ARTICLES_OF_SECTION = 200

# In the build cache; those of a language have its tag behind it.
ARCHIVES = "archives"


def mark_pages_settled(connection: Connection, ids: Sequence[int]) -> None:
    """Note that articles' pages are written or removed; the lists are compared with them in this cycle or the next."""
    articles.mark_article_pages_written(connection, ids)
    web_files.forget_hash(connection, ARCHIVES)


def write_archives(
    settings: Settings,
    database: Database,
    renderer: Renderer,
    now: datetime,
    report: Report = unreported,
) -> int:
    """Write the lists that have changed; return how many files changed.

    `report` gets why a page could not be written: the next cycle tries it again.
    """
    around = web_files.hash_inputs(
        settings.publication, settings.takes_requests, renderer.fingerprint()
    )
    languages = settings.publication.languages
    with database.reading() as connection:
        if web_files.cached_hash(connection, ARCHIVES) == around:
            return 0
        lists = {tag: _Lists(tag, articles.listed(connection, tag, now)) for tag in languages}
    writer, failed = _ArchiveWriter(settings, database, renderer, around, lists), list[str]()
    changed = sum(writer.write(tag, failed.append) for tag in languages)
    for problem in failed:
        report(problem)
    if not failed:
        with database.writing() as connection:
            web_files.store_hash(connection, ARCHIVES, around)
    return changed


@dataclass(frozen=True)
class _Lists:
    """The months and sections of a language, each with its articles, the newest first."""

    language: str
    rows: Sequence[_Listed]

    @cached_property
    def months(self) -> dict[str, list[_Listed]]:
        """The articles of each month by its name, such as `2026-01`."""
        found = defaultdict(list)
        for row in self.rows:
            found[f"{row.published_on:%Y-%m}"].append(row)
        return found

    @cached_property
    def sections(self) -> dict[str, list[_Listed]]:
        """The articles of each section by its ASCII name."""
        found = defaultdict(list)
        for row in self.rows:
            if row.section:
                found[row.section].append(row)
        names = dict[str, str]()
        for section in sorted(found):
            name, attempt = urls.story_slug(section), 0
            while name in names:
                name, attempt = urls.story_slug(section, attempt + 2), attempt + 1
            names[name] = section
        return {name: found[section] for name, section in names.items()}


@dataclass(frozen=True)
class _ArchiveWriter:
    settings: Settings
    database: Database
    renderer: Renderer
    # Of all that the pages depend on besides articles.
    around: str
    lists: Mapping[str, _Lists]

    def write(self, language: str, report: Report) -> int:
        """Write the pages of a language that have changed, and remove those without articles."""
        name, changed = f"{ARCHIVES} {language}", 0
        with self.database.reading() as connection:
            before = json.loads(web_files.cached_hash(connection, name) or "{}")
        pages = dict(self._pages(language))
        current = {
            path: web_files.hash_inputs(self.around, page) for path, page in pages.items()
        }
        public = self.settings.folders.public
        for path in before.keys() - current.keys():
            remove_file(public / urls.page_file(path), public)
        for path, digest in current.items():
            if before.get(path) == digest:
                continue
            with isolated(f"/{path}", report):
                changed += self._write_page(language, path)
                before[path] = digest
        written = {path: before[path] for path in current if path in before}
        with self.database.writing() as connection:
            web_files.store_hash(connection, name, json.dumps(written))
        return changed

    def _pages(self, language: str) -> Iterator[tuple[str, object]]:
        """Yield the path of each page with what it depends on."""
        lists = self.lists[language]
        counts = [
            {name: len(rows) for name, rows in one.items()}
            for one in (lists.months, lists.sections)
        ]
        yield urls.archive_path(language), counts
        for month, rows in lists.months.items():
            yield urls.archive_path(language, month), (rows, self._sisters(language, month))
        for section, rows in lists.sections.items():
            yield urls.section_path(language, section), rows[:ARTICLES_OF_SECTION]

    def _write_page(self, language: str, path: str) -> bool:
        house = views.site_view(self.settings, language)
        with self.database.reading() as connection:
            content = self._content(connection, language, path)
        page = self.renderer.archive_page(house, content)
        return write_page(self.settings, urls.page_file(path), page)

    def _content(self, connection: Connection, language: str, path: str) -> ArchiveContent:
        lists, url = self.lists[language], urls.public_url(self.settings.publication, path)
        kind, name = path.split("/")[1:3]
        if kind == "sections":
            rows = lists.sections[name][:ARTICLES_OF_SECTION]
            shown = self._articles(connection, language, rows)
            return ArchiveContent(url=url, title=rows[0].section or "", articles=shown)
        if not name:
            return self._all(language, url)
        rows = lists.months[name]
        return ArchiveContent(
            url=url,
            day=_first_day(rows),
            articles=self._articles(connection, language, rows),
            sisters=self._sisters(language, name),
        )

    def _all(self, language: str, url: str) -> ArchiveContent:
        """Return the list of all months and sections."""
        lists = self.lists[language]
        return ArchiveContent(
            url=url,
            months=tuple(
                ArchiveLine(
                    url=self._url(urls.archive_path(language, month)),
                    count=len(rows),
                    day=_first_day(rows),
                )
                for month, rows in lists.months.items()
            ),
            sections=tuple(
                ArchiveLine(
                    url=self._url(urls.section_path(language, section)),
                    count=len(rows),
                    title=rows[0].section or "",
                )
                for section, rows in lists.sections.items()
            ),
            sisters=self._sisters(language, ""),
        )

    def _articles(
        self, connection: Connection, language: str, rows: Sequence[_Listed]
    ) -> tuple[ArticleView, ...]:
        found = articles.articles_by_id(connection, [row.id for row in rows], with_texts=False)
        publication = self.settings.publication
        return tuple(
            views.article_view(publication, found[row.id], language, ()) for row in rows
        )

    def _sisters(self, language: str, month: str) -> tuple[LanguageLink, ...]:
        """Return the same list in other languages: there is none without articles."""
        return tuple(
            LanguageLink(language=tag, url=self._url(urls.archive_path(tag, month)))
            for tag, lists in self.lists.items()
            if tag != language and (not month or month in lists.months)
        )

    def _url(self, path: str) -> str:
        return urls.public_url(self.settings.publication, path)


def _first_day(month: Sequence[_Listed]) -> date:
    day: date = month[0].published_on
    return day.replace(day=1)
