"""Which stories subscribers have got already, or are about to get: from the rows of other issues.

A story counts whatever the newsletter, language or cadence of the issue that carried it, but not from rows that were
suppressed, cancelled, given up or bounced. If an issue's rows are deleted (`prune_ledgers`), everybody counts who was
on the list when it was finished. If the mail that was about to bring a story is cancelled or given up, the next issue
of the newsletter that had left the story out brings it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from publisher.articles.tables import article
from publisher.database.engine import chunks
from publisher.delivery.states import CLAIMABLE_STATES, DeliveryState
from publisher.delivery.tables import delivery, delivery_outcome
from publisher.issues import store as issues
from publisher.issues.model import Issue, IssueState
from publisher.issues.tables import (
    issue_article_table,
    issue_table,
    issue_variant_article_table,
    issue_variant_table,
)
from subscribers.audiences import OWED_FOR, add_interruptions, still_wanted
from subscribers.tables import subscriber, subscriber_alias

_S, _I = DeliveryState, IssueState
# The subscriber has the mail, or may have it, or will get it.
_COUNTED = (_S.PENDING, _S.CLAIMED, _S.ATTEMPTING, _S.DEFERRED, _S.SENT, _S.IN_DOUBT)
# Nothing is sent to a record that was merged, but something may have been.
_COUNTED_OF_FORMER = (_S.ATTEMPTING, _S.SENT, _S.IN_DOUBT)
_NEWSLETTER = (
    sa.select(issue_table.c.newsletter)
    .where(issue_table.c.id == delivery.c.issue_id)
    .correlate(delivery)
    .scalar_subquery()
)
_PRUNED = issue_table.alias("pruned_issue")
_NO_VARIANT = sa.cast(sa.null(), sa.Integer).label("variant_id")
# A mail as text: the id of its issue, and that of its variant if it is one.
_MAIL = sa.func.aggregate_strings(
    sa.cast(delivery.c.issue_id, sa.Text)
    + sa.literal(":")
    + sa.func.coalesce(sa.cast(delivery.c.variant_id, sa.Text), sa.literal("")),
    " ",
)
OPENED_STATES = (_I.SENDING, _I.PAUSED, _I.SENT, _I.PARTIAL, _I.FAILED, _I.CANCELLED)


@dataclass(frozen=True, slots=True)
class ReceivedStories:
    """The other issues that carried some of an issue's stories, and who got them.

    `digests` has the stories of issues' own digests by issue, `variants` those of variants by id. Of `pruned` issues
    the rows are deleted: `digests` has their variants' stories, too. With `wanted_at`, mails that wait count only if
    wanted at that instant.
    """

    issues: Collection[int]
    digests: Mapping[int, frozenset[int]]
    variants: Mapping[int, frozenset[int]]
    wanted_at: datetime | None = None
    pruned: Collection[int] = ()

    def by(self, subscriber_id: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
        own, former = (sa.exists().where(one) for one in self._rows_of(subscriber_id))
        if not self.pruned:
            return own | former
        pruned = sa.exists(_PRUNED.c.id).where(self._was_there(subscriber_id))
        return own | former | pruned.correlate_except(_PRUNED)

    def mails(self, subscriber_id: sa.ColumnElement[int]) -> list[sa.ColumnElement[str | None]]:
        """Return SQL values that name the mails somebody has got: hers, those of records merged into hers, those of pruned issues."""
        mails: list[sa.ColumnElement[str | None]] = [
            sa.select(_MAIL).where(one).scalar_subquery()
            for one in self._rows_of(subscriber_id)
        ]
        if self.pruned:
            name = sa.func.aggregate_strings(
                sa.cast(_PRUNED.c.id, sa.Text) + sa.literal(":"), " "
            )
            pruned = sa.select(name).where(self._was_there(subscriber_id))
            mails.append(pruned.correlate_except(_PRUNED).scalar_subquery())
        return mails

    def _rows_of(
        self, subscriber_id: sa.ColumnElement[int]
    ) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
        """Return the conditions of her rows, and of those of records that were merged into hers."""
        own = (delivery.c.subscriber_id == subscriber_id) & self._counts()
        former = (
            (subscriber_alias.c.subscriber_id == subscriber_id)
            & (delivery.c.subscriber_id == subscriber_alias.c.former_id)
            & self._counts(_COUNTED_OF_FORMER)
        )
        return own, former

    def stories_of(self, *mails: str | None) -> frozenset[int]:
        stories: set[int] = set()
        for word in (word for some in mails if some for word in some.split()):
            issue, _, variant = word.partition(":")
            stories |= self._stories(int(issue), int(variant) if variant else None)
        return frozenset(stories)

    def by_subscriber(
        self, connection: sa.Connection, first: int, last: int
    ) -> dict[int, frozenset[int]]:
        stories: defaultdict[int, frozenset[int]] = defaultdict(frozenset)
        if self.issues:
            for row in self._rows(connection, first, last):
                stories[row.id] |= self._stories(row.issue_id, row.variant_id)
        return stories

    def _rows(
        self, connection: sa.Connection, first: int, last: int
    ) -> Iterator[sa.Row[int, int, int | None]]:
        columns = delivery.c["issue_id", "variant_id"]
        own = sa.select(delivery.c.subscriber_id.label("id"), *columns)
        yield from connection.execute(
            own.where(self._counts(), delivery.c.subscriber_id.between(first, last))
        )
        former = sa.select(subscriber_alias.c.subscriber_id.label("id"), *columns).where(
            subscriber_alias.c.subscriber_id.between(first, last),
            delivery.c.subscriber_id == subscriber_alias.c.former_id,
            self._counts(_COUNTED_OF_FORMER),
        )
        yield from connection.execute(former)
        if self.pruned:
            number = subscriber.c.id
            digests = sa.select(number, _PRUNED.c.id.label("issue_id"), _NO_VARIANT)
            joined = subscriber.join(_PRUNED, self._was_there(number))
            yield from connection.execute(
                digests.select_from(joined).where(number.between(first, last))
            )

    def _stories(self, issue_id: int, variant_id: int | None) -> frozenset[int]:
        if variant_id is None:
            return self.digests.get(issue_id, frozenset())
        return self.variants.get(variant_id, frozenset())

    def _was_there(self, subscriber_id: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
        """Return the condition that a subscriber, or a record merged into hers, may have got `_PRUNED`, one of the pruned issues."""
        # Two queries deep, which SQLAlchemy does not correlate by itself.
        record, merged = subscriber.alias(), subscriber_alias
        is_older = sa.exists(record.c.id).where(
            record.c.id == subscriber_id, record.c.created_at <= _PRUNED.c.finished_at
        )
        has_former = sa.exists(merged.c.former_id).where(
            merged.c.subscriber_id == subscriber_id
        )
        return _PRUNED.c.id.in_(self.pruned) & (
            is_older.correlate_except(record) | has_former.correlate_except(merged)
        )

    def _counts(self, states: Collection[DeliveryState] = _COUNTED) -> sa.ColumnElement[bool]:
        counted = delivery.c.issue_id.in_(self.issues) & delivery.c.state.in_(states)
        if self.wanted_at is None:
            return counted
        number = delivery.c.subscriber_id
        return counted & (
            delivery.c.state.not_in(CLAIMABLE_STATES)
            | still_wanted(_NEWSLETTER, number, self.wanted_at)
        )


def find_received(
    connection: sa.Connection, issue: Issue, stories: Collection[int]
) -> ReceivedStories:
    digests: defaultdict[int, set[int]] = defaultdict(set)
    variants: defaultdict[int, set[int]] = defaultdict(set)
    # Those of an issue's digest and its variants.
    of_issues: defaultdict[int, set[int]] = defaultdict(set)
    is_other = (issue_table.c.id != issue.id) & issue_table.c.state.in_(OPENED_STATES)
    article, variant = issue_article_table.c, issue_variant_article_table.c
    in_digests = sa.select(issue_table.c.id, article.story_id).join(issue_table).where(is_other)
    in_variants = (
        sa.select(issue_table.c.id, variant.variant_id, variant.story_id)
        .join(issue_variant_table, issue_variant_table.c.id == variant.variant_id)
        .join(issue_table)
        .where(is_other)
    )
    for some in chunks(sorted(stories)):
        for number, story in connection.execute(in_digests.where(article.story_id.in_(some))):
            digests[number].add(story)
            of_issues[number].add(story)
        for number, one, story in connection.execute(
            in_variants.where(variant.story_id.in_(some))
        ):
            variants[one].add(story)
            of_issues[number].add(story)
    pruned = _pruned_among(connection, of_issues)
    digests |= {number: of_issues[number] for number in pruned}
    return ReceivedStories(
        sorted(of_issues),
        {number: frozenset(found) for number, found in digests.items()},
        {number: frozenset(found) for number, found in variants.items()},
        pruned=pruned,
    )


def _pruned_among(connection: sa.Connection, issues: Collection[int]) -> Sequence[int]:
    query = sa.select(delivery_outcome.c.issue_id).distinct()
    return [
        number
        for some in chunks(sorted(issues))
        for number in connection.scalars(query.where(delivery_outcome.c.issue_id.in_(some)))
    ]


def received_since(
    connection: sa.Connection, issue: Issue, condition: sa.ColumnElement[bool]
) -> list[int]:
    """Return the subscribers of the issue's rows that meet `condition` who have got one of their stories by another issue."""
    own, of_variants = _stories_of(connection, issue)
    received = find_received(connection, issue, own.union(*of_variants.values()))
    if not received.issues:
        return []
    columns = delivery.c["subscriber_id", "variant_id"]
    query = sa.select(*columns).where(delivery.c.issue_id == issue.id, condition)
    rows = connection.execute(query.order_by(delivery.c.subscriber_id)).all()
    if not rows:
        return []
    got = received.by_subscriber(connection, rows[0].subscriber_id, rows[-1].subscriber_id)
    return [
        row.subscriber_id
        for row in rows
        if got.get(row.subscriber_id, frozenset()) & of_variants.get(row.variant_id, own)
    ]


def _stories_of(
    connection: sa.Connection, issue: Issue
) -> tuple[frozenset[int], dict[int | None, frozenset[int]]]:
    article, variant = issue_article_table.c, issue_variant_article_table.c
    own = sa.select(article.story_id).where(article.issue_id == issue.id)
    of_variants = (
        sa.select(variant.variant_id, variant.story_id)
        .join(issue_variant_table, issue_variant_table.c.id == variant.variant_id)
        .where(issue_variant_table.c.issue_id == issue.id)
    )
    stories_by_variant: defaultdict[int | None, set[int]] = defaultdict(set)
    for number, story in connection.execute(of_variants):
        stories_by_variant[number].add(story)
    stories = frozenset(connection.execute(own).scalars())
    return stories, {number: frozenset(some) for number, some in stories_by_variant.items()}


def owe_left_out(
    connection: sa.Connection, issue: Issue, rows: sa.ColumnElement[bool], now: datetime
) -> None:
    """Record what the subscribers of these rows, that are not sent, may have missed. Call it before the rows are moved."""
    chosen = (delivery.c.issue_id == issue.id) & rows
    if not connection.execute(
        sa.select(sa.exists(delivery.c.subscriber_id).where(chosen))
    ).scalar():
        return
    own, of_variants = _stories_of(connection, issue)
    stories = own.union(*of_variants.values())
    for other in _opened_meanwhile(connection, issue):
        if not _considered(connection, other, stories):
            continue
        later = delivery.alias()
        is_in_both = sa.exists().where(
            later.c.issue_id == other.id, later.c.subscriber_id == delivery.c.subscriber_id
        )
        name, _, _cadence = other.newsletter.partition(".")
        since = other.available_since or now - OWED_FOR
        members = sa.select(delivery.c.subscriber_id).where(chosen, is_in_both)
        add_interruptions(connection, members, name, since, now)


def _opened_meanwhile(connection: sa.Connection, issue: Issue) -> list[Issue]:
    begun = issue.assembled_at or issue.due_at
    query = sa.select(issue_table.c.id).where(
        issue_table.c.id != issue.id,
        issue_table.c.state.in_(OPENED_STATES),
        sa.or_(issue_table.c.finished_at.is_(None), issue_table.c.finished_at >= begun),
    )
    return issues.issues_by_ids(connection, connection.execute(query).scalars().all())


def _considered(connection: sa.Connection, issue: Issue, stories: Collection[int]) -> bool:
    """Return whether one of some stories was among those that an issue chose from."""
    until = issue.assembled_at or issue.due_at
    news = article.c.available_at <= until
    if issue.available_since:
        news &= article.c.available_at > issue.available_since
    return any(
        connection.execute(
            sa.select(sa.exists(article.c.id).where(article.c.story_id.in_(some), news))
        ).scalar()
        for some in chunks(sorted(stories))
    )
