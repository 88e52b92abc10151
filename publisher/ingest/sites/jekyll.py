"""Sites of Jekyll: `_posts` anywhere, drafts, and collections, by `_config.yml`.

Also its plugins for several languages: jekyll-polyglot (`lang`, `page_id`, the same permalink in all
languages) and jekyll-multiple-languages-plugin (`_i18n/<language>/_posts`).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import lru_cache, partial
from itertools import chain
from pathlib import PurePosixPath
from typing import Any

from publisher.articles.model import ParsedArticle
from publisher.errors import SourceError
from publisher.ingest.parsers.document import Dialect, SiteValues
from publisher.ingest.parsers.fields import parse_date
from publisher.ingest.parsers.front_matter import YamlValue
from publisher.ingest.sites import base as sites
from publisher.ingest.sites import common_front_matter, configuration
from publisher.ingest.sites.common_front_matter import Fields

_LANGUAGES_PLUGIN = "jekyll-multiple-languages-plugin"
_CONFIG_FILES = ("_config.yml", "_config.yaml", "_config.toml")
_INCLUDE_ENDINGS = (".html", ".md", ".txt", ".svg")
_NAME = re.compile(r"(?P<date>\d{4}-\d{1,2}-\d{1,2})-(?P<title>.*)")
# Collections of texts that are published one by one, whether they have dates or not.
_ARTICLES = frozenset(
    "articles article blog posts news newsletters newsletter stories essays columns issues "  # noqa: SIM905  # one a line would fill the page
    "announcements press releases updates episodes podcasts reports briefings bulletins".split()
)


class JekyllSite(sites.Site):
    """A folder with `_config.yml`."""

    generator = "jekyll"
    dialect = Dialect.KRAMDOWN

    def __init__(
        self, files: configuration.ConfigurationFiles, options: sites.SiteOptions
    ) -> None:
        super().__init__(files, options)
        self._config = files.first_table(*_CONFIG_FILES) or {}
        self._source = PurePosixPath(str(self._config.get("source") or ".").strip("/") or ".")
        self._collections_folder = self._source / str(self._config.get("collections_dir") or "")
        self._collections = dict(configuration.named_tables(self._config.get("collections")))
        plugins = self._config.get("plugins") or self._config.get("gems")
        listed = common_front_matter.plain_list(plugins)
        self._builds_each_language = _LANGUAGES_PLUGIN in listed
        self._languages = self._read_languages(files, options)
        self._has_prefixes = bool(self._config.get("languages"))
        excluded = common_front_matter.plain_list(self._config.get("exclude"))
        self._excluded = [str(entry).strip("/") for entry in excluded]
        self._data = configuration.DataFiles(files, str(self._source / "_data"))
        self._translations = lru_cache(maxsize=None)(self._read_translations)
        # For the digest: what documents may include.
        for name in files.below(str(self._source / "_includes"), _INCLUDE_ENDINGS):
            files.text(name)
        base = str(self._config.get("baseurl") or "").strip("/")
        stands_at = str(self._config.get("url") or "").rstrip("/")
        stands_at = stands_at or configuration.own_domain(files, str(self._source / "CNAME"))
        self.title = str(self._config.get("title") or _first(self._config, "name", "titre"))
        self.timezone = str(self._config.get("timezone") or "")
        self.stated_url = f"{stands_at}/{base}".rstrip("/") if stands_at else ""
        self.own_static = (self._source,)
        has_own = files.exists(str(self._source / "_plugins"))
        self.generated = tuple(sites.jekyll_pages(self._config, has_own_plugins=has_own))

    def _read_languages(
        self, files: configuration.ConfigurationFiles, options: sites.SiteOptions
    ) -> sites.SiteLanguages:
        config = self._config
        default = str(config.get("default_lang") or _first(config, "lang", "locale"))
        listed = config.get("languages") or config.get("locales") or []
        if self._builds_each_language:
            default = default or next(map(str, common_front_matter.plain_list(listed)), "")
            # For the digest, as long as nothing is parsed.
            for code in common_front_matter.plain_list(listed):
                files.text(str(self._source / f"_i18n/{code}.yml"))
        named = sites.listed_tags(listed)
        main = named.pop("default", None) or sites.tag_of(default) or options.language
        codes = [*self._language_folders(), default, *options.languages]
        own = {code: tag for code in codes if code not in named and (tag := sites.tag_of(code))}
        self.declared = (*named.values(),)
        return sites.SiteLanguages({**own, **named}, main)

    def _language_folders(self) -> Iterator[str]:
        """Yield the names of folders right below posts and collections that are languages."""
        folders = ["", "_i18n", "_posts", *(f"_{name}" for name in self._collections)]
        for folder in folders:
            names = sorted(self._files.names(str(self._collections_folder / folder), ""))
            yield from (name for name in names if sites.is_language_code(name))

    # Names

    def looks_into(self, folder: PurePosixPath) -> bool:
        name, inside = folder.name, _relative(folder, self._source)
        if name.startswith(".") or name in {"node_modules", "_site", "vendor"}:
            return False
        if inside is None:
            return self._source.is_relative_to(folder)
        if any(fnmatchcase(str(inside), entry) for entry in self._excluded):
            return False
        known = name in {"_posts", "_drafts", "_i18n"} or name[1:] in self._collections
        return not name.startswith("_") or known or "_i18n" in folder.parts

    def page_at(self, path: PurePosixPath) -> sites.SitePage | sites.LeftOut:
        folders = path.parts[:-1]
        special = next((folder for folder in reversed(folders) if folder.startswith("_")), "")
        if not special:
            return self._page(path, sites.PageKind.PAGE, folders[0] if folders else "")
        if "_drafts" in folders:
            return sites.LeftOut(sites.LeftOutReason.DRAFT, "_drafts")
        return self._in_collection(path, special[1:])

    def _in_collection(self, path: PurePosixPath, name: str) -> sites.SitePage | sites.LeftOut:
        """Return a document below a folder whose name begins with an underscore."""
        if name == "posts":
            # Jekyll reads no post without a date in its name.
            if not _NAME.match(path.stem):
                return sites.LeftOut(sites.LeftOutReason.PAGE, "_posts, no date in the name")
            return self._page(path, sites.PageKind.POST, "posts")
        if name not in self._collections:
            return sites.LeftOut(sites.LeftOutReason.TEMPLATE, f"_{name}")
        if not self._collections[name].get("output"):
            return sites.LeftOut(sites.LeftOutReason.PAGE, f"collection {name} without output")
        # A site without plugins may have a collection for each language: `posts_fr`.
        language, bare = self._languages.split_suffix(name, "_-")
        kind = sites.PageKind.POST if bare in _ARTICLES else sites.PageKind.DATED
        page = self._page(path, kind, name)
        if language is None or page.language:
            return page
        story = (page.story or "").replace(f"_{name}/", f"_{bare}/", 1)
        return replace(page, language=language, story=story)

    def _page(self, path: PurePosixPath, kind: sites.PageKind, group: str) -> sites.SitePage:
        language, story = self._languages.split_path(path)
        named = _NAME.match(path.stem)
        return sites.SitePage(
            path,
            language=language,
            story=str(story),
            date=parse_date(named["date"]) if named else None,
            kind=kind,
            group=group,
            title=sites.title_of_name(named["title"] if named else path.stem),
        )

    # Front matter

    def describe(self, page: sites.SitePage, fields: Mapping[str, YamlValue]) -> ParsedArticle:
        """Return the article without a body that front matter and the site's defaults describe."""
        people = self._data.table("authors", "people", "members")
        full = common_front_matter.with_authors(dict(self._defaults(page)), fields, people)
        common_front_matter.check_held_back(page, full, self._languages)
        for key in ("tags", "categories"):
            full[key] = _words(full.get(key))
        parsed = common_front_matter.described(page, full)
        common_front_matter.check_dated(page, parsed)
        parsed = common_front_matter.in_language(parsed, page, self._languages)
        language = parsed.language or self._languages.default
        permalink, stated = self._permalink(page, full, parsed, language)
        linked = common_front_matter.translation_link(full, self._languages, language)
        is_path = stated and ":" not in stated
        by_permalink = self._languages.without(stated, language) if is_path else ""
        by_path = self._languages.without(page.story or str(page.path), language)
        parsed = common_front_matter.in_story(parsed, linked, by_path)
        # What links translations counts first, else the permalink, else the path.
        return replace(parsed, key=linked or by_permalink or by_path, permalink=permalink)

    def _permalink(
        self, page: sites.SitePage, fields: Fields, parsed: ParsedArticle, language: str
    ) -> tuple[str | None, str]:
        """Return the path at which a page stands, and the one that it states itself."""
        stated = common_front_matter.text_of(fields, "permalink")
        pattern = stated or self._pattern(page)
        pattern = sites.JEKYLL_STYLES.get(pattern, pattern)
        filled = sites.fill_pattern(pattern, self._tokens(page, fields, parsed))
        if filled is None:
            return None, stated
        prefix = self._languages.tag(filled.strip("/").split("/")[0])
        if self._has_prefixes and language not in {self._languages.default, prefix}:
            filled = sites.clean_path(f"{self._code(language)}/{filled}")
        return filled, stated

    def _code(self, language: str) -> str:
        codes = common_front_matter.plain_list(self._config.get("languages"))
        return next(
            (str(code) for code in codes if self._languages.tag(str(code)) == language), ""
        )

    def _pattern(self, page: sites.SitePage) -> str:
        site = str(self._config.get("permalink") or "date")
        if page.group == "posts":
            own = self._collections.get("posts", {}).get("permalink")
            return str(own or site)
        if page.group in self._collections:
            own = self._collections[page.group].get("permalink")
            ends = "/" if site == "pretty" or site.endswith("/") else ":output_ext"
            return str(own or f"/:collection/:path{ends}")
        return f"/:path{'/' if site == 'pretty' or site.endswith('/') else ':output_ext'}"

    def _tokens(
        self, page: sites.SitePage, fields: Fields, parsed: ParsedArticle
    ) -> Mapping[str, Any]:
        named = _NAME.match(page.path.stem)
        title = named["title"] if named else page.path.stem
        slug = common_front_matter.text_of(fields, "slug") or title
        inside = (
            _relative(page.path, self._collections_folder / f"_{page.group}")
            or _relative(page.path, self._source)
            or page.path
        )
        above = self._folders_above_posts(page)
        stated = (fields.get(key) for key in ("categories", "category"))
        own = chain.from_iterable(map(common_front_matter.text_list, stated))
        categories = "/".join(dict.fromkeys(entry.lower() for entry in [*above, *own]))
        return sites.date_tokens(parsed.published) | {
            "title": lambda: slug,
            "slug": lambda: sites.path_word(slug),
            "name": lambda: title,
            "path": lambda: str(inside.with_suffix("")),
            "collection": lambda: page.group,
            "categories": lambda: categories,
            "slugified_categories": lambda: sites.path_word(categories),
            "output_ext": lambda: ".html",
        }

    def _folders_above_posts(self, page: sites.SitePage) -> tuple[str, ...]:
        below = _relative(page.path, self._collections_folder)
        parts = (below or _relative(page.path, self._source) or page.path).parts
        return parts[: parts.index("_posts")] if page.group == "posts" else ()

    def _defaults(self, page: sites.SitePage) -> Iterator[tuple[str, YamlValue]]:
        """Yield the values that the configuration gives to a page, the most general first."""
        inside = str(_relative(page.path, self._source) or page.path)
        types = {page.group} if page.kind is not sites.PageKind.PAGE else {"pages"}
        found = []
        stated = common_front_matter.plain_list(self._config.get("defaults"))
        for value in map(common_front_matter.plain_table, stated):
            scope = common_front_matter.plain_table(value.get("scope"))
            values = common_front_matter.plain_table(value.get("values"))
            path = str(scope.get("path") or "").strip("/")
            fits = not path or inside.startswith(f"{path}/") or fnmatchcase(inside, f"{path}*")
            if fits and str(scope.get("type") or "") in {"", *types}:
                plain = configuration.plain_values(values)
                if not path and self._options.language:
                    plain = {**plain, **dict.fromkeys(("lang", "language", "locale"))}
                found.append((len(path), plain))
        for _length, values in sorted(found, key=lambda pair: pair[0]):
            yield from values.items()

    # Templates

    def values(self, page: sites.SitePage) -> SiteValues:
        """Return the configuration, the page's defaults, the data files and the includes."""
        named = _NAME.match(page.path.stem)
        path = str(_relative(page.path, self._source) or page.path)
        slug = named["title"] if named else page.path.stem
        own = {
            "path": path,
            "relative_path": path,
            "name": page.path.name,
            "ext": page.path.suffix,
            "slug": slug,
            "tags": [],
            "categories": list(self._folders_above_posts(page)),
            "title": page.title,
            "collection": page.group,
            "date": page.date,
        }
        code = self._code(page.language or "") or self._code(self._languages.default)
        return SiteValues(
            site=self._site_values(code),
            page=own | dict(self._defaults(page)),
            data=self._data,
            include=partial(self._include, code),
            translate=partial(self._translated, code),
            derive=lambda metadata: _id_of(metadata, slug),
        )

    def _site_values(self, code: str) -> dict[str, Any]:
        """Return the configuration, and what plugins for several languages add to it."""
        default, base = self._code(self._languages.default), self._config.get("baseurl") or ""
        own = {"active_lang": code, "lang": code, "default_lang": default, "baseurl_root": base}
        is_other = self._builds_each_language and code != default
        changed = {"lang": code, "baseurl": f"{base}/{code}"} if is_other else {}
        return own | self._config | changed

    def _translated(self, code: str, key: str) -> str | None:
        """Return a text of `_i18n/<language>.yml`, else of the main language; None if there is none."""
        for language in (code, self._code(self._languages.default)):
            found: Any = self._translations(language)
            for part in key.split("."):
                found = found.get(part) if isinstance(found, Mapping) else None
            if isinstance(found, str):
                return found
        return None

    def _read_translations(self, code: str) -> Mapping[str, Any]:
        try:
            return self._files.table(str(self._source / f"_i18n/{code}.yml")) or {}
        except SourceError:
            return {}  # the tags that need it are reported

    def _include(self, code: str, name: str) -> str | None:
        for folder in ("_includes", "", f"_i18n/{code}"):
            text = self._files.text(str(self._source / folder / name.strip("/")))
            if text is not None:
                return text
        return None


def _id_of(metadata: ParsedArticle, slug: str) -> Mapping[str, str]:
    """Return `page.id`: the folder of the address, and the name without date and ending."""
    folder = PurePosixPath(metadata.permalink).parent if metadata.permalink else None
    return {"id": str(folder / slug)} if folder else {}


def _first(table: Mapping[str, Any], *keys: str) -> str:
    return next((str(table[key]) for key in keys if isinstance(table.get(key), str)), "")


def _relative(path: PurePosixPath, folder: PurePosixPath) -> PurePosixPath | None:
    return path.relative_to(folder) if path.is_relative_to(folder) else None


def _words(value: YamlValue) -> YamlValue:
    """Return tags as a list; a text without commas has them between spaces."""
    if isinstance(value, str) and "," not in value:
        return list(value.split())
    return value
