"""Sound, films and pictures: Media RSS on entries, and what podcast directories ask for.

Media RSS (www.rssboard.org/media-rss) tells of a picture and of all attachments that are not
the enclosure. The elements of Apple Podcasts ("A Podcaster's Guide to RSS") are written only
where a directory could list the channel: it carries sound, and says its category and an
owner's address. A part of that is worse than none, for directories refuse it.
Knows nothing of RSS or Atom; the elements are the same in both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from feeds import xmltree
from feeds.xmltree import ITUNES, MEDIA

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

    from feeds.channels import Channel, PodcastShow
    from feeds.entries import Entry, EntryAttachment, Image

# Apple takes no longer names.
_MAX_NAME = 255


def add_media(element: Element, entry: Entry) -> None:
    """Append the picture that stands for an entry, and what is attached beside the enclosure."""
    if entry.image:
        xmltree.add_element(element, f"{MEDIA}thumbnail", _thumbnail(entry.image))
    if entry.attachments:
        enclosure = entry.enclosure
        for attachment in entry.attachments:
            if attachment is not enclosure:
                _add_content(element, attachment)


def podcast_of(channel: Channel) -> PodcastShow | None:
    """Return what directories want to know of a channel, if they could list it as a podcast."""
    podcast = channel.podcast
    if podcast is None or not (_categories(podcast) and podcast.owner_email):
        return None
    return podcast if any(episode(entry) for entry in channel.entries) else None


def episode(entry: Entry) -> EntryAttachment | None:
    """Return what is played: the enclosure if it can be, or else the first sound or film.

    A film counts only if its length is known; without, it is no enclosure.
    """
    playable = [
        one
        for one in entry.attachments
        if one.medium == "audio" or (one.medium == "video" and (one.length or 0) > 0)
    ]
    return next((one for one in playable if one is entry.enclosure), next(iter(playable), None))


def add_show(element: Element, channel: Channel, podcast: PodcastShow) -> None:
    """Append what directories want to know of a channel."""
    author = channel.author.name[:_MAX_NAME]
    xmltree.add_text(element, f"{ITUNES}author", author)
    parent = element
    for name in _categories(podcast):
        parent = xmltree.add_element(parent, f"{ITUNES}category", {"text": name})
    xmltree.add_text(element, f"{ITUNES}explicit", str(podcast.explicit).lower())
    if podcast.image:
        xmltree.add_element(element, f"{ITUNES}image", {"href": podcast.image})
    owner = xmltree.add_element(element, f"{ITUNES}owner", {})
    xmltree.add_text(owner, f"{ITUNES}name", podcast.owner_name or author)
    xmltree.add_text(owner, f"{ITUNES}email", podcast.owner_email or "")
    xmltree.add_text(element, f"{ITUNES}type", "episodic")


def add_episode(element: Element, entry: Entry, podcast: PodcastShow) -> None:
    """Append what players want to know of an entry with sound; nothing to others."""
    played = episode(entry)
    if played is None:
        return
    if entry.authors:
        names = ", ".join(author.name for author in entry.authors)
        xmltree.add_text(element, f"{ITUNES}author", names[:_MAX_NAME])
    if played.duration and played.duration > 0:
        xmltree.add_text(element, f"{ITUNES}duration", str(played.duration))
    xmltree.add_text(element, f"{ITUNES}explicit", str(podcast.explicit).lower())


def _categories(podcast: PodcastShow) -> list[str]:
    """Return a podcast's category, and the one within it, which stands behind the first `>`."""
    names = (podcast.category or "").split(">", 1)
    return [text for name in names if (text := name.strip(" >"))]


def _thumbnail(image: Image) -> dict[str, str]:
    return {"url": image.url} | _numbers(width=image.width, height=image.height)


def _add_content(element: Element, attachment: EntryAttachment) -> None:
    attributes = {
        "url": attachment.url,
        "type": attachment.media_type,
        "medium": attachment.medium,
        **_numbers(fileSize=attachment.length, duration=attachment.duration),
    }
    content = xmltree.add_element(element, f"{MEDIA}content", attributes)
    if attachment.title:
        xmltree.mark_as_html(xmltree.add_text(content, f"{MEDIA}title", attachment.title))


def _numbers(**numbers: int | None) -> dict[str, str]:
    """Return those numbers that say something."""
    return {name: str(number) for name, number in numbers.items() if number and number > 0}
