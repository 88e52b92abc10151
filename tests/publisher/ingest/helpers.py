"""What the tests of parsers share: a library in memory, pictures of a few bytes."""

import hashlib
import struct
import wave
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any

from PIL import Image

from publisher.articles.model import ParsedArticle
from publisher.ingest.media.document_media import MediaInfo
from publisher.ingest.media.duration import media_duration
from publisher.ingest.parsers import parse_document
from publisher.ingest.parsers.document import SourceDocument
from publisher.ingest.problems import ItemProblem, list_problems
from tests.publisher.conftest import PublicationFolder

CORPUS = Path(__file__).resolve().parents[3] / "../shared/corpus"


@dataclass(frozen=True)
class MemoryLibrary:
    """A library of files by path."""

    files: dict[str, bytes] = field(default_factory=dict)

    def picture_bytes(self, path: PurePosixPath) -> bytes | None:
        return self.files.get(str(path))

    def size(self, path: PurePosixPath) -> int | None:
        content = self.files.get(str(path))
        return None if content is None else len(content)

    def inspect(self, path: PurePosixPath) -> MediaInfo | None:
        content = self.files.get(str(path))
        if content is None:
            return None
        duration = media_duration(BytesIO(content))
        return MediaInfo(hashlib.sha256(content).hexdigest(), len(content), content, duration)


def read_text(name: str, text: str, files: dict[str, bytes] | None = None) -> ParsedArticle:
    document = SourceDocument(PurePosixPath(name), text.encode())
    return parse_document(document, MemoryLibrary(files or {}))


def stored_problems(publication: PublicationFolder) -> list[ItemProblem]:
    with publication.database.reading() as connection:
        return list_problems(connection)


def drawn(kind: str, width: int, height: int, **options: Any) -> bytes:
    """Draw a black picture in a format of Pillow's, with options of its writer."""
    file = BytesIO()
    Image.new("RGB", (width, height)).save(file, kind, **options)
    return file.getvalue()


def png(width: int, height: int) -> bytes:
    return drawn("PNG", width, height)


def wav(seconds: float, level: int = 0) -> bytes:
    """Record silence, or a steady pressure, at 8,000 samples a second of one byte."""
    file = BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(8000)
        sound.writeframes(bytes([128 + level]) * round(8000 * seconds))
    return file.getvalue()


def mp3(frames: int, level: int = 0) -> bytes:
    """Make frames of MPEG-1 layer III, 128 kbit/s at 44.1 kHz: 1,152 samples in 417 bytes."""
    frame = b"\xff\xfb\x90\xc0" + bytes([level]) * 413
    return b"ID3\x04\x00\x00\x00\x00\x00\x00" + frame * frames


def opus(seconds: int) -> bytes:
    """Make the pages of an Ogg Opus stream (RFC 3533 section 6, RFC 7845 section 5)."""
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 0, 48_000, 0, 0)
    tags = b"OpusTags" + struct.pack("<II", 0, 0)
    return b"".join(
        b"OggS"
        + struct.pack("<BBqIIIB", 0, kind, position, 1, number, 0, 1)
        + bytes([len(packet)])
        + packet
        for number, (kind, position, packet) in enumerate(
            [(2, 0, head), (0, 0, tags), (4, 48_000 * seconds, b"\0")]
        )
    )
