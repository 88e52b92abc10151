"""Faults of an OPML 2.0 document."""

from collections.abc import Iterator

from lxml.etree import _Element as Element

from tools.feed_validator import values, xml
from tools.feed_validator.html import html_faults
from tools.feed_validator.values import words
from tools.feed_validator.xml import Document, children, count_faults, told

_HEAD = words(
    "title dateCreated dateModified ownerName ownerEmail ownerId expansionState "
    "vertScrollState windowTop windowLeft windowBottom windowRight"
)
_OUTLINE = words(
    "category created description htmlUrl isBreakpoint isComment language text title type "
    "url version xmlUrl"
)
_FEEDS_ONLY = {"description", "htmlUrl", "language", "title", "version", "xmlUrl"}
_VERSIONS = {"RSS", "RSS1", "RSS2", "scriptingNews"}


def check(document: Document) -> Iterator[str]:
    """Yield the faults of an OPML document."""
    root = document.root
    if root.tag != "opml" or root.get("version") != "2.0":
        yield f"document: is no <opml version=2.0> but <{root.tag!s}> (39)"
        return
    heads, bodies = children(root, "head"), children(root, "body")
    if len(heads) != 1 or len(bodies) != 1:
        yield "document: has not one head and one body (39)"
        return
    yield from _head(heads[0])
    outlines = list(bodies[0].iter("outline"))
    if not outlines:
        yield "body: has no outline (39)"
    for number, outline in enumerate(outlines, start=1):
        yield from (f"outline {number}: {problem}" for problem in _outline(outline))


def _head(head: Element) -> Iterator[str]:
    yield from count_faults(head, "title", 39)
    for child in head.iterchildren("*"):
        if child.tag not in _HEAD:
            yield f"{child.tag!s}: does not belong in head (39)"
    for wanted in ("title", "ownerName"):
        for one in children(head, wanted):
            yield from (f"{wanted}: {problem}" for problem in html_faults(one.text or ""))
    for wanted in ("dateCreated", "dateModified"):
        yield from xml.check_all(head, wanted, values.rfc_822_faults, 39)


def _outline(outline: Element) -> Iterator[str]:
    said = {str(key): str(value) for key, value in outline.attrib.items()}
    for extra in set(said) - _OUTLINE:
        yield f"{extra} is no attribute of it (39)"
    if not said.get("text", "").strip():
        yield "has no text (39)"
    for wanted in ("text", "title", "description"):
        yield from (f"its {wanted} {problem}" for problem in html_faults(said.get(wanted, "")))
    if "type" not in said and _FEEDS_ONLY & set(said):
        yield "describes a feed and has no type (39)"
    if said.get("type") == "rss":
        yield from _feed(said)
    if "htmlUrl" in said:
        yield from told("htmlUrl", values.address_faults(said["htmlUrl"]), 39)
    if "language" in said:
        yield from told("language", values.language_faults(said["language"]), 39)


def _feed(said: dict[str, str]) -> Iterator[str]:
    yield from told("xmlUrl", values.address_faults(said.get("xmlUrl", "")), 39)
    if not said.get("title", "").strip():
        yield "has no title (39)"
    if said.get("version", "RSS2") not in _VERSIONS:
        yield f"version={said['version']} is no version of RSS (39)"
