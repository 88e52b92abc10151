"""Putting a page in its place below the web root.

Links that a reader follows, pictures and sounds go without the publication's host, so that pages can
be looked at from any server: a preview, a copy, a new domain. What machines read (canonical,
translations, feeds) keeps the whole address. Knows no article and no issue.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from publisher.config import Settings
from publisher.files import write_if_changed

FOLLOWED = re.compile(r'(<a\b[^>]*?\shref="|<(?:img|audio|video)\b[^>]*?\ssrc=")([^"]*)')


def place(settings: Settings, file: PurePosixPath, page: str) -> bool:
    """Write a page if it is other than the one in place; says if it was."""
    content = without_host(page, settings.publication.url)
    return write_if_changed(settings.folders.public / file, content.encode())


def without_host(page: str, url: str) -> str:
    """Take the publication's host off the links that are followed; `url` is the web root's."""
    path = urlsplit(url).path.rstrip("/")

    def local(found: re.Match[str]) -> str:
        opening, address = found.groups()
        rest = address.removeprefix(url)
        # With two slashes, what follows would be taken for a host.
        ours = rest != address and rest.startswith("/") and not rest.startswith("//")
        return f"{opening}{path}{rest}" if ours else found[0]

    return FOLLOWED.sub(local, page)
