"""The only writer of the ledger during a run: many rows at a time, in one transaction.

If a transaction fails, nothing has changed, and the next one writes the same results. So a kill loses nothing and
leaves in doubt only what workers held.

`CircuitBreaker` keeps recipients from being bounced by a server that rejects everybody, such as a relay that does not
accept our mail: until it has accepted one message in a run, rejections are deferred. They are confirmed as soon as
something is accepted, or when every recipient was tried. A second rejection counts at once if the issue has been
delivered to others.
"""

import contextlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from random import Random

from sqlalchemy import Connection

from publisher.clock import Clock, Timer
from publisher.delivery.job import Job
from publisher.delivery.ledger import attempts, leases, lifecycle
from publisher.delivery.ledger.claims import Claim
from publisher.delivery.lineage.witness import (
    JournalPage,
    LedgerPage,
    QuarantinedError,
    Witness,
    format_line,
    turn_page,
)
from publisher.delivery.queues import Allocation, FairQueue, SendResult, WorkQueue
from publisher.delivery.rates.limiter import RateLimiter
from publisher.delivery.retry_policy import Attempt, StateChange, next_state
from publisher.delivery.states import DeliveryState
from publisher.delivery.transports.base import (
    MessageKey,
    Outcome,
    SendStatus,
    Transport,
    Unreachable,
)
from publisher.errors import DeliveryError
from publisher.log import log
from subscribers.changes import suppress
from subscribers.errors import SubscribersError
from subscribers.model import SubscriberStatus

TRIP_AFTER = 10  # so many rejections and not one acceptance are no coincidence
_TRIP_AFTER_BLAMING_US = 3  # so many are enough when the replies are about us


class CircuitBreaker:
    """What one run has learned about its server. Recording an outcome twice changes nothing."""

    def __init__(self, issues_with_sent: Collection[int] = ()) -> None:
        """Start closed. `issues_with_sent` are the issues that some recipients have got."""
        self._issues_with_sent = issues_with_sent
        self._has_accepted = False
        self._rejected: dict[Claim, Outcome] = {}

    def record(self, results: Iterable[tuple[Claim, Outcome]]) -> None:
        for claim, outcome in results:
            if outcome.status is SendStatus.ACCEPTED:
                self._has_accepted = True
            elif outcome.status is SendStatus.REFUSED:
                is_second = claim.attempts > 0 and claim.issue_id in self._issues_with_sent
                if not (self._has_accepted or is_second):
                    self._rejected[claim] = outcome

    def is_unconfirmed(self, claim: Claim) -> bool:
        """Return whether this recipient's rejection must not count as a bounce yet."""
        return claim in self._rejected and not self._has_accepted

    def confirmed(self, *, all_were_tried: bool = False) -> dict[Claim, Outcome]:
        return dict(self._rejected) if self._has_accepted or all_were_tried else {}

    def forget(self, claims: Iterable[Claim]) -> None:
        for claim in claims:
            self._rejected.pop(claim, None)

    @property
    def sender_rejection_reason(self) -> str | None:
        """The last reply that was about us, if nothing was accepted."""
        about_us = self._about_us()
        return about_us[-1].reason if about_us and not self._has_accepted else None

    @property
    def trip_reason(self) -> str | None:
        """The last reply, if the server has to be taken for one that rejects everything."""
        has_many = (
            len(self._rejected) >= TRIP_AFTER or len(self._about_us()) >= _TRIP_AFTER_BLAMING_US
        )
        if self._has_accepted or not has_many:
            return None
        return [*self._rejected.values()][-1].reason

    def _about_us(self) -> list[Outcome]:
        return [one for one in self._rejected.values() if one.is_about_sender]


# These do not count against a day's warm-up quota.
_NOT_COUNTED = frozenset({SendStatus.NOT_SENT, SendStatus.UNSUBSCRIBED, SendStatus.UNSENDABLE})


class LeaseLost(DeliveryError):  # noqa: N818  # a state, like ConnectionResetError
    """Another process has revoked our lease: this one was stopped for too long."""

    stops_all = True


@dataclass(slots=True)
class LedgerBatch:
    """What one transaction has written. It takes effect in `after_commit`."""

    now: datetime
    page: LedgerPage | None = None
    record: JournalPage | None = None  # the page as it is recorded outside the database
    allocation: Allocation | None = None
    moved: Counter[tuple[int, DeliveryState]] = field(default_factory=Counter)
    sent: list[MessageKey] = field(default_factory=list)
    confirmed: list[Claim] = field(default_factory=list)
    unsent: int = 0
    states: dict[MessageKey, DeliveryState] = field(default_factory=dict)

    @property
    def frees_rows(self) -> bool:
        """Whether it made rows claimable at once."""
        return self.unsent > 0 or any(state is DeliveryState.PENDING for _, state in self.moved)


@dataclass(slots=True, kw_only=True)
class LedgerWriter:
    """Writes the rows of one lease. For one thread."""

    lease_id: int
    transport: Transport
    jobs: Mapping[int, Job]
    queue: WorkQueue
    limiter: RateLimiter
    witness: Witness
    # Whether the database is older than what was sent (`lineage.quarantine`).
    is_old: Callable[[Connection], bool]
    clock: Clock
    timer: Timer
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)
    # Rows moved in this run, by issue and new state.
    moved: Counter[tuple[int, DeliveryState]] = field(init=False, default_factory=Counter)
    fair_queue: FairQueue = field(init=False)
    _page: int = field(init=False, default=0)  # the last page that this run has written
    # Spreads retries, guards nothing.
    _random: Random = field(init=False, default_factory=Random)
    _results: list[SendResult] = field(init=False, default_factory=list)
    _returned: list[Claim] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        parts = (self.lease_id, [*self.jobs], self.limiter, self.clock, self.timer)
        self.fair_queue = FairQueue(*parts)

    # --- between transactions

    def drain(self) -> bool:
        """Take results from the work queue. Returns whether there is anything to write."""
        results, returned = self.queue.drain()
        self._results += results
        self._returned += returned
        return self._has_news

    @property
    def needs_rows(self) -> bool:
        return self.fair_queue.may_have_rows and bool(self.queue.demand())

    @property
    def is_done(self) -> bool:
        return self.fair_queue.is_done and not self._has_news

    @property
    def accepted(self) -> int:
        return sum(n for (_, state), n in self.moved.items() if state is DeliveryState.SENT)

    def raise_if_rejected(self, *, at_end: bool = False) -> None:
        if reason := self.breaker.trip_reason:
            raise Unreachable(f"the server refuses everything: {reason}", is_final=True)
        if at_end and (reason := self.breaker.sender_rejection_reason):
            raise Unreachable(f"the server takes nothing from us: {reason}", is_final=True)

    @property
    def _has_news(self) -> bool:
        return bool(self._results or self._returned)

    # --- in a transaction

    def write(self, connection: Connection) -> LedgerBatch:
        """Write results and reserve rows. Raises LeaseLost or QuarantinedError; undo the transaction then."""
        until = self.timer.time() + leases.LEASE_SECONDS
        page = self._turn_page(connection)
        if page is None:
            raise QuarantinedError("the database may not know what was sent; it is quarantined")
        batch = LedgerBatch(self.clock.now(), page)
        self._write_results(connection, batch)
        self._confirm_bounces(connection, batch)
        batch.unsent = self._undo_attempts(connection, batch)
        batch.allocation = self.fair_queue.allocate(connection, self.queue.demand(), batch.now)
        for rows in batch.allocation.rows.values():
            batch.states.update((one.key, DeliveryState.ATTEMPTING) for one in rows)
        if not self._store_page(connection, batch, until):
            raise LeaseLost("another process has taken over; this one was stopped for too long")
        return batch

    def write_last(
        self, connection: Connection, *, ran_to_end: bool, all_stopped: bool
    ) -> LedgerBatch:
        """Write the last results and return all rows, unless a worker is still sending. `ran_to_end`: nothing cut the run short."""
        # Results count whatever has become of the database; nothing is handed out any more.
        batch = LedgerBatch(self.clock.now(), self._turn_page(connection))
        all_were_tried = ran_to_end and self._has_tried_all(connection)
        self._write_results(connection, batch)
        self._confirm_bounces(connection, batch, all_were_tried=all_were_tried)
        self._undo_attempts(connection, batch)
        if all_stopped:
            # Rows whose commit succeeded without this process learning of it.
            attempts.release_all_rows(connection, self.jobs, self.lease_id, batch.now)
        self.fair_queue.release(connection, batch.now)
        self._store_page(connection, batch)
        return batch

    def _turn_page(self, connection: Connection) -> LedgerPage | None:
        return None if self.is_old(connection) else turn_page(connection, self._page)

    def _has_tried_all(self, connection: Connection) -> bool:
        """Return whether no row waits for a first try, and some issue has been delivered."""
        if self._returned or not self.fair_queue.is_empty:
            return False
        return not lifecycle.nothing_accepted(connection, self.jobs, TRIP_AFTER)

    def _undo_attempts(self, connection: Connection, batch: LedgerBatch) -> int:
        count = attempts.undo_attempts(connection, self._returned, batch.now)
        if count == len(self._returned):  # else some have another owner, who may have sent them
            batch.states.update((one.key, one.was) for one in self._returned)
        if count:
            self.limiter.refund_quota(connection, count, self.timer.time())
        return count

    def _write_results(self, connection: Connection, batch: LedgerBatch) -> None:
        now = batch.now
        self.breaker.record(self._results)
        changes = {claim: self._change(claim, outcome, now) for claim, outcome in self._results}
        moved = attempts.settle_attempts(connection, changes, now) if changes else set()
        for claim, outcome in self._results:
            if claim.key not in moved:
                log.warning(
                    "a result came too late",
                    issue=claim.issue_id,
                    subscriber=claim.recipient.id,
                )
                continue
            state = changes[claim].state
            batch.moved[claim.issue_id, state] += 1
            batch.states[claim.key] = state
            if state is DeliveryState.SENT:
                batch.sent.append(claim.key)
            if state is DeliveryState.BOUNCED and outcome.is_dead_address:
                self._suppress_dead_address(connection, claim, now)
            if outcome.throttle:
                self.limiter.complain(connection, claim.domain, self.timer.time(), outcome)
        # What came too late, or twice because a commit's answer was lost, has been refunded.
        not_counted = sum(
            claim.key in moved and outcome.status in _NOT_COUNTED
            for claim, outcome in self._results
        )
        if not_counted:
            self.limiter.refund_quota(connection, not_counted, self.timer.time())

    def _change(self, claim: Claim, outcome: Outcome, now: datetime) -> StateChange:
        policy = self.jobs[claim.issue_id].retry_policy
        attempt = Attempt(claim.attempts + 1, claim.tried_at or now, now)
        if self.breaker.is_unconfirmed(claim):
            outcome = replace(outcome, status=SendStatus.DEFERRED)
        return next_state(outcome, attempt, policy, self.transport.guarantee, self._random)

    def _confirm_bounces(
        self, connection: Connection, batch: LedgerBatch, *, all_were_tried: bool = False
    ) -> None:
        confirmed = self.breaker.confirmed(all_were_tried=all_were_tried)
        if not confirmed:
            return
        moved = attempts.confirm_bounces(connection, confirmed, batch.now)
        batch.confirmed += confirmed
        for claim, outcome in confirmed.items():
            if claim.key in moved:
                batch.moved[claim.issue_id, DeliveryState.DEFERRED] -= 1
                batch.moved[claim.issue_id, DeliveryState.BOUNCED] += 1
                batch.states[claim.key] = DeliveryState.BOUNCED
                if outcome.is_dead_address:
                    self._suppress_dead_address(connection, claim, batch.now)

    def _suppress_dead_address(
        self, connection: Connection, claim: Claim, now: datetime
    ) -> None:
        with contextlib.suppress(SubscribersError):  # erased meanwhile
            suppress(connection, claim.recipient.address, SubscriberStatus.BOUNCED, now)
        log.info(
            "address suppressed: the mailbox does not exist", subscriber=claim.recipient.id
        )

    def _store_page(
        self, connection: Connection, batch: LedgerBatch, until: float | None = None
    ) -> bool:
        """Store what is recorded after the commit, for who takes over, and extend the lease to `until`. False: it was revoked."""
        if batch.page is None:
            return True
        moves: defaultdict[str, defaultdict[str, list[int]]]
        moves = defaultdict(lambda: defaultdict(list))
        for (issue_id, subscriber_id), state in batch.states.items():
            moves[self.jobs[issue_id].issue.name][state].append(subscriber_id)
        number = batch.page.number
        batch.record = JournalPage(batch.page.incarnation, number, number, self.lease_id, moves)
        line = format_line(batch.record).decode() if self.witness.has_journal else None
        return leases.renew_lease(connection, self.lease_id, until, line)

    # --- after the commit

    def after_commit(self, batch: LedgerBatch) -> None:
        """Apply a committed batch. After a StorageError of the journal, nothing is handed out, and it can be called again."""
        if batch.record:
            self._page = batch.record.number
            self.witness.record(batch.record, batch.now)
        self._results, self._returned = [], []
        self.breaker.forget(batch.confirmed)
        self.moved.update(batch.moved)
        if batch.sent:
            self.transport.on_committed(self.lease_id, batch.sent)
        if batch.allocation is not None:
            self.fair_queue.commit(batch.allocation, rows_returned=batch.frees_rows)
            self._returned += self.queue.put(batch.allocation.rows)
