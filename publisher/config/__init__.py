"""publication.toml and the environment -> frozen, typed settings.

Read once, at the edge; everything behind it may trust what it holds. Knows no database and
no template.
"""

from publisher.config.loading import FILE_NAME, load
from publisher.config.newsletters import Edition, Late, Missing, Newsletter
from publisher.config.publication import Delivery, Folders, Publication, Settings, Source

__all__ = [
    "FILE_NAME",
    "Delivery",
    "Edition",
    "Folders",
    "Late",
    "Missing",
    "Newsletter",
    "Publication",
    "Settings",
    "Source",
    "load",
]
