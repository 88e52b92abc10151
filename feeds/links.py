"""The links of a channel and of an entry, as attributes of an Atom link element; RSS uses the same in `atom:link`.

Rules: RFC 4287 section 4.2.7, RFC 5005 section 4. An entry and a channel have exactly one `alternate`, the page in
their own language, because feed readers disagree which of several they open; other languages and formats are `related`.
"""

import re
from collections.abc import Iterator

from feeds.channels import Channel
from feeds.entries import Entry, Link
from feeds.formats import ARCHIVE_FORMAT, FEED_FORMATS, format_named

HTML_TYPE = "text/html"

LinkAttributes = dict[str, str]

# The title of a link is an attribute, which has no type: feed readers may take it for HTML.
_LIKE_MARKUP = re.compile(r"<[/A-Za-z]|&[#\w]")


def channel_links(channel: Channel, own: str) -> Iterator[LinkAttributes]:
    """Yield the links of the channel's document in format `own`, except the one to its page."""
    media_type = format_named(own).media_type
    yield _link("self", channel.addresses[own], media_type)
    for other in FEED_FORMATS:
        if other.name != own and (address := channel.addresses.get(other.name)):
            yield _link("related", address, other.media_type, _language(channel))
    for link in other_languages(channel, own):
        yield _link("related", link.url, link.type, link.language, link.title)
    if channel.page_url:
        yield _link("describedby", channel.page_url, HTML_TYPE, _language(channel))
    for hub in channel.hubs:
        yield _link("hub", hub, None)
    documents = {
        "current": channel.current,
        "prev-archive": channel.previous,
        "next-archive": channel.following,
    }
    for rel, address in documents.items():
        if address:
            yield _link(rel, address, format_named(ARCHIVE_FORMAT).media_type)


def other_languages(channel: Channel, own: str) -> tuple[Link, ...]:
    media_type = format_named(own).media_type
    same = tuple(link for link in channel.other_languages if link.type == media_type)
    served = {link.language for link in same}
    rest = (link for link in channel.other_languages if link.language not in served)
    return (*same, *rest)


def page_link(channel: Channel) -> LinkAttributes:
    return _link("alternate", channel.site_url, HTML_TYPE, _language(channel))


def entry_link(entry: Entry) -> LinkAttributes:
    return {
        "rel": "alternate",
        "type": HTML_TYPE,
        "hreflang": entry.language,
        "href": entry.url,
    }


def enclosure_link(entry: Entry) -> Iterator[LinkAttributes]:
    if enclosure := entry.enclosure:
        link = _link("enclosure", enclosure.url, enclosure.media_type, title=enclosure.title)
        yield link | {"length": str(enclosure.length)}


def translation_links(entry: Entry) -> Iterator[LinkAttributes]:
    for link in entry.translations:
        yield _link("related", link.url, link.type or HTML_TYPE, link.language, link.title)


def _language(channel: Channel) -> str | None:
    return None if channel.mixed else channel.language


def _link(
    rel: str,
    href: str,
    media_type: str | None,
    language: str | None = None,
    title: str | None = None,
) -> LinkAttributes:
    """Return the attributes of a link. Unknown ones, and titles that look like HTML, are left out."""
    attributes = {
        "rel": rel,
        "type": media_type,
        "hreflang": language,
        "title": None if title and _LIKE_MARKUP.search(title) else title,
        "href": href,
    }
    return {name: value for name, value in attributes.items() if value}
