"""Sitemaps (https://www.sitemaps.org/protocol.html), and what robots.txt lets programs read (RFC 9309). Pure.

These are hostile bytes: `publisher.polling.parser_process` calls this in a process with limits.
"""

import gzip
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from operator import itemgetter
from urllib.parse import unquote, urlsplit

from lxml import etree

from publisher.polling.foreign_values import web_address, without_controls
from publisher.polling.model import AnswerError

# The bounds of the protocol: bytes, also of what is packed. Addresses beyond these pages are counted.
_MAX_BYTES = 50_000_000
MAX_PAGES, _MAX_PARTS = 10_000, 50
_MAX_ALTERNATES = 100
# When it was changed, its address, and its translations, as a sitemap writes them.
_Written = tuple[str, str, tuple[tuple[str, str], ...]]
MAX_ROBOTS = 512 * 1024  # RFC 9309 section 2.5 has programs read so many bytes at least
_LONGEST_DELAY = 60.0


@dataclass(frozen=True, slots=True)
class SitemapEntry:
    """A page or another sitemap. `mark` is when it was changed, as it is written; empty if that is not said."""

    url: str
    mark: str = ""
    translations: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Sitemap:
    """The pages of a sitemap, the last changed first, or the other sitemaps that it names."""

    pages: tuple[SitemapEntry, ...] = ()
    parts: tuple[SitemapEntry, ...] = ()
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class RobotRules:
    """Which addresses may be read, in their order, and how many seconds lie between two requests. `sitemaps` are named there."""

    allowed: tuple[bool, ...]
    seconds: float = 0.0
    sitemaps: tuple[str, ...] = ()


def read_sitemap(
    body: bytes, url: str, include: Sequence[str] = (), exclude: Sequence[str] = ()
) -> Sitemap:
    """Read a sitemap, in XML or as lines, packed or not. `include` and `exclude` are patterns of paths."""
    body = _unpacked(body)
    pages, parts, number = list[_Written](), list[_Written](), 0
    for is_page, one in _of_xml(body) if body.lstrip()[:1] == b"<" else _of_lines(body):
        if not is_page:
            parts.append(one)
        elif not (include or exclude) or is_chosen(urlsplit(one[1]).path, include, exclude):
            number += 1
            pages.append(one)
            if len(pages) > 2 * MAX_PAGES:
                # Of hundreds of thousands of links, those of the newest pages are kept.
                pages = _newest(pages, MAX_PAGES)
    kept = [*_entries(_newest(pages, MAX_PAGES), url)]
    if not (kept or parts or number == 0):
        raise AnswerError("this is no sitemap: it has no address of a page")
    named = tuple(_entries(_newest(parts, _MAX_PARTS), url))
    too_many = max(number - MAX_PAGES, 0) + max(len(parts) - _MAX_PARTS, 0)
    return Sitemap(tuple(kept), named, too_many)


def _newest(written: list[_Written], number: int) -> list[_Written]:
    return sorted(written, key=itemgetter(0), reverse=True)[:number]


def _entries(written: Iterable[_Written], base: str) -> Iterator[SitemapEntry]:
    """Yield what was written as values, each address once."""
    seen = set[str]()
    for mark, place, links in written:
        address = web_address(place, base)
        if address and address not in seen:
            seen.add(address)
            pairs = ((language, web_address(link, base)) for language, link in links)
            yield SitemapEntry(address, mark, tuple(pair for pair in pairs if pair[1]))


def is_chosen(path: str, include: Sequence[str], exclude: Sequence[str]) -> bool:
    """Return whether patterns take a path; `*` stands for anything, also for a slash."""
    path = unquote(path) or "/"
    is_taken = not include or any(fnmatchcase(path, one) for one in include)
    return is_taken and not any(fnmatchcase(path, one) for one in exclude)


def _unpacked(body: bytes) -> bytes:
    if not body.startswith(b"\x1f\x8b"):
        return body
    try:
        unpacked = gzip.GzipFile(fileobj=io.BytesIO(body)).read(_MAX_BYTES + 1)
    except (OSError, EOFError):
        raise AnswerError("this is a packed file that is broken") from None
    if len(unpacked) > _MAX_BYTES:
        raise AnswerError("this is larger than 50 MB, which no sitemap may be")
    return unpacked


def _of_lines(body: bytes) -> Iterator[tuple[bool, _Written]]:
    lines = body.decode("utf-8-sig", "replace").split()
    if not any(map(web_address, lines[:10])):
        raise AnswerError("this is no sitemap")
    yield from ((True, ("", line, ())) for line in lines)


def _of_xml(body: bytes) -> Iterator[tuple[bool, _Written]]:
    """Yield whether it is a page, and what is written of it."""
    if b"<!DOCTYPE" in body[:4096].upper():
        raise AnswerError("this has a document type, which no sitemap has: is it a page?")
    events = etree.iterparse(
        io.BytesIO(body),
        events=("end",),
        tag=("{*}url", "{*}sitemap"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    try:
        for _event, element in events:
            yield element.tag.endswith("url"), _written(element)
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
    except etree.XMLSyntaxError as error:
        raise AnswerError(f"this is malformed XML in line {error.lineno}") from None
    if etree.QName(events.root).localname not in {"urlset", "sitemapindex"}:
        raise AnswerError("this is XML, but no sitemap")


@lru_cache(maxsize=256)
def _local(tag: object) -> object:
    """Return a name without its namespace; comments have none."""
    return tag.rpartition("}")[2] if isinstance(tag, str) else tag


def _written(element: etree._Element) -> _Written:
    texts, links = dict[object, str](), list[tuple[str, str]]()
    for child in element:
        language = child.get("hreflang")
        if language is None:
            texts[_local(child.tag)] = child.text or ""
        elif language.lower() != "x-default" and (link := child.get("href")):
            links.append((language.strip(), link))
    mark = without_controls(texts.get("lastmod", "")).strip()[:40]
    return mark, texts.get("loc", ""), tuple(links[:_MAX_ALTERNATES])


def read_robots(body: bytes, agent: str, urls: Sequence[str]) -> RobotRules:
    """Say what robots.txt lets a program read that is called `agent`."""
    from protego import Protego  # takes its time, and few sources need it

    # protego does not take the mark away, and would lose the first group.
    rules = Protego.parse(body[:MAX_ROBOTS].decode("utf-8-sig", "replace"))
    allowed = tuple(rules.can_fetch(url, agent) for url in urls)
    sitemaps = tuple(one for one in map(web_address, rules.sitemaps) if one)
    seconds = min(float(rules.crawl_delay(agent) or 0.0), _LONGEST_DELAY)
    return RobotRules(allowed, seconds, sitemaps[:_MAX_PARTS])
