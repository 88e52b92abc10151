"""The plan of an issue: it counts everybody once, and is what the ledger becomes."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import Connection, func, insert, select, update

from publisher.app.editing_state import EditingState
from publisher.app.issues import audience_plan
from publisher.app.issues.lookup import choose_languages, find_day, next_day
from publisher.articles.model import Origin
from publisher.assembly.select import select_due
from publisher.config import SETTINGS_FILE, load_settings
from publisher.delivery.ledger.opening import open_ledger, spread_rows
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
from publisher.errors import IssueError, UsageError
from publisher.issues import approvals
from publisher.issues import store as issues
from publisher.issues.model import Issue, IssueState
from publisher.issues.planner import EditionIssue, plan_issues
from publisher.testing import SECRET
from subscribers import preferences
from subscribers.tables import preference, subscriber, subscriber_alias, subscription
from tests.databases import at_database, delete_all_rows
from tests.publisher.app.stored_rows import insert_article, insert_subscriber
from tests.publisher.conftest import NOW, PublicationFolder, editing_state
from tests.publisher.delivery.mailing import DAY, choose_cadence, number_of, ready, subscribe
from tests.subscribers.leaving import unsubscribe

LANGUAGES = ("en", "ar", "zh-Hant")
NEWSLETTERS: list[dict[str, Any]] = [
    {
        "name": "first",
        "schedule": "0 8 * * *",
        "max_articles": 2,
        "edition": {"ar": {"local_time": True}, "zh-Hant": {"missing": "convert"}},
    },
    {
        "name": "second",
        "schedule": "0 9 * * *",
        "max_articles": 2,
        "languages": ["en", "zh-Hant"],
    },
]
DOMAIN = """
[[delivery.domain]]
names = ["gmail.example", "googlemail.example"]
per_second = 9
"""
ANN, BOB, CYD, DAN = (f"{name}@example.org" for name in ("ann", "bob", "cyd", "dan"))
# Former records, which were merged into those of people, have ids from here on.
FORMER = 100
S = DeliveryState


@dataclass(frozen=True)
class Person:
    """A subscriber, and what becomes of her mails of the first day."""

    status: str
    states: dict[str, str]
    chosen: preferences.Preferences
    timezone: str | None
    domain: str
    paused_days: int | None
    was_merged: bool
    outcome: DeliveryState
    then_leaves: str | None


@dataclass(frozen=True)
class Written:
    """An article that comes on a day, if its story has none in its language."""

    story: int
    language: str
    topics: tuple[str, ...]
    is_converted: bool

    def store(self, connection: Connection, now: datetime) -> None:
        origin = Origin.CONVERTED if self.is_converted else Origin.ORIGINAL
        place = (self.story, self.language, now)
        insert_article(connection, *place, topics=self.topics, origin=origin)


WRITTEN = some.builds(
    Written,
    story=some.integers(1, 5),
    language=some.sampled_from(LANGUAGES),
    topics=some.lists(some.sampled_from(["A", "b"]), max_size=1).map(tuple),
    is_converted=some.booleans(),
)
CHOSEN = some.builds(
    preferences.Preferences,
    languages=some.lists(
        some.sampled_from(["en", "ar", "zh-Hant", "fr", "en-GB"]),
        min_size=1,
        max_size=2,
        unique=True,
    ).map(tuple),
    cadences=some.sampled_from([{}, {}, {"first": preferences.Cadence.WEEKLY}]),
    topics=some.sampled_from([(), (), ("a",)]),
    length=some.sampled_from([None, None, preferences.TextLength.FULL]),
    hour=some.sampled_from([None, 7, 20]),
)
PEOPLE = some.lists(
    some.builds(
        Person,
        status=some.sampled_from(
            [*["active"] * 8, "pending", "unsubscribed", "bounced", "complained"]
        ),
        states=some.dictionaries(
            some.sampled_from(["first", "second"]),
            some.sampled_from([*["active"] * 6, "pending", "unsubscribed"]),
        ),
        chosen=CHOSEN,
        timezone=some.sampled_from([None, "Asia/Hong_Kong", "America/New_York"]),
        domain=some.sampled_from(["gmail.example", "googlemail.example", "example.org"]),
        # From then on, of the day of the plan: some pauses are over, and something is owed.
        paused_days=some.sampled_from([None, None, None, -1, 3]),
        was_merged=some.booleans(),
        outcome=some.sampled_from([S.SENT, S.PENDING, S.DEFERRED, S.BOUNCED, S.IN_DOUBT]),
        then_leaves=some.sampled_from([None, None, "first", "second"]),
    ),
    min_size=1,
    max_size=8,
)
NEWS = some.lists(WRITTEN, max_size=4)


@pytest.fixture
def both(new_publication: Callable[..., PublicationFolder]) -> PublicationFolder:
    """Two newsletters of three languages."""
    return new_publication(languages=LANGUAGES, newsletters=NEWSLETTERS)


SOMEBODY = Person(
    status="active",
    states={"first": "active"},
    chosen=preferences.Preferences(languages=("en",)),
    timezone=None,
    domain="example.org",
    paused_days=None,
    was_merged=False,
    outcome=S.SENT,
    then_leaves=None,
)


@pytest.mark.hypothesis
def test_a_plan_counts_all_subscribers_and_is_what_the_ledger_becomes(
    both: PublicationFolder,
) -> None:
    publication = both
    file = publication.settings.folders.root / SETTINGS_FILE
    file.write_text(file.read_text("utf-8") + DOMAIN, "utf-8")
    publication.settings = at_database(load_settings(file.parent, {"PUBLISHER_SECRET": SECRET}))

    @given(people=PEOPLE, before=NEWS, news=NEWS)
    def check(people: list[Person], before: list[Written], news: list[Written]) -> None:
        delete_all_rows(publication.database)
        for number, person in enumerate(people, 1):
            _join(publication, number, person)
        for day, written in enumerate((before, news), 1):
            now = NOW + timedelta(days=day)
            _select(publication, written, now)
            for name in _newsletters(publication):
                with publication.database.writing() as connection:
                    _plan_and_open(connection, publication, name, now)
            _settle(publication, people)

    check()


def _join(publication: PublicationFolder, number: int, person: Person) -> None:
    address, language = f"reader.{number}@{person.domain}", person.chosen.languages[0]
    values = {"id": number, "status": person.status, "timezone": person.timezone}
    before = NOW - timedelta(days=40)
    with publication.database.writing() as connection:
        insert_subscriber(connection, address, language, before, person.states, **values)
        preferences.store_preferences(connection, number, person.chosen, NOW)
        if person.paused_days is not None:
            until = NOW + timedelta(days=2 + person.paused_days)
            preferences.pause_subscriber(connection, number, until, NOW - timedelta(days=9))


def _select(publication: PublicationFolder, written: list[Written], now: datetime) -> None:
    with publication.database.writing() as connection:
        for one in written:
            one.store(connection, now)
    plan_issues(publication.settings, publication.database, now)
    select_due(publication.settings, publication.database, now)


def _newsletters(publication: PublicationFolder) -> list[str]:
    with publication.database.reading() as connection:
        found = issues.issues_in_state(connection, IssueState.ASSEMBLING)
    return sorted({one.newsletter for one in found})


def _plan_and_open(
    connection: Connection, publication: PublicationFolder, name: str, now: datetime
) -> audience_plan.AudiencePlan:
    """Compare the plan of a newsletter's issues with the ledgers that are opened after it."""
    settings = publication.settings
    waiting = []
    for issue in issues.issues_in_state(connection, IssueState.ASSEMBLING):
        edition = settings.edition(issue.newsletter, issue.language)
        if issue.newsletter == name and edition:
            waiting.append(EditionIssue(edition, issue))
    plan = audience_plan.make_plan(connection, settings, waiting, now)
    assert (
        plan.as_dict() == audience_plan.make_plan(connection, settings, waiting, now).as_dict()
    )
    everybody = connection.execute(select(func.count()).select_from(subscriber)).scalar_one()
    assert sum(plan.recipients.values()) + plan.reasons.total() == plan.subscribers == everybody
    assert _standings(connection, name, now) == _without_language(plan)
    for one, planned in zip(waiting, plan.editions, strict=True):
        moved = issues.move_issue(connection, one.issue, IssueState.READY)
        open_ledger(connection, settings, moved, now)
        spread_rows(connection, moved, one.edition, now)
        issues.move_issue(connection, moved, IssueState.SENDING)
        assert _counted(planned) == _ledger(connection, moved)
    return plan


def _standings(connection: Connection, key: str, now: datetime) -> Counter[str]:
    """Say of each subscriber, one by one, why she gets no issue of a newsletter or digest."""
    name, _, cadence = key.partition(".")
    of_newsletter = (subscription.c.subscriber_id == subscriber.c.id) & (
        subscription.c.newsletter == name
    )
    query = select(
        subscriber.c.status,
        subscription.c.status.label("wanted"),
        subscription.c.cadence,
        preference.c.paused_until,
    ).select_from(subscriber.outerjoin(subscription, of_newsletter).outerjoin(preference))
    found: Counter[str] = Counter()
    for row in connection.execute(query):
        status = row.status if row.status != "active" else row.wanted or "not-subscribed"
        if status == "active" and row.cadence != (cadence or None):
            status = "other-cadence"
        elif status == "active" and row.paused_until and row.paused_until > now:
            status = "paused"
        if status != "active":
            found["left" if status == "unsubscribed" else status] += 1
    return found


def _without_language(plan: audience_plan.AudiencePlan) -> Counter[str]:
    languages = {"other-edition", "no-edition"}
    return Counter({key: n for key, n in plan.excluded.items() if key not in languages})


def _counted(plan: audience_plan.EditionPlan) -> tuple[object, ...]:
    to_whom = (plan.kinds, plan.variants, plan.withheld, plan.languages)
    return (*to_whom, plan.instants, plan.providers)


def _ledger(connection: Connection, issue: Issue) -> tuple[object, ...]:
    query = select(delivery, *subscriber.c["language", "email"]).join(
        subscriber, subscriber.c.id == delivery.c.subscriber_id
    )
    rows = connection.execute(query.where(delivery.c.issue_id == issue.id)).all()
    sent = [row for row in rows if row.state == S.PENDING]
    domains = Counter(row.email.partition("@")[2] for row in sent)
    if others := domains.pop("googlemail.example", 0):
        domains["gmail.example"] += others
    return (
        Counter("variant" if row.variant_id else "digest" for row in sent),
        len({row.variant_id for row in sent} - {None}),
        Counter(row.reason_key for row in rows if row.state == S.SUPPRESSED),
        Counter(row.language for row in sent),
        Counter(row.due_at for row in sent),
        domains,
    )


def _settle(publication: PublicationFolder, people: list[Person]) -> None:
    """Let the first day's mails arrive or not, merge some records, and let some people leave."""
    with publication.database.writing() as connection:
        for number, person in enumerate(people, 1):
            mine = delivery.c.subscriber_id == number
            rows = update(delivery).where(mine, delivery.c.state == S.PENDING)
            connection.execute(rows.values(state=person.outcome))
            here = subscription.c.subscriber_id == number
            left = update(subscription).where(
                here, subscription.c.newsletter == person.then_leaves
            )
            connection.execute(left.values(status="unsubscribed"))
    for number, person in enumerate(people, 1):
        if person.was_merged:
            _settle_merged(publication, number)


def _settle_merged(publication: PublicationFolder, number: int) -> None:
    """Let what a subscriber got stand at a former record of hers."""
    alias = {"former_id": FORMER + number, "subscriber_id": number, "merged_at": NOW}
    with publication.database.writing() as connection:
        known = select(subscriber_alias).where(subscriber_alias.c.subscriber_id == number)
        if not connection.execute(known).first():
            mine = update(delivery).where(delivery.c.subscriber_id == number)
            sent = {"subscriber_id": FORMER + number, "state": S.SENT}
            connection.execute(mine.values(sent))
            connection.execute(insert(subscriber_alias).values(alias))


# --- single cases


def test_who_is_owed_what_came_during_a_pause_gets_it_with_the_issue(
    both: PublicationFolder,
) -> None:
    _join(both, 1, SOMEBODY)
    _join(both, 2, replace(SOMEBODY, paused_days=-1))
    for day in (0, 1):
        now = NOW + timedelta(days=day)
        _select(both, [Written(day + 1, "en", (), False)], now)
        with both.database.writing() as connection:
            plan = _plan_and_open(connection, both, "first", now)
    assert plan.editions[0].kinds == {"digest": 1, "variant": 1}


@pytest.fixture
def state(publication: PublicationFolder) -> EditingState:
    subscribe(publication, (ANN, "en"), (BOB, "ar"), (CYD, "fr"), (DAN, "en-GB"))
    return editing_state(publication)


def test_each_subscriber_counts_once_at_the_edition_that_serves_her(
    publication: PublicationFolder, state: EditingState
) -> None:
    ready(publication)
    ready(publication, "ar")
    plan = audience_plan.plan_audience(state, "weekly", DAY)
    assert plan.recipients == {"en": 2, "ar": 1, "zh-Hans": 0, "zh-Hant": 0}
    assert plan.unserved == {"fr": 1}
    assert plan.as_dict()["subscribers"] == 4
    languages = [one.languages for one in plan.editions]
    assert languages == [{"en": 1, "en-GB": 1}, {}, {}, {"ar": 1}]
    # Of one language, the others are served by its sisters.
    plan = audience_plan.plan_audience(state, "weekly", DAY, ["en"])
    assert (plan.recipients, plan.elsewhere) == ({"en": 2}, {"ar": 1})
    assert plan.excluded == {"other-edition": 1, "no-edition": 1}


def test_an_issue_that_does_not_exist_yet_is_planned_by_its_audience_alone(
    publication: PublicationFolder, state: EditingState
) -> None:
    with publication.database.writing() as connection:
        choose_cadence(
            connection, number_of(publication.database, ANN), preferences.Cadence.MONTHLY
        )
    plan = audience_plan.plan_audience(state, "weekly", None, ["en"])
    (english,) = plan.editions
    assert (plan.day, english.issue.name) == (DAY, f"weekly-en-{DAY}")
    assert english.kinds == {"undecided": 1}
    # It is late already.
    assert english.instants == {NOW: 1}
    assert plan.excluded["other-cadence"] == 1


def test_a_plan_has_another_hash_if_somebody_leaves(
    publication: PublicationFolder, state: EditingState
) -> None:
    ready(publication)
    before = audience_plan.plan_audience(state, "weekly", DAY)
    hash_before = audience_plan.plan_hash(before, state.secret)
    assert hash_before == audience_plan.plan_hash(
        audience_plan.plan_audience(state, "weekly", DAY), state.secret
    )
    issue = before.editions[0].issue
    assert audience_plan.is_plan_hash(hash_before, issue, state.secret)
    for other in ({"newsletter": "daily"}, {"kind": "announcement", "serial": 1}):
        assert not audience_plan.is_plan_hash(
            hash_before, replace(issue, **other), state.secret
        )
    with publication.database.writing() as connection:
        unsubscribe(connection, ANN, "weekly", NOW)
    after = audience_plan.plan_audience(state, "weekly", DAY)
    assert after.excluded["left"] == 1
    assert audience_plan.plan_hash(after, state.secret) != hash_before


def test_what_is_being_sent_and_what_is_unknown_has_no_plan(
    publication: PublicationFolder, state: EditingState
) -> None:
    issue = ready(publication)
    with publication.database.writing() as connection:
        issues.move_issue(connection, issue, IssueState.SENDING)
    with pytest.raises(IssueError, match="publisher issues report weekly 2026-01-09"):
        audience_plan.plan_audience(state, "weekly", DAY, ["en"])
    with pytest.raises(IssueError, match="has no issue on 2026-01-10"):
        audience_plan.plan_audience(state, "weekly", DAY + timedelta(days=1))
    with pytest.raises(UsageError, match="no such newsletter"):
        audience_plan.plan_audience(state, "monthly", DAY)


def test_a_day_has_the_issues_that_exist_and_those_to_come(
    publication: PublicationFolder, state: EditingState
) -> None:
    ready(publication)
    editions = choose_languages(state.settings, "weekly", ["ar", "en", "en"])
    with state.database.reading() as connection:
        found = find_day(connection, state.settings, editions, DAY, NOW)
        assert next_day(connection, state.settings, editions, NOW) == DAY
    assert [(one.issue.name, one.issue.state, bool(one.issue.id)) for one in found] == [
        (f"weekly-ar-{DAY}", "scheduled", False),
        (f"weekly-en-{DAY}", "ready", True),
    ]


@pytest.mark.parametrize(
    ("before", "now", "is_far"),
    [
        (100, 120, False),
        (100, 121, True),
        (100, 79, True),
        (100_000, 101_000, False),
        (100_000, 101_001, True),
        # A small list may move by up to nine.
        (4, 5, False),
        (0, 9, False),
        (0, 10, True),
        (10, 0, True),
        (9, 0, False),
    ],
)
def test_approvers_are_asked_again_if_the_list_moved_far(
    before: int, now: int, is_far: bool
) -> None:
    assert approvals.is_far(before, now) is is_far
