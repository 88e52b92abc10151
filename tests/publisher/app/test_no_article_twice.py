"""Random articles, subscribers and choices over several days, against a simple model.

The model says what everybody gets of each issue. Rows of which some bounce stand for sending.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from sqlalchemy import select, update

from publisher.articles.model import Origin
from publisher.articles.tables import article
from publisher.assembly.select import select_due
from publisher.delivery.ledger.opening import open_ledger
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
from publisher.issues import store as issues
from publisher.issues.model import Issue, IssueState
from publisher.issues.planner import plan_issues
from publisher.issues.tables import issue_article_table, issue_variant_article_table
from subscribers.preferences import (
    Preferences,
    TextLength,
    profile_of,
    profile_text,
    store_preferences,
)
from tests.databases import delete_all_rows
from tests.publisher.app.stored_rows import insert_article, insert_subscriber
from tests.publisher.conftest import NOW, PublicationFolder
from tests.sizes import by_lane

LANGUAGES = ("en", "ar", "zh-Hant")
MOST = 2
# The editions of the first newsletter carry conversions into Chinese, and Arabic falls back to English.
NEWSLETTERS: list[dict[str, Any]] = [
    {
        "name": "first",
        "schedule": "0 8 * * *",
        "max_articles": MOST,
        "edition": {
            "zh-Hant": {"missing": "convert"},
            "ar": {"missing": "fallback", "fallback": ["en"]},
        },
    },
    {
        "name": "second",
        "schedule": "0 9 * * *",
        "max_articles": MOST,
        "languages": ["en", "zh-Hant"],
    },
]
EDITIONS = {"first": LANGUAGES, "second": ("en", "zh-Hant")}
FALLBACK = {("first", "ar"): ("ar", "en")}
CONVERTS = {"first": {"zh-Hant"}, "second": set[str]()}


@dataclass(frozen=True)
class Written:
    """An article: its story, language and topics, and the day on which it came."""

    story: int
    language: str
    topics: tuple[str, ...]
    is_converted: bool
    day: int = 0


@dataclass(frozen=True)
class Day:
    """What comes on a day, who chooses anew, and whose mails bounce."""

    written: tuple[Written, ...]
    choices: dict[int, Preferences]
    bouncing: frozenset[int]


PREFERENCES = some.builds(
    Preferences,
    languages=some.lists(some.sampled_from(LANGUAGES), min_size=1, unique=True).map(tuple),
    topics=some.lists(some.sampled_from(["a", "b"]), max_size=1).map(tuple),
    machine_translations=some.booleans(),
    length=some.sampled_from([None, TextLength.FULL]),
)
SUBSCRIBERS = some.lists(
    some.tuples(
        PREFERENCES, some.lists(some.sampled_from(["first", "second"]), min_size=1, unique=True)
    ),
    min_size=1,
    max_size=4,
)
WRITTEN = some.builds(
    Written,
    story=some.integers(1, 5),
    language=some.sampled_from(LANGUAGES),
    topics=some.lists(some.sampled_from(["A", "b"]), max_size=1).map(tuple),
    is_converted=some.booleans(),
)
DAYS = some.lists(
    some.builds(
        Day,
        written=some.lists(WRITTEN, max_size=4).map(tuple),
        choices=some.dictionaries(some.integers(1, 4), PREFERENCES, max_size=1),
        bouncing=some.frozensets(some.integers(1, 4), max_size=1),
    ),
    min_size=1,
    max_size=4,
)

# By day, newsletter and subscriber: the stories and languages of a mail, in order.
Mails = dict[tuple[int, str, int], list[tuple[int, str]]]


@dataclass
class Model:
    """What everybody gets. Days are numbers."""

    readers: dict[int, tuple[Preferences, list[str]]]
    articles: list[Written] = field(default_factory=list)
    cutoffs: dict[tuple[str, str], int] = field(default_factory=dict)
    carried: dict[tuple[str, str], set[int]] = field(default_factory=dict)
    for_profiles: dict[tuple[str, str], set[int]] = field(default_factory=dict)
    had: dict[int, set[int]] = field(default_factory=dict)

    def live(self, number: int, day: Day) -> Mails:
        known = {(one.story, one.language) for one in self.articles}
        for one in day.written:
            if (one.story, one.language) not in known:
                known.add((one.story, one.language))
                self.articles.append(
                    Written(one.story, one.language, one.topics, one.is_converted, number)
                )
        for reader, chosen in day.choices.items():
            if reader in self.readers:
                self.readers[reader] = (chosen, self.readers[reader][1])
        selected = {
            (name, language): self._select(name, language, number)
            for name, languages in EDITIONS.items()
            for language in languages
        }
        mails: Mails = {}
        for (name, language), (own, since) in selected.items():
            if own is not None:
                for reader, got in self._open(name, language, own, since):
                    mails[number, name, reader] = got
                    if reader not in day.bouncing:
                        self.had.setdefault(reader, set()).update(one for one, _tag in got)
        return mails

    def _select(
        self, name: str, language: str, number: int
    ) -> tuple[list[tuple[int, str]] | None, int]:
        """Return the edition's own choice, None if there is no issue, and its first day."""
        edition = (name, language)
        since = self.cutoffs.get(edition, 0)
        carried = self.carried.setdefault(edition, set())
        before = self.for_profiles.setdefault(edition, set())
        rules = FALLBACK.get(edition, (language,))
        news = self._news(name, language, rules, Preferences(languages=rules), since)
        own = [one for one in news if one[0] not in carried][:MOST]
        carried.update(one for one, _tag in own)
        union = (
            {
                one
                for reader in self._readers_of(name, language)
                if self._has_profile(reader)
                for one, _tag in self._wanted(name, language, reader, since)
            }
            - carried
            - before
        )
        if not own and not union:
            return None, since
        if not own:
            before |= self._page(name, language, union, since)
        self.cutoffs[edition] = number
        return own, since

    def _page(self, name: str, language: str, union: set[int], since: int) -> set[int]:
        """Return the stories of an issue that only subscribers with a profile get."""
        found: dict[int, tuple[bool, int, int]] = {}
        profiles = sorted(
            {
                (self.readers[reader][0].languages[0], self._profile(reader) or "", reader)
                for reader in self._readers_of(name, language)
                if self._has_profile(reader)
            }
        )
        for _first, _text, reader in profiles:
            for one, tag in self._wanted(name, language, reader, since):
                (chosen,) = [a for a in self.articles if (a.story, a.language) == (one, tag)]
                found.setdefault(one, (tag != language, -chosen.day, one))
        return {one for _foreign, _day, one in sorted(found[one] for one in union)[:MOST]}

    def _open(
        self, name: str, language: str, own: list[tuple[int, str]], since: int
    ) -> Iterator[tuple[int, list[tuple[int, str]]]]:
        for reader in self._readers_of(name, language):
            if self._has_profile(reader):
                wanted = self._wanted(name, language, reader, since)
            else:
                wanted = own
            had = self.had.get(reader, set())
            if left := [one for one in wanted if one[0] not in had][:MOST]:
                yield reader, left

    def _readers_of(self, name: str, language: str) -> list[int]:
        return [
            reader
            for reader, (chosen, newsletters) in self.readers.items()
            if name in newsletters
            and next((tag for tag in chosen.languages if tag in EDITIONS[name]), None)
            == language
        ]

    def _profile(self, reader: int) -> str | None:
        return profile_text(profile_of(self.readers[reader][0]))

    def _has_profile(self, reader: int) -> bool:
        return self._profile(reader) is not None

    def _wanted(
        self, name: str, language: str, reader: int, since: int
    ) -> list[tuple[int, str]]:
        chosen = self.readers[reader][0]
        own = FALLBACK.get((name, language), (language,))
        languages = tuple(dict.fromkeys((*chosen.languages, *own)))
        if len(chosen.languages) == 1:
            languages = own
        return self._news(name, language, languages, chosen, since)

    def _news(
        self,
        name: str,
        language: str,
        languages: tuple[str, ...],
        chosen: Preferences,
        since: int,
    ) -> list[tuple[int, str]]:
        """Return the stories whose best article came after `since`, newest first."""
        found = []
        for number in {one.story for one in self.articles}:
            versions = [one for one in self.articles if one.story == number]
            allowed = [
                one
                for one in versions
                if one.language in languages
                and (
                    not one.is_converted
                    or (chosen.machine_translations and one.language in CONVERTS[name])
                )
            ]
            topics = {topic.casefold() for one in versions for topic in one.topics}
            if not allowed or (chosen.topics and topics.isdisjoint(chosen.topics)):
                continue
            best = min(allowed, key=lambda one: languages.index(one.language))
            if best.day > since:
                found.append((best.language != language, -best.day, number, best.language))
        return [(number, tag) for _foreign, _day, number, tag in sorted(found)]


@pytest.fixture
def publication(new_publication: Callable[..., PublicationFolder]) -> PublicationFolder:
    return new_publication(languages=LANGUAGES, newsletters=NEWSLETTERS)


@pytest.mark.hypothesis
def test_everybody_gets_what_the_model_says_and_no_story_twice(
    publication: PublicationFolder,
) -> None:
    @settings(max_examples=settings().max_examples // by_lane(2, 1))
    @given(subscribers=SUBSCRIBERS, days=DAYS)
    def check(subscribers: list[tuple[Preferences, list[str]]], days: list[Day]) -> None:
        delete_all_rows(publication.database)
        readers = dict(enumerate(subscribers, 1))
        model = Model(readers=dict(readers))
        _join(publication, readers)
        read: dict[int, list[int]] = {}
        for number, day in enumerate(days, 1):
            got = _live(publication, number, day, set(readers))
            assert got == model.live(number, day)
            for (_day, _name, reader), mail in got.items():
                if reader not in day.bouncing:
                    read.setdefault(reader, []).extend(one for one, _tag in mail)
        for stories in read.values():
            assert len(stories) == len(set(stories))

    check()


def _join(
    publication: PublicationFolder, readers: dict[int, tuple[Preferences, list[str]]]
) -> None:
    with publication.database.writing() as connection:
        for number, (chosen, newsletters) in readers.items():
            address, states = (
                f"reader.{number}@example.com",
                dict.fromkeys(newsletters, "active"),
            )
            language = chosen.languages[0]
            insert_subscriber(connection, address, language, NOW, states, id=number)
            store_preferences(connection, number, chosen, NOW)


def _live(publication: PublicationFolder, number: int, day: Day, readers: set[int]) -> Mails:
    """Do in the database what happens on a day. Return who gets what."""
    now = NOW + timedelta(days=number)
    database, ours = publication.database, publication.settings
    with database.writing() as connection:
        for one in day.written:
            write_article(connection, one, now)
        for reader in day.choices.keys() & readers:
            store_preferences(connection, reader, day.choices[reader], now)
    plan_issues(ours, database, now)
    select_due(ours, database, now)
    mails: Mails = {}
    with database.writing() as connection:
        for issue in issues.issues_in_state(connection, IssueState.ASSEMBLING):
            opened = issues.move_issue(connection, issue, IssueState.READY)
            rows = open_ledger(connection, ours, opened, now)
            opened = issues.move_issue(connection, opened, IssueState.SENDING)
            found, all_rows = _mails(connection, opened)
            assert rows == all_rows
            mails |= {(number, issue.newsletter, reader): got for reader, got in found.items()}
            bouncing = update(delivery).where(
                delivery.c.issue_id == issue.id,
                delivery.c.state == DeliveryState.PENDING,
                delivery.c.subscriber_id.in_(day.bouncing),
            )
            connection.execute(bouncing.values(state=DeliveryState.BOUNCED))
            issues.move_issue(connection, opened, IssueState.SENT)
    return mails


def write_article(connection: Any, one: Written, now: datetime) -> None:
    """Store an article, if its story has none in its language."""
    origin = Origin.CONVERTED if one.is_converted else Origin.ORIGINAL
    insert_article(connection, one.story, one.language, now, topics=one.topics, origin=origin)


def _mails(connection: Any, issue: Issue) -> tuple[dict[int, list[tuple[int, str]]], int]:
    """Return the articles of an issue by subscriber, and the number of all rows."""
    rows = connection.execute(select(delivery).where(delivery.c.issue_id == issue.id)).all()
    found = {}
    for row in rows:
        if row.state != DeliveryState.PENDING:
            assert row.state == DeliveryState.SUPPRESSED
            assert row.reason_key in {"had-everything", "no-article"}
            continue
        table, here = issue_article_table, issue_article_table.c.issue_id == issue.id
        if row.variant_id is not None:
            table = issue_variant_article_table
            here = table.c.variant_id == row.variant_id
        query = select(article.c.story_id, article.c.language).where(
            here, article.c.id == table.c.article_id
        )
        articles = connection.execute(query.order_by(table.c.position))
        found[row.subscriber_id] = [(one, tag) for one, tag in articles]
    return found, len(rows)
