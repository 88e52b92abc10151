"""Links to files of a site, and links that lead nowhere: by the site's folder, and by public/."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin, urlsplit

from tools.site_measure.documents import DOCUMENTS
from tools.site_measure.fragments import fragments_of

if TYPE_CHECKING:
    from tools.site_measure.measures import Match
    from tools.site_measure.published import PublishedSite

# Where generators look for a file with a root address.
_ROOTS = ("static", "assets", "public", "", "src", "content", "docs/public", "src/public")
_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".svg"})
_PAGES = DOCUMENTS | {"", ".htm", ".txt", ".markdown"}
NOTICES = ("dead-link", "unpublished-page", "uncopied-file", "broken-link", "removed-link")


def linked_files(match: Match, root: Path, base: str) -> Iterator[tuple[str, Path]]:
    """Yield the links of a document to files that are in the site's folder, with the files."""
    prefix = urlsplit(base).path.rstrip("/")
    for href in dict.fromkeys(fragments_of(match.expected.file).links):
        parts = urlsplit(href)
        is_own = not parts.scheme or parts.netloc == urlsplit(base).netloc
        path = unquote(parts.path).removeprefix("@site/static")
        if is_own and posixpath.splitext(path)[1].lower() not in _PAGES:
            for place in _places(match, root, path, prefix):
                if place.is_file():
                    yield href, place
                    break


def _places(match: Match, root: Path, path: str, prefix: str) -> Iterator[Path]:
    if not path.startswith("/"):
        yield root / match.expected.file.path.parent / path
        return
    for one in (path, path.removeprefix(prefix)):
        yield from (root / folder / one.lstrip("/") for folder in _ROOTS)


def is_copied(match: Match, href: str, file: Path, site: PublishedSite) -> bool:
    """Return whether a page leads to a file's copy, which is at its old address, too."""
    if match.has_problem(href, "uncopied-file"):
        return True
    copies = [site.file_at(one) for one in match.page.links if "/media/" in one]
    if file.suffix.lower() in _PICTURES:  # some are converted
        return bool(copies)
    content = file.read_bytes()
    # Only the generator knows where a file beside a document stands.
    old = [site.file_at(unquote(urlsplit(href).path))] if href.startswith("/") else copies
    is_old = any(one and one.read_bytes() == content for one in old)
    is_old = is_old or match.has_problem(urlsplit(href).path, "lost-address")
    return is_old and any(one and one.read_bytes() == content for one in copies)


def dead_links(match: Match, site: PublishedSite) -> Iterator[tuple[str, bool]]:
    """Yield the links of a page that the publication must answer and does not; and if that is noted."""
    for href in dict.fromkeys(match.page.links):
        is_own = href.startswith("/") and not href.startswith("//")
        if is_own and site.file_at(href) is None:
            noted = (one for one in match.problems if one["kind"] in NOTICES)
            yield href, any(_is_alike(one["what"], href) for one in noted)


def false_notices(
    match: Match, site: PublishedSite, root: Path, known: Iterable[str]
) -> Iterator[tuple[str, bool]]:
    """Yield the links that are said to be dead, and whether they are: neither page, file nor article."""
    own = next(iter(match.expected.addresses), "")
    keys = frozenset(known)
    for one in match.problems:
        if one["kind"] == "dead-link":
            path = unquote(urlsplit(urljoin(f"/{own.lstrip('/')}", one["what"])).path)
            place = site.file_at(path)
            bare = re.sub(r"(/index)?\.html?$", "", path).strip("/")
            there = any((root / folder / path.lstrip("/")).is_file() for folder in _ROOTS)
            yield one["what"], place is None and not there and f"address:{bare}" not in keys


def _is_alike(written: str, href: str) -> bool:
    """Return whether a link may have been written so: the last names are equal but for endings."""
    return written.endswith("…") or last_name(written) == last_name(href)


def last_name(href: str) -> str:
    path = unquote(urlsplit(href.partition(": ")[0]).path).rstrip("/")
    return re.sub(r"(/(index|_index|README))?\.(md|mdx|markdown|html?)$", "", path).rpartition(
        "/"
    )[2]
