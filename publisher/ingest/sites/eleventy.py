"""Sites of Eleventy: Markdown and HTML with a date, by directory data files.

`eleventy.config.js` is a script. It is not run; only the folders that it names as plain strings are
found. Data files are read if they are JSON, or export an object: its texts and lists of texts.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import PurePosixPath

from slugify import slugify

from publisher.articles.model import ParsedArticle
from publisher.errors import SourceError
from publisher.ingest.parsers.document import Dialect, SiteValues
from publisher.ingest.parsers.fields import date_in_name, parse_date
from publisher.ingest.parsers.front_matter import YamlValue
from publisher.ingest.sites import common_front_matter, permalinks
from publisher.ingest.sites.base import (
    LeftOut,
    LeftOutError,
    LeftOutReason,
    PageKind,
    Site,
    SiteLanguages,
    SiteOptions,
    SitePage,
    is_language_code,
)
from publisher.ingest.sites.common_front_matter import Fields
from publisher.ingest.sites.configuration import (
    ConfigurationFiles,
    DataFiles,
    own_domain,
    plain_values,
)
from publisher.ingest.sites.permalinks import COMMON_PAGES

ELEVENTY_FILES = (
    ".eleventy.js",
    *(f"eleventy.config.{ending}" for ending in ("js", "cjs", "mjs", "ts")),
)
# A value in a permalink: `{{ page.fileSlug }}`, `{{ title | slugify }}`.
_VALUE = re.compile(
    r"\{\{-?\s*(?P<name>[\w.]{1,60})\s*(?:\|\s*(?P<filter>slug|slugify)\s*)?-?\}\}"
)
_DATE_LENGTH = len("2026-01-09-")
# Collections of posts in the starters, which are no topics.
_POST_TAGS = frozenset({"post", "posts", "blog", "news", "article", "articles", "all"})


class EleventySite(Site):
    """A folder with a script of Eleventy's configuration."""

    generator = "eleventy"
    hidden_folders = (".", "_")
    # Lists are templates, which state their addresses.
    generated = COMMON_PAGES

    def __init__(self, files: ConfigurationFiles, options: SiteOptions) -> None:
        super().__init__(files, options)
        folders = files.script(*ELEVENTY_FILES).object("dir")
        self._input = PurePosixPath((folders.string("input") or ".").removeprefix("./") or ".")
        self._output = PurePosixPath((folders.string("output") or "_site").removeprefix("./"))
        data = self._input / (folders.string("data") or "_data")
        self._data = DataFiles(files, str(data))
        names = files.names(str(self._input), "")
        codes = [*filter(is_language_code, names), *options.languages]
        self._languages = SiteLanguages.of(codes, options.language)
        site = self._data.table("site", "metadata", "meta")
        domain = own_domain(files, "CNAME", str(self._input / "CNAME"), "public/CNAME")
        self.stated_url = str(site.get("url") or "").rstrip("/") or domain
        self.title = str(site.get("title") or site.get("name") or "")
        self.own_static = (self._input, PurePosixPath("public"))
        self.folders = self.static
        # The data files of a folder hold for all documents in it.
        self._folder_data = lru_cache(maxsize=None)(self._read_folder_data)
        for folder in _folders_with_data(files, self._input):
            self._folder_data(folder)

    def looks_into(self, folder: PurePosixPath) -> bool:
        """Return whether Eleventy reads a folder."""
        return folder != self._output and super().looks_into(folder)

    def page_at(self, path: PurePosixPath) -> SitePage | LeftOut:
        """Return a document; its front matter says whether it is a post."""
        if not path.is_relative_to(self._input):
            return LeftOut(LeftOutReason.TEMPLATE, path.parts[0])
        inside = path.relative_to(self._input)
        language, story = self._languages.split_path(inside)
        if story.name == "index" and len(story.parts) > 1:
            story = story.parent
        return SitePage(
            path,
            language=language,
            story=str(story),
            date=date_in_name(f"{story.name}-"),
            dialect=Dialect.MARKDOWN_IT,
            kind=PageKind.DATED,
            group=inside.parts[0] if len(inside.parts) > 1 else "",
            title=permalinks.title_of_name(_without_date(story.name)),
        )

    def _full(self, page: SitePage, fields: Mapping[str, YamlValue]) -> dict[str, YamlValue]:
        """Return the fields of a document with those of its folders, dates and authors readable."""
        people = self._data.table("authors", "people", "authorsData", "authors_data", "team")
        full = common_front_matter.with_authors(self._inherited(page.path), fields, people)
        # `Last Modified` and its like are no dates.
        if not parse_date(common_front_matter.text_of(full, "date")):
            full["date"] = None
        return full

    def describe(self, page: SitePage, fields: Mapping[str, YamlValue]) -> ParsedArticle:
        """Return the article without a body that front matter and directory data describe."""
        full = self._full(page, fields)
        common_front_matter.check_held_back(page, full, self._languages)
        if common_front_matter.is_set(full, "eleventyexcludefromcollections"):
            raise LeftOutError(LeftOutReason.UNLISTED)
        stated = full.get("permalink")
        if common_front_matter.is_word(stated, frozenset({"false"})):
            raise LeftOutError(LeftOutReason.UNLISTED)
        tags = common_front_matter.text_list(full.get("tags"))
        full["tags"] = [one for one in tags if one.lower() not in _POST_TAGS]
        parsed = common_front_matter.described(page, full)
        if not {one.lower() for one in tags} & _POST_TAGS:
            common_front_matter.check_dated(page, parsed)
        parsed = common_front_matter.in_language(parsed, page, self._languages)
        language = parsed.language or self._languages.default
        linked = common_front_matter.translation_link(full, self._languages, language)
        by_path = self._languages.without(page.story or str(page.path), language)
        parsed = replace(parsed, permalink=self._permalink(page, full))
        return common_front_matter.in_story(parsed, linked, by_path)

    def _permalink(self, page: SitePage, fields: Fields) -> str | None:
        stated = fields.get("permalink")
        if isinstance(stated, str) and stated.strip():
            own = self._page_values(page)
            filled = _VALUE.sub(lambda found: _filled(found, own, fields), stated.strip())
            return None if "{" in filled else permalinks.clean_path(filled)
        return permalinks.clean_path(f"{self._stem(page)}/")

    def _stem(self, page: SitePage) -> str:
        """Return the path below the input without ending, date and `index`."""
        inside = page.path.relative_to(self._input).with_suffix("")
        inside = inside.parent if inside.name == "index" else inside
        return f"{inside.parent}/{_without_date(inside.name)}".removeprefix("./")

    def _page_values(self, page: SitePage) -> dict[str, str]:
        """Return what Eleventy says of a page itself."""
        inside = page.path.relative_to(self._input).with_suffix("")
        return {
            "inputPath": f"./{page.path}",
            "fileSlug": self._stem(page).rpartition("/")[2],
            "filePathStem": f"/{inside.with_name(_without_date(inside.name))}",
        }

    def _inherited(self, path: PurePosixPath) -> dict[str, YamlValue]:
        """Return the data of the folders above a document, the nearest ones last, and its own."""
        found: dict[str, YamlValue] = {}
        for folder in reversed(path.parents):
            if folder.is_relative_to(self._input):
                found |= self._folder_data(folder)
        return found

    def _read_folder_data(self, folder: PurePosixPath) -> dict[str, YamlValue]:
        name = folder.name or "."
        for ending in (".11tydata.json", ".json"):
            try:
                table = self._files.table(str(folder / f"{name}{ending}"))
            except SourceError:
                table = None
            if table is not None:
                return plain_values(table)
        scripts = (f"{name}.11tydata.{ending}" for ending in ("js", "cjs", "mjs"))
        script = self._files.script(*(str(folder / one) for one in scripts))
        return plain_values(script.exported_values())

    def values(self, page: SitePage) -> SiteValues:
        """Return the global data files and those of the document's folders."""
        return SiteValues(
            page={
                "path": str(page.path),
                **self._page_values(page),
                **self._inherited(page.path),
            },
            data=self._data,
        )


def _filled(found: re.Match[str], page: Mapping[str, str], fields: Fields) -> str:
    """Return a value in a permalink; what is not known stays as it is written."""
    name = found["name"].removeprefix("page.")
    value = page.get(name) or common_front_matter.text_of(fields, name.lower())
    if not value:
        return found[0]
    return slugify(value) if found["filter"] else value


def _folders_with_data(
    files: ConfigurationFiles, folder: PurePosixPath
) -> Iterator[PurePosixPath]:
    """Yield the folders one and two levels down, whose data are read at once for the digest."""
    for name in sorted(files.names(str(folder), "")):
        if not name.startswith((".", "_")) and name != "node_modules":
            yield folder / name
            for inner in sorted(files.names(str(folder / name), "")):
                yield folder / name / inner


def _without_date(name: str) -> str:
    return name[_DATE_LENGTH:] if date_in_name(name) else name
