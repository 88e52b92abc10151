"""An open ledger, and its operations by hand: each is one transaction on a real file."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update

from publisher.delivery.causes import HAS_PAUSED, HAS_UNSUBSCRIBED, OTHER_CADENCE, Cause
from publisher.delivery.ledger import attempts, leases, lifecycle
from publisher.delivery.ledger import claims as claim_rows
from publisher.delivery.ledger.claims import Claim
from publisher.delivery.ledger.opening import open_ledger
from publisher.delivery.retry_policy import StateChange
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
from publisher.delivery.transports.base import Guarantee, MessageKey
from publisher.issues import store as issues
from publisher.issues.model import Issue, IssueState
from subscribers.changes import suppress
from subscribers.model import SubscriberStatus
from subscribers.preferences import Cadence, pause_subscriber
from subscribers.tables import subscriber
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery import mailing
from tests.publisher.delivery.mailing import counts
from tests.subscribers.leaving import unsubscribe

S = DeliveryState

ANN, BOB, CYD = "ann@example.com", "bob@example.com", "cyd@example.org"
LATER = NOW + timedelta(minutes=5)
LEASE_UNTIL = 1_000.0


@dataclass
class OpenLedger:
    """An issue that is being sent, its rows, and one lease that may hold them."""

    publication: PublicationFolder
    number: int
    lease_id: int = 0
    guarantee: Guarantee = "ambiguous"
    # Addresses by subscriber id.
    names: dict[int, str] = field(default_factory=dict)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with self.publication.database.writing() as connection:
            yield connection

    @property
    def issue(self) -> Issue:
        with self.publication.database.reading() as connection:
            (found,) = issues.issues_by_ids(connection, [self.number])
        return found

    @property
    def rows(self) -> dict[str, Row[Any]]:
        """The rows of the issue, by address."""
        query = select(delivery).where(delivery.c.issue_id == self.number)
        with self.publication.database.reading() as connection:
            return {
                self.names[row.subscriber_id]: row for row in connection.execute(query).all()
            }

    def row_but_epoch(self, email: str) -> dict[str, Any]:
        return {**self.rows[email]._mapping, "epoch": None}

    def stands(self) -> IssueState:
        """Say where the issue stands now."""
        return self.issue.state

    @property
    def states(self) -> dict[str, str]:
        return {name: row.state for name, row in self.rows.items()}

    @property
    def counts(self) -> dict[str, int]:
        return counts(self.publication, self.issue)

    # --- verbs

    def enlist(self, guarantee: Guarantee = "ambiguous") -> int:
        """Create another lease like the first one."""
        with self.writing() as connection:
            return leases.create_lease(connection, "test", guarantee, "x.lock", LEASE_UNTIL)

    def dismiss(self, lease_id: int | None = None, now: datetime = LATER) -> None:
        """Revoke a lease, the first one by default."""
        with self.writing() as connection:
            known = {one.id: one for one in leases.list_leases(connection)}
            assert leases.revoke_lease(connection, known[lease_id or self.lease_id], now)

    def claim(
        self, most: int = 9, now: datetime = NOW, *, lease_id: int | None = None
    ) -> list[Claim]:
        with self.writing() as connection:
            return claim_rows.claim(
                connection, self.number, lease_id or self.lease_id, now, most
            )

    def mark(self, claims: Sequence[Claim], now: datetime = NOW) -> list[Claim]:
        with self.writing() as connection:
            return attempts.begin_attempts(connection, claims, now)[0]

    def begin(self, most: int = 9, now: datetime = NOW) -> list[Claim]:
        return self.mark(self.claim(most, now), now)

    def release(self, claims: Sequence[Claim]) -> int:
        with self.writing() as connection:
            return claim_rows.release_claims(connection, claims, NOW)

    def postpone(self, claims: Sequence[Claim], until: datetime = LATER) -> int:
        with self.writing() as connection:
            return claim_rows.postpone_claims(connection, dict.fromkeys(claims, until), NOW)

    def undo(self, claims: Sequence[Claim], now: datetime = NOW) -> int:
        with self.writing() as connection:
            return attempts.undo_attempts(connection, claims, now)

    def settle(
        self, claims: Sequence[Claim], state: DeliveryState, **change: Any
    ) -> set[MessageKey]:
        """Settle all alike, a little later."""
        with self.writing() as connection:
            changes = {claim: StateChange(state, **change) for claim in claims}
            return attempts.settle_attempts(connection, changes, LATER)

    def finish(self) -> Issue | None:
        with self.writing() as connection:
            return lifecycle.finish_issue(connection, self.issue, LATER)

    def pause(self) -> None:
        with self.writing() as connection:
            lifecycle.pause_issue(connection, self.issue, "by hand", LATER)

    def resume(self, now: datetime = LATER) -> None:
        with self.writing() as connection:
            lifecycle.resume_issue(connection, self.issue, now)

    def cancel(self) -> None:
        with self.writing() as connection:
            lifecycle.cancel_issue(connection, self.issue, "by hand", LATER)

    def age(self, email: str, **values: Any) -> None:
        """Change a row as it might be after long, past all verbs."""
        recipient = mailing.number_of(self.publication.database, email)
        here = (delivery.c.issue_id == self.number) & (delivery.c.subscriber_id == recipient)
        with self.writing() as connection:
            connection.execute(update(delivery).where(here).values(values))


# Why somebody does not want an issue any more, and the cause that is recorded.
WAYS_TO_LEAVE: dict[str, Cause] = {
    "left": HAS_UNSUBSCRIBED,
    "dead": HAS_UNSUBSCRIBED,
    "erased": HAS_UNSUBSCRIBED,
    "paused": HAS_PAUSED,
    "weekly": OTHER_CADENCE,
}


def leave(ledger: OpenLedger, email: str, way: str) -> None:
    """Let a subscriber not want the issue any more, in one of WAYS_TO_LEAVE."""
    database = ledger.publication.database
    if way == "erased":
        mailing.erase(database, email)
        return
    number = mailing.number_of(database, email)
    with database.writing() as connection:
        if way == "left":
            unsubscribe(connection, email, "weekly", NOW)
        elif way == "dead":
            suppress(connection, email, SubscriberStatus.BOUNCED, NOW)
        elif way == "paused":
            pause_subscriber(connection, number, NOW + timedelta(days=1), NOW)
        else:
            mailing.choose_cadence(connection, number, Cadence.WEEKLY)


def open_test_ledger(
    publication: PublicationFolder,
    *recipients: str,
    language: str = "en",
    guarantee: Guarantee = "ambiguous",
) -> OpenLedger:
    """Subscribe addresses and open the ledger of an issue for them."""
    mailing.subscribe(publication, *((email, language) for email in recipients))
    issue = mailing.ready(publication, language)
    with publication.database.writing() as connection:
        open_ledger(connection, publication.settings, issue, NOW)
        issues.move_issue(connection, issue, IssueState.SENDING)
        names = {row.id: row.email for row in connection.execute(select(subscriber))}
    ledger = OpenLedger(publication, issue.id, guarantee=guarantee, names=names)
    ledger.lease_id = ledger.enlist(guarantee)
    return ledger
