"""The pictures and attachments of a document: find them, and name their files below the web root.

One picture is chosen to stand for the whole article in digests, feeds and on pages. The target of a local file contains
a hash of its content, so that browsers never show an old version. Remote files stay where they are. Files are read by a
`MediaLibrary`, which is a folder mostly. Its pictures are kept in memory, since they are measured, and converted in a
process with limits if browsers don't show them; other files may be large, and are hashed and copied in pieces.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NoReturn, Protocol, TypeVar
from urllib.parse import unquote, urlsplit

from lxml import html as lxml_html
from slugify import slugify

from publisher.articles import model
from publisher.articles.content.internal_links import DocumentPlace
from publisher.errors import ArticleError
from publisher.files import copy_verified, write_file
from publisher.i18n.article_problems import ArticleProblem, ProblemKind
from publisher.i18n.messages import joined, message
from publisher.ingest.media import kinds
from publisher.ingest.media.kinds import HEAD_BYTES, may_be_linked, reason_against
from publisher.ingest.sanitise import MAX_ARTICLE_BYTES
from publisher.pictures.conversion import convert_picture
from publisher.urls import absolute_link, is_relative

if TYPE_CHECKING:
    from publisher.pictures.image_size import ImageInfo


_Made = TypeVar("_Made")
_MAX_NAME_LENGTH = 60  # characters: file systems allow 255 bytes for a name
# Themes use these keys also for the page of a player elsewhere, which is no file.
_PLAYER_KEYS = frozenset({"audio", "video"})


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """Facts about a file that may be too large for memory.

    `length` is in bytes, `head` has the first HEAD_BYTES (`publisher.ingest.media.kinds`);
    `duration` is in seconds, None if it is no recording or its header does not say.
    """

    sha256: str
    length: int
    head: bytes
    duration: int | None = None


class MediaLibrary(Protocol):
    """Finds pictures and attachments by their paths below the source folder."""

    def picture_bytes(self, path: PurePosixPath) -> bytes | None:
        """Return the content of a picture as browsers show it, None if there is none.

        Raises ArticleError, a reason without the path, if it can't be shown.
        """
        ...

    def size(self, path: PurePosixPath) -> int | None:
        """Return the bytes of a file, None if there is none."""
        ...

    def inspect(self, path: PurePosixPath) -> MediaInfo | None:
        """Return facts about a file of any size, None if there is none."""
        ...


@dataclass(slots=True)
class DocumentMedia:
    """Looks up the pictures and attachments of one document, and collects the local ones.

    All folders are relative to the source folder. A relative address is looked up in `folders`, the document's own
    first; a root address in the folders `static`, then in the source folder. `place` is where the document stands on
    its site. `base_url` is the address of the page that the document was saved from. `site_page` is the address of the
    page on its own site: an attachment that is missing leads there. With `is_site`, an attachment that can't be used is
    a problem, else an error.
    """

    library: MediaLibrary
    folders: tuple[PurePosixPath, ...]
    base_url: str | None = None
    static: tuple[PurePosixPath, ...] = ()
    site_page: str | None = None
    is_site: bool = False
    place: DocumentPlace | None = None
    # Why a file is not copied that a link names, by the link.
    left_out: dict[str, str] = field(default_factory=dict)
    lost: list[ArticleProblem] = field(default_factory=list)
    _pictures: dict[str, model.MediaFile] = field(default_factory=dict)
    _attached: dict[str, model.MediaFile] = field(default_factory=dict)
    _inspected: dict[str, tuple[PurePosixPath, MediaInfo]] = field(default_factory=dict)

    @property
    def files(self) -> tuple[model.MediaFile, ...]:
        """The local files: pictures, then attachments, each in order."""
        return (*self._pictures.values(), *self._attached.values())

    def local_image(self, image: model.Picture) -> model.Picture | ArticleProblem | None:
        """Return a local image with its target and its size in pixels.

        None if its address has to be resolved against the page's. A problem if the file is missing,
        damaged, too large, or of a format that browsers do not show.
        """
        for path in self._places(path_of_address(image.src)):
            try:
                content = self.library.picture_bytes(path)
                if content is not None:
                    return self._copied_image(image, path, content)
            except ArticleError as error:
                problem = f"{image.src}: {error}"
                return ArticleProblem(ProblemKind.UNSUPPORTED_PICTURE, None, problem)
        if self.base_url:
            return None
        return ArticleProblem(ProblemKind.MISSING_PICTURE, None, image.src)

    def _copied_image(
        self, image: model.Picture, path: PurePosixPath, content: bytes
    ) -> model.Picture:
        info = _measured(content)
        sha256 = hashlib.sha256(content).hexdigest()
        target = media_target(sha256, path, info.suffix, fallback="picture")
        self._pictures.setdefault(str(path), model.MediaFile(path=str(path), target=target))
        width, height = _size(image, info)
        return replace(image, src=f"/{target}", width=width, height=height)

    def own_picture(self, picture: model.Picture) -> model.Picture | ArticleProblem:
        """Return the article's own picture with its target or its absolute address."""
        found = self.local_image(picture) if is_relative(picture.src) else None
        if isinstance(found, ArticleProblem):
            # Themes also look below the site's root.
            at_root = replace(picture, src=f"/{picture.src}")
            again = None if picture.src.startswith(("/", ".")) else self.local_image(at_root)
            return again if isinstance(again, model.Picture) else found
        if found:
            return found
        address = absolute_link(picture.src, self.base_url)
        if address is None or address.startswith("mailto:"):
            return ArticleProblem(ProblemKind.MISSING_PICTURE, None, picture.src)
        return replace(picture, src=address)

    def local_file(self, src: str) -> str | None:
        """Return the address below the web root of a linked file, None if none is copied."""
        own = self.folders[0]
        for path in self._places(path_of_address(src)):
            size = self.library.size(path) if may_be_linked(path, own, self.static) else None
            if size is None:
                continue
            reason = reason_against(path, size, own) or self._unreadable(path)
            if not reason:
                return f"/{self._copied(path, src)}"
            self.left_out.setdefault(src, reason)
        return None

    def _unreadable(self, path: PurePosixPath) -> str:
        kind, info = kinds.media_kind(str(path)), self.library.inspect(path)
        if info is None:
            return "it can't be read"
        self._inspected[str(path)] = path, info
        return f"there is no {kind.name} in it" if kind and not kind.fits(info.head) else ""

    def _copied(self, path: PurePosixPath, src: str) -> str:
        """Have a file copied that was inspected; return its path below the web root."""
        _path, info = self._inspected[str(path)]
        target = media_target(info.sha256, path, path.suffix.lower()[1:], fallback="file")
        # In a folder that is no site, a path is no address.
        place = self.place if self.is_site or self.site_page else None
        means = place.target(src) if place else None
        address = means.address.partition("?")[0] if means else ""
        self._attached[str(path)] = model.MediaFile(
            path=str(path), target=target, address=address
        )
        return target

    def why_left_out(self, href: str) -> str | None:
        """Return why the file is not copied that a link names, None if it names none."""
        inside = self.place.path_inside(href) if self.place else None
        return self.left_out.get(href) or self.left_out.get(inside or "")

    def _places(self, address: str) -> Iterator[PurePosixPath]:
        """Yield where a file with a local address may be, relative to the source folder."""
        # Docusaurus calls the folder of the site so.
        address = address.removeprefix("@site")
        if address.startswith("/"):
            base = self.place.base_path if self.place else ""
            below = address.removeprefix(base) if base else address
            spellings = (address, below) if below.startswith("/") else (address,)
            places = [f"{folder}{one}" for one in spellings for folder in (*self.static, "")]
        else:
            places = [f"{folder}/{address}" for folder in self.folders]
        for place in dict.fromkeys(places):
            path = path_in_source(place)
            if path:
                yield path

    def attach(self, stated: Iterable[model.AttachmentField]) -> tuple[model.Attachment, ...]:
        """Return the attachments in order, each file once; `lost` has the problems of a site's.

        Raises ArticleError, naming the key, if a file is missing, its kind is unknown, or its
        content does not match its name.
        """
        found: dict[str, model.AttachmentField] = {}
        for one in stated:
            place = self._usable(self._locate, one)
            if place:
                found[place] = found[place].or_else(one) if place in found else one
        attachments = [
            self._usable(partial(self._described, place), one) for place, one in found.items()
        ]
        return tuple(one for one in attachments if one is not None)

    def _usable(
        self, make: Callable[[model.AttachmentField], _Made], one: model.AttachmentField
    ) -> _Made | None:
        """Return what is made of an attachment; None, with a problem, if a site's can't be used."""
        try:
            return make(one)
        except ArticleError as error:
            if not self.is_site:
                raise
            problem = ArticleProblem(ProblemKind.MISSING_ATTACHMENT, None, str(error))
            self.lost.append(problem)
            return None

    def _described(self, place: str, one: model.AttachmentField) -> model.Attachment | None:
        return self._local(place, one) if place in self._inspected else _remote(place, one)

    def _locate(self, one: model.AttachmentField) -> str:
        """Return the path of an attachment below the source folder, or its address."""
        if is_relative(one.src):
            # The name of the file as it is, or percent-encoded.
            for spelling in dict.fromkeys((one.src, path_of_address(one.src))):
                for path in self._places(spelling):
                    info = self.library.inspect(path)
                    if info:
                        self._inspected[str(path)] = path, info
                        return str(path)
            if self.site_page:
                self.lost.append(ArticleProblem(ProblemKind.MISSING_ATTACHMENT, None, one.src))
            elif not self.base_url:
                remedy = message("put it beside the article, or write its address")
                _refuse(one, message("no such file"), remedy)
        address = absolute_link(one.src, self.base_url or self.site_page)
        if not address or not _is_web_address(address):
            _refuse(one, message("no address of the web"), message("write a path or https://…"))
        return address

    def _local(self, place: str, one: model.AttachmentField) -> model.Attachment:
        path, info = self._inspected[place]
        kind = kinds.media_kind(place)
        suffix = path.suffix.lower()
        if kind is None:
            suffixes = ", ".join(kinds.MEDIA_KINDS)
            remedy = message("use one of %(suffixes)s", suffixes=suffixes)
            _refuse(one, message("not a kind of file that is attached"), remedy)
        if not kind.fits(info.head):
            names = {"suffix": suffix, "name": kind.name}
            problem = message("named %(suffix)s, but there is no %(name)s in it", **names)
            text = message(
                "export it as %(name)s, or give it the suffix of what it is", **names
            )
            _refuse(one, problem, text)
        known = {"length": info.length, "duration": one.duration or info.duration}
        media_type = one.media_type or kind.media_type
        return one.attached(
            src=f"/{self._copied(path, one.src)}", media_type=media_type, **known
        )


def _remote(address: str, one: model.AttachmentField) -> model.Attachment | None:
    kind = kinds.media_kind(path_of_address(address))
    media_type = one.media_type or (kind.media_type if kind else None)
    if media_type is None:
        if one.key in _PLAYER_KEYS:
            return None
        problem = message("its address does not say what it is")
        _refuse(one, problem, message("add a type, as type: audio/mpeg"))
    return one.attached(src=address, media_type=media_type)


def _is_web_address(address: str) -> bool:
    """Return whether players can open an address: http(s), a valid host and port, no spaces."""
    try:
        parts = urlsplit(address)
        (parts.hostname or "").encode("idna")
        good = parts.scheme in {"http", "https"} and (parts.port or 1) > 0
    except ValueError:  # includes UnicodeError from the codec
        return False
    return good and not any(character.isspace() for character in address)


def _refuse(one: model.AttachmentField, problem: str, remedy: str) -> NoReturn:
    where, what = f"{one.key}: {one.src}", joined(problem, remedy)
    raise ArticleError.saying("%(where)s: %(problem)s", where=where, problem=what)


def _measured(content: bytes) -> ImageInfo:
    # It loads Pillow, which most runs don't need.
    from publisher.pictures.image_size import measure_image

    info = measure_image(content)
    if info is None:
        problem = message("not a PNG, JPEG, GIF, WebP or AVIF picture, or not a whole one")
        raise ArticleError(joined(problem, message("export it again")))
    return info


def _size(image: model.Picture, info: ImageInfo) -> tuple[int, int]:
    """Return the size that the author gave, with a missing side from the picture's proportions."""
    if image.width and image.height:
        return image.width, image.height
    if image.width:
        return image.width, max(1, round(image.width * info.height / info.width))
    if image.height:
        return max(1, round(image.height * info.width / info.height)), image.height
    return info.width, info.height


def path_in_source(path: str) -> PurePosixPath | None:
    """Return a path below the source folder without `..`; None if it leaves the folder."""
    normal = posixpath.normpath(path.lstrip("/"))
    outside = normal == "." or normal.startswith(("../", "/")) or normal == ".."
    return None if outside or "\0" in normal else PurePosixPath(normal)


def path_of_address(address: str) -> str:
    """Return the path of an address, decoded, without query and fragment."""
    return unquote(urlsplit(address).path)


def media_target(sha256: str, path: PurePosixPath, suffix: str, fallback: str) -> str:
    """Return the path of a file below the web root; it changes only with the file's content.

    `fallback` is the name where nothing of the file's name is left in ASCII.
    """
    name = slugify(path.stem, max_length=_MAX_NAME_LENGTH) or fallback
    return f"media/{sha256[:16]}/{name}.{suffix}"


_MIN_WIDTH = 200  # CSS pixels. Smaller pictures of a text are icons, badges and faces.


def choose_picture(
    metadata: model.ParsedArticle, html: str, media: DocumentMedia
) -> tuple[model.Picture | None, tuple[ArticleProblem, ...]]:
    """Return the picture of the front matter, or else the first of the text that is no icon.

    `html` is sanitised. The problems are those of the front matter's picture.
    """
    stated = metadata.picture
    if stated is None:
        return _first_picture(html), ()
    found = media.own_picture(stated)
    if isinstance(found, ArticleProblem):
        return _first_picture(html), (found,)
    if found.alt:
        return found, ()
    in_text = next((one.alt for one in _pictures(html) if one.src == found.src), "")
    if in_text:
        return replace(found, alt=in_text), ()
    return found, (ArticleProblem(ProblemKind.PICTURE_WITHOUT_ALT, None, stated.src),)


def _first_picture(html: str) -> model.Picture | None:
    large = (one for one in _pictures(html) if one.width is None or one.width >= _MIN_WIDTH)
    return next(large, None)


def _pictures(html: str) -> list[model.Picture]:
    if "<img" not in html:
        return []
    tree = lxml_html.fragment_fromstring(html, create_parent="div")
    return [
        model.Picture(
            src=image.get("src", ""),
            alt=image.get("alt", "").strip(),
            width=int(image.get("width", 0)) or None,
            height=int(image.get("height", 0)) or None,
        )
        for image in tree.iter("img")
    ]


# Bytes. A larger file is no picture for the web, and would fill the memory.
_MAX_PICTURE_BYTES = 50_000_000
# Formats that are converted, by their suffixes. A drawing (SVG) can hold a program, so it is not published as it is.
CONVERTED_SUFFIXES = frozenset(
    {".svg", ".svgz", ".bmp", ".dib", ".tif", ".tiff", ".jp2", ".ico", ".ppm", ".tga", ".pcx"}
)


class FolderFiles:
    """The source folder as seen from one document; collects the paths that are requested."""

    def __init__(self, folder: Path) -> None:
        self._folder = Path(os.path.realpath(folder))
        self._requested: set[str] = set()
        self._converted: dict[str, bytes] = {}
        # Of the files that are copied as they are.
        self._hashes: dict[str, str] = {}

    @property
    def requested(self) -> tuple[str, ...]:
        return tuple(sorted(self._requested))

    def picture_bytes(self, path: PurePosixPath) -> bytes | None:
        """Return a picture's content, None if it is absent or outside the source's folder.

        Formats that browsers do not show are converted. Raises ArticleError for a picture that is
        too large or can't be converted.
        """
        key = str(path)
        self._requested.add(key)
        if key in self._converted:
            return self._converted[key]
        place = self._place(path)
        try:
            if place is None or not place.is_file():
                return None
            if place.stat().st_size > _MAX_PICTURE_BYTES:
                most = _MAX_PICTURE_BYTES // 1_000_000
                raise ArticleError.saying("has more than %(most)s MB; scale it down", most=most)
            content = place.read_bytes()
        except OSError:  # absent, an invalid name, or no permission
            return None
        if path.suffix.lower() in CONVERTED_SUFFIXES:
            content = self._converted[key] = convert_picture(content)
        else:
            self._hashes[key] = hashlib.sha256(content).hexdigest()
        return content

    def size(self, path: PurePosixPath) -> int | None:
        """Return the bytes of a file; None as for `picture_bytes`."""
        self._requested.add(str(path))
        place = self._place(path)
        try:
            return place.stat().st_size if place is not None and place.is_file() else None
        except OSError:
            return None

    def inspect(self, path: PurePosixPath) -> MediaInfo | None:
        """Return facts about a file of any size; None as for `picture_bytes`."""
        self._requested.add(str(path))
        place = self._place(path)
        try:
            # Opening a pipe would wait forever.
            if place is None or not place.is_file():
                return None
            with place.open("rb") as file:
                info = _inspect(file)
        except OSError:
            return None
        self._hashes[str(path)] = info.sha256
        return info

    def read(self, path: PurePosixPath) -> bytes | None:
        """Return a file's content, None if it is outside; raises OSError or ArticleError."""
        place = self._place(path)
        if place is not None and place.stat().st_size > MAX_ARTICLE_BYTES:
            most = MAX_ARTICLE_BYTES // 1_000_000
            raise ArticleError.saying("larger than %(most)s MB; split it", most=most)
        return None if place is None else place.read_bytes()

    def publish(self, media: model.MediaFile, public: Path) -> None:
        """Copy a file that was requested to its target below the web root `public`.

        The target contains the hash, so an existing one is never written again. Raises OSError if
        it can't be written, ArticleError if the file changed since it was inspected.
        """
        target = public / media.target
        if target.exists():
            return
        converted = self._converted.get(media.path)
        place = self._place(PurePosixPath(media.path))
        if converted is not None:
            write_file(target, converted)
        elif place is None or not copy_verified(place, target, self._hashes[media.path]):
            raise ArticleError.saying(
                "%(path)s: was changed while it was being read", path=media.path
            )

    def _place(self, path: PurePosixPath) -> Path | None:
        # Path.resolve() raises other errors for a link that leads to itself.
        file = Path(os.path.realpath(self._folder / path))
        return file if file.is_relative_to(self._folder) else None


def _inspect(file: BufferedReader) -> MediaInfo:
    from publisher.ingest.media.duration import media_duration  # loads tinytag

    head = file.read(HEAD_BYTES)
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256")
    length = file.tell()
    file.seek(0)
    return MediaInfo(digest.hexdigest(), length, head, media_duration(file))
