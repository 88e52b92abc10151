"""The adapter of feedgen 1.0.0, and its only importer: a Channel in, an element tree out.

feedgen is asked only for what it does well. What it cannot say, or says wrongly, the
format's own module puts right in the tree:

- links keep only their href in Atom entries, and RSS takes its link from the last one given,
  so it is given one link for the channel and one for each entry;
- moments default to the time of the build, so each one is given;
- entries come out in reverse, unless they are appended;
- names without an e-mail address are lost in RSS, so RSS is given none;
- CDATA makes Atom invalid and XHTML needs perfect markup, so content is escaped HTML;
- dates in RSS switch the locale of the whole process, so RSS is given none.

It does not know what else a format demands; see `atom` and `rss`.
"""

from __future__ import annotations

import html
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from feeds import xmltree

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

    from feeds.model import Channel, Entry

NAME = "newsletter-publisher"
RSS_SPECIFICATION = "https://www.rssboard.org/rss-specification"
# RSS knows pictures of these kinds only.
PICTURES = (".gif", ".jpeg", ".jpg", ".png")


class _Unwritten(datetime):
    """A date that feedgen passes over: it asks whether a date is true before it formats it."""

    def __bool__(self) -> bool:
        return False


_NO_DATE = _Unwritten(1970, 1, 1, tzinfo=UTC)


def atom_tree(channel: Channel) -> Element:
    """Return the channel as feedgen's Atom; its links and languages are yet to be put right."""
    feed = _feed(channel)
    feed.updated(channel.last_updated)
    feed.generator(NAME, version=channel.generator_version or None)
    feed.icon(channel.icon)
    for entry in channel.entries:
        item = _item(feed, entry)
        item.published(entry.published)
        item.updated(entry.updated)
        item.summary(entry.summary or None)
        item.author([_person(author.name, author.url) for author in entry.authors])
    return xmltree.parse(feed.atom_str())


def rss_tree(channel: Channel) -> Element:
    """Return the channel as feedgen's RSS; its dates, names and links are yet to be added."""
    feed = _feed(channel)
    feed.lastBuildDate(_NO_DATE)
    feed.generator(f"{NAME} {channel.generator_version}".strip())
    feed.docs(RSS_SPECIFICATION)
    if channel.icon and channel.icon.lower().endswith(PICTURES):
        feed.image(channel.icon, title=channel.title, link=channel.site_url)
    for entry in channel.entries:
        # RSS reads a description as HTML, so plain text is escaped once for it.
        _item(feed, entry).summary(html.escape(entry.summary, quote=False) or None)
    return xmltree.parse(feed.rss_str())


def _feed(channel: Channel) -> Any:
    from feedgen.feed import FeedGenerator

    feed = FeedGenerator()
    feed.id(channel.id)
    feed.title(channel.title)
    feed.description(channel.description)
    feed.link(href=channel.site_url, rel="alternate")
    feed.language(channel.language)
    feed.author(_person(channel.author_name, None))
    feed.rights(channel.rights)
    return feed


def _item(feed: Any, entry: Entry) -> Any:
    item = feed.add_entry(order="append")
    item.guid(entry.id, permalink=False)
    item.title(entry.title)
    item.link(href=entry.url, rel="alternate")
    item.content(entry.content_html or None, type="html")
    item.category([{"term": topic} for topic in entry.topics])
    return item


def _person(name: str, url: str | None) -> dict[str, str]:
    return {"name": name, "uri": url} if url else {"name": name}
