"""Kinds of sources and transports: the settings of each, and where its code is.

A kind is listed in one line of a dictionary, by its name in publication.toml. Its code is named as
text and imported when it is used, as Django does with backends: configuration is below all
packages that implement kinds, and a publication loads only what it uses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publisher.config.values import ConfigTable


@dataclass(frozen=True, slots=True)
class Kind:
    """The settings table of a kind, and its factory as `package.module:name`, for `pkgutil.resolve_name`."""

    settings: type[ConfigTable]
    factory: str
    # The environment variables that hold its secrets.
    secrets: tuple[str, ...] = ()
