"""Say what is wrong with a link to the site itself, of which no article was picked up. Pure.

The site answers where it stands elsewhere; where its address is the publication's own, only the
publication does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from publisher import urls
from publisher.article_problems import ProblemKind
from publisher.articles.content.internal_links import LinkTarget
from publisher.ingest.document_place import is_below
from publisher.ingest.known_pages import KnownPages
from publisher.ingest.link_resolution import LinkOrigin
from publisher.ingest.media_types import DOWNLOAD_SUFFIXES, MEDIA_SUFFIXES


class OutsideLinks:
    """Judges links by the publication's address, languages and newsletters, and by known pages."""

    def __init__(
        self,
        publication_url: str,
        languages: Sequence[str],
        newsletters: Sequence[str],
        pages_of: Callable[[str], KnownPages],
    ) -> None:
        self._url = publication_url
        self._languages = languages
        self._newsletters = newsletters
        self._pages_of = pages_of

    def problem(
        self, written: str, target: LinkTarget, outside: str, origin: LinkOrigin
    ) -> ProblemKind | None:
        """Return what is wrong with a link that leads to the address `outside` of the site."""
        is_own = is_below(outside, self._url)
        if is_own and self._is_answered(outside):
            return None
        # The address of a page elsewhere may be of a part of the site that is not in its folder.
        if not is_own and not urls.is_relative(written):
            return None
        ending = PurePosixPath(target.file).suffix.lower()
        is_file = not written.startswith("/") and ending in MEDIA_SUFFIXES | DOWNLOAD_SUFFIXES
        prefix = f"{urlsplit(origin.site_url).path.rstrip('/')}/"
        if not self._pages_of(origin.source).has(target, prefix, is_file=is_file):
            return ProblemKind.DEAD_LINK
        return ProblemKind.UNPUBLISHED_PAGE if is_own else None

    def _is_answered(self, address: str) -> bool:
        path = urls.path_below(self._url, unquote(urlsplit(address).path)) or ""
        return urls.has_own_page(path, self._languages, self._newsletters)
