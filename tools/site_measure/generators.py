"""What each generator would publish of a folder: by its documented rules, and nothing of ours.

An address is expected only where the rules leave no doubt about it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from tools.site_measure.documents import (
    DOCUMENTS,
    Expected,
    SourceFile,
    as_list,
    days_of,
    is_false,
    is_true,
    loose_language,
    moment_of,
    read_document,
    read_table,
    title_of,
)

_CODE = re.compile(r"[a-z]{2,3}([-_][A-Za-z]{2,4})?")
# Folders that have such names, and are no languages.
_NO_LANGUAGES = frozenset(
    {"css", "img", "lib", "src", "api", "doc", "faq", "app", "pdf", "bin"}
)
_DATED_NAME = re.compile(r"(\d{4}-\d{1,2}-\d{1,2})-(.*)")
_LINK_KEYS = (
    "translationkey",
    "translation_key",
    "translation_id",
    "ref",
    "lang-ref",
    "lang_ref",
)
_HUGO_DATES = ("date", "publishdate", "pubdate", "published", "lastmod", "modified")
_POST_FOLDERS = frozenset({"post", "posts", "blog", "news", "articles"})


def detected_generator(root: Path) -> str:
    """Return the generator whose configuration is there."""
    if list(root.glob("docusaurus.config.*")):
        return "docusaurus"
    if any((root / name / ".vitepress").is_dir() for name in (".", "docs", "src")):
        return "vitepress"
    if list(root.glob("eleventy.config.*")) or (root / ".eleventy.js").exists():
        return "eleventy"
    hugo = [*root.glob("hugo.*"), *root.glob("config/_default/*"), *root.glob("config.*")]
    if hugo and (root / "content").is_dir():
        return "hugo"
    is_jekyll = (root / "_config.yml").exists() or any(root.rglob("_posts"))
    return "jekyll" if is_jekyll else "plain"


def expected_articles(root: Path, generator: str) -> list[Expected]:
    """Return what should arrive of a site, and where."""
    rules = {"docusaurus": docusaurus, "hugo": hugo, "jekyll": jekyll}
    rules |= {"eleventy": eleventy, "vitepress": vitepress, "plain": plain_folder}
    found = rules[generator](root)
    return [
        one
        for one in found
        if one.file.body.strip() and not _is_held_back(one.file.fields, one.language)
    ]


def _is_held_back(fields: Mapping[str, Any], language: str) -> bool:
    now = datetime.now(UTC)
    later = [moment_of(fields.get(key)) for key in ("date", "publishdate")]
    over = moment_of(fields.get("expirydate"))
    return (
        any(is_true(fields.get(key)) for key in ("draft", "unlisted", "headless"))
        # The sites that are measured are translated from English.
        or (is_true(fields.get("untranslated")) and language not in {"", "en"})
        or is_false(fields.get("published"))
        or any(one is not None and one > now for one in later)
        or (over is not None and over < now)
    )


def _documents(
    root: Path, folder: Path, skip: Callable[[PurePosixPath], bool]
) -> list[SourceFile]:
    found = []
    for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
        name = PurePosixPath(path.relative_to(root).as_posix())
        hidden = any(part.startswith(".") or part == "node_modules" for part in name.parts)
        if path.suffix in DOCUMENTS and path.is_file() and not hidden and not skip(name):
            found.append(read_document(root, path))
    return found


def _is_named_off(path: PurePosixPath) -> bool:
    about = {"LICENSE", "CHANGELOG", "CONTRIBUTING", "AGENTS"}
    return path.name.startswith("_") or path.stem.upper() == "README" or path.stem in about


def _people(fields: Mapping[str, Any], known: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the authors as the front matter or the site's list writes them."""
    stated = as_list(fields.get("authors")) or as_list(fields.get("author"))
    found = []
    for one in stated:
        entry = known.get(one) if isinstance(one, str) else one
        value = (
            entry.get("name") or entry.get("display_name") if isinstance(entry, dict) else one
        )
        found.append(str(value))
    return tuple(found)


def _tags(value: Any, labels: Mapping[str, Any] | None = None) -> tuple[str, ...]:
    found = []
    for one in as_list(value):
        entry = (labels or {}).get(one) if isinstance(one, str) else one
        found.append(str(entry.get("label") if isinstance(entry, dict) else one))
    return tuple(found)


def _aliases(fields: Mapping[str, Any], beside: str = "") -> tuple[str, ...]:
    stated = as_list(fields.get("aliases")) + as_list(fields.get("redirect_from"))
    return tuple(
        one if one.startswith("/") else f"{beside}/{one}"
        for one in stated
        if isinstance(one, str) and "//" not in one
    )


def _linked_by(fields: Mapping[str, Any], language: str) -> str:
    stated = next((str(fields[key]) for key in _LINK_KEYS if fields.get(key)), "")
    return f"key:{re.sub(rf'^{language}[-/]|[-/]{language}$', '', stated)}" if stated else ""


def docusaurus(root: Path) -> Iterator[Expected]:
    """Yield the posts of the blog in all locales."""
    config = next(iter(root.glob("docusaurus.config.*"))).read_text("utf-8")
    default = (re.search(r"defaultLocale:\s*['\"]([\w-]+)", config) or ["", "en"])[1]
    blog = (re.search(r"blog:\s*\{[^}]*?\bpath:\s*['\"]([^'\"]+)", config) or ["", "blog"])[1]
    route = (re.search(r"routeBasePath:\s*['\"]([^'\"]*)['\"][^}]*?blog", config) or ["", ""])[
        1
    ]
    folders = {default: root / blog}
    for place in sorted((root / "i18n").glob("*/docusaurus-plugin-content-blog")):
        folders[place.parent.name] = place
    names = ("authors.yml", "authors.yaml", "authors.json")
    for locale, folder in folders.items():
        people = read_table(folders[default], *names) | read_table(folder, *names)
        labels = read_table(folders[default], "tags.yml") | read_table(folder, "tags.yml")
        hidden = lambda path: _is_named_off(path) or any(p[0] == "_" for p in path.parts)  # noqa: E731
        for one in _documents(root, folder, hidden):
            if one.path.suffix in {".md", ".mdx"}:
                inside = str(PurePosixPath(one.path).relative_to(folder.relative_to(root)))
                article = _docusaurus_post(one, inside, people, labels)
                prefix = "" if locale == default else f"/{locale}"
                base = route.strip("/") or "blog"
                addresses = tuple(f"{prefix}/{base}/{path}" for path in article.addresses)
                yield replace(article, language=locale, addresses=addresses)


def _docusaurus_post(
    one: SourceFile, inside: str, people: Mapping[str, Any], labels: Mapping[str, Any]
) -> Expected:
    bare = re.sub(r"(/index)?\.mdx?$", "", inside)
    dated = re.fullmatch(r"(.*?)(\d{4}[-/]\d{1,2}[-/]\d{1,2})[-/]?(.*)", bare)
    day = one.fields.get("date") or (dated and dated[2].replace("/", "-"))
    slug = one.fields.get("slug") or (
        f"{dated[2].replace('-', '/')}/{dated[1]}{dated[3]}" if dated else bare
    )
    fields = one.fields
    old = fields.get("author") or fields.get("author_name")
    authors = _people(fields, people) or ((str(old),) if old else ())
    title = title_of(one)
    return Expected(
        *(one, "", title, days_of(day), authors, _tags(fields.get("tags"), labels)),
        addresses=(str(slug).strip("/"),),
        group=bare,
    )


def hugo(root: Path) -> Iterator[Expected]:
    """Yield the regular pages with a date, and those of sections of posts."""
    config = _hugo_config(root)
    default = str(config.get("defaultcontentlanguage") or "en")
    languages = {str(key): value for key, value in (config.get("languages") or {}).items()}
    off = {str(one).lower() for one in as_list(config.get("disablelanguages"))}
    common = str(config.get("contentdir") or "content")
    folders = {
        str(value.get("contentdir") or common): key
        for key, value in languages.items()
        if value.get("contentdir") or (key == default and config.get("contentdir"))
    } or {common: default}
    own = {str(value.get("contentdir") or "") for value in languages.values()}
    named = {f"{common}/{key}": key for key in languages if (root / common / key).is_dir()}
    folders |= {
        place: key for place, key in named.items() if common in folders and place not in own
    }
    in_folder = is_true(config.get("defaultcontentlanguageinsubdir"))
    people = read_table(root, "data/authors.yaml", "data/authors.yml", "data/authors.toml")
    for folder, code in folders.items():
        bundles: set[PurePosixPath] = set()
        for one in _documents(root, root / folder, _is_named_off):
            inner = [other for other in folders if other.startswith(f"{folder}/")]
            if any(one.path.is_relative_to(other) for other in inner):
                continue
            stem, suffix = one.path.stem, one.path.stem.rpartition(".")[2]
            language = suffix if suffix in languages and "." in stem else code
            stem = (
                stem.removesuffix(f".{language}")
                if language != code or suffix == code
                else stem
            )
            inside = one.path.parent.relative_to(folder)
            if stem == "index":
                bundles.add(one.path.parent)
            elif one.path.parent in bundles or any(
                any((root / one.path.parent).glob(name)) for name in ("index.md", "index.*.md")
            ):
                continue
            story = inside if stem == "index" else inside / stem
            is_off = code in off or ("." in one.path.stem and suffix.lower() in off)
            if is_off or len(story.parts) == 0:
                continue
            day = next(
                (one.fields[key] for key in _HUGO_DATES if days_of(one.fields.get(key))), ""
            )
            is_post = inside.parts and inside.parts[0] in _POST_FOLDERS
            if not day and not is_post:
                continue
            if str(one.fields.get("layout", "")).lower() in {"search", "archive", "archives"}:
                continue
            prefix = f"/{language.lower()}" if in_folder or language != default else ""
            yield Expected(
                *(one, _hugo_tag(languages, language), title_of(one), days_of(day)),
                authors=_people(one.fields, people),
                tags=_tags(one.fields.get("tags")),
                addresses=(
                    *_hugo_address(one, config, story, prefix),
                    *_aliases(one.fields, f"{prefix}/{story.parent}".rstrip("/.").lower()),
                ),
                group=_linked_by(one.fields, language) or str(story).lower(),
                names=(str(story),),
            )


def _hugo_tag(languages: Mapping[str, Any], code: str) -> str:
    own = languages.get(code, {})
    return str(own.get("locale") or own.get("languagecode") or code)


def _hugo_address(
    one: SourceFile, config: Mapping[str, Any], story: PurePosixPath, prefix: str
) -> tuple[str, ...]:
    stated = one.fields.get("url")
    if stated:
        return (f"/{str(stated).lstrip('/')}",) if str(stated).startswith("/") else ()
    slug = str(one.fields.get("slug") or "")
    section = story.parts[0].lower()
    permalinks, ugly = config.get("permalinks") or {}, config.get("uglyurls")
    is_ugly = is_true(ugly.get(section)) if isinstance(ugly, dict) else is_true(ugly)
    if permalinks.get("page") or not re.fullmatch(r"[\w-]+", slug or story.name):
        return ()
    default = "/".join(["", *story.parts[:-1], slug or story.name, ""])
    path = str(permalinks.get(section) or default).replace(":slug", slug or ":slug")
    if ":year" in path or ":month" in path or ":day" in path:
        day = min(days_of(one.fields.get("date")), default=None)
        if day is None or len(days_of(one.fields.get("date"))) > 1:
            return ()
        for token, form in ((":year", "%Y"), (":month", "%m"), (":day", "%d")):
            path = path.replace(token, day.strftime(form))
    if ":" in path:
        return ()
    path = f"{path.rstrip('/')}.html" if is_ugly else path
    return (f"{prefix}{path}".lower(),)


def _hugo_config(root: Path) -> dict[str, Any]:
    names = [
        f"{stem}.{ending}" for stem in ("hugo", "config") for ending in ("toml", "yaml", "json")
    ]
    config = _lower(read_table(root, *names, *(f"config/_default/{name}" for name in names)))
    languages = dict(config.get("languages") or {})
    for path in sorted(root.glob("config/_default/languages.*")):
        table = _lower(read_table(path.parent, path.name))
        languages |= {path.name.split(".")[1]: table} if path.name.count(".") > 1 else table
    return config | {"languages": languages}


def _lower(table: Mapping[str, Any]) -> dict[str, Any]:
    return {
        str(key).lower(): _lower(one) if isinstance(one, dict) else one
        for key, one in table.items()
    }


def jekyll(root: Path) -> Iterator[Expected]:
    """Yield the posts, and the documents of collections that are output and dated."""
    config = read_table(root, "_config.yml")
    source = root / str(config.get("source") or ".")
    listed = config.get("collections") or {}
    written = {
        name
        for name, options in (listed.items() if isinstance(listed, dict) else ())
        if isinstance(options, dict) and options.get("output")
    }
    people = read_table(source, "_data/authors.yml", "_data/people.yml")
    default = str(
        config.get("default_lang") or config.get("lang") or config.get("locale") or "en"
    )
    for one in _documents(root, source, _is_named_off):
        folders = [part for part in one.path.parts[:-1] if part.startswith("_")]
        kind = next((part[1:] for part in reversed(folders) if part != "_i18n"), "")
        named = _DATED_NAME.fullmatch(one.path.stem)
        is_article = bool(named) if kind == "posts" else kind in written
        fields = _jekyll_defaults(config, one, source.relative_to(root), kind) | one.fields
        day = fields.get("date") or (named and named[1])
        if not is_article or not days_of(day):
            continue
        bare = [part for part in one.path.parts[:-1] if not _is_code(part)]
        folder_code = next((part for part in one.path.parts[:-1] if _is_code(part)), "")
        stem, _dot, suffix = one.path.stem.rpartition(".")
        by_name = suffix if stem and _is_code(suffix) else ""
        language = str(fields.get("lang") or folder_code or by_name or default)
        name = stem if by_name else one.path.stem
        permalink = str(fields.get("permalink") or "")
        path = permalink if permalink and ":" not in permalink else ""
        words = str(fields.get("tags") or "").split()
        tags = fields.get("tags") if isinstance(fields.get("tags"), list) else words
        shared = re.sub(rf"^/?{re.escape(language)}/", "", path.strip("/") + "/").strip("/")
        yield Expected(
            *(one, language, title_of(one) or (named[2].replace("-", " ") if named else "")),
            days=days_of(day),
            authors=_people(fields, people),
            tags=_tags(tags) if "," not in str(fields.get("tags")) or tags is not words else (),
            addresses=(
                *([path] if path else _jekyll_address(config, fields, named, kind, one)),
                *_aliases(fields),
            ),
            group=_linked_by(fields, language) or shared or "/".join([*bare, name]),
            names=(one.path.stem,),
        )


def _jekyll_defaults(
    config: Mapping[str, Any], one: SourceFile, source: PurePosixPath | Path, kind: str
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    inside = one.path.relative_to(PurePosixPath(source.as_posix()))
    rules = [rule for rule in config.get("defaults") or [] if isinstance(rule, dict)]
    for rule in sorted(
        rules, key=lambda each: len((each.get("scope") or {}).get("path") or "")
    ):
        scope = rule.get("scope") or {}
        path, is_kind = str(scope.get("path") or ""), scope.get("type") in {None, "", kind}
        if is_kind and (not path or inside.is_relative_to(path) or inside.match(path)):
            found |= rule.get("values") or {}
    return found


def _jekyll_address(
    config: Mapping[str, Any],
    fields: Mapping[str, Any],
    named: re.Match[str] | None,
    kind: str,
    one: SourceFile,
) -> list[str]:
    """Return a post's address by the styles of Jekyll that need no plugin."""
    styles = {"date": "/%Y/%m/%d/:t.html", "pretty": "/%Y/%m/%d/:t/", "none": "/:t.html"}
    style = styles.get(str(config.get("permalink") or "date"))
    moment = min(days_of(fields.get("date") or (named and named[1])))
    if not (named and style and kind == "posts") or len(days_of(fields.get("date"))) > 1:
        return []
    if fields.get("permalink") or config.get("languages"):
        return []
    folders = (
        one.path.parts[: one.path.parts.index("_posts")] if "_posts" in one.path.parts else ()
    )
    source = [*PurePosixPath(str(config.get("source") or ".")).parts]
    source += PurePosixPath(str(config.get("collections_dir") or ".")).parts
    stated = fields.get("categories") or fields.get("category")
    listed = stated.split() if isinstance(stated, str) else as_list(stated)
    above = list(folders[len(source) :]) if source else list(folders)
    categories = dict.fromkeys(str(each).lower() for each in [*above, *listed])
    title = str(fields.get("slug") or named[2])
    return ["/".join(["", *categories]) + moment.strftime(style).replace(":t", title)]


def _is_code(name: str) -> bool:
    return bool(_CODE.fullmatch(name)) and name not in _NO_LANGUAGES


def eleventy(root: Path) -> Iterator[Expected]:
    """Yield what has a date, or a tag of posts."""
    config = next(iter([*root.glob("eleventy.config.*"), *root.glob(".eleventy.js")]))
    script = config.read_text("utf-8")
    folder = (re.search(r"\binput:\s*['\"]([^'\"]+)", script) or ["", "."])[1].removeprefix(
        "./"
    )
    output = (re.search(r"\boutput:\s*['\"]([^'\"]+)", script) or ["", "_site"])[1]
    source = root / folder
    data = (re.search(r"\bdata:\s*['\"]([^'\"]+)", script) or ["", "_data"])[1]
    people = read_table(source / data, "authors.json", "authors.yaml", "authors.yml")
    for one in _documents(root, source, _is_named_off):
        inside = PurePosixPath(one.path).relative_to(PurePosixPath(folder))
        if any(part.startswith("_") or part == output for part in inside.parts[:-1]):
            continue
        fields = _folder_data(root, one) | one.fields
        tags = [str(tag) for tag in as_list(fields.get("tags"))]
        named = _DATED_NAME.fullmatch(
            inside.parent.name if inside.stem == "index" else inside.stem
        )
        days = days_of(fields.get("date")) or days_of(named and named[1])
        if is_false(fields.get("permalink")) or is_true(
            fields.get("eleventyexcludefromcollections")
        ):
            continue
        if not days and not _POST_FOLDERS & {tag.lower() for tag in tags}:
            continue
        code = next((part for part in inside.parts[:-1] if _is_code(part)), "")
        language = str(fields.get("lang") or code)
        bare = "/".join(part for part in inside.with_suffix("").parts if part != code)
        permalink = str(fields.get("permalink") or "")
        place = inside.with_suffix("")
        place = place.parent if place.name == "index" else place
        name = re.sub(r"^\d{4}-\d\d-\d\d-", "", place.name)
        default = f"/{place.parent}/{name}/".replace("/./", "/")
        yield Expected(
            *(one, language, title_of(one), days),
            authors=_people(fields, people),
            tags=tuple(
                tag for tag in tags if tag.lower() not in {*_POST_FOLDERS, "article", "all"}
            ),
            addresses=() if "{" in permalink else (permalink or default,),
            group=_linked_by(fields, language) or bare,
            names=(str(inside),),
        )


def _folder_data(root: Path, one: SourceFile) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for folder in reversed(one.path.parents[:-1]):
        names = (f"{folder}/{folder.name}{end}" for end in (".11tydata.json", ".json"))
        found |= _lower(read_table(root, *names))
    own = str(one.path.with_suffix(""))
    return found | _lower(read_table(root, f"{own}.11tydata.json", f"{own}.json"))


def vitepress(root: Path) -> Iterator[Expected]:
    """Yield what has a date, and the pages in folders of posts."""
    base = next(
        one for one in (root, root / "docs", root / "src") if (one / ".vitepress").is_dir()
    )
    script = next(iter(base.glob(".vitepress/config*"))).read_text("utf-8")
    base = base / (re.search(r"srcDir:\s*['\"]([^'\"]+)", script) or ["", "."])[1]
    ending = "" if re.search(r"cleanUrls:\s*true", script) else ".html"
    for one in _documents(root, base, _is_named_off):
        inside = one.path.relative_to(PurePosixPath(base.relative_to(root).as_posix()))
        code = inside.parts[0] if len(inside.parts) > 1 and _is_code(inside.parts[0]) else ""
        bare = PurePosixPath(*inside.parts[1:]) if code else inside
        is_post = bool(_POST_FOLDERS & set(bare.parts[:-1]))
        if bare.stem == "index" and (len(bare.parts) == 1 or bare.parts[-2] in _POST_FOLDERS):
            continue
        named = _DATED_NAME.fullmatch(inside.stem)
        days = days_of(one.fields.get("date")) or days_of(named and named[1])
        if one.fields.get("layout") in {"home", "page"} or not (days or is_post):
            continue
        if one.path.suffix != ".md":
            continue
        stem = str(inside.with_suffix(""))
        is_index = inside.stem == "index"
        yield Expected(
            *(one, code, title_of(one), days),
            authors=_people(one.fields, {}),
            tags=_tags(one.fields.get("tags")),
            addresses=(f"/{stem.removesuffix('index')}" if is_index else f"/{stem}{ending}",),
            group=_linked_by(one.fields, code) or str(bare.with_suffix("")),
            names=(str(inside),),
        )


def plain_folder(root: Path) -> Iterator[Expected]:
    """Yield every document; the first folder or the suffix is its language."""
    for one in _documents(root, root, _is_named_off):
        code = (
            one.path.parts[0] if len(one.path.parts) > 1 and _is_code(one.path.parts[0]) else ""
        )
        language = str(one.fields.get("lang") or code)
        permalink = str(one.fields.get("permalink") or "")
        shared = re.sub(rf"^/?{re.escape(language)}/", "", permalink.strip("/") + "/").strip(
            "/"
        )
        bare = one.path.relative_to(code) if code else one.path
        named = _DATED_NAME.fullmatch(one.path.stem)
        yield Expected(
            *(one, language, title_of(one)),
            days=days_of(one.fields.get("date") or (named and named[1])),
            authors=_people(one.fields, {}),
            tags=_tags(one.fields.get("tags")),
            addresses=((permalink,) if permalink else ()) + _aliases(one.fields),
            group=shared or str(bare.with_suffix("")),
            names=(one.path.stem,),
        )


def same_language(expected: Expected, language: str) -> bool:
    """Return whether an article has the language that its document has, as far as it says so."""
    return not expected.language or loose_language(expected.language) == loose_language(
        language
    )
