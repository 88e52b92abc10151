"""Open the ledgers of issues that are ready, send what is due, and end finished issues; show progress, store what issues wait for.

A new start goes on where the ledger ends. ARCHITECTURE.md draws the loop.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Protocol

from sqlalchemy import Connection

from publisher.clock import Clock, Timer, running_from
from publisher.config import InDoubtPolicy, Settings
from publisher.database import Database
from publisher.delivery.issue_opening import open_due_issues
from publisher.delivery.job import Job, JobBuilder, RenderVariant, VariantRun, WithdrawalCheck
from publisher.delivery.lease_holder import hold_lease, reap_dead_senders
from publisher.delivery.ledger import claims, doubts, lifecycle
from publisher.delivery.ledger.correction_audience import settle_waiting
from publisher.delivery.ledger.lifecycle import count_done, count_rows
from publisher.delivery.ledger_writer import CircuitBreaker, LedgerWriter
from publisher.delivery.lineage.evidence import record_stories
from publisher.delivery.lineage.quarantine import AgeCheck, find_quarantine
from publisher.delivery.lineage.witness import open_witness
from publisher.delivery.queues import MAX_RATE_WAIT, WorkQueue
from publisher.delivery.rates.limiter import RateLimiter
from publisher.delivery.retry_policy import MAX_UNANSWERED_ATTEMPTS, retry_policy_of
from publisher.delivery.states import OPEN_STATES, DeliveryState
from publisher.delivery.transports.base import Transport, Unreachable
from publisher.delivery.worker_pool import WorkerPool
from publisher.errors import PublisherError
from publisher.fault_isolation import isolated
from publisher.i18n.messages import message, untranslated
from publisher.issues import digests as issue_pages
from publisher.issues import store as issues
from publisher.issues.model import Issue, IssueReason, IssueState
from publisher.log import log
from publisher.mail.dkim import DkimSigner

REPORT_INTERVAL = 0.25  # seconds between two reports: a log must not fill
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
        note = ", ".join((*noted, *self._writer.fair_queue.waiting_for))
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


# Between two logins after one that was refused: some servers lock out who tries often. A new process, or new
# settings, try at once.
_LOGIN_SECONDS = 600.0


@dataclass(slots=True)
class DeliveryReport:
    """The result of delivering: accepted messages, finished issues, and problems."""

    messages: int = 0
    issues: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def add_problem(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)


@dataclass(slots=True)
class Dispatcher:
    """Sends what is due of every issue that is ready or being sent. Several processes may do so at once.

    Without `render_variant`, variants are left to another run. `call_senders` is called in the transaction that opens
    ledgers, `record_departures` before and while mail is sent. Without `cancels_removed`, issues whose edition is not
    in these settings wait: those of another machine may be newer.
    """

    settings: Settings
    database: Database
    transport: Transport
    secret: str = field(repr=False)
    clock: Clock
    progress: Progress | None = None
    _: KW_ONLY
    signers: Sequence[DkimSigner] = ()
    timer: Timer | None = None
    render_variant: RenderVariant | None = None
    call_senders: Callable[[Connection], None] | None = None
    record_departures: Callable[[], object] = lambda: None
    cancels_removed: bool = True
    report: DeliveryReport = field(init=False, default_factory=DeliveryReport)
    _jobs: JobBuilder = field(init=False)
    _variants: VariantRun | None = field(init=False, default=None)
    # Whether variants wait that this run has not tried to render yet.
    _has_unrendered: bool = field(init=False, default=False)
    _withdrawals: WithdrawalCheck = field(init=False)
    _timer: Timer = field(init=False)

    def __post_init__(self) -> None:
        self._timer = self.timer or self.database.timer
        self._withdrawals = WithdrawalCheck(self.settings, self.database)
        parts = (self.settings, self.database, self.transport, self.secret, self.signers)
        self._jobs = JobBuilder(*parts)
        if render := self.render_variant:
            self._variants = VariantRun(self.settings, self.database, render, self._timer)

    def deliver(self) -> DeliveryReport:
        self.clock = running_from(self.clock)
        if problem := find_quarantine(self.settings, self.database, self.clock.now()):
            self.report.add_problem(problem)
            return self.report
        while self.run_once():
            pass
        self.report_unrendered()
        return self.report

    def run_once(self) -> bool:
        """Send what is due now. Returns whether there is more to do now."""
        new_work = False
        # First: what a dead process held and nobody wants any more must not count as about to come.
        self._recover()
        if self._timer.time() >= self.transport.next_login_at:
            resume_refused_logins(self.database, self.clock.now())
        self.open_ready_issues()
        if self._variants:
            self._has_unrendered = self._variants.render_some(self.clock.now())
        try:
            new_work = self._send_due_issues() or self._has_unrendered
        except PublisherError as error:
            # The database may have become an old one meanwhile.
            problem = find_quarantine(self.settings, self.database, self.clock.now())
            self.report.add_problem(problem or str(error))
            log.error("delivery stopped", reason=str(error))
        return self.finish_issues() or new_work

    def _recover(self, own: int | None = None) -> None:
        self.record_departures()
        now = self.clock.now()
        for problem in reap_dead_senders(
            self.settings, self.database, self._timer, now, own=own
        ):
            self.report.add_problem(problem)

    def open_ready_issues(self) -> None:
        now = self.clock.now()
        with self.database.reading() as connection:
            if not issues.issues_to_open(connection, now):
                return
        with self.database.writing() as connection:
            opened = open_due_issues(
                *(connection, self.settings, now, self.report.add_problem),
                cancels_removed=self.cancels_removed,
            )
            if opened and self.call_senders:
                self.call_senders(connection)

    def report_unrendered(self) -> None:
        notes = self._variants.notes if self._variants else {}
        with self.database.reading() as connection:
            for issue in issues.issues_by_ids(connection, [*notes]):
                self.report.add_problem(f"{issue.name}: {notes[issue.id][0]}")

    def finish_issues(self) -> bool:
        """End the issues of which nothing is left to be done. Return whether corrections became due."""
        with self.database.reading() as connection:
            if not issues.issues_in_state(connection, IssueState.SENDING):
                return False
        now, due = self.clock.now(), 0
        with self.database.writing() as connection:
            for issue in issues.issues_in_state(connection, IssueState.SENDING):
                with isolated(issue.name, self.report.add_problem, connection):
                    # Another process may have revoked a lease since this run began.
                    self._retry_doubts(connection, issue, now)
                    if issue.corrects_id is not None:
                        due += settle_waiting(connection, issue, now)
                    if ended := lifecycle.finish_issue(connection, issue, now):
                        self.report.issues.append(issue.name)
                        log.info("issue sent", issue=issue.name, state=ended.state)
        return due > 0

    def _send_due_issues(self) -> bool:
        """Send what is due; return whether another issue became due meanwhile. Raises PublisherError if nothing can be sent."""
        due = self._due_issues()
        if not due:
            return False
        limiter = RateLimiter(self.settings.delivery, self.transport.name)
        with self.database.writing() as connection:
            closed = limiter.closed(connection, self._timer.time())
        if (closed.transport_wait or 0.0) > MAX_RATE_WAIT.total_seconds():
            # No connection is needed for nothing.
            self._note_waiting([issue.id for issue in due], closed.reasons)
            return False
        jobs = self._build_jobs(due)
        ready = [job.issue for job in jobs.values()]
        record_stories(self.settings, self.database, ready, self.clock.now())
        soon = self.clock.now() + MAX_RATE_WAIT
        with self.database.reading() as connection:
            # No more workers than there are rows in this run.
            workers = claims.count_due(connection, [*jobs], soon, self.transport.connections)
        queue = WorkQueue(workers, self.transport.prefetch)
        if not queue.workers:
            return False
        return self._send_jobs(jobs, {issue.id for issue in due}, queue, limiter)

    def _writer(
        self, lease_id: int, jobs: dict[int, Job], queue: WorkQueue, limiter: RateLimiter
    ) -> LedgerWriter:
        with self.database.reading() as connection:
            breaker = CircuitBreaker(lifecycle.issues_with_sent(connection, jobs))
        return LedgerWriter(
            lease_id=lease_id,
            transport=self.transport,
            jobs=jobs,
            queue=queue,
            limiter=limiter,
            witness=open_witness(self.settings),
            is_old=AgeCheck(self.settings, self.database),
            clock=self.clock,
            timer=self._timer,
            breaker=breaker,
        )

    def _send_jobs(
        self, jobs: dict[int, Job], due: set[int], queue: WorkQueue, limiter: RateLimiter
    ) -> bool:
        """Hold a lease and send. Returns whether an issue that is not in `due` has become due."""
        with hold_lease(self.settings, self.database, self.transport, self._timer) as lease:
            writer = self._writer(lease.id, jobs, queue, limiter)
            reporter = ProgressReporter(self.database, jobs, writer, self.progress)
            pool = WorkerPool(
                database=self.database,
                lease=lease,
                writer=writer,
                report_progress=reporter.report,
                has_new_work=partial(self._has_new_work, due, writer, lease.id),
            )
            try:
                new_work = pool.run(lambda claim: jobs[claim.issue_id].compose(claim))
                self._note_waiting(jobs, writer.fair_queue.waiting_for)
                reporter.report_end()
            except Unreachable as error:
                if error.is_login:
                    self.transport.next_login_at = self._timer.time() + _LOGIN_SECONDS
                note_unreachable(self.database, jobs, error, self.clock.now())
                raise
            finally:
                self.report.messages += writer.accepted
        return new_work

    def _has_new_work(self, running: Collection[int], writer: LedgerWriter, own: int) -> bool:
        """Do a long run's housekeeping; return whether it has to end for another due issue, or variants to be rendered."""
        self._recover(own=own)
        self._note_waiting(running, writer.fair_queue.waiting_for)
        self.finish_issues()
        now = self.clock.now()
        if self._has_unrendered or self._withdrawals.run_if_changed(now):
            return True
        with self.database.reading() as connection:
            pageless = issue_pages.issue_ids_without_page(connection)
            if any(
                issue.id not in pageless for issue in issues.issues_to_open(connection, now)
            ):
                return True
            sending = issues.issues_in_state(connection, IssueState.SENDING)
            others = [issue.id for issue in sending if issue.id not in running]
            return claims.count_due(connection, others, now, 1) > 0

    def _due_issues(self) -> list[Issue]:
        now = self.clock.now()
        with self.database.reading() as connection:
            sending = issues.issues_in_state(connection, IssueState.SENDING)
        policies = [retry_policy_of(self.settings, issue) for issue in sending]
        if any(policy.in_doubt is InDoubtPolicy.RESEND for policy in policies):
            with self.database.writing() as connection:
                for issue in issues.issues_in_state(connection, IssueState.SENDING):
                    self._retry_doubts(connection, issue, now)
        if self._withdrawals.run(now):
            self._has_unrendered = self._variants is not None
        with self.database.reading() as connection:
            return [due for due in sending if claims.count_due(connection, [due.id], now, 1)]

    def _build_jobs(self, due: Collection[Issue]) -> dict[int, Job]:
        jobs = {}
        for issue in due:
            with isolated(issue.name, partial(self._add_problem_of, issue.name)):
                jobs[issue.id] = self._jobs.build(issue)
        return jobs

    def _add_problem_of(self, name: str, why: str) -> None:
        self.report.add_problem(why if why.startswith(name) else f"{name}: {why}")

    def _note_waiting(self, jobs: Collection[int], waiting_for: Sequence[str]) -> None:
        unrendered = self._variants.notes if self._variants else {}
        note_waiting(self.database, jobs, waiting_for, unrendered)

    def _retry_doubts(self, connection: Connection, issue: Issue, now: datetime) -> None:
        policy, most = retry_policy_of(self.settings, issue), MAX_UNANSWERED_ATTEMPTS
        if policy.in_doubt is InDoubtPolicy.RESEND:
            doubts.retry_doubts(connection, issue, most, policy.give_up_after, now)
