"""A site as a source uses it: the generator's rules, and what `include` and `exclude` change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import structlog

from publisher.articles.model import ParsedArticle
from publisher.ingest.parsers import SiteValues
from publisher.ingest.parsers.front_matter import YamlValue
from publisher.ingest.sites.base import LeftOut, LeftOutReason, PageKind, Site, SitePage
from publisher.ingest.sites.patterns import PathPatterns

# Files about a repository, by their names without endings.
_ABOUT_REPOSITORY = frozenset(
    "readme license licence copying notice changelog changes contributing contributors "  # noqa: SIM905  # one a line would fill the page
    "code_of_conduct code-of-conduct security governance maintainers authors".split()
)

log = structlog.get_logger()


@cache
def _readable(url: str) -> str:
    """Return a site's address, or nothing for one that can't be read, as `https://[name].example`."""
    try:
        urlsplit(url).port  # noqa: B018  # it is read here only
    except ValueError as error:
        log.warning(
            "the site's address in its configuration is no address, so links to it and old addresses are "
            "not recognised; correct it there, or set `url` of the source",
            url=url,
            reason=str(error),
        )
        return ""
    return url


class SelectedSite:
    """A site of which `include` names the articles, if it is given, and `exclude` what is none."""

    def __init__(self, site: Site, include: PathPatterns, exclude: PathPatterns) -> None:
        self._site = site
        self._include = include
        self._exclude = exclude
        self.generator = site.generator
        self.title = site.title
        self.language = site.language
        self.timezone = site.timezone
        self.url = _readable(site.url)
        self.static = site.static
        self.generated = site.generated

    def looks_into(self, folder: PurePosixPath) -> bool:
        """Return whether a folder may have articles, pictures or attachments."""
        return self._site.looks_into(folder)

    def classify(self, path: PurePosixPath) -> SitePage | LeftOut:
        """Return what a file is, by its name."""
        if self._exclude.match(path) or (self._include and not self._include.match(path)):
            return LeftOut(LeftOutReason.EXCLUDED, _section(path))
        if not self._include and _is_about_repository(path):
            return LeftOut(LeftOutReason.README)
        page = self._site.classify(path)
        if isinstance(page, SitePage) and self._include:
            return replace(page, kind=PageKind.POST)
        if isinstance(page, SitePage) and page.kind is PageKind.PAGE:
            return LeftOut(LeftOutReason.PAGE, page.group)
        return page

    def describe(self, page: SitePage, fields: Mapping[str, YamlValue]) -> ParsedArticle:
        """Return the article without a body that front matter describes."""
        return self._site.describe(page, fields)

    def values(self, page: SitePage) -> SiteValues:
        """Return what templates in a document may show of the site."""
        return self._site.values(page)


def _section(path: PurePosixPath) -> str:
    return path.parts[0] if len(path.parts) > 1 else ""


def _is_about_repository(path: PurePosixPath) -> bool:
    """Return whether a file is about a repository: README.md anywhere, LICENSE.txt at the top."""
    name = path.stem.lower()
    return name.split(".")[0] == "readme" or (
        len(path.parts) == 1 and path.stem.isupper() and name in _ABOUT_REPOSITORY
    )
