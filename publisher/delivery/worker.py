"""A send worker: a thread with one connection that sends the rows in its queue, one by one.

A worker gets rows only once it is connected. It composes each message right before it sends it,
and checks once more that the recipient still wants it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from random import Random
from time import monotonic

import structlog

from publisher.delivery import causes
from publisher.delivery.ledger.claims import Claim
from publisher.delivery.outcomes import ANSWERS, Outcome, SendStatus
from publisher.delivery.transports.base import OutgoingMessage, TransportConnection, Unreachable
from publisher.delivery.work_queue import WorkQueue
from publisher.errors import DeliveryError
from publisher.fault_isolation import explain_fault, stops_all

log = structlog.get_logger()

# Seconds before a connection is tried again: the first wait doubles up to the longest.
FIRST_RECONNECT_WAIT, _MAX_RECONNECT_WAIT = 0.5, 30.0

_UNSUBSCRIBED = Outcome(SendStatus.UNSUBSCRIBED, cause=causes.HAS_UNSUBSCRIBED)
_FAILED = Outcome(SendStatus.UNKNOWN, cause=causes.PROGRAM_FAILED)


class SendWorker:
    """One worker of the pool."""

    def __init__(
        self,
        number: int,
        queue: WorkQueue,
        connect: Callable[[], TransportConnection],
        compose: Callable[[Claim], OutgoingMessage],
        recheck: Callable[[Claim], bool | None],
    ) -> None:
        self._number = number
        self._queue = queue
        self._connect = connect
        self._compose = compose
        self._recheck = recheck
        self._connection: TransportConnection | None = None
        self._composed: tuple[Claim, OutgoingMessage] | None = None
        self._random = Random()  # noqa: S311  # spreads reconnects, guards nothing
        self.thread = threading.Thread(target=self._run, name=f"worker-{number}", daemon=True)

    def _run(self) -> None:
        try:
            failures = 0
            while self._queue.pause(self._number, self._reconnect_wait(failures)):
                error = self._send_until_disconnected()
                failures = failures + 1 if error else 0
                self._queue.disconnected(self._number, error)
                self._close()
        except BaseException as fault:  # noqa: BLE001  # the pool raises it in its own thread
            self._queue.fail(self._number, fault)
        finally:
            self._close()

    def _reconnect_wait(self, failures: int) -> float:
        if not failures:
            return 0.0
        doublings = min(failures - 1, 9)
        wait: float = min(FIRST_RECONNECT_WAIT * 2**doublings, _MAX_RECONNECT_WAIT)
        return wait * (1 + self._random.random())

    def _send_until_disconnected(self) -> Unreachable | None:
        """Connect and send until the connection or the work ends. Returns the error, if any.

        A connection that ends before anything was answered counts as an error.
        """
        has_answered = False
        outcome = Outcome(SendStatus.NOT_SENT)
        try:
            connection = self._connection = self._connect()
            self._queue.connected(self._number)
            while connection.is_open:
                claim = self._queue.take(self._number)
                if claim is None:
                    return None
                outcome = self._deliver(connection, claim) or outcome
                has_answered = has_answered or outcome.status in ANSWERS
        except Unreachable as error:
            log.debug("no connection", worker=self._number, reason=str(error))
            return error
        reason = outcome.reason or "no connection stays open"
        return None if has_answered else Unreachable(reason)

    def _deliver(self, connection: TransportConnection, claim: Claim) -> Outcome | None:
        """Send one message if it is still wanted. Returns None if its issue was stopped."""
        started = monotonic()
        is_wanted = self._recheck(claim)
        if is_wanted is None:
            self._queue.return_current(self._number)
            return None
        outcome = self._send(connection, claim) if is_wanted else _UNSUBSCRIBED
        self._queue.finish(self._number, outcome, monotonic() - started)
        return outcome

    def _send(self, connection: TransportConnection, claim: Claim) -> Outcome:
        try:
            outgoing = self._message_of(claim)
        except DeliveryError as error:
            log.error("recipient left out", subscriber=claim.recipient.id, reason=str(error))
            return Outcome(SendStatus.UNSENDABLE, str(error), causes.UNSENDABLE)
        except Exception as error:
            if stops_all(error):
                raise
            # Nothing of it was sent, so it can wait until the program is mended; others go on.
            log.exception("a message can't be composed", subscriber=claim.recipient.id)
            return Outcome(SendStatus.DEFERRED, explain_fault(error), causes.PROGRAM_FAILED)
        next_message = self._compose_next()
        try:
            return connection.send(outgoing, next_message)
        except Unreachable:
            raise
        except BaseException:
            # It is unknown how much was sent. A returned row would count as not sent.
            self._queue.finish(self._number, _FAILED, 0.0)
            raise

    def _message_of(self, claim: Claim) -> OutgoingMessage:
        composed, self._composed = self._composed, None
        return composed[1] if composed and composed[0] == claim else self._compose(claim)

    def _compose_next(self) -> OutgoingMessage | None:
        """Compose the next message, so that the connection may start with it early."""
        claim = self._queue.peek(self._number)
        if claim is None:
            return None
        with suppress(Exception):  # reported when it is this row's turn
            self._composed = claim, self._compose(claim)
            return self._composed[1]
        return None

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
