"""Where a publication's site is, and the blocks that configurations of web servers are made of."""

from __future__ import annotations

import re
from textwrap import indent
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from publisher.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from publisher.config import Settings

# Characters with a meaning to nginx or Caddy, even within quotes.
_UNSAFE = re.compile(r"""["'`$\\{}\x00-\x1f\x7f]""")


class SiteLocation(NamedTuple):
    """A publication's URL in parts, and its folder on the server, all safe in a configuration.

    `prefix` is the URL's path and ends with a slash; `origin` is the URL up to its path.
    """

    scheme: str
    host: str
    port: int | None
    origin: str
    prefix: str
    root: str


def locate_site(settings: Settings, root: str | None) -> SiteLocation:
    """Return the site's location; without a `root`, its folder is `public/` on this machine.

    Raises UsageError for a path that no configuration can hold.
    """
    url = urlsplit(settings.publication.url)
    prefix = _safe("publication.url", f"{unquote(url.path)}/")
    folder = _safe("--root", (root or str(settings.folders.public)).rstrip("/"))
    origin = f"{url.scheme}://{url.netloc}"
    return SiteLocation(url.scheme, settings.publication.host, url.port, origin, prefix, folder)


def site_title(settings: Settings) -> str:
    """Return the publication's title in its first language."""
    publication = settings.publication
    return publication.title(publication.default_language)


def config_block(head: str, lines: Iterable[str], step: str = "    ") -> str:
    """Return a block in braces, with its lines indented by one step."""
    inner = "\n".join(line.rstrip() for line in lines)
    return f"{head} {{\n{indent(inner, step)}\n}}"


def _safe(name: str, path: str) -> str:
    if not path.startswith("/"):
        raise UsageError(
            f"{name}: {path!r} is not an absolute path; write one like /srv/publication/public"
        )
    found = _UNSAFE.search(path)
    if found:
        raise UsageError(
            f"{name}: {path!r} contains {found[0]!r}, which web servers misread; choose a path without it"
        )
    return path
