"""Write files below the web root: pages with local links, documents with compressed copies.

Links that a visitor follows, images, icons and sounds are written without the publication's host, so that
pages work on any server: a preview, a copy, a new domain. Addresses that machines read (canonical,
translations, feeds) stay absolute.

The style sheet of a page is written into a file of its own, whose name is a hash of its text: browsers fetch it
once. Such files stay. A page that nobody writes again, or that a cache still has, may refer to any of them.

Feed documents get a `.gz` and a `.br` copy for web servers that serve precompressed files. A copy
has the modification time of its file, so validators agree whichever of them is served.

The table `build_cache` has hashes of the inputs of written files, so that nothing is rendered again without need.
"""

import hashlib
import re
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import brotli
from sqlalchemy import Column, Connection, Table, Text, delete, select

from publisher.config import Settings
from publisher.database.dialect.sql import KEYED, upsert_by_key
from publisher.database.metadata import metadata
from publisher.files import (
    check_guard,
    make_folder,
    sync_folder,
    write_durably,
    write_if_changed,
)

_FOLLOWED_LINKS = re.compile(
    r'(<a\b[^>]*?\shref="|<link rel="(?:icon|apple-touch-icon)" href="|<(?:img|audio|video|script)\b[^>]*?\ssrc="|<form\b[^>]*?\saction=")([^"]*)'
)
_IMAGE = re.compile(r'<img\b(?:[^>"]|"[^"]*")*>')  # attributes have any character but quotes
_SIZES = re.compile(r' sizes="[^"]*"')
_PICTURE_PATH = re.compile(r"media/[0-9a-f]{16}/[a-z0-9.-]+")
_TEXT_WIDTH = 792  # CSS pixels: the widest picture of a page
# In the build cache: before the paths of pictures that are to have narrower copies.
PICTURE = "picture "
NARROWED = (".jpg", ".png", ".webp")  # the ends of names of pictures that may have copies

# Higher levels save few bytes and cost ten times the work. Measured with 150 kB of a feed: 44 kB
# in 5 ms, and hardly less in 21 ms. Feeds are written often.
_BROTLI_QUALITY = 5
_GZIP_LEVEL = 6
# zlib writes the gzip header itself, without name and time, so equal content gives equal bytes.
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {  # by suffix
    ".gz": partial(zlib.compress, level=_GZIP_LEVEL, wbits=_GZIP_WINDOW),
    ".br": partial(brotli.compress, mode=brotli.MODE_TEXT, quality=_BROTLI_QUALITY),
}


def write_page(settings: Settings, file: PurePosixPath, page: str) -> bool:
    """Write a page unless the file has this content already; return whether it was written."""
    content = _with_sheet_file(settings, strip_host(page, settings.publication.url))
    content = _with_copies_of_pictures(settings, content)
    return write_if_changed(settings.folders.public / file, content.encode())


def _with_sheet_file(settings: Settings, page: str) -> str:
    """Write the style sheet that stands in a page's head to its file, and let the page refer to it."""
    head = page.find("</head>")
    start, end = page.find("<style>", 0, head), page.find("</style>", 0, head)
    if min(start, end) < 0:
        return page
    content = page[start + len("<style>") : end].strip().encode()
    target = f"assets/style.{hashlib.sha256(content).hexdigest()[:16]}.css"
    file = settings.folders.public / target
    if not file.is_file():
        write_if_changed(file, content)
    folder = urlsplit(settings.publication.url).path.rstrip("/")
    link = f'<link rel="stylesheet" href="{folder}/{target}">'
    return f"{page[:start]}{link}{page[end + len('</style>') :]}"


def _with_copies_of_pictures(settings: Settings, page: str) -> str:
    """Offer browsers the copies of pictures, and let them load all but the first when they are near."""
    folder, is_first = urlsplit(settings.publication.url).path.rstrip("/"), True

    def offered(found: re.Match[str]) -> str:
        nonlocal is_first
        image, sizes = found[0], _attribute("sizes", found[0])
        if is_first and "loading=" not in image:
            image = image.replace("<img", '<img fetchpriority="high"', 1)
        elif "loading=" not in image:
            image = image.replace("<img", '<img loading="lazy" decoding="async"', 1)
        image, is_first = _SIZES.sub("", image), False
        address = _attribute("src", image)
        path = address.removeprefix(f"{folder}/")
        is_local = _PICTURE_PATH.fullmatch(path) and "srcset=" not in image
        copies = copies_of(settings.folders.public / path) if is_local else []
        if not copies:
            return image
        width = _attribute("width", image)
        most = min(int(width) if width.isdecimal() else _TEXT_WIDTH, _TEXT_WIDTH)
        sizes = sizes or f"(max-width: {most}px) 100vw, {most}px"
        base = address.rpartition("/")[0]
        offers = ", ".join(f"{base}/{name} {width}w" for width, name in copies)
        source = f'<source type="image/webp" srcset="{offers}" sizes="{sizes}">'
        return f"<picture>{source}{image}</picture>"

    return _IMAGE.sub(offered, page)


def _attribute(name: str, tag: str) -> str:
    found = re.search(rf'\s{name}="([^"]*)"', tag)
    return found[1] if found else ""


def copies_of(file: Path) -> list[tuple[int, str]]:
    """Return the widths and names of a picture's narrower copies, the narrowest first."""
    start, end = f"{file.stem}.", ".webp"
    names = [one.name for one in file.parent.iterdir()] if file.is_file() else []
    widths = [
        n[len(start) : -len(end)] for n in names if n.startswith(start) and n.endswith(end)
    ]
    return sorted((int(one), f"{start}{one}{end}") for one in widths if one.isdigit())


def queue_picture(connection: Connection, target: str) -> None:
    """Have narrower copies made of a picture, by its path below the web root."""
    store_hash(connection, f"{PICTURE}{target}", "")


def strip_host(page: str, url: str) -> str:
    """Return a page whose followed links lack the host of `url`, the address of the web root."""
    path = urlsplit(url).path.rstrip("/")

    def local(found: re.Match[str]) -> str:
        opening, address = found.groups()
        rest = address.removeprefix(url)
        # A browser reads what follows two slashes as a host.
        is_ours = rest != address and rest.startswith("/") and not rest.startswith("//")
        return f"{opening}{path}{rest}" if is_ours else found[0]

    return _FOLLOWED_LINKS.sub(local, page)


def write_with_copies(path: Path, content: bytes) -> bool:
    """Write a file and its compressed copies, each as a whole, unless they are there; return whether it changed."""
    changed = not path.is_file() or path.read_bytes() != content
    if not changed and all(_is_copy(path, suffix) for suffix in COMPRESSORS):
        return False
    check_guard()
    make_folder(path.parent)
    files = _with_copies(path)
    try:
        own, *copies = map(_part_file, files)
        # A process that was stopped while it wrote one goes on with its own file, and not with ours.
        for unfinished in (own, *copies):
            unfinished.unlink(missing_ok=True)
        modified = write_durably(own, content) if changed else path.stat().st_mtime_ns
        for copy, compress in zip(copies, COMPRESSORS.values(), strict=True):
            write_durably(copy, compress(content), modified)
        check_guard()
        # The file itself comes last. Until then the copies are newer than their file.
        for file in reversed(files):
            if changed or file != path:
                _part_file(file).replace(file)
    finally:
        for file in files:  # a full disk leaves incomplete files
            _part_file(file).unlink(missing_ok=True)
    sync_folder(path.parent)
    return changed


def remove_with_copies(path: Path) -> bool:
    """Remove a file and its compressed copies; return whether any of them was there."""
    check_guard()
    is_there = path.is_file()
    path.unlink(missing_ok=True)
    return remove_copies(path) or is_there


def remove_copies(path: Path) -> bool:
    """Remove the compressed copies of a file; return whether any of them was there."""
    check_guard()
    found = [file for file in _with_copies(path)[1:] if file.is_file()]
    for file in found:
        file.unlink()
    return bool(found)


def _with_copies(path: Path) -> list[Path]:
    return [path, *(_copy_of(path, suffix) for suffix in COMPRESSORS)]


def _is_copy(path: Path, suffix: str) -> bool:
    copy = _copy_of(path, suffix)
    return copy.is_file() and copy.stat().st_mtime_ns == path.stat().st_mtime_ns


def _copy_of(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _part_file(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


build_cache = Table(
    "build_cache",
    metadata,
    Column("name", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    info=KEYED,
)


def hash_inputs(*inputs: object) -> str:
    """Return a hash of inputs whose repr is complete."""
    return hashlib.sha256(repr(inputs).encode("utf-8", "surrogatepass")).hexdigest()


def cached_hash(connection: Connection, name: str) -> str | None:
    query = select(build_cache.c.fingerprint).where(build_cache.c.name == name)
    return connection.execute(query).scalar_one_or_none()


def forget_hash(connection: Connection, name: str) -> None:
    connection.execute(delete(build_cache).where(build_cache.c.name == name))


def store_hash(connection: Connection, name: str, value: str) -> None:
    connection.execute(
        upsert_by_key(connection, build_cache), {"name": name, "fingerprint": value}
    )
