"""OPML 2.0 (opml.org/spec2.opml): an index of feeds that a reader subscribes to in one go.

Pure: reads no clock, disk, network or database. Knows neither channels nor entries: an
outline says of a feed only where it is and what it is called.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from feeds.errors import FeedsError, InvalidChannelError, InvalidIdentifierError
from feeds.identifiers import absolute_uri, language_tag
from feeds.text import label
from feeds.values import optional_line, optional_uri, set_fields, utc_seconds

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

# The specification names versions of RSS only: an outline of another format leaves it out.
_VERSIONS = frozenset({"RSS", "RSS1", "RSS2", "scriptingNews"})

_BRACKETS = str.maketrans("<>", "‹›")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """One feed: its name, its address, the page that it is the feed of.

    A blank text becomes the title, or the address; `version` is one of VERSIONS.
    Raises InvalidIdentifierError for a bad address, language or version.
    """

    text: str
    xml_url: str
    title: str | None = None
    html_url: str | None = None
    language: str | None = None
    description: str | None = None
    version: str | None = None

    def __post_init__(self) -> None:
        address = absolute_uri(self.xml_url)
        title = optional_line(self.title)
        if self.version is not None and self.version not in _VERSIONS:
            raise InvalidIdentifierError(self.version, f"is none of {sorted(_VERSIONS)}")
        set_fields(
            self,
            text=label(self.text) or title or address,
            xml_url=address,
            title=title,
            html_url=optional_uri(self.html_url),
            language=None if self.language is None else language_tag(self.language),
            description=optional_line(self.description),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlineGroup:
    """Feeds that are shown together, such as those of one language.

    Raises FeedsError if its text is blank, since readers would show a folder without a name.
    """

    text: str
    outlines: tuple[Outline, ...]

    def __post_init__(self) -> None:
        text = label(self.text)
        if not text:
            raise FeedsError("a group of feeds has no text")
        set_fields(self, text=text, outlines=tuple(self.outlines))


def render_opml(
    title: str,
    items: Iterable[OutlineGroup | Outline],
    *,
    updated: datetime,
    owner_name: str | None = None,
) -> bytes:
    """Return an OPML document in UTF-8; equal arguments give equal bytes.

    Groups nest their outlines, and a group without any is left out. `updated` is when the
    index last changed. Raises InvalidChannelError if the title is blank, if `updated` has no
    time zone, or if no feed is left.
    """
    from email.utils import format_datetime

    from lxml import etree

    name = label(title)
    if not name:
        raise InvalidChannelError("OPML", "its title is blank")
    changed = utc_seconds(updated, "updated", name, InvalidChannelError)
    root = etree.Element("opml", {"version": "2.0"})
    head = etree.SubElement(root, "head")
    etree.SubElement(head, "title").text = _plain(name)
    etree.SubElement(head, "dateModified").text = format_datetime(changed, usegmt=True)
    if owner := optional_line(owner_name):
        etree.SubElement(head, "ownerName").text = _plain(owner)
    _fill(etree.SubElement(root, "body"), items, name)
    return _serialise(root)


def _fill(body: Element, items: Iterable[OutlineGroup | Outline], name: str) -> None:
    from lxml import etree

    for item in items:
        if isinstance(item, Outline):
            etree.SubElement(body, "outline", _attributes(item))
        elif item.outlines:
            # Readers and validators take a folder with more than a text for a feed.
            folder = etree.SubElement(body, "outline", {"text": _plain(item.text)})
            for outline in item.outlines:
                etree.SubElement(folder, "outline", _attributes(outline))
    if not len(body):
        raise InvalidChannelError(name, "an OPML document names at least one feed")


def _attributes(outline: Outline) -> dict[str, str]:
    known = {
        "type": "rss",
        "text": _plain(outline.text),
        "title": _plain(outline.title or outline.text),
        "description": outline.description and _plain(outline.description),
        "xmlUrl": outline.xml_url,
        "htmlUrl": outline.html_url,
        "language": outline.language,
        "version": outline.version,
    }
    return {name: value for name, value in known.items() if value}


def _plain(text: str) -> str:
    """Return text that says the same whether it is read as plain text or as HTML.

    The specification lets texts be HTML and most readers take them for plain, so escaping
    would be seen by some: `&` stands alone, and `<` and `>` become quotation marks.
    """
    parts = (part.strip(" ") for part in text.split("&"))
    return label(" & ".join(parts).translate(_BRACKETS))


def _serialise(root: Element) -> bytes:
    from lxml import etree

    etree.indent(root)
    declaration = b'<?xml version="1.0" encoding="UTF-8"?>\n'
    return declaration + etree.tostring(root, encoding="utf-8") + b"\n"
