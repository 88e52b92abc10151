"""Read a picture of the publication's web root, for pages that must ask no other server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from publisher.config import Settings

PICTURE_TYPES = {
    "avif": "image/avif",
    "gif": "image/gif",
    "ico": "image/x-icon",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "png": "image/png",
    "svg": "image/svg+xml",
    "webp": "image/webp",
}


@dataclass(frozen=True, slots=True)
class PublicPicture:
    """A picture and its media type."""

    content: bytes
    media_type: str


def read_public_picture(settings: Settings, path: str) -> PublicPicture | None:
    """Return the picture at a path below the publication's URL; None if there is none.

    Other kinds of files are not read, nor what a path leads to outside the web root.
    """
    media_type = picture_type(path)
    if media_type is None or "\0" in path:
        return None
    root = settings.folders.public.resolve()
    file = (root / path.lstrip("/")).resolve()
    if not file.is_relative_to(root) or not file.is_file():
        return None
    return PublicPicture(file.read_bytes(), media_type)


def picture_type(path: str) -> str | None:
    """Return the media type of a picture by its name, percent-encoded or not; None for no picture."""
    name = unquote(path).rpartition("/")[2]
    return PICTURE_TYPES.get(name.rpartition(".")[2].lower())
