"""Sites of VitePress: pages with a date, or in a folder of posts; folders of its locales.

`.vitepress/config.*` is a script. It is not run; only plain strings in it are found.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath

from publisher.articles.model import ParsedArticle
from publisher.ingest.parsers import Dialect, SiteValues
from publisher.ingest.parsers.fields import date_in_name
from publisher.ingest.parsers.front_matter import YamlValue
from publisher.ingest.sites import common_front_matter, permalinks
from publisher.ingest.sites.base import (
    LeftOut,
    LeftOutError,
    LeftOutReason,
    PageKind,
    SiteLanguages,
    SiteOptions,
    SitePage,
    is_language_code,
    tag_of,
)
from publisher.ingest.sites.configuration import ConfigurationFiles, ScriptObject, own_domain
from publisher.ingest.sites.permalinks import COMMON_PAGES, PathPatterns

# Where VitePress may stand in a project.
VITEPRESS_FOLDERS = (".", "docs", "src", "website")
_CONFIG_ENDINGS = ("ts", "js", "mts", "mjs", "cts", "cjs")
_POST_FOLDERS = frozenset({"blog", "blogs", "post", "posts", "news", "articles", "newsletter"})
_LAYOUTS = frozenset({"home", "page", "false"})


class VitepressSite:
    """A folder with `.vitepress`, or with it one folder down."""

    generator = "vitepress"
    timezone = ""
    generated = COMMON_PAGES

    def __init__(self, files: ConfigurationFiles, options: SiteOptions) -> None:
        self._files = files
        found = (one for one in VITEPRESS_FOLDERS if files.exists(f"{one}/.vitepress"))
        self._root = PurePosixPath(next(found, ""))
        config = _configuration(files, self._root)
        source = (config.string("srcDir") or "").removeprefix("./")
        self._source = self._root / source
        locales = dict(next(config.objects("locales"), ScriptObject("")).own_objects())
        tags = {name: tag_of(one.string("lang") or name) for name, one in locales.items()}
        main = tags.pop("root", None) or tag_of(config.string("lang") or "") or options.language
        codes = {name: tag for name, tag in tags.items() if tag}
        if not locales:
            codes = {
                one: tag
                for one in files.names(str(self._source), "")
                if is_language_code(one) and (tag := tag_of(one))
            }
        self._languages = SiteLanguages(codes, main)
        base = (config.string("base") or "").strip("/")
        self._ending = "" if config.is_true("cleanUrls") else ".html"
        self._excluded = PathPatterns(config.strings("srcExclude"))
        self.title = config.string("title") or ""
        host = config.string("hostname") or own_domain(
            files, str(self._source / "public/CNAME")
        )
        self.url = options.url or (f"{host.rstrip('/')}/{base}".rstrip("/") if host else "")
        self.language = self._languages.default
        self.declared = self._languages.tags
        self.static = (*options.static_folders, self._source / "public")

    def looks_into(self, folder: PurePosixPath) -> bool:
        """Return whether VitePress reads a folder."""
        if folder.name.startswith(".") or folder.name == "node_modules":
            return False
        return folder.is_relative_to(self._source) or self._source.is_relative_to(folder)

    def classify(self, path: PurePosixPath) -> SitePage | LeftOut:
        """Return a page by its place below the folders of locales."""
        if path.name.startswith((".", "_", "#")) or path.name.endswith("~"):
            return LeftOut(LeftOutReason.HIDDEN, path.name[0])
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

        def bare(text: str) -> str:
            return self._languages.without(text, language)

        inside = page.path.relative_to(self._source).with_suffix("")
        path = f"{inside.parent}/" if inside.name == "index" else f"{inside}{self._ending}"
        linked = common_front_matter.translation_link(fields, bare)
        return replace(
            parsed,
            language=language,
            key=linked or page.story,
            other_key=page.story,
            is_linked=bool(linked),
            permalink=permalinks.clean_path(path),
        )

    def values(self, page: SitePage) -> SiteValues:
        """Return the path of the document, and the files that it includes."""
        return SiteValues(
            page={"path": str(page.path)},
            include=partial(self._files.included, page.path.parent, self._source),
        )


def _configuration(files: ConfigurationFiles, root: PurePosixPath) -> ScriptObject:
    """Return what the configuration exports; nothing without one."""
    names = [f".vitepress/config.{one}" for one in _CONFIG_ENDINGS]
    names += [f".vitepress/config/index.{one}" for one in _CONFIG_ENDINGS]
    texts = (files.text(str(root / name)) for name in names)
    return ScriptObject.of_script(next((one for one in texts if one is not None), ""))
