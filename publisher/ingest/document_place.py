"""Where a document stands, so that its links to other documents can be followed. Pure."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote, urljoin, urlsplit

from publisher.articles.content.internal_links import LinkTarget


@dataclass(frozen=True, slots=True)
class DocumentPlace:
    """A document's path below the source folder, and its page on the site, as far as known.

    `permalink` is a path below `site_url`, the address of the site without a slash at its end.
    """

    path: PurePosixPath
    permalink: str | None = None
    site_url: str = ""

    @property
    def page(self) -> str:
        """The path of the document's page on its host."""
        if self.permalink:
            return site_path(self.permalink, self.site_url)
        return f"/{self.path.with_suffix('')}"

    @property
    def base_path(self) -> str:
        """The path of the site on its host, without a slash at the end."""
        return urlsplit(self.site_url).path.rstrip("/")

    def path_inside(self, href: str) -> str | None:
        """Return the path of an address of the site, None for others."""
        return urlsplit(href).path if is_below(href, self.site_url) else None

    def target(self, href: str) -> LinkTarget | None:
        """Return what a link of the document means on its own site, None for other links."""
        try:
            parts = urlsplit(href)
        except ValueError:
            return None
        query = f"?{parts.query}" if parts.query else ""
        if parts.scheme or parts.netloc:
            inside = is_below(href, self.site_url)
            return LinkTarget("", (parts.path or "/") + query) if inside else None
        # Browsers leave some control characters out, and read what is left as another address.
        if not parts.path or any(one < " " for one in unquote(href)):
            return None
        written = unquote(parts.path)
        place = written if written.startswith("/") else f"{self.path.parent}/{written}"
        file = posixpath.normpath(place.lstrip("/"))
        address = urljoin(self.page, parts.path) + query
        return LinkTarget("" if file.startswith("..") or file == "." else file, address)


def site_path(permalink: str, site_url: str) -> str:
    """Return the path on its host of a page that stands at a path below the site's address."""
    return f"{urlsplit(site_url).path.rstrip('/')}/{permalink.lstrip('/')}"


def is_below(href: str, site_url: str) -> bool:
    """Return whether an address is of the site; its scheme, and `www`, may differ."""
    if not site_url:
        return False
    there, site = urlsplit(href), urlsplit(site_url)
    try:
        hosts = [(one.hostname or "").removeprefix("www.") for one in (there, site)]
        same = hosts[0] == hosts[1] and there.port == site.port
    except ValueError:
        return False
    path, below = f"{there.path.rstrip('/')}/", f"{site.path.rstrip('/')}/"
    return same and there.scheme in {"http", "https", ""} and path.startswith(below)
