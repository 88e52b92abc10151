"""Every message exactly once, whatever is killed, stopped or taken away, and when."""

import shutil
import tempfile
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from hypothesis import settings, stateful
from hypothesis import strategies as st

from publisher.config.delivery import OutboxLayoutKind
from publisher.delivery.transports.base import OutgoingMessage, SendStatus, TransportConnection
from publisher.delivery.transports.outbox import OutboxTransport
from tests.publisher.delivery.transports.messages import (
    LAYOUTS,
    Key,
    a_message,
    content_of,
    take_away,
    visible,
    yes,
)

KEYS = [(1, 1), (1, 2), (2, 1)]
PICKS = st.integers(0, 9)
# What happens, not what survives a power cut, is the subject: no disk is needed.
MEMORY = Path("/dev/shm")


@dataclass
class Row:
    """A row of a minimal ledger. It keeps the process that settled it."""

    state: str = "pending"
    sender: int | None = None


@dataclass
class Process:
    """A process that delivers, as long as it lives."""

    number: int
    transport: OutboxTransport
    connection: TransportConnection
    step: int = 0
    prefetch: list[Key] = field(default_factory=list)
    accepted: list[Key] = field(default_factory=list)
    unkept: list[Key] = field(default_factory=list)


class Once(stateful.RuleBasedStateMachine):
    """Processes that send, die, are stopped and are recovered from; one folder; one consumer."""

    processes: stateful.Bundle[Process] = stateful.Bundle("processes")

    @stateful.initialize()
    def begin(self) -> None:
        self.outbox = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
        self.rows = {key: Row() for key in KEYS}
        # Who has a lease. A living process may have lost it; a dead one may still have it.
        self.leases: set[int] = set()
        self.enlisted = 0
        self.taken: Counter[bytes] = Counter()

    @stateful.rule(target=processes, layout=st.sampled_from(LAYOUTS))
    def start(self, layout: OutboxLayoutKind) -> Process:
        return self._start(layout)

    @stateful.rule(process=processes, steps=st.integers(1, 4), pick=PICKS)
    def go_on(self, process: Process, steps: int, pick: int) -> None:
        """Do what comes next in a process's round, and perhaps some more."""
        for _ in range(steps):
            step = process.step
            process.step = (step + 1) % 4
            if step == 0:
                self._mark(process, pick)
            elif step == 1:
                self._send(process)
            elif step == 2:
                self._settle(process)
            else:
                self._keep(process)

    @stateful.rule(process=processes)
    def send_and_give_back(self, process: Process) -> None:
        """A fault between writing and reporting: the row is free, and the file is there."""
        if process.prefetch:
            key = process.prefetch.pop(0)
            process.connection.send(_outgoing(key))
            if self.rows[key] == Row("attempting", process.number):
                self.rows[key] = Row()

    @stateful.rule(process=processes)
    def reconnect(self, process: Process) -> None:
        process.connection.close()
        process.connection = process.transport.connect(process.number, yes)

    @stateful.rule(process=stateful.consumes(processes), some=st.integers(0, 3))
    def die_while_keeping(self, process: Process, some: int) -> None:
        process.transport.on_committed(process.number, process.unkept[:some])

    @stateful.rule(process=stateful.consumes(processes))
    def die_while_writing(self, process: Process) -> None:
        if process.prefetch:
            issue, recipient = process.prefetch[0]
            process.connection.send(_outgoing((issue, recipient)))
            mine = self.outbox / ".staged" / str(process.number) / str(issue)
            (staged,) = mine.rglob(f"{recipient}.*")
            staged.write_bytes(b"Subj")

    @stateful.rule(process=stateful.consumes(processes))
    def leave(self, process: Process) -> None:
        """End properly. What faults have left stays for recovery."""
        process.connection.close()
        self._settle(process)
        self._free(process.number)
        self._keep(process)

    @stateful.rule(pick=PICKS)
    def dismiss(self, pick: int) -> None:
        """A lease has run out, or a lock was found to be free."""
        if self.leases:
            self._free(sorted(self.leases)[pick % len(self.leases)])

    @stateful.rule(layout=st.sampled_from(LAYOUTS))
    def recover(self, layout: OutboxLayoutKind) -> None:
        transport = OutboxTransport(self.outbox, layout)
        for number in transport.leftovers():
            if number not in self.leases:
                transport.recover(number, partial(self._sent_by, number))

    @stateful.rule()
    def take_away(self) -> None:
        self.taken.update(take_away(self.outbox))

    @stateful.invariant()
    def what_is_out_is_sent_whole_and_once(self) -> None:
        out = self.taken + Counter(path.read_bytes() for path in visible(self.outbox))
        assert out <= self._sent()

    def teardown(self) -> None:
        try:
            self._finish()
        finally:
            shutil.rmtree(self.outbox)

    def _finish(self) -> None:
        """Let everything die, and one process do what is left to be done."""
        while self.leases:
            self.dismiss(0)
        self.recover(OutboxLayoutKind.FILES)
        self.take_away()
        assert self.taken == self._sent()
        last = self._start(OutboxLayoutKind.MAILDIR)
        for _ in KEYS:
            self._mark(last, 0)
            self._send(last)
        self.leave(last)
        self.take_away()
        assert self.taken == Counter(content_of(*key) for key in KEYS)
        assert not (self.outbox / ".staged").exists()

    def _start(self, layout: OutboxLayoutKind) -> Process:
        self.enlisted += 1
        self.leases.add(self.enlisted)
        transport = OutboxTransport(self.outbox, layout)
        return Process(self.enlisted, transport, transport.connect(self.enlisted, yes))

    def _mark(self, process: Process, pick: int) -> None:
        free = [key for key, row in self.rows.items() if row.state == "pending"]
        if free and process.number in self.leases:
            key = free[pick % len(free)]
            self.rows[key] = Row("attempting", process.number)
            process.prefetch.append(key)

    def _send(self, process: Process) -> None:
        """Send what was promised, even if the row was lost meanwhile: one may have been stopped."""
        for key in process.prefetch:
            if process.connection.send(_outgoing(key)).status is SendStatus.ACCEPTED:
                process.accepted.append(key)
        process.prefetch = []

    def _settle(self, process: Process) -> None:
        for key in process.accepted:
            row = self.rows[key]
            if row == Row("attempting", process.number):
                row.state = "sent"
                process.unkept.append(key)
        process.accepted = []

    def _keep(self, process: Process) -> None:
        process.transport.on_committed(process.number, process.unkept)
        process.unkept = []

    def _sent_by(self, number: int, asked: Sequence[Key]) -> Collection[Key]:
        """Return what the ledger answers to a transport that recovers one lease."""
        return [key for key in asked if self.rows[key] == Row("sent", number)]

    def _free(self, number: int) -> None:
        self.leases.discard(number)
        for key, row in self.rows.items():
            if row == Row("attempting", number):
                self.rows[key] = Row()

    def _sent(self) -> Counter[bytes]:
        return Counter(
            content_of(*key) for key, row in self.rows.items() if row.state == "sent"
        )


def _outgoing(key: Key) -> OutgoingMessage:
    issue, recipient = key
    return a_message(recipient, issue)


TestOnce = Once.TestCase
TestOnce.settings = settings(stateful_step_count=40, deadline=None)
