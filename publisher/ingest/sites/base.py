"""The interface of a site: what a file is by its name, what its front matter means, and in which language it is.

A site knows names, its own configuration and what the publication says of it (`SiteOptions`). It reads no
documents and no database, so asking it about every file at every cycle costs little. Languages stand in names as
folders, suffixes, prefixes or ids: `2026-01-09-tides-fr`, `fr/tides`, `tides.fr` and `fr-tides` are `tides` in
French, if the site has French.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any, Protocol

from publisher.articles.model import ParsedArticle
from publisher.errors import LanguageError
from publisher.ingest.parsers import Dialect, SiteValues
from publisher.ingest.parsers.front_matter import YamlValue
from publisher.languages import match, normalise


class LeftOutReason(StrEnum):
    """Why a file is no article, although nothing is wrong with it."""

    HIDDEN = "hidden"
    FOLDER = "folder"
    README = "readme"
    ENDING = "unknown ending"
    UNWATCHED = "unwatched"
    EXCLUDED = "excluded"
    PAGE = "page"
    LIST = "list"
    TEMPLATE = "template"
    DRAFT = "draft"
    UNLISTED = "unlisted"
    EXPIRED = "expired"
    SCHEDULED = "scheduled"
    UNTRANSLATED = "untranslated"

    @property
    def is_on_site(self) -> bool:
        """Whether a file that is left out by its name may be a page of the site."""
        return self in {self.PAGE, self.LIST, self.README, self.EXCLUDED}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that is no article; `group` says which of its kind it belongs to, such as `docs`."""

    reason: LeftOutReason
    group: str = ""


class LeftOutError(Exception):
    """The front matter of a document says that it is no article now."""

    def __init__(self, reason: LeftOutReason, group: str = "", title: str = "") -> None:
        super().__init__(reason)
        self.left_out = LeftOut(reason, group)
        self.title = title


class PageKind(StrEnum):
    """What a document is by its name: an article, one if it has a date, or a page of the site."""

    POST = "post"
    DATED = "dated"
    PAGE = "page"


@dataclass(frozen=True, slots=True)
class SitePage:
    """A document that may be an article, as far as its name says.

    `path` is relative to the source folder. `language` is a tag, None if the document or the
    source has to say it; `story` the story's key, None if it follows from permalink or path.
    `date` is the one in its name, `title` that of a document without any. `group` is the section, for counting what is left out. A relative
    picture that is not beside the document may be in one of the folders `beside`.
    """

    path: PurePosixPath
    language: str | None = None
    story: str | None = None
    date: date | None = None
    dialect: Dialect = Dialect.PLAIN
    kind: PageKind = PageKind.POST
    group: str = ""
    title: str = ""
    beside: tuple[PurePosixPath, ...] = ()


class Site(Protocol):
    """A folder as its generator reads it."""

    @property
    def generator(self) -> str:
        """The name of the generator, as in the setting `site`."""
        ...

    @property
    def title(self) -> str:
        """The site's title; empty if it is not known."""
        ...

    @property
    def language(self) -> str:
        """The language of what states none."""
        ...

    @property
    def declared(self) -> tuple[str, ...]:
        """The languages that the site's configuration lists."""
        ...

    @property
    def timezone(self) -> str:
        """The zone of dates without one, as the site states it; empty if it states none."""
        ...

    @property
    def url(self) -> str:
        """The address at which the site stands today, without a slash; empty if unknown.

        Permalinks and aliases are paths below it.
        """
        ...

    @property
    def static(self) -> tuple[PurePosixPath, ...]:
        """The folders whose files stand at the root of the site."""
        ...

    @property
    def generated(self) -> tuple[str, ...]:
        """Patterns of the addresses of pages that no file stands for: feeds, lists by tag.

        In the form of `publisher.ingest.sites.permalinks`; `**` if nobody can tell.
        """
        ...

    def looks_into(self, folder: PurePosixPath) -> bool:
        """Return whether a folder may have articles, pictures or attachments."""
        ...

    def classify(self, path: PurePosixPath) -> SitePage | LeftOut:
        """Return what a file is, by its name."""
        ...

    def describe(self, page: SitePage, fields: Mapping[str, YamlValue]) -> ParsedArticle:
        """Return the article without a body that front matter describes.

        Language, key, date and permalink are those that the generator would say. Raises
        ArticleError for a value that can't be read, LeftOutError for a document that is held back.
        """
        ...

    def values(self, page: SitePage) -> SiteValues:
        """Return what templates in a document may show of the site."""
        ...


# Groups of files that are left out, per source; and characters of the name of one.
_MAX_GROUPS, _MAX_GROUP = 100, 60


def left_out_as_text(left_out: Mapping[LeftOut, int]) -> str:
    """Return what is left out as it is stored: the most frequent reasons and groups."""
    most = sorted(left_out.items(), key=lambda pair: (-pair[1], pair[0].reason, pair[0].group))
    rows = [(one.reason, one.group[:_MAX_GROUP], number) for one, number in most[:_MAX_GROUPS]]
    return json.dumps(rows) if rows else ""


@dataclass(frozen=True, slots=True)
class SiteOptions:
    """The generator, or `auto`; and what overrides the site's own configuration.

    `language` is the one of documents that state none, and `source_language` the same if the source states
    it; `languages` are the publication's.
    """

    site: str = "auto"
    static: Sequence[str] = ()
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    url: str = ""
    language: str = "en"
    source_language: str = ""
    languages: Sequence[str] = ()

    @property
    def static_folders(self) -> tuple[PurePosixPath, ...]:
        """The folders whose files stand at the root of the site."""
        return tuple(PurePosixPath(name) for name in self.static)


_CODE = re.compile(r"[a-z]{2}([-_]([a-z]{2}|[a-z]{4}|[0-9]{3}))*", re.IGNORECASE)
_SEPARATORS = ".-_"
# Codes of countries that sites write for the languages of the countries, and that are no languages.
_COUNTRIES = {
    "cn": "zh-Hans",
    "cz": "cs",
    "dk": "da",
    "ge": "ka",
    "gr": "el",
    "jp": "ja",
    "kz": "kk",
    "ua": "uk",
    "vn": "vi",
}


class SiteLanguages:
    """Languages by the codes that a site uses for them; `default` is that of names without a code."""

    def __init__(self, codes: Mapping[str, str], default: str) -> None:
        self._tags = {_folded(code): tag for code, tag in codes.items()}
        self.tags = tuple(dict.fromkeys([default, *codes.values()]))
        self.default = default

    @classmethod
    def of(cls, codes: Iterable[str], default: str) -> SiteLanguages:
        """Return the languages of codes that are tags themselves; others are no languages."""
        return cls({code: tag for code in codes if (tag := tag_of(code))}, default)

    def tag(self, code: str) -> str | None:
        """Return the language of a code in any spelling, if the site has it."""
        folded = _folded(code)
        if folded in self._tags:
            return self._tags[folded]
        tag = tag_of(code) if _CODE.fullmatch(code) else None
        return match(tag, self.tags) if tag else None

    def split_folders(self, path: PurePosixPath) -> tuple[str | None, PurePosixPath]:
        """Return the language that a folder of a path names, and the path without that folder."""
        for number, part in enumerate(path.parts[:-1]):
            tag = self.tag(part)
            if tag:
                return tag, PurePosixPath(*path.parts[:number], *path.parts[number + 1 :])
        return None, path

    def split_suffix(self, name: str, separators: str = ".") -> tuple[str | None, str]:
        """Return the language that stands behind the last separator of a name, and the rest."""
        for separator in separators:
            rest, found, code = name.rpartition(separator)
            tag = self.tag(code) if found and rest else None
            if tag:
                return tag, rest
        return None, name

    def without(self, text: str, language: str) -> str:
        """Return a path, name or id without the language `language`, wherever it stands."""
        parts = [one for one in text.split("/") if one and self.tag(one) != language]
        if not parts:
            return ""
        return "/".join([*parts[:-1], self._bare(parts[-1], language)])

    def _bare(self, name: str, language: str) -> str:
        for separator in _SEPARATORS:
            # A code may have a separator of its own: zh-cn, pt_BR.
            for count in (2, 1):
                pieces = name.split(separator)
                if len(pieces) <= count:
                    continue
                if self.tag(separator.join(pieces[-count:])) == language:
                    return separator.join(pieces[:-count])
                if self.tag(separator.join(pieces[:count])) == language:
                    return separator.join(pieces[count:])
        return name


def tag_of(code: str) -> str | None:
    """Return the language tag that a code is in any spelling, None if it is none.

    Sites also write the code of a country: `ua` for Ukrainian.
    """
    try:
        return normalise(code)
    except LanguageError:
        return _COUNTRIES.get(code.strip().lower())


def listed_tags(listed: Any) -> dict[str, str]:
    """Return the languages that a site lists by their codes; a table may say the tag of each."""
    if isinstance(listed, list):
        return {str(one): tag for one in listed if (tag := tag_of(str(one)))}
    if not isinstance(listed, dict):
        return {}
    stated = {
        str(code): str(one.get("lang") or one.get("locale") or "")
        if isinstance(one, dict)
        else ""
        for code, one in listed.items()
    }
    return {code: tag for code, lang in stated.items() if (tag := tag_of(lang or code))}


def is_language_code(name: str) -> bool:
    """Return whether a name is a language of two letters, maybe with a region or a script."""
    return _CODE.fullmatch(name) is not None and tag_of(name) is not None


def _folded(code: str) -> str:
    return code.lower().replace("_", "-")
