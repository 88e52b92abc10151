"""What a reader module is given: one document's bytes, and a library for what goes with it.

Both are values or a Protocol, so that readers touch no disk. Knows no format.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from publisher.articles.content.characters import clean_text
from publisher.articles.sanitise import MAX_ARTICLE_BYTES
from publisher.errors import ArticleError

FOREIGN_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


@dataclass(frozen=True, slots=True)
class SourceDocument:
    """One file; `path` is relative to the source folder."""

    path: PurePosixPath
    content: bytes


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What is known of a file that may be too large to be held in memory.

    `length` is in bytes, `head` its first ones (HEAD_BYTES of `publisher.articles.media_types`);
    `duration` is in seconds, None where it is no recording or its header doesn't tell.
    """

    sha256: str
    length: int
    head: bytes
    duration: int | None = None


class MediaLibrary(Protocol):
    """Where local pictures and attachments are looked up, by paths below the source folder."""

    def media(self, path: PurePosixPath) -> bytes | None:
        """Give the bytes of a picture, None if there is none."""
        ...

    def survey(self, path: PurePosixPath) -> MediaInfo | None:
        """Say what is known of a file of any size, None if there is none."""
        ...


def decode_document(document: SourceDocument) -> str:
    """Give the document's characters: UTF-8 without its mark, line feeds, NFC.

    Raises ArticleError if it is too large or not UTF-8; offsets count bytes from 0.
    """
    content = document.content
    if len(content) > MAX_ARTICLE_BYTES:
        raise ArticleError(f"larger than {MAX_ARTICLE_BYTES // 1_000_000} MB; split it")
    if content[:2] in FOREIGN_MARKS:
        raise ArticleError(f"written in {FOREIGN_MARKS[content[:2]]}; save it as UTF-8")
    try:
        return clean_text(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        mark = 3 if content.startswith(b"\xef\xbb\xbf") else 0
        offset = error.start + mark
        line = content.count(b"\n", 0, offset) + 1
        raise ArticleError(
            f"not UTF-8: byte 0x{content[offset]:02X} at offset {offset} (line {line}); "
            "save it as UTF-8"
        ) from None
