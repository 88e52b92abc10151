"""The folders of templates: the shipped one, and reading a publication's own with care.

A publication's folder may hold anything: links that lead out of it, pipes, large files. What can't
be a template or a catalogue is refused with a reason.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path

from publisher.errors import RenderingError

# The folder is listed before each page: a thousand files take as long as the page.
MAX_TEMPLATE_FILES = 1000

# Our largest template has 10,000 bytes; a style sheet may embed fonts and pictures.
MAX_TEMPLATE_BYTES = 1_000_000

# From this share of equal characters on, a name is taken for another one that is misspelt.
_NEAR = 0.87
_CATALOGUE = re.compile(r"locale/[^/]+/LC_MESSAGES/messages\.po")

# Path, time of change in nanoseconds and size in bytes of each file; folders have 0 and 0.
FolderState = frozenset[tuple[str, int, int]]
EMPTY_FOLDER: FolderState = frozenset()


@cache
def shipped_templates_folder() -> Path:
    """Return the folder of the shipped templates.

    A wheel has it inside the package; in a checkout it stands beside the package.
    """
    package = Path(str(files("publisher")))
    inside = package / "templates"
    return inside if inside.is_dir() else package.parent / "templates"


def folder_state(folder: Path) -> FolderState:
    """Return what changes when a file of the folder does; EMPTY_FOLDER if there is none.

    Hidden files are left out. Raises RenderingError for more than MAX_TEMPLATE_FILES.
    """
    found = []
    for entry in _entries(str(folder)):
        found.append(entry)
        if len(found) > MAX_TEMPLATE_FILES:
            raise RenderingError(
                f"templates/ holds more than {MAX_TEMPLATE_FILES} files; "
                "move what is no template or catalogue elsewhere"
            )
    return frozenset(found)


def _entries(folder: str) -> Iterator[tuple[str, int, int]]:
    waiting = [folder]
    while waiting:
        path = waiting.pop()
        try:
            with os.scandir(path) as entries:
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
            continue  # there is none, or it has just been removed
        except OSError as error:
            raise RenderingError(f"{path}: can't be read: {error.strerror or error}") from None


@cache
def shipped_template_names() -> frozenset[str]:
    """Return the names of the templates that a publication may replace."""
    names = _names(shipped_templates_folder())
    return frozenset(name for name in names if not name.startswith(("console/", "locale/")))


def misspelt_templates(root: Path) -> Iterator[str]:
    """Yield a sentence on what is nearly named like a template of a publication and is none, and on lost catalogues."""
    for one in sorted(root.iterdir()):
        near = get_close_matches(one.name.lower(), ["templates"], 1, _NEAR)
        if near and one.name not in near and one.is_dir():
            yield f"{one.name}/: this folder is not read; did you mean templates/?"
    shipped = shipped_template_names()
    for name in _names(root / "templates"):
        if name.endswith(".po"):
            if not _CATALOGUE.fullmatch(name):
                yield f"templates/{name} is not read; a catalogue is templates/locale/<language>/LC_MESSAGES/messages.po"
        elif name not in shipped and (near := get_close_matches(name, shipped, 1, _NEAR)):
            yield f"templates/{name} replaces no template; did you mean {near[0]}?"


def _names(folder: Path) -> Iterator[str]:
    for path, changed, _size in sorted(_entries(str(folder))):
        if changed:  # not a folder
            yield Path(path).relative_to(folder).as_posix()


def is_hidden_name(name: str) -> bool:
    """Return whether a file or folder of this name is hidden."""
    return name.startswith(".")


def read_custom_file(folder: Path, name: str) -> bytes:
    """Return the bytes of a file of the folder; `name` is its path within it.

    Raises RenderingError for a file that lies outside, is not a plain file, or is too large.
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
        # Before Python 3.13 a link to itself is a RuntimeError.
        reason = getattr(error, "strerror", None) or error
        raise RenderingError(f"{name} can't be read: {reason}") from None
    if len(content) > MAX_TEMPLATE_BYTES:
        raise RenderingError(f"{name} has more than {MAX_TEMPLATE_BYTES:,} bytes; shorten it")
    return content


def read_custom_template(folder: Path, name: str) -> str:
    """Return a template of the folder; as `read_custom_file`, and it must be text in UTF-8."""
    try:
        found = read_custom_file(folder, name).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RenderingError(f"{name} is not text in UTF-8 (byte {error.start})") from None
    if "\0" in found:
        raise RenderingError(f"{name} is not text (byte {found.index(chr(0))} is null)")
    return found
