"""The language of an article, its story's key, and which language variants are copies.

The key is, in this order: stated in the document; the article that it translates; its permalink
without the language; its path without the language. Titles are never compared. Call `update_variants` after an article of a story was added,
changed or withdrawn: it says which is the original, and which are untranslated copies.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from difflib import get_close_matches
from itertools import groupby
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import Connection, Row, bindparam, or_, select, update

from publisher.articles.model import ArticleStatus, Mailing, Origin, ParsedArticle
from publisher.articles.tables import NEEDS_PUBLISHING, article
from publisher.config import Publication
from publisher.database.engine import chunks
from publisher.errors import ArticleError, LanguageError
from publisher.i18n.messages import joined, untranslated
from publisher.ingest.links import link_store
from publisher.ingest.parsers import ARTICLE_SUFFIXES
from publisher.ingest.sites.base import is_language_code, tag_of
from publisher.languages import known_tag, language_called, match, normalise

_IS_HERE = article.c.story_id.in_(bindparam("stories", expanding=True)) & (
    article.c.status != ArticleStatus.WITHDRAWN
)
# What decides over a variant, and what is decided.
_DECIDING = ("id", "story_id", "language", "declared", "translators", "published_at", "text")
_DECIDED = ("origin", "status", "available_at", "mailing")
_VARIANTS = (
    select(*article.c[*_DECIDING, *_DECIDED])
    .where(_IS_HERE, article.c.origin != Origin.CONVERTED)
    .order_by(article.c.story_id)
)
_SET_VARIANT = update(article).where(article.c.id == bindparam("number"))
_IS_PUBLISHED = or_(article.c.page_hash.is_not(None), article.c.feed_hash.is_not(None))
_PUBLISH_STORIES = update(article).where(_IS_HERE, _IS_PUBLISHED).values(NEEDS_PUBLISHING)


def article_language(
    parsed: ParsedArticle, path: PurePosixPath, publication: Publication, default: str
) -> str:
    """Return the language: declared, else by file name, else by folder, else the default.

    A variant that the publication does not have becomes the one that it has. Raises LanguageError
    if a declared tag is invalid, ArticleError if another one may be meant.
    """
    tag = _declared(parsed.language, publication) if parsed.language else None
    _name, dot, suffix = path.stem.rpartition(".")
    names = (suffix if dot else "", path.parts[0] if len(path.parts) > 1 else "")
    for name in names:
        tag = tag or (_folder_tag(name, publication) if name else None)
    tag = tag or default
    return publication.serves(tag) or tag


def _declared(written: str, publication: Publication) -> str:
    try:
        return normalise(written)
    except LanguageError as error:
        if near := _meant(written, publication.languages):
            remedy = untranslated(f"did you mean {near}?")
            raise ArticleError(joined(untranslated(str(error)), remedy)) from None
        raise


def _meant(name: str, languages: Sequence[str]) -> str | None:
    """Return the language that a name may mean, of `languages` if it can: `jp`, `fr`, `Deutsch`."""
    tag = language_called(name) or (tag_of(name) if is_language_code(name) else None)
    return tag and (match(tag, languages) or tag)


def language_doubt(
    parsed: ParsedArticle, path: PurePosixPath, publication: Publication, language: str
) -> str:
    """Return what speaks against the language of an article, and what may be meant; empty for nothing.

    It is none of the publication's, or was not stated, and a folder looks like another one. Pure.
    """
    known = publication.languages
    if language not in known:
        near = get_close_matches(language, known, 1)
        remedy = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
        return f"{parsed.language or language} is no language of the publication; {remedy}"
    others = () if parsed.language else [one for one in path.parts[:-1] if one != language]
    for folder in others:
        if (tag := _meant(folder, known)) and not match(tag, [language]):
            return (
                f"{folder}/ is not read as a language, and the article counts as {language}; did you mean {tag}? "
                f"Move it below {tag}/ at the top of the source, or write lang: {tag}"
            )
    return ""


def _folder_tag(name: str, publication: Publication) -> str | None:
    """Return a name as a language tag, unless it may be a word (`art` and `new` are tags too)."""
    tag, primary = known_tag(name), name.replace("_", "-").split("-")[0]
    return tag if tag and (len(primary) == 2 or publication.serves(tag)) else None  # noqa: PLR2004  # ISO 639-1


def story_key(parsed: ParsedArticle, path: PurePosixPath, publication: Publication) -> str:
    if parsed.key:
        return parsed.key.strip()
    for place in (parsed.translation_of, parsed.permalink):
        if place and place.strip("/ "):
            return _key_of_path(PurePosixPath(place.strip("/ ")), publication)
    return _key_of_path(path, publication)


def _key_of_path(path: PurePosixPath, publication: Publication) -> str:
    if path.suffix.lower() in ARTICLE_SUFFIXES:
        path = path.with_suffix("")
    stem, dot, suffix = path.name.rpartition(".")
    if dot and stem and _folder_tag(suffix, publication):
        path = path.with_name(stem)
    parts = path.parts
    if len(parts) > 1 and _folder_tag(parts[0], publication):
        parts = parts[1:]
    return "/".join(parts)


def withdraw_articles(
    connection: Connection, numbers: Sequence[int], languages: Sequence[str], now: datetime
) -> set[int]:
    """Withdraw articles and return their stories; the rows stay, and so the ids."""
    touched = set()
    if numbers:
        link_store.mark_links_due(connection)
    values = {"status": ArticleStatus.WITHDRAWN, "updated_at": now, **NEEDS_PUBLISHING}
    for number in numbers:
        here = article.c.id == number
        connection.execute(update(article).where(here).values(values))
        story_id = connection.execute(select(article.c.story_id).where(here)).scalar_one()
        update_variants(connection, [story_id], languages, now)
        touched.add(story_id)
    return touched


def update_variants(
    connection: Connection,
    stories: Collection[int],
    languages: Sequence[str],
    now: datetime,
    *,
    only_texts: Collection[int] = (),
) -> None:
    """Decide again which articles are the originals and which are untranslated copies of them.

    `languages` are the publication's: their order decides between equals. In the stories
    `only_texts`, nothing has changed that other languages show. All articles of the other stories,
    and of those where something else is decided now, are published again.
    """
    changed: list[dict[str, Any]] = []
    for some in chunks(sorted(stories)):
        due = {*some}.difference(only_texts)
        rows = connection.execute(_VARIANTS, {"stories": some})
        for story_id, variants in groupby(rows, lambda row: row.story_id):
            if found := [*_changed_variants(list(variants), languages, now)]:
                changed += found
                due.add(story_id)
        # Each page lists the story's languages.
        connection.execute(_PUBLISH_STORIES, {"stories": sorted(due)})
    if changed:
        connection.execute(_SET_VARIANT, changed)


def _changed_variants(
    rows: Sequence[Row[Any]], languages: Sequence[str], now: datetime
) -> Iterator[dict[str, Any]]:
    declared = {row.id: _declared_status(row, languages) for row in rows}
    original = min(rows, key=lambda row: _original_rank(row, declared[row.id], languages))
    for row in rows:
        before = {name: getattr(row, name) for name in _DECIDED}
        values = before | _variant_columns(row, declared[row.id], original, now)
        if values != before:
            yield {"number": row.id, **values}


def _declared_status(row: Row[Any], languages: Sequence[str]) -> ArticleStatus:
    """Return what a document says of itself; in the first language, `untranslated` says: no translation yet."""
    is_original = row.declared == ArticleStatus.UNTRANSLATED and row.language == languages[0]
    return ArticleStatus.READY if is_original else ArticleStatus(row.declared)


def _original_rank(
    row: Row[Any], declared: ArticleStatus, languages: Sequence[str]
) -> tuple[bool, bool, datetime, int, str]:
    """Return a sort key; the original has the lowest.

    Articles that may be published come first, then those without a translator, then the earliest,
    then by the order of languages.
    """
    position = languages.index(row.language) if row.language in languages else len(languages)
    held_back = declared != ArticleStatus.READY
    return held_back, bool(row.translators), row.published_at, position, row.language


def _variant_columns(
    row: Row[Any], declared: ArticleStatus, original: Row[Any], now: datetime
) -> dict[str, Any]:
    # Two articles with only pictures are no copies of each other.
    is_copy = row.id != original.id and bool(row.text) and row.text == original.text
    status = ArticleStatus.UNTRANSLATED if is_copy else declared
    values: dict[str, Any] = {
        "origin": Origin.ORIGINAL if row.id == original.id else Origin.TRANSLATION,
        "status": status,
    }
    if status == ArticleStatus.READY and row.status != ArticleStatus.READY:
        # An article that was held back is new when it is released.
        values["available_at"] = max(now, row.available_at)
        # What was stored in this same pick-up is not released, only compared again.
        if row.available_at < now:
            values["mailing"] = Mailing.NEWS
    return values
