"""The folders of templates and their catalogues: the shipped ones, and reading a publication's own with care.

A publication's folder may hold anything: links that lead out of it, pipes, large files. What can't
be a template or a catalogue is refused with a reason. Translations of the templates' strings are gettext
catalogues, compiled in memory when needed: `locale/<tag>/LC_MESSAGES/messages.po` below a template folder.
English is the source text and needs none. Those of the editors' console are `locale/<tag>/console/*.po`, shipped
only. A string that a catalogue lacks, or marks as fuzzy, is English.
"""

import os
import re
import stat
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache, lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from publisher.errors import RenderingError
from publisher.languages import catalogues, known_tag, locale_of

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


def folder_state(folder: Path) -> FolderState:
    """Return what changes with a folder's visible files, or EMPTY_FOLDER. Raises RenderingError for too many."""
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
    names = _names(catalogues.shipped_templates_folder())
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
    """Yield the names of a folder's visible files. Raises RenderingError for a folder that can't be read."""
    for path, changed, size in sorted(_entries(str(folder))):
        if changed or size:  # not a folder
            yield Path(path).relative_to(folder).as_posix()


def is_hidden_name(name: str) -> bool:
    return name.startswith(".")


def read_custom_file(folder: Path, name: str) -> bytes:
    """Return a file's bytes. Raises RenderingError if it lies outside, is not plain, or is too large."""
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


# A place in a text that a value fills: `%(name)s`, and a written percent sign.
_PLACEHOLDER = re.compile(r"%%|%\(\w+\)[sd]")


def catalogue(language: str, folders: tuple[Path, ...] = ()) -> tuple[NullTranslations, bool]:
    """Return the translations for a language, and whether there are any.

    `folders` come before the shipped one. Traditional Chinese never gets Simplified. In the place of a
    catalogue that can't be read stands the shipped one; `catalogue_faults` names it.
    """
    found, path = catalogues.find_catalogue(language, folders)
    if found is None or path is None:
        return NullTranslations(), found is not None
    made, _faults = _compiled(path, path.stat().st_mtime_ns, found)
    if made is None:
        return catalogue(language) if folders else (NullTranslations(), False)
    return made, True


def catalogue_faults(folders: tuple[Path, ...]) -> Iterator[str]:
    """Yield what can't be used of the catalogues in folders: a file, a language, a translation."""
    for path in catalogues.catalogue_files(folders):
        if language := known_tag(path.parent.parent.name):
            yield from _compiled(path, path.stat().st_mtime_ns, language)[1]
        else:
            yield f"{_name(path)}: {path.parts[-3]!r} is not a language tag, so it is not read"


@cache
def console_catalogue(language: str) -> tuple[NullTranslations, bool]:
    """Return the translations of the editors' console: one catalogue for each area of its pages."""
    if language == catalogues.SOURCE_LANGUAGE:
        return NullTranslations(), True
    whole = Catalog(locale=locale_of(language))
    for path in catalogues.console_catalogue_files(language):
        area = read_catalogue(path, language)
        _count_as(whole, area)
        for message in area:
            if message.id and is_complete(message, whole.num_plurals):
                whole[message.id] = message
    return _binary(whole), len(whole) > 0


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
    if folder == catalogues.shipped_templates_folder():
        return path.read_bytes()
    return read_custom_file(folder, path.relative_to(folder).as_posix())


def is_complete(message: Message, plurals: int) -> bool:
    """Return whether a message is translated in every form and not marked as fuzzy."""
    forms = message.string if isinstance(message.string, tuple | list) else (message.string,)
    expected = plurals if message.pluralizable else 1
    return not message.fuzzy and len(forms) == expected and all(forms)
