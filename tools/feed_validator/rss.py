"""Faults of an RSS 2.0 document, by its specification and the RSS Board's profile.

Elements that we do not write are faults, whatever the specification says of them.
"""

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from lxml.etree import _Element as Element

from tools.feed_validator import values, xml
from tools.feed_validator.html import html_faults
from tools.feed_validator.media import media_faults
from tools.feed_validator.values import words
from tools.feed_validator.xml import Document, children, count_faults, told, where

_CHANNEL = words(
    "title link description language copyright lastBuildDate generator docs ttl image item "
    "atom:link dc:creator fh:archive html:div"
)
_ITEM = words(
    "title link description category enclosure guid pubDate atom:link content:encoded "
    "dc:contributor dc:creator dc:language dcterms:modified"
)
_ONCE = ("language", "copyright", "lastBuildDate", "generator", "docs", "ttl", "image")
_PLAIN = ("title", "copyright", "category")
_PICTURE = re.compile(r"\.(gif|jpe?g|png)$", re.IGNORECASE)
_POSITIVE = re.compile(r"[1-9]\d*")


def check(document: Document) -> Iterator[str]:
    """Yield the faults of an RSS document."""
    root = document.root
    channels = children(root, "channel")
    if root.tag != "rss" or root.get("version") != "2.0" or len(channels) != 1:
        yield f"document: is no <rss version=2.0> with one channel but <{root.tag!s}> (14)"
        return
    channel = channels[0]
    items = children(channel, "item")
    yield from _channel(channel, document)
    for item in items:
        yield from _item(item, document)
    for guid in xml.repeated(xml.text(item, "guid") or "" for item in items):
        yield f"guid: two items have {guid} (17)"


def _channel(channel: Element, document: Document) -> Iterator[str]:
    for wanted in ("title", "link", "description"):
        yield from count_faults(channel, wanted, 14)
    for wanted in _ONCE:
        yield from count_faults(channel, wanted, 14, least=0)
    yield from _common(channel, document, _CHANNEL)
    for description in children(channel, "description"):
        yield from _plain(description, document)
    yield from _site(channel)
    yield from xml.check_all(channel, "language", values.language_faults, 24)
    if not children(channel, "language"):
        yield f"{where(channel)}: says no language (24)"
    yield from xml.self_faults(channel, 18)
    yield from xml.history_faults(channel)
    for ttl in children(channel, "ttl"):
        if not _POSITIVE.fullmatch(ttl.text or ""):
            yield f"{where(ttl)}: {ttl.text!r} is no number above 0 (23)"
    yield from _image(channel)
    yield from _order(channel)
    yield from media_faults(channel, document, is_entry=False)


def _item(item: Element, document: Document) -> Iterator[str]:
    for wanted in ("title", "link", "guid", "pubDate"):
        yield from count_faults(item, wanted, 16)
    for wanted in ("description", "content:encoded", "dc:language"):
        yield from count_faults(item, wanted, 16, least=0)
    yield from _common(item, document, _ITEM)
    yield from _guid(item)
    yield from xml.check_all(item, "link", values.web_address_faults, 16)
    yield from xml.check_all(item, "dc:language", values.language_faults, 24)
    yield from xml.entry_history_faults(item)
    yield from _html(item)
    yield from _enclosure(item)
    yield from media_faults(item, document, is_entry=True)


def _common(parent: Element, document: Document, known: AbstractSet[str]) -> Iterator[str]:
    for wanted in _PLAIN:
        for one in children(parent, wanted):
            yield from _plain(one, document)
            if not (one.text or "").strip():
                yield f"{where(one)}: is blank (22)"
    for date in (*children(parent, "pubDate"), *children(parent, "lastBuildDate")):
        yield from told(where(date), values.rfc_822_faults(date.text or ""), 15)
        moment = values.rfc_822(date.text or "")
        if moment and not values.is_plausible(moment):
            yield f"{where(date)}: {date.text!r} is not plausible (6)"
    yield from xml.link_faults(parent, document)
    for child in parent.iterchildren("*"):
        name = xml.name(child)
        if name not in known and not name.startswith(xml.CHECKED_AS_MEDIA):
            yield f"{where(child)}: {name} does not belong in {xml.name(parent)} (28)"


def _plain(element: Element, document: Document) -> Iterator[str]:
    referenced = document.is_referenced(element)
    problems = values.plain_faults(element.text or "", referenced=referenced, rss=True)
    yield from told(where(element), problems, 22)


def _site(channel: Element) -> Iterator[str]:
    yield from xml.check_all(channel, "link", values.web_address_faults, 14)
    own = {link.get("href") for link in xml.links(channel) if link.get("rel") == "self"}
    if xml.text(channel, "link") in own:
        yield f"{where(channel)}: its link is the feed and not the site (14)"
    yield from xml.check_all(channel, "docs", values.address_faults, 14)


def _image(channel: Element) -> Iterator[str]:
    for image in children(channel, "image"):
        for wanted in ("url", "title", "link"):
            yield from count_faults(image, wanted, 26)
        yield from xml.check_all(image, "url", values.web_address_faults, 26)
        for wanted in ("title", "link"):
            if xml.text(image, wanted) != xml.text(channel, wanted):
                yield f"image: its {wanted} is not the channel's (26)"
        if not _PICTURE.search(xml.text(image, "url") or ""):
            yield "image: is no GIF, JPEG or PNG (26)"
        for wanted, most in (("width", 144), ("height", 400)):
            size = xml.text(image, wanted)
            if size is not None and not (_POSITIVE.fullmatch(size) and int(size) <= most):
                yield f"image: its {wanted} is not from 1 to {most} (26)"


def _order(channel: Element) -> Iterator[str]:
    seen = False
    for child in channel.iterchildren("*"):
        seen = seen or child.tag == "item"
        if seen and child.tag != "item":
            yield f"{where(child)}: stands behind an item, where readers miss it (14)"


def _guid(item: Element) -> Iterator[str]:
    for guid in children(item, "guid"):
        content = guid.text or ""
        yield from told(where(guid), values.identity_faults(content), 17)
        if guid.get("isPermaLink", "true") == "true" and not content.startswith("http"):
            yield f"{where(guid)}: {content} is no page, so isPermaLink=false is due (17)"


def _html(item: Element) -> Iterator[str]:
    names = [xml.name(child) for child in item.iterchildren("*")]
    if "description" not in names:
        yield f"{where(item)}: has no description (16)"
    elif "content:encoded" in names[: names.index("description")]:
        yield f"{where(item)}: content:encoded stands before description (19)"
    for wanted in ("description", "content:encoded"):
        for one in children(item, wanted):
            yield from (f"{where(one)}: {problem}" for problem in html_faults(one.text or ""))


def _enclosure(item: Element) -> Iterator[str]:
    found = children(item, "enclosure")
    if len(found) > 1:
        yield f"{where(item)}: has {len(found)} enclosures (rule: one) (20)"
    for one in found:
        yield from told(where(one), values.web_address_faults(one.get("url", "")), 20)
        if not one.get("length", "").isdecimal():
            yield f"{where(one)}: length={one.get('length')} is no number (20)"
        if not values.is_media_type(one.get("type", "")):
            yield f"{where(one)}: type={one.get('type')} is no media type (20)"
