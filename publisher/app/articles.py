"""The articles of a publication: listed, announced, what is wrong with them; and who is who in people.toml.

Topics and authors of the newest articles are read at most once a minute: a page of preferences is asked for often,
and changes seldom.
"""

import os
import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, Connection, Engine

from publisher.app.editing_state import Actor, EditingState, Permission
from publisher.app.settings import change_toml, file_hash, localised_changes
from publisher.articles import store
from publisher.articles.model import Article
from publisher.articles.store import list_articles_before, newest_labels
from publisher.config.loader import PEOPLE_FILE, parse_toml, read_people
from publisher.config.setting_keys import ABSENT
from publisher.database import Database
from publisher.errors import UsageError
from publisher.i18n.article_problems import PROBLEM_TEXTS, ProblemKind
from publisher.ingest import problems as item_problems
from publisher.ingest.pickup import source_items
from publisher.ingest.reports.source_facts import unlinked_translations
from publisher.log import log
from publisher.urls import article_path, public_url


@dataclass(frozen=True, slots=True)
class StoredArticles:
    """All articles, story by story; path and reason of each file in quarantine; reason, path and title of others."""

    articles: list[Article]
    quarantine: list[tuple[str, str]]
    held_back: list[tuple[str, str, str]]


def list_articles(database: Database) -> StoredArticles:
    with database.reading() as connection:
        return StoredArticles(
            list(store.all_articles(connection)),
            item_problems.quarantined_items(connection),
            item_problems.held_back_items(connection),
        )


def count_archived_articles(database: Database) -> Mapping[str, int]:
    """Return how many articles of each source are an archive, and so are in no issue."""
    with database.reading() as connection:
        return source_items.count_archive(connection)


def announce_articles(state: EditingState, actor: Actor, name: str) -> int:
    """Have the next issues carry what is an archive of a source or a story; return how many articles."""
    with state.changing(actor, "announce", name) as change:
        chosen = _chosen(change.connection, name)
        count = source_items.announce_archive(change.connection, chosen, state.clock.now())
        change.details["articles"], change.is_repeated = count, not count
    log.info("articles announced", name=name, articles=count)
    return count


def count_mailed_articles(database: Database, name: str) -> Mapping[str, int]:
    """Count a source's or story's published articles: `news`, `announced`, `archive`. Raise UsageError for an unknown name."""
    with database.reading() as connection:
        return source_items.count_by_mailing(connection, _chosen(connection, name))


def _chosen(connection: Connection, name: str) -> ColumnElement[bool]:
    chosen = source_items.stories_named(connection, name)
    if chosen is None:
        raise UsageError(
            f"{name}: no source and no story has this name; `publisher articles` lists the stories"
        )
    return chosen


@dataclass(frozen=True, slots=True)
class ProblemGroup:
    """All problems of one kind, file by file; what the kind means for readers, and what to do."""

    kind: str
    meaning: str
    remedy: str
    problems: tuple[item_problems.ItemProblem, ...]

    @property
    def files(self) -> int:
        """The number of files that have such a problem."""
        return len({(one.source, one.file) for one in self.problems})

    @property
    def held(self) -> int:
        """The number of files whose articles are held back because of it."""
        return len({(one.source, one.file) for one in self.problems if one.holds})


def list_article_problems(database: Database) -> list[ProblemGroup]:
    """Return what was wrong when files were last read, the most frequent kind first; also unlinked likely translations."""
    with database.reading() as connection:
        # Sorting is stable: within a kind, the order of files stays.
        stored = [*item_problems.list_problems(connection), *unlinked_translations(connection)]
        found = sorted(stored, key=_kind)
    groups = [
        ProblemGroup(kind, *PROBLEM_TEXTS[kind][:2], tuple(alike))
        for kind, alike in groupby(found, key=_kind)
    ]
    return sorted(groups, key=lambda group: -len(group.problems))


def problem_meaning(kind: str) -> str:
    return PROBLEM_TEXTS[ProblemKind(kind)].meaning


def _kind(one: item_problems.ItemProblem) -> ProblemKind:
    return one.problem.kind


def list_article_page(
    state: EditingState,
    languages: Collection[str],
    before: tuple[datetime, int] | None,
    limit: int,
) -> tuple[list[Article], bool]:
    with state.database.reading() as connection:
        found = list_articles_before(connection, languages, before, limit + 1)
    return found[:limit], len(found) > limit


def address_of_article(state: EditingState, one: Article) -> str:
    page = article_path(one.language, one.slug)
    return one.url or public_url(state.settings.publication, page)


# Articles of each language that are counted. More would take longer than they are worth.
_COUNTED = 500
_SECONDS_KEPT = 60

# Topics, and authors' names, the most frequent first.
Labels = tuple[tuple[str, ...], tuple[str, ...]]
_kept: WeakKeyDictionary[Engine, dict[tuple[str, ...], tuple[float, Labels]]] = (
    WeakKeyDictionary()
)


def frequent_labels(
    connection: Connection, languages: Collection[str], now: datetime
) -> Labels:
    """Return topics and authors of the articles in some languages, as of a minute ago or less."""
    key, at = tuple(sorted(languages)), now.timestamp()
    kept = _kept.setdefault(connection.engine, {})
    if key not in kept or not kept[key][0] <= at < kept[key][0] + _SECONDS_KEPT:
        kept[key] = (at, _count(connection, key, now))
    return kept[key][1]


def _count(connection: Connection, languages: Collection[str], now: datetime) -> Labels:
    topics: Counter[str] = Counter()
    authors: Counter[str] = Counter()
    for language in languages:
        for its_topics, its_authors in newest_labels(connection, language, now, _COUNTED):
            topics.update(set(its_topics))
            authors.update(set(its_authors))
    return _by_frequency(topics), _by_frequency(authors)


def _by_frequency(counted: Counter[str]) -> tuple[str, ...]:
    return tuple(sorted(counted, key=lambda one: (-counted[one], one)))


_KEY = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonEntry:
    """A person as the file has it. Names and affiliations are by language; "" is any language."""

    key: str
    name: Mapping[str, str]
    affiliation: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    url: str = ""


@dataclass(frozen=True, slots=True)
class PeopleEntries:
    """All people of the file, by key, and the hash of what the file had."""

    people: tuple[PersonEntry, ...]
    content_hash: str

    def find(self, key: str) -> PersonEntry:
        found = next((one for one in self.people if one.key == key), None)
        if found is None:
            raise UsageError.saying(
                "%(key)s: nobody has this key in %(file)s", key=key, file=PEOPLE_FILE
            )
        return found


def read_person_entries(state: EditingState) -> PeopleEntries:
    """Return what people.toml has now; raise ConfigError if it is wrong."""
    path = _path(state)
    if not os.path.lexists(path):
        return PeopleEntries((), file_hash(b""))
    values = parse_toml(path)
    found = (_entry(key, table) for key, table in values.items() if isinstance(table, dict))
    people = tuple(sorted(found, key=lambda one: one.key))
    return PeopleEntries(people, file_hash(path.read_bytes()))


def add_person(state: EditingState, actor: Actor, key: str, name: str) -> None:
    """Add a person with one name for all languages. Raise UsageError if the key is malformed or taken."""
    actor.require(Permission.MANAGE_PEOPLE)
    if not _KEY.fullmatch(key):
        raise UsageError.saying(
            "%(key)s: a key has small letters, digits and hyphens, like ann-sabbagh",
            key=repr(key),
        )
    if any(one.key == key for one in read_person_entries(state).people):
        raise UsageError.saying(
            "%(key)s: somebody has this key in %(file)s already", key=key, file=PEOPLE_FILE
        )
    _change(state, actor, "add-person", key, {key: {"name": name}}, None)


def change_person(
    state: EditingState, actor: Actor, wanted: PersonEntry, expected: str | None = None
) -> list[str]:
    """Change what the file says of a person, and return the keys. A language that `wanted` lacks stays as it is; an empty text removes it."""
    actor.require(Permission.MANAGE_PEOPLE)
    read_person_entries(state).find(wanted.key)
    table = parse_toml(_path(state))[wanted.key]
    changes = _changes(table, wanted, state.settings.publication.languages)
    if changes:
        _change(state, actor, "change-person", wanted.key, changes, expected)
    return list(changes)


def remove_person(
    state: EditingState, actor: Actor, key: str, expected: str | None = None
) -> None:
    """Remove a person from the file. Articles keep the bylines that they have."""
    actor.require(Permission.MANAGE_PEOPLE)
    read_person_entries(state).find(key)
    _change(state, actor, "remove-person", key, {key: ABSENT}, expected)


def _changes(
    table: Mapping[str, Any], wanted: PersonEntry, languages: tuple[str, ...]
) -> dict[str, object]:
    key, changes = wanted.key, dict[str, object]()
    for part, given in (("name", wanted.name), ("affiliation", wanted.affiliation)):
        now = table.get(part)
        texts = _in_each(given, now, languages) if isinstance(now, str) else given
        changes |= localised_changes(f"{key}.{part}", now, texts)
    if list(wanted.aliases) != list(table.get("aliases", ())):
        changes[f"{key}.aliases"] = list(wanted.aliases) or ABSENT
    if wanted.url != table.get("url", ""):
        changes[f"{key}.url"] = wanted.url or ABSENT
    return changes


def _in_each(texts: Mapping[str, str], now: str, languages: tuple[str, ...]) -> dict[str, str]:
    """Return texts with the one for any language in those that have none; one alone stays one."""
    one = texts.get("", now)
    own = {tag: text for tag, text in texts.items() if tag and text}
    return {"": one} | (dict.fromkeys(languages, one) | own if own else {})


def _change(  # what an entry of the audit log names
    state: EditingState,
    actor: Actor,
    verb: str,
    key: str,
    changes: Mapping[str, object],
    expected: str | None,
) -> None:
    path = _path(state)

    def check(content: bytes) -> object:
        return read_people(path, content)

    with state.changing(actor, verb, f"{PEOPLE_FILE}: {key}") as change:
        done = change_toml(path, changes, expected, check)
        change.details["keys"] = [one.key for one in done]


def _path(state: EditingState) -> Path:
    return state.settings.folders.root / PEOPLE_FILE


def _entry(key: str, table: Mapping[str, Any]) -> PersonEntry:
    return PersonEntry(
        key=key,
        name=_by_language(table.get("name")),
        affiliation=_by_language(table.get("affiliation")),
        aliases=tuple(map(str, table.get("aliases", ()))),
        url=str(table.get("url", "")),
    )


def _by_language(value: Any) -> dict[str, str]:
    if isinstance(value, Mapping):
        return {str(tag): str(text) for tag, text in value.items()}
    return {} if value is None else {"": str(value)}
