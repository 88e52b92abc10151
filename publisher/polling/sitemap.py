"""Sitemaps (https://www.sitemaps.org/protocol.html), and what robots.txt lets programs read (RFC 9309). Pure.

These are hostile bytes: `publisher.polling.parser_process` calls this in a process with limits.
"""

import gzip
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import unquote, urlsplit

from lxml import etree

from publisher.polling.foreign_values import web_address, without_controls
from publisher.polling.model import AnswerError

# The bounds of the protocol: bytes, also of what is packed. Addresses beyond these pages are counted.
_MAX_BYTES = 50_000_000
MAX_PAGES, _MAX_PARTS = 10_000, 50
_MAX_ALTERNATES = 100
_XHTML_LINK = "{http://www.w3.org/1999/xhtml}link"
# RFC 9309 section 2.5 has programs read so many bytes at least.
MAX_ROBOTS = 512 * 1024
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
    listed = _of_xml(body, url) if body.lstrip()[:1] == b"<" else _of_lines(body)
    pages, parts = dict[str, SitemapEntry](), list[SitemapEntry]()
    for is_page, one in listed:
        if not is_page:
            parts.append(one)
        elif is_chosen(urlsplit(one.url).path, include, exclude):
            pages.setdefault(one.url, one)
    newest = sorted(pages.values(), key=lambda one: one.mark, reverse=True)
    parts.sort(key=lambda one: one.mark, reverse=True)
    too_many = max(len(newest) - MAX_PAGES, 0) + max(len(parts) - _MAX_PARTS, 0)
    return Sitemap(tuple(newest[:MAX_PAGES]), tuple(parts[:_MAX_PARTS]), too_many)


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


def _of_lines(body: bytes) -> Iterator[tuple[bool, SitemapEntry]]:
    lines = body.decode("utf-8-sig", "replace").split()
    found = [address for line in lines if (address := web_address(line))]
    if not found:
        raise AnswerError("this is no sitemap")
    yield from ((True, SitemapEntry(address)) for address in found)


def _of_xml(body: bytes, url: str) -> Iterator[tuple[bool, SitemapEntry]]:
    """Yield whether it is a page, and what it is."""
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
            if address := web_address(element.findtext("{*}loc") or "", url):
                mark = without_controls(element.findtext("{*}lastmod") or "").strip()[:40]
                page = SitemapEntry(address, mark, tuple(_alternates(element, url)))
                yield etree.QName(element).localname == "url", page
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
    except etree.XMLSyntaxError as error:
        raise AnswerError(f"this is malformed XML in line {error.lineno}") from None
    if etree.QName(events.root).localname not in {"urlset", "sitemapindex"}:
        raise AnswerError("this is XML, but no sitemap")


def _alternates(element: etree._Element, url: str) -> Iterator[tuple[str, str]]:
    for link in element.findall(_XHTML_LINK)[:_MAX_ALTERNATES]:
        language = (link.get("hreflang") or "").strip()
        address = web_address(link.get("href") or "", url)
        if address and language and language.lower() != "x-default":
            yield language, address


def read_robots(body: bytes, agent: str, urls: Sequence[str]) -> RobotRules:
    """Say what robots.txt lets a program read that is called `agent`."""
    from protego import Protego  # takes its time, and few sources need it

    # protego does not take the mark away, and would lose the first group.
    rules = Protego.parse(body[:MAX_ROBOTS].decode("utf-8-sig", "replace"))
    allowed = tuple(rules.can_fetch(url, agent) for url in urls)
    sitemaps = tuple(one for one in map(web_address, rules.sitemaps) if one)
    seconds = min(float(rules.crawl_delay(agent) or 0.0), _LONGEST_DELAY)
    return RobotRules(allowed, seconds, sitemaps[:_MAX_PARTS])
