"""What the tests of readers share: a library in memory, pictures of a few bytes."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from publisher.articles.model import Draft
from publisher.articles.readers import Document, read

CORPUS = Path(__file__).resolve().parents[3] / "../shared/corpus"


@dataclass(frozen=True)
class Shelf:
    """A library of files by path."""

    files: dict[str, bytes] = field(default_factory=dict)

    def media(self, path: PurePosixPath) -> bytes | None:
        return self.files.get(str(path))


def read_text(name: str, text: str, files: dict[str, bytes] | None = None) -> Draft:
    return read(Document(PurePosixPath(name), text.encode()), Shelf(files or {}))


def png(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk
