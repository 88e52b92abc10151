"""SEND: opens the ledger of issues that are ready, and sends what is due of all that are open.

The ledger is the only truth of what is done, so a new start goes on where the old one ended.
Knows neither how messages are composed nor where they go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import structlog
from sqlalchemy import Connection

from publisher.clock import Clock, SystemTimer, Timer, going_on
from publisher.composing.dkim import Signer
from publisher.config import InDoubt, Settings
from publisher.database import Database
from publisher.delivery.board import Board, Progress
from publisher.delivery.clerk import Clerk
from publisher.delivery.desk import Desk
from publisher.delivery.enlisting import enlisted, recover
from publisher.delivery.fates import MOST_REPEATS, Terms
from publisher.delivery.jobs import Job
from publisher.delivery.ledger import claiming, doubts, opening, settling, stopping
from publisher.delivery.running import Run
from publisher.delivery.transports.base import Transport, Unreachable
from publisher.delivery.transports.outbox import OutboxTransport
from publisher.delivery.trial import NOBODY
from publisher.errors import DeliveryError, PublisherError
from publisher.issues import store as issues
from publisher.issues.life import NO_EDITION, State
from publisher.issues.model import Issue
from publisher.languages import match
from subscribers import languages_of

log = structlog.get_logger()


@dataclass(slots=True)
class Sent:
    """What a turn of delivery came to."""

    messages: int = 0
    issues: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def deliver(  # noqa: PLR0913  # the parts of the program that delivering stands on
    settings: Settings,
    database: Database,
    transport: Transport,
    secret: str,
    clock: Clock,
    progress: Progress | None = None,
    *,
    signers: Sequence[Signer] = (),
    timer: Timer | None = None,
) -> Sent:
    """Send what is due of every issue that is ready or being sent.

    Several processes may do so at once. What goes wrong is among the problems; the rest goes on.
    """
    desk = _Office(settings, database, transport, going_on(clock), timer or SystemTimer())
    sent = Sent()
    desk.open_ready()
    desk.take_over(sent)
    try:
        desk.send(_Bindery(settings, database, secret, signers), sent, progress)
    except PublisherError as error:
        sent.problems.append(str(error))
        log.error("delivery stopped", reason=str(error))
    desk.finish(sent)
    return sent


def served(connection: Connection, settings: Settings, issue: Issue) -> list[str]:
    """List the readers' language tags that get this issue, rather than one of its sisters."""
    newsletter = settings.newsletter(issue.newsletter)
    editions = [e.language for e in settings.editions(newsletter)] if newsletter else []
    tags = languages_of(connection, issue.newsletter)
    return [tag for tag in tags if match(tag, editions) == issue.language]


def terms_of(settings: Settings, issue: Issue) -> Terms:
    """Give what an issue's edition says of its deliveries; the usual, if there is none any more."""
    edition = settings.edition(issue.newsletter, issue.language)
    return Terms(edition.in_doubt, edition.give_up_after) if edition else Terms()


class _Bindery:
    """Makes jobs of issues: their digests compiled, and their terms."""

    def __init__(
        self, settings: Settings, database: Database, secret: str, signers: Sequence[Signer]
    ) -> None:
        self._settings = settings
        self._database = database
        self._secret = secret
        self._signers = signers

    def job(self, issue: Issue) -> Job:
        """Compile an issue; raises PublisherError if that can't be done."""
        # Composing brings templates with it: half a second that a quiet turn need not take.
        from publisher.composing import Letter, compile_letter

        with self._database.reading() as connection:
            digest = issues.digest_of(connection, issue)
        letter = Letter(
            publication=self._settings.publication,
            issue=issue,
            subject=digest.subject,
            html=digest.html,
            text=digest.text,
            date=issue.assembled_at or issue.due_at,
        )
        bounces = self._settings.delivery.smtp.bounces or self._settings.publication.sender
        compiled = compile_letter(letter, self._secret, self._signers)
        terms = terms_of(self._settings, issue)
        return Job(issue=issue, compiled=compiled, terms=terms, sender=bounces.address)


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

    def take_over(self, sent: Sent) -> None:
        """Take back what the dead have left: in the ledger, and in an outbox, now used or not."""
        outbox, leftovers = OutboxTransport.of(self._settings), list[int]()
        with self._telling(sent):
            # Looked at first: who begins to stage from now on is written down already.
            leftovers = outbox.leftovers()
        living = recover(self._settings, self._database, self._timer, self._clock.now())
        for number in leftovers:
            if number not in living and number != NOBODY:
                with self._telling(sent), self._database.reading() as connection:
                    outbox.recover(number, partial(settling.sent_by, connection, number))

    @contextmanager
    def _telling(self, sent: Sent) -> Iterator[None]:
        """Let an outbox that can't be read be a problem, and stop nothing else."""
        try:
            yield
        except DeliveryError as error:
            sent.problems.append(str(error))
            log.error("staged mail stays where it is", reason=str(error))

    def open_ready(self) -> None:
        """Open the ledgers; the rows and the issue's new state are kept together or not at all.

        An issue waits until its page is on the web: every mail points to it.
        """
        with self._database.reading() as connection:
            if not issues.in_state(connection, State.READY):
                return
        now = self._clock.now()
        with self._database.writing() as connection:
            pageless = issues.pageless(connection)
            for issue in issues.in_state(connection, State.READY):
                if self._settings.edition(issue.newsletter, issue.language) is None:
                    issues.move(
                        connection, issue, State.CANCELLED, reason=NO_EDITION, finished_at=now
                    )
                elif issue.id not in pageless:
                    languages = served(connection, self._settings, issue)
                    readers = opening.open_ledger(connection, issue, languages, now)
                    issues.move(connection, issue, State.SENDING)
                    log.info("sending", issue=issue.name, readers=readers)

    def send(self, bindery: _Bindery, sent: Sent, progress: Progress | None) -> None:
        """Send what is due now; raises PublisherError when something stands in the way."""
        jobs = self._jobs(bindery, sent)
        with self._database.reading() as connection:
            most = self._transport.connections
            due = claiming.due(connection, [*jobs], self._clock.now(), most)
        if not due:
            return
        from publisher.delivery.rates import Rates

        desk = Desk(min(due, most), self._transport.promised)
        with enlisted(self._settings, self._database, self._transport, self._timer) as place:
            clerk = Clerk(
                sender=place.number,
                transport=self._transport,
                jobs=jobs,
                desk=desk,
                rates=Rates(self._settings.delivery, self._transport.name),
                clock=self._clock,
                timer=self._timer,
            )
            board = Board(self._database, jobs, clerk, progress)
            run = Run(self._database, self._transport, clerk, desk, board.tell)
            try:
                run.run(desk.size, lambda claim: jobs[claim.issue_id].parcel(claim), place)
                self._note_rates(jobs, clerk.held_by)
                board.tell_the_end()
            except Unreachable as error:
                self._note(jobs, error)
                raise
            finally:
                sent.messages += clerk.accepted

    def _jobs(self, bindery: _Bindery, sent: Sent) -> dict[int, Job]:
        """Compile every issue of which something is due; one that can't be stops no other."""
        jobs = {}
        for issue in self._due_issues():
            try:
                jobs[issue.id] = bindery.job(issue)
            except PublisherError as error:
                sent.problems.append(f"{issue.name}: {error}")
                log.error("issue can't be sent", issue=issue.name, reason=str(error))
        return jobs

    def _due_issues(self) -> list[Issue]:
        now = self._clock.now()
        with self._database.reading() as connection:
            being_sent = issues.in_state(connection, State.SENDING)
        repeating = [one for one in being_sent if self._terms(one).in_doubt is InDoubt.RESEND]
        if repeating:
            with self._database.writing() as connection:
                for issue in repeating:
                    doubts.repeat(connection, issue, MOST_REPEATS, now)
        with self._database.reading() as connection:
            return [one for one in being_sent if claiming.due(connection, [one.id], now, 1)]

    def _terms(self, issue: Issue) -> Terms:
        return terms_of(self._settings, issue)

    def _note(self, jobs: Mapping[int, Job], error: Unreachable) -> None:
        """Say at each issue what stands in its way; where only a person can help, stop it."""
        now = self._clock.now()
        with self._database.writing() as connection:
            for issue in issues.in_state(connection, State.SENDING):
                if issue.id not in jobs:
                    continue
                if error.is_final:
                    stopping.pause(connection, issue, str(error), now)
                else:
                    issues.note(connection, issue, f"waiting: {error}")

    def _note_rates(self, jobs: Mapping[int, Job], held_by: Sequence[str]) -> None:
        """Say at each issue that is not done what rate it waits for, and nothing else."""
        reason = f"waiting: {', '.join(held_by)}" if held_by else None
        with self._database.writing() as connection:
            for issue in issues.in_state(connection, State.SENDING):
                if issue.id in jobs and issue.reason != reason:
                    issues.note(connection, issue, reason)

    def finish(self, sent: Sent) -> None:
        """End the issues of which nothing is left to be done."""
        with self._database.reading() as connection:
            if not issues.in_state(connection, State.SENDING):
                return
        now = self._clock.now()
        with self._database.writing() as connection:
            for issue in issues.in_state(connection, State.SENDING):
                # Another process may have found a dead sender since this turn began.
                if self._terms(issue).in_doubt is InDoubt.RESEND:
                    doubts.repeat(connection, issue, MOST_REPEATS, now)
                if ended := stopping.finish(connection, issue, now):
                    sent.issues.append(issue.name)
                    log.info("issue sent", issue=issue.name, state=ended.state)
