"""Write the lists of all pages for search engines (sitemaps.org), the newest articles for Google News, robots.txt.

They are made again after a page has changed, or the settings.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from html import escape, unescape
from itertools import count
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

from sqlalchemy import Connection

from publisher import urls, web_files
from publisher.articles import store as articles
from publisher.config import Publication, Settings
from publisher.database import Database
from publisher.files import remove_file, write_if_changed
from publisher.issues.digests import issue_ids_by_language, pages_of_issues
from publisher.rendering.views import shown_moment
from publisher.site.archive_pages import ARCHIVES, archive_state
from publisher.site.list_changes import CHANGE_NUMBERS

MAX_URLS, MAX_BYTES = 50_000, 50_000_000  # of the protocol, for each file, not compressed
NEWS_AGE, MAX_NEWS = timedelta(days=2), 1_000  # as Google News reads them
# In the build cache: the files with the time at which each has changed, and what they depend on besides rows.
FILES = "sitemaps"
_OTHERS = "-pages"
_NEWS_FILE, _INDEX, _ROBOTS = "sitemap-news.xml", "sitemap.xml", "robots.txt"
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SITEMAP_NS = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
_NEWS_NS = 'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'
_OPENING = f'{_XML}<urlset {_SITEMAP_NS} xmlns:xhtml="http://www.w3.org/1999/xhtml">\n'
_CLOSING = "</urlset>\n"
_FRAME_BYTES = 1_000  # bytes that a file has around its lines, at most
# A robots.txt that does not begin with it is the publication's own.
_ROBOTS_MARK = "# Written by publisher. Without this line, the file is left as it is.\n"

_LOCATION = re.compile("<url><loc>(.*?)</loc>")
Tell = Callable[[Connection, Sequence[str]], object]  # takes the addresses of pages
# The same page in each language: path, and last change (ISO 8601) or nothing.
_Pages = Mapping[str, tuple[str, str]]


def write_sitemaps(
    settings: Settings, database: Database, now: datetime, tell: Tell | None = None
) -> None:
    """Write the files that have changed, after `tell` has the addresses of pages that did; remove those that are not needed."""
    publication, public = settings.publication, settings.folders.public
    names = [(one.name, one.languages) for one in settings.newsletters]
    around = web_files.hash_inputs(publication.url, publication.languages, names)
    with database.reading() as connection:
        state = json.loads(web_files.cached_hash(connection, FILES) or "{}")
        if state.get("around") != around:
            state = {"files": {}, "others": "", "former": state.get("files", {})}
        changes = web_files.cached_hash(connection, CHANGE_NUMBERS)
        files, others = _due_files(settings, connection, now, state, changes)
    before, times = state["files"], {}
    former = before.keys() | state.get("former", {}).keys()
    if tell and (pages := _changed_pages(settings, files, former)):
        with database.writing() as connection:
            tell(connection, pages)
    for path, content in files.items():
        is_new = content is not None and write_if_changed(public / path, content.encode())
        times[path] = before[path] if path in before and not is_new else now.isoformat()
    if times == before and changes == state.get("changes"):
        return
    _write_frame(settings, times)
    for path in former - times.keys():
        remove_file(public / path, public)
    with database.writing() as connection:
        new = {"around": around, "files": times, "others": others, "changes": changes}
        web_files.store_hash(connection, FILES, json.dumps(new))


def _due_files(
    settings: Settings,
    connection: Connection,
    now: datetime,
    state: Mapping[str, Any],
    changes: str | None,
) -> tuple[dict[str, str | None], str]:
    """Return all files by path with their content, None for one that stays; and what those of no article depend on."""
    publication, before, others = settings.publication, state["files"], state["others"]
    files: dict[str, str | None] = dict.fromkeys(before)
    if not before or changes != state.get("changes"):
        rows = articles.listed_pages(connection, publication.languages, now)
        files = _files(settings, _versions(rows), "")
        lists = archive_state(connection).get("paths")
        others = web_files.hash_inputs(lists, issue_ids_by_language(connection, now))
        if others == state["others"]:
            files |= dict.fromkeys(path for path in before if _OTHERS in path)
        else:
            files |= _files(settings, _other_pages(settings, connection, now), _OTHERS)
    files.pop(_NEWS_FILE, None)
    since = now - NEWS_AGE
    news = articles.listed_pages(connection, publication.languages, now, since)[-MAX_NEWS:]
    if news:
        files[_NEWS_FILE] = _news(publication, news)
    return files, others


def _changed_pages(
    settings: Settings, files: Mapping[str, str | None], former: Collection[str]
) -> list[str]:
    new = {path: text for path, text in files.items() if text is not None}
    gone = dict.fromkeys((path for path in former if path not in files), "")
    old, lines = set[str](), set[str]()
    for path, text in {**new, **gone}.items():
        if path != _NEWS_FILE:
            old |= {*_text(settings.folders.public / path).splitlines()}
            lines |= {*text.splitlines()}
    found = {unescape(one[1]) for line in old ^ lines if (one := _LOCATION.match(line))}
    return sorted(one for one in found if one.startswith(settings.publication.url))


def _files(
    settings: Settings, sets: Mapping[object, _Pages], end: str
) -> dict[str, str | None]:
    lines = defaultdict[str, list[str]](list)
    for tag, _key, line in _lines(settings.publication, sets):
        lines[tag].append(line)
    return {
        path: f"{_OPENING}{''.join(part)}{_CLOSING}"
        for tag, own in lines.items()
        for path, part in zip(_names(f"{tag}{end}"), _parts(own), strict=False)
    }


def _text(file: Path) -> str:
    return file.read_text("utf-8") if file.is_file() else ""


def _names(name: str) -> Iterator[str]:
    yield f"sitemap-{name}.xml"
    yield from (f"sitemap-{name}-{number}.xml" for number in count(2))


# Addresses are ASCII, so lines have as many bytes as characters.
def _parts(lines: Sequence[str]) -> Iterator[Sequence[str]]:
    start, size = 0, _FRAME_BYTES
    for at, line in enumerate(lines):
        size += len(line)
        if size > MAX_BYTES or at - start == MAX_URLS:
            yield lines[start:at]
            start, size = at, _FRAME_BYTES + len(line)
    yield lines[start:]


def _versions(rows: Iterable[articles.ListedPage]) -> Mapping[object, _Pages]:
    stories = defaultdict[object, dict[str, tuple[str, str]]](dict)
    for row in rows:
        path = urls.article_path(row.language, row.slug)
        stories[row.story_id][row.language] = path, row.updated_at.isoformat()
    return stories


def _other_pages(
    settings: Settings, connection: Connection, now: datetime
) -> Mapping[object, _Pages]:
    """Return the pages besides articles that search engines may show, each with its sisters."""
    publication = settings.publication
    found = defaultdict[object, dict[str, tuple[str, str]]](dict)
    for tag in publication.languages:
        found["home"][tag] = urls.home_path(tag), ""
        lists = json.loads(web_files.cached_hash(connection, f"{ARCHIVES}{tag}") or "{}")
        for path in (one for one in lists if one.endswith("/")):
            # Sections and the like have names of their own in each language.
            kind, name = path.removeprefix(f"{tag}/").split("/")[:2]
            found[(kind, name) if kind in ("archive", "search") else path][tag] = path, ""
        for newsletter in settings.newsletters:
            if tag in (newsletter.languages or publication.languages):
                found[newsletter.name][tag] = urls.newsletter_path(tag, newsletter.name), ""
    for issue in pages_of_issues(connection, publication.languages, now):
        path = urls.issue_path(issue.language, issue.newsletter, issue.day, issue.suffix)
        found[issue.newsletter, issue.day, issue.suffix][issue.language] = (
            path,
            issue.day.isoformat(),
        )
    return found


def _start(publication: Publication, path: str) -> str:
    return f"<url><loc>{escape(urls.public_url(publication, path))}</loc>"


def _lines(
    publication: Publication, sets: Mapping[object, _Pages]
) -> Iterator[tuple[str, object, str]]:
    for key, pages in sets.items():
        links = _links(publication, pages) if len(pages) > 1 else ""
        for tag, (path, last) in pages.items():
            modified = f"<lastmod>{last}</lastmod>" if last else ""
            yield tag, key, f"{_start(publication, path)}{modified}{links}</url>\n"


def _links(publication: Publication, pages: _Pages) -> str:
    order = sorted(pages, key=publication.languages.index)
    addresses = {tag: pages[tag][0] for tag in order}
    is_home = addresses[order[0]] == urls.home_path(order[0])
    addresses["x-default"] = "" if is_home else addresses[order[0]]
    return "".join(
        f'<xhtml:link rel="alternate" hreflang="{tag}" href="{escape(urls.public_url(publication, path))}"/>'
        for tag, path in addresses.items()
    )


def _news(publication: Publication, rows: Iterable[articles.ListedPage]) -> str:
    """Return the file for Google News, whose tags of Chinese are those of the mainland and Taiwan."""
    lines = []
    for row in rows:
        tag = {"zh-Hans": "zh-cn", "zh-Hant": "zh-tw"}.get(row.language, row.language)
        lines.append(
            f"{_start(publication, urls.article_path(row.language, row.slug))}<news:news><news:publication>"
            f"<news:name>{escape(publication.title(row.language))}</news:name>"
            f"<news:language>{tag}</news:language></news:publication>"
            f"<news:publication_date>{shown_moment(publication, row).isoformat()}</news:publication_date>"
            f"<news:title>{escape(row.title)}</news:title></news:news></url>\n"
        )
    return f"{_XML}<urlset {_SITEMAP_NS} {_NEWS_NS}>\n{''.join(lines)}{_CLOSING}"


def _write_frame(settings: Settings, times: Mapping[str, str]) -> None:
    """Write the list of the files, and robots.txt unless the publication has its own."""
    publication, public = settings.publication, settings.folders.public
    lines = (
        f"<sitemap><loc>{escape(urls.public_url(publication, path))}</loc><lastmod>{time}</lastmod></sitemap>\n"
        for path, time in sorted(times.items())
    )
    index = f"{_XML}<sitemapindex {_SITEMAP_NS}>\n{''.join(lines)}</sitemapindex>\n"
    write_if_changed(public / _INDEX, index.encode())
    robots = public / _ROBOTS
    if not robots.exists() or robots.read_bytes().startswith(_ROBOTS_MARK.encode()):
        write_if_changed(robots, _robots_rules(publication).encode())


def _robots_rules(publication: Publication) -> str:
    """Return the rules (RFC 9309): subscribers' own pages and feeds are for nobody else."""
    private = ["-/", "feedback/"]
    for tag in publication.languages:
        kinds = get_args(urls.SubscriberPage)
        private += [urls.subscriber_page_path(tag, kind) for kind in kinds]
        private.append(urls.private_feed_path(tag, "", "").rstrip("."))
    prefix = urlsplit(publication.url).path
    rules = "".join(f"Disallow: {prefix}/{path}\n" for path in private)
    index = urls.public_url(publication, _INDEX)
    return f"{_ROBOTS_MARK}User-agent: *\n{rules}\nSitemap: {index}\n"
