"""Kinds of files beside documents: what can be attached, and what is copied because a text links to it. Pure.

Audio, video and documents have a suffix, a type and first bytes; only kinds that programs on every system open
can be attached. Documents of the site, templates and configuration are never copied, nor what is hidden or too large.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

# The first bytes of a file that are examined; a PDF's header may be anywhere in them (ISO 32000-1 annex H, note 13).
HEAD_BYTES = 1024

# MPEG audio: eleven bits set, then neither a reserved version nor a reserved layer, which also
# rules out AAC in ADTS frames (ISO 11172-3 section 2.4.1.3).
_MPEG = rb"ID3|\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff]"
# What an MP4 begins with, and older QuickTime files, behind the length of the first box
# (ISO 14496-12 section 4.3; QuickTime File Format, "Atoms").
_MP4 = rb".{4}ftyp"
_QUICKTIME = rb".{4}(?:ftyp|moov|mdat|wide|free|skip|pnot)"
_WAVE = rb"(?:RIFF|RF64).{4}WAVE"  # RF64 is WAVE for files above 4 GB (EBU Tech 3306)
_EBML = rb"\x1a\x45\xdf\xa3"  # RFC 8794 section 8.1
_PDF = rb".{0,%d}%%PDF-" % (HEAD_BYTES - len("%PDF-"))
# EPUB 3.3 section 4.2.2: the first file of the archive, stored as it is.
_EPUB = rb"PK\x03\x04.{26}mimetypeapplication/epub\+zip"


@dataclass(frozen=True, slots=True)
class MediaKind:
    """A kind of file: its media type, its usual name, and a pattern of the first bytes."""

    media_type: str
    name: str
    pattern: bytes

    def fits(self, head: bytes) -> bool:
        """Return whether a file may be of this kind by its first HEAD_BYTES."""
        return re.match(self.pattern, head, re.DOTALL) is not None


MEDIA_KINDS: dict[str, MediaKind] = {
    ".mp3": MediaKind("audio/mpeg", "MP3", _MPEG),
    ".m4a": MediaKind("audio/mp4", "MPEG-4", _MP4),
    **dict.fromkeys((".ogg", ".oga", ".opus"), MediaKind("audio/ogg", "Ogg", rb"OggS")),
    ".wav": MediaKind("audio/wav", "WAVE", _WAVE),
    ".flac": MediaKind("audio/flac", "FLAC", rb"fLaC|ID3"),
    **dict.fromkeys((".mp4", ".m4v"), MediaKind("video/mp4", "MPEG-4", _MP4)),
    ".webm": MediaKind("video/webm", "WebM", _EBML),
    ".mov": MediaKind("video/quicktime", "QuickTime", _QUICKTIME),
    ".pdf": MediaKind("application/pdf", "PDF", _PDF),
    ".epub": MediaKind("application/epub+zip", "EPUB", _EPUB),
}
MEDIA_SUFFIXES = frozenset(MEDIA_KINDS)
# Other files that a text may link to, to be downloaded. Nothing that a browser runs (HTML, SVG,
# scripts), and nothing that sites are made of (templates, configuration, data for them).
DOWNLOAD_SUFFIXES = frozenset(
    ".zip .gz .tgz .bz2 .xz .zst .7z .rar .tar .docx .xlsx .pptx .doc .xls .ppt .rtf .odt .ods "  # noqa: SIM905  # one a line would fill the page
    ".odp .csv .tsv .ics .vcf .ps .djvu .mobi .bib .tex .ipynb .gpx .kml .geojson .pem .der .crt "
    ".cer .asc .sig .pgp .gpg .sha256 .torrent .apk .deb .rpm .dmg .exe .msi .iso .img .parquet "
    ".aac .aif .aiff .mid .avi .mkv .mpg .mpeg .srt .vtt .ttf .otf .woff .woff2 .psd .ai".split()
)
# Only in folders of files that stand at the root of the site: elsewhere it is a document.
TEXT_SUFFIX = ".txt"


def media_kind(name: str) -> MediaKind | None:
    return MEDIA_KINDS.get(PurePosixPath(name).suffix.lower())


# Bytes. A larger file belongs on a host of its own; as an attachment, it is copied all the same.
MAX_LINKED_BYTES = 200_000_000
_DOWNLOADS = DOWNLOAD_SUFFIXES | {TEXT_SUFFIX}
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
    if ending != TEXT_SUFFIX:
        return ending not in _PAGES
    return any(path.is_relative_to(one) and not own.is_relative_to(one) for one in static)


def reason_against(path: PurePosixPath, size: int, own: PurePosixPath) -> str:
    """Return why a file of some bytes is not copied that a document in `own` links to; or nothing."""
    # The folder of the document may have any name: `_posts`.
    inside = path.relative_to(own) if path.is_relative_to(own) else path
    if any(name.startswith((".", "_")) or name.endswith("~") for name in inside.parts):
        return "its name, or that of a folder, says that it is hidden"
    if not media_kind(str(path)) and path.suffix.lower() not in _DOWNLOADS:
        return "files of this kind are not copied"
    if size > MAX_LINKED_BYTES:
        return f"it has more than {MAX_LINKED_BYTES // 1_000_000} MB"
    return ""
