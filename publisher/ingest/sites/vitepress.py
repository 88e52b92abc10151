"""Sites of VitePress: pages with a date, or in a folder of posts; folders of its locales.

`.vitepress/config.*` is a script. It is not run; only plain strings in it are found.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath

from publisher.articles.model import ParsedArticle
from publisher.ingest.parsers.document import Dialect, SiteValues
from publisher.ingest.parsers.fields import date_in_name
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
    tag_of,
)
from publisher.ingest.sites.configuration import ConfigurationFiles, own_domain
from publisher.ingest.sites.permalinks import COMMON_PAGES, PathPatterns

# Where VitePress may stand in a project.
VITEPRESS_FOLDERS = (".", "docs", "src", "website")
_CONFIG_ENDINGS = ("ts", "js", "mts", "mjs", "cts", "cjs")
_POST_FOLDERS = frozenset({"blog", "blogs", "post", "posts", "news", "articles", "newsletter"})
_LAYOUTS = frozenset({"home", "page", "false"})


class VitepressSite(Site):
    """A folder with `.vitepress`, or with it one folder down."""

    generator = "vitepress"
    generated = COMMON_PAGES

    def __init__(self, files: ConfigurationFiles, options: SiteOptions) -> None:
        super().__init__(files, options)
        marked = (one for one in VITEPRESS_FOLDERS if files.exists(f"{one}/.vitepress"))
        root = PurePosixPath(next(marked, ""))
        names = [f"config.{one}" for one in _CONFIG_ENDINGS]
        names += [f"config/index.{one}" for one in _CONFIG_ENDINGS]
        config = files.script(*(str(root / ".vitepress" / name) for name in names))
        self._source = root / (config.string("srcDir") or "").removeprefix("./")
        locales = dict(config.object("locales").own_objects())
        tags = {name: tag_of(one.string("lang") or name) for name, one in locales.items()}
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
        domain = own_domain(files, str(self._source / "public/CNAME"))
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
        is_post = any(one.lower() in _POST_FOLDERS for one in story.parts[:-1])
        if story.name == "index" and (
            len(story.parts) == 1 or story.parts[-2] in _POST_FOLDERS
        ):
            return LeftOut(LeftOutReason.LIST, inside.parts[0])
        story = story.parent if story.name == "index" else story
        return SitePage(
            path,
            language=language or self._languages.default,
            story=str(story),
            date=date_in_name(f"{story.name}-"),
            dialect=Dialect.MARKDOWN_IT,
            kind=PageKind.POST if is_post else PageKind.DATED,
            group=story.parts[0] if len(story.parts) > 1 else "",
            title=permalinks.title_of_name(story.name),
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
        parsed = replace(parsed, language=language, permalink=permalinks.clean_path(path))
        return common_front_matter.in_story(parsed, linked, page.story or "")

    def values(self, page: SitePage) -> SiteValues:
        """Return the path of the document, and the files that it includes."""
        return SiteValues(
            page={"path": str(page.path)},
            include=partial(self._files.included, page.path.parent, self._source),
        )
