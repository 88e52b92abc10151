"""Open an issue's ledger: one row for everybody in its audience, in the caller's transaction.

Most get the issue's own digest, and their rows are one INSERT ... SELECT. Subscribers with a profile,
those who have got one of the stories before, and those who are owed a catch-up, get a variant of the
issue, or nothing if nothing is left for them. So nobody gets a story twice. Variants are rendered
later: until then, their rows are not due.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Row,
    Select,
    Text,
    case,
    exists,
    false,
    literal,
    null,
    or_,
    select,
    true,
)

from publisher.config import Edition, Settings
from publisher.database.dialect.sql import json_list, json_rows, update_statistics, upsert
from publisher.delivery.causes import NO_ARTICLE, Cause
from publisher.delivery.ledger.attempts import suppress_waiting
from publisher.delivery.ledger.bulk import ROWS, row_values
from publisher.delivery.ledger.catch_up import CatchUpKey, load_owed
from publisher.delivery.ledger.choices import (
    Choice,
    ProfileKey,
    catch_up_choice,
    own_choice,
    profile_choice,
    profile_selector,
)
from publisher.delivery.ledger.received import ReceivedStories, find_received
from publisher.delivery.ledger.variant_rows import NOT_RENDERED
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
from publisher.issues import store as issues
from publisher.issues.model import Issue
from publisher.issues.selection import serving_language
from publisher.issues.variants import find_or_add_variant
from subscribers import count_audience_by_language, select_audience
from subscribers.tables import preference, subscriber

# Subscribers who are read at a time.
_PAGE_SIZE = 10_000


def open_ledger(connection: Connection, settings: Settings, issue: Issue, now: datetime) -> int:
    """Insert a row for every subscriber whom an issue's edition serves.

    Doing it again inserts none. Return how many were inserted.
    """
    edition = settings.edition(issue.newsletter, issue.language)
    assert edition is not None  # noqa: S101  # the caller cancels issues of removed editions
    # The list may have been imported just now.
    update_statistics(connection, "subscriber", "subscription", "preference")
    tags = [*count_audience_by_language(connection, issue.newsletter)]
    languages = served_languages(tags, settings, issue)
    choices = _load_choices(connection, settings, edition, issue, now)
    owed = load_owed(connection, issue, now)
    served = {*choices, *((language, None) for language in languages)}
    keys = {key for key in owed.values() if key[:2] in served}
    catch_ups = _load_catch_ups(connection, settings, edition, issue, keys)
    own = own_choice(connection, issue)
    stories = {
        story
        for one in (own, *choices.values(), *catch_ups.values())
        for story, _article in one.articles
    }
    received = find_received(connection, issue, stories)
    _suppress_unwanted(connection, issue, received, tags, now)
    opening = _Opening(
        connection=connection,
        issue=issue,
        tags=tags,
        languages=languages,
        own=own,
        choices=choices,
        owed={number: key for number, key in owed.items() if key in catch_ups},
        catch_ups=catch_ups,
        received=received,
        now=now,
    )
    # In this order: who has got something gets no second row.
    count = opening.insert_other_rows() + opening.insert_digest_rows()
    update_statistics(connection, "delivery")
    return count


def served_languages(tags: Iterable[str], settings: Settings, issue: Issue) -> list[str]:
    """Return those of subscribers' languages that get this issue, and not one of its sisters."""
    newsletter = settings.newsletter(issue.newsletter)
    editions = [e.language for e in settings.editions(newsletter)] if newsletter else []
    return [tag for tag in tags if serving_language(editions, [tag]) == issue.language]


def _suppress_unwanted(
    connection: Connection,
    issue: Issue,
    received: ReceivedStories,
    tags: Collection[str],
    now: datetime,
) -> None:
    """Let no mail count that waits, and is not wanted, since its newsletter or cadence was left.

    Who gets this issue still wants what its sisters bring.
    """
    found = issues.issues_by_ids(connection, [*received.issues])
    others = [one.id for one in found if one.newsletter != issue.newsletter]
    if others:
        members = select_audience(issue.newsletter, tags, now)
        suppress_waiting(connection, others, members.order_by(None), now)


def _load_choices(
    connection: Connection, settings: Settings, edition: Edition, issue: Issue, now: datetime
) -> dict[ProfileKey, Choice]:
    """Return what each profile among the subscribers of an issue's edition wants of it."""
    selector = profile_selector(connection, settings, edition, issue)
    return {
        (language, text): profile_choice(selector, language, text)
        for language, text in selector.profiles(now)
    }


def _load_catch_ups(
    connection: Connection,
    settings: Settings,
    edition: Edition,
    issue: Issue,
    keys: Iterable[CatchUpKey],
) -> dict[CatchUpKey, Choice]:
    """Return what the issue has for those who are owed a catch-up, and whom it serves."""
    found = ((key, catch_up_choice(connection, settings, edition, issue, key)) for key in keys)
    return {key: choice for key, choice in found if choice is not None}


@dataclass(frozen=True, slots=True)
class _NewRow:
    """What one subscriber's row says: nothing is sent if there is a cause."""

    variant_id: int | None = None
    cause: Cause | None = None

    @property
    def values(self) -> tuple[str, str | None, int | None]:
        """The values of the columns `_GIVEN`."""
        state = DeliveryState.SUPPRESSED if self.cause else DeliveryState.PENDING
        return state, self.cause.key if self.cause else None, self.variant_id


_NAMES = ["issue_id", "subscriber_id", "state", "due_at", "next_at", "changed_at"]
_NAMES += ["reason_key", "variant_id"]
_GIVEN = row_values("subscriber_id", "state", "reason_key", "variant_id")


@dataclass(slots=True, kw_only=True)
class _Opening:
    """The opening of one ledger. `languages` are those of `tags` that the edition serves."""

    connection: Connection
    issue: Issue
    tags: Sequence[str]
    languages: Sequence[str]
    own: Choice
    choices: Mapping[ProfileKey, Choice]
    owed: Mapping[int, CatchUpKey]
    catch_ups: Mapping[CatchUpKey, Choice]
    received: ReceivedStories
    now: datetime
    _rows: dict[tuple[ProfileKey | CatchUpKey, frozenset[int]], _NewRow] = field(
        default_factory=dict
    )

    def insert_digest_rows(self) -> int:
        """Insert the rows of subscribers without a profile who have none yet."""
        issue, now = self.issue, literal(self.now, delivery.c.due_at.type)
        members = select_audience(issue.newsletter, self.languages, self.now).subquery()
        number = members.c.id
        with_profile = exists().where(
            preference.c.subscriber_id == number, preference.c.profile.is_not(None)
        )
        row = _NewRow(cause=NO_ARTICLE if issue.for_profiles_only else None)
        state, reason_key, _variant_id = row.values
        columns = (literal(state), now, now, now, literal(reason_key, Text()), null())
        return self._insert(select(literal(issue.id), number, *columns).where(~with_profile))

    def insert_other_rows(self) -> int:
        """Insert the rows of those with a profile, who have got some stories, or are owed some."""
        count, last = 0, 0
        if not (self.choices or self.received.issues or self.owed):
            return 0
        while page := self._others(last):
            first, last = page[0].id, page[-1].id
            received = self.received.by_subscriber(self.connection, first, last)
            rows = ((one.id, self._row(one, received.get(one.id, frozenset()))) for one in page)
            new = json_rows((number, *row.values) for number, row in rows if row)
            count += self._insert(self._given(), {ROWS: new})
        return count

    def _others(self, last: int) -> Sequence[Row[int, str, str | None]]:
        """Read those with a profile, who have got stories or are owed some, with ids above `last`."""
        members = select_audience(self.issue.newsletter, self.tags, self.now).subquery()
        number = members.c.id
        is_served = subscriber.c.language.in_(self.languages)
        query = (
            select(number, subscriber.c.language, preference.c.profile)
            .select_from(members.join(subscriber, subscriber.c.id == number))
            .outerjoin(preference, preference.c.subscriber_id == number)
            .where(
                or_(
                    preference.c.profile.is_not(None),
                    is_served & self._has_received(number),
                    number.in_(json_list("owed", Integer())),
                ),
                number > last,
            )
        )
        values = {"owed": json.dumps([*self.owed])}
        return self.connection.execute(query.order_by(number).limit(_PAGE_SIZE), values).all()

    def _has_received(self, subscriber_id: ColumnElement[int]) -> ColumnElement[bool]:
        if self.issue.for_profiles_only or not self.received.issues:
            return false()
        return self.received.by(subscriber_id)

    def _row(self, one: Row[int, str, str | None], received: frozenset[int]) -> _NewRow | None:
        """Return a subscriber's row; None if another edition serves her."""
        key: ProfileKey | CatchUpKey = (one.language, one.profile)
        if one.id in self.owed:
            key = self.owed[one.id]
            choice: Choice | None = self.catch_ups[key]
        elif one.profile:
            choice = self.choices.get((one.language, one.profile))
        else:
            choice = self.own
        if choice is None:
            return None
        # Most have got nothing, and this is done for each of a million subscribers.
        had = received and received.intersection(story for story, _article in choice.articles)
        row = self._rows.get((key, had))
        if row is None:
            row = self._rows[key, had] = self._new_row(choice, had)
        return row

    def _new_row(self, choice: Choice, had: frozenset[int]) -> _NewRow:
        content = choice.without(had)
        if isinstance(content, Cause):
            return _NewRow(cause=content)
        if self.own.is_digest(content):
            return _NewRow()
        number = find_or_add_variant(
            self.connection,
            self.issue,
            content.articles,
            length=content.length,
            more=content.more,
        )
        return _NewRow(number)

    def _given(self) -> Select[Any]:
        now = literal(self.now, delivery.c.due_at.type)
        never = literal(NOT_RENDERED, delivery.c.due_at.type)
        next_at = case((_GIVEN.c.variant_id.is_(None), now), else_=never)
        columns = (_GIVEN.c.state, now, next_at, now, _GIVEN.c.reason_key, _GIVEN.c.variant_id)
        return select(literal(self.issue.id), _GIVEN.c.subscriber_id, *columns).where(true())

    def _insert(self, rows: Select[Any], values: Mapping[str, str] | None = None) -> int:
        """Insert rows; those that are there stay. Return how many are new."""
        statement = upsert(self.connection, delivery).from_select(_NAMES, rows)
        statement = statement.on_conflict_do_nothing(
            index_elements=["issue_id", "subscriber_id"]
        )
        return self.connection.execute(statement, values or {}).rowcount
