"""A site: what a file is by its name, what its front matter means, and in which language it is.

A site knows names, its own configuration and what the publication says of it (`SiteOptions`). It reads no
documents and no database, so asking it about every file at every cycle costs little. Languages stand in names as
folders, suffixes, prefixes or ids: `2026-01-09-tides-fr`, `fr/tides`, `tides.fr` and `fr-tides` are `tides` in
French, if the site has French.

Permalinks are addresses as generators make them, by patterns such as `/:year/:month/:slug/`. Some pages have no
file of their own: feeds, lists by tag. In patterns of paths, as in the settings `include` and `exclude`, `*` and
`?` stand for characters of one name, `{md,mdx}` for one of several texts, `**` for any number of folders. A
pattern without a slash, or one that names a folder, also means everything below what it names.
"""

from __future__ import annotations

import json
import re
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import cache, cached_property, partial
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from babel.dates import get_day_names, get_month_names

from publisher.articles.model import ParsedArticle
from publisher.config.sources import FolderSourceSettings
from publisher.ingest.parsers.document import Dialect, SiteValues
from publisher.ingest.parsers.front_matter import YamlValue
from publisher.ingest.sites.configuration import ConfigurationFiles
from publisher.languages import known_tag, match
from publisher.log import log

# Names of patterns of Jekyll.
JEKYLL_STYLES = {
    "date": "/:categories/:year/:month/:day/:title:output_ext",
    "pretty": "/:categories/:year/:month/:day/:title/",
    "ordinal": "/:categories/:year/:y_day/:title:output_ext",
    "weekdate": "/:categories/:year/W:week/:short_day/:title:output_ext",
    "none": "/:categories/:title:output_ext",
}
_TOKEN = re.compile(r":([a-z_]+)", re.IGNORECASE)
_REPEATED_SLASHES = re.compile("/{2,}")


def fill_pattern(pattern: str, values: Mapping[str, Callable[[], str]]) -> str | None:
    """Return a path from a pattern and the values of its tokens; None for an unknown token."""
    unknown = False

    def value(token: re.Match[str]) -> str:
        nonlocal unknown
        name = token[1].lower()
        # `:title:output_ext` and `:title_x` both occur: the longest known name counts.
        known = max((one for one in values if name.startswith(one)), key=len, default=None)
        if known is None:
            unknown = True
            return ""
        return values[known]() + token[1][len(known) :]

    filled = _TOKEN.sub(value, pattern)
    return None if unknown else clean_path(filled)


def clean_path(path: str) -> str:
    """Return a path with one slash at its start, and single ones inside."""
    return _REPEATED_SLASHES.sub("/", f"/{path}")


_DATES = "year=%Y month=%m day=%d short_year=%y y_day=%j week=%V hour=%H minute=%M second=%S"
_DATE_FORMATS = dict(re.findall(r"(\S+)=(\S+)", _DATES))


def date_tokens(day: date | None) -> dict[str, Callable[[], str]]:
    """Return the tokens of a date that Jekyll and Hugo share; none without a date."""
    if day is None:
        return {}

    def name(names: Mapping[int, Any], number: int) -> Callable[[], str]:
        return lambda: str(names[number])

    months, days = get_month_names(locale="en"), get_day_names(locale="en")
    return {name: partial(day.strftime, form) for name, form in _DATE_FORMATS.items()} | {
        "i_month": lambda: str(day.month),
        "i_day": lambda: str(day.day),
        "yearday": lambda: str(day.timetuple().tm_yday),
        "weekday": lambda: str(day.isoweekday() % 7),
        **dict.fromkeys(("weekdayname", "long_day"), name(days, day.weekday())),
        **dict.fromkeys(("monthname", "long_month"), name(months, day.month)),
        "short_month": name(get_month_names("abbreviated", locale="en"), day.month),
        "short_day": name(get_day_names("abbreviated", locale="en"), day.weekday()),
    }


def path_word(text: str) -> str:
    """Return a title as one word of a path, as Hugo does: hyphens for spaces, no punctuation."""
    signs = unicodedata.normalize("NFC", text.strip())
    kept = (s for s in signs if s.isalnum() or s in " -_.+~/" or unicodedata.combining(s))
    return re.sub(r"[\s-]+", "-", "".join(kept)).strip("-").lower()


def title_of_name(name: str) -> str:
    """Return the title that a file's name stands for: `spring-tides` is `Spring Tides`."""
    words = name.replace("_", "-").split("-")
    return " ".join(one[:1].upper() + one[1:] for one in words if one)


class PathPatterns:
    """Several patterns of paths that are relative to one folder."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._pattern = re.compile("|".join(map(_regex, patterns))) if patterns else None

    def __bool__(self) -> bool:
        return self._pattern is not None

    def match(self, path: PurePosixPath) -> bool:
        return self._pattern is not None and bool(self._pattern.fullmatch(str(path)))


def _regex(pattern: str) -> str:
    parts = pattern.strip("/").split("/")
    # A name alone is looked for in every folder, as in .gitignore.
    anchored = "" if len(parts) > 1 or pattern.startswith("/") else "(?:.*/)?"
    names = "".join("(?:.*/)?" if part == "**" else f"{_name_regex(part)}/" for part in parts)
    whole = names.removesuffix("/") if parts[-1] != "**" else f"{names}[^/]+"
    return f"{anchored}{whole}(?:/.*)?"


def _name_regex(name: str) -> str:
    before, opened, rest = name.partition("{")
    inside, closed, behind = rest.partition("}")
    if opened and closed:
        choices = "|".join(map(_name_regex, inside.split(",")))
        return f"{_name_regex(before)}(?:{choices}){_name_regex(behind)}"
    return "".join({"*": "[^/]*", "?": "[^/]"}.get(one) or re.escape(one) for one in name)


# What every generator makes, or its usual plugins do.
COMMON_PAGES = tuple(
    "sitemap.xml sitemap_index.xml robots.txt 404.html feed.xml feed index.xml rss.xml atom.xml "  # noqa: SIM905  # one a line would fill the page
    "feed.json index.json search page".split()
)
# Lists of pages by what they have in common.
LISTS = ("tag", "tags", "category", "categories", "author", "authors", "archive", "archives")
_LIST_PLUGINS = re.compile("archive|paginate|tag|categor")  # plugins of Jekyll that make lists


def jekyll_pages(config: Mapping[str, Any], *, has_own_plugins: bool) -> Iterator[str]:
    """Yield the patterns of Jekyll; `**` without a configuration: a folder of posts alone."""
    yield from COMMON_PAGES if config else ("**",)
    yield str(config.get("paginate_path") or "/page:num").replace(":num", "*")
    plugins = config.get("plugins") or config.get("gems") or ""
    if has_own_plugins or _LIST_PLUGINS.search(str(plugins)):
        yield from LISTS


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
    COPY = "copy"

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
    kind: PageKind = PageKind.POST
    group: str = ""
    title: str = ""
    beside: tuple[PurePosixPath, ...] = ()


# Groups of files that are left out, per source; and characters of the name of one.
_MAX_GROUPS, _MAX_GROUP = 100, 60


def left_out_as_text(left_out: Mapping[LeftOut, int]) -> str:
    """Return what is left out as it is stored: the most frequent reasons and groups."""
    most = sorted(left_out.items(), key=lambda pair: (-pair[1], pair[0].reason, pair[0].group))
    rows = [(file.reason, file.group[:_MAX_GROUP], count) for file, count in most[:_MAX_GROUPS]]
    return json.dumps(rows) if rows else ""


_FOLDER = FolderSourceSettings(kind="folder", name=".", path=".")


@dataclass(frozen=True, slots=True)
class SiteOptions:
    """What the settings of the source say, before the site's own configuration; and the publication's languages."""

    source: FolderSourceSettings = _FOLDER
    languages: Sequence[str] = ()

    @property
    def language(self) -> str:
        """The language of documents that state none."""
        return self.source.language or next(iter(self.languages), "en")


_CODE = re.compile(r"[a-z]{2}([-_]([a-z]{2}|[a-z]{4}|[0-9]{3}))*", re.IGNORECASE)
_SEPARATORS = ".-_"
# Codes of countries that sites write for the languages of the countries, and that are no languages.
_COUNTRIES = dict(
    re.findall(r"(\S+)=(\S+)", "cn=zh-Hans cz=cs dk=da ge=ka gr=el jp=ja kz=kk ua=uk vn=vi")
)


class SiteLanguages:
    """Languages by the codes that a site uses for them; `default` is that of names without a code."""

    def __init__(self, codes: Mapping[str, str], default: str) -> None:
        self._tags = {_folded(code): tag for code, tag in codes.items()}
        self.tags = tuple(dict.fromkeys([default, *codes.values()]))
        self.default = default

    @classmethod
    def of(cls, codes: Iterable[str], default: str) -> SiteLanguages:
        return cls({code: tag for code in codes if (tag := tag_of(code))}, default)

    def tag(self, code: str) -> str | None:
        """Return the language of a code in any spelling, if the site has it."""
        folded = _folded(code)
        if folded in self._tags:
            return self._tags[folded]
        tag = tag_of(code) if _CODE.fullmatch(code) else None
        return match(tag, self.tags) if tag else None

    def split_folders(self, path: PurePosixPath) -> tuple[str | None, PurePosixPath]:
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

    def split_path(self, path: PurePosixPath) -> tuple[str | None, PurePosixPath]:
        """Return the language in a folder or at the end of a name, and the path without it and its ending."""
        language, bare = self.split_folders(path.with_suffix(""))
        if language is None:
            language, stem = self.split_suffix(path.stem)
            bare = path.with_name(stem)
        return language, bare

    def without(self, text: str, language: str) -> str:
        """Return a path, name or id without the language `language`, wherever it stands."""
        parts = [entry for entry in text.split("/") if entry and self.tag(entry) != language]
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
    """Return the language tag of a code in any spelling, also of a country (`ua` for Ukrainian); None if it is none."""
    return known_tag(code) or _COUNTRIES.get(code.strip().lower())


def listed_tags(listed: Any) -> dict[str, str]:
    """Return the languages that a site lists by their codes; a table may say the tag of each."""
    if isinstance(listed, list):
        return {str(code): tag for code in listed if (tag := tag_of(str(code)))}
    if not isinstance(listed, dict):
        return {}
    stated = {
        str(code): str(item.get("lang") or item.get("locale") or "")
        if isinstance(item, dict)
        else ""
        for code, item in listed.items()
    }
    return {code: tag for code, lang in stated.items() if (tag := tag_of(lang or code))}


def is_language_code(name: str) -> bool:
    """Return whether a name is a language of two letters, maybe with a region or a script."""
    return _CODE.fullmatch(name) is not None and tag_of(name) is not None


def _folded(code: str) -> str:
    return code.lower().replace("_", "-")


# Files about a repository, or for programs that work in it, by their names without endings.
_ABOUT_REPOSITORY = frozenset(
    "LICENSE LICENCE COPYING NOTICE CHANGELOG CHANGES CONTRIBUTORS CODE-OF-CONDUCT SECURITY GOVERNANCE "  # noqa: SIM905  # one a line would fill the page
    "MAINTAINERS AUTHORS OWNERS CODEOWNERS SUPPORT COPILOT SKILL PULL_REQUEST_TEMPLATE ISSUE_TEMPLATE".split()
)
# Those that no post is called, in whatever letters.
NEVER_POSTS = frozenset(
    {"agents", "claude", "gemini", "copilot-instructions", "contributing", "code_of_conduct"}
)
_A_POST = "2026-01-01-x.md"  # a name that is a post's in every generator


@cache
def _readable(url: str) -> str:
    """Return a site's address, or nothing for one that can't be read, as `https://[name].example`."""
    try:
        urlsplit(url).port  # noqa: B018  # it is read here only
    except ValueError as error:
        log.warning(
            "the site's address in its configuration is no address, so links to it and old addresses are "
            "not recognised; correct it there, or set `url` of the source",
            url=url,
            reason=str(error),
        )
        return ""
    return url


class Site(ABC):
    """A folder as its generator reads it; the subclasses say what is so for one generator.

    What `include` and `exclude` of the options say changes the generator's choice of documents. The source's
    language counts before the one that the site's configuration declares.
    """

    generator: str  # the name of the generator, as in the setting `site`
    dialect = Dialect.PLAIN  # how its documents are written
    title = ""  # empty if it is not known
    # The zone of dates without one, as the site states it; empty if it states none.
    timezone = ""
    declared: tuple[str, ...] = ()  # the languages that the site's configuration lists
    # Patterns of the addresses of pages that no file stands for: feeds, lists by tag. In the form of
    # `PathPatterns`; `**` if nobody can tell.
    generated: tuple[str, ...] = ("**",)
    # What the names of files begin with that the generator does not read; and of folders, or their names.
    hidden: tuple[str, ...] = (".", "_", "#")
    hidden_folders: tuple[str, ...] = (".",)
    unread: frozenset[str] = frozenset({"node_modules"})
    # The address that the configuration states, without a slash; empty if it states none.
    stated_url = ""
    # The folders whose files stand at the root of the site, beside those of the options.
    own_static: Sequence[PurePosixPath] = ()
    folders: Sequence[PurePosixPath] = (PurePosixPath(),)  # those that the generator reads

    def __init__(self, files: ConfigurationFiles, options: SiteOptions) -> None:
        self._files = files
        self._options = options.source
        self._to_include = PathPatterns(options.source.include)
        self._to_exclude = PathPatterns(options.source.exclude)
        self._languages = SiteLanguages({}, options.language)

    @abstractmethod
    def page_at(self, path: PurePosixPath) -> SitePage | LeftOut:
        """Return what a file is for the generator, by its name."""

    @abstractmethod
    def describe(self, page: SitePage, fields: Mapping[str, YamlValue]) -> ParsedArticle:
        """Return the article without a body that front matter describes.

        Language, key, date and permalink are those that the generator would say. Raises
        ArticleError for a value that can't be read, LeftOutError for a document that is held back.
        """

    def values(self, page: SitePage) -> SiteValues:
        """Return what templates in a document may show of the site."""
        return SiteValues(page={"path": str(page.path)})

    @property
    def language(self) -> str:
        return self._languages.default

    @property
    def url(self) -> str:
        """The site's address today, without a slash; empty if unknown. Permalinks and aliases are paths below it."""
        return _readable((self._options.url or "").rstrip("/") or self.stated_url)

    @cached_property
    def static(self) -> tuple[PurePosixPath, ...]:
        """The folders whose files stand at the root of the site."""
        return (*map(PurePosixPath, self._options.static), *self.own_static)

    def looks_into(self, folder: PurePosixPath) -> bool:
        """Return whether a folder may have articles, pictures or attachments."""
        if folder.name.startswith(self.hidden_folders) or folder.name in self.unread:
            return False
        return any(
            folder.is_relative_to(entry) or entry.is_relative_to(folder)
            for entry in self.folders
        )

    def classify(self, path: PurePosixPath) -> SitePage | LeftOut:
        """Return what a file is, by its name."""
        is_left = bool(self._to_include) and not self._to_include.match(path)
        if is_left or self._to_exclude.match(path):
            section = path.parts[0] if len(path.parts) > 1 else ""
            return LeftOut(LeftOutReason.EXCLUDED, section)
        if self._is_about_repository(path):
            return LeftOut(LeftOutReason.README, path.name)
        is_hidden = path.name.startswith(self.hidden)
        if is_hidden or path.name.endswith("~"):
            return LeftOut(LeftOutReason.HIDDEN, path.name[0] if is_hidden else "~")
        page = self.page_at(path)
        if isinstance(page, LeftOut):
            return page
        if self._to_include:
            page = replace(page, kind=PageKind.POST)
        elif page.kind is PageKind.PAGE:
            return LeftOut(LeftOutReason.PAGE, page.group)
        stated = self._options.language
        return replace(page, language=stated) if stated and self._may_state(page) else page

    def _may_state(self, page: SitePage) -> bool:
        """Return whether the source's language is that of a page whose front matter states none.

        It is not, if the name of the file says another one, or the folder in which it is; but where all
        that `include` names is in one language, the source is of that language alone.
        """
        folders = () if self._to_include else page.path.parts[:-1]
        codes = filter(is_language_code, (*folders, page.path.stem.rpartition(".")[2]))
        if page.language in map(tag_of, codes):
            return False
        if languages := self._languages_of_include:
            return {page.language} == languages
        return page.language in {None, self.language}

    @cached_property
    def _languages_of_include(self) -> set[str]:
        """The languages of documents where `include` says that articles are; none if it names no folder."""
        names = (PurePosixPath(entry.strip("/"), _A_POST) for entry in self._options.include)
        pages = map(self.page_at, names)
        return {page.language for page in pages if isinstance(page, SitePage) and page.language}

    def _is_about_repository(self, path: PurePosixPath) -> bool:
        """Return whether a file is about a repository, in any folder: README.md, AGENTS.fr.md, LICENSE.txt.

        `include` takes a README with its folder, and the others if it names them.
        """
        name = path.name.partition(".")[0]
        if name.lower() == "readme":
            return not self._to_include
        named = {PurePosixPath(entry).name for entry in self._options.include}
        is_about = name in _ABOUT_REPOSITORY or name.lower() in NEVER_POSTS
        return is_about and path.name not in named
