"""Hugo's configuration, from one file or from `config/_default`; keys in lower case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from publisher.ingest.sites.configuration import ConfigurationFiles
from publisher.ingest.sites.options import SiteOptions
from publisher.ingest.sites.site_languages import tag_of

_ENDINGS = (".toml", ".yaml", ".yml", ".json")
_ROOT_NAMES = frozenset({"hugo", "config"})


@dataclass(frozen=True, slots=True)
class ContentFolder:
    """A folder with content; `language` is that of files without a suffix, `prefix` their section."""

    folder: PurePosixPath
    language: str
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class HugoConfig:
    """What a site's configuration says of its content. `languages` are tags by Hugo's codes.

    `disabled` are the codes of languages that the site does not publish, with the folders of their content.
    """

    values: Mapping[str, Any]
    languages: Mapping[str, str]
    default: str
    content: tuple[ContentFolder, ...]
    static: tuple[PurePosixPath, ...]
    main_sections: frozenset[str]
    permalinks: Mapping[str, str]
    url: str
    title: str
    disabled: Mapping[str, PurePosixPath | None]

    def prefix(self, tag: str) -> str:
        """Return the path below which a language's pages stand; empty for the root."""
        code = next((code for code, one in self.languages.items() if one == tag), "")
        in_folder = _is_true(self.values.get("defaultcontentlanguageinsubdir"))
        return f"/{code}" if code != self.default or in_folder else ""

    @property
    def taxonomies(self) -> tuple[str, ...]:
        """The names of the folders with lists by tag and the like."""
        disabled = self.values.get("disablekinds")
        kinds = disabled if isinstance(disabled, list) else [disabled]
        if {"taxonomy", "term"} <= {str(one).lower() for one in kinds}:
            return ()
        stated = self.values.get("taxonomies")
        names = stated.values() if isinstance(stated, dict) else ("tags", "categories")
        return tuple(str(one).lower() for one in names)

    def is_ugly(self, section: str) -> bool:
        """Return whether the pages of a section are files and no folders."""
        value = self.values.get("uglyurls")
        return (
            _is_true(value.get(section.lower())) if isinstance(value, dict) else _is_true(value)
        )


def read_hugo_config(files: ConfigurationFiles, options: SiteOptions) -> HugoConfig:
    """Read a site's configuration. Raises SourceError if a file of it can't be read."""
    values = _merged(files)
    stated = {
        code: one for code, one in _table(values, "languages").items() if isinstance(one, dict)
    }
    disabled = _disabled(values, stated)
    tables = {code: one for code, one in stated.items() if code not in disabled}
    default = str(values.get("defaultcontentlanguage") or "en").lower()
    if not tables:
        tables = {default: values}
    default = default if default in tables else next(iter(tables))
    tags = {code: _language(code, one) for code, one in tables.items()}
    languages = {code: tag or options.language for code, tag in tags.items()}
    sections = _table(values, "params").get("mainsections") or values.get("mainsections") or []
    return HugoConfig(
        values=values,
        languages=languages,
        default=default,
        content=tuple(_content(values, tables, languages, default)),
        static=tuple(_static(values, tables)),
        main_sections=frozenset(
            str(one).lower() for one in (sections if isinstance(sections, list) else [sections])
        ),
        permalinks=_permalinks(_table(values, "permalinks")),
        url=str(values.get("baseurl") or "").rstrip("/"),
        title=str(tables[default].get("title") or values.get("title") or ""),
        disabled=disabled,
    )


def _disabled(
    values: Mapping[str, Any], stated: Mapping[str, Any]
) -> dict[str, PurePosixPath | None]:
    """Return the languages that are switched off, by one of two keys, with their own folders."""
    listed = values.get("disablelanguages")
    codes = [str(one).lower() for one in listed] if isinstance(listed, list) else []
    codes += [code for code, one in stated.items() if _is_true(one.get("disabled"))]
    folders = {code: str(stated.get(code, {}).get("contentdir") or "") for code in codes}
    return {
        code: PurePosixPath(folder.strip("/")) if folder else None
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
        return {str(key).lower(): _lowered(one) for key, one in value.items()}
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
) -> Iterator[ContentFolder]:
    mounted = list(_mounts(values, languages, languages[default]))
    main = str(values.get("contentdir") or "content")
    yield from mounted
    if not mounted:
        yield ContentFolder(PurePosixPath(main), languages[default])
    for code, table in tables.items():
        folder = table.get("contentdir")
        if folder and str(folder) != main:
            yield ContentFolder(PurePosixPath(str(folder).strip("/")), languages[code])


def _mounts(
    values: Mapping[str, Any], languages: Mapping[str, str], default: str
) -> Iterator[ContentFolder]:
    mounts = _table(values, "module").get("mounts") or []
    for mount in mounts if isinstance(mounts, list) else []:
        table = _lowered(mount) if isinstance(mount, dict) else {}
        target = PurePosixPath(str(table.get("target") or ""))
        if target.parts[:1] == ("content",):
            tag = languages.get(str(table.get("lang") or "").lower(), default)
            source = PurePosixPath(str(table.get("source") or "").strip("/"))
            yield ContentFolder(source, tag, "/".join(target.parts[1:]))


def _static(values: Mapping[str, Any], tables: Mapping[str, Any]) -> Iterator[PurePosixPath]:
    found = []
    for table in (values, *tables.values()):
        names = table.get("staticdir") or []
        found += [str(one) for one in (names if isinstance(names, list) else [names])]
    yield from map(PurePosixPath, dict.fromkeys([*(found or ["static"]), "assets"]))


def _permalinks(table: Mapping[str, Any]) -> dict[str, str]:
    """Return the patterns of pages by section; they stand below `page` in newer sites."""
    pages = {**table, **_table(table, "page")}
    return {name: one for name, one in pages.items() if isinstance(one, str)}


def _table(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = values.get(key)
    return found if isinstance(found, dict) else {}


def _is_true(value: Any) -> bool:
    return value is True or str(value).lower() == "true"
