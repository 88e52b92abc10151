"""Look at one source without storing anything: what the next pick-up would bring.

It reads at most MOST_READ documents, for at most MOST_SECONDS. Moves between sources, and articles of
sources that are picked up before this one in the same cycle, are not foreseen.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from publisher.clock import uptime
from publisher.config import Settings, SourceSettings
from publisher.database import Database
from publisher.ingest.pickup import source_items, source_pickup, upsert
from publisher.ingest.pickup.source_items import ItemParser, ItemResult, KnownItem, SourceState
from publisher.ingest.pickup.source_pickup import Poll
from publisher.ingest.problems import is_sudden_loss, list_held_sources

MOST_READ = 500  # somebody waits for the answer, and a thread works on it
MOST_SECONDS = 20.0
_SHOWN = 20  # articles that are named


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundArticle:
    """A new or changed article, as its document states it."""

    file: str
    title: str
    language: str
    published_at: datetime
    is_new: bool


@dataclass(slots=True, kw_only=True)
class SourceSurvey:
    """What a source shows, in numbers of documents; the first new and changed articles by name.

    `refused` has the file and the reason of each document that can't be an article; `left_out` counts
    files by reason. Of `unread` documents nothing is known, since there are too many, or the time was
    over. `is_held` says that so much is `gone` that nothing would be withdrawn.
    """

    kind: str
    place: str
    documents: int = 0
    new: int = 0
    changed: int = 0
    moved: int = 0
    unchanged: int = 0
    gone: int = 0
    unread: int = 0
    is_held: bool = False
    articles: list[FoundArticle] = field(default_factory=list)
    languages: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[str, str]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


def survey_source(
    settings: Settings, options: SourceSettings, database: Database, now: datetime
) -> SourceSurvey:
    """Return what the next pick-up of a source would bring. Raises SourceError."""
    began = uptime()
    name, state, known, accepted = _read_stored(settings, options, database)
    source = source_pickup.open_source(settings, options, database, now)
    poll = source_pickup.poll_source(source, settings, options, state, known, now)
    survey = _survey_listing(options, poll, known, accepted)
    counter = _Counter(database, now, name, known, frozenset(poll.changes.gone), survey)
    parser = ItemParser(
        source, settings, options, now, force=not poll.same_rules, places_files=False
    )
    for number, item in enumerate(poll.changes.due):
        if number >= MOST_READ or uptime() - began >= MOST_SECONDS:
            survey.unread = len(poll.changes.due) - number
            break
        counter.add(parser.read(item, known.get(item.key)))
    survey.seconds = uptime() - began
    return survey


def _read_stored(
    settings: Settings, options: SourceSettings, database: Database
) -> tuple[str, SourceState | None, dict[str, KnownItem], int]:
    """Return name, state and items of a source as stored, and how many lost articles are accepted."""
    with database.reading() as connection:
        stored = source_items.stored_sources(connection)
        former = source_pickup.former_names(connection, stored, settings.sources)
        name = former.get(options.name, options.name)
        state = source_items.source_state(connection, name)
        known = source_items.known_items(connection, name)
        held = {one.source: one.accepted for one in list_held_sources(connection)}
    return name, state, known, held.get(name, 0)


def _survey_listing(
    options: SourceSettings, poll: Poll, known: Mapping[str, KnownItem], accepted: int
) -> SourceSurvey:
    """Return what a listing says before anything is read. Pure."""
    changes = poll.changes
    articles = {key for key, item in known.items() if item.article_id is not None}
    gone = len(articles.intersection(changes.gone))
    lost = gone - sum(item.key not in known for item in changes.due)
    is_held = poll.listing.is_complete and is_sudden_loss(lost, len(articles))
    survey = SourceSurvey(
        kind=options.kind,
        place=options.place,
        documents=len(changes.due) + changes.unchanged,
        unchanged=changes.unchanged,
        gone=gone,
        is_held=is_held and lost > accepted,
    )
    for one, count in poll.listing.left_out.items():
        survey.left_out[one.reason] += count
    return survey


@dataclass(slots=True)
class _Counter:
    """Counts one document after the other in a survey. `gone` are the withdrawn items of the source."""

    database: Database
    now: datetime
    name: str
    known: Mapping[str, KnownItem]
    gone: frozenset[str]
    survey: SourceSurvey
    # The files of the articles so far, by story and language.
    taken: dict[tuple[str, str], str] = field(default_factory=dict)
    # How many withdrawn articles have a content, by its hash.
    movable: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        before = (self.known[key] for key in self.gone)
        self.movable.update(one.sha256 for one in before if one.article_id is not None)

    def add(self, result: ItemResult) -> None:
        survey = self.survey
        if result.is_unchanged:
            survey.unchanged += 1
        elif result.reason:
            survey.refused.append((result.item.key, result.reason))
        elif result.left_out:
            survey.left_out[result.left_out] += 1
        else:
            survey.problems.update(one.problem.kind.value for one in result.problems)
            with self.database.reading() as connection:
                self._add_article(connection, result)

    def _add_article(self, connection: Connection, result: ItemResult) -> None:
        if rival := self._rival(connection, result):
            self.survey.refused.append((result.item.key, upsert.taken_story(result, rival)))
            return
        known = self.known.get(result.item.key)
        number = known.article_id if known else None
        row = upsert.article_row(connection, number) if number is not None else None
        columns = upsert.article_columns(result, row, self.now)
        if row is not None and upsert.is_same_article(row, columns):
            self.survey.unchanged += 1
        elif row is None and self.movable[result.sha256]:
            self.movable[result.sha256] -= 1
            self.survey.moved += 1
            self.survey.gone -= 1
        else:
            self._add_found(result, columns["published_at"], is_new=row is None)

    def _add_found(self, result: ItemResult, at: datetime, *, is_new: bool) -> None:
        self.survey.new += is_new
        self.survey.changed += not is_new
        self.survey.languages[result.language] += 1
        if len(self.survey.articles) < _SHOWN:
            found = FoundArticle(
                file=result.item.key,
                title=result.parsed.title,
                language=result.language,
                published_at=at,
                is_new=is_new,
            )
            self.survey.articles.append(found)

    def _rival(self, connection: Connection, result: ItemResult) -> str | None:
        """Return the file that has the story in the language already, None if it is free."""
        rival = None
        for story_key in filter(None, (result.story_key, result.other_key)):
            place = (story_key, result.language)
            rival = self.taken.get(place) or self._holder(connection, result, story_key)
            if rival is None:
                self.taken[place] = result.item.key
                return None
        return rival

    def _holder(self, connection: Connection, result: ItemResult, story_key: str) -> str | None:
        mine = {result.item.key, *self.gone}
        holders = upsert.story_holders(connection, story_key, result.language)
        others = (one for one in holders if one.source != self.name or one.key not in mine)
        return next((str(one.key) for one in others), None)
