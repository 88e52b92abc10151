"""Find out of which system a file is an export, and read it."""

from pathlib import Path

from publisher.imports.archive import ExportFiles, open_export_files
from publisher.imports.ghost import is_ghost, read_ghost
from publisher.imports.model import (
    MAX_EXPORT_BYTES,
    Export,
    ExportWishes,
    ImportProblemError,
)
from publisher.imports.newsletters import (
    read_buttondown,
    read_mailchimp,
    read_medium,
    read_substack,
)
from publisher.imports.wxr import read_wxr

_KNOWN = "WordPress (XML or zip), Ghost (JSON or zip), Substack, Medium, Buttondown and Mailchimp (zip)"


def read_export(path: Path, options: ExportWishes) -> Export:
    """Read an export. Raise ImportProblemError if it is none that is known, or too large, and OSError."""
    if path.is_dir():
        raise ImportProblemError("is a folder; compress it, and give the zip file")
    with path.open("rb") as file:
        content = file.read(MAX_EXPORT_BYTES + 1)
    if len(content) > MAX_EXPORT_BYTES:
        most = MAX_EXPORT_BYTES // 1_000_000
        raise ImportProblemError(f"is larger than {most} MB; export a part of it")
    start = content[:1000].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _read_files(open_export_files(path, content), options)
    if b"<opml" in start:
        raise ImportProblemError("is a list of feeds; `publisher sources add FILE` takes it")
    if start.startswith(b"{"):
        return read_ghost(content, options)
    if start.startswith(b"<") or start[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return read_wxr(content, options)
    raise _unknown()


def _read_files(files: ExportFiles, options: ExportWishes) -> Export:
    if files.named("posts.csv"):
        return read_substack(files, options)
    if files.named("emails.json") or files.named("emails.csv"):
        return read_buttondown(files, options)
    # WordPress.com exports a zip file with one.
    if len(exports := [one for one in files.names if one.lower().endswith(".xml")]) == 1:
        return read_wxr(files.read(exports[0]), options)
    documents = (one for one in files.names if one.lower().endswith(".json"))
    for name in documents:
        if is_ghost(content := files.read(name)):
            return read_ghost(content, options, files)
    if files.below("posts", ".html"):
        return read_medium(files, options)
    if files.below("campaigns_content", ".html") or files.below("campaigns", ".html"):
        return read_mailchimp(files, options)
    raise _unknown()


def _unknown() -> ImportProblemError:
    return ImportProblemError(f"is no export that is read; there are: {_KNOWN}")
