"""A publication's own template folder: what is in it, and reading a file of it with care.

There may be anything in it: links that lead elsewhere, pipes, films. What can't be a template
or a catalogue is refused with a reason. Knows no template engine.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from publisher.errors import RenderingError

# Our own templates are thirty, and the folder is looked through for each page: a thousand files
# take as long as the page.
MAX_TEMPLATE_FILES = 1000

# Our largest template has 10,000 bytes; a style sheet may carry its fonts and pictures in itself.
MAX_TEMPLATE_BYTES = 1_000_000

# Files and folders; a file's time of change (in nanoseconds) and its size in bytes.
FolderState = frozenset[tuple[str, int, int]]
EMPTY_FOLDER: FolderState = frozenset()


def folder_state(folder: Path) -> FolderState:
    """Say how the folder looks, so that a change shows; NOTHING, if it is empty or not there.

    Hidden files are no templates. Raises RenderingError for more than MOST_FILES.
    """
    found = []
    for entry in _entries(str(folder)):
        found.append(entry)
        if len(found) > MAX_TEMPLATE_FILES:
            raise RenderingError(
                f"templates/ holds more than {MAX_TEMPLATE_FILES} files; "
                "it is for templates and catalogues alone"
            )
    return frozenset(found)


def _entries(folder: str) -> Iterator[tuple[str, int, int]]:
    waiting = [folder]
    while waiting:
        place = waiting.pop()
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    if is_hidden_name(entry.name):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                        yield entry.path, 0, 0
                    else:
                        status = entry.stat(follow_symlinks=False)
                        yield entry.path, status.st_mtime_ns, status.st_size
        except (FileNotFoundError, NotADirectoryError):
            continue  # there is none, or it has just gone
        except OSError as error:
            raise RenderingError(f"{place}: can't be read: {error.strerror or error}") from None


def is_hidden_name(name: str) -> bool:
    """Say whether a name is one of those that folders keep for programs."""
    return name.startswith(".")


def read_custom_file(folder: Path, name: str) -> bytes:
    """Read a file of the folder by its path within it.

    Raises RenderingError for what lies elsewhere, is not a plain file, or is too large.
    """
    path = folder / name
    try:
        if not path.resolve().is_relative_to(folder.resolve()):
            raise RenderingError(f"{name} is a link that leads out of templates/")
        if not stat.S_ISREG(path.stat().st_mode):
            raise RenderingError(f"{name} is not a file")
        with path.open("rb") as file:
            content = file.read(MAX_TEMPLATE_BYTES + 1)
    except (OSError, RuntimeError) as error:
        # Until Python 3.13 a link that leads to itself is a RuntimeError.
        reason = getattr(error, "strerror", None) or error
        raise RenderingError(f"{name} can't be read: {reason}") from None
    if len(content) > MAX_TEMPLATE_BYTES:
        raise RenderingError(f"{name} has more than {MAX_TEMPLATE_BYTES:,} bytes")
    return content


def read_custom_template(folder: Path, name: str) -> str:
    """Read a template of the folder; as `read`, and it must be text in UTF-8."""
    try:
        found = read_custom_file(folder, name).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RenderingError(f"{name} is not text in UTF-8 (byte {error.start})") from None
    if "\0" in found:
        raise RenderingError(f"{name} is not text (byte {found.index(chr(0))} is null)")
    return found
