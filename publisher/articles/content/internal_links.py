"""Links from one document of a source to another, as stored HTML has them until they are resolved. Pure.

Such an address is `publication:FILE?ADDRESS`: the file below the source folder, and the path on the site, that the
link may mean. `replace_links` writes the address of a page in its place, or leaves only the link's text. In mails,
feeds and pages of issues, ids of two articles could be the same, and many mail programs follow no links inside a
mail: there ids are removed, and links inside an article (`#id`) lead to its own page.
"""

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urljoin, urlsplit

from publisher.languages import autonym, direction

INTERNAL_SCHEME = "publication"
# A link of sanitised HTML: `<` is escaped in texts, values stand in double quotes, and no link is inside another.
_LINK = re.compile(
    r'<a\b(?P<attributes>[^<>"]*(?:"[^"]*"[^<>"]*)*)>(?P<text>(?:(?!</a>).)*)</a>', re.DOTALL
)
_ADDRESS = re.compile(rf' href="(?P<target>{INTERNAL_SCHEME}:[^"#]*)(?P<anchor>[^"]*)"')
_ANY = f'href="{INTERNAL_SCHEME}:'


class LinkTarget(NamedTuple):
    """What a link may mean: a file below the source folder, and a path on the site."""

    file: str
    address: str


@dataclass(frozen=True, slots=True)
class LinkDestination:
    """The address that a link gets; `language` is the page's, if it is not the text's."""

    href: str
    language: str | None = None


def internal_address(target: LinkTarget) -> str:
    return f"{INTERNAL_SCHEME}:{quote(target.file)}?{quote(target.address)}"


def target_of(address: str) -> LinkTarget:
    file, _mark, path = address.removeprefix(f"{INTERNAL_SCHEME}:").partition("?")
    return LinkTarget(unquote(file), unquote(path))


def has_internal_links(html: str) -> bool:
    return _ANY in html


def replace_links(
    html: str, destination_of: Callable[[str], LinkDestination | None] = lambda _target: None
) -> str:
    """Return sanitised HTML with links resolved, or only their text without a destination. Other languages are named."""
    if not has_internal_links(html):
        return html

    def replaced(link: re.Match[str]) -> str:
        found = _ADDRESS.search(link["attributes"])
        if not found:
            return link[0]
        others = _ADDRESS.sub("", link["attributes"], count=1)
        destination = destination_of(found["target"])
        if destination is None:
            return f"<span{others}>{link['text']}</span>" if others.strip() else link["text"]
        return _written(destination, found["anchor"], others, link["text"])

    return _LINK.sub(replaced, html)


def _written(destination: LinkDestination, anchor: str, others: str, text: str) -> str:
    href = f'href="{escape(destination.href)}{anchor}"'
    tag = destination.language
    if tag is None:
        return f"<a {href}{others}>{text}</a>"
    name = f'<span lang="{tag}" dir="{direction(tag)}">{escape(autonym(tag))}</span>'
    return f'<a {href} hreflang="{tag}"{others}>{text}</a> ({name})'


def with_links_apart(columns: dict[str, Any]) -> dict[str, Any]:
    """Return columns with the links to other documents in a column of their own, as text in `html`."""
    html = columns["html"]
    linked = html if has_internal_links(html) else None
    return columns | {"html": replace_links(html), "linked_html": linked}


@dataclass(frozen=True, slots=True)
class DocumentPlace:
    """A document's path below the source folder, and its `permalink` below `site_url`, as far as known."""

    path: PurePosixPath
    permalink: str | None = None
    site_url: str = ""

    @property
    def page(self) -> str:
        if self.permalink:
            return site_path(self.permalink, self.site_url)
        return f"/{self.path.with_suffix('')}"

    @property
    def base_path(self) -> str:
        return urlsplit(self.site_url).path.rstrip("/")

    def path_inside(self, href: str) -> str | None:
        """Return the path of an address of the site, None for others."""
        return urlsplit(href).path if is_below(href, self.site_url) else None

    def target(self, href: str) -> LinkTarget | None:
        """Return what a link of the document means on its own site, None for other links."""
        try:
            parts = urlsplit(href)
        except ValueError:
            return None
        query = f"?{parts.query}" if parts.query else ""
        if parts.scheme or parts.netloc:
            inside = is_below(href, self.site_url)
            return LinkTarget("", (parts.path or "/") + query) if inside else None
        # Browsers leave some control characters out, and read what is left as another address.
        if not parts.path or any(one < " " for one in unquote(href)):
            return None
        written = unquote(parts.path)
        place = written if written.startswith("/") else f"{self.path.parent}/{written}"
        file = posixpath.normpath(place.lstrip("/"))
        address = urljoin(self.page, parts.path) + query
        return LinkTarget("" if file.startswith("..") or file == "." else file, address)


def site_path(permalink: str, site_url: str) -> str:
    """Return the path on its host of a page that stands at a path below the site's address."""
    return f"{urlsplit(site_url).path.rstrip('/')}/{permalink.lstrip('/')}"


def is_below(href: str, site_url: str) -> bool:
    """Return whether an address is of the site; its scheme, and `www`, may differ."""
    if not site_url:
        return False
    there, site = urlsplit(href), urlsplit(site_url)
    try:
        hosts = [(one.hostname or "").removeprefix("www.") for one in (there, site)]
        same = hosts[0] == hosts[1] and there.port == site.port
    except ValueError:
        return False
    path, below = f"{there.path.rstrip('/')}/", f"{site.path.rstrip('/')}/"
    return same and there.scheme in {"http", "https", ""} and path.startswith(below)


_ARROWS = frozenset("↩⏎↵↑^⤴ \ufe0e")  # the text of links from a footnote back to its reference
# A tag of sanitised HTML: `<` is escaped in texts, and values stand in double quotes.
_TAG = re.compile(r"""<[a-z][^<>"]*(?:"[^"]*"[^<>"]*)*>""")
_ID = re.compile(r' id="[^"]*"')
_BACK_LINK = re.compile(
    rf'\s*<a [^<>]*href="#[^<>"]*"[^<>]*>[{re.escape("".join(_ARROWS))}]+</a>'
)


def is_back_arrow(text: str) -> bool:
    return _ARROWS.issuperset(text.strip())


def link_anchors(html: str, page_url: str) -> str:
    """Return sanitised HTML without ids; links inside the article lead to `page_url`, those from footnotes back are removed."""
    if ' id="' not in html and 'href="#' not in html:
        return html

    def outside(tag: re.Match[str]) -> str:
        return _ID.sub("", tag[0]).replace(' href="#', f' href="{page_url}#')

    return _TAG.sub(outside, _BACK_LINK.sub("", html))
