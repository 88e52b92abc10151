"""The export of WordPress (WXR): RSS with the posts, pages, files and menus of a site.

Namespaces have the versions 1.0 to 1.2, and are undeclared in some files, so elements are known by their local names.
Polylang's languages and groups of translations are terms of a post; those of WPML are values of it.
"""

import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote

from lxml import etree

from publisher.imports import model
from publisher.imports.wordpress_text import LibraryFile, WordpressText
from publisher.polling import foreign_values as foreign
from publisher.polling.model import WebAuthor, WebEntry

_FAULTS_NAMED = 10  # faults of a file's XML that are named; the rest are counted
# Other formats have elements of the same local names.
_OTHER_NAMESPACES = re.compile(r"Atom|mrss|itunes|googleplay", re.IGNORECASE)
# Elements that are read. Namespaces are undeclared in some files.
_PREFIXED = ("author", "term", "base_blog_url")
_READ = (
    "item",
    "link",
    "language",
    *(start + one for start in ("{*}", "wp:") for one in _PREFIXED),
)
_OF_SITES = frozenset({"attachment", "nav_menu_item", "revision", "wp_block", "custom_css"})
_SHOWN = frozenset({"publish", "future", ""})
_WORDS = {"draft": "is a draft", "pending": "waits for a review", "private": "is private"}
# Of the array that Polylang stores of a language, as PHP writes it. Lengths are not read: exports change them.
_LOCALE = re.compile(r's:\d+:"locale";s:\d+:"([\w-]+)"')


@dataclass(slots=True)
class _Item:
    """The texts of an item by local names, its terms and its values by key."""

    texts: dict[str, str] = field(default_factory=dict)
    terms: list[tuple[str, str, str]] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str:
        return self.texts.get(name, "")

    def named(self, domain: str) -> Iterator[tuple[str, str]]:
        """Yield the short and the whole name of each term of a taxonomy."""
        yield from ((short, name) for kind, short, name in self.terms if kind == domain)


@dataclass(slots=True)
class _Site:
    link: str = ""
    language: str = ""
    authors: dict[str, str] = field(default_factory=dict)
    # Of Polylang's languages, by their codes.
    tags: dict[str, str] = field(default_factory=dict)
    items: list[_Item] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def read_wxr(content: bytes, options: model.ExportWishes) -> model.Export:
    """Read an export, as far as it goes if it is malformed. Raise ImportProblemError if it is none."""
    site = _read_site(content)
    kinds = {"post", *options.kinds}
    library = {
        one.text("post_id"): LibraryFile(
            url=foreign.web_address(one.text("attachment_url"), site.link),
            alt=foreign.plain_title(one.values.get("_wp_attachment_image_alt", "")),
            caption=foreign.plain_title(one.text("excerpt"), is_html=True),
            parent=one.text("post_parent"),
        )
        for one in site.items
        if one.text("post_type") == "attachment"
    }
    text = WordpressText({name: one for name, one in library.items() if one.url})
    posts = tuple(_post(one, site, text) for one in site.items if _kind(one) in kinds)
    others = Counter(_kind(one) for one in site.items if _kind(one) not in kinds | _OF_SITES)
    notes = [*site.faults]
    notes += (f"{number} of the type {kind} left out" for kind, number in others.items())
    if text.lost:
        lost = (f"{one} ({n})" if n > 1 else one for one, n in Counter(text.lost).items())
        notes.append(f"shows nothing without WordPress: {', '.join(lost)}")
    return model.Export(
        system="WordPress",
        posts=posts,
        notes=tuple(notes),
        site=site.link,
        language=site.language,
    )


def _kind(item: _Item) -> str:
    return item.text("post_type") or "post"


def _read_site(content: bytes) -> _Site:
    """Read all elements, one after the other. A text that is not well-formed is read as far as it goes."""
    safe = {"resolve_entities": False, "no_network": True, "load_dtd": False, "recover": True}
    steps = etree.iterparse(io.BytesIO(content.lstrip()), tag=_READ, **safe)
    site = _Site()
    try:
        for _event, element in steps:
            _add(site, _local(element), element)
            if len(element):
                element.clear()
    except etree.XMLSyntaxError as error:
        if not site.items and not site.link:
            raise model.ImportProblemError(f"this is no XML: {error}") from None
    if steps.root is None:
        raise model.ImportProblemError("this is no XML")
    if steps.root.getroottree().docinfo.internalDTD is not None:
        raise model.ImportProblemError(
            "an export of WordPress has no DOCTYPE; this one is not read"
        )
    if _local(steps.root) != "rss":
        raise model.ImportProblemError("this XML is no export of WordPress (rss)")
    site.faults = _faults(steps.error_log)
    return site


def _faults(log: Any) -> list[str]:
    found = dict.fromkeys(f"line {one.line}: {' '.join(one.message.split())}" for one in log)
    more = len(found) - _FAULTS_NAMED
    return [*found][:_FAULTS_NAMED] + ([f"{more} more faults of its XML"] if more > 0 else [])


def _local(element: etree._Element) -> str:
    """Return a name without its namespace, declared or not; the two that are called `encoded` by theirs."""
    space, _, local = str(element.tag).rpartition("}")
    prefix, _, name = local.rpartition(":")
    if _OTHER_NAMESPACES.search(space + prefix):
        return ""
    is_excerpt = "excerpt" in space or prefix == "excerpt"
    return "excerpt" if name == "encoded" and is_excerpt else name


def _text(element: etree._Element) -> str:
    return foreign.without_controls("".join(map(str, element.itertext("*")))).strip()


def _add(site: _Site, name: str, element: etree._Element) -> None:
    texts: dict[str, str] = {}
    for child in element.iterchildren("*"):
        texts.setdefault(_local(child), _text(child))
    if name == "item":
        site.items.append(_item(element, texts))
    elif name == "author":
        site.authors[texts.get("author_login", "")] = texts.get("author_display_name", "")
    elif name == "term":
        if locale := _LOCALE.search(texts.get("term_description", "")):
            site.tags[texts.get("term_slug", "")] = locale[1]
    elif name == "language":
        site.language = site.language or _text(element)
    else:
        site.link = site.link or foreign.web_address(_text(element))


def _item(element: etree._Element, texts: dict[str, str]) -> _Item:
    item = _Item(texts)
    for child in element.iterchildren("*"):
        name = _local(child)
        if name == "category":
            domain = child.get("domain") or "category"
            item.terms.append((domain, child.get("nicename") or "", _text(child)))
        elif name == "postmeta":
            parts = {_local(one): _text(one) for one in child.iterchildren("*")}
            item.values.setdefault(parts.get("meta_key", ""), parts.get("meta_value", ""))
    return item


def _post(item: _Item, site: _Site, text: WordpressText) -> model.ImportedPost:
    picture = text.library.get(item.values.get("_thumbnail_id", ""), LibraryFile(url=""))
    group = next((short for short, _name in item.named("post_translations")), "")
    return model.ImportedPost(
        entry=_entry(item, site, text, picture),
        slug=unquote(item.text("post_name")),
        story=group or item.values.get("_wpml_import_translation_group", ""),
        alt=picture.alt,
        caption=picture.caption,
        enclosure=item.values.get("enclosure", ""),
        left_out=_reason(item),
        unread=model.why_unread(item.text("encoded")),
    )


def _entry(item: _Item, site: _Site, text: WordpressText, picture: LibraryFile) -> WebEntry:
    updated = _time(item.text("post_modified_gmt"))
    published, updated = foreign.entry_times(_first_time(item), updated)
    terms = (*item.named("category"), *item.named("post_tag"))
    topics = (
        foreign.plain_title(name, is_html=True)
        for short, name in terms
        if short != "uncategorized"
    )
    return WebEntry(
        id=item.text("post_id"),
        url=foreign.web_address(item.text("link"), site.link),
        title=foreign.plain_title(item.text("title"), is_html=True),
        html=""
        if _reason(item) or model.why_unread(item.text("encoded"))
        else text.to_html(item.text("encoded"), item.text("post_id")),
        summary=item.text("excerpt") or item.values.get("_yoast_wpseo_metadesc", ""),
        published=published,
        updated=updated,
        language=_language(item, site),
        authors=tuple(_authors(item, site)),
        topics=tuple(dict.fromkeys(filter(None, topics))),
        picture=picture.url,
    )


def _reason(item: _Item) -> str:
    status = item.text("status")
    if item.text("post_password"):
        return "needs a password"
    return "" if status in _SHOWN else _WORDS.get(status, f"its status is {status}")


def _first_time(item: _Item) -> datetime | None:
    """Return when a post was published, in UTC; drafts have zeros instead."""
    if stated := _time(item.text("post_date_gmt")):
        return stated
    try:
        return foreign.iso_time(parsedate_to_datetime(item.text("pubDate")).isoformat())
    except ValueError:
        return _time(item.text("post_date"))


def _time(text: str) -> datetime | None:
    return foreign.iso_time(text) if text[:4] > "0000" else None


def _language(item: _Item, site: _Site) -> str:
    code = next((short for short, _name in item.named("language")), "")
    code = code or item.values.get("_wpml_import_language_code", "")
    return site.tags.get(code, code)


def _authors(item: _Item, site: _Site) -> Iterator[WebAuthor]:
    """Yield the author, or those of Co-Authors Plus."""
    login = item.text("creator")
    names = [name for _short, name in item.named("author")] or [
        site.authors.get(login) or login
    ]
    yield from (WebAuthor(name=name) for name in map(foreign.person_name, names) if name)
