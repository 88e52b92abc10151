"""Media RSS and the podcast elements of Apple.

Media RSS (www.rssboard.org/media-rss) describes the main image and all attachments except the
enclosure. Apple's elements ("A Podcaster's Guide to RSS") are written only if a directory can
list the channel: it has audio or video, and states its category and an owner's address.
Directories refuse incomplete ones. RSS and Atom use the same elements.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from feeds import xml_builder
from feeds.xml_builder import ITUNES, MEDIA

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

    from feeds.channels import Channel, PodcastShow
    from feeds.entries import Entry, EntryAttachment, Image

# Characters; the longest name that Apple accepts.
_MAX_NAME = 255


def add_media(element: Element, entry: Entry) -> None:
    """Append the main image of an entry, and its attachments except the enclosure."""
    if entry.image:
        xml_builder.add_element(element, f"{MEDIA}thumbnail", _thumbnail(entry.image))
    if entry.attachments:
        enclosure = entry.enclosure
        for attachment in entry.attachments:
            if attachment is not enclosure:
                _add_content(element, attachment)


def show_of(channel: Channel) -> PodcastShow | None:
    """Return the podcast data of a channel if directories can list it as a podcast, else None."""
    podcast = channel.podcast
    if podcast is None or not (_categories(podcast) and podcast.owner_email):
        return None
    return podcast if any(episode(entry) for entry in channel.entries) else None


def episode(entry: Entry) -> EntryAttachment | None:
    """Return the file to play: the enclosure if it is audio or video, else the first such file.

    Video counts only if its length is known.
    """
    playable = [
        one
        for one in entry.attachments
        if one.medium == "audio" or (one.medium == "video" and (one.length or 0) > 0)
    ]
    return next((one for one in playable if one is entry.enclosure), next(iter(playable), None))


def add_show(element: Element, channel: Channel, show: PodcastShow) -> None:
    """Append the podcast elements of a channel."""
    author = channel.author.name[:_MAX_NAME]
    xml_builder.add_text(element, f"{ITUNES}author", author)
    parent = element
    for name in _categories(show):
        parent = xml_builder.add_element(parent, f"{ITUNES}category", {"text": name})
    xml_builder.add_text(element, f"{ITUNES}explicit", str(show.explicit).lower())
    if show.image:
        xml_builder.add_element(element, f"{ITUNES}image", {"href": show.image})
    owner = xml_builder.add_element(element, f"{ITUNES}owner", {})
    xml_builder.add_text(owner, f"{ITUNES}name", show.owner_name or author)
    xml_builder.add_text(owner, f"{ITUNES}email", show.owner_email or "")
    xml_builder.add_text(element, f"{ITUNES}type", "episodic")


def add_episode(element: Element, entry: Entry, show: PodcastShow) -> None:
    """Append the podcast elements of an entry if it has something to play."""
    played = episode(entry)
    if played is None:
        return
    if entry.authors:
        names = ", ".join(author.name for author in entry.authors)
        xml_builder.add_text(element, f"{ITUNES}author", names[:_MAX_NAME])
    if played.duration and played.duration > 0:
        xml_builder.add_text(element, f"{ITUNES}duration", str(played.duration))
    xml_builder.add_text(element, f"{ITUNES}explicit", str(show.explicit).lower())


def _categories(show: PodcastShow) -> list[str]:
    """Return the category, and the subcategory after the first `>` if there is one."""
    names = (show.category or "").split(">", 1)
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
    content = xml_builder.add_element(element, f"{MEDIA}content", attributes)
    if attachment.title:
        xml_builder.mark_as_html(
            xml_builder.add_text(content, f"{MEDIA}title", attachment.title)
        )


def _numbers(**numbers: int | None) -> dict[str, str]:
    """Return the numbers that are known, as attributes."""
    return {name: str(number) for name, number in numbers.items() if number and number > 0}
