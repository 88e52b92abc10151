"""publication.toml and the environment -> frozen, typed settings.

Read once, at the edge; everything behind it may trust what it holds. Knows no database and
no template.
"""

from publisher.config.loading import FILE_NAME, load
from publisher.config.newsletters import Edition, Late, Missing, Newsletter
from publisher.config.publication import (
    Delivery,
    Feeds,
    Folders,
    Podcast,
    Publication,
    Settings,
    Source,
)

__all__ = [
    "FILE_NAME",
    "Delivery",
    "Edition",
    "Feeds",
    "Folders",
    "Late",
    "Missing",
    "Newsletter",
    "Podcast",
    "Publication",
    "Settings",
    "Source",
    "load",
]
