"""Links from one document of a source to another, as stored HTML has them until they are resolved.

Such an address is `publication:FILE?ADDRESS`: the file below the source folder, and the path on the
site, that the link may mean; both are percent-encoded. Readers never see it: `replace_links` writes
the address of a page in its place, or leaves only the link's text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from publisher.languages import autonym, direction

INTERNAL_SCHEME = "publication"
# A link of sanitised HTML: `<` is escaped in texts, values stand in double quotes, and no link is
# inside another.
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
    """Return the address of a link that is not resolved yet."""
    return f"{INTERNAL_SCHEME}:{quote(target.file)}?{quote(target.address)}"


def target_of(address: str) -> LinkTarget:
    """Return what such an address means."""
    file, _mark, path = address.removeprefix(f"{INTERNAL_SCHEME}:").partition("?")
    return LinkTarget(unquote(file), unquote(path))


def has_internal_links(html: str) -> bool:
    """Return whether HTML has a link that is not resolved."""
    return _ANY in html


def replace_links(
    html: str, destination_of: Callable[[str], LinkDestination | None] = lambda _target: None
) -> str:
    """Return sanitised HTML with all its links resolved; without a destination, one is its text.

    A page in another language is labelled with the name of that language.
    """
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
