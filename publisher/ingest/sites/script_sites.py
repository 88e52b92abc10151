"""Sites of Eleventy and VitePress: documents with a date, or that are posts by their tags or folders.

Both are configured by a script, `eleventy.config.js` or `.vitepress/config.*`. It is not run; only plain strings in it
are found. Directory data of Eleventy are read if they are JSON, or export an object: its texts and lists of texts.
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
from publisher.ingest.sites import base as sites
from publisher.ingest.sites import common_front_matter, configuration
from publisher.ingest.sites.base import (
    COMMON_PAGES,
    LeftOut,
    LeftOutError,
    LeftOutReason,
    PageKind,
    PathPatterns,
    Site,
    SiteLanguages,
    SiteOptions,
    SitePage,
    is_language_code,
    tag_of,
)
from publisher.ingest.sites.common_front_matter import Fields

_ENDINGS = ("js", "cjs", "mjs", "ts")
ELEVENTY_FILES = (".eleventy.js", *(f"eleventy.config.{ending}" for ending in _ENDINGS))
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
    dialect = Dialect.MARKDOWN_IT
    hidden_folders = (".", "_")
    generated = COMMON_PAGES  # lists are templates, which state their addresses

    def __init__(self, files: configuration.ConfigurationFiles, options: SiteOptions) -> None:
        super().__init__(files, options)
        folders = files.script(*ELEVENTY_FILES).object("dir")
        self._input = PurePosixPath((folders.string("input") or ".").removeprefix("./") or ".")
        self._output = PurePosixPath((folders.string("output") or "_site").removeprefix("./"))
        data = self._input / (folders.string("data") or "_data")
        self._data = configuration.DataFiles(files, str(data))
        names = files.names(str(self._input), "")
        codes = [*filter(is_language_code, names), *options.languages]
        self._languages = SiteLanguages.of(codes, options.language)
        site = self._data.table("site", "metadata", "meta")
        domain = configuration.own_domain(
            files, "CNAME", str(self._input / "CNAME"), "public/CNAME"
        )
        self.stated_url = str(site.get("url") or "").rstrip("/") or domain
        self.title = str(site.get("title") or site.get("name") or "")
        self.own_static = (self._input, PurePosixPath("public"))
        self.folders = self.static
        # The data files of a folder hold for all documents in it.
        self._folder_data = lru_cache(maxsize=None)(self._read_folder_data)
        for folder in _folders_with_data(files, self._input):
            self._folder_data(folder)

    def looks_into(self, folder: PurePosixPath) -> bool:
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
            kind=PageKind.DATED,
            group=inside.parts[0] if len(inside.parts) > 1 else "",
            title=sites.title_of_name(_without_date(story.name)),
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
        full["tags"] = [tag for tag in tags if tag.lower() not in _POST_TAGS]
        parsed = common_front_matter.described(page, full)
        if not {tag.lower() for tag in tags} & _POST_TAGS:
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
            return None if "{" in filled else sites.clean_path(filled)
        return sites.clean_path(f"{self._stem(page)}/")

    def _stem(self, page: SitePage) -> str:
        """Return the path below the input without ending, date and `index`."""
        inside = page.path.relative_to(self._input).with_suffix("")
        inside = inside.parent if inside.name == "index" else inside
        return f"{inside.parent}/{_without_date(inside.name)}".removeprefix("./")

    def _page_values(self, page: SitePage) -> dict[str, str]:
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
                return configuration.plain_values(table)
        scripts = (f"{name}.11tydata.{ending}" for ending in ("js", "cjs", "mjs"))
        script = self._files.script(*(str(folder / entry) for entry in scripts))
        return configuration.plain_values(script.exported_values())

    def values(self, page: SitePage) -> SiteValues:
        """Return the global data files and those of the document's folders."""
        own = {"path": str(page.path), **self._page_values(page)}
        return SiteValues(page={**own, **self._inherited(page.path)}, data=self._data)


def _filled(found: re.Match[str], page: Mapping[str, str], fields: Fields) -> str:
    """Return a value in a permalink; what is not known stays as it is written."""
    name = found["name"].removeprefix("page.")
    value = page.get(name) or common_front_matter.text_of(fields, name.lower())
    if not value:
        return found[0]
    return slugify(value) if found["filter"] else value


def _folders_with_data(
    files: configuration.ConfigurationFiles, folder: PurePosixPath
) -> Iterator[PurePosixPath]:
    """Yield the folders one and two levels down, whose data are read at once for the digest."""
    for name in sorted(files.names(str(folder), "")):
        if not name.startswith((".", "_")) and name != "node_modules":
            yield folder / name
            for inner in sorted(files.names(str(folder / name), "")):
                yield folder / name / inner


def _without_date(name: str) -> str:
    return name[_DATE_LENGTH:] if date_in_name(name) else name


VITEPRESS_FOLDERS = (".", "docs", "src", "website")  # where VitePress may stand in a project
_CONFIG_ENDINGS = ("ts", "js", "mts", "mjs", "cts", "cjs")
_POST_FOLDERS = frozenset({"blog", "blogs", "post", "posts", "news", "articles", "newsletter"})
_LAYOUTS = frozenset({"home", "page", "false"})


class VitepressSite(Site):
    """A folder with `.vitepress`, or with it one folder down."""

    generator = "vitepress"
    dialect = Dialect.MARKDOWN_IT
    generated = COMMON_PAGES

    def __init__(self, files: configuration.ConfigurationFiles, options: SiteOptions) -> None:
        super().__init__(files, options)
        marked = (entry for entry in VITEPRESS_FOLDERS if files.exists(f"{entry}/.vitepress"))
        root = PurePosixPath(next(marked, ""))
        names = [f"config.{entry}" for entry in _CONFIG_ENDINGS]
        names += [f"config/index.{entry}" for entry in _CONFIG_ENDINGS]
        config = files.script(*(str(root / ".vitepress" / name) for name in names))
        self._source = root / (config.string("srcDir") or "").removeprefix("./")
        locales = dict(config.object("locales").own_objects())
        tags = {name: tag_of(locale.string("lang") or name) for name, locale in locales.items()}
        main = tags.pop("root", None) or tag_of(config.string("lang") or "") or options.language
        if not locales:
            folders = filter(is_language_code, files.names(str(self._source), ""))
            tags = {name: tag_of(name) for name in folders}
        codes = {name: tag for name, tag in tags.items() if tag}
        self._languages = SiteLanguages(codes, main)
        self._ending = "" if config.has("cleanUrls", "true") else ".html"
        self._excluded = PathPatterns(config.strings("srcExclude"))
        self.title = config.string("title") or ""
        base = (config.string("base") or "").strip("/")
        domain = configuration.own_domain(files, str(self._source / "public/CNAME"))
        host = (config.string("hostname") or domain).rstrip("/")
        self.stated_url = f"{host}/{base}".rstrip("/") if host else ""
        self.declared = self._languages.tags
        self.folders = (self._source,)
        self.own_static = (self._source / "public",)

    def page_at(self, path: PurePosixPath) -> SitePage | LeftOut:
        """Return a page by its place below the folders of locales."""
        if path.suffix.lower() != ".md":
            return LeftOut(LeftOutReason.ENDING, path.suffix)
        if not path.is_relative_to(self._source):
            return LeftOut(LeftOutReason.TEMPLATE, path.parts[0])
        inside = path.relative_to(self._source)
        if self._excluded.match(inside):
            return LeftOut(LeftOutReason.EXCLUDED, inside.parts[0])
        language = self._languages.tag(inside.parts[0]) if len(inside.parts) > 1 else None
        story = PurePosixPath(*inside.parts[1:]) if language else inside
        story = story.with_suffix("")
        is_post = any(part.lower() in _POST_FOLDERS for part in story.parts[:-1])
        is_list = len(story.parts) == 1 or story.parts[-2] in _POST_FOLDERS
        if story.name == "index" and is_list:
            return LeftOut(LeftOutReason.LIST, inside.parts[0])
        story = story.parent if story.name == "index" else story
        return SitePage(
            path,
            language=language or self._languages.default,
            story=str(story),
            date=date_in_name(f"{story.name}-"),
            kind=PageKind.POST if is_post else PageKind.DATED,
            group=story.parts[0] if len(story.parts) > 1 else "",
            title=sites.title_of_name(story.name),
        )

    def describe(self, page: SitePage, fields: Mapping[str, YamlValue]) -> ParsedArticle:
        """Return the article without a body that front matter describes."""
        common_front_matter.check_held_back(page, fields, self._languages)
        if common_front_matter.is_word(fields.get("layout"), _LAYOUTS):
            raise LeftOutError(LeftOutReason.PAGE, page.group)
        parsed = common_front_matter.described(page, fields)
        common_front_matter.check_dated(page, parsed)
        language = page.language or self._languages.default
        inside = page.path.relative_to(self._source).with_suffix("")
        path = f"{inside.parent}/" if inside.name == "index" else f"{inside}{self._ending}"
        linked = common_front_matter.translation_link(fields, self._languages, language)
        parsed = replace(parsed, language=language, permalink=sites.clean_path(path))
        return common_front_matter.in_story(parsed, linked, page.story or "")
