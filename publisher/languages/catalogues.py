"""Where the catalogues of translations are: the shipped ones, and those of a publication, which come before them.

`publisher.rendering.template_files` reads them. This module loads no library, for commands that only list them.
"""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path

from publisher.languages import known_tag, match

SOURCE_LANGUAGE = "en"


@cache
def shipped_templates_folder() -> Path:
    """Return the folder of the shipped templates: inside a wheel's package, beside it in a checkout."""
    package = Path(str(files("publisher")))
    inside = package / "templates"
    return inside if inside.is_dir() else package.parent / "templates"


def console_catalogue_files(language: str) -> list[Path]:
    return sorted((shipped_templates_folder() / "locale" / language / "console").glob("*.po"))


def has_catalogue(language: str, folders: tuple[Path, ...] = ()) -> bool:
    """Return whether there is a catalogue for a language, without reading it."""
    return find_catalogue(language, folders)[0] is not None


def find_catalogue(language: str, folders: tuple[Path, ...]) -> tuple[str | None, Path | None]:
    """Return the best language and its catalogue; the source language has none."""
    paths = _paths((*folders, shipped_templates_folder()))
    found = match(language, [SOURCE_LANGUAGE, *paths])
    return found, paths.get(found) if found else None


def _paths(folders: tuple[Path, ...]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in catalogue_files(folders):
        if tag := known_tag(path.parent.parent.name):
            found.setdefault(tag, path)
    return found


def catalogue_files(folders: tuple[Path, ...]) -> Iterator[Path]:
    for folder in folders:
        yield from filter(Path.is_file, sorted(folder.glob("locale/*/LC_MESSAGES/messages.po")))
