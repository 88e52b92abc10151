"""A folder without a generator: every document whose name is not hidden is an article.

Its language and its story follow from front matter and path (`publisher.ingest.story_keys`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from publisher.articles.model import ParsedArticle
from publisher.ingest.parsers import SiteValues
from publisher.ingest.parsers.front_matter import YamlValue
from publisher.ingest.parsers.metadata import read_metadata
from publisher.ingest.sites import describing
from publisher.ingest.sites.base import LeftOut, LeftOutReason, SitePage
from publisher.ingest.sites.options import SiteOptions


class PlainSite:
    """Documents below a folder."""

    generator = "plain"
    title = ""
    declared = ()
    timezone = ""
    # The folder has the articles alone.
    generated = ("**",)

    def __init__(self, options: SiteOptions | None = None) -> None:
        chosen = options or SiteOptions()
        self.language = chosen.language
        self.url = chosen.url
        self.static = chosen.static_folders

    def looks_into(self, folder: PurePosixPath) -> bool:
        """Return whether a folder's name is not hidden."""
        return not is_editor_file(folder.name)

    def classify(self, path: PurePosixPath) -> SitePage | LeftOut:
        """Return a page, unless its name is hidden."""
        if is_editor_file(path.name):
            return LeftOut(LeftOutReason.HIDDEN, path.name[0] if path.name[0] in "._" else "~")
        return SitePage(path)

    def describe(self, page: SitePage, fields: Mapping[str, YamlValue]) -> ParsedArticle:  # noqa: ARG002  # of Site
        """Return what the front matter says."""
        return replace(read_metadata(fields), aliases=describing.stated_aliases(fields))

    def values(self, page: SitePage) -> SiteValues:  # noqa: ARG002  # of Site
        """Return nothing."""
        return SiteValues()


def is_editor_file(name: str) -> bool:
    """Return whether a name begins with a dot or an underscore, or ends with ~: editors use them."""
    return name.startswith((".", "_")) or name.endswith("~")
