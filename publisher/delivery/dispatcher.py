"""SEND: opens the ledger of issues that are ready, and sends what is due of all that are open.

The ledger is the only truth of what is done, so a new start goes on where the old one ended.
Knows neither how messages are composed nor where they go.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import Connection

from publisher.clock import Clock, SystemTimer, Timer, running_from
from publisher.config import InDoubt, Settings
from publisher.database import Database
from publisher.delivery.bindery import JobBuilder, retry_policy_of
from publisher.delivery.fair_queue import LONGEST_WAIT
from publisher.delivery.job import Job
from publisher.delivery.lease_holder import HeldLease, hold_lease, revoke_dead_leases
from publisher.delivery.ledger import attempts, claims, counts, doubts, lifecycle, opening
from publisher.delivery.ledger_writer import LedgerWriter
from publisher.delivery.progress import Progress, ProgressReporter
from publisher.delivery.retry_policy import MOST_REPEATS, RetryPolicy
from publisher.delivery.transports.base import Transport, Unreachable
from publisher.delivery.transports.outbox import OutboxTransport
from publisher.delivery.trial import TEST_LEASE
from publisher.delivery.work_queue import WorkQueue
from publisher.delivery.worker_pool import WorkerPool
from publisher.errors import DeliveryError, PublisherError
from publisher.issues import store as issues
from publisher.issues.model import Issue
from publisher.issues.states import EDITION_REMOVED, IssueState
from publisher.languages import match
from publisher.mail.dkim import DkimSigner
from subscribers import count_audience_by_language

if TYPE_CHECKING:
    from publisher.delivery.rates import RateLimiter

log = structlog.get_logger()


@dataclass(slots=True)
class DeliveryReport:
    """What a turn of delivery came to."""

    messages: int = 0
    issues: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def problem(self, what: str) -> None:
        """Add a problem, once."""
        if what not in self.problems:
            self.problems.append(what)


def deliver(  # noqa: PLR0913  # the parts of the program that delivering stands on
    settings: Settings,
    database: Database,
    transport: Transport,
    secret: str,
    clock: Clock,
    progress: Progress | None = None,
    *,
    signers: Sequence[DkimSigner] = (),
    timer: Timer | None = None,
) -> DeliveryReport:
    """Send what is due of every issue that is ready or being sent.

    Several processes may do so at once. What goes wrong is among the problems; the rest goes on.
    """
    office = _Office(settings, database, transport, running_from(clock), timer or SystemTimer())
    bindery, sent, goes_on = (
        JobBuilder(settings, database, secret, signers),
        DeliveryReport(),
        True,
    )
    while goes_on:
        goes_on = False
        office.open_ready()
        office.take_over(sent)
        try:
            goes_on = office.send(bindery, sent, progress)
        except PublisherError as error:
            sent.problem(str(error))
            log.error("delivery stopped", reason=str(error))
        office.finish(sent)
    return sent


def served_languages(connection: Connection, settings: Settings, issue: Issue) -> list[str]:
    """List the readers' language tags that get this issue, rather than one of its sisters."""
    newsletter = settings.newsletter(issue.newsletter)
    editions = [e.language for e in settings.editions(newsletter)] if newsletter else []
    tags = count_audience_by_language(connection, issue.newsletter)
    return [tag for tag in tags if match(tag, editions) == issue.language]


class _Office:
    """One turn of delivering, step by step."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        transport: Transport,
        clock: Clock,
        timer: Timer,
    ) -> None:
        self._settings = settings
        self._database = database
        self._transport = transport
        self._clock = clock
        self._timer = timer

    def take_over(self, sent: DeliveryReport, *, ours: int | None = None) -> None:
        """Take back what the dead have left: in the ledger, and in an outbox, now used or not."""
        outbox, leftovers = OutboxTransport.of(self._settings), list[int]()
        with self._telling(sent):
            # Looked at first: who begins to stage from now on is written down already.
            leftovers = outbox.leftovers()
        now = self._clock.now()
        living = revoke_dead_leases(self._settings, self._database, self._timer, now, ours=ours)
        for number in leftovers:
            if number not in living and number != TEST_LEASE:
                with self._telling(sent), self._database.reading() as connection:
                    outbox.recover(
                        number, partial(attempts.sent_under_lease, connection, number)
                    )

    @contextmanager
    def _telling(self, sent: DeliveryReport) -> Iterator[None]:
        """Let an outbox that can't be read be a problem, and stop nothing else."""
        try:
            yield
        except DeliveryError as error:
            sent.problem(str(error))
            log.error("staged mail stays where it is", reason=str(error))

    def open_ready(self) -> None:
        """Open the ledgers; the rows and the issue's new state are kept together or not at all.

        An issue waits until its page is on the web: every mail points to it.
        """
        with self._database.reading() as connection:
            if not issues.issues_in_state(connection, IssueState.READY):
                return
        now = self._clock.now()
        with self._database.writing() as connection:
            pageless = issues.issue_ids_without_page(connection)
            for issue in issues.issues_in_state(connection, IssueState.READY):
                if self._settings.edition(issue.newsletter, issue.language) is None:
                    issues.move_issue(
                        connection,
                        issue,
                        IssueState.CANCELLED,
                        reason=EDITION_REMOVED,
                        finished_at=now,
                    )
                elif issue.id not in pageless:
                    languages = served_languages(connection, self._settings, issue)
                    readers = opening.open_ledger(connection, issue, languages, now)
                    issues.move_issue(connection, issue, IssueState.SENDING)
                    log.info("sending", issue=issue.name, readers=readers)

    def send(
        self, bindery: JobBuilder, sent: DeliveryReport, progress: Progress | None
    ) -> bool:
        """Send what is due now; says whether there is more, of which nobody knew before.

        Raises PublisherError when something stands in the way.
        """
        due = self._due_issues()
        if not due:
            return False
        from publisher.delivery.rates import RateLimiter

        rates = RateLimiter(self._settings.delivery, self._transport.name)
        if self._waits_for_rates(due, rates):
            return False
        jobs = self._jobs(due, bindery, sent)
        known = {issue.id for issue in due}
        desk = WorkQueue(self._couriers(jobs), self._transport.prefetch)
        return desk.size > 0 and self._run(desk, jobs, known, rates, sent, progress)

    def _run(  # what a turn is about
        self,
        desk: WorkQueue,
        jobs: dict[int, Job],
        known: Collection[int],
        rates: RateLimiter,
        sent: DeliveryReport,
        progress: Progress | None,
    ) -> bool:
        """Let couriers send; says whether an issue that was not `known` is due."""
        with hold_lease(self._settings, self._database, self._transport, self._timer) as place:
            clerk = LedgerWriter(
                sender=place.number,
                transport=self._transport,
                jobs=jobs,
                desk=desk,
                rates=rates,
                clock=self._clock,
                timer=self._timer,
                begun=self._begun(jobs),
            )
            board = ProgressReporter(self._database, jobs, clerk, progress)
            look = partial(self._look_around, known, clerk, place, sent)
            run = WorkerPool(self._database, self._transport, clerk, desk, board.tell, look)
            try:
                goes_on = run.run(
                    desk.size, lambda claim: jobs[claim.issue_id].outgoing(claim), place
                )
                self._note_rates(jobs, clerk.dealer.held_by)
                board.tell_the_end()
            except Unreachable as error:
                self._note(jobs, error)
                raise
            finally:
                sent.messages += clerk.accepted
        return goes_on

    def _waits_for_rates(self, due: Collection[Issue], rates: RateLimiter) -> bool:
        """Say whether rates let nothing go for long: then nobody need be connected with."""
        with self._database.writing() as connection:
            closed = rates.closed(connection, self._timer.time())
        if (closed.transport_wait or 0.0) <= LONGEST_WAIT.total_seconds():
            return False
        self._note_rates([issue.id for issue in due], closed.reasons)
        return True

    def _couriers(self, jobs: Collection[int]) -> int:
        """Say how many couriers are needed, for what is due now or in this turn."""
        most, soon = self._transport.connections, self._clock.now() + LONGEST_WAIT
        with self._database.reading() as connection:
            return claims.count_due(connection, [*jobs], soon, most)

    def _begun(self, jobs: Collection[int]) -> set[int]:
        with self._database.reading() as connection:
            return counts.issues_with_sent(connection, jobs)

    def _look_around(
        self,
        known: Collection[int],
        clerk: LedgerWriter,
        place: HeldLease,
        sent: DeliveryReport,
    ) -> bool:
        """Do in a long turn what every turn begins and ends with; says whether another issue is due."""
        self.take_over(sent, ours=place.number)
        self._note_rates(known, clerk.dealer.held_by)
        self.finish(sent)
        now = self._clock.now()
        with self._database.reading() as connection:
            pageless = issues.issue_ids_without_page(connection)
            if any(
                one.id not in pageless
                for one in issues.issues_in_state(connection, IssueState.READY)
            ):
                return True
            others = [
                one.id
                for one in issues.issues_in_state(connection, IssueState.SENDING)
                if one.id not in known
            ]
            return claims.count_due(connection, others, now, 1) > 0

    def _jobs(
        self, due: Collection[Issue], bindery: JobBuilder, sent: DeliveryReport
    ) -> dict[int, Job]:
        """Compile issues; one that can't be stops no other."""
        jobs = {}
        for issue in due:
            try:
                jobs[issue.id] = bindery.job(issue)
            except PublisherError as error:
                sent.problem(f"{issue.name}: {error}")
                log.error("issue can't be sent", issue=issue.name, reason=str(error))
        return jobs

    def _due_issues(self) -> list[Issue]:
        """List the issues of which something is due, doubts included that repeat themselves."""
        now = self._clock.now()
        with self._database.reading() as connection:
            being_sent = issues.issues_in_state(connection, IssueState.SENDING)
        if any(self._terms(one).in_doubt is InDoubt.RESEND for one in being_sent):
            with self._database.writing() as connection:
                for issue in issues.issues_in_state(connection, IssueState.SENDING):
                    self._repeat(connection, issue, now)
        with self._database.reading() as connection:
            return [one for one in being_sent if claims.count_due(connection, [one.id], now, 1)]

    def _repeat(self, connection: Connection, issue: Issue, now: datetime) -> None:
        """Let doubts be sent again, where that is the newsletter's policy."""
        terms = self._terms(issue)
        if terms.in_doubt is InDoubt.RESEND:
            doubts.retry_doubts(connection, issue, MOST_REPEATS, terms.patience, now)

    def _terms(self, issue: Issue) -> RetryPolicy:
        return retry_policy_of(self._settings, issue)

    def _note(self, jobs: Collection[int], error: Unreachable) -> None:
        """Say at each issue what stands in its way; where only a person can help, stop it."""
        now = self._clock.now()
        with self._database.writing() as connection:
            for issue in issues.issues_in_state(connection, IssueState.SENDING):
                if issue.id not in jobs:
                    continue
                if error.is_final:
                    lifecycle.pause_issue(connection, issue, str(error), now)
                else:
                    issues.set_reason(connection, issue, f"waiting: {error}")

    def _note_rates(self, jobs: Collection[int], held_by: Sequence[str]) -> None:
        """Say at each issue that is not done what rate it waits for, and nothing else."""
        reason = f"waiting: {', '.join(held_by)}" if held_by else None
        with self._database.reading() as connection:
            being_sent = issues.issues_in_state(connection, IssueState.SENDING)
        if all(one.reason == reason for one in being_sent if one.id in jobs):
            return
        with self._database.writing() as connection:
            for issue in issues.issues_in_state(connection, IssueState.SENDING):
                if issue.id in jobs:
                    issues.set_reason(connection, issue, reason)

    def finish(self, sent: DeliveryReport) -> None:
        """End the issues of which nothing is left to be done."""
        with self._database.reading() as connection:
            if not issues.issues_in_state(connection, IssueState.SENDING):
                return
        now = self._clock.now()
        with self._database.writing() as connection:
            for issue in issues.issues_in_state(connection, IssueState.SENDING):
                # Another process may have found a dead sender since this turn began.
                self._repeat(connection, issue, now)
                if ended := lifecycle.finish_issue(connection, issue, now):
                    sent.issues.append(issue.name)
                    log.info("issue sent", issue=issue.name, state=ended.state)
