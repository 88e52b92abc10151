"""JSON Feed 1.1 (jsonfeed.org/version/1.1): a Channel in, UTF-8 bytes out.

What the format has no name for is said in extensions, which begin with an underscore:
`_translations` (url, language, title, type) on items and feed, `_affiliation` on authors.
"""

import json
from typing import Any

from feeds import links
from feeds.model import Author, Channel, Entry, Link

VERSION = "https://jsonfeed.org/version/1.1"

# Legal in JSON, but line ends to JavaScript before ES2019 and to line-based tools.
_LINE_SEPARATORS = (("\u2028", "\\u2028"), ("\u2029", "\\u2029"))


def render(channel: Channel) -> bytes:
    """Return the channel as a JSON Feed; equal channels give equal bytes."""
    document = json.dumps(_feed(channel), ensure_ascii=False, indent=2, allow_nan=False)
    for separator, escape in _LINE_SEPARATORS:
        document = document.replace(separator, escape)
    return document.encode() + b"\n"


def _feed(channel: Channel) -> dict[str, Any]:
    translations = links.other_languages(channel, links.JSON)
    known = _known(
        version=VERSION,
        title=channel.title,
        home_page_url=channel.site_url,
        feed_url=channel.json_url,
        description=channel.description,
        icon=channel.icon,
        authors=[{"name": channel.author_name}],
        language=channel.language,
        _translations=[_translation(link) for link in translations],
    )
    return known | {"items": [_item(entry) for entry in channel.entries]}


def _item(entry: Entry) -> dict[str, Any]:
    # One of content_html and content_text has to be there, even when there is no content.
    text = None if entry.content_html else entry.summary or entry.title
    return _known(
        id=entry.id,
        url=entry.url,
        title=entry.title,
        content_html=entry.content_html,
        content_text=text,
        summary=entry.summary,
        image=entry.image.url if entry.image else None,
        date_published=entry.published.isoformat(),
        date_modified=entry.updated.isoformat(),
        authors=[_author(author) for author in entry.authors],
        tags=list(entry.topics),
        language=entry.language,
        _translations=[_translation(link) for link in entry.translations],
    )


def _author(author: Author) -> dict[str, Any]:
    return _known(name=author.name, url=author.url, _affiliation=author.affiliation)


def _translation(link: Link) -> dict[str, Any]:
    return _known(url=link.url, language=link.language, title=link.title, type=link.type)


def _known(**members: Any) -> dict[str, Any]:
    """Return the members that say something, in the order given."""
    return {name: value for name, value in members.items() if value}
