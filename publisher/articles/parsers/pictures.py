"""The pictures of an article: finds local ones, names their place below the web root.

The place holds a hash of the content, so that a changed picture never hides behind a cached
one. Remote pictures stay where they are. Copies nothing: that is the caller's.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from publisher.articles import sanitise
from publisher.articles.model import MediaFile, Picture
from publisher.articles.parsers.document import MediaLibrary
from publisher.articles.parsers.media_paths import media_target, path_in_source, path_of_address
from publisher.errors import ArticleError
from publisher.image_size import ImageInfo, measure_image


@dataclass(slots=True)
class PictureResolver:
    """Answers for the pictures of one document, and remembers which it has shown.

    `folder` is the document's, relative to the source folder; `base_url` the address of the
    page that the document was saved from, if it was. A `detached` document belongs to a site
    whose other files are elsewhere: pictures at that site's root are not missed.
    """

    library: MediaLibrary
    folder: PurePosixPath
    base_url: str | None = None
    detached: bool = False
    _shown: dict[str, MediaFile] = field(default_factory=dict)

    @property
    def media(self) -> tuple[MediaFile, ...]:
        """List the local pictures that were shown, in order."""
        return tuple(self._shown.values())

    def show(self, image: sanitise.ImageTag) -> sanitise.ImageTag | None:
        """Give a local image its place and its size in pixels.

        None leaves it to its page's address, or to its alternative text. Raises ArticleError if
        it is nowhere, of a kind that browsers don't show, damaged, or beyond all measure.
        """
        path = path_in_source(self.folder, path_of_address(image.src))
        content = self.library.media(path) if path else None
        if path is None or content is None:
            if self.base_url or (self.detached and image.src.startswith("/")):
                return None
            raise ArticleError(f"{image.src}: no such picture")
        info = _measured(image.src, content)
        sha256 = hashlib.sha256(content).hexdigest()
        place = media_target(sha256, path, info.suffix, nameless="picture")
        media = MediaFile(path=str(path), target=place)
        self._shown.setdefault(media.path, media)
        width, height = _size(image, info)
        return sanitise.ImageTag(f"/{media.target}", width, height)

    def picture(self, picture: Picture) -> Picture:
        """Give the article's own picture its place, as `show` does for those in the text."""
        image = sanitise.ImageTag(picture.src, picture.width, picture.height)
        found = self.show(image) if sanitise.is_relative(picture.src) else None
        if found:
            return replace(picture, src=found.src, width=found.width, height=found.height)
        address = sanitise.absolute_link(picture.src, self.base_url)
        if address is None or address.startswith("mailto:"):
            raise ArticleError(
                f"{picture.src}: not a picture's address; write a path or https://…"
            )
        return replace(picture, src=address)


def _measured(src: str, content: bytes) -> ImageInfo:
    try:
        info = measure_image(content)
    except ArticleError as error:
        raise ArticleError(f"{src}: {error}") from None
    if info is None:
        problem = "not a PNG, JPEG, GIF, WebP or AVIF picture, or not a whole one"
        raise ArticleError(f"{src}: {problem}; export it again")
    return info


def _size(image: sanitise.ImageTag, info: ImageInfo) -> tuple[int, int]:
    """Keep the size that the author gave; work out the side that is missing from the picture."""
    if image.width and image.height:
        return image.width, image.height
    if image.width:
        return image.width, max(1, round(image.width * info.height / info.width))
    if image.height:
        return max(1, round(image.height * info.width / info.height)), image.height
    return info.width, info.height
