"""The one place where foreign HTML becomes ours: an allow-list, clean characters, no dead links.

What comes out holds no script, style, class, id or handler, only http, https and mailto
links, and headings from h2 down (the title is the h1). nh3 decides what is safe, before and
after links and pictures are put right. Knows no file format, no database and no template.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

import nh3
from lxml import etree, html

from feeds import FeedsError
from feeds.identifiers import absolute_uri
from publisher.articles.content.characters import clean_text
from publisher.articles.content.parser import BLOCK_ELEMENTS
from publisher.errors import ArticleError

# A long book is one; anything above it is a mistake, and would take a minute to read.
MAX_ARTICLE_BYTES = 5_000_000
# Prose needs about ten; libxml2 and mail programs give up or crawl at some hundreds.
MAX_ELEMENT_DEPTH = 100
# HTML5 parsing takes time by length times depth: this many bounds it before it has begun.
MAX_OPEN_TAGS = 2_000

PHRASES = frozenset(
    "a img br em strong b i u s del ins sub sup small mark code kbd abbr q cite time span "  # noqa: SIM905  # one a line would fill the page
    "ruby rt rp".split()
)
ALLOWED_ELEMENTS = BLOCK_ELEMENTS | PHRASES
# These go with all that they hold: none of it was written to be read in a mail.
DROPPED = frozenset(
    "script style template noscript iframe frameset object embed applet form button select "  # noqa: SIM905  # one a line would fill the page
    "textarea svg canvas audio video nav head title".split()
)
ATTRIBUTES = {
    "*": {"lang", "dir", "title"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "time": {"datetime"},
}
SCHEMES = {"http", "https", "mailto"}
NUMBERS = ("width", "height", "colspan", "rowspan", "start")
VOID = frozenset({"br", "hr", "img"})

TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
# What HTML closes by itself, so that counting it would say nothing of depth.
UNCOUNTED = VOID | frozenset(
    "p li dt dd option tr td th thead tbody tfoot colgroup rt rp input meta link area base "  # noqa: SIM905  # one a line would fill the page
    "col embed source track wbr param html head body".split()
)
LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*\Z")
# A footnote's way back means nothing once its place has lost its id.
BACK_ARROWS = frozenset("↩⏎↵↑^⤴")


@dataclass(frozen=True, slots=True)
class ImageTag:
    """An `img` as it is written: where it says it lies, and how large."""

    src: str
    width: int | None = None
    height: int | None = None


# Answers for an image with a relative address: where it lies for our readers, or None.
FindImage = Callable[[ImageTag], ImageTag | None]


def sanitise(source: str, *, base_url: str | None, pictures: FindImage | None = None) -> str:
    """Make a fragment of HTML safe and self-contained.

    `pictures` is asked first about images with relative addresses. What is still relative is
    resolved against `base_url`, or loses its address without one: links become their text,
    images their alternative text.

    Raises ArticleError beyond MAX_BYTES (UTF-8) or MAX_DEPTH (elements).
    """
    if len(source.encode("utf-8", "surrogatepass")) > MAX_ARTICLE_BYTES:
        raise ArticleError(
            f"the text is larger than {MAX_ARTICLE_BYTES // 1_000_000} MB; split it"
        )
    source = clean_text(source)
    _check_depth(source, UNCOUNTED, MAX_OPEN_TAGS)
    safe = clean_text(_allow(source, ALLOWED_ELEMENTS | {"h1"}))
    _check_depth(safe, VOID, MAX_ELEMENT_DEPTH)
    tree = html.fragment_fromstring(safe, create_parent="div")
    _Repair(base_url, pictures).all_of(tree)
    inner = etree.tostring(tree, method="html", encoding="unicode")
    return clean_text(
        _allow(inner.removeprefix("<div>").removesuffix("</div>"), ALLOWED_ELEMENTS)
    ).strip()


def _allow(source: str, elements: frozenset[str]) -> str:
    return nh3.clean(
        source,
        tags=set(elements),
        clean_content_tags=set(DROPPED),
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        link_rel=None,
    )


def _check_depth(source: str, uncounted: frozenset[str], limit: int) -> None:
    depth = 0
    for closing, name in TAG.findall(source):
        if name.lower() not in uncounted:
            depth = max(0, depth - 1) if closing else depth + 1
            if depth > limit:
                raise ArticleError(f"elements are nested more than {limit} deep; simplify it")


@dataclass(slots=True)
class _Repair:
    """Puts right what an allow-list can't: headings, addresses, sizes, empty shells."""

    base_url: str | None
    pictures: FindImage | None
    _done: int = field(default=0, init=False)

    def all_of(self, tree: html.HtmlElement) -> None:
        for element in list(tree.iterdescendants()):
            if element.tag == "h1":
                element.tag = "h2"
            _check_attributes(element)
            if element.tag == "a":
                self._link(element)
            elif element.tag == "img":
                self._image(element)

    def _link(self, element: html.HtmlElement) -> None:
        href = (element.get("href") or "").strip()
        address = absolute_link(href, self.base_url)
        if address:
            element.set("href", address)
        elif (
            href.startswith("#") and set(element.text_content().strip("\ufe0e ")) <= BACK_ARROWS
        ):
            element.drop_tree()
        else:
            element.drop_tag()

    def _image(self, element: html.HtmlElement) -> None:
        src = (element.get("src") or "").strip()
        image = ImageTag(src, _number(element.get("width")), _number(element.get("height")))
        found = self.pictures(image) if self.pictures and is_relative(src) else None
        address = found.src if found else absolute_link(src, self.base_url)
        if not address or address.startswith("mailto:"):
            element.tail = (element.get("alt") or "") + (element.tail or "")
            element.drop_tree()
            return
        element.set("src", address)
        if element.get("alt") is None:
            element.set("alt", "")
        for name in ("width", "height"):
            if found and getattr(found, name):
                element.set(name, str(getattr(found, name)))


def _check_attributes(element: html.HtmlElement) -> None:
    for name in NUMBERS:
        value = element.get(name)
        if value is not None and _number(value) is None:
            del element.attrib[name]
    if element.get("dir") not in {None, "ltr", "rtl", "auto"}:
        del element.attrib["dir"]
    if not LANGUAGE.match(element.get("lang") or "en"):
        del element.attrib["lang"]


def _number(value: str | None) -> int | None:
    """Read a size in CSS pixels, or a count; five digits are more than any screen has."""
    return int(value) if value and re.fullmatch("[0-9]{1,5}", value) else None


def is_relative(address: str) -> bool:
    """Say if an address needs a base: it has neither scheme nor host, and is no fragment."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return not (parts.scheme or parts.netloc) and bool(parts.path)


def absolute_link(address: str, base_url: str | None) -> str | None:
    """Give the absolute form of an address (RFC 3986 section 5), None where it has none.

    A fragment alone points to a place in the document whose id is gone: it has none either.
    """
    if not address or address.startswith("#"):
        return None
    try:
        joined = urljoin(base_url, address) if base_url else address
        joined = f"https:{joined}" if joined.startswith("//") else joined
        parts = urlsplit(joined)
    except ValueError:
        return None
    if parts.scheme == "mailto":
        return joined if parts.path else None
    if parts.scheme not in SCHEMES or not parts.hostname:
        return None
    return joined if parts.netloc.isascii() else _in_ascii(joined)


def _in_ascii(address: str) -> str | None:
    """Write an address as the network knows it: left alone, its host would be percent-encoded."""
    try:
        return absolute_uri(address)
    except FeedsError:
        return None
