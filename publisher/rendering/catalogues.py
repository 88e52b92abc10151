"""Translations of the templates' strings: gettext catalogues, compiled in memory when needed.

A catalogue is `locale/<tag>/LC_MESSAGES/messages.po` below a template folder. English is the source
text and needs none. Those of the editors' console are `locale/<tag>/console/*.po`, shipped only. A string that a catalogue lacks, or marks as fuzzy, is English.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
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

# A place in a text that a value fills: `%(name)s`, and a written percent sign.
_PLACEHOLDER = re.compile(r"%%|%\(\w+\)[sd]")


def catalogue(language: str, folders: tuple[Path, ...] = ()) -> tuple[NullTranslations, bool]:
    """Return the translations for a language, and whether there are any.

    `folders` come before the shipped one. Traditional Chinese never gets Simplified. In the place of a
    catalogue that can't be read stands the shipped one; `catalogue_faults` names it.
    """
    found, path = _found(language, folders)
    if found is None or path is None:
        return NullTranslations(), found is not None
    made, _faults = _compiled(path, path.stat().st_mtime_ns, found)
    if made is None:
        return catalogue(language) if folders else (NullTranslations(), False)
    return made, True


def catalogue_faults(folders: tuple[Path, ...]) -> Iterator[str]:
    """Yield what can't be used of the catalogues in folders: a file, a language, a translation."""
    for path in (one for folder in folders for one in _in_folder(folder) if one.is_file()):
        if language := _tag(path):
            yield from _compiled(path, path.stat().st_mtime_ns, language)[1]
        else:
            yield f"{_name(path)}: {path.parts[-3]!r} is not a language tag, so it is not read"


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
            if path.is_file() and (tag := _tag(path)):
                found.setdefault(tag, path)
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
def _tag(path: Path) -> str | None:
    try:
        return normalise(path.parent.parent.name)
    except LanguageError:
        return None


def _name(path: Path) -> str:
    return f"templates/{path.relative_to(path.parents[3]).as_posix()}"


@lru_cache(maxsize=64)
def _compiled(
    path: Path, _changed: int, language: str
) -> tuple[GNUTranslations | None, tuple[str, ...]]:
    """Return a catalogue, None if it can't be read; and what of it is not used."""
    faults = list[str]()
    try:
        whole = read_catalogue(path, language)
        # Babel compiles an untranslated plural to the English singular for every number. If the
        # message is left out, gettext uses the right English form.
        ready = Catalog(locale=whole.locale)
        _count_as(ready, whole)
        for message in whole:
            if message.id and is_complete(message, whole.num_plurals):
                if _has_right_placeholders(message):
                    ready[message.id] = message
                else:
                    where = f"{_name(path)}, line {message.lineno}"
                    faults.append(f"{where}: it has other placeholders; English is used")
        return _binary(ready), tuple(faults)
    except Exception as error:  # noqa: BLE001  # Babel and gettext raise any, such as IndexError
        reason = str(error) if isinstance(error, RenderingError) else _no_catalogue(path, error)
        return None, (f"{reason}; the program's own words are used until it is mended",)


def _has_right_placeholders(message: Message) -> bool:
    """Return whether all forms of a translation have no placeholder but those of the source. Pure."""
    known = {one for form in _forms(message.id) for one in _PLACEHOLDER.findall(form)} | {"%%"}
    used = [one for form in _forms(message.string) for one in _PLACEHOLDER.findall(form)]
    rest = "".join(_PLACEHOLDER.sub("", form) for form in _forms(message.string))
    return known.issuperset(used) and "%" not in rest


def _forms(text: str | list[str] | tuple[str, ...] | None) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text or ())


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
    reason = str(error) or type(error).__name__
    return RenderingError(f"{_name(path)}: not a catalogue: {reason}")


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
