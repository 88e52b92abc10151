"""Send mails to one person that are due: a few at a time, over one connection, before any issue.

They obey the limits of rates. They count into a day's warm-up quota, and do not wait for it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from math import ceil
from typing import TYPE_CHECKING, Any, ClassVar, Final

from sqlalchemy import Connection

from publisher.clock import Clock, Timer, running_from, shared_clock, uptime
from publisher.config import Settings
from publisher.database import Database, retry_queue
from publisher.database.retry_queue import QueueItem, QueuePolicy, Settlement
from publisher.database.writer import store_patiently
from publisher.delivery import causes
from publisher.delivery.causes import UNREACHABLE
from publisher.delivery.dispatcher import Progress
from publisher.delivery.lineage.quarantine import why_old
from publisher.delivery.lineage.witness import QuarantinedError
from publisher.delivery.rates.limiter import RateLimiter
from publisher.delivery.retry_policy import FINAL_STATES, IMMEDIATE_RETRIES
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
from publisher.log import log
from publisher.mail import Message
from publisher.mail.dkim import DkimSigner
from publisher.mail.signed_addresses import BounceAddresses
from publisher.notices import ledger
from publisher.notices.ledger import NOTICE_POLICY, QueuedNotice
from publisher.rendering import Renderer
from subscribers.changes import suppress as suppress_address
from subscribers.errors import SubscribersError
from subscribers.model import SubscriberStatus

if TYPE_CHECKING:
    from publisher.notices.composer import NoticeComposer

_RESERVED: Final = 4  # rows that are reserved at once: after a kill they are sent a second time
# Due rows that are looked at for some that rates allow.
_LOOKED_AT: Final = 100
_NOT_COUNTED: Final = frozenset({SendStatus.NOT_SENT, SendStatus.UNSENDABLE})


def settlement_of(
    policy: QueuePolicy, item: QueueItem, outcome: Outcome, now: datetime
) -> Settlement:
    """Return what becomes of a reserved mail. One without an answer is sent again once. Pure."""
    cause = outcome.cause or (causes.UNKNOWN_CAUSE if outcome.words else None)
    why: dict[str, Any] = {
        "reason_key": cause.key if cause else None,
        "reason": outcome.words or None,
    }
    status = outcome.status
    if status is SendStatus.REFUSED and outcome.is_about_sender:
        status = SendStatus.DEFERRED
    if status in FINAL_STATES:
        return Settlement(FINAL_STATES[status], **why)
    is_doubtful = status is SendStatus.UNKNOWN
    if is_doubtful and item.doubts:
        return Settlement(DeliveryState.IN_DOUBT, **why)
    if status is SendStatus.NOT_SENT and item.attempts <= IMMEDIATE_RETRIES:
        return Settlement(DeliveryState.PENDING, now, **why)
    # A template may be mended at any time: the wait does not grow.
    counted = replace(item, attempts=1) if cause is causes.MAIL_REJECTED else item
    next_at = retry_queue.next_attempt(policy, counted, now)
    if is_doubtful:
        next_at = next_at or now + policy.delays[-1]
    if next_at is None:
        return Settlement(DeliveryState.FAILED, **why)
    return Settlement(DeliveryState.DEFERRED, next_at, **why, may_have_arrived=is_doubtful)


@dataclass(frozen=True, slots=True)
class PersonalMail:
    """A mail of the queue, its envelope, and what composes it."""

    item: QueueItem
    address: str
    language: str
    envelope_from: str
    compose: Callable[[], Message]


@dataclass(frozen=True)
class PersonalMails(ABC):
    """The mails of a room: what they are, and what follows from their end."""

    settings: Settings
    transport: Transport
    # The name of such a mail in the log and in problems; their folder in an outbox, where issues have their
    # newsletter's name; how they are tried again.
    what: ClassVar[str]
    folder: ClassVar[str]
    policy: ClassVar[QueuePolicy]

    @abstractmethod
    def cancel_unwanted(self, connection: Connection, now: datetime) -> None:
        """End what waits and is not to be sent any more."""

    @abstractmethod
    def load(self, connection: Connection, items: Sequence[QueueItem]) -> list[PersonalMail]:
        """Return what rows are about."""

    @abstractmethod
    def note_end(
        self, connection: Connection, mail: PersonalMail, outcome: Outcome, now: datetime
    ) -> str | None:
        """Do what follows from the end of a mail, in its transaction. Return a problem to report."""

    def remainder(self, item: QueueItem) -> dict[str, Any]:  # noqa: ARG002  # nothing of most
        """Return what stays of a payload once nothing is left to be done."""
        return {}

    @property
    def sender(self) -> str:
        return self.transport.envelope_from(self.settings.publication.sender)


@dataclass(slots=True)
class NoticeReport:
    """What became of the mails that were due."""

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
    """Send the notices that are due, until rates allow no more. What goes wrong is in the report.

    Several processes may do so at once. What `progress` raises ends it, with nothing reserved.
    """
    with database.reading() as connection:
        if not retry_queue.has_work(connection, NOTICE_POLICY, clock.now()):
            return NoticeReport()
    # Loads the templates, which takes half a second.
    from publisher.notices.composer import NoticeComposer

    composer = NoticeComposer(settings, renderer.system_mail, secret, signers)
    mails = Notices(settings, transport, composer, database)
    sender = PersonalMailSender(settings, database, transport, mails, clock, timer, progress)
    return sender.send_due()


@dataclass(frozen=True)
class Notices(PersonalMails):
    """Mails about a subscription."""

    composer: NoticeComposer
    database: Database
    what = "notice"
    folder = "notices"
    policy = NOTICE_POLICY

    def cancel_unwanted(self, connection: Connection, now: datetime) -> None:
        ledger.cancel_unwanted(connection, now)

    def load(self, connection: Connection, items: Sequence[QueueItem]) -> list[PersonalMail]:
        notices = ledger.queued_notices(connection, items)
        return [self._mail(item, row) for item, row in zip(items, notices, strict=True)]

    def _mail(self, item: QueueItem, row: QueuedNotice) -> PersonalMail:
        # Bounces of another address say nothing of the subscriber.
        separator = self.transport.verp_separator if row.has_own_address else ""
        bounces = BounceAddresses(self.composer.secret, self.sender, separator)
        envelope_from, address = bounces.address_for(row.recipient.id), row.recipient.address
        return PersonalMail(
            item, address, row.language, envelope_from, partial(self._compose, row)
        )

    def _compose(self, row: QueuedNotice) -> Message:
        with self.database.reading() as connection:
            return self.composer.compose(connection, row)

    def remainder(self, item: QueueItem) -> dict[str, Any]:
        """Return the values without the secret code, which no further attempt needs."""
        return {name: value for name, value in item.payload.items() if name != "code"}

    def note_end(
        self, connection: Connection, mail: PersonalMail, outcome: Outcome, now: datetime
    ) -> None:
        """Suppress an address that the server reported as nonexistent, if it is the subscriber's own."""
        if not outcome.is_dead_address or mail.item.to_address is not None:
            return
        with suppress(SubscribersError):  # erased meanwhile
            suppress_address(connection, mail.address, SubscriberStatus.BOUNCED, now)
        log.info("address suppressed: no such mailbox", subscriber=mail.item.subscriber_id)


@dataclass(slots=True)
class PersonalMailSender:
    """Sends the mails of a room that are due. For one thread; other processes may do the same at once."""

    settings: Settings
    database: Database
    transport: Transport
    mails: PersonalMails
    clock: Clock
    timer: Timer | None = None
    progress: Progress | None = None
    report: NoticeReport = field(default_factory=NoticeReport)
    _limiter: RateLimiter = field(init=False)
    _fence: LeaseFence = field(default_factory=LeaseFence)

    def __post_init__(self) -> None:
        # Other machines read when a lease ends: not each by its own clock.
        self.clock = running_from(shared_clock(self.clock, self.database.timer))
        self._limiter = RateLimiter(self.settings.delivery, self.transport.name)

    @property
    def _now(self) -> datetime:
        return self.clock.now()

    @property
    def _second(self) -> float:
        return (self.timer or self.database.timer).time()

    def send_due(self) -> NoticeReport:
        now, policy = self._now, self.mails.policy
        with self.database.writing() as connection:
            again, doubtful = retry_queue.recover(connection, policy, now)
            self.mails.cancel_unwanted(connection, now)
            retry_queue.forget(connection, policy, now)
            due = retry_queue.count_due_items(connection, policy, now)
        if again or doubtful:
            log.info("mails of a process that ended", sent_again=again, in_doubt=doubtful)
        if due:
            try:
                self._send(due)
            except PublisherError as error:
                self._note_unreachable(error)
        return self.report

    def _send(self, due: int) -> None:
        # Outside the ledger of issues: a transport finishes each message at once.
        transport = self.transport.connect(TEST_LEASE, lambda: self._fence.is_open)
        try:
            while (mails := self._reserve()) and self._send_mails(transport, mails):
                # Nothing is reserved now: whoever is stopped ends here.
                if self.progress:
                    self.progress("sending notices", self.report.sent, due)
        finally:
            transport.close()

    def _reserve(self) -> list[PersonalMail]:
        started = uptime()
        with self.database.writing() as connection:
            if problem := why_old(self.settings, self.database, connection):
                raise QuarantinedError(problem)
            now, policy = self._now, self.mails.policy
            due = retry_queue.due_items(connection, policy, now, _LOOKED_AT)
            mails = self._admitted(connection, self.mails.load(connection, due), now)
            items = retry_queue.reserve(connection, policy, [mail.item for mail in mails], now)
        self._fence.extend(started)
        return [replace(mail, item=item) for mail, item in zip(mails, items, strict=True)]

    def _admitted(
        self, connection: Connection, due: Sequence[PersonalMail], now: datetime
    ) -> list[PersonalMail]:
        admitted: list[PersonalMail] = []
        for mail in due:
            grant = self._limiter.grant(
                connection, [_domain(mail)], self._second, obeys_quota=False
            )
            if grant.held:
                break
            if grant.postponed:
                wait = timedelta(seconds=ceil(grant.postponed[0]))
                retry_queue.postpone(connection, mail.item, now + wait)
            else:
                admitted.append(mail)
            if len(admitted) == _RESERVED:
                break
        return admitted

    def _send_mails(self, transport: TransportConnection, mails: list[PersonalMail]) -> bool:
        for number, mail in enumerate(mails):
            try:
                outcome = (
                    self._outcome(transport, mail)
                    if transport.is_open
                    else Outcome(SendStatus.NOT_SENT, cause=causes.CONNECTION_CLOSED)
                )
            except Unreachable:
                self._release(mails[number:])
                raise
            self._settle(mail, outcome)
        return transport.is_open

    def _outcome(self, transport: TransportConnection, mail: PersonalMail) -> Outcome:
        outgoing = self._outgoing(mail)
        if isinstance(outgoing, Outcome):
            return outgoing
        try:
            outcome = transport.send(outgoing)
        except Unreachable:
            raise
        except Exception:
            log.exception("a mail failed by a fault of the program", number=mail.item.id)
            return Outcome(SendStatus.UNKNOWN, cause=causes.PROGRAM_FAILED)
        if outcome.status is SendStatus.ACCEPTED:
            self.transport.on_committed(TEST_LEASE, [outgoing.key])
        return outcome

    def _outgoing(self, mail: PersonalMail) -> OutgoingMessage | Outcome:
        what, number = self.mails.what, mail.item.id
        try:
            message = mail.compose()
        except PublisherError as error:
            log.error("a mail can't be written", what=what, number=number, reason=str(error))
            if isinstance(error, DeliveryError):
                return Outcome(SendStatus.UNSENDABLE, str(error), causes.UNSENDABLE)
            self.report.problems.append(str(error))
            return Outcome(SendStatus.DEFERRED, str(error), causes.MAIL_REJECTED)
        except Exception as error:
            if stops_all(error):
                raise
            log.exception("a mail can't be written for a fault of the program", number=number)
            self.report.problems.append(f"{what} {number}: {explain_fault(error)}")
            return Outcome(SendStatus.DEFERRED, cause=causes.PROGRAM_FAILED)
        return OutgoingMessage(
            issue_id=0,
            folder=f"{self.mails.folder}/{mail.language}/{mail.item.date.date()}",
            envelope_from=mail.envelope_from,
            recipient=mail.address,
            message=message,
        )

    def _settle(self, mail: PersonalMail, outcome: Outcome) -> None:
        now, policy = self._now, self.mails.policy
        settlement = settlement_of(policy, mail.item, outcome, now)
        if settlement.next_at is None:
            settlement = replace(settlement, payload=self.mails.remainder(mail.item))

        def store(connection: Connection) -> str | None:
            if not retry_queue.settle(connection, mail.item, settlement, now):
                log.warning("the result of a mail came too late", number=mail.item.id)
                return None
            self.report.sent += settlement.state == DeliveryState.SENT
            if outcome.throttle:
                self._limiter.complain(connection, _domain(mail), self._second, outcome)
            if outcome.status in _NOT_COUNTED:
                self._limiter.refund_quota(connection, 1, self._second)
            if settlement.next_at is not None:
                return None
            return self.mails.note_end(connection, mail, outcome, now)

        if problem := store_patiently(self.database, store):
            self.report.problems.append(problem)

    def _release(self, mails: Sequence[PersonalMail]) -> None:
        now = self._now

        def store(connection: Connection) -> None:
            released = [retry_queue.release(connection, mail.item, now) for mail in mails]
            self._limiter.refund_quota(connection, sum(released), self._second)

        store_patiently(self.database, store)

    def _note_unreachable(self, error: PublisherError) -> None:
        """Give up what has waited too long for a server that can't be reached."""
        log.error("mails can't be sent", what=self.mails.what, reason=str(error))
        self.report.problems.append(str(error))
        if isinstance(error, DeliveryError) and not isinstance(error, QuarantinedError):
            end = Settlement(
                DeliveryState.FAILED, reason_key=UNREACHABLE.key, reason=str(error), payload={}
            )
            with self.database.writing() as connection:
                retry_queue.give_up_old(connection, self.mails.policy, end, self._now)
                if (delay := self.mails.policy.while_unreachable) is not None:
                    until = self._now + delay
                    retry_queue.postpone_due(connection, self.mails.policy, self._now, until)


def _domain(mail: PersonalMail) -> str:
    return mail.address.rpartition("@")[2].lower()
