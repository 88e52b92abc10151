"""OPML 2.0 (opml.org/spec2.opml): a list of feeds that a feed reader can import at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from lxml import etree
from lxml.etree import _Element as Element

from feeds import normalisation, xml_builder
from feeds.errors import FeedsError, InvalidChannelError

_BRACKETS = str.maketrans("<>", "‹›")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """One feed: its name, the address of its RSS document, its page. A blank text becomes the address."""

    text: str
    xml_url: str
    html_url: str | None = None
    language: str | None = None
    description: str | None = None

    def __post_init__(self) -> None:
        address = normalisation.absolute_uri(self.xml_url)
        normalisation.set_fields(
            self,
            text=normalisation.label(self.text) or address,
            xml_url=address,
            html_url=normalisation.optional_uri(self.html_url),
            language=None
            if self.language is None
            else normalisation.language_tag(self.language),
            description=normalisation.optional_line(self.description),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlineGroup:
    """A folder of feeds, such as those of one language. Raises FeedsError if its text, the folder's name, is blank."""

    text: str
    outlines: tuple[Outline, ...]

    def __post_init__(self) -> None:
        text = normalisation.label(self.text)
        if not text:
            raise FeedsError("a group of feeds has no text")
        normalisation.set_fields(self, text=text, outlines=tuple(self.outlines))


def render_opml(
    title: str, items: Iterable[OutlineGroup | Outline], *, updated: datetime
) -> bytes:
    """Return an OPML document in UTF-8; equal arguments give equal bytes. `updated` is when the list last changed."""
    name = normalisation.label(title)
    if not name:
        raise InvalidChannelError("OPML", "its title is blank")
    changed = normalisation.utc_seconds(updated, "updated", name, InvalidChannelError)
    root = etree.Element("opml", {"version": "2.0"})
    head = etree.SubElement(root, "head")
    etree.SubElement(head, "title").text = _plain(name)
    etree.SubElement(head, "dateModified").text = format_datetime(changed, usegmt=True)
    _fill(etree.SubElement(root, "body"), items, name)
    return xml_builder.serialise(root)


def _fill(body: Element, items: Iterable[OutlineGroup | Outline], name: str) -> None:
    for item in items:
        if isinstance(item, Outline):
            etree.SubElement(body, "outline", _attributes(item))
        elif item.outlines:
            # Feed readers and validators take a folder with further attributes for a feed.
            folder = etree.SubElement(body, "outline", {"text": _plain(item.text)})
            for outline in item.outlines:
                etree.SubElement(folder, "outline", _attributes(outline))
    if not len(body):
        raise InvalidChannelError(name, "an OPML document needs at least one feed")


def _attributes(outline: Outline) -> dict[str, str]:
    known = {
        "type": "rss",
        "text": _plain(outline.text),
        "title": _plain(outline.text),
        "description": outline.description and _plain(outline.description),
        "xmlUrl": outline.xml_url,
        "htmlUrl": outline.html_url,
        "language": outline.language,
        "version": "RSS2",
    }
    return {name: value for name, value in known.items() if value}


def _plain(text: str) -> str:
    """Return text that means the same as plain text and as HTML, which OPML allows and most feed readers don't read."""
    parts = (part.strip(" ") for part in text.split("&"))
    return normalisation.label(" & ".join(parts).translate(_BRACKETS))
