"""Hugo's configuration, from one file or from `config/_default`; keys in lower case."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any

from publisher.ingest.sites.base import SiteOptions, tag_of
from publisher.ingest.sites.common_front_matter import plain_list, plain_table
from publisher.ingest.sites.configuration import ConfigurationFiles

_ENDINGS = (".toml", ".yaml", ".yml", ".json")
_ROOT_NAMES = frozenset({"hugo", "config"})


@dataclass(frozen=True, slots=True)
class ContentFolder:
    """A folder with content; `language` is that of files without a suffix, `prefix` their section."""

    folder: PurePosixPath
    language: str
    prefix: str = ""


class HugoConfig:
    """What a site's configuration says of its content. `languages` are tags by Hugo's codes.

    `disabled` are the codes of languages that the site does not publish, with the folders of their content.
    """

    def __init__(self, files: ConfigurationFiles, options: SiteOptions) -> None:
        """Read a site's configuration. Raises SourceError if a file of it can't be read."""
        self.values = values = _merged(files)
        listed = _table(values, "languages").items()
        stated = {code: table for code, table in listed if isinstance(table, dict)}
        main = PurePosixPath(str(values.get("contentdir") or "content").strip("/"))
        named = _named_folders(files, main, stated)
        self.disabled = _disabled(values, stated, named)
        tables = {code: item for code, item in stated.items() if code not in self.disabled}
        default = str(values.get("defaultcontentlanguage") or "en").lower()
        tables = tables or {default: values}
        self.default = default if default in tables else next(iter(tables))
        tags = {code: _language(code, item) for code, item in tables.items()}
        self.languages = {code: tag or options.language for code, tag in tags.items()}
        self.content = _content(values, tables, self.languages, self.default, main, named)
        self.static = tuple(_static(values, tables))
        sections = _table(values, "params").get("mainsections") or values.get("mainsections")
        self.main_sections = {str(entry).lower() for entry in plain_list(sections or None)}
        # The patterns of pages by section; they stand below `page` in newer sites.
        patterns = _table(values, "permalinks")
        patterns = {**patterns, **_table(patterns, "page")}
        self.permalinks = {
            name: item for name, item in patterns.items() if isinstance(item, str)
        }
        self.url = str(values.get("baseurl") or "").rstrip("/")
        self.title = str(tables[self.default].get("title") or values.get("title") or "")

    def prefix(self, tag: str) -> str:
        """Return the path below which a language's pages stand; empty for the root."""
        code = next((code for code, item in self.languages.items() if item == tag), "")
        in_folder = _is_true(self.values.get("defaultcontentlanguageinsubdir"))
        return f"/{code}" if code != self.default or in_folder else ""

    @property
    def taxonomies(self) -> tuple[str, ...]:
        """The names of the folders with lists by tag and the like."""
        kinds = plain_list(self.values.get("disablekinds"))
        if {"taxonomy", "term"} <= {str(kind).lower() for kind in kinds}:
            return ()
        stated = self.values.get("taxonomies")
        names = stated.values() if isinstance(stated, dict) else ("tags", "categories")
        return tuple(str(name).lower() for name in names)

    def is_ugly(self, section: str) -> bool:
        value = self.values.get("uglyurls")
        return (
            _is_true(value.get(section.lower())) if isinstance(value, dict) else _is_true(value)
        )


def _named_folders(
    files: ConfigurationFiles, main: PurePosixPath, codes: Iterable[str]
) -> dict[str, PurePosixPath]:
    """Return the folders of the main content directory that are named like a language, by its code."""
    names = {name.lower().replace("_", "-"): name for name in files.names(str(main), "")}
    spelled = {code: code.replace("_", "-") for code in codes}
    return {code: main / names[name] for code, name in spelled.items() if name in names}


def _disabled(
    values: Mapping[str, Any], stated: Mapping[str, Any], named: Mapping[str, PurePosixPath]
) -> dict[str, PurePosixPath | None]:
    """Return the languages that are switched off, by one of two keys, with their own folders."""
    listed = values.get("disablelanguages")
    codes = [str(code).lower() for code in listed] if isinstance(listed, list) else []
    codes += [code for code, item in stated.items() if _is_true(item.get("disabled"))]
    folders = {code: str(stated.get(code, {}).get("contentdir") or "") for code in codes}
    return {
        code: PurePosixPath(folder.strip("/")) if folder else named.get(code)
        for code, folder in folders.items()
    }


def _merged(files: ConfigurationFiles) -> dict[str, Any]:
    """Return the root file, then those of `config/_default`, each under its name."""
    names = [f"{name}{ending}" for name in ("hugo", "config") for ending in _ENDINGS]
    values: dict[str, Any] = _lowered(files.first_table(*names) or {})
    for path in files.below("config/_default", _ENDINGS):
        table = _lowered(files.table(path) or {})
        name, _dot, code = PurePosixPath(path).stem.lower().partition(".")
        if name in _ROOT_NAMES:
            values = table | values
        elif code and name == "languages":
            values.setdefault("languages", {})[code] = table
        elif not code:
            values[name] = {**_table(values, name), **table}
    return values


def _lowered(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key).lower(): _lowered(item) for key, item in value.items()}
    return value


def _language(code: str, table: Mapping[str, Any]) -> str | None:
    """Return the tag of a language: its code, unless its locale says that it is another one."""
    by_code = tag_of(code)
    by_locale = tag_of(str(table.get("locale") or table.get("languagecode") or ""))
    same = by_code and by_locale and by_code.split("-")[0] == by_locale.split("-")[0]
    return by_code if same else by_locale or by_code


def _content(
    values: Mapping[str, Any],
    tables: Mapping[str, Any],
    languages: Mapping[str, str],
    default: str,
    main: PurePosixPath,
    named: Mapping[str, PurePosixPath],
) -> list[ContentFolder]:
    """Return the content directories: mounts, or the main one if a language has no other; and those of languages.

    A build may write the mounts, which are then not among the site's files. So a folder of the main directory
    that is named like a language is that language's, unless a mount or `contentDir` says otherwise.
    """
    own = {
        code: str(item.get("contentdir") or main).strip("/") for code, item in tables.items()
    }
    in_main = [code for code in tables if own[code] == str(main)]
    in_main.sort(key=lambda code: code != default)
    found = _mounts(values, languages, default)
    found = found or [ContentFolder(main, languages[code]) for code in in_main[:1]]
    others = [code for code in tables if code not in in_main]
    found += [ContentFolder(PurePosixPath(own[code]), languages[code]) for code in others]
    folders = {match.folder for match in found}
    # The folders of which a mount says whose content they have.
    stated = {source for source, table in _mount_tables(values) if _stated_languages(table)}
    for code in in_main if main in folders and main not in stated else ():
        if code in named and named[code] not in folders | stated:
            found.append(ContentFolder(named[code], languages[code]))
    return found


def _mounts(
    values: Mapping[str, Any], languages: Mapping[str, str], default: str
) -> list[ContentFolder]:
    """Return the mounts to `content`, without those that only show a folder in other languages, too."""
    found = list[tuple[tuple[int, bool, bool], ContentFolder]]()
    for source, table in _mount_tables(values):
        target = PurePosixPath(str(table.get("target") or ""))
        if target.parts[:1] == ("content",):
            code = _code_of_mount(table, languages, default)
            one = ContentFolder(source, languages[code], "/".join(target.parts[1:]))
            is_other = source.name.lower().replace("_", "-") != code.replace("_", "-")
            found.append(((len(source.parts), is_other, code != default), one))
    kept = list[ContentFolder]()
    for _rank, match in sorted(found, key=lambda pair: pair[0]):
        if not any(_has_at_its_place(other, match) for other in kept):
            kept.append(match)
    return kept


def _mount_tables(values: Mapping[str, Any]) -> Iterator[tuple[PurePosixPath, dict[str, Any]]]:
    mounts = _table(values, "module").get("mounts")
    for mount in mounts if isinstance(mounts, list) else ():
        if isinstance(mount, dict):
            table = _lowered(mount)
            yield PurePosixPath(str(table.get("source") or "").strip("/")), table


def _stated_languages(table: Mapping[str, Any]) -> list[str]:
    """Return the patterns of languages that a mount states by `lang` or `sites.matrix`."""
    matrix = _table(_table(table, "sites"), "matrix").get("languages")
    return [str(entry).lower() for entry in plain_list(table.get("lang") or matrix or None)]


def _has_at_its_place(whole: ContentFolder, part: ContentFolder) -> bool:
    """Return whether a mount has the folder of another one, and at the same place."""
    if not part.folder.is_relative_to(whole.folder):
        return False
    inside = part.folder.relative_to(whole.folder)
    return PurePosixPath(whole.prefix, inside) == PurePosixPath(part.prefix)


def _code_of_mount(table: Mapping[str, Any], languages: Mapping[str, str], default: str) -> str:
    """Return the language of a mount by the patterns that it states; the default before others.

    `! en` is a pattern, too. https://gohugo.io/configuration/module/#mounts
    """
    patterns = _stated_languages(table)
    refused = [pattern[1:].strip() for pattern in patterns if pattern.startswith("!")]
    wanted = [pattern for pattern in patterns if not pattern.startswith("!")] or ["*"]

    def is_one(code: str, of: list[str]) -> bool:
        return any(fnmatchcase(code, entry) for entry in of)

    codes = [code for code in languages if is_one(code, wanted) and not is_one(code, refused)]
    return default if default in codes or not codes else codes[0]


def _static(values: Mapping[str, Any], tables: Mapping[str, Any]) -> Iterator[PurePosixPath]:
    every = (table.get("staticdir") or None for table in (values, *tables.values()))
    names = [str(name) for stated in every for name in plain_list(stated)]
    yield from map(PurePosixPath, dict.fromkeys([*(names or ["static"]), "assets"]))


def _table(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    return plain_table(values.get(key))


def _is_true(value: Any) -> bool:
    return value is True or str(value).lower() == "true"
