"""Where a document's local files lie in the source folder, and where they will lie on the web.

Pure: looks at no disk. Knows no kind of file.
"""

from __future__ import annotations

import posixpath
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from slugify import slugify

# Long enough to be told apart, short enough for any file system.
LONGEST_NAME = 60


def path_in_source(folder: PurePosixPath, path: str) -> PurePosixPath | None:
    """Resolve a path against a document's folder; None if it leads out of the source.

    One that begins with `/` counts from the source folder.
    """
    whole = path.lstrip("/") if path.startswith("/") else f"{folder}/{path}"
    normal = posixpath.normpath(whole)
    outside = normal == "." or normal.startswith(("../", "/")) or normal == ".."
    return None if outside or "\0" in normal else PurePosixPath(normal)


def path_of_address(address: str) -> str:
    """Give the path that a relative address means, without query and fragment."""
    return unquote(urlsplit(address).path)


def media_target(sha256: str, path: PurePosixPath, suffix: str, nameless: str) -> str:
    """Name a file's place below the web root; it changes with the content and with nothing else.

    `nameless` stands for a name of which nothing is left in ASCII.
    """
    name = slugify(path.stem, max_length=LONGEST_NAME) or nameless
    return f"media/{sha256[:16]}/{name}.{suffix}"
