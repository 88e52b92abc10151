"""Find out by which generator a folder is a site, and open it."""

from __future__ import annotations

from collections.abc import Callable

from publisher.ingest.sites import eleventy, vitepress
from publisher.ingest.sites.base import Site
from publisher.ingest.sites.configuration import ConfigurationFiles
from publisher.ingest.sites.docusaurus import DocusaurusSite
from publisher.ingest.sites.eleventy import EleventySite
from publisher.ingest.sites.hugo import HugoSite
from publisher.ingest.sites.jekyll import JekyllSite
from publisher.ingest.sites.options import SiteOptions
from publisher.ingest.sites.plain import PlainSite
from publisher.ingest.sites.selection import SelectedSite
from publisher.ingest.sites.vitepress import VitepressSite

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
