"""The items of sources: their state as stored at the last pick-up, and how one is read and parsed.

An item is an article of a story, or has a reason why there is none now. An archive was published before its source was
read for the first time. It has pages and feed entries. Issues carry none of it until somebody announces it.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from publisher.articles.model import ArticleStatus, Mailing, ParsedArticle
from publisher.articles.store import publication_time
from publisher.articles.tables import article, story
from publisher.config import Settings, SourceSettings
from publisher.config.sources import FirstImport
from publisher.database.dialect.sql import upsert, upsert_by_key
from publisher.database.engine import chunks
from publisher.errors import ArticleError, EmptyArticleError, LanguageError, SourceError
from publisher.fault_isolation import explain_fault, stops_all
from publisher.i18n.article_problems import ArticleProblem, ProblemKind
from publisher.i18n.messages import message, untranslated
from publisher.ingest.parsers import parse_document
from publisher.ingest.pickup.story_keys import article_language, language_doubt, story_key
from publisher.ingest.problems import (
    HandledProblem,
    add_reason,
    handle_problems,
    reason_to_hold,
    save_problems,
)
from publisher.ingest.sites.base import LeftOutError, LeftOutReason
from publisher.ingest.sources.base import Item, RawItem, Source
from publisher.ingest.tables import source_item, source_table
from publisher.languages.detection import other_language
from publisher.log import log

_NOTHING = ParsedArticle()
_UTC = ZoneInfo("UTC")

ItemId = tuple[str, str]  # the name of a source and a key in it


@dataclass(frozen=True, slots=True)
class SourceState:
    """What is stored of a source; an empty fingerprint means that all must be read."""

    kind: str
    fingerprint: str = ""
    mark: str = ""
    left_out: str = ""


@dataclass(frozen=True, slots=True)
class KnownItem:
    """The state of an item at the last pick-up."""

    signature: str
    sha256: str
    article_id: int | None
    reason: str | None
    media: tuple[str, ...]
    read_again_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemResult:
    """The result of reading an item: an article, a reason why there is none, or a draft (neither).

    `other_key` is that of the story if its first one is taken; `siblings` are the keys of items that
    have the same name in other languages. `is_unchanged` means that the content is the same as at the last pick-up. `story_key` and
    `language` are set where there is an article, `title` and `language` of one that is left out now; `zone` is the publication's, for dates without
    one. `site_url` is where the document's site stands, `placed` are the copies of its pictures.
    """

    item: Item
    sha256: str
    parsed: ParsedArticle = _NOTHING
    language: str = ""
    story_key: str = ""
    other_key: str = ""
    siblings: tuple[str, ...] = ()
    zone: ZoneInfo = _UTC
    reason: str | None = None
    is_unchanged: bool = False
    media: tuple[str, ...] = ()
    left_out: str | None = None
    title: str = ""
    read_again_at: datetime | None = None
    problems: tuple[HandledProblem, ...] = ()
    site_url: str = ""
    placed: tuple[Path, ...] = ()
    is_archive: bool = False

    @property
    def has_article(self) -> bool:
        return self.parsed is not _NOTHING


# Sources


def stored_sources(connection: Connection) -> Mapping[str, str]:
    rows = connection.execute(sa.select(source_table.c.name, source_table.c.kind))
    return dict(rows.all())


def count_articles_of_sources(connection: Connection) -> Mapping[str, int]:
    item = source_item.c
    query = sa.select(item.source, sa.func.count(item.article_id.distinct()))
    query = query.where(item.article_id.is_not(None)).group_by(item.source)
    return {str(name): count for name, count in connection.execute(query)}


def sources_of_stories(
    connection: Connection, stories: Sequence[int], sources: Collection[str]
) -> Iterator[tuple[int, str]]:
    """Yield the stories that are of these sources, each with its source."""
    query = sa.select(article.c.story_id, source_item.c.source).join_from(source_item, article)
    query = query.where(source_item.c.source.in_(sources)).order_by(source_item.c.source)
    for some in chunks(stories) if sources else ():
        rows = connection.execute(query.where(article.c.story_id.in_(some)))
        yield from ((story, source) for story, source in rows)


def source_state(connection: Connection, name: str) -> SourceState | None:
    return source_states(connection).get(name)


def source_states(connection: Connection) -> dict[str, SourceState]:
    columns = source_table.c["name", "kind", "fingerprint", "mark", "left_out"]
    return {
        name: SourceState(*state) for name, *state in connection.execute(sa.select(*columns))
    }


def imported_at(connection: Connection, name: str) -> datetime | None:
    """Return when the first import of a source was finished, None if it was not."""
    query = sa.select(source_table.c.imported_at).where(source_table.c.name == name)
    return connection.execute(query).scalar_one_or_none()


def finish_first_import(connection: Connection, name: str, now: datetime) -> None:
    """Store when the first import of a source was finished, unless that is stored already."""
    here = (source_table.c.name == name) & source_table.c.imported_at.is_(None)
    connection.execute(sa.update(source_table).where(here).values(imported_at=now))


def add_source(connection: Connection, name: str, state: SourceState) -> None:
    """Store a new source, unless another process was first."""
    row = upsert(connection, source_table).values(name=name, **asdict(state))
    connection.execute(row.on_conflict_do_nothing(index_elements=["name"]))


def rename_source(connection: Connection, old: str, new: str) -> None:
    here = source_table.c.name == old
    connection.execute(sa.update(source_table).where(here).values(name=new))


def set_source_state(connection: Connection, name: str, state: SourceState) -> None:
    """Store how far a source was read, and under which settings."""
    here = source_table.c.name == name
    connection.execute(sa.update(source_table).where(here).values(asdict(state)))


def read_all_again(connection: Connection) -> None:
    """Mark all sources, so that every item is read again and its media are put in place."""
    connection.execute(sa.update(source_table).values(fingerprint="", mark=""))


def forget_source(connection: Connection, name: str) -> None:
    connection.execute(sa.delete(source_table).where(source_table.c.name == name))


# Items


def known_items(connection: Connection, source: str) -> dict[str, KnownItem]:
    table = source_item.c
    # As text: parsing a hundred thousand empty lists would take a third of a second.
    columns = (sa.cast(table.media, sa.Text), table.read_again_at)
    query = sa.select(*table["key", "signature", "sha256", "article_id", "reason"], *columns)
    rows: Any = connection.execute(query.where(table.source == source))
    return {
        key: KnownItem(
            *(signature, sha256, number, reason),
            tuple(json.loads(media) if media != "[]" else ()),
            again,
        )
        for key, signature, sha256, number, reason, media, again in rows
    }


def items_of(connection: Connection, sources: Collection[str]) -> list[ItemId]:
    query = sa.select(source_item.c.source, source_item.c.key)
    found = connection.execute(query.where(source_item.c.source.in_(sources)))
    return sorted((source, key) for source, key in found)


def save_item(
    connection: Connection,
    source: str,
    result: ItemResult,
    article_id: int | None,
    *,
    reason: str | None = None,
) -> None:
    values = {
        "source": source,
        "key": result.item.key,
        "signature": result.item.signature,
        "sha256": result.sha256,
        "article_id": article_id,
        "reason": reason,
        "media": list(result.media),
        "left_out": result.left_out,
        "title": result.title or None,
        "language": result.language if result.left_out else None,
        "read_again_at": result.read_again_at,
    }
    connection.execute(upsert_by_key(connection, source_item), values)
    save_problems(connection, source, result.item.key, add_reason(result.problems, reason))


def save_signatures(connection: Connection, source: str, items: Sequence[Item]) -> None:
    """Store the new signatures of items with unchanged content."""
    if items:
        table = source_item.c
        here = (table.source == source) & (table.key == sa.bindparam("item"))
        connection.execute(
            sa.update(source_item).where(here).values(signature=sa.bindparam("new_signature")),
            [{"item": item.key, "new_signature": item.signature} for item in items],
        )


def save_files(connection: Connection, source: str, files: Iterable[Item]) -> None:
    for file in files:
        save_item(connection, source, ItemResult(item=file, sha256=""), None)


def forget_items(connection: Connection, source: str, keys: Iterable[str]) -> list[int]:
    """Delete the state of items; return the ids of articles that have no item any more."""
    orphans = []
    for key in keys:
        here = (source_item.c.source == source) & (source_item.c.key == key)
        number = connection.execute(sa.select(source_item.c.article_id).where(here)).scalar()
        connection.execute(sa.delete(source_item).where(here))
        others = sa.select(source_item.c.key).where(source_item.c.article_id == number)
        if number is not None and connection.execute(others).first() is None:
            orphans.append(int(number))
    return orphans


def count_quarantined(connection: Connection) -> int:
    query = sa.select(sa.func.count()).where(source_item.c.reason.is_not(None))
    return int(connection.execute(query).scalar_one())


@dataclass(frozen=True, slots=True)
class ArchiveRule:
    """Decides whether a new article is an archive's: it was published by `until`, None for never.

    In a pick-up that is an `import`, every such article is. In others only one that was in
    quarantine: its file was there before.
    """

    until: datetime | None = None
    is_import: bool = False

    def mailing_of(self, published: datetime, *, was_held: bool) -> Mailing:
        """Return whether issues carry an article that is stored for the first time."""
        was_there = self.is_import or was_held
        is_archived = self.until is not None and was_there and published <= self.until
        return Mailing.ARCHIVE if is_archived else Mailing.NEWS


NO_ARCHIVE = ArchiveRule()


def archive_rule(
    setting: FirstImport,
    *,
    is_site: bool,
    imported_at: datetime | None,
    same_rules: bool,
    now: datetime,
) -> ArchiveRule:
    """Return the rule for one pick-up of a source.

    Until the first import is finished, all that is published now is an archive. Afterwards it is what
    was published before then, and is found only because settings of the source have changed.
    """
    if setting == "news" or (setting == "auto" and not is_site):
        return NO_ARCHIVE
    return ArchiveRule(imported_at or now, is_import=imported_at is None or not same_rules)


def count_archive(connection: Connection) -> Mapping[str, int]:
    """Return how many published articles of each source are an archive."""
    query: sa.Select[str, int] = (
        sa.select(source_item.c.source, sa.func.count(article.c.id.distinct()))
        .join(article, article.c.id == source_item.c.article_id)
        .where(article.c.mailing == Mailing.ARCHIVE, article.c.status == ArticleStatus.READY)
        .group_by(source_item.c.source)
        .order_by(source_item.c.source)
    )
    return dict(connection.execute(query).all())


def stories_named(connection: Connection, name: str) -> ColumnElement[bool] | None:
    """Return a condition for the articles of a source, else of a story by key or slug; None for neither."""
    source = sa.select(source_table.c.name).where(source_table.c.name == name)
    if connection.execute(source).first():
        items = sa.select(source_item.c.article_id).where(source_item.c.source == name)
        stories = sa.select(article.c.story_id).where(article.c.id.in_(items))
        return article.c.story_id.in_(stories)
    found = sa.select(story.c.id).where((story.c.key == name) | (story.c.slug == name))
    number = connection.execute(found).scalars().first()
    return None if number is None else article.c.story_id == number


def count_by_mailing(connection: Connection, chosen: ColumnElement[bool]) -> Mapping[str, int]:
    """Return how many published articles of these there are, by the value of `Mailing`."""
    query = sa.select(article.c.mailing, sa.func.count()).group_by(article.c.mailing)
    rows = connection.execute(query.where(chosen, article.c.status == ArticleStatus.READY))
    return {str(mailing): number for mailing, number in rows}


def announce_archive(connection: Connection, chosen: ColumnElement[bool], now: datetime) -> int:
    """Make articles of an archive news from now on; return how many. Others stay as they are."""
    is_archived = article.c.mailing == Mailing.ARCHIVE
    rows = sa.update(article).where(
        chosen, is_archived, article.c.status == ArticleStatus.READY
    )
    values = rows.values(mailing=Mailing.ANNOUNCED, available_at=now)
    return connection.execute(values).rowcount


@dataclass(frozen=True, slots=True)
class ItemParser:
    """Reads and parses the items of one source.

    With `force`, an item is parsed although its content is the same. Its pictures are put in place if `places_files`.
    """

    source: Source
    settings: Settings
    options: SourceSettings
    now: datetime
    force: bool
    places_files: bool = True

    def read(self, item: Item, known: KnownItem | None) -> ItemResult:
        """Read one item; its errors, also of the program, become a reason for quarantine. Raises SourceError."""
        try:
            raw = self.source.read(item)
        except ArticleError as error:
            return ItemResult(item=item, sha256="", reason=str(error))
        sha256 = hashlib.sha256(raw.document.content).hexdigest()
        # Parsing again has the same result; but an item with pictures is parsed again.
        may_differ = not known or known.reason or known.media or known.read_again_at
        if known and known.sha256 == sha256 and not may_differ and not self.force:
            return ItemResult(item=item, sha256=sha256, is_unchanged=True)
        result = ItemResult(item=item, sha256=sha256, media=())
        try:
            return self._parse(result, raw)
        except LeftOutError as error:
            result = replace(result, left_out=error.left_out.reason, title=error.title)
        except (ArticleError, LanguageError) as error:
            is_page = isinstance(error, EmptyArticleError) and raw.document.is_page
            reason = {"left_out": LeftOutReason.PAGE} if is_page else {"reason": str(error)}
            result = replace(result, **reason)
        except Exception as error:
            if isinstance(error, SourceError) or stops_all(error):
                raise
            # The item will not change when the disk, or the program, is repaired.
            unsigned = replace(item, signature="")
            result = replace(result, item=unsigned, reason=_explained(error, item))
        return replace(result, media=raw.files.requested)

    def _parse(self, result: ItemResult, raw: RawItem) -> ItemResult:
        """Return the article of an item, and put its pictures in place if `places_files`.

        Raises ArticleError or LanguageError for a document that can't be read, LeftOutError for one
        that is rightly no article, OSError for a picture that can't be put in place.
        """
        path, zone = raw.document.path, self.settings.zone()
        parsed = _dated(parse_document(raw.document, raw.files), raw)
        parsed, language = self._in_language(parsed, raw)
        left_out, read_again_at = hold_back(parsed, zone, self.now)
        # What is not shown yet may be unfinished.
        is_shown = left_out is None and parsed.status is ArticleStatus.READY
        problems = handle_problems(parsed.problems, self.options.action_of) if is_shown else ()
        result = replace(
            result, media=raw.files.requested, problems=problems, read_again_at=read_again_at
        )
        if left_out:
            return replace(
                result, left_out=left_out, title=parsed.title, language=language or ""
            )
        if reason := reason_to_hold(problems):
            return replace(result, reason=reason)
        return replace(
            result,
            placed=self._placed(parsed, raw) if is_shown and self.places_files else (),
            parsed=parsed,
            language=language,
            story_key=story_key(parsed, path, self.settings.publication),
            other_key=parsed.other_key or "",
            siblings=() if parsed.is_linked else raw.siblings,
            zone=zone,
            site_url=raw.document.site_url,
            is_archive=raw.is_archive or parsed.is_archive,
        )

    def _in_language(self, parsed: ParsedArticle, raw: RawItem) -> tuple[ParsedArticle, str]:
        """Return the language of an article, and the article with what speaks against it."""
        path = raw.document.path
        publication = self.settings.publication
        default = self.options.language or publication.default_language
        language = article_language(parsed, path, publication, default)
        doubts = {
            ProblemKind.OTHER_LANGUAGE: language_doubt(parsed, path, publication, language)
        }
        if other := other_language(raw.whole or parsed.html, language):
            doubts[ProblemKind.LANGUAGE_DOUBTFUL] = (
                f"its text {other}, and it is labelled {language}"
            )
        found = [ArticleProblem(kind, None, doubt) for kind, doubt in doubts.items() if doubt]
        return replace(parsed, problems=(*parsed.problems, *found)), language

    def _placed(self, parsed: ParsedArticle, raw: RawItem) -> tuple[Path, ...]:
        """Put an article's pictures in place, apart until its date; return the files that are there."""
        folders, published = self.settings.folders, parsed.published
        at = publication_time(published, self.settings.zone()).at if published else self.now
        folder = folders.embargoed if at > self.now else folders.public
        for media in parsed.media:
            raw.files.publish(media, folder)
        files = (folder / media.target for media in parsed.media)
        return tuple(file for file in files if file.exists())


def _explained(error: Exception, item: Item) -> str:
    if isinstance(error, OSError):
        words = untranslated(": ".join(filter(None, (error.filename, error.strerror))))
        return message("its media can't be put in place: %(words)s", words=words)
    log.error(
        "an item is quarantined for a fault of the program", item=item.key, exc_info=error
    )
    return explain_fault(error)


def _dated(parsed: ParsedArticle, raw: RawItem) -> ParsedArticle:
    """Return an article with its own date, or that of the source's history, if there is one."""
    if parsed.published is not None:
        return parsed
    since = raw.known_since()
    problem = ArticleProblem(ProblemKind.UNDATED, None, str(since.date()) if since else "")
    return replace(parsed, published=since, problems=(*parsed.problems, problem))


def hold_back(
    parsed: ParsedArticle, zone: ZoneInfo, now: datetime
) -> tuple[LeftOutReason | None, datetime | None]:
    """Return why an article is not shown now, and when that changes by itself. Pure."""
    if parsed.is_draft:
        return LeftOutReason.DRAFT, None
    expires = publication_time(parsed.expires, zone).at if parsed.expires else None
    if expires and expires <= now:
        return LeftOutReason.EXPIRED, None
    held = publication_time(parsed.held_until, zone).at if parsed.held_until else None
    if held and held > now:
        return LeftOutReason.SCHEDULED, held
    return None, expires
