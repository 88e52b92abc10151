"""What a parser gets: the bytes of one document, and access to the files beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from publisher.articles.content.characters import clean_characters
from publisher.articles.sanitise import MAX_ARTICLE_BYTES
from publisher.errors import ArticleError

_UTF16_MARKS = frozenset({b"\xff\xfe", b"\xfe\xff"})


@dataclass(frozen=True, slots=True)
class SourceDocument:
    """One file; `path` is relative to the source folder."""

    path: PurePosixPath
    content: bytes


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """Facts about a file that may be too large for memory.

    `length` is in bytes, `head` has the first HEAD_BYTES (`publisher.articles.media_types`);
    `duration` is in seconds, None if it is no recording or its header does not say.
    """

    sha256: str
    length: int
    head: bytes
    duration: int | None = None


class MediaLibrary(Protocol):
    """Finds pictures and attachments by their paths below the source folder."""

    def picture_bytes(self, path: PurePosixPath) -> bytes | None:
        """Return the content of a picture, None if there is none."""
        ...

    def inspect(self, path: PurePosixPath) -> MediaInfo | None:
        """Return facts about a file of any size, None if there is none."""
        ...


def decode_document(document: SourceDocument) -> str:
    """Return the text of a document: UTF-8 without byte order mark, with line feeds, in NFC.

    Raises ArticleError if it is too large or not UTF-8; offsets count bytes from 0.
    """
    content = document.content
    if len(content) > MAX_ARTICLE_BYTES:
        raise ArticleError(f"larger than {MAX_ARTICLE_BYTES // 1_000_000} MB; split it")
    if content[:2] in _UTF16_MARKS:
        raise ArticleError("written in UTF-16; save it as UTF-8")
    try:
        return clean_characters(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        mark = 3 if content.startswith(b"\xef\xbb\xbf") else 0
        offset = error.start + mark
        line = content.count(b"\n", 0, offset) + 1
        raise ArticleError(
            f"not UTF-8: byte 0x{content[offset]:02X} at offset {offset} (line {line}); "
            "save it as UTF-8"
        ) from None
