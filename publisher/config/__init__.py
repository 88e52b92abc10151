"""publication.toml and the environment -> frozen, typed settings.

Read once, at the edge; everything behind it may trust what it holds. Knows no database and
no template.
"""

from publisher.config.delivery import Delivery
from publisher.config.loading import FILE_NAME, load
from publisher.config.newsletters import Edition, InDoubt, Late, Missing, Newsletter
from publisher.config.publication import (
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
    "InDoubt",
    "Late",
    "Missing",
    "Newsletter",
    "Podcast",
    "Publication",
    "Settings",
    "Source",
    "load",
]
