"""A courier: a thread with one connection, which sends what it is promised, one by one.

It asks for nothing before it has a connection, writes a message right before it is sent, and
looks a last time whether its reader still wants it. Knows the ledger only through the desk.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from random import Random
from time import monotonic
from typing import Protocol

import structlog

from publisher.delivery.ledger.claims import UNSUBSCRIBED_REASON, Claim
from publisher.delivery.outcomes import ANSWERS, Outcome, SendStatus
from publisher.delivery.transports.base import OutgoingMessage, TransportConnection, Unreachable
from publisher.delivery.work_queue import WorkQueue
from publisher.errors import DeliveryError

log = structlog.get_logger()

# Seconds before a connection is tried again: half a second, doubling.
FIRST_RECONNECT_WAIT, LONGEST_REST = 0.5, 30.0

LEFT = Outcome(SendStatus.UNSUBSCRIBED, UNSUBSCRIBED_REASON)
CUT_OFF = Outcome(SendStatus.UNKNOWN, "the program failed while it was being sent")


class Recheck(Protocol):
    """A last look at the ledger, for one courier."""

    def __call__(self, claim: Claim) -> bool | None:
        """Say whether a reader still wants her mail; None: the issue is not being sent."""
        ...


class SendWorker:
    """One way out of a transport."""

    def __init__(
        self,
        number: int,
        desk: WorkQueue,
        connect: Callable[[], TransportConnection],
        write: Callable[[Claim], OutgoingMessage],
        look: Recheck,
    ) -> None:
        self._number = number
        self._desk = desk
        self._connect = connect
        self._write = write
        self._look = look
        self._connection: TransportConnection | None = None
        self._written: tuple[Claim, OutgoingMessage] | None = None
        self._chance = Random()  # noqa: S311  # spreads tries, guards nothing
        self.thread = threading.Thread(target=self._run, name=f"courier-{number}", daemon=True)

    def _run(self) -> None:
        try:
            failures = 0
            while self._desk.rest(self._number, self._rest(failures)):
                trouble = self._round()
                failures = failures + 1 if trouble else 0
                self._desk.give_back(self._number, trouble)
                self._hang_up()
        except BaseException as fault:  # noqa: BLE001  # the clerk raises it in its own thread
            self._desk.broke(self._number, fault)
        finally:
            self._hang_up()

    def _rest(self, failures: int) -> float:
        if not failures:
            return 0.0
        rest: float = min(FIRST_RECONNECT_WAIT * 2 ** min(failures - 1, 9), LONGEST_REST)
        return rest * (1 + self._chance.random())

    def _round(self) -> Unreachable | None:
        """Send until the connection is gone, or all is done; gives what was the matter, if anything.

        A connection that ends before anything was answered is as good as none.
        """
        has_answered = False
        outcome = Outcome(SendStatus.NOT_SENT)
        try:
            connection = self._connection = self._connect()
            self._desk.ready(self._number)
            while connection.is_open:
                claim = self._desk.take(self._number)
                if claim is None:
                    return None
                outcome = self._delivered(connection, claim) or outcome
                has_answered = has_answered or outcome.status in ANSWERS
        except Unreachable as trouble:
            log.debug("no connection", courier=self._number, reason=str(trouble))
            return trouble
        return (
            None if has_answered else Unreachable(outcome.reason or "no connection stays open")
        )

    def _delivered(self, connection: TransportConnection, claim: Claim) -> Outcome | None:
        """Send one message, if it is still to be sent, and report."""
        begun = monotonic()
        wanted = self._look(claim)
        if wanted is None:
            self._desk.return_one(self._number)
            return None
        outcome = self._sent(connection, claim) if wanted else LEFT
        self._desk.report(self._number, outcome, monotonic() - begun)
        return outcome

    def _sent(self, connection: TransportConnection, claim: Claim) -> Outcome:
        try:
            outgoing = self._outgoing(claim)
        except DeliveryError as error:
            log.error("reader left out", subscriber=claim.reader.id, reason=str(error))
            return Outcome(SendStatus.UNSENDABLE, f"no message can be written: {error}")
        next_message = self._next_message()
        try:
            return connection.send(outgoing, next_message)
        except Unreachable:
            raise
        except BaseException:
            # Nobody knows how far it came; returned, it would count as not begun.
            self._desk.report(self._number, CUT_OFF, 0.0)
            raise

    def _outgoing(self, claim: Claim) -> OutgoingMessage:
        written, self._written = self._written, None
        return written[1] if written and written[0] == claim else self._write(claim)

    def _next_message(self) -> OutgoingMessage | None:
        """Write what will be sent next, so that the connection may begin with it."""
        claim = self._desk.next_message(self._number)
        if claim is None:
            return None
        with suppress(DeliveryError):  # it is told when its turn comes
            self._written = claim, self._write(claim)
            return self._written[1]
        return None

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
