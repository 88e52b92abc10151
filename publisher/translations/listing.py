"""Stories by languages, the newest first, with the state of each story in each language.

One story in one language can be found alone: if there is none, the error says why. Of a stale translation it is
said what it was made from.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, select, tuple_

from publisher.articles.model import ArticleStatus, Origin, Provenance
from publisher.articles.tables import article, story
from publisher.config import Settings
from publisher.database.engine import chunks
from publisher.errors import TranslationError
from publisher.i18n.messages import message
from publisher.languages import sources_of
from publisher.translations import model, records
from publisher.translations.records import claims_of, current_words
from publisher.translations.tables import translation_source

_PORTION = 200  # stories that are read at once


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryLine:
    """A story, its original, and cells by language asked for. Show `published_on`: `published_at`, in UTC, may be earlier."""

    story_id: int
    key: str
    slug: str
    original_id: int
    language: str
    title: str
    published_on: date
    published_at: datetime
    available_at: datetime
    cells: tuple[model.Cell, ...]

    def cell(self, language: str) -> model.Cell | None:
        """Return the cell of a language, or None if it was not asked for."""
        return next((one for one in self.cells if one.language == language), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryFilter:
    """Which stories are listed: of these languages' cells, one has one of the states, if any are named.

    `since` bounds the date of the original. `before` is the place of the last one that was listed.
    """

    languages: Sequence[str]
    states: Collection[model.CellState] = ()
    since: datetime | None = None
    before: tuple[datetime, int] | None = None

    def matches(self, line: StoryLine) -> bool:
        return not self.states or any(one.state in self.states for one in line.cells)


def read_stories(
    connection: Connection, wanted: StoryFilter, now: datetime
) -> Iterator[StoryLine]:
    """Yield the stories of a filter, the newest first."""
    query = _originals(wanted.since).limit(_PORTION)
    before, place = wanted.before, tuple_(article.c.published_at, article.c.id)
    while rows := connection.execute(query.where(place < before) if before else query).all():
        for line in _lines(connection, rows, wanted.languages, now):
            if wanted.matches(line):
                yield line
        before = rows[-1].published_at, rows[-1].original_id


def find_story(
    connection: Connection, key: str, languages: Sequence[str], now: datetime
) -> StoryLine | None:
    """Return a story by its key, None if there is none with an original that may be published."""
    rows = connection.execute(_originals(None).where(story.c.key == key)).all()
    return next(_lines(connection, rows, languages, now), None)


def stories_by_id(
    connection: Connection, ids: Sequence[int], languages: Sequence[str], now: datetime
) -> Iterator[StoryLine]:
    """Yield stories by their ids, in any order."""
    for some in chunks(ids):
        rows = connection.execute(_originals(None).where(story.c.id.in_(some))).all()
        yield from _lines(connection, rows, languages, now)


def _originals(since: datetime | None) -> Select[Any]:
    columns = article.c["story_id", "language", "title"]
    times = article.c["published_on", "published_at", "available_at"]
    query = (
        select(article.c.id.label("original_id"), *columns, *times, *story.c["key", "slug"])
        .join(story)
        .where(article.c.origin == Origin.ORIGINAL, article.c.status == ArticleStatus.READY)
        .order_by(article.c.published_at.desc(), article.c.id.desc())
    )
    return query if since is None else query.where(article.c.published_at >= since)


def _lines(
    connection: Connection, rows: Sequence[Row[Any]], languages: Sequence[str], now: datetime
) -> Iterator[StoryLine]:
    stories = [row.story_id for row in rows]
    scripts = {source for tag in languages for source in sources_of(tag)}
    versions = _versions(connection, stories, [*languages, *scripts - {*languages}])
    claims = claims_of(connection, stories)
    outdated = _outdated(connection, rows, versions)
    for row in rows:
        cells = tuple(
            _cell(
                tag,
                versions.get((row.story_id, tag)),
                _source(versions, row.story_id, tag),
                outdated,
                claims.get((row.story_id, tag)),
                now,
            )
            for tag in languages
        )
        yield StoryLine(**row._mapping, cells=cells)  # noqa: SLF001  # SQLAlchemy's public name


_Versions = Mapping[tuple[int, str], Row[Any]]


def _versions(
    connection: Connection, stories: Sequence[int], languages: Sequence[str]
) -> _Versions:
    """Return the articles that are shown, or are called stale by their documents."""
    columns = article.c[
        *("id", "story_id", "language", "origin", "provenance", "status"),
        *("title", "translators", "available_at"),
    ]
    made = translation_source.c["words_hash", "dismissed_hash", "original_changed_at"]
    query = (
        select(*columns, *made)
        .outerjoin(translation_source, translation_source.c.article_id == article.c.id)
        .where(
            article.c.language.in_(languages),
            article.c.status.in_([ArticleStatus.READY, ArticleStatus.STALE]),
        )
    )
    return {
        (row.story_id, row.language): row
        for some in chunks(stories)
        for row in connection.execute(query.where(article.c.story_id.in_(some)))
    }


def _outdated(
    connection: Connection, originals: Sequence[Row[Any]], versions: _Versions
) -> set[int]:
    """Return the articles whose originals have other words now than those they were made from."""
    suspects = [one for one in versions.values() if one.original_changed_at is not None]
    of_story = {row.story_id: row.original_id for row in originals}
    words = current_words(connection, sorted({of_story[one.story_id] for one in suspects}))
    hashes = {number: one.hash for number, one in words.items()}
    return {
        one.id
        for one in suspects
        if hashes[of_story[one.story_id]] not in {one.words_hash, one.dismissed_hash}
    }


def _source(versions: _Versions, story_id: int, language: str) -> Row[Any] | None:
    """Return the article that a conversion was made from; None for what is no conversion."""
    made = versions.get((story_id, language))
    if made is None or made.origin != Origin.CONVERTED:
        return None
    found = (versions.get((story_id, tag)) for tag in sources_of(language))
    return next((one for one in found if one and one.origin != Origin.CONVERTED), None)


def _cell(
    language: str,
    row: Row[Any] | None,
    source: Row[Any] | None,
    outdated: Collection[int],
    claim: model.TranslationClaim | None,
    now: datetime,
) -> model.Cell:
    if row is None:
        state = model.cell_state(None, is_stale=False, claim=claim, now=now)
        return model.Cell(language=language, state=state, claim=claim)
    shown = model.CellState(row.origin)
    if shown is model.CellState.TRANSLATION and row.provenance == Provenance.MACHINE:
        shown = model.CellState.MACHINE
    is_outdated = row.id in outdated
    is_stale = is_outdated or row.status == ArticleStatus.STALE
    state = model.cell_state(shown, is_stale=is_stale, claim=claim, now=now)
    # A conversion says what its source says. That somebody is at work on a translation counts more.
    if state is model.CellState.CONVERTED and source is not None and source.id in outdated:
        state = model.CellState.STALE
    return model.Cell(
        language=language,
        state=state,
        article_id=row.id,
        title=row.title,
        by=tuple(row.translators),
        available_at=row.available_at,
        changed_at=row.original_changed_at if is_outdated else None,
        converted_from=source.language if source else None,
        claim=claim,
    )


def count_stale(
    connection: Connection, languages: Sequence[str], now: datetime
) -> dict[str, int]:
    """Count the published translations whose originals have changed, by language, if there are any."""
    query = (
        select(article.c.story_id)
        .join(translation_source, translation_source.c.article_id == article.c.id)
        .where(
            translation_source.c.original_changed_at.is_not(None),
            article.c.status == ArticleStatus.READY,
        )
    )
    stories = sorted({*connection.execute(query).scalars()})
    counts = count_states(stories_by_id(connection, stories, languages, now))
    found = {tag: states[model.CellState.STALE] for tag, states in counts.items()}
    return {tag: number for tag, number in found.items() if number}


def count_states(lines: Iterable[StoryLine]) -> dict[str, Counter[model.CellState]]:
    counts: dict[str, Counter[model.CellState]] = {}
    for line in lines:
        for cell in line.cells:
            counts.setdefault(cell.language, Counter())[cell.state] += 1
    return counts


def offered_languages(settings: Settings, language: str | None) -> tuple[str, ...]:
    """Return a language of the publication, or all; raise TranslationError for another one."""
    served: tuple[str, ...] = tuple(settings.publication.languages)
    if language is None:
        return served
    if language not in served:
        raise TranslationError.saying(
            "%(language)s: the publication does not have it; it has %(parts)s",
            language=language,
            parts=served,
        )
    return (language,)


def require_story(
    connection: Connection, settings: Settings, key: str, language: str, now: datetime
) -> tuple[StoryLine, model.Cell]:
    """Return a story by its key, and its cell in a language; raise TranslationError if there is none."""
    line = find_story(connection, key, offered_languages(settings, language), now)
    if line is None:
        raise TranslationError.saying(
            "%(key)s: no story has this key and an original; `publisher api listTranslations` lists them",
            key=key,
        )
    return line, line.cells[0]


def source_of_stale(connection: Connection, line: StoryLine, cell: model.Cell) -> str:
    """Return the hash of the words that a stale translation was made from.

    Raise TranslationError for one that is not stale, or of which nothing is known.
    """
    if cell.changed_at is None or cell.article_id is None:
        raise TranslationError.saying(
            "%(key)s in %(language)s: %(why)s",
            key=line.key,
            language=cell.language,
            why=_why_nothing_changed(cell),
        )
    return records.source_hash(connection, cell.article_id)


def _why_nothing_changed(cell: model.Cell) -> str:
    if cell.state is not model.CellState.STALE:
        return message("is not stale")
    if cell.converted_from is not None:
        return message(
            "is converted from %(source)s, and stale with it", source=cell.converted_from
        )
    return message("only its own document calls it stale")
