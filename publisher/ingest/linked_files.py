"""Decide which files of a site are copied because a text links to them. Pure.

Documents, templates and configuration are never copied, nor what is hidden or too large.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from publisher.ingest import media_types

# Bytes. A larger file belongs on a host of its own; as an attachment, it is copied all the same.
MAX_LINKED_BYTES = 200_000_000
_DOWNLOADS = media_types.DOWNLOAD_SUFFIXES | {media_types.TEXT_SUFFIX}
# A link to a document leads to its page, and one without an ending to a page.
_PAGES = frozenset(
    {"", ".md", ".markdown", ".mkd", ".mkdn", ".mkdown", ".mdx", ".html", ".htm"}
)


def may_be_linked(
    path: PurePosixPath, own: PurePosixPath, static: Iterable[PurePosixPath]
) -> bool:
    """Return whether a link of a document in the folder `own` may mean a file, and no page.

    A text is a document, unless it is in a folder of files that are copied to the site as they are.
    """
    ending = path.suffix.lower()
    if ending != media_types.TEXT_SUFFIX:
        return ending not in _PAGES
    return any(path.is_relative_to(one) and not own.is_relative_to(one) for one in static)


def reason_against(path: PurePosixPath, size: int, own: PurePosixPath) -> str:
    """Return why a file of some bytes is not copied that a document in `own` links to; or nothing."""
    # The folder of the document may have any name: `_posts`.
    inside = path.relative_to(own) if path.is_relative_to(own) else path
    if any(name.startswith((".", "_")) or name.endswith("~") for name in inside.parts):
        return "its name, or that of a folder, says that it is hidden"
    if not media_types.media_kind(str(path)) and path.suffix.lower() not in _DOWNLOADS:
        return "files of this kind are not copied"
    if size > MAX_LINKED_BYTES:
        return f"it has more than {MAX_LINKED_BYTES // 1_000_000} MB"
    return ""
