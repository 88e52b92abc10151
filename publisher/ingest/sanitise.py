"""Sanitise HTML from outside: an allow-list of elements, clean characters, absolute links.

The result has no script, style, class or event handler, only http, https and mailto links, those to
other documents of the source (`publisher.articles.content.internal_links`), and headings from h2 down (the
title is the h1). Ids are kept, each once, so that links inside the article (`#id`) lead somewhere; `rendering`
takes them away where several articles stand on a page. nh3 decides what is safe, before and after links and
pictures are repaired. A frame with a film of YouTube or Vimeo, and a `video` or `audio` with an address,
become a link to watch or listen; other frames and players, which neither a mail nor a feed can show, are
removed. What is lost is returned as problems of the article, with the address, or the tag as it is written.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import nh3
from lxml import etree, html

from publisher.articles.content import internal_links
from publisher.articles.content.parser import BLOCK_ELEMENTS
from publisher.articles.content.text import clean_characters
from publisher.articles.model import Picture
from publisher.errors import ArticleError
from publisher.i18n.article_problems import ArticleProblem, ProblemKind
from publisher.urls import LINK_SCHEMES, absolute_link, is_relative

# Elements that `replace_media` handles, and the attributes that it reads.
FRAME_ELEMENTS = frozenset({"iframe", "embed", "object"})
PLAYER_ELEMENTS = frozenset({"video", "audio"})
MEDIA_ATTRIBUTES = {key: {"src", "title"} for key in ("iframe", "embed", "video", "audio")}
MEDIA_ATTRIBUTES |= {"object": {"data", "title"}, "source": {"src"}}
# What a reader loses. Style sheets, and what belongs to a site's pages, are no loss.
_LOST_ELEMENTS = "svg|canvas|form|button|select|textarea|applet|frameset"
_LOST = re.compile(
    rf"<!--.*?(?:-->|\Z)|<(?P<tag>{_LOST_ELEMENTS})\b[^<>]*>"
    r"|<script\b[^<>]*?\ssrc\s*=\s*[\"']?(?P<script>[^\"'\s<>]+)",
    re.IGNORECASE | re.DOTALL,
)
_VIDEO_ID = r"(?P<id>[\w-]{1,40})"
_WATCH_PAGES = (
    (
        re.compile(
            rf"(?:www\.)?youtube(?:-nocookie)?\.com/(?:embed|v)/(?!videoseries){_VIDEO_ID}"
        ),
        "https://www.youtube.com/watch?v=",
    ),
    (re.compile(rf"player\.vimeo\.com/video/{_VIDEO_ID}"), "https://vimeo.com/"),
)

# Returns the address of a local file below the web root, None if there is none.
FindFile = Callable[[str], str | None]


def lost_elements(source: str) -> Iterator[ArticleProblem]:
    """Yield a problem for each element of unsanitised HTML that is removed with its content."""
    for found in _LOST.finditer(source):
        if found["script"]:
            yield ArticleProblem(ProblemKind.REMOVED_ELEMENT, None, found["script"])
        elif found["tag"]:
            yield ArticleProblem(ProblemKind.REMOVED_ELEMENT, None, found[0])


def watch_page(address: str) -> str | None:
    """Return the page on which the film of a frame can be watched, None for other frames."""
    parts = urlsplit(address)
    for pattern, page in _WATCH_PAGES:
        if found := pattern.match(f"{parts.netloc.lower()}{parts.path}"):
            return f"{page}{found['id']}"
    return None


def replace_media(
    element: html.HtmlElement, base_url: str | None, find_file: FindFile | None
) -> ArticleProblem | None:
    """Make a frame or player a link, or remove it and return the problem."""
    written = _address(element)
    if element.tag in FRAME_ELEMENTS:
        address = absolute_link(written, base_url)
        target = watch_page(address) if address else None
        problem = ArticleProblem(ProblemKind.REMOVED_FRAME, None, written or f"<{element.tag}")
    else:
        local = find_file(written) if find_file and is_relative(written) else None
        target = local or absolute_link(written, base_url)
        problem = ArticleProblem(
            ProblemKind.REMOVED_ELEMENT, None, written or f"<{element.tag}"
        )
    if target is None or target.startswith("mailto:"):
        element.drop_tree()
        return problem
    _make_link(element, target)
    return None


def _address(element: html.HtmlElement) -> str:
    sources = [element.get("src"), element.get("data")]
    sources += [source.get("src") for source in element.iter("source")]
    return next((one.strip() for one in sources if one), "")


def _make_link(element: html.HtmlElement, address: str) -> None:
    """Turn an element into a link with its title, or with the address, as text."""
    title = " ".join((element.get("title") or "").split())
    parts = urlsplit(address)
    text = title or f"{parts.netloc.removeprefix('www.')}{parts.path}"
    tail = element.tail
    element.clear()
    element.tag, element.text, element.tail = "a", text, tail
    element.set("href", address)


# Bytes: a long book. Anything larger is a mistake, and would take a minute to read.
MAX_ARTICLE_BYTES = 5_000_000
# Articles nest about ten elements; libxml2 and mail programs fail or crawl at some hundreds.
MAX_ELEMENT_DEPTH = 100
# HTML5 parsing takes time in proportion to length times depth; this limits it beforehand.
_MAX_OPEN_TAGS = 2_000

_INLINE_ELEMENTS = frozenset(
    "a img br em strong b i u s del ins sub sup small mark code kbd abbr q cite time span "  # noqa: SIM905  # one a line would fill the page
    "ruby rt rp".split()
)
ALLOWED_ELEMENTS = BLOCK_ELEMENTS | _INLINE_ELEMENTS
# Removed with their content, which is not meant to be read in a mail.
_DROPPED = frozenset(
    "script style template noscript iframe frameset object embed applet form button select "  # noqa: SIM905  # one a line would fill the page
    "textarea svg canvas audio video nav head title".split()
)
_ATTRIBUTES = {
    "*": {"lang", "dir", "title", "id"},
    "a": {"href", "name"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "time": {"datetime"},
}
_NUMBERS = ("width", "height", "colspan", "rowspan", "start")
_VOID_ELEMENTS = frozenset({"br", "hr", "img"})

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
# HTML closes these by itself, so open ones say nothing about the depth.
_UNCOUNTED = _VOID_ELEMENTS | frozenset(
    "p li dt dd option tr td th thead tbody tfoot colgroup rt rp input meta link area base "  # noqa: SIM905  # one a line would fill the page
    "col embed source track wbr param html head body".split()
)
_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*\Z")
# A link to one of these, often around a smaller one, shows the picture.
_LINKED_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif")
_MAX_ID_LENGTH = 200  # characters; generators make ids from headings
# One word without characters that mean something in HTML, CSS or addresses.
_ID = re.compile(r"[^\s\"'<>&#%?=\\/`{}()\[\]]+\Z")
# Ids of the program's own pages (templates/web).
_RESERVED_IDS = frozenset({"top", "contents", "contents-heading", "main"})


# Returns a local image for one with a relative address, what is wrong with it, or None if its
# address has to be resolved.
FindImage = Callable[[Picture], Picture | ArticleProblem | None]


class SanitisedHtml(NamedTuple):
    """A fragment of HTML that is safe and self-contained, and what was lost, without lines.

    `links` are those to other documents: each address in the HTML, and how it was written first.
    """

    html: str
    problems: tuple[ArticleProblem, ...]
    links: Mapping[str, str]


def sanitise(
    source: str,
    *,
    base_url: str | None,
    find_image: FindImage | None = None,
    find_file: FindFile | None = None,
    place: internal_links.DocumentPlace | None = None,
) -> SanitisedHtml:
    """Return a fragment of HTML that is safe and self-contained.

    `find_image` and `find_file` are called first for images and recordings with relative
    addresses, also of links. Other relative addresses are resolved against `base_url`. Without it,
    links lead to what they mean at `place`; without either, links and images become their text.

    Raises ArticleError beyond MAX_ARTICLE_BYTES (UTF-8) or MAX_ELEMENT_DEPTH.
    """
    if len(source.encode("utf-8", "surrogatepass")) > MAX_ARTICLE_BYTES:
        most = MAX_ARTICLE_BYTES // 1_000_000
        raise ArticleError.saying("the text is larger than %(most)s MB; split it", most=most)
    source = clean_characters(source)
    _check_depth(source, _UNCOUNTED, _MAX_OPEN_TAGS)
    repaired = ALLOWED_ELEMENTS | {"h1", "footer", "source"} | FRAME_ELEMENTS | PLAYER_ELEMENTS
    safe = clean_characters(_allow(source, repaired))
    _check_depth(safe, _VOID_ELEMENTS, MAX_ELEMENT_DEPTH)
    tree = html.fragment_fromstring(safe, create_parent="div")
    repair = _Repair(base_url, find_image, find_file, place, _check_ids(tree))
    repair.all_of(tree)
    inner = etree.tostring(tree, method="html", encoding="unicode")
    inner = inner.removeprefix("<div>").removesuffix("</div>")
    schemes = LINK_SCHEMES | {internal_links.INTERNAL_SCHEME}
    clean = clean_characters(_allow(inner, ALLOWED_ELEMENTS, schemes)).strip()
    return SanitisedHtml(clean, (*repair.problems, *lost_elements(source)), repair.links)


def _allow(
    source: str, elements: frozenset[str], schemes: frozenset[str] = LINK_SCHEMES
) -> str:
    return _cleaner(elements, schemes).clean(source)


@cache
def _cleaner(elements: frozenset[str], schemes: frozenset[str]) -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=set(elements),
        clean_content_tags=set(_DROPPED - elements),
        attributes={
            name: values
            for name, values in (_ATTRIBUTES | MEDIA_ATTRIBUTES).items()
            if name in elements | {"*"}
        },
        url_schemes=set(schemes),
        link_rel=None,
    )


def _check_depth(source: str, uncounted: frozenset[str], limit: int) -> None:
    depth = 0
    for closing, name in _TAG.findall(source):
        if name.lower() not in uncounted:
            depth = max(0, depth - 1) if closing else depth + 1
            if depth > limit:
                raise ArticleError.saying(
                    "elements are nested more than %(most)s deep; simplify it", most=limit
                )


@dataclass(slots=True)
class _Repair:
    """Repairs what an allow-list can't: headings, addresses, sizes, empty links.

    `ids` are those of the article, which links may lead to.
    """

    base_url: str | None
    find_image: FindImage | None
    find_file: FindFile | None
    place: internal_links.DocumentPlace | None
    ids: frozenset[str]
    problems: list[ArticleProblem] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)

    def all_of(self, tree: html.HtmlElement) -> None:
        for element in list(tree.iterdescendants()):
            if element.tag == "h1":
                element.tag = "h2"
            elif element.tag == "footer" and element.getparent().tag == "blockquote":
                element.tag = "cite"  # so that it is still known as who is quoted
            _check_attributes(element)
            if element.tag == "a":
                self._link(element)
            elif element.tag == "img":
                self._image(element)
        self._media(tree)

    def _media(self, tree: html.HtmlElement) -> None:
        for element in list(tree.iter(*FRAME_ELEMENTS, *PLAYER_ELEMENTS)):
            # One inside another went with it.
            if any(one is tree for one in element.iterancestors()):
                problem = replace_media(element, self.base_url, self.find_file)
                self.problems += [problem] if problem else []

    def _note(self, kind: ProblemKind, what: str) -> None:
        self.problems.append(ArticleProblem(kind, None, what))

    def _link(self, element: html.HtmlElement) -> None:
        href = (element.get("href") or "").strip()
        inside = f"#{unquote(href[1:])}" if href.startswith("#") else ""
        address = inside if inside[1:] in self.ids else self._address(href)
        if address:
            element.set("href", address)
        elif inside and internal_links.is_back_arrow(element.text_content()):
            element.drop_tree()
        else:
            self._lost_link(element, href)
            if element.get("id"):
                element.tag = "span"
                element.attrib.pop("href", None)
            else:
                element.drop_tag()

    def _address(self, href: str) -> str | None:
        """Return the address of a local file, of what the link means on the site, or the absolute one."""
        named = href if is_relative(href) else self.place and self.place.path_inside(href)
        local = self._linked_file(named) if named else None
        if local or self.place is None or (self.base_url and is_relative(href)):
            return local or absolute_link(href, self.base_url)
        target = self.place.target(href)
        if target is None:
            return absolute_link(href, self.base_url)
        address = internal_links.internal_address(target)
        self.links.setdefault(address, href)
        return address + (f"#{anchor}" if (anchor := href.partition("#")[2]) else "")

    def _linked_file(self, href: str) -> str | None:
        """Return the address below the web root of a picture, recording or document."""
        found = None
        if self.find_image and href.lower().endswith(_LINKED_PICTURES):
            found = self.find_image(Picture(src=href))
        if isinstance(found, Picture):
            return found.src
        return self.find_file(href) if self.find_file else None

    def _lost_link(self, element: html.HtmlElement, href: str) -> None:
        """Note the loss of a link. Without an id, one without an address had a bad scheme."""
        text = " ".join(element.text_content().split())
        if href.startswith("#") and href not in {"#", "#top"}:
            self._note(ProblemKind.BROKEN_LINK, href)
        elif not href.startswith("#") and (href or (text and not element.get("id"))):
            self._note(ProblemKind.REMOVED_LINK, href or text)

    def _image(self, element: html.HtmlElement) -> None:
        src, alt = (element.get("src") or "").strip(), element.get("alt") or ""
        found = self._found_image(element, src)
        if isinstance(found, ArticleProblem):
            self.problems.append(found)
            element.tail = alt + (element.tail or "")
            element.drop_tree()
            return
        if not alt.strip():
            self._note(ProblemKind.PICTURE_WITHOUT_ALT, src)
        element.set("src", found.src)
        element.set("alt", alt)
        for name in ("width", "height"):
            if getattr(found, name):
                element.set(name, str(getattr(found, name)))

    def _found_image(self, element: html.HtmlElement, src: str) -> Picture | ArticleProblem:
        width, height = _number(element.get("width")), _number(element.get("height"))
        image = Picture(src=src, width=width, height=height)
        found = self.find_image(image) if self.find_image and is_relative(src) else None
        if found:
            return found
        address = absolute_link(src, self.base_url)
        if address and not address.startswith("mailto:"):
            return Picture(src=address)
        # nh3 has removed addresses that are no addresses, such as whole pictures (data:).
        kind = ProblemKind.MISSING_PICTURE if src else ProblemKind.UNSUPPORTED_PICTURE
        return ArticleProblem(kind, None, src or element.get("alt") or "<img")


def _check_ids(tree: html.HtmlElement) -> frozenset[str]:
    """Remove ids that are no single word, repeated, or of our own pages; return the others."""
    found: set[str] = set()
    for element in tree.iter("*"):
        name = element.attrib.pop("name", None)  # how old pages mark a place
        written = element.get("id") or name
        if not written:
            continue
        good = _ID.match(written) and not (written in found or written in _RESERVED_IDS)
        if good and len(written) <= _MAX_ID_LENGTH:
            element.set("id", written)
            found.add(written)
        else:
            element.attrib.pop("id", None)
    return frozenset(found)


def _check_attributes(element: html.HtmlElement) -> None:
    for name in _NUMBERS:
        value = element.get(name)
        if value is not None and _number(value) is None:
            del element.attrib[name]
    if element.get("dir") not in {None, "ltr", "rtl", "auto"}:
        del element.attrib["dir"]
    if not _LANGUAGE_TAG.match(element.get("lang") or "en"):
        del element.attrib["lang"]


def _number(value: str | None) -> int | None:
    """Return a size in CSS pixels or a count; more than five digits are a mistake."""
    return int(value) if value and re.fullmatch("[0-9]{1,5}", value) else None
