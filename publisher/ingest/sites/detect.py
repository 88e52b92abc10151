"""Find out by which generator a folder is a site, and open it as its source uses it.

In a folder without a generator every document whose name is not hidden is an article; its language and its story
follow from front matter and path (`publisher.ingest.pickup.story_keys`).
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from publisher.articles.model import ParsedArticle
from publisher.ingest.parsers.document import SiteValues
from publisher.ingest.parsers.front_matter import YamlValue
from publisher.ingest.parsers.metadata import read_metadata
from publisher.ingest.sites import common_front_matter, script_sites
from publisher.ingest.sites.base import Site, SiteOptions, SitePage
from publisher.ingest.sites.configuration import ConfigurationFiles
from publisher.ingest.sites.docusaurus import CONFIG_FILES, DocusaurusSite
from publisher.ingest.sites.hugo import HugoSite
from publisher.ingest.sites.jekyll import JekyllSite


class PlainSite(Site):
    """Documents below a folder."""

    generator = "plain"
    hidden = (".", "_")

    def looks_into(self, folder: PurePosixPath) -> bool:
        return not is_editor_file(folder.name)

    def page_at(self, path: PurePosixPath) -> SitePage:
        return SitePage(path)

    def describe(self, page: SitePage, fields: Mapping[str, YamlValue]) -> ParsedArticle:  # noqa: ARG002  # of Site
        return replace(
            read_metadata(fields),
            aliases=common_front_matter.stated_aliases(fields),
            is_archive=common_front_matter.is_set(fields, "archive"),
        )

    def values(self, page: SitePage) -> SiteValues:  # noqa: ARG002  # of Site
        return SiteValues()


def is_editor_file(name: str) -> bool:
    """Return whether a name begins with a dot or an underscore, or ends with ~: editors use them."""
    return name.startswith((".", "_")) or name.endswith("~")


# Opens a site from its configuration.
_SITES: dict[str, type[Site]] = {
    kind.generator: kind
    for kind in (
        *(PlainSite, JekyllSite, HugoSite, DocusaurusSite),
        *(script_sites.EleventySite, script_sites.VitepressSite),
    )
}
# The files by which a generator is recognised; the first generator that has one counts.
_MARKS = {
    "docusaurus": CONFIG_FILES,
    "vitepress": tuple(f"{entry}/.vitepress" for entry in script_sites.VITEPRESS_FOLDERS),
    "eleventy": script_sites.ELEVENTY_FILES,
    "hugo": (
        *(f"hugo.{entry}" for entry in ("toml", "yaml", "yml", "json")),
        *(f"config/_default/{name}" for name in ("hugo.toml", "hugo.yaml", "config.toml")),
        *(f"config/_default/{name}" for name in ("config.yaml", "hugo.yml", "config.yml")),
        "archetypes/default.md",
    ),
    "jekyll": ("_config.yml", "_config.yaml", "_posts"),
}
# These names are Hugo's only beside a folder `content`.
_SHARED_MARKS = ("config.toml", "config.yaml", "config.yml", "config.json", "config/_default")


# Generators whose sources are not read, by the files that they have.
_UNREAD = {
    "Astro": tuple(f"astro.config.{ending}" for ending in ("mjs", "ts", "js", "mts")),
    "Gatsby": ("gatsby-config.js", "gatsby-config.ts"),
    "Hexo": ("scaffolds/post.md",),
    "MkDocs": ("mkdocs.yml",),
    "Next.js": tuple(f"next.config.{ending}" for ending in ("js", "mjs", "ts")),
    "Nuxt": ("nuxt.config.ts", "nuxt.config.js"),
    "Pelican": ("pelicanconf.py",),
    "VuePress": (".vuepress", "docs/.vuepress", "src/.vuepress"),
}


def unread_generator(files: ConfigurationFiles) -> str:
    """Return the generator whose site a folder is, if its sources are not read; empty for others."""
    if (
        files.exists("config.toml")
        and files.exists("templates")
        and not files.exists("layouts")
    ):
        return "Zola" if files.exists("content") else ""
    return next((name for name, marks in _UNREAD.items() if any(map(files.exists, marks))), "")


def open_site(files: ConfigurationFiles, options: SiteOptions) -> Site:
    """Return the site in a folder. Raises SourceError if its configuration can't be read."""
    stated = options.source.site
    generator = stated if stated != "auto" else detect_generator(files)
    return _SITES[generator](files, options)


def detect_generator(files: ConfigurationFiles) -> str:
    """Return the name of a folder's generator by the files that are there, else `plain`."""
    for generator, marks in _MARKS.items():
        if any(files.exists(mark) for mark in marks):
            return generator
    if files.exists("content") and any(files.exists(mark) for mark in _SHARED_MARKS):
        return "hugo"
    return "plain"
