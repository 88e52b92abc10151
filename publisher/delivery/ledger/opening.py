"""Open an issue's ledger: one row for everybody in its audience, in the caller's transaction.

Rows of those who get the issue's own digest are one INSERT ... SELECT. Those for whom `audience` has something else
get a variant, whose rows are not due until it is rendered. In editions with `local_time`, a row's instant is computed
once, here: who changes hour or zone later keeps it. Who subscribes later has no row.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa
from sqlalchemy import Connection

from publisher.config import Edition, Settings
from publisher.database.dialect.sql import json_list, json_rows, update_statistics
from publisher.delivery.ledger import audience as ledger_audience
from publisher.delivery.ledger.attempts import suppress_waiting
from publisher.delivery.ledger.claims import ROWS, add_rows, row_values
from publisher.delivery.ledger.correction_audience import open_correction_ledger
from publisher.delivery.ledger.variant_rows import NOT_RENDERED
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
from publisher.issues import store as issues
from publisher.issues.digests import find_or_add_variant
from publisher.issues.model import Issue, IssueKind
from publisher.log import log
from publisher.recurrence import at_local_time
from subscribers.audiences import select_audience
from subscribers.tables import preference, subscriber

_NOTHING: frozenset[int] = frozenset()
_PAGE_SIZE = 10_000  # subscribers who are read at a time


def open_ledger(connection: Connection, settings: Settings, issue: Issue, now: datetime) -> int:
    """Insert a row, if missing, for each subscriber whom the edition serves or a correction concerns; return how many."""
    if issue.corrects_id is not None:
        return open_correction_ledger(connection, issue, now)
    # The list may have been imported just now.
    update_statistics(connection, "subscriber", "subscription", "preference")
    members = ledger_audience.load_members(connection, issue.newsletter, now)
    audience = ledger_audience.load_issue_audience(connection, settings, issue, members, now)
    _suppress_unwanted(connection, audience, now)
    opening = _Opening(connection, audience, now)
    # In this order: who has got something gets no second row.
    count = opening.insert_other_rows() + opening.insert_digest_rows()
    update_statistics(connection, "delivery")
    return count


def _suppress_unwanted(
    connection: Connection, audience: ledger_audience.IssueAudience, now: datetime
) -> None:
    """Let no mail count that waits and is wanted no more. Who gets this issue still wants what its sisters bring."""
    newsletter = audience.issue.newsletter
    found = issues.issues_by_ids(connection, [*audience.received.issues])
    others = [one.id for one in found if one.newsletter != newsletter]
    if others:
        members = select_audience(newsletter, audience.tags, now, audience.limit)
        suppress_waiting(connection, others, members.order_by(None), now)


_RowValues = tuple[str, str | None, int | None]
_GIVEN = row_values("subscriber_id", "state", "reason_key", "variant_id")


@dataclass(slots=True)
class _Opening:
    """The opening of one ledger."""

    connection: Connection
    audience: ledger_audience.IssueAudience
    now: datetime
    # The ids of variants, by what is the same for all who get them.
    _variants: dict[ledger_audience.Portion, int] = field(default_factory=dict)

    def insert_digest_rows(self) -> int:
        issue, now = self.audience.issue, sa.literal(self.now, delivery.c.due_at.type)
        members = select_audience(
            issue.newsletter, self.audience.languages, self.now, self.audience.limit
        ).subquery()
        number = members.c.id
        with_profile = sa.exists().where(
            preference.c.subscriber_id == number, preference.c.profile.is_not(None)
        )
        state, reason_key, _variant_id = self._values(self.audience.digest)
        why = sa.literal(reason_key, sa.Text())
        rows = sa.select(sa.literal(issue.id), number, sa.literal(state), now, now, now, why)
        return add_rows(self.connection, rows.add_columns(sa.null()).where(~with_profile))

    def insert_other_rows(self) -> int:
        audience = self.audience
        count, last = 0, 0
        if not (audience.choices or audience.received.issues or audience.owed):
            return 0
        while page := self._others(last):
            first, last = page[0].id, page[-1].id
            received = audience.received.by_subscriber(self.connection, first, last)
            rows = (
                (
                    one.id,
                    audience.portion(
                        one.id, (one.language, one.profile), received.get(one.id, _NOTHING)
                    ),
                )
                for one in page
            )
            new = json_rows((number, *self._values(got)) for number, got in rows if got)
            count += add_rows(self.connection, self._given(), {ROWS: new})
        return count

    def _others(self, last: int) -> Sequence[sa.Row[int, str, str | None]]:
        audience = self.audience
        name = audience.issue.newsletter
        members = select_audience(name, audience.tags, self.now, audience.limit).subquery()
        number = members.c.id
        is_served = subscriber.c.language.in_(audience.languages)
        has_received = (
            audience.received.by(number) if audience.excludes_received else sa.false()
        )
        query = (
            sa.select(number, subscriber.c.language, preference.c.profile)
            .select_from(members.join(subscriber, subscriber.c.id == number))
            .outerjoin(preference, preference.c.subscriber_id == number)
            .where(
                sa.or_(
                    preference.c.profile.is_not(None),
                    is_served & has_received,
                    number.in_(json_list("owed", sa.Integer())),
                ),
                number > last,
            )
        )
        values = {"owed": json.dumps([*audience.owed])}
        return self.connection.execute(query.order_by(number).limit(_PAGE_SIZE), values).all()

    def _values(self, got: ledger_audience.Portion) -> _RowValues:
        if got.cause:
            return DeliveryState.SUPPRESSED, got.cause.key, None
        if got.content is None:
            return DeliveryState.PENDING, None, None
        if got not in self._variants:
            issue = self.audience.issue
            self._variants[got] = find_or_add_variant(self.connection, issue, got.content)
        return DeliveryState.PENDING, None, self._variants[got]

    def _given(self) -> sa.Select[Any]:
        now = sa.literal(self.now, delivery.c.due_at.type)
        never = sa.literal(NOT_RENDERED, delivery.c.due_at.type)
        next_at = sa.case((_GIVEN.c.variant_id.is_(None), now), else_=never)
        columns = (_GIVEN.c.state, now, next_at, now, _GIVEN.c.reason_key, _GIVEN.c.variant_id)
        return sa.select(
            sa.literal(self.audience.issue.id), _GIVEN.c.subscriber_id, *columns
        ).where(sa.true())


_NO_HOUR = -1  # stands for no hour, because NULL equals nothing
_zone = sa.func.coalesce(subscriber.c.timezone, sa.literal("", sa.Text()))
_hour = sa.func.coalesce(
    sa.select(preference.c.hour)
    .where(preference.c.subscriber_id == subscriber.c.id)
    .correlate(subscriber)
    .scalar_subquery(),
    sa.literal(_NO_HOUR, sa.Integer()),
)
_OF_ISSUE = (delivery.c.issue_id == sa.bindparam("of")) & (
    subscriber.c.id == delivery.c.subscriber_id
)
_PLACES = sa.select(_zone.label("zone"), _hour.label("hour")).where(_OF_ISSUE).distinct()
# Materialised: a table has an index for each row, where JSON would be parsed for it.
_TIMES = (
    sa.select(row_values("timezone", "hour", "next_at"))
    .cte("times")
    .prefix_with("MATERIALIZED")
)
_SPREAD = (
    sa.update(delivery)
    .where(_OF_ISSUE, _TIMES.c.timezone == _zone, _TIMES.c.hour == _hour)
    .values(
        due_at=_TIMES.c.next_at,
        next_at=sa.case(
            (delivery.c.next_at == NOT_RENDERED, delivery.c.next_at), else_=_TIMES.c.next_at
        ),
    )
)


def spread_rows(connection: Connection, issue: Issue, edition: Edition, now: datetime) -> None:
    """Make each row that has no variant due at its subscriber's hour and zone on the issue's date, or now if that has passed.

    An issue outside the schedule goes to all at once.
    """
    if not edition.local_time or issue.kind != IssueKind.REGULAR:
        return
    places = connection.execute(_PLACES, {"of": issue.id}).all()
    times = [
        (zone, hour, local_due_at(edition, issue.day, zone, hour, now)) for zone, hour in places
    ]
    connection.execute(_SPREAD, {"of": issue.id, ROWS: json_rows(times)})


def local_instant(edition: Edition, day: date, zone: ZoneInfo, hour: int | None) -> datetime:
    """Return the instant of an hour, or else of the edition's time, on a date in a time zone."""
    at = edition.schedule.at if hour is None else time(hour)
    return at_local_time(day, at, zone).due_at


def local_due_at(
    edition: Edition, day: date, name: str | None, hour: int | None, now: datetime
) -> datetime:
    zone = edition.zone
    try:
        zone = ZoneInfo(name) if name else zone
    except (ZoneInfoNotFoundError, ValueError, OSError):
        log.warning("unknown time zone of subscribers", zone=name, instead=edition.timezone)
    return max(now, local_instant(edition, day, zone, None if hour == _NO_HOUR else hour))
