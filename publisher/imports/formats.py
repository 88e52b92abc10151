"""Find out of which system a file is an export, and read it."""

from pathlib import Path

from publisher.imports.model import (
    MAX_EXPORT_BYTES,
    Export,
    ExportWishes,
    ImportProblemError,
)
from publisher.imports.wxr import read_wxr

_KNOWN = "WordPress (an XML file)"


def read_export(path: Path, options: ExportWishes) -> Export:
    """Read an export. Raise ImportProblemError if it is none that is known, or too large, and OSError."""
    with path.open("rb") as file:
        content = file.read(MAX_EXPORT_BYTES + 1)
    if len(content) > MAX_EXPORT_BYTES:
        most = MAX_EXPORT_BYTES // 1_000_000
        raise ImportProblemError(f"is larger than {most} MB; export a part of it")
    start = content[:1000].lstrip(b"\xef\xbb\xbf \t\r\n")
    if b"<opml" in start:
        raise ImportProblemError("is a list of feeds; `publisher sources add FILE` takes it")
    if start.startswith(b"<") or start[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return read_wxr(content, options)
    raise ImportProblemError(f"is no export that is read; there are: {_KNOWN}")
