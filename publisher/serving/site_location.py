"""What configurations of web servers are put together from. Pure; knows no server's words."""

from __future__ import annotations

import re
from textwrap import indent
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from publisher.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from publisher.config import Settings

# What one or the other server reads as more than itself, even within quotes.
_UNSAFE = re.compile(r"""["'`$\\{}\x00-\x1f\x7f]""")


class SiteLocation(NamedTuple):
    """Where a publication is: parts of its URL, and its folder; all safe to write down.

    `prefix` is the URL's path and ends with a slash; `origin` is what goes before it.
    """

    scheme: str
    host: str
    port: int | None
    origin: str
    prefix: str
    root: str


def locate_site(settings: Settings, root: str | None) -> SiteLocation:
    """Say where a publication is, with `public/` on this machine if no root is given.

    Raises UsageError for a path that can't be written down safely.
    """
    url = urlsplit(settings.publication.url)
    prefix = _safe("publication.url", f"{unquote(url.path)}/")
    folder = _safe("--root", (root or str(settings.folders.public)).rstrip("/"))
    origin = f"{url.scheme}://{url.netloc}"
    return SiteLocation(url.scheme, settings.publication.host, url.port, origin, prefix, folder)


def site_title(settings: Settings) -> str:
    """Give the publication's title in its first language, in one line."""
    publication = settings.publication
    return publication.title(publication.default_language)


def config_block(head: str, lines: Iterable[str], step: str = "    ") -> str:
    """Write a block in braces, its lines one step to the right."""
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
            f"{name}: {path!r} has {found[0]!r} in it; web servers can't read that"
        )
    return path
