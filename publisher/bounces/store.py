"""Store bounce events, read them, and decide from a subscriber's whether mail still arrives.

A complaint counts at once; for good only from who proves that it was made of our mail to that person, else as a
leaving, which can be undone. A dead mailbox has to be reported on two days: a server that lost its list of users for
an hour reports thousands. Other failures add up, one for each issue and day, and each issue that arrives takes one
away. Full mailboxes, refusals because of us, delays and automatic replies count for nothing, and so does what anybody
could have written.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from operator import attrgetter
from typing import Final

import sqlalchemy as sa

from publisher.bounces.model import BounceEvent, BounceKind, Evidence
from publisher.database.dialect.sql import insert_unless_kept
from publisher.database.metadata import UTCDateTime, metadata
from publisher.delivery import causes
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
from publisher.issues.tables import issue_table
from subscribers.model import SubscriberStatus

# No address is in it. Rows are erased with their subscribers.
bounce_event = sa.Table(
    "bounce_event",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    # Where it came from: a mailbox, or a provider's webhook.
    sa.Column("source", sa.Text, nullable=False),
    # The provider's id, or the hash of the mail: the same event comes in once.
    sa.Column("source_id", sa.Text, nullable=False),
    # NULL if nobody was found. No foreign key: subscribers' tables belong to another package.
    sa.Column("subscriber_id", sa.Integer),
    sa.Column("issue_id", sa.ForeignKey("issue.id", ondelete="SET NULL")),
    sa.Column("evidence", sa.Text),  # a `bounces.model.Evidence`: how the subscriber was found
    sa.Column("kind", sa.Text, nullable=False),  # a `bounces.model.BounceKind`
    sa.Column("cause", sa.Text),  # a key of `publisher.delivery.causes`
    sa.Column("status", sa.Text, nullable=False, server_default=""),
    # The server's words in short, without addresses.
    sa.Column("diagnostic", sa.Text, nullable=False, server_default=""),
    sa.Column("at", UTCDateTime, nullable=False),
    sa.Column("received_at", UTCDateTime, nullable=False),
    sa.UniqueConstraint("source", "source_id"),
)
sa.Index("ix_bounce_event_subscriber_id", bounce_event.c.subscriber_id)
sa.Index("ix_bounce_event_received_at_kind", bounce_event.c.received_at, bounce_event.c.kind)
sa.Index("ix_bounce_event_issue_id_kind", bounce_event.c.issue_id, bounce_event.c.kind)

DEAD_DAYS: Final = 2  # days on which a mailbox has to be reported dead
# Points from which an address is suppressed, if the first is at least so old.
MAX_SCORE: Final = 5
MIN_SCORE_AGE: Final = timedelta(days=14)
# An accepted message that was not returned until then has arrived.
RETURN_PERIOD: Final = timedelta(days=7)
# A bounce address is seen by mail servers, and a provider has signed. Message-IDs and links travel
# with each answer and each forwarded mail.
_OF_THE_PROVIDER = frozenset({Evidence.VERP, Evidence.PROVIDER})
# Only the subscriber can make room, and every provider returns mail then.
_HARMLESS = frozenset({causes.MAILBOX_FULL.key, causes.CROWDED.key})


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A message that a server accepted."""

    issue_id: int
    at: datetime


@dataclass(frozen=True, slots=True)
class BounceScore:
    """What a subscriber's events add up to."""

    points: int = 0
    since: datetime | None = None  # when the first of the points came
    status: SubscriberStatus | None = None  # the status to store; None to leave it


def score_events(
    events: Iterable[BounceEvent], accepted: Iterable[Acceptance], now: datetime
) -> BounceScore:
    counted = sorted((event for event in events if counts(event)), key=attrgetter("at"))
    complaints = {event.evidence for event in counted if event.kind is BounceKind.COMPLAINT}
    if complaints:
        is_final = bool(complaints & _OF_THE_PROVIDER)
        status = SubscriberStatus.COMPLAINED if is_final else SubscriberStatus.UNSUBSCRIBED
        return BounceScore(status=status)
    return _bounces_score(counted, _arrived(counted, accepted, now))


def counts(event: BounceEvent) -> bool:
    """Return whether an event counts: a complaint or failure, on evidence that nobody can invent."""
    is_trusted = event.evidence is not None and event.evidence is not Evidence.ADDRESS
    # A message that did not arrive because of the mailbox.
    is_failure = event.kind in {BounceKind.DEAD, BounceKind.SOFT}
    is_failure = is_failure and event.cause not in _HARMLESS
    return is_trusted and (event.kind is BounceKind.COMPLAINT or is_failure)


def may_suppress(events: Iterable[BounceEvent]) -> bool:
    """Return whether a score is worth computing: never for a single failure."""
    kinds = [event.kind for event in events if counts(event)]
    return BounceKind.COMPLAINT in kinds or len(kinds) >= DEAD_DAYS


def _arrived(
    counted: Sequence[BounceEvent], accepted: Iterable[Acceptance], now: datetime
) -> list[datetime]:
    returned = {one.issue_id for one in counted}
    return [
        one.at
        for one in accepted
        if one.issue_id not in returned and one.at <= now - RETURN_PERIOD
    ]


def _bounces_score(counted: Sequence[BounceEvent], arrived: Sequence[datetime]) -> BounceScore:
    score = BounceScore()
    seen = set()
    days: set[date] = set()
    steps = [(at, None) for at in arrived] + [(failure.at, failure) for failure in counted]
    for at, event in sorted(steps, key=lambda step: step[0]):
        if event is None:
            points = max(0, score.points - 1)
            score = BounceScore(points, score.since if points else None)
            days.clear()
            continue
        key = (event.issue_id, at.date())
        if event.kind is BounceKind.DEAD:
            days.add(at.date())
        points = score.points + (key not in seen)
        seen.add(key)
        since = score.since or at
        is_bad = len(days) >= DEAD_DAYS or (points >= MAX_SCORE and at - since >= MIN_SCORE_AGE)
        if is_bad:
            return BounceScore(points, since, SubscriberStatus.BOUNCED)
        score = BounceScore(points, since)
    return score


# Events without a subscriber are kept so long, for the owner to look at.
UNKNOWN_KEPT: Final = timedelta(days=30)
_MAX_EVENTS = 200  # events of a subscriber that are read, the latest
_EVENTS = (
    sa.select(*(one for one in bounce_event.c if one.name != "id"))
    .where(bounce_event.c.subscriber_id == sa.bindparam("subscriber"))
    .order_by(bounce_event.c.id.desc())
    .limit(_MAX_EVENTS)
)


def add_event(connection: sa.Connection, event: BounceEvent) -> bool:
    insertion = insert_unless_kept(connection, bounce_event, "source", "source_id")
    return connection.execute(insertion, asdict(event)).first() is not None


def events_of(connection: sa.Connection, subscriber_id: int) -> list[BounceEvent]:
    rows = connection.execute(_EVENTS, {"subscriber": subscriber_id}).mappings()
    return [
        BounceEvent(
            **dict(row)
            | {
                "kind": BounceKind(row["kind"]),
                "evidence": Evidence(row["evidence"]) if row["evidence"] else None,
            }
        )
        for row in reversed(rows.all())
    ]


def accepted_since(
    connection: sa.Connection, subscriber_id: int, since: datetime
) -> list[Acceptance]:
    rows = connection.execute(
        sa.select(delivery.c.issue_id, delivery.c.changed_at)
        .join(issue_table, issue_table.c.id == delivery.c.issue_id)
        .where(
            issue_table.c.due_at >= since,
            delivery.c.subscriber_id == subscriber_id,
            delivery.c.state == DeliveryState.SENT,
        )
    )
    return [Acceptance(*row) for row in rows]


def count_events(connection: sa.Connection, since: datetime) -> dict[str, int]:
    rows = connection.execute(
        sa.select(bounce_event.c.kind, sa.func.count())
        .where(bounce_event.c.received_at >= since)
        .group_by(bounce_event.c.kind)
    )
    return dict(sorted(rows.all()))


def count_events_of_issue(connection: sa.Connection, issue_id: int) -> dict[str, int]:
    rows = connection.execute(
        sa.select(bounce_event.c.kind, sa.func.count(bounce_event.c.subscriber_id.distinct()))
        .where(bounce_event.c.issue_id == issue_id, bounce_event.c.subscriber_id.is_not(None))
        .group_by(bounce_event.c.kind)
    )
    return dict(sorted(rows.all()))


def count_unattributed(connection: sa.Connection, since: datetime) -> int:
    return connection.execute(
        sa.select(sa.func.count()).where(
            bounce_event.c.received_at >= since, bounce_event.c.subscriber_id.is_(None)
        )
    ).scalar_one()


def delete_old_unknown(connection: sa.Connection, now: datetime) -> int:
    """Delete events that say nothing, or of nobody, after their time. Return how many."""
    statement = sa.delete(bounce_event).where(
        bounce_event.c.received_at < now - UNKNOWN_KEPT,
        sa.or_(
            bounce_event.c.subscriber_id.is_(None),
            bounce_event.c.kind == BounceKind.UNKNOWN.value,
        ),
    )
    return connection.execute(statement).rowcount


def blocked_share(connection: sa.Connection, issue_id: int, since: datetime) -> tuple[int, int]:
    """Return how many messages of an issue were refused because of us, and how many were answered."""
    of_issue = (bounce_event.c.issue_id == issue_id, bounce_event.c.received_at >= since)
    blocked = connection.execute(
        sa.select(sa.func.count(bounce_event.c.subscriber_id.distinct())).where(
            *of_issue, bounce_event.c.kind == BounceKind.BLOCKED.value
        )
    ).scalar_one()
    states = (DeliveryState.SENT, DeliveryState.BOUNCED, DeliveryState.FAILED)
    answered = connection.execute(
        sa.select(sa.func.count()).where(
            delivery.c.issue_id == issue_id,
            delivery.c.state.in_(states),
            delivery.c.changed_at >= since,
        )
    ).scalar_one()
    return blocked, answered
