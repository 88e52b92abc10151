"""The pictures of an article: finds local ones, names their place below the web root.

The place holds a hash of the content, so that a changed picture never hides behind a cached
one. Remote pictures stay where they are. Copies nothing: that is the caller's.
"""

from __future__ import annotations

import hashlib
import posixpath
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from slugify import slugify

from publisher.articles import sanitising
from publisher.articles.imagesize import ImageInfo, measure
from publisher.articles.model import Media, Picture
from publisher.articles.readers.document import Library
from publisher.errors import ArticleError

# Long enough to be told apart, short enough for any file system.
LONGEST_NAME = 60


@dataclass(slots=True)
class Gallery:
    """Answers for the pictures of one document, and remembers which it has shown.

    `folder` is the document's, relative to the source folder; `base_url` the address of the
    page that the document was saved from, if it was. A `detached` document belongs to a site
    whose other files are elsewhere: pictures at that site's root are not missed.
    """

    library: Library
    folder: PurePosixPath
    base_url: str | None = None
    detached: bool = False
    _shown: dict[str, Media] = field(default_factory=dict)

    @property
    def media(self) -> tuple[Media, ...]:
        """List the local pictures that were shown, in order."""
        return tuple(self._shown.values())

    def show(self, image: sanitising.Image) -> sanitising.Image | None:
        """Give a local image its place and its size in pixels.

        None leaves it to its page's address, or to its alternative text. Raises ArticleError if it is nowhere, or of a
        kind that mail programs don't show.
        """
        path = self._path(image.src)
        content = self.library.media(path) if path else None
        if path is None or content is None:
            if self.base_url or (self.detached and image.src.startswith("/")):
                return None
            raise ArticleError(f"{image.src}: no such picture")
        info = measure(content)
        if info is None:
            problem = "not a PNG, JPEG, GIF or WebP picture, which mail programs can show"
            raise ArticleError(f"{image.src}: {problem}")
        media = Media(path=str(path), target=_target(path, content, info))
        self._shown.setdefault(media.path, media)
        width, height = _size(image, info)
        return sanitising.Image(f"/{media.target}", width, height)

    def picture(self, picture: Picture) -> Picture:
        """Give the article's own picture its place, as `show` does for those in the text."""
        image = sanitising.Image(picture.src, picture.width, picture.height)
        found = self.show(image) if sanitising.is_relative(picture.src) else None
        if found:
            return replace(picture, src=found.src, width=found.width, height=found.height)
        address = sanitising.absolute(picture.src, self.base_url)
        if address is None or address.startswith("mailto:"):
            raise ArticleError(
                f"{picture.src}: not a picture's address; write a path or https://…"
            )
        return replace(picture, src=address)

    def _path(self, src: str) -> PurePosixPath | None:
        """Find the place in the source folder; None if it is outside."""
        path = unquote(urlsplit(src).path)
        path = path.lstrip("/") if path.startswith("/") else f"{self.folder}/{path}"
        normal = posixpath.normpath(path)
        outside = normal == "." or normal.startswith(("../", "/")) or normal == ".."
        return None if outside or "\0" in normal else PurePosixPath(normal)


def _target(path: PurePosixPath, content: bytes, info: ImageInfo) -> str:
    name = slugify(path.stem, max_length=LONGEST_NAME) or "picture"
    return f"media/{hashlib.sha256(content).hexdigest()[:16]}/{name}.{info.suffix}"


def _size(image: sanitising.Image, info: ImageInfo) -> tuple[int, int]:
    """Keep the size that the author gave; work out the side that is missing from the picture."""
    if image.width and image.height:
        return image.width, image.height
    if image.width:
        return image.width, max(1, round(image.width * info.height / info.width))
    if image.height:
        return max(1, round(image.height * info.width / info.height)), image.height
    return info.width, info.height
