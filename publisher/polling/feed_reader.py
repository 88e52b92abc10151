"""Read feeds: RSS 0.9x to 2.0, RDF and Atom by feedparser, JSON Feed. Pure.

Feeds are hostile bytes: some make a parser run for minutes. `publisher.polling.parser_process` calls this in a
process with limits.
"""

import codecs
import io
import re
from calendar import timegm
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any
from xml.sax import SAXParseException

import feedparser
from feedparser.urls import resolve_relative_uris
from lxml import etree

from publisher.polling import foreign_values as foreign
from publisher.polling.json_feed import read_json_feed
from publisher.polling.model import MAX_WEB_ENTRIES, AnswerError, WebAuthor, WebEntry, WebFeed
from publisher.polling.schedule import LONGEST_INTERVAL

_MAX_BYTES = 10_000_000
_HEAD_BYTES = 4096  # where the first element stands, behind comments and declarations
# feedparser takes quadratic time for the attributes of an element. No format has more than twenty.
_MANY_ATTRIBUTES = re.compile(
    rb"<[^\s<>\"']++(?:\s*+[^\s=<>\"']++\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+')){1000}"
)
_BOMS = {
    codecs.BOM_UTF8: "utf-8",
    # These begin with those of UTF-16.
    codecs.BOM_UTF32_LE: "utf-32le",
    codecs.BOM_UTF32_BE: "utf-32be",
    codecs.BOM_UTF16_LE: "utf-16le",
    codecs.BOM_UTF16_BE: "utf-16be",
}
_EBCDIC = b"\x4c\x6f\xa7\x94"  # `<?xm` in EBCDIC (XML section F.1)
_PICTURE = re.compile(rb"\x89PNG|\xff\xd8\xff|GIF8|RIFF")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_HTML_DOCTYPE = re.compile(r"<!doctype\s+html\b", re.IGNORECASE)
_ROOT = re.compile(r"<([A-Za-z_][\w.:-]*)")
_FEEDS = frozenset({"rss", "feed", "rdf:rdf"})
_HTML = frozenset({"text/html", "application/xhtml+xml"})
_ELEMENT = re.compile(r"</\w|<(?:br|p|img|hr|li)\b", re.IGNORECASE)
_TOMBSTONE = "{http://purl.org/atompub/tombstones/1.0}deleted-entry"
_SKIPS = re.compile(rb"<skip(?:Hours|Days)>.{0,2000}?</skip", re.DOTALL)
_DAYS = b"Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_PERIODS = {"hourly": 1, "daily": 24, "weekly": 168, "monthly": 720, "yearly": 8760}

# Links that may not be absolute, and elements that browsers would not end: texts with one are made right by feedparser,
# which takes it most of its time.
_UNRESOLVED = re.compile(
    r"""\b(?:href|src|cite|poster|data|background|action|longdesc|usemap|codebase|classid|profile)\s*+=\s*+["']?+\s*+"""
    r"(?!https?://[^/]|(?:mailto|data|tel|javascript):|#)"
    r"|<(?!(?:area|br|col|embed|hr|img|input|link|meta|param|source|track|wbr)\b)[a-z][a-z0-9]*\s*/>",
    re.IGNORECASE,
)

# An id is a name and stays as it is written (RFC 4287 section 4.2.6.1). feedparser would make an address of any.
feedparser.api.StrictFeedParser.can_be_relative_uri.discard("id")

_Parsed = dict[str, Any]


def read_feed(body: bytes, url: str, content_type: str) -> WebFeed:
    """Read the feed that came from `url` with this media type; raise AnswerError if it is none.

    A feed that is not well-formed is read as far as it goes, if it has entries.
    """
    head = _head(body)
    _refuse_others(body, head)
    if head[:1] in {"{", "["}:
        return read_json_feed(body, url)
    parsed = _parsed(body, url, content_type)
    feed, items = parsed["feed"], parsed["entries"]
    if not items:
        _refuse_nothing(parsed, head)
    links = _Links(feed, url)
    entries = [_entry(item, parsed, url) for item in items[:MAX_WEB_ENTRIES]]
    ids = {entry.id for entry in entries}
    deleted = [entry for entry in _tombstones(body) if entry.id not in ids]
    return WebFeed(
        title=_title(feed),
        language=foreign.plain_title(feed.get("language") or ""),
        hub=links.of("hub"),
        topic=links.of("self"),
        # RFC 5005 sections 4 and 3.
        following=links.of("prev-archive") or links.of("next"),
        interval=_interval(feed),
        skipped=_skipped(body),
        entries=(*entries, *deleted[:MAX_WEB_ENTRIES]),
        left_out=max(len(items) - MAX_WEB_ENTRIES, 0) + max(len(deleted) - MAX_WEB_ENTRIES, 0),
    )


def _head(body: bytes) -> str:
    """Return the first characters for a look at them: ASCII is right, in any encoding but EBCDIC."""
    head = body[:_HEAD_BYTES]
    for bom in _BOMS:
        head = head.removeprefix(bom)
    return head.replace(b"\0", b"").decode("latin-1").lstrip()


def _refuse_others(body: bytes, head: str) -> None:
    if len(body) > _MAX_BYTES:
        raise AnswerError(f"this is larger than {_MAX_BYTES // 1_000_000} MB")
    if not head:
        raise AnswerError("this is empty")
    if _PICTURE.match(body):
        raise AnswerError("this is a picture, not a feed")
    root = _root(head).lower()
    if root in {"html", "head", "body"} or (_HTML_DOCTYPE.search(head) and root not in _FEEDS):
        raise AnswerError("this is an HTML page, not a feed")
    if not (head[0] in "{[" or "<" in head or body.startswith(_EBCDIC)):
        raise AnswerError("this is neither XML nor JSON, so it is no feed")
    if _MANY_ATTRIBUTES.search(body):
        raise AnswerError("this has an element with more than a thousand attributes")


def _root(head: str) -> str:
    name = _ROOT.search(_COMMENT.sub("", head))
    return name[1] if name else ""


def _refuse_nothing(parsed: _Parsed, head: str) -> None:
    """Raise AnswerError for what has no entries, unless it is a feed without any."""
    error = parsed.get("bozo_exception")
    if isinstance(error, SAXParseException):
        # feedparser has put a declaration before documents without one.
        line = (error.getLineNumber() or 1) - (not head.startswith("<?xml"))
        raise AnswerError(f"this is malformed XML in line {max(line, 1)}")
    if not parsed["version"]:
        raise AnswerError(f"this is XML with the root {_root(head) or '?'}, not a feed")


def _parsed(body: bytes, url: str, content_type: str) -> _Parsed:
    boms = (name for bom, name in _BOMS.items() if body.startswith(bom))
    stated = _CHARSET.search(content_type)
    charset = next(boms, stated[1] if stated else "")
    # With this type, feedparser takes the charset, the declaration, UTF-8, and only then asks a detector.
    headers = {
        "content-type": f"application/xml; charset={charset}" if charset else "application/xml",
        "content-location": url,
    }
    # Never bytes: feedparser would open the file that they name.
    stream = io.BytesIO(body)
    try:
        parsed: _Parsed = feedparser.parse(
            stream, response_headers=headers, sanitize_html=False, resolve_relative_uris=False
        )
    except (MemoryError, RecursionError):
        raise
    except (
        Exception
    ) as error:  # of any kind: a size that is no number, an encoding that is none
        raise AnswerError(f"this breaks feedparser: {type(error).__name__}") from error
    return parsed


class _Links:
    """The `link` elements of a feed or an entry that lead to the web, in their order."""

    def __init__(self, item: _Parsed, url: str) -> None:
        addresses = (
            (foreign.web_address(link.get("href") or "", url), link)
            for link in item.get("links", ())
        )
        self._links = [(address, link) for address, link in addresses if address]

    def of(self, rel: str) -> str:
        return next((address for address, link in self._links if link.get("rel") == rel), "")

    def alternates(self) -> list[tuple[str, str]]:
        """Return languages (`hreflang`) and addresses of the pages that are the entry; those of HTML if there are."""
        links = [(a, link) for a, link in self._links if link.get("rel") == "alternate"]
        pages = [(a, link) for a, link in links if link.get("type") in _HTML] or links
        tags = [foreign.plain_title(link.get("hreflang") or "") for _address, link in pages]
        # This names no language.
        named = ["" if tag == "x-default" else tag for tag in tags]
        return [(tag, address) for tag, (address, _link) in zip(named, pages, strict=True)]

    def pictures(self) -> Iterator[str]:
        for address, link in self._links:
            if link.get("rel") == "enclosure" and str(link.get("type")).startswith("image/"):
                yield address


def _entry(item: _Parsed, parsed: _Parsed, url: str) -> WebEntry:
    links = _Links(item, url)
    html, summary = _texts(item, is_atom=parsed["version"].startswith("atom"))
    language = _language(item)
    alternates = links.alternates()
    own = _own_alternate(alternates, language or parsed["feed"].get("language") or "")
    # A copy of a feed at FeedBurner has the address before it was made one for counting clicks.
    original = foreign.web_address(item.get("feedburner_origlink") or "")
    published, updated = _times(item)
    return WebEntry(
        id=foreign.without_controls(item.get("id") or ""),
        url=original or own[1] or foreign.web_address(item.get("link") or ""),
        title=_title(item),
        html=html,
        summary=summary,
        published=published,
        updated=updated,
        language=language or own[0],
        authors=tuple(_authors(item, parsed)),
        topics=tuple(dict.fromkeys(filter(None, _topics(item)))),
        picture=_picture(item, links, url),
        translations=tuple(link for link in alternates if link[0] and link != own),
    )


def _title(item: _Parsed) -> str:
    kind = (item.get("title_detail") or {}).get("type")
    return foreign.plain_title(item.get("title") or "", is_html=kind in _HTML)


def _language(item: _Parsed) -> str:
    """Return the language of an entry: stated (dc:language), or that of its text or title (xml:lang)."""
    parts = [*item.get("content", ()), item.get("summary_detail"), item.get("title_detail")]
    stated = [item.get("language"), *(part.get("language") for part in parts if part)]
    return foreign.plain_title(next(filter(None, stated), ""))


def _own_alternate(alternates: list[tuple[str, str]], language: str) -> tuple[str, str]:
    """Return the alternate in an entry's language, its own first; else one without a language, or the first."""
    own = language.lower().replace("_", "-")

    def rank(link: tuple[str, str]) -> int:
        tag = link[0].lower().replace("_", "-")
        is_near = tag.startswith(f"{own}-") or own.startswith(f"{tag}-")
        return [tag == own, is_near, not tag, True].index(True)

    return min(alternates, key=rank, default=("", ""))


def _texts(item: _Parsed, *, is_atom: bool) -> tuple[str, str]:
    """Return the text of an entry and its summary as HTML; the summary is empty if it is the text."""
    short = item.get("summary_detail") or {
        "type": "text/html",
        "value": item.get("summary") or "",
    }
    # In RSS, plain text is that of other modules (itunes:summary, media:description) beside the description.
    texts = [
        part
        for part in item.get("content", ())
        if _as_html(part) and (is_atom or part.get("type") in _HTML)
    ]
    best: _Parsed = max(texts, key=lambda part: len(part["value"]), default=short)
    is_whole = short.get("value") == best.get("value")
    return _as_html(best), "" if is_whole else _as_html(short)


def _as_html(detail: _Parsed) -> str:
    """Return a text construct as HTML; empty if it is a picture or a file of another kind."""
    text, kind = foreign.without_controls(detail.get("value") or ""), detail.get("type") or ""
    if kind in _HTML:
        base = detail.get("base") or ""
        if _UNRESOLVED.search(text):
            text = resolve_relative_uris(text, base, "utf-8", kind)
            # Links to places in the text, such as notes, which feedparser has made links to the feed.
            text = text.replace(f'="{escape(base)}#', '="#')
        # Texts of videos and podcasts have entities, and no elements.
        has_lines = "\n" in text.strip() and not _ELEMENT.search(text)
        return foreign.text_as_html(text, is_escaped=True) if has_lines else text
    return foreign.text_as_html(text) if kind.startswith("text/") else ""


def _times(item: _Parsed) -> tuple[datetime | None, datetime | None]:
    # As of a dict: FeedParserDict warns, and gives one in place of another.
    times = {
        name: _moment(dict.get(item, f"{name}_parsed"))
        for name in ("published", "created", "updated")
    }
    return foreign.entry_times(times["published"] or times["created"], times["updated"])


def _moment(parts: Any) -> datetime | None:
    if not parts:
        return None
    with suppress(ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(timegm(parts), UTC)
    return None


def _authors(item: _Parsed, parsed: _Parsed) -> Iterator[WebAuthor]:
    """Yield the authors of an entry, those of its source, or in Atom the feed's (RFC 4287 section 4.2.1)."""
    names = _names(item) or _names(item.get("source") or {})
    if not names and parsed["version"].startswith("atom"):
        names = _names(parsed["feed"])
    yield from (WebAuthor(name=name) for name in names)


def _names(item: _Parsed) -> list[str]:
    authors = [author.get("name") or "" for author in item.get("authors", ())]
    # Of a sole author feedparser keeps what was written, which it divides wrongly at some addresses.
    written = [item["author"]] if len(authors) <= 1 and item.get("author") else authors
    return [name for name in dict.fromkeys(map(foreign.person_name, written)) if name]


def _topics(item: _Parsed) -> Iterable[str]:
    return (
        foreign.plain_title(tag.get("label") or tag.get("term") or "")
        for tag in item.get("tags", ())
    )


def _picture(item: _Parsed, links: _Links, url: str) -> str:
    """Return the address of an entry's picture, the widest of several."""
    shown = [part for part in item.get("media_content", ()) if _is_picture(part)]
    media = [*_by_width(shown), *links.pictures(), *_by_width(item.get("media_thumbnail", ()))]
    media.append((item.get("image") or {}).get("href") or "")
    return next(
        (address for written in media if (address := foreign.web_address(written, url))), ""
    )


def _is_picture(part: _Parsed) -> bool:
    medium, kind = part.get("medium") or "", part.get("type") or ""
    if medium or kind:
        return medium == "image" or kind.startswith("image/")
    return bool(foreign.PICTURE_NAME.search(part.get("url") or ""))


def _by_width(parts: Iterable[_Parsed]) -> list[str]:
    def width(part: _Parsed) -> int:
        text = part.get("width") or ""
        return int(text) if re.fullmatch("[0-9]{1,6}", text) else 0

    return [part.get("url") or "" for part in sorted(parts, key=width, reverse=True)]


def _interval(feed: _Parsed) -> timedelta | None:
    """Return how often a feed asks to be read: ttl in minutes, or the module Syndication of RSS 1.0."""
    ttl, often = (
        int(text) if re.fullmatch("[0-9]{1,6}", text) else 0
        for text in (
            str(feed.get("ttl", "")).strip(),
            str(feed.get("sy_updatefrequency", "1")).strip(),
        )
    )
    period = _PERIODS.get(str(feed.get("sy_updateperiod", "")).strip().lower(), 0)
    interval = timedelta(minutes=ttl) or timedelta(hours=period) / max(often, 1)
    return min(interval, LONGEST_INTERVAL) or None


def _skipped(body: bytes) -> tuple[int, ...]:
    """Return the hours of the week that skipHours and skipDays name, in GMT: feedparser keeps the last of each."""
    named = b" ".join(_SKIPS.findall(body))
    hours = {int(hour) % 24 for hour in re.findall(rb"<hour>\s*([0-9]{1,2})\s*<", named)}
    days = set(re.findall(rb"<day>\s*([A-Za-z]+)\s*<", named))
    return tuple(
        number
        for number in range(7 * 24)
        if number % 24 in hours or _DAYS[number // 24] in days
    )


def _tombstones(body: bytes) -> list[WebEntry]:
    """Return the entries that an Atom feed calls deleted (RFC 6721), which feedparser does not read."""
    if b"deleted-entry" not in body:
        return []
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError:
        return []
    return [
        WebEntry(id=reference, updated=foreign.iso_time(element.get("when", "")), expired=True)
        for element in root.iter(_TOMBSTONE)
        if (reference := foreign.without_controls(element.get("ref", "")))
    ]
