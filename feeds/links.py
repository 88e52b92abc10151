"""Which links a channel and an entry have, as attributes of an Atom link element.

Rules (RFC 4287 section 4.2.7, RFC 5005 section 4, and how readers differ from them):
- An entry has exactly one `alternate`, in its own language. Readers disagree which of
  several they follow, so translations are `related` with hreflang.
- A channel names its page, itself, its other formats, its other languages, its hubs, and the
  documents before and after it.

Knows nothing of XML: what is returned serves Atom and `atom:link` in RSS alike.
"""

import re
from collections.abc import Iterator

from feeds.channels import Channel, FormatUrls
from feeds.entries import Entry, Link

ATOM_TYPE = "application/atom+xml"
RSS_TYPE = "application/rss+xml"
JSON_TYPE = "application/feed+json"
HTML_TYPE = "text/html"

LinkAttributes = dict[str, str]

# A title is an attribute, which has no way to say that it is no HTML.
_LIKE_MARKUP = re.compile(r"<[/A-Za-z]|&[#\w]")


def channel_links(channel: Channel, own: str) -> Iterator[LinkAttributes]:
    """Yield the links of the channel's document of media type `own`, its page's apart."""
    yield link_attributes("self", format_url(channel.addresses, own), own)
    for media_type in (ATOM_TYPE, RSS_TYPE, JSON_TYPE):
        if media_type != own:
            found = format_url(channel.addresses, media_type)
            yield link_attributes("alternate", found, media_type, _language(channel))
    for link in other_languages(channel, own):
        yield link_attributes("alternate", link.url, link.type, link.language, link.title)
    if channel.page_url:
        yield link_attributes("describedby", channel.page_url, HTML_TYPE, _language(channel))
    for hub in channel.hubs:
        yield link_attributes("hub", hub, None)
    yield from history_links(channel, own)


def history_links(channel: Channel, own: str) -> Iterator[LinkAttributes]:
    """Yield the links to the documents before and after this one, and to the newest."""
    documents = {
        "current": channel.current,
        "prev-archive": channel.previous,
        "next-archive": channel.following,
    }
    for rel, addresses in documents.items():
        if addresses:
            yield link_attributes(rel, format_url(addresses, own), own)


def format_url(addresses: FormatUrls, media_type: str) -> str:
    """Return where a document is published in one of the formats."""
    return {ATOM_TYPE: addresses.atom, RSS_TYPE: addresses.rss, JSON_TYPE: addresses.json}[
        media_type
    ]


def other_languages(channel: Channel, own: str) -> tuple[Link, ...]:
    """Return each other language's feed in the format `own`, or in what formats it has."""
    same = tuple(link for link in channel.other_languages if link.type == own)
    served = {link.language for link in same}
    rest = (link for link in channel.other_languages if link.language not in served)
    return (*same, *rest)


def page_link(channel: Channel) -> LinkAttributes:
    """Return the link to the page that the channel is the feed of."""
    return link_attributes("alternate", channel.site_url, HTML_TYPE, _language(channel))


def entry_link(entry: Entry) -> LinkAttributes:
    """Return the one link to where the entry is read."""
    return {
        "rel": "alternate",
        "type": HTML_TYPE,
        "hreflang": entry.language,
        "href": entry.url,
    }


def enclosure_link(entry: Entry) -> Iterator[LinkAttributes]:
    """Yield the link to the one attachment that every reader gets, if there is one."""
    if enclosure := entry.enclosure:
        found = link_attributes(
            "enclosure", enclosure.url, enclosure.media_type, title=enclosure.title
        )
        yield found | {"length": str(enclosure.length)}


def translation_links(entry: Entry) -> Iterator[LinkAttributes]:
    """Yield the links to the entry in other languages."""
    for link in entry.translations:
        yield link_attributes(
            "related", link.url, link.type or HTML_TYPE, link.language, link.title
        )


def _language(channel: Channel) -> str | None:
    """Return the language of what the channel links to, if it has but one."""
    return None if channel.mixed else channel.language


def link_attributes(
    rel: str,
    href: str,
    media_type: str | None,
    language: str | None = None,
    title: str | None = None,
) -> LinkAttributes:
    """Return the attributes of a link, without those that are unknown or would be misread."""
    known = {
        "rel": rel,
        "type": media_type,
        "hreflang": language,
        "title": None if title and _LIKE_MARKUP.search(title) else title,
        "href": href,
    }
    return {name: value for name, value in known.items() if value}
