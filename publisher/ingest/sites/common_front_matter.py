"""What the front matter of all generators has in common: what holds a document back, and its parts.

Values that generators write in other forms than `parsers.metadata` reads are brought into those. Authors whom a
site lists once, as in `authors.yml`, are named in documents by their key.
"""

import posixpath
import re
from collections.abc import Mapping
from dataclasses import replace
from html import unescape
from typing import Any

from publisher.articles.model import ParsedArticle
from publisher.i18n.article_problems import ArticleProblem, ProblemKind
from publisher.ingest.parsers import fields as field_types
from publisher.ingest.parsers.front_matter import YamlValue, keyed
from publisher.ingest.parsers.metadata import read_metadata
from publisher.ingest.sites import base as sites

Fields = Mapping[str, YamlValue]

# Keys that link the translations of a story in the themes and plugins of several generators.
TRANSLATION_KEYS = (  # noqa: SIM905  # one a line would fill the page
    "translation_key translationkey translation_id key story ref lang_ref page_id "
    "i18n_key i18n_id idi18n lang_id language_reference translation_ref translations_id"
).split()
# Names that themes give to the picture among the files of a bundle.
_PICTURE_NAMES = ("featured-image", "featured", "feature", "cover", "thumbnail", "header")
_EXPIRY_KEYS = ("expirydate", "expiry_date", "expires", "unpublishdate", "unpublish_date")
# HTML that themes show as such in titles.
_INLINE_ELEMENT = re.compile(
    r"<(?P<name>em|strong|i|b|u|code|small|sub|sup|span|mark)(?:\s[^<>]{0,200})?>"
    r"(?P<inside>[^<>]{0,500})</(?P=name)>",
    re.IGNORECASE,
)
_INLINE_BREAK = re.compile(r"\s*<(?:br\s*/?|wbr)>\s*", re.IGNORECASE)
# An id or a name that links translations is written like a part of an address.
_SLUG = re.compile(r"[\w.-]*[\w][-._/][\w./-]*")


def check_held_back(
    page: sites.SitePage, fields: Fields, languages: sites.SiteLanguages
) -> None:
    """Raise LeftOutError if a document says that it is not to be listed, or not translated yet.

    `untranslated` of an original, which is in the site's main language, says that it has no translations.
    """
    title = text_of(fields, "title")
    is_draft = is_set(fields, "draft") or fields.get("status") == "draft"
    if is_draft or is_word(fields.get("published"), field_types.FALSE_WORDS):
        raise sites.LeftOutError(sites.LeftOutReason.DRAFT, title=title)
    if is_set(fields, "unlisted"):
        raise sites.LeftOutError(sites.LeftOutReason.UNLISTED, title=title)
    if is_set(fields, "untranslated"):
        declared = text_of(fields, "lang", "language", "locale")
        language = languages.tag(declared) or sites.tag_of(declared) or page.language
        if language not in {None, languages.default}:
            raise sites.LeftOutError(sites.LeftOutReason.UNTRANSLATED, title=title)


def check_dated(page: sites.SitePage, parsed: ParsedArticle) -> None:
    """Raise LeftOutError for a page that would be an article if it had a date."""
    if page.kind is sites.PageKind.DATED and parsed.published is None:
        raise sites.LeftOutError(sites.LeftOutReason.PAGE, page.group)


def is_word(value: YamlValue, words: frozenset[str]) -> bool:
    return isinstance(value, str) and value.strip().lower() in words


def is_set(fields: Fields, key: str) -> bool:
    """Return whether a key has one of YAML's words for true."""
    return is_word(fields.get(key), field_types.TRUE_WORDS)


def text_of(fields: Fields, *keys: str) -> str:
    """Return the first of several values that is a text, stripped."""
    values = (fields.get(key) for key in keys)
    return next((one.strip() for one in values if isinstance(one, str) and one.strip()), "")


def text_list(value: YamlValue) -> tuple[str, ...]:
    """Return the texts of a list, or the one text that a value is."""
    items = value if isinstance(value, list) else [value]
    return tuple(one.strip() for one in items if isinstance(one, str) and one.strip())


def described(page: sites.SitePage, fields: Fields) -> ParsedArticle:
    """Return what front matter says, with the date in the page's name and no address elsewhere.

    `canonical_url` is the address of a copy: the page itself still stands at its own.
    """
    canonical = text_of(fields, "canonical_url", "canonical", "canonicalurl")
    # These are the names of other values in sites: paths, numbers of records.
    others = "url canonical canonical_url id permalink translation_key key untranslated".split()  # noqa: SIM905
    usual = {key: value for key, value in fields.items() if key not in others}
    usual.setdefault("featured_image", _listed_picture(fields.get("resources")))
    for key in ("tags", "categories", "keywords", "topics"):
        usual[key] = _labels(usual.get(key))
    parsed = read_metadata(usual)
    expiry = next((key for key in _EXPIRY_KEYS if fields.get(key)), None)
    return replace(
        parsed,
        title=plain_line(parsed.title),
        summary=plain_line(parsed.summary),
        published=parsed.published or page.date,
        canonical=canonical if canonical.startswith(("http://", "https://")) else None,
        expires=field_types.read_date(expiry, fields[expiry]) if expiry else None,
        aliases=stated_aliases(fields),
    )


def in_language(
    parsed: ParsedArticle, page: sites.SitePage, languages: sites.SiteLanguages
) -> ParsedArticle:
    """Return an article in the language that it states, else its path, else the site."""
    declared = parsed.language or ""
    found = languages.tag(declared) or sites.tag_of(declared) or page.language
    problems = parsed.problems
    if declared and not found:
        what = f"lang: {declared} is no language; {languages.default} was taken"
        problems = (*problems, ArticleProblem(ProblemKind.UNKNOWN_FIELD, None, what))
    return replace(parsed, language=found or languages.default, problems=problems)


def plain_line(written: str) -> str:
    """Return a title or a summary as readers see it: sites write some HTML in them."""
    bare = _INLINE_BREAK.sub(" ", written)
    while (without := _INLINE_ELEMENT.sub(r"\g<inside>", bare)) != bare:
        bare = without
    return unescape(bare).strip()


def stated_aliases(fields: Fields, page: str = "") -> tuple[str, ...]:
    """Return the other paths at which a page stands or stood; relative ones are beside the path `page`."""
    folder = posixpath.dirname(page.rstrip("/")).rstrip("/")
    return tuple(
        one if one.startswith("/") else posixpath.normpath(f"{folder}/{one}")
        for key in ("aliases", "alias", "redirect_from", "redirects")
        for one in text_list(fields.get(key))
        if not one.startswith(("http:", "https:"))
    )


def translation_link(fields: Fields, languages: sites.SiteLanguages, language: str) -> str:
    """Return the key that a document shares with its translations, empty if it states none.

    It has no language in it. An id or a name counts if it reads like an address.
    """
    ids = (text_of(fields, key) for key in ("id", "name"))
    stated = text_of(fields, *TRANSLATION_KEYS) or next(filter(_SLUG.fullmatch, ids), "")
    return languages.without(stated, language) or stated


def in_story(parsed: ParsedArticle, linked: str, by_path: str) -> ParsedArticle:
    """Return an article in the story that links its translations, else in that of its path."""
    return replace(parsed, key=linked or by_path, other_key=by_path, is_linked=bool(linked))


def _listed_picture(resources: YamlValue) -> str | None:
    """Return the picture among the files of a bundle that front matter gives a name."""
    entries = [keyed(one) for one in resources or [] if isinstance(one, dict)]
    named = {text_of(one, "name").lower(): text_of(one, "src") for one in entries}
    found = (named.get(one, "") for one in _PICTURE_NAMES)
    return next((src for src in found if src and "*" not in src), None)


def _labels(value: YamlValue) -> YamlValue:
    """Return tags as texts: `{label: Sea}` is `Sea`."""
    if not isinstance(value, list):
        return value
    return [
        keyed(one).get("label") or keyed(one).get("name") if isinstance(one, dict) else one
        for one in value
    ]


def plain_list(value: Any) -> list[Any]:
    """Return a list, the keys of a table, or a value alone: a site's owner may have written any."""
    is_many = isinstance(value, list | dict)
    return list(value) if is_many else [] if value is None else [value]


def plain_table(value: Any) -> dict[str, Any]:
    """Return a table; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def with_authors(
    inherited: Fields, fields: Fields, people: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a site and a document state, with names and affiliations instead of keys of people.

    A document's own authors replace inherited ones, under whatever key.
    """
    full = {**inherited, **fields}
    is_own = bool(fields.get("author") or fields.get("authors"))
    for key in ("author", "authors"):
        full[key] = named_authors((fields if is_own else full).get(key), people)
    return full


def named_authors(value: YamlValue, known: Mapping[str, Any]) -> YamlValue:
    """Return `author` or `authors` with names and affiliations instead of keys, characters instead of entities (`&eacute;`)."""
    if isinstance(value, list):
        named = (named_authors(one, known) for one in value)
        # Some are shown by a picture alone.
        return [one for one in named if not isinstance(one, dict) or one["name"]]
    if isinstance(value, str):
        entry = known.get(value) or known.get(value.strip())
        if isinstance(entry, str):
            return unescape(entry)
        return _author(value, entry) if isinstance(entry, Mapping) else unescape(value)
    if isinstance(value, dict):
        parts = keyed(value)
        entry = known.get(str(parts.get("key"))) if parts.get("key") else None
        merged = {**entry, **parts} if isinstance(entry, Mapping) else parts
        return _author(str(parts.get("key") or ""), merged)
    return value


def _author(key: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    parts = keyed(entry)
    # One name for each language; people.toml says more.
    stated = parts.get("name")
    if isinstance(stated, Mapping):
        parts["name"] = next((one for one in stated.values() if isinstance(one, str)), "")
    name = parts.get("name") or parts.get("display_name") or parts.get("title") or key
    words = (parts.get(one) for one in field_types.AFFILIATION_KEYS)
    affiliation = next((one for one in words if isinstance(one, str) and one != name), None)
    return {"name": unescape(str(name)), "affiliation": affiliation and unescape(affiliation)}
