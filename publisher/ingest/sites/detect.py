"""Find out by which generator a folder is a site, and open it as its source uses it.

What `include` and `exclude` say changes the generator's choice of documents. In a folder without a generator
every document whose name is not hidden is an article; its language and its story follow from front matter and path
(`publisher.ingest.pickup.story_keys`).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, cached_property
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import structlog

from publisher.articles.model import ParsedArticle
from publisher.ingest.parsers import SiteValues
from publisher.ingest.parsers.front_matter import YamlValue
from publisher.ingest.parsers.metadata import read_metadata
from publisher.ingest.sites import common_front_matter, eleventy, vitepress
from publisher.ingest.sites.base import (
    LeftOut,
    LeftOutReason,
    PageKind,
    Site,
    SiteOptions,
    SitePage,
    is_language_code,
    tag_of,
)
from publisher.ingest.sites.configuration import ConfigurationFiles
from publisher.ingest.sites.docusaurus import DocusaurusSite
from publisher.ingest.sites.eleventy import EleventySite
from publisher.ingest.sites.hugo import HugoSite
from publisher.ingest.sites.jekyll import JekyllSite
from publisher.ingest.sites.permalinks import PathPatterns
from publisher.ingest.sites.vitepress import VitepressSite

# Files about a repository, or for programs that work in it, by their names without endings.
_ABOUT_REPOSITORY = frozenset(
    "LICENSE LICENCE COPYING NOTICE CHANGELOG CHANGES CONTRIBUTORS CODE-OF-CONDUCT SECURITY GOVERNANCE "  # noqa: SIM905  # one a line would fill the page
    "MAINTAINERS AUTHORS OWNERS CODEOWNERS SUPPORT COPILOT SKILL PULL_REQUEST_TEMPLATE ISSUE_TEMPLATE".split()
)

# Those that no post is called, in whatever letters.
_NEVER_POSTS = frozenset(
    {"agents", "claude", "gemini", "copilot-instructions", "contributing", "code_of_conduct"}
)
# A name that is a post's in every generator.
_A_POST = "2026-01-01-x.md"

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
    """A site of which `include` names the articles, if it is given, and `exclude` what is none.

    The source's language counts before the one that the site's configuration declares.
    """

    def __init__(self, site: Site, options: SiteOptions) -> None:
        self._site = site
        self._options = options
        self._include = PathPatterns(options.include)
        self._exclude = PathPatterns(options.exclude)
        self.generator = site.generator
        self.title = site.title
        self.language = site.language
        self.declared = site.declared
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
        if self._is_about_repository(path):
            return LeftOut(LeftOutReason.README, path.name)
        page = self._site.classify(path)
        if isinstance(page, LeftOut):
            return page
        if self._include:
            page = replace(page, kind=PageKind.POST)
        elif page.kind is PageKind.PAGE:
            return LeftOut(LeftOutReason.PAGE, page.group)
        stated = self._options.source_language
        return replace(page, language=stated) if stated and self._may_state(page) else page

    def _may_state(self, page: SitePage) -> bool:
        """Return whether the source's language is that of a page whose front matter states none.

        It is not, if the name of the file says another one, or the folder in which it is; but where all
        that `include` names is in one language, the source is of that language alone.
        """
        folders = () if self._include else page.path.parts[:-1]
        codes = filter(is_language_code, (*folders, page.path.stem.rpartition(".")[2]))
        if page.language in map(tag_of, codes):
            return False
        if languages := self._languages_of_include:
            return {page.language} == languages
        return page.language in {None, self.language}

    @cached_property
    def _languages_of_include(self) -> set[str]:
        """The languages of documents where `include` says that articles are; none if it names no folder."""
        names = (PurePosixPath(one.strip("/"), _A_POST) for one in self._options.include)
        pages = map(self._site.classify, names)
        return {one.language for one in pages if isinstance(one, SitePage) and one.language}

    def _is_about_repository(self, path: PurePosixPath) -> bool:
        """Return whether a file is about a repository, in any folder: README.md, AGENTS.fr.md, LICENSE.txt.

        `include` takes a README with its folder, and the others if it names them.
        """
        name = path.name.partition(".")[0]
        if name.lower() == "readme":
            return not self._include
        named = {PurePosixPath(one).name for one in self._options.include}
        is_about = name in _ABOUT_REPOSITORY or name.lower() in _NEVER_POSTS
        return is_about and path.name not in named

    def describe(self, page: SitePage, fields: Mapping[str, YamlValue]) -> ParsedArticle:
        """Return the article without a body that front matter describes."""
        return self._site.describe(page, fields)

    def values(self, page: SitePage) -> SiteValues:
        """Return what templates in a document may show of the site."""
        return self._site.values(page)


def _section(path: PurePosixPath) -> str:
    return path.parts[0] if len(path.parts) > 1 else ""


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
        return replace(
            read_metadata(fields), aliases=common_front_matter.stated_aliases(fields)
        )

    def values(self, page: SitePage) -> SiteValues:  # noqa: ARG002  # of Site
        """Return nothing."""
        return SiteValues()


def is_editor_file(name: str) -> bool:
    """Return whether a name begins with a dot or an underscore, or ends with ~: editors use them."""
    return name.startswith((".", "_")) or name.endswith("~")


# Opens a site from its configuration.
_SITES: dict[str, Callable[[ConfigurationFiles, SiteOptions], Site]] = {
    "plain": lambda _files, options: PlainSite(options),
    "jekyll": JekyllSite,
    "hugo": HugoSite,
    "docusaurus": DocusaurusSite,
    "eleventy": EleventySite,
    "vitepress": VitepressSite,
}
# The files by which a generator is recognised; the first generator that has one counts.
_MARKS = {
    "docusaurus": tuple(f"docusaurus.config.{one}" for one in ("js", "ts", "mjs", "cjs")),
    "vitepress": tuple(f"{one}/.vitepress" for one in vitepress.VITEPRESS_FOLDERS),
    "eleventy": eleventy.ELEVENTY_FILES,
    "hugo": (
        *(f"hugo.{one}" for one in ("toml", "yaml", "yml", "json")),
        *(f"config/_default/{name}" for name in ("hugo.toml", "hugo.yaml", "config.toml")),
        *(f"config/_default/{name}" for name in ("config.yaml", "hugo.yml", "config.yml")),
        "archetypes/default.md",
    ),
    "jekyll": ("_config.yml", "_config.yaml", "_posts"),
}
# These names are Hugo's only beside a folder `content`.
_SHARED_MARKS = ("config.toml", "config.yaml", "config.yml", "config.json", "config/_default")


def open_site(files: ConfigurationFiles, options: SiteOptions) -> SelectedSite:
    """Return the site in a folder. Raises SourceError if its configuration can't be read."""
    generator = options.site if options.site != "auto" else detect_generator(files)
    site = _SITES[generator](files, options)
    return SelectedSite(site, options)


def detect_generator(files: ConfigurationFiles) -> str:
    """Return the name of a folder's generator by the files that are there, else `plain`."""
    for generator, marks in _MARKS.items():
        if any(files.exists(mark) for mark in marks):
            return generator
    if files.exists("content") and any(files.exists(mark) for mark in _SHARED_MARKS):
        return "hugo"
    return "plain"
