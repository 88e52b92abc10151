"""Translations of the templates' strings: gettext catalogues, compiled in memory when needed.

A catalogue is `locale/<tag>/LC_MESSAGES/messages.po` below a template folder. English is the source
text and needs none. Those of the editors' console are `locale/<tag>/console/*.po`, shipped only. A string that a catalogue lacks, or marks as fuzzy, is English.
"""

from __future__ import annotations

import os
from functools import cache, lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from publisher.errors import LanguageError, RenderingError
from publisher.languages import locale_of, match, normalise
from publisher.rendering import template_files
from publisher.rendering.template_files import shipped_templates_folder

SOURCE_LANGUAGE = "en"


def catalogue(language: str, folders: tuple[Path, ...] = ()) -> tuple[NullTranslations, bool]:
    """Return the translations for a language, and whether there are any.

    `folders` come before the shipped one. Traditional Chinese never gets Simplified. Raises
    RenderingError for a catalogue that can't be read.
    """
    found, path = _found(language, folders)
    if found is None or path is None:
        return NullTranslations(), found is not None
    return _compiled(path, path.stat().st_mtime_ns, found), True


@cache
def console_catalogue(language: str) -> tuple[NullTranslations, bool]:
    """Return the translations of the editors' console: one catalogue for each area of its pages."""
    if language == SOURCE_LANGUAGE:
        return NullTranslations(), True
    whole = Catalog(locale=locale_of(language))
    for path in console_catalogue_files(language):
        area = read_catalogue(path, language)
        _count_as(whole, area)
        for message in area:
            if message.id and is_complete(message, whole.num_plurals):
                whole[message.id] = message
    return _binary(whole), len(whole) > 0


def console_catalogue_files(language: str) -> list[Path]:
    """Return the files that have the console's words in a language."""
    return sorted((shipped_templates_folder() / "locale" / language / "console").glob("*.po"))


def has_catalogue(language: str, folders: tuple[Path, ...] = ()) -> bool:
    """Return whether there is a catalogue for a language, without reading it."""
    return _found(language, folders)[0] is not None


def _found(language: str, folders: tuple[Path, ...]) -> tuple[str | None, Path | None]:
    """Return the best language and its catalogue; the source language has none."""
    paths = _paths((*folders, shipped_templates_folder()))
    found = match(language, [SOURCE_LANGUAGE, *paths])
    return found, paths.get(found) if found else None


def _paths(folders: tuple[Path, ...]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in folders:
        for path in _in_folder(folder):
            if path.is_file():
                found.setdefault(_tag(path), path)
    return found


def _in_folder(folder: Path) -> list[Path]:
    """Return the paths where catalogues may be. A glob takes as long as a whole feed entry."""
    try:
        tags = sorted(os.listdir(folder / "locale"))  # noqa: PTH208 -- iterdir is slower
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [_place(folder, tag) for tag in tags]


@lru_cache(maxsize=256)
def _place(folder: Path, tag: str) -> Path:
    return folder / "locale" / tag / "LC_MESSAGES" / "messages.po"


@lru_cache(maxsize=256)
def _tag(path: Path) -> str:
    name = path.parent.parent.name
    try:
        return normalise(name)
    except LanguageError as error:
        raise RenderingError(f"{path}: {error}") from None


@lru_cache(maxsize=64)
def _compiled(path: Path, _changed: int, language: str) -> GNUTranslations:
    whole = read_catalogue(path, language)
    # Babel compiles an untranslated plural to the English singular for every number. If the
    # message is left out, gettext uses the right English form.
    ready = Catalog(locale=whole.locale)
    _count_as(ready, whole)
    for message in whole:
        if message.id and is_complete(message, whole.num_plurals):
            ready[message.id] = message
    try:
        return _binary(ready)
    except Exception as error:
        raise _no_catalogue(path, error) from error


def _count_as(made: Catalog, source: Catalog) -> None:
    """Number the forms of plurals as a file does: Babel's order for Arabic is another one, and changes."""
    made.mime_headers = [("Plural-Forms", source.plural_forms)]


def _binary(ready: Catalog) -> GNUTranslations:
    binary = BytesIO()
    write_mo(binary, ready)
    binary.seek(0)
    return GNUTranslations(binary)


def read_catalogue(path: Path, language: str) -> Catalog:
    """Return one `messages.po`; raises RenderingError with its name and line."""
    try:
        file = BytesIO(_content(path))
        return read_po(file, locale=locale_of(language), abort_invalid=True)
    except Exception as error:
        raise _no_catalogue(path, error) from error


def _no_catalogue(path: Path, error: Exception) -> RenderingError:
    # Babel and gettext raise any exception, such as IndexError, for a broken file.
    return RenderingError(f"{path}: not a catalogue: {str(error) or type(error).__name__}")


def _content(path: Path) -> bytes:
    folder = path.parents[3]
    if folder == shipped_templates_folder():
        return path.read_bytes()
    return template_files.read_custom_file(folder, path.relative_to(folder).as_posix())


def is_complete(message: Message, plurals: int) -> bool:
    """Return whether a message is translated in every form and not marked as fuzzy."""
    forms = message.string if isinstance(message.string, tuple | list) else (message.string,)
    expected = plurals if message.pluralizable else 1
    return not message.fuzzy and len(forms) == expected and all(forms)
