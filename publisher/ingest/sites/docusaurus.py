"""Sites of Docusaurus: the posts of their blogs, in `blog` and below `i18n`; no documentation.

`docusaurus.config.js` is a script. It is not run; only plain strings in it are found.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from publisher.articles.model import ParsedArticle
from publisher.ingest.parsers.document import Dialect, SiteValues
from publisher.ingest.parsers.fields import parse_date
from publisher.ingest.parsers.front_matter import YamlValue
from publisher.ingest.sites import base as sites
from publisher.ingest.sites import common_front_matter
from publisher.ingest.sites.configuration import ConfigurationFiles, ScriptObject

CONFIG_FILES = tuple(f"docusaurus.config.{item}" for item in ("js", "ts", "mjs", "cjs"))
_ANY = sites.PathPatterns(())
_PLUGIN = "docusaurus-plugin-content-blog"
# Version 2 of Docusaurus has MDX 1; version 3 has MDX 3.
_MDX_1 = re.compile(r'"@docusaurus/core"\s*:\s*"[\^~>=v\s]*2(?![0-9])')
# Of the plugin: a date in the name of a file or of one of its folders.
_DATED_PATH = re.compile(
    r"(?P<folder>.*?)(?P<date>\d{4}[-/]\d{1,2}[-/]\d{1,2})[-/]?(?P<text>.*?)(?:/index)?"
)


@dataclass(frozen=True, slots=True)
class _Blog:
    """One blog of a site, and where it stands."""

    folder: PurePosixPath
    route: str = "blog"
    name: str = "default"
    # The files with the lists of authors and tags, without ending.
    authors: str = "authors"
    tags: str = "tags"
    # Patterns of posts, and of files that are none, below the folder.
    include: sites.PathPatterns = _ANY
    exclude: sites.PathPatterns = _ANY

    @property
    def plugin(self) -> str:
        return _PLUGIN if self.name == "default" else f"{_PLUGIN}-{self.name}"


@dataclass(frozen=True, slots=True)
class _BlogFolder:
    """A folder with the posts of a blog in one language."""

    folder: PurePosixPath
    blog: _Blog
    locale: str


class DocusaurusSite(sites.Site):
    """A folder with a script of Docusaurus's configuration."""

    generator = "docusaurus"
    dialect = Dialect.DOCUSAURUS
    unread = frozenset({"node_modules", "__tests__"})
    generated = (*sites.COMMON_PAGES, *sites.LISTS)

    def __init__(self, files: ConfigurationFiles, options: sites.SiteOptions) -> None:
        super().__init__(files, options)
        config = files.script(*CONFIG_FILES)
        i18n = config.object("i18n")
        self._default = i18n.string("defaultLocale") or "en"
        listed = (*i18n.strings("locales"), *sorted(files.names("i18n", "")))
        locales = dict.fromkeys([self._default, *listed])
        own = dict(i18n.object("localeConfigs").own_objects())
        tags = {
            locale: sites.tag_of(own.get(locale, ScriptObject("")).string("htmlLang") or locale)
            for locale in locales
        }
        self._tags = {locale: tag for locale, tag in tags.items() if tag}
        self._tags.setdefault(self._default, options.language)
        self._languages = sites.SiteLanguages(self._tags, self._tags[self._default])
        self._folders = tuple(self._blog_folders(_blogs(config), own))
        base = (config.string("baseUrl") or "").strip("/")
        self.stated_url = f"{(config.string('url') or '').rstrip('/')}/{base}".rstrip("/")
        self.title = config.string("title") or ""
        self.declared = self._languages.tags
        statics = config.strings("staticDirectories") or ("static",)
        self.own_static = tuple(map(PurePosixPath, statics))
        # Pages and documentation are counted, so that people see that they are left out.
        self.folders = (*(one.folder for one in self._folders), *self.static, *_others(config))
        self._has_expressions = not _MDX_1.search(files.text("package.json") or "")
        # The lists of authors and tags, by folder and name.
        self._lists = {
            (place.folder, name): _table(files, place, name)
            for place in self._folders
            for name in (place.blog.authors, place.blog.tags)
        }

    def _blog_folders(
        self, blogs: Iterator[_Blog], own: Mapping[str, ScriptObject]
    ) -> Iterator[_BlogFolder]:
        for blog in blogs:
            yield _BlogFolder(blog.folder, blog, self._default)
            for locale in self._tags:
                path = own.get(locale, ScriptObject("")).string("path") or locale
                yield _BlogFolder(PurePosixPath("i18n", path, blog.plugin), blog, locale)

    # Names

    def page_at(self, path: PurePosixPath) -> sites.SitePage | sites.LeftOut:
        found = next(
            (folder for folder in self._folders if path.is_relative_to(folder.folder)), None
        )
        # The folder of a blog may have such a name itself.
        inner = path.relative_to(found.folder) if found else path
        if any(part.startswith("_") for part in inner.parts) or ".test." in path.name:
            return sites.LeftOut(sites.LeftOutReason.HIDDEN, "_")
        is_document = path.suffix.lower() in {".md", ".mdx"}
        if found is None or not is_document:
            kind = sites.LeftOutReason.ENDING if not is_document else sites.LeftOutReason.PAGE
            return sites.LeftOut(kind, path.suffix if not is_document else path.parts[0])
        blog = found.blog
        if (blog.include and not blog.include.match(inner)) or blog.exclude.match(inner):
            return sites.LeftOut(sites.LeftOutReason.EXCLUDED, blog.route)
        inside = inner.with_suffix("")
        dated = _DATED_PATH.fullmatch(str(inside))
        text = dated["text"] if dated else str(inside).removesuffix("/index")
        story = inside.parent if inside.name == "index" and len(inside.parts) > 1 else inside
        name = "" if found.blog.name == "default" else f"{found.blog.name}/"
        return sites.SitePage(
            path,
            language=self._tags[found.locale],
            story=f"{name}{story}",
            date=parse_date(dated["date"].replace("/", "-")) if dated else None,
            kind=sites.PageKind.POST,
            group=found.blog.route,
            title=sites.title_of_name(text.rpartition("/")[2]),
            beside=self._beside(path, found),
        )

    def _beside(self, path: PurePosixPath, found: _BlogFolder) -> tuple[PurePosixPath, ...]:
        inside = path.parent.relative_to(found.folder)
        return tuple(
            folder.folder / inside
            for folder in self._folders
            if folder.blog == found.blog and folder.folder != found.folder
        )

    # Front matter

    def describe(self, page: sites.SitePage, fields: Mapping[str, YamlValue]) -> ParsedArticle:
        """Return the article without a body that front matter describes."""
        common_front_matter.check_held_back(page, fields, self._languages)
        place = next(
            folder for folder in self._folders if page.path.is_relative_to(folder.folder)
        )
        full = dict(fields)
        full["authors"] = common_front_matter.named_authors(
            self._stated_authors(full), self._known(place, place.blog.authors)
        )
        full["author"] = None
        full["tags"] = _with_labels(full.get("tags"), self._known(place, place.blog.tags))
        change = full.get("last_update")
        if isinstance(change, dict):
            full["updated"] = change.get("date")
        parsed = common_front_matter.described(page, full)
        slug = common_front_matter.text_of(fields, "slug") or self._slug(page, place)
        code = "" if place.locale == self._default else place.locale
        route = "" if place.blog.route == "/" else place.blog.route
        path = sites.clean_path(f"{code}/{route}/{slug.strip('/')}")
        if not code:
            # Docusaurus shows a post that is not translated in the other languages, too.
            codes = (tag for tag in self._tags if tag != self._default)
            others = (sites.clean_path(f"{entry}/{path}") for entry in codes)
            parsed = replace(parsed, aliases=(*parsed.aliases, *others))
        return replace(parsed, language=page.language, key=page.story, permalink=path)

    def _stated_authors(self, fields: Mapping[str, YamlValue]) -> YamlValue:
        if fields.get("authors"):
            return fields["authors"]
        name = common_front_matter.text_of(fields, "author", "author_name")
        title = common_front_matter.text_of(fields, "author_title")
        return {"name": name, "title": title} if name else fields.get("author")

    def _known(self, place: _BlogFolder, name: str) -> Mapping[str, Any]:
        """Return the blog's list in this language, else the one of its default language."""
        return self._lists[place.blog.folder, name] | self._lists[place.folder, name]

    def _slug(self, page: sites.SitePage, place: _BlogFolder) -> str:
        inside = str(page.path.relative_to(place.folder).with_suffix(""))
        match = _DATED_PATH.fullmatch(inside)
        if not match:
            return inside.removesuffix("/index")
        return f"{match['date'].replace('-', '/')}/{match['folder']}{match['text']}"

    def values(self, page: sites.SitePage) -> SiteValues:
        return SiteValues(page={"path": str(page.path)}, has_expressions=self._has_expressions)


def _blogs(config: ScriptObject) -> Iterator[_Blog]:
    """Yield the blog of the preset, unless it is switched off, and those of plugins."""
    preset = config.object("blog")
    if not (config.has("blog", "false") and not preset.text):
        yield _blog(config, preset, "default")
    for plugin in config.objects_after("plugin-content-blog"):
        yield _blog(config, plugin, plugin.string("id") or "default")


def _others(config: ScriptObject) -> Iterator[PurePosixPath]:
    """Yield the folders of pages, and of documentation: the preset's, its versions, and those of plugins."""
    yield from map(PurePosixPath, ("src/pages", "docs", "versioned_docs"))
    for place in (*config.objects("docs"), *config.objects_after("plugin-content-docs")):
        yield PurePosixPath((place.string("path") or "docs").removeprefix("./").strip("/"))


def _blog(config: ScriptObject, options: ScriptObject, name: str) -> _Blog:
    folder = (options.string("path") or "blog").removeprefix("./").strip("/")
    route, own = options.string("routeBasePath"), options.without_inner_objects()
    return _Blog(
        PurePosixPath(folder),
        (route or "").strip("/") or ("blog" if route is None else "/"),
        name,
        _list_name(options.string("authorsMapPath"), "authors"),
        _list_name(options.string("tags"), "tags"),
        sites.PathPatterns(own.strings("include", config)),
        sites.PathPatterns(own.strings("exclude", config)),
    )


def _list_name(stated: str | None, usual: str) -> str:
    """Return the file of a list below its blog, without ending."""
    path = (stated or "").removeprefix("./")
    return str(PurePosixPath(path).with_suffix("")) if path else usual


def _table(files: ConfigurationFiles, place: _BlogFolder, name: str) -> dict[str, Any]:
    names = (f"{place.folder}/{name}{ending}" for ending in (".yml", ".yaml", ".json"))
    return files.first_table(*names) or {}


def _with_labels(value: YamlValue, known: Mapping[str, Any]) -> YamlValue:
    """Return tags with the labels that `tags.yml` gives to their keys."""
    if not isinstance(value, list):
        return value
    labelled = []
    for item in value:
        entry = known.get(item) if isinstance(item, str) else None
        label = entry.get("label") if isinstance(entry, dict) else None
        labelled.append(label or item)
    return labelled
