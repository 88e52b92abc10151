"""Frames, players and other elements that neither a mail nor a feed can show.

A frame with a film of YouTube or Vimeo, and a `video` or `audio` with an address, become a link to
watch or listen. Other frames and elements are removed. Each loss is a problem with the address, or
with the tag as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from publisher.article_problems import ArticleProblem, ProblemKind
from publisher.urls import absolute_link, is_relative

if TYPE_CHECKING:
    from lxml.html import HtmlElement

# Elements that `replace_media` handles, and the attributes that it reads.
FRAME_ELEMENTS = frozenset({"iframe", "embed", "object"})
PLAYER_ELEMENTS = frozenset({"video", "audio"})
MEDIA_ATTRIBUTES = {
    "iframe": {"src", "title"},
    "embed": {"src", "title"},
    "object": {"data", "title"},
    "video": {"src", "title"},
    "audio": {"src", "title"},
    "source": {"src"},
}
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
    element: HtmlElement, base_url: str | None, find_file: FindFile | None
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


def _address(element: HtmlElement) -> str:
    sources = [element.get("src"), element.get("data")]
    sources += [source.get("src") for source in element.iter("source")]
    return next((one.strip() for one in sources if one), "")


def _make_link(element: HtmlElement, address: str) -> None:
    """Turn an element into a link with its title, or with the address, as text."""
    title = " ".join((element.get("title") or "").split())
    parts = urlsplit(address)
    text = title or f"{parts.netloc.removeprefix('www.')}{parts.path}"
    tail = element.tail
    element.clear()
    element.tag, element.text, element.tail = "a", text, tail
    element.set("href", address)
