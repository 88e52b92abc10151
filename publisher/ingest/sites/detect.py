"""Find out by which generator a folder is a site, and open it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from publisher.ingest.sites.base import Site
from publisher.ingest.sites.configuration import ConfigurationFiles
from publisher.ingest.sites.patterns import PathPatterns
from publisher.ingest.sites.plain import PlainSite
from publisher.ingest.sites.selection import SelectedSite


@dataclass(frozen=True, slots=True)
class SiteOptions:
    """What a publication says of a site: the generator, or `auto`; and what it overrides.

    `language` is the one of documents that state none; `languages` are the publication's.
    """

    site: str = "auto"
    static: Sequence[str] = ()
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    url: str = ""
    language: str = "en"
    languages: Sequence[str] = ()


# Opens a site from its configuration.
_SITES: dict[str, Callable[[ConfigurationFiles, SiteOptions], Site]] = {
    "plain": lambda _files, options: PlainSite(options.url, static_folders(options.static)),
}


def open_site(files: ConfigurationFiles, options: SiteOptions) -> SelectedSite:
    """Return the site in a folder. Raises SourceError if its configuration can't be read."""
    generator = options.site if options.site != "auto" else detect_generator(files)
    site = _SITES[generator](files, options)
    return SelectedSite(site, PathPatterns(options.include), PathPatterns(options.exclude))


def detect_generator(files: ConfigurationFiles) -> str:  # noqa: ARG001  # until there are more
    """Return the name of a folder's generator by the files that are there, else `plain`."""
    return "plain"


def static_folders(names: Sequence[str]) -> tuple[PurePosixPath, ...]:
    """Return folders whose files stand at the root of a site."""
    return tuple(PurePosixPath(name) for name in names)
