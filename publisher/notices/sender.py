"""Send the notices that are due: a few at a time, over one connection, before any issue.

They obey the limits of rates. They count into a day's warm-up quota, and do not wait for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import ceil
from random import Random
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy import Connection

from publisher.clock import Clock, Timer, running_from, uptime
from publisher.config import InDoubtPolicy, Settings
from publisher.database import Database
from publisher.database.writer import store_patiently
from publisher.delivery import causes
from publisher.delivery.lease_holder import hold_lease, revoke_dead_leases
from publisher.delivery.ledger import leases
from publisher.delivery.lineage.quarantine import why_old
from publisher.delivery.lineage.state import QuarantinedError
from publisher.delivery.progress import Progress
from publisher.delivery.rates.limiter import RateLimiter
from publisher.delivery.retry_policy import (
    Attempt,
    RetryPolicy,
    StateChange,
    next_state,
    retry_delay,
)
from publisher.delivery.states import DeliveryState
from publisher.delivery.transports.base import (
    TEST_LEASE,
    Outcome,
    OutgoingMessage,
    SendStatus,
    Transport,
    TransportConnection,
    Unreachable,
)
from publisher.delivery.worker_pool import LeaseFence
from publisher.errors import DeliveryError, PublisherError
from publisher.fault_isolation import explain_fault, stops_all
from publisher.mail.dkim import DkimSigner
from publisher.mail.signed_addresses import BounceAddresses
from publisher.notices import ledger
from publisher.notices.ledger import QueuedNotice
from publisher.rendering import Renderer
from subscribers import SubscribersError, SubscriberStatus
from subscribers import suppress as suppress_address

if TYPE_CHECKING:
    from publisher.notices.composer import NoticeComposer

log = structlog.get_logger()

# A link in a notice is of no use for longer.
GIVE_UP_AFTER: Final = timedelta(hours=24)
# How long it is on record what became of a notice.
KEEP_FOR: Final = timedelta(days=90)
# Rows that are reserved at once: after a kill they are sent a second time.
_RESERVED: Final = 4
# Due rows that are looked at for some that rates allow.
_LOOKED_AT: Final = 100
# The folder of notices in an outbox, where issues have their newsletter's name.
_FOLDER: Final = "notices"
_POLICY: Final = RetryPolicy(InDoubtPolicy.RESEND, GIVE_UP_AFTER)
_NOT_COUNTED: Final = frozenset({SendStatus.NOT_SENT, SendStatus.UNSENDABLE})


@dataclass(slots=True)
class NoticeReport:
    """What became of the notices that were due."""

    sent: int = 0
    problems: list[str] = field(default_factory=list)


def send_notices(  # noqa: PLR0913  # the parts of the program that notices use
    settings: Settings,
    database: Database,
    transport: Transport,
    secret: str,
    clock: Clock,
    renderer: Renderer,
    *,
    signers: Sequence[DkimSigner] = (),
    timer: Timer | None = None,
    progress: Progress | None = None,
) -> NoticeReport:
    """Send what is due, until rates allow no more. What goes wrong is in the report.

    Several processes may do so at once. What `progress` raises ends it, with nothing reserved.
    """
    with database.reading() as connection:
        if not ledger.has_work(connection, clock.now()):
            return NoticeReport()
    # Loads the templates, which takes half a second.
    from publisher.notices.composer import NoticeComposer

    composer = NoticeComposer(settings, renderer.system_mail, secret, signers)
    clock = running_from(clock)
    sender = NoticeSender(
        settings,
        database,
        transport,
        composer,
        clock,
        timer or database.timer,
        progress,
    )
    sender.send_due()
    return sender.report


@dataclass(slots=True)
class NoticeSender:
    """Sends what is due. For one thread; other processes may do the same at once."""

    settings: Settings
    database: Database
    transport: Transport
    composer: NoticeComposer
    clock: Clock
    timer: Timer
    progress: Progress | None = None
    _random: Random = field(default_factory=Random)
    report: NoticeReport = field(default_factory=NoticeReport)

    def send_due(self) -> None:
        """Send until nothing is due that rates allow. What goes wrong is in the report."""
        now = self.clock.now()
        revoke_dead_leases(self.settings, self.database, self.timer, now)
        with self.database.writing() as connection:
            again, doubtful = ledger.recover_notices(connection, now)
            ledger.cancel_unwanted(connection, now)
            ledger.delete_finished(connection, now - KEEP_FOR)
            due = ledger.count_due_notices(connection, now)
        if again or doubtful:
            log.info("notices of a process that ended", sent_again=again, in_doubt=doubtful)
        if due:
            try:
                self._send(due)
            except PublisherError as error:
                self._note_unreachable(error)

    def _send(self, due: int) -> None:
        from publisher.delivery.rates.limiter import RateLimiter

        limiter = RateLimiter(self.settings.delivery, self.transport.name)
        fence = LeaseFence()
        # Outside the ledger of issues: a transport finishes each message at once.
        transport = self.transport.connect(TEST_LEASE, lambda: fence.is_open)
        try:
            with hold_lease(self.settings, self.database, self.transport, self.timer) as lease:
                try:
                    while rows := self._reserve(lease.id, limiter, fence):
                        if not self._send_rows(transport, rows, limiter):
                            break
                        # Nothing is reserved now: whoever is stopped ends here.
                        if self.progress:
                            self.progress("sending notices", self.report.sent, due)
                finally:
                    with self.database.writing() as connection:
                        leases.release_lease(connection, lease.id)
                    lease.is_released = True
        finally:
            transport.close()

    def _reserve(
        self, lease_id: int, limiter: RateLimiter, fence: LeaseFence
    ) -> list[QueuedNotice]:
        """Make the next rows that rates allow `attempting`. Raise QuarantinedError if none may be sent."""
        started = uptime()
        with self.database.writing() as connection:
            if problem := why_old(self.settings, self.database, connection):
                raise QuarantinedError(problem)
            until = self.timer.time() + leases.LEASE_SECONDS
            if not leases.renew_lease(connection, lease_id, until):
                return []
            now = self.clock.now()
            due = ledger.due_notices(connection, now, _LOOKED_AT)
            wanted = self._admitted(connection, due, limiter, now)
            ledger.reserve_notices(connection, wanted, lease_id, now)
        fence.extend(started)
        return wanted

    def _admitted(
        self,
        connection: Connection,
        due: list[QueuedNotice],
        limiter: RateLimiter,
        now: datetime,
    ) -> list[QueuedNotice]:
        """Return the first rows that rates allow; those that their domains stop wait."""
        wanted: list[QueuedNotice] = []
        for row in due:
            grant = limiter.grant(
                connection, [row.domain], self.timer.time(), obeys_quota=False
            )
            if grant.held:
                break
            if grant.postponed:
                wait = timedelta(seconds=ceil(grant.postponed[0]))
                ledger.postpone_notice(connection, row, now + wait)
            else:
                wanted.append(row)
            if len(wanted) == _RESERVED:
                break
        return wanted

    def _send_rows(
        self, transport: TransportConnection, rows: list[QueuedNotice], limiter: RateLimiter
    ) -> bool:
        """Send reserved rows. Returns whether the connection takes more."""
        for number, row in enumerate(rows):
            try:
                outcome = (
                    self._outcome(transport, row)
                    if transport.is_open
                    else Outcome(SendStatus.NOT_SENT, cause=causes.CONNECTION_CLOSED)
                )
            except Unreachable:
                self._return(rows[number:], limiter)
                raise
            self._settle(row, outcome, limiter)
        return transport.is_open

    def _outcome(self, transport: TransportConnection, row: QueuedNotice) -> Outcome:
        try:
            outgoing = self._outgoing(row)
        except PublisherError as error:
            log.error("a notice can't be written", notice=row.id, reason=str(error))
            if isinstance(error, DeliveryError):
                return Outcome(SendStatus.UNSENDABLE, str(error), causes.UNSENDABLE)
            self.report.problems.append(str(error))
            return Outcome(SendStatus.DEFERRED, str(error), causes.MAIL_REJECTED)
        except Exception as error:
            if stops_all(error):
                raise
            log.exception("a notice can't be written for a fault of the program", notice=row.id)
            self.report.problems.append(f"notice {row.id}: {explain_fault(error)}")
            return Outcome(SendStatus.DEFERRED, cause=causes.PROGRAM_FAILED)
        try:
            outcome = transport.send(outgoing)
        except Unreachable:
            raise
        except Exception:
            log.exception("a notice failed by a fault of the program", notice=row.id)
            return Outcome(SendStatus.UNKNOWN, cause=causes.PROGRAM_FAILED)
        if outcome.status is SendStatus.ACCEPTED:
            self.transport.on_committed(TEST_LEASE, [outgoing.key])
        if outcome.status is SendStatus.REFUSED and outcome.is_about_sender:
            return replace(outcome, status=SendStatus.DEFERRED)
        return outcome

    def _outgoing(self, row: QueuedNotice) -> OutgoingMessage:
        with self.database.reading() as connection:
            message = self.composer.compose(connection, row)
        return OutgoingMessage(
            issue_id=0,
            newsletter=_FOLDER,
            language=row.language,
            day=row.due_at.date(),
            envelope_from=self._envelope_from(row),
            recipient=row.recipient.address,
            message=message,
        )

    def _envelope_from(self, row: QueuedNotice) -> str:
        """Return where bounces return to. Those of another address say nothing of the subscriber."""
        sender = self.transport.envelope_from(self.settings.publication.sender)
        separator = self.transport.verp_separator if row.has_own_address else ""
        return BounceAddresses(self.composer.secret, sender, separator).address_for(
            row.recipient.id
        )

    def _settle(self, row: QueuedNotice, outcome: Outcome, limiter: RateLimiter) -> None:
        now = self.clock.now()
        row, change = self._change(row, outcome, now)

        def store(connection: Connection) -> bool:
            if not ledger.settle_notice(connection, row, change, now):
                log.warning("the result of a notice came too late", notice=row.id)
                return False
            if outcome.throttle:
                limiter.complain(connection, row.domain, self.timer.time(), outcome)
            if outcome.status in _NOT_COUNTED:
                limiter.refund_quota(connection, 1, self.timer.time())
            if change.state is DeliveryState.BOUNCED and outcome.is_dead_address:
                self._suppress(connection, row, now)
            return change.state is DeliveryState.SENT

        self.report.sent += store_patiently(self.database, store)

    def _change(
        self, row: QueuedNotice, outcome: Outcome, now: datetime
    ) -> tuple[QueuedNotice, StateChange]:
        """Return the row and its next state. A message without an answer is sent again once."""
        # A template may be mended at any time: the wait does not grow.
        number = 1 if outcome.cause is causes.MAIL_REJECTED else row.attempts + 1
        attempt = Attempt(number, row.tried_at or now, now)
        change = next_state(outcome, attempt, _POLICY, self.transport.guarantee, self._random)
        if outcome.status is not SendStatus.UNKNOWN:
            return row, change
        if row.was_resent:
            return row, replace(change, state=DeliveryState.IN_DOUBT)
        next_at = now + retry_delay(attempt.number, self._random)
        again = replace(change, state=DeliveryState.DEFERRED, next_at=next_at)
        return replace(row, was_resent=True), again

    def _suppress(self, connection: Connection, row: QueuedNotice, now: datetime) -> None:
        """Suppress an address that the server reported as nonexistent."""
        if row.has_own_address:
            with suppress(SubscribersError):  # erased meanwhile
                suppress_address(
                    connection, row.recipient.address, SubscriberStatus.BOUNCED, now
                )
            log.info(
                "address suppressed: the mailbox does not exist", subscriber=row.recipient.id
            )

    def _return(self, rows: list[QueuedNotice], limiter: RateLimiter) -> None:
        now = self.clock.now()

        def store(connection: Connection) -> bool:
            returned = sum(ledger.return_notice(connection, row, now) for row in rows)
            limiter.refund_quota(connection, returned, self.timer.time())
            return bool(returned)

        store_patiently(self.database, store)

    def _note_unreachable(self, error: PublisherError) -> None:
        """Give up what has waited too long for a server that can't be reached."""
        log.error("notices can't be sent", reason=str(error))
        self.report.problems.append(str(error))
        if isinstance(error, DeliveryError) and not isinstance(error, QuarantinedError):
            now = self.clock.now()
            with self.database.writing() as connection:
                ledger.give_up_notices(
                    connection, now - GIVE_UP_AFTER, causes.UNREACHABLE, str(error), now
                )
