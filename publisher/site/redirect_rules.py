"""Redirects of old addresses as nginx and Caddy read them, for their configurations to include. Pure.

nginx gets exact locations: they are found at once, however many there are, and need none of the
settings for hash tables that a `map` with long paths needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

# Below the web root, so that they are copied with the pages. No name with a dot before it is served.
NGINX_RULES = ".redirects/nginx.conf"
CADDY_RULES = ".redirects/Caddyfile"
# Characters with a meaning to nginx or Caddy, even within quotes.
_UNSAFE = re.compile(r"""["'`$\\{}*\s\x00-\x1f\x7f]""")


def nginx_rules(moved: Iterable[tuple[str, str]]) -> str:
    """Return a location for each old path, with the address that it leads to."""
    lines = [f'location = "{path}" {{ return 301 "{url}"; }}' for path, url in _spelled(moved)]
    return "\n".join(["# Old addresses of articles, written by publisher.", *lines, ""])


def caddy_rules(moved: Iterable[tuple[str, str]]) -> str:
    """Return a map of all old paths, and the redirect by it."""
    lines = []
    for path, url in _spelled(moved):
        # Caddy's variable for the path has it as it was sent.
        lines += [f"\t`{one}` `{url}`" for one in dict.fromkeys((path, quote(path)))]
    return "\n".join(
        [
            "# Old addresses of articles, written by publisher.",
            "map {path} {moved} {",
            *lines,
            '\tdefault ""',
            "}",
            '@moved not vars {moved} ""',
            "redir @moved {moved} 301",
            "",
        ]
    )


def _spelled(moved: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield safe paths with and without the slash at the end, each once."""
    seen = set()
    for path, url in moved:
        bare = path.rstrip("/")
        is_file = bare.lower().endswith((".html", ".htm"))
        for spelling in (bare,) if is_file else (bare, f"{bare}/"):
            if spelling not in seen and not _UNSAFE.search(spelling + url):
                seen.add(spelling)
                yield spelling, url
