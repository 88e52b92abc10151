"""Which stories subscribers have got already, or are about to get: from the rows of other issues.

A story counts whatever the newsletter, the language or the cadence of the issue that carried it. Rows
that were suppressed, cancelled, given up or bounced do not count: their subscribers got nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Row, exists, select

from publisher.database.engine import chunks
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
from publisher.issues.model import Issue, IssueState
from publisher.issues.tables import (
    issue_article_table,
    issue_table,
    issue_variant_article_table,
    issue_variant_table,
)
from subscribers.tables import subscriber_alias

_S, _I = DeliveryState, IssueState
# The subscriber has the mail, or may have it, or will get it.
_COUNTED = (_S.PENDING, _S.CLAIMED, _S.ATTEMPTING, _S.DEFERRED, _S.SENT, _S.IN_DOUBT)
# Nothing is sent to a record that was merged, but something may have been.
_COUNTED_OF_FORMER = (_S.ATTEMPTING, _S.SENT, _S.IN_DOUBT)
# Issues with a ledger.
OPENED_STATES = (_I.SENDING, _I.PAUSED, _I.SENT, _I.PARTIAL, _I.FAILED, _I.CANCELLED)


@dataclass(frozen=True, slots=True)
class ReceivedStories:
    """The other issues that carried some of an issue's stories, and who got them.

    `digests` has the stories of issues' own digests by issue, `variants` those of variants by id.
    `issues` are the issues of both.
    """

    issues: Collection[int]
    digests: Mapping[int, frozenset[int]]
    variants: Mapping[int, frozenset[int]]

    def by(self, subscriber_id: ColumnElement[int]) -> ColumnElement[bool]:
        """Return the SQL condition that a subscriber may have got one of the stories."""
        own = exists().where(delivery.c.subscriber_id == subscriber_id, self._counts())
        # What went to a record that was merged into this one.
        former = exists().where(
            subscriber_alias.c.subscriber_id == subscriber_id,
            delivery.c.subscriber_id == subscriber_alias.c.former_id,
            self._counts(_COUNTED_OF_FORMER),
        )
        return own | former

    def by_subscriber(
        self, connection: Connection, first: int, last: int
    ) -> dict[int, frozenset[int]]:
        """Return the stories that subscribers with ids from `first` to `last` have got."""
        found: defaultdict[int, frozenset[int]] = defaultdict(frozenset)
        if self.issues:
            for row in self._rows(connection, first, last):
                found[row.id] |= self._stories(row)
        return found

    def _rows(
        self, connection: Connection, first: int, last: int
    ) -> Iterator[Row[int, int, int | None]]:
        columns = delivery.c["issue_id", "variant_id"]
        own = select(delivery.c.subscriber_id.label("id"), *columns)
        yield from connection.execute(
            own.where(self._counts(), delivery.c.subscriber_id.between(first, last))
        )
        former = select(subscriber_alias.c.subscriber_id.label("id"), *columns).where(
            subscriber_alias.c.subscriber_id.between(first, last),
            delivery.c.subscriber_id == subscriber_alias.c.former_id,
            self._counts(_COUNTED_OF_FORMER),
        )
        yield from connection.execute(former)

    def _stories(self, row: Row[int, int, int | None]) -> frozenset[int]:
        if row.variant_id is None:
            return self.digests.get(row.issue_id, frozenset())
        return self.variants.get(row.variant_id, frozenset())

    def _counts(self, states: Collection[DeliveryState] = _COUNTED) -> ColumnElement[bool]:
        return delivery.c.issue_id.in_(self.issues) & delivery.c.state.in_(states)


def find_received(
    connection: Connection, issue: Issue, stories: Collection[int]
) -> ReceivedStories:
    """Find the issues with a ledger that carried some of these stories."""
    digests: defaultdict[int, set[int]] = defaultdict(set)
    variants: defaultdict[int, set[int]] = defaultdict(set)
    issues: set[int] = set()
    is_other = (issue_table.c.id != issue.id) & issue_table.c.state.in_(OPENED_STATES)
    article, variant = issue_article_table.c, issue_variant_article_table.c
    in_digests = select(issue_table.c.id, article.story_id).join(issue_table).where(is_other)
    in_variants = (
        select(issue_table.c.id, variant.variant_id, variant.story_id)
        .join(issue_variant_table, issue_variant_table.c.id == variant.variant_id)
        .join(issue_table)
        .where(is_other)
    )
    for some in chunks(sorted(stories)):
        for number, story in connection.execute(in_digests.where(article.story_id.in_(some))):
            digests[number].add(story)
            issues.add(number)
        for number, one, story in connection.execute(
            in_variants.where(variant.story_id.in_(some))
        ):
            variants[one].add(story)
            issues.add(number)
    return ReceivedStories(
        sorted(issues),
        {number: frozenset(found) for number, found in digests.items()},
        {number: frozenset(found) for number, found in variants.items()},
    )


def received_since(
    connection: Connection, issue: Issue, condition: ColumnElement[bool]
) -> list[int]:
    """Return the subscribers of an issue's rows who have got one of their stories by another issue.

    `condition` chooses the rows. Used before mails are sent again that had failed.
    """
    own, of_variants = _stories_of(connection, issue)
    received = find_received(connection, issue, own.union(*of_variants.values()))
    if not received.issues:
        return []
    columns = delivery.c["subscriber_id", "variant_id"]
    query = select(*columns).where(delivery.c.issue_id == issue.id, condition)
    rows = connection.execute(query.order_by(delivery.c.subscriber_id)).all()
    if not rows:
        return []
    got = received.by_subscriber(connection, rows[0].subscriber_id, rows[-1].subscriber_id)
    return [
        row.subscriber_id
        for row in rows
        if got.get(row.subscriber_id, frozenset()) & of_variants.get(row.variant_id, own)
    ]


def stories_of_issue(connection: Connection, issue: Issue) -> frozenset[int]:
    """Return the stories of an issue, those of its variants included."""
    own, of_variants = _stories_of(connection, issue)
    return own.union(*of_variants.values())


def _stories_of(
    connection: Connection, issue: Issue
) -> tuple[frozenset[int], dict[int | None, frozenset[int]]]:
    """Return the stories of an issue's own digest, and those of its variants by id."""
    article, variant = issue_article_table.c, issue_variant_article_table.c
    own = select(article.story_id).where(article.issue_id == issue.id)
    of_variants = (
        select(variant.variant_id, variant.story_id)
        .join(issue_variant_table, issue_variant_table.c.id == variant.variant_id)
        .where(issue_variant_table.c.issue_id == issue.id)
    )
    found: defaultdict[int | None, set[int]] = defaultdict(set)
    for number, story in connection.execute(of_variants):
        found[number].add(story)
    stories = frozenset(connection.execute(own).scalars())
    return stories, {number: frozenset(some) for number, some in found.items()}
