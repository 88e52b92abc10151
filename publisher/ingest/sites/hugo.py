"""Sites of Hugo: content directories and suffixes per language, bundles, and dates of its own order.

Every regular page that has a date by Hugo's rules (`date`, `publishDate`, `lastmod`, ...) is an
article, as in Hugo's own feed; in a section of posts also one without.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import PurePosixPath

from publisher.articles.model import ParsedArticle, Picture
from publisher.ingest.parsers import ARTICLE_SUFFIXES
from publisher.ingest.parsers import fields as field_types
from publisher.ingest.parsers.document import Dialect, SiteValues
from publisher.ingest.parsers.front_matter import YamlValue
from publisher.ingest.sites import base as sites
from publisher.ingest.sites import common_front_matter
from publisher.ingest.sites.common_front_matter import Fields
from publisher.ingest.sites.configuration import ConfigurationFiles, DataFiles, plain_values
from publisher.ingest.sites.hugo_config import ContentFolder, HugoConfig

_POST_SECTIONS = frozenset(
    "post posts blog blogs news article articles story stories newsletter newsletters press "  # noqa: SIM905  # one a line would fill the page
    "announcements releases updates".split()
)
# Pages that list or search others, by the layout or type that themes give them.
_LIST_LAYOUTS = frozenset({"search", "archives", "archive", "tags", "categories", "404"})
# In Hugo's order: the words by which it finds the picture of a bundle, and endings of pictures.
_FEATURED = ("feature", "cover", "thumbnail")
_PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif", ".svg"})
# In Hugo's order; the last ones are the change of a page that has no other date.
_DATE_KEYS = ("date", "publishdate", "pubdate", "published", "lastmod", "modified")


@dataclass(frozen=True, slots=True)
class _Place:
    """A folder in a content directory; other languages have the folders `beside` for the same."""

    language: str
    inside: PurePosixPath
    is_bundle: bool
    beside: tuple[PurePosixPath, ...]


class HugoSite(sites.Site):
    """A folder with Hugo's configuration."""

    generator = "hugo"
    dialect = Dialect.GOLDMARK
    hidden = (".", "#")

    def __init__(self, files: ConfigurationFiles, options: sites.SiteOptions) -> None:
        super().__init__(files, options)
        self._config = HugoConfig(files, options)
        codes = self._config.languages
        self._languages = sites.SiteLanguages(codes, codes[self._config.default])
        self._data = DataFiles(files, "data")
        self.title = self._config.title
        self.timezone = str(self._config.values.get("timezone") or "")
        self.stated_url = self._config.url
        self.declared = self._languages.tags
        self.own_static = self._config.static
        self.folders = (*(place.folder for place in self._config.content), *self.static)
        self.generated = (*sites.COMMON_PAGES, *self._config.taxonomies)
        self._sections = _POST_SECTIONS | self._config.main_sections
        # What is so for a folder is so for all its files.
        self._place = lru_cache(maxsize=None)(self._find_place)

    # Names

    def page_at(self, path: PurePosixPath) -> sites.SitePage | sites.LeftOut:
        """Return a regular page by its place in a content directory."""
        place = self._place(path.parent)
        if code := self._disabled_language(path):
            return sites.LeftOut(sites.LeftOutReason.EXCLUDED, f"language {code}")
        return (
            self._page(path, place)
            if place
            else sites.LeftOut(sites.LeftOutReason.TEMPLATE, path.parts[0])
        )

    def _page(self, path: PurePosixPath, place: _Place) -> sites.SitePage | sites.LeftOut:
        language, stem = place.language, path.stem
        found, bare = self._languages.split_suffix(stem)
        if found:
            language, stem = found, bare
        if stem == "_index":
            return sites.LeftOut(sites.LeftOutReason.LIST, path.parts[0])
        inside = place.inside
        if stem != "index" and place.is_bundle:
            return sites.LeftOut(sites.LeftOutReason.PAGE, "part of a bundle")
        story = inside if stem == "index" else inside / stem
        section = inside.parts[0] if inside.parts else ""
        if not story.parts:
            return sites.LeftOut(sites.LeftOutReason.LIST, path.parts[0])
        return sites.SitePage(
            path,
            language=language,
            story=str(story).lower(),
            date=field_types.date_in_name(f"{story.name}-"),
            kind=sites.PageKind.POST
            if section.lower() in self._sections
            else sites.PageKind.DATED,
            group=section,
            title=sites.title_of_name(story.name),
            beside=place.beside,
        )

    def _disabled_language(self, path: PurePosixPath) -> str:
        """Return the code of a language that is switched off, if a page is in one."""
        suffix = path.stem.rpartition(".")[2].lower()
        folders = ((code, item) for code, item in self._config.disabled.items() if item)
        found = (code for code, folder in folders if path.is_relative_to(folder))
        return next(found, suffix if suffix in self._config.disabled else "")

    def _find_place(self, folder: PurePosixPath) -> _Place | None:
        """Return where a folder is; a content directory inside another counts first."""
        found = [place for place in self._config.content if folder.is_relative_to(place.folder)]
        content = max(found, key=lambda part: len(part.folder.parts), default=None)
        if content is None:
            return None
        inside = folder.relative_to(content.folder)
        others = (place.folder / inside for place in self._config.content if place != content)
        return _Place(
            language=content.language,
            inside=PurePosixPath(content.prefix, inside),
            is_bundle=folder != content.folder and self._is_bundle(folder, content),
            beside=tuple(others),
        )

    def _is_bundle(self, folder: PurePosixPath, content: ContentFolder) -> bool:
        """Return whether a folder, or one above it, is a leaf bundle: it has an `index` page."""
        names = map(PurePosixPath, self._files.names(str(folder), "index."))
        if any(name.suffix.lower() in ARTICLE_SUFFIXES for name in names):
            return True
        above = self._place(folder.parent) if folder.parent != content.folder else None
        return above is not None and above.is_bundle

    # Front matter

    def describe(self, page: sites.SitePage, fields: Mapping[str, YamlValue]) -> ParsedArticle:
        """Return the article without a body that front matter describes."""
        params = fields.get("params")
        inside = plain_values(params) if isinstance(params, dict) else {}
        people = self._data.table("authors")
        full = common_front_matter.with_authors({}, {**inside, **fields}, people)
        common_front_matter.check_held_back(page, full, self._languages)
        _check_build(full)
        layout = {common_front_matter.text_of(full, key).lower() for key in ("layout", "type")}
        if page.kind is sites.PageKind.DATED and layout & _LIST_LAYOUTS:
            raise sites.LeftOutError(sites.LeftOutReason.LIST, page.group)
        parsed = common_front_matter.described(page, _dated(full))
        common_front_matter.check_dated(page, parsed)
        tag = page.language or self._languages.default
        held = common_front_matter.text_of(full, "publishdate", "publish_date")
        linked = common_front_matter.text_of(full, "translationkey", "translation_key")
        permalink = self._permalink(page, full, parsed, tag)
        parsed = replace(
            parsed,
            aliases=common_front_matter.stated_aliases(full, permalink or ""),
            language=tag,
            permalink=permalink,
            picture=parsed.picture or self._bundle_picture(page),
            held_until=field_types.read_date("publishDate", held) if held else None,
        )
        return common_front_matter.in_story(parsed, linked, page.story or "")

    def _bundle_picture(self, page: sites.SitePage) -> Picture | None:
        place = self._place(page.path.parent)
        if place is None or not place.is_bundle:
            return None
        names = sorted(self._files.names(str(page.path.parent), ""))
        pictures = [name for name in names if PurePosixPath(name).suffix.lower() in _PICTURES]
        found = (entry for word in _FEATURED for entry in pictures if word in entry.lower())
        return next((Picture(src=name) for name in found), None)

    def _permalink(
        self, page: sites.SitePage, fields: Fields, parsed: ParsedArticle, tag: str
    ) -> str | None:
        stated = common_front_matter.text_of(fields, "url")
        story = PurePosixPath(page.story or "")
        prefix = self._config.prefix(tag)
        if stated.startswith(("http:", "https:")):
            return None
        if stated:
            path = stated if stated.startswith("/") else f"{prefix}/{stated}"
            return sites.clean_path(path)
        slug = common_front_matter.text_of(fields, "slug")
        pattern = self._config.permalinks.get(page.group.lower())
        section = "/".join(story.parts[:-1])
        path = sites.clean_path(f"{section}/{sites.path_word(slug or story.name)}/")
        if pattern:
            tokens = _tokens(page, parsed, story, slug)
            path = sites.fill_pattern(pattern, tokens) or path
        if self._config.is_ugly(page.group) and path.endswith("/"):
            path = f"{path.removesuffix('/')}.html"
        return sites.clean_path(f"{prefix}{path}")

    # Templates

    def values(self, page: sites.SitePage) -> SiteValues:
        return SiteValues(
            site=self._config.values,
            page={"path": str(page.path)},
            data=self._data,
            reference=partial(self._reference, page),
        )

    def _reference(self, page: sites.SitePage, path: str, code: str = "") -> str:
        """Return the address that `ref` means: beside the page, else below the content folder."""
        written, mark, anchor = path.partition("#")
        place = self._place(page.path.parent)
        if place is None or not written or "://" in written:
            return path
        if not written.startswith("/") and self._is_page(page.path.parent / written):
            return path
        tag = self._languages.tag(code) or page.language or self._languages.default
        inside = PurePosixPath(written.strip("/"))
        folders = [entry.folder for entry in self._config.content]
        if not any(self._is_page(folder / inside) for folder in folders):
            return path
        name = inside.with_suffix("") if inside.suffix in ARTICLE_SUFFIXES else inside
        bare = name.parent if name.name in {"index", "_index"} else name
        return f"{self._config.prefix(tag)}/{bare}{mark}{anchor}"

    def _is_page(self, path: PurePosixPath) -> bool:
        """Return whether a page stands at a path that may be written without its ending."""
        name = path.stem if path.suffix in ARTICLE_SUFFIXES else path.name
        beside = self._files.names(str(path.parent), f"{name}.")
        inside = self._files.names(str(path.parent / name), "")
        return any(
            PurePosixPath(entry).suffix.lower() in ARTICLE_SUFFIXES
            and (entry in beside or entry.startswith(("index.", "_index.")))
            for entry in beside | inside
        )


def _dated(fields: Fields) -> dict[str, YamlValue]:
    """Return the fields with the date that Hugo would choose under `date`."""
    texts = (common_front_matter.text_of(fields, key) for key in _DATE_KEYS)
    dates = filter(field_types.parse_date, texts)
    # A value that is no date is reported when it is read.
    stated = next(dates, fields.get("date"))
    return {**fields, "date": stated, "published": None}


def _check_build(fields: Fields) -> None:
    """Raise LeftOutError for a page that is not rendered or not listed."""
    build = fields.get("build") or fields.get("_build")
    options = plain_values(build) if isinstance(build, dict) else {}
    never = frozenset({"never", "false", "local", "link"})
    stated = (options.get(key) for key in ("render", "list"))
    is_hidden = any(common_front_matter.is_word(value, never) for value in stated)
    if is_hidden or common_front_matter.is_set(fields, "headless"):
        raise sites.LeftOutError(sites.LeftOutReason.UNLISTED)


def _tokens(
    page: sites.SitePage, parsed: ParsedArticle, story: PurePosixPath, slug: str
) -> dict[str, Callable[[], str]]:
    word = sites.path_word
    return sites.date_tokens(parsed.published) | {
        "section": lambda: page.group,
        "sections": lambda: "/".join(story.parts[:-1]),
        "title": lambda: word(parsed.title),
        "slug": lambda: word(slug or parsed.title),
        "slugorfilename": lambda: word(slug or story.name),
        "slugorcontentbasename": lambda: word(slug or story.name),
        "filename": lambda: word(story.name),
        "contentbasename": lambda: word(story.name),
    }
