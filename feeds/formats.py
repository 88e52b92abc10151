"""The feed formats. A new format is one module with `render(channel) -> bytes` and one line here."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FeedFormat:
    """One feed format.

    `name` is its key in `Channel.addresses`, `title` what people call it, `suffix` the end of its
    file names, `module` the module that renders it.
    """

    name: str
    title: str
    media_type: str
    suffix: str
    module: str


FEED_FORMATS = (
    FeedFormat("rss", "RSS", "application/rss+xml", "rss.xml", "feeds.rss"),
    FeedFormat("atom", "Atom", "application/atom+xml", "atom.xml", "feeds.atom"),
    FeedFormat("json", "JSON Feed", "application/feed+json", "json", "feeds.jsonfeed"),
)
