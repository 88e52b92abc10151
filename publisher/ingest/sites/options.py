"""What a publication says of a site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True, slots=True)
class SiteOptions:
    """The generator, or `auto`; and what overrides the site's own configuration.

    `language` is the one of documents that state none, and `source_language` the same if the source states
    it; `languages` are the publication's.
    """

    site: str = "auto"
    static: Sequence[str] = ()
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    url: str = ""
    language: str = "en"
    source_language: str = ""
    languages: Sequence[str] = ()

    @property
    def static_folders(self) -> tuple[PurePosixPath, ...]:
        """The folders whose files stand at the root of the site."""
        return tuple(PurePosixPath(name) for name in self.static)
