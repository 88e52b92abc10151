"""What a page of a site says of the site: its feeds, its generator, and other ways to its articles. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree
from lxml.html import HtmlElement, HTMLParser, document_fromstring

from publisher.polling.foreign_values import plain_title, web_address
from publisher.polling.model import AnswerError

_FEED_TYPES = frozenset(
    f"application/{one}" for one in ("rss+xml", "atom+xml", "feed+json", "rdf+xml")
)
_NO_ARTICLES = re.compile("comments", re.IGNORECASE)  # feeds of comments have no articles
# Where sites have a feed that no page names, the most usual first.
USUAL_FEEDS = (
    *("/feed/", "/index.xml", "/rss.xml", "/atom.xml"),
    *("/feed.xml", "/feed.json", "/rss/"),
)
_GENERATOR = "string(//meta[translate(@name, 'GENRATO', 'genrato') = 'generator']/@content)"
_MOST_FEEDS = 12


@dataclass(frozen=True, slots=True)
class FeedLink:
    """A feed that a page names; `language` is empty where it does not say one."""

    url: str
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontPage:
    """What a page says. `others` are its translations by language: home pages, if this is one.

    `api` is that of WordPress. `generator` is what has made the site, as it says itself.
    """

    title: str = ""
    language: str = ""
    generator: str = ""
    api: str = ""
    feeds: tuple[FeedLink, ...] = ()
    others: tuple[tuple[str, str], ...] = ()


def read_front_page(body: bytes, url: str) -> FrontPage:
    """Return what a page says of its site. Raise AnswerError for what is no page of HTML."""
    parser = HTMLParser(encoding=_encoding(body), remove_comments=True)
    try:
        page = document_fromstring(body, parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        raise AnswerError("this is no page of HTML") from None
    bases = (one.get("href") or "" for one in page.iter("base"))
    base = web_address(next(bases, ""), url) or url
    links = [*_links(page, base)]
    feeds = [
        FeedLink(address, one.get("hreflang") or "")
        for relations, address, one in links
        if "alternate" in relations
        and (one.get("type") or "").partition(";")[0].strip().lower() in _FEED_TYPES
        and not _NO_ARTICLES.search(address + (one.get("title") or ""))
    ]
    others = [
        ((one.get("hreflang") or "").strip(), address)
        for relations, address, one in links
        if "alternate" in relations and one.get("hreflang") and not one.get("type")
    ]
    apis = (address for relations, address, _one in links if "https://api.w.org/" in relations)
    return FrontPage(
        title=plain_title(page.findtext(".//title") or ""),
        language=(page.get("lang") or "").strip(),
        generator=plain_title(str(page.xpath(_GENERATOR))),
        api=next(apis, ""),
        feeds=tuple(dict.fromkeys(feeds))[:_MOST_FEEDS],
        others=tuple(one for one in others if one[0].lower() != "x-default"),
    )


def read_opml(body: bytes) -> tuple[FeedLink, ...]:
    """Return the feeds of a list in OPML, once each. Raise AnswerError for what is none."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError:
        raise AnswerError("this is no list of feeds (OPML)") from None
    found = dict[str, FeedLink]()
    for one in root.iter("outline"):
        if url := web_address(one.get("xmlUrl") or ""):
            found.setdefault(url, FeedLink(url, one.get("language") or ""))
    return tuple(found.values())


def _links(page: HtmlElement, base: str) -> Iterator[tuple[list[str], str, HtmlElement]]:
    for one in page.iter("link", "a"):
        address, relations = web_address(one.get("href") or "", base), one.get("rel") or ""
        if address and relations:
            yield relations.lower().split(), address, one


def _encoding(body: bytes) -> str | None:
    """Return UTF-8 if a page is that, else None for what it declares."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return None
    return "utf-8"
