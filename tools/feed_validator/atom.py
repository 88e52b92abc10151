"""Faults of an Atom feed that its grammar (RFC 4287) does not show, and all but what we write.

The grammar counts the elements and checks dates, persons, identifiers and types of texts.
"""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from datetime import datetime

from lxml.etree import _Element as Element

from tools.feed_validator import values, xml
from tools.feed_validator.html import html_faults
from tools.feed_validator.media import media_faults
from tools.feed_validator.values import words
from tools.feed_validator.xml import Document, children, count_faults, told, where

_FEED = words(
    "atom:author atom:generator atom:icon atom:id atom:link atom:rights atom:subtitle "
    "atom:title atom:updated html:div"
)
_ENTRY = words(
    "atom:author atom:category atom:content atom:contributor atom:id atom:link "
    "atom:published atom:summary atom:title atom:updated"
)
_TEXTS = ("title", "subtitle", "rights", "summary", "content")


def check(document: Document) -> Iterator[str]:
    """Yield the faults of an Atom feed."""
    feed = document.root
    if xml.name(feed) != "atom:feed":
        yield f"document: its root is {feed.tag!s} (1)"
        return
    entries = children(feed, "atom:entry")
    yield from _feed(feed, document)
    for entry in entries:
        yield from _entry(entry, document)
    yield from _uniqueness(entries)
    yield from _tombstones(feed, entries)
    yield from _newest(feed, entries)


def _feed(feed: Element, document: Document) -> Iterator[str]:
    yield from _common(feed, document, _FEED | {"at:deleted-entry", "fh:archive", "atom:entry"})
    if not children(feed, "atom:author"):
        yield f"{where(feed)}: has no author for its entries (3)"
    yield from count_faults(feed, "atom:generator", 13, least=0)
    yield from xml.self_faults(feed, 4)
    yield from xml.history_faults(feed)
    yield from xml.check_all(feed, "atom:icon", values.address_faults, 13)
    yield from media_faults(feed, document, is_entry=False)
    seen = False
    for child in feed.iterchildren("*"):
        seen = seen or xml.name(child) == "atom:entry"
        if seen and xml.name(child) in _FEED | {"fh:archive"}:
            yield f"{where(child)}: stands behind an entry, where readers miss it (4)"


def _entry(entry: Element, document: Document) -> Iterator[str]:
    yield from _common(entry, document, _ENTRY)
    if not children(entry, "atom:content") and not children(entry, "atom:summary"):
        yield f"{where(entry)}: has neither content nor summary (9)"
    yield from xml.entry_history_faults(entry)
    for link in xml.links(entry):
        if link.get("rel") == "enclosure" and not (
            link.get("type") and str(link.get("length")).isdecimal()
        ):
            yield f"{where(link)}: an enclosure without type and length (12)"
    published, updated = (_moment(entry, f"atom:{one}") for one in ("published", "updated"))
    if published and updated and published > updated:
        yield f"{where(entry)}: published after it was updated (6)"
    yield from media_faults(entry, document, is_entry=True)


def _common(parent: Element, document: Document, known: AbstractSet[str]) -> Iterator[str]:
    yield from count_faults(parent, "atom:title", 1)
    yield from xml.check_all(parent, "atom:id", values.identity_faults, 1)
    for date in (*children(parent, "atom:updated"), *children(parent, "atom:published")):
        yield from _date(date)
    yield from xml.link_faults(parent, document)
    yield from _categories(parent)
    for person in (*children(parent, "atom:author"), *children(parent, "atom:contributor")):
        yield from _person(person, document)
    for one in _TEXTS:
        for text in children(parent, f"atom:{one}"):
            yield from _text(text, document)
    for child in parent.iterchildren("*"):
        name = xml.name(child)
        if name not in known and not name.startswith(xml.CHECKED_AS_MEDIA):
            yield f"{where(child)}: {name} does not belong in {xml.name(parent)} (28)"


def _date(date: Element) -> Iterator[str]:
    moment = values.rfc_3339(date.text or "")
    if moment is None or not values.is_plausible(moment):
        yield f"{where(date)}: {date.text!r} is not plausible (6)"


def _moment(parent: Element, wanted: str) -> datetime | None:
    return values.rfc_3339(xml.text(parent, wanted) or "")


def _categories(parent: Element) -> Iterator[str]:
    for category in children(parent, "atom:category"):
        if not category.get("term", "").strip():
            yield f"{where(category)}: its term is blank (10)"
        for extra in set(category.attrib) - {"term"}:
            yield f"{where(category)}: {extra!s} is no attribute of it (10)"


def _person(person: Element, document: Document) -> Iterator[str]:
    yield from count_faults(person, "atom:name", 3)
    yield from xml.check_all(person, "atom:uri", values.address_faults, 3)
    for name in children(person, "atom:name"):
        referenced = document.is_referenced(name)
        yield from told(
            where(name), values.plain_faults(name.text or "", referenced=referenced), 22
        )


def _text(text: Element, document: Document) -> Iterator[str]:
    kind, place = text.get("type", "text"), where(text)
    if not xml.language(text):
        yield f"{place}: no xml:lang says its language (11)"
    if kind == "html":
        yield from (f"{place}: {problem}" for problem in html_faults(text.text or ""))
    elif kind == "text":
        referenced = document.is_referenced(text)
        problems = values.plain_faults(text.text or "", referenced=referenced)
        yield from told(place, problems, 8)
    else:
        yield f"{place}: type={kind} is none of text, html (8)"


def _uniqueness(entries: list[Element]) -> Iterator[str]:
    for one in xml.repeated(xml.text(entry, "atom:id") or "" for entry in entries):
        yield f"atom:id: two entries have {one} (7)"
    for one in xml.repeated(xml.text(entry, "atom:updated") or "" for entry in entries):
        yield f"atom:updated: two entries have {one} (7)"


def _tombstones(feed: Element, entries: list[Element]) -> Iterator[str]:
    changed = {xml.text(e, "atom:id") or "": _moment(e, "atom:updated") for e in entries}
    stones = children(feed, "at:deleted-entry")
    for stone in stones:
        ref, when = stone.get("ref", ""), values.rfc_3339(stone.get("when", ""))
        yield from told(where(stone), values.identity_faults(ref), 44)
        if when is None:
            yield f"{where(stone)}: when={stone.get('when')} is no date of RFC 3339 (44)"
            continue
        moment = changed.get(ref)
        if moment and moment == when:
            yield f"{where(stone)}: {ref} is deleted and an entry at the same moment (44)"
    for pair in xml.repeated(f"{one.get('ref')} {one.get('when')}" for one in stones):
        yield f"at:deleted-entry: two say {pair} (44)"


def _newest(feed: Element, entries: list[Element]) -> Iterator[str]:
    stones = (values.rfc_3339(s.get("when", "")) for s in children(feed, "at:deleted-entry"))
    moments = [*(_moment(entry, "atom:updated") for entry in entries), *stones]
    updated = _moment(feed, "atom:updated")
    latest = max((moment for moment in moments if moment), default=None)
    if updated and latest and updated < latest:
        yield f"{where(feed)}: updated before what is in it (5)"
