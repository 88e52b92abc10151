"""The clerk keeps the ledger while couriers send: it alone writes, and many rows at a time.

A turn is one transaction: what became of messages is written down, and what couriers want next
is marked as being attempted. Only when that is committed does anybody get it. So a kill loses
nothing, and leaves in doubt no more than was promised. Knows no message and no socket.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from random import Random
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import Connection

from publisher.clock import Clock, Timer
from publisher.delivery.circuit_breaker import EVERYTHING, CircuitBreaker
from publisher.delivery.fair_queue import Allocation, FairQueue
from publisher.delivery.job import Job
from publisher.delivery.ledger import attempts, counts, leases, marking
from publisher.delivery.ledger.claims import Claim, MessageKey
from publisher.delivery.outcomes import Outcome, SendStatus, ThrottleScope
from publisher.delivery.retry_policy import Attempt, StateChange, next_state
from publisher.delivery.states import DeliveryState
from publisher.delivery.transports.base import Transport
from publisher.delivery.work_queue import SendResult, WorkQueue
from publisher.errors import DeliveryError
from subscribers import SubscribersError, SubscriberStatus, suppress

if TYPE_CHECKING:
    from publisher.delivery.rates import RateLimiter

log = structlog.get_logger()

# What leaves the day's quota of a warm-up as it was.
NOT_GONE = frozenset({SendStatus.NOT_SENT, SendStatus.UNSUBSCRIBED, SendStatus.UNSENDABLE})


class LeaseLost(DeliveryError):  # noqa: N818  # what it says of us
    """Somebody else has taken what this process held: it was stopped for too long."""


@dataclass(slots=True)
class LedgerBatch:
    """What one turn has written, to be acted upon once it is committed."""

    deal: Allocation = field(default_factory=Allocation)
    moved: Counter[tuple[int, DeliveryState]] = field(default_factory=Counter)
    kept: list[MessageKey] = field(default_factory=list)
    believed: list[Claim] = field(default_factory=list)
    unbegun: int = 0


class LedgerWriter:
    """Writes one sender's part of the ledger; each method is for one thread, always the same."""

    def __init__(  # noqa: PLR0913  # the parts that a turn of delivering is made of
        self,
        *,
        sender: int,
        transport: Transport,
        jobs: Mapping[int, Job],
        desk: WorkQueue,
        rates: RateLimiter,
        clock: Clock,
        timer: Timer,
        begun: Collection[int] = (),
    ) -> None:
        """Begin; `begun` are the issues that somebody has got already."""
        self._sender = sender
        self._transport = transport
        self._jobs = jobs
        self._desk = desk
        self._rates = rates
        self._clock = clock
        self._timer = timer
        self.dealer = FairQueue(sender, jobs, rates, clock, timer)
        self._chance = Random()  # noqa: S311  # spreads tries, guards nothing
        self._results: list[SendResult] = []
        self._returned: list[Claim] = []
        self.suspicion = CircuitBreaker(begun)
        self.moved: Counter[tuple[int, DeliveryState]] = Counter()

    def gather(self) -> bool:
        """Take what lies on the desk; says whether there is anything to write."""
        results, returned = self._desk.collect()
        self._results += results
        self._returned += returned
        return self._has_news

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to be written, or to be promised now or soon."""
        return self.dealer.is_done and not self._has_news

    @property
    def _has_news(self) -> bool:
        return bool(self._results or self._returned)

    def write(self, connection: Connection) -> LedgerBatch:
        """Do a turn's writing; raises Fenced if the lease is lost, and nothing is written then."""
        self._renew(connection)
        now, page = self._clock.now(), LedgerBatch()
        self._settle(connection, now, page)
        page.unbegun = self._unmark(connection, now)
        page.deal = self.dealer.deal(connection, self._desk.demand(), now)
        return page

    def act(self, page: LedgerBatch) -> None:
        """Do what is right once a turn's writing is committed."""
        self._written(page)
        self.dealer.stands(page.deal, frees=self._frees(page))
        self._returned += self._desk.hand_out(page.deal.portions)

    def put_down(
        self, connection: Connection, *, has_ended: bool, all_went: bool
    ) -> LedgerBatch:
        """Write what came last, and give back everything that is ours.

        `has_ended` says that the turn came to its own end, and nothing cut it off; `all_went`,
        that no courier is at work any more.
        """
        now, page = self._clock.now(), LedgerBatch()
        all_were_tried = has_ended and self._has_tried_all(connection)
        self._settle(connection, now, page, all_were_tried=all_were_tried)
        self._unmark(connection, now)
        if all_went:
            # Claimed or marked, and cut off before anybody heard of it.
            marking.release_all_rows(connection, self._jobs, self._sender, now)
        self.dealer.put_down(connection, now)
        return page

    def gone(self, page: LedgerBatch) -> None:
        """Do what is right once the last writing is committed."""
        self._written(page)

    @property
    def accepted(self) -> int:
        """How many messages were taken."""
        return sum(n for (_, state), n in self.moved.items() if state is DeliveryState.SENT)

    def _has_tried_all(self, connection: Connection) -> bool:
        """Say whether nobody waits for a first try, and earlier turns fared no worse than this."""
        if self._returned or not self.dealer.holds_nobody_up:
            return False
        return not counts.nothing_accepted(connection, self._jobs, EVERYTHING)

    def _unmark(self, connection: Connection, now: datetime) -> int:
        """Take back the marks of what was not begun."""
        count = marking.undo_attempts(connection, self._returned, now)
        if count:
            self._rates.give_back(connection, count, self._timer.time())
        return count

    def _frees(self, page: LedgerBatch) -> bool:
        """Say whether a turn has put rows back that can be taken up at once."""
        return page.unbegun > 0 or any(
            state is DeliveryState.PENDING for _, state in page.moved
        )

    def _written(self, page: LedgerBatch) -> None:
        self._results, self._returned = [], []
        self.suspicion.forget(page.believed)
        self.moved.update(page.moved)
        if page.kept:
            self._transport.on_committed(self._sender, page.kept)

    def _renew(self, connection: Connection) -> None:
        until = self._timer.time() + leases.LEASE_SECONDS
        if not leases.renew_lease(connection, self._sender, until):
            raise LeaseLost("another process has taken over; this one was stopped for too long")

    def _settle(
        self,
        connection: Connection,
        now: datetime,
        page: LedgerBatch,
        *,
        all_were_tried: bool = False,
    ) -> None:
        """Write down what became of messages, as far as their rows are still ours."""
        self.suspicion.weigh(self._results)
        fates = {claim: self._fate(claim, outcome, now) for claim, outcome in self._results}
        moved = attempts.settle_attempts(connection, fates, now) if fates else set()
        for claim, outcome in self._results:
            if claim.key not in moved:
                log.warning(
                    "an outcome came too late", issue=claim.issue_id, reader=claim.reader.id
                )
                continue
            state = fates[claim].state
            page.moved[claim.issue_id, state] += 1
            if state is DeliveryState.SENT:
                page.kept.append(claim.key)
            if state is DeliveryState.BOUNCED and outcome.is_dead_address:
                self._bury(connection, claim, now)
            if outcome.throttle:
                domain = claim.domain if outcome.throttle is ThrottleScope.DOMAIN else None
                self._rates.slow_down(connection, domain, self._timer.time())
        not_gone = sum(outcome.status in NOT_GONE for _, outcome in self._results)
        if not_gone:
            self._rates.give_back(connection, not_gone, self._timer.time())
        self._believe(connection, now, page, all_were_tried=all_were_tried)

    def _fate(self, claim: Claim, outcome: Outcome, now: datetime) -> StateChange:
        job = self._jobs[claim.issue_id]
        attempt = Attempt(claim.attempts + 1, claim.tried_at or now, now)
        if self.suspicion.doubts(claim):
            outcome = replace(outcome, status=SendStatus.DEFERRED)
        return next_state(outcome, attempt, job.terms, self._transport.guarantee, self._chance)

    def _believe(
        self, connection: Connection, now: datetime, page: LedgerBatch, *, all_were_tried: bool
    ) -> None:
        believed = self.suspicion.believed(all_were_tried=all_were_tried)
        if not believed:
            return
        moved = attempts.confirm_bounces(connection, believed, now)
        page.believed += believed
        for claim, outcome in believed.items():
            if claim.key in moved:
                page.moved[claim.issue_id, DeliveryState.DEFERRED] -= 1
                page.moved[claim.issue_id, DeliveryState.BOUNCED] += 1
                if outcome.is_dead_address:
                    self._bury(connection, claim, now)

    def _bury(self, connection: Connection, claim: Claim, now: datetime) -> None:
        """Let nobody write to a mailbox again that does not exist."""
        with contextlib.suppress(SubscribersError):  # erased meanwhile: nobody will
            suppress(connection, claim.reader.address, SubscriberStatus.BOUNCED, now)
        log.info("address is dead", reader=claim.reader.id)
