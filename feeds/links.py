"""Which links a channel and an entry have, as attributes of an Atom link element.

Rules (RFC 4287 section 4.2.7, and how readers differ from it):
- An entry has exactly one `alternate`, in its own language. Readers disagree which of
  several they follow, so translations are `related` with hreflang.
- A channel names its page, itself, its other formats, and its other languages.

Knows nothing of XML: what is returned serves Atom and `atom:link` in RSS alike.
"""

from collections.abc import Iterator

from feeds.model import Channel, Entry, Link

ATOM = "application/atom+xml"
RSS = "application/rss+xml"
JSON = "application/feed+json"
HTML = "text/html"

Attributes = dict[str, str]


def channel_links(channel: Channel, own: str) -> Iterator[Attributes]:
    """Yield the links of the channel's document of media type `own`, its page's apart."""
    addresses = {ATOM: channel.atom_url, RSS: channel.rss_url, JSON: channel.json_url}
    yield attributes("self", addresses.pop(own), own)
    for media_type, address in addresses.items():
        yield attributes("alternate", address, media_type, channel.language)
    for link in other_languages(channel, own):
        yield attributes("alternate", link.url, link.type, link.language, link.title)


def other_languages(channel: Channel, own: str) -> tuple[Link, ...]:
    """Return each other language's feed in the format `own`, or in what formats it has."""
    same = tuple(link for link in channel.other_languages if link.type == own)
    served = {link.language for link in same}
    rest = (link for link in channel.other_languages if link.language not in served)
    return (*same, *rest)


def page_link(channel: Channel) -> Attributes:
    """Return the link to the page that the channel is the feed of."""
    return attributes("alternate", channel.site_url, HTML, channel.language)


def entry_link(entry: Entry) -> Attributes:
    """Return the one link to where the entry is read."""
    return attributes("alternate", entry.url, HTML, entry.language)


def translation_links(entry: Entry) -> Iterator[Attributes]:
    """Yield the links to the entry in other languages."""
    for link in entry.translations:
        yield attributes("related", link.url, link.type or HTML, link.language, link.title)


def attributes(
    rel: str,
    href: str,
    media_type: str | None,
    language: str | None = None,
    title: str | None = None,
) -> Attributes:
    """Return the attributes of a link, without those that are unknown."""
    known = {
        "rel": rel,
        "type": media_type,
        "hreflang": language,
        "title": title,
        "href": href,
    }
    return {name: value for name, value in known.items() if value}
