"""JSON Feed 1.1 (jsonfeed.org/version/1.1): a Channel in, UTF-8 bytes out.

An extension object, `_publisher`, has what the format lacks: `translations` of items and feed, the `contributors` of
items, and the `affiliation` of authors. There are no tombstones and no archive documents.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from feeds import links
from feeds.channels import Channel
from feeds.entries import Author, Entry, EntryAttachment, Link

_VERSION = "https://jsonfeed.org/version/1.1"

# Legal in JSON, but line ends for JavaScript before ES2019 and for line-based tools.
_LINE_SEPARATORS = (("\u2028", "\\u2028"), ("\u2029", "\\u2029"))
_quote = json.JSONEncoder(ensure_ascii=False).encode


def render(channel: Channel) -> bytes:
    document = _write(_feed(channel), "")
    for separator, escape in _LINE_SEPARATORS:
        document = document.replace(separator, escape)
    return document.encode() + b"\n"


def _feed(channel: Channel) -> dict[str, Any]:
    translations = links.other_languages(channel, "json")
    # Feed readers add the feed's authors to those of each item.
    is_signed = any(entry.authors for entry in channel.entries)
    known = _known(
        version=_VERSION,
        title=channel.title,
        home_page_url=channel.site_url,
        feed_url=channel.addresses["json"],
        description=channel.description,
        icon=channel.icon,
        favicon=channel.icon,
        authors=[] if is_signed else [_author(channel.author)],
        language=channel.language,
        hubs=[{"type": "WebSub", "url": hub} for hub in channel.hubs],
        _publisher=_known(translations=[_translation(link) for link in translations]),
    )
    return known | {"items": [_item(entry, channel) for entry in channel.entries]}


def _item(entry: Entry, channel: Channel) -> dict[str, Any]:
    # An item needs content_html or content_text, even if it has no content.
    text = None if entry.content_html else entry.summary or entry.title
    inherits = entry.language == channel.language and not channel.mixed
    return _members(entry, "id", "url", "title", "content_html") | _known(
        content_text=text,
        summary=entry.summary,
        image=entry.image.url if entry.image else None,
        date_published=entry.published.isoformat(),
        date_modified=entry.updated.isoformat(),
        authors=[_author(author) for author in entry.authors],
        tags=entry.topics,
        language=None if inherits else entry.language,
        attachments=[_attachment(one) for one in entry.attachments],
        _publisher=_known(
            translations=[_translation(link) for link in entry.translations],
            contributors=[_author(one) for one in entry.contributors],
        ),
    )


def _author(author: Author) -> dict[str, Any]:
    return _members(author, "name", "url") | _known(_publisher=_members(author, "affiliation"))


def _attachment(attachment: EntryAttachment) -> dict[str, Any]:
    return _known(
        url=attachment.url,
        mime_type=attachment.media_type,
        title=attachment.title,
        size_in_bytes=_positive(attachment.length),
        duration_in_seconds=_positive(attachment.duration),
    )


def _positive(number: int | None) -> int | None:
    return number if number and number > 0 else None


def _translation(link: Link) -> dict[str, Any]:
    return _members(link, "url", "language", "title", "type")


def _members(value: Author | Entry | Link, *names: str) -> dict[str, Any]:
    """Return the fields of a value that have the names of members, if they are not empty."""
    return {name: member for name in names if (member := getattr(value, name))}


def _known(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value}


def _write(value: Any, margin: str) -> str:
    """Return a value as JSON, indented by two spaces; `indent` of json.dumps is several times slower."""
    if isinstance(value, str):
        return _quote(value)
    if isinstance(value, Mapping):
        members = [
            f"{_quote(name)}: {_write(one, margin + '  ')}" for name, one in value.items()
        ]
        return _between("{", members, "}", margin)
    if isinstance(value, Sequence):
        return _between("[", [_write(one, margin + "  ") for one in value], "]", margin)
    return _quote(value)


def _between(start: str, parts: Sequence[str], end: str, margin: str) -> str:
    if not parts:
        return start + end
    inner = f"\n{margin}  "
    return f"{start}{inner}{f',{inner}'.join(parts)}\n{margin}{end}"
