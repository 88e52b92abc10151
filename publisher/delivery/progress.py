"""What is shown of a running delivery: its progress, and what each issue waits for.

Progress goes to the terminal and the log. What an issue waits for is stored with it, for status and
the console.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from time import monotonic
from typing import Protocol

from publisher.database import Database
from publisher.delivery.job import Job
from publisher.delivery.ledger import lifecycle
from publisher.delivery.ledger.counts import count_done, count_rows
from publisher.delivery.ledger_writer import LedgerWriter
from publisher.delivery.states import OPEN_STATES, DeliveryState
from publisher.delivery.transports.base import Unreachable
from publisher.i18n.messages import message, untranslated
from publisher.issues import store as issues
from publisher.issues.model import IssueReason, IssueState

# Seconds between two reports: people read no faster, and a log must not fill.
REPORT_INTERVAL = 0.25
# Shown beside the number of deliveries that are done.
_NOTED_STATES = {
    DeliveryState.DEFERRED: "deferred",
    DeliveryState.BOUNCED: "bounced",
    DeliveryState.FAILED: "failed",
    DeliveryState.IN_DOUBT: "in doubt",
    DeliveryState.SUPPRESSED: "left",
}


class Progress(Protocol):
    """Called with a step's name, how many of its parts are done, of how many, and a note."""

    def __call__(self, step: str, done: int, of: int, note: str = "", /) -> None:
        """Show it. May raise to stop the work at its next safe place."""
        ...


class ProgressReporter:
    """Reports how far each issue is."""

    def __init__(
        self,
        database: Database,
        jobs: Mapping[int, Job],
        writer: LedgerWriter,
        progress: Progress | None,
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._writer = writer
        self._progress = progress
        self._reported_at = 0.0
        before = self._count() if progress else {}
        self._done = {number: count_done(count) for number, count in before.items()}
        self._total = {number: sum(count.values()) for number, count in before.items()}

    def report(self) -> None:
        """Report how far each issue is, at most every REPORT_INTERVAL."""
        if not self._progress or monotonic() - self._reported_at < REPORT_INTERVAL:
            return
        self._reported_at = monotonic()
        for number in self._jobs:
            moved = self._moved(number)
            ended = sum(n for state, n in moved.items() if state not in OPEN_STATES)
            self._show(self._progress, number, self._done[number] + ended, moved)

    def report_end(self) -> None:
        """Report the final counts from the ledger: other processes may have sent, too."""
        if self._progress:
            for number, count in self._count().items():
                self._show(self._progress, number, count_done(count), self._moved(number))

    def _show(
        self, progress: Progress, number: int, done: int, moved: Mapping[DeliveryState, int]
    ) -> None:
        noted = [f"{moved[s]} {word}" for s, word in _NOTED_STATES.items() if moved.get(s)]
        note = ", ".join((*noted, *self._writer.waiting_for))
        progress(self._jobs[number].issue.name, done, self._total[number], note)

    def _count(self) -> dict[int, Counter[str]]:
        with self._database.reading() as connection:
            return count_rows(connection, [*self._jobs])

    def _moved(self, number: int) -> Counter[DeliveryState]:
        return Counter(
            {state: n for (of, state), n in self._writer.moved.items() if of == number}
        )


def note_unreachable(
    database: Database, jobs: Collection[int], error: Unreachable, now: datetime
) -> None:
    """Note at each issue what prevents sending. Pause it if only a person can help."""
    with database.writing() as connection:
        for issue in issues.issues_in_state(connection, IssueState.SENDING):
            if issue.id not in jobs:
                continue
            if error.is_final:
                key = IssueReason.LOGIN_REFUSED if error.is_login else IssueReason.REFUSED
                lifecycle.pause_issue(connection, issue, str(error), now, key)
            else:
                reason = message("waiting: %(why)s", why=untranslated(str(error)))
                issues.set_reason(connection, issue, reason, IssueReason.UNREACHABLE)


def resume_refused_logins(database: Database, now: datetime) -> None:
    """Resume the issues that were paused because the login was refused: it may be right now."""
    with database.reading() as connection:
        paused = issues.issues_in_state(connection, IssueState.PAUSED)
    if not any(one.reason_key == IssueReason.LOGIN_REFUSED for one in paused):
        return
    with database.writing() as connection:
        for issue in issues.issues_in_state(connection, IssueState.PAUSED):
            if issue.reason_key == IssueReason.LOGIN_REFUSED:
                lifecycle.resume_issue(connection, issue, now)


def note_waiting(
    database: Database,
    jobs: Collection[int],
    waiting_for: Sequence[str],
    unrendered: Mapping[int, tuple[str, IssueReason]],
) -> None:
    """Note at each open issue the rate limits, or else the variants, that it waits for."""
    waiting = None
    if waiting_for:
        waiting = message("waiting: %(why)s", why=untranslated(", ".join(waiting_for)))
    with database.reading() as connection:
        sending = issues.issues_in_state(connection, IssueState.SENDING)
    notes: dict[int, tuple[str, IssueReason] | tuple[None, None]] = {
        number: (waiting, IssueReason.RATE_LIMIT)
        if waiting
        else unrendered.get(number, (None, None))
        for number in jobs
    }
    if all(one.reason == notes[one.id][0] for one in sending if one.id in notes):
        return
    with database.writing() as connection:
        for issue in issues.issues_in_state(connection, IssueState.SENDING):
            if issue.id in notes:
                issues.set_reason(connection, issue, *notes[issue.id])
