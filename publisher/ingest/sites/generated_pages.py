"""Patterns of the pages that generators make without a file for each: feeds, lists by tag. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

# What every generator makes, or its usual plugins do.
COMMON_PAGES = tuple(
    "sitemap.xml sitemap_index.xml robots.txt 404.html feed.xml feed index.xml rss.xml atom.xml "  # noqa: SIM905  # one a line would fill the page
    "feed.json index.json search page".split()
)
# Lists of pages by what they have in common.
LISTS = ("tag", "tags", "category", "categories", "author", "authors", "archive", "archives")
# Plugins of Jekyll that make lists.
_LIST_PLUGINS = re.compile("archive|paginate|tag|categor")


def jekyll_pages(config: Mapping[str, Any], *, has_own_plugins: bool) -> Iterator[str]:
    """Yield the patterns of Jekyll; `**` without a configuration: a folder of posts alone."""
    yield from COMMON_PAGES if config else ("**",)
    yield str(config.get("paginate_path") or "/page:num").replace(":num", "*")
    plugins = config.get("plugins") or config.get("gems") or ""
    if has_own_plugins or _LIST_PLUGINS.search(str(plugins)):
        yield from LISTS
