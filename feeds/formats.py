"""The feed formats. A new one is a module with `render(channel) -> bytes` and one line here."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FeedFormat:
    """One feed format: its key in `Channel.addresses`, title, suffix of files, module; browsers show `styled` ones with a style sheet."""

    name: str
    title: str
    media_type: str
    suffix: str
    module: str
    styled: bool = False


# The most widely supported one first. Nothing is derived from the list at import, so that a format
# can be added before the first feed is written.
FEED_FORMATS = [
    FeedFormat(
        "rss", "RSS", "application/rss+xml", "rss.xml", "feeds.renderers.rss", styled=True
    ),
    FeedFormat(
        "atom", "Atom", "application/atom+xml", "atom.xml", "feeds.renderers.atom", styled=True
    ),
    FeedFormat(
        "json", "JSON Feed", "application/feed+json", "json", "feeds.renderers.jsonfeed"
    ),
]

ARCHIVE_FORMAT = "atom"  # the name of the only format of archive documents (RFC 5005 section 4)


def format_named(name: str) -> FeedFormat:
    for one in FEED_FORMATS:
        if one.name == name:
            return one
    raise KeyError(name)
