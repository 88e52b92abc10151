"""SEND: opens the ledger of issues that are ready, and works through it portion by portion.

Knows neither how messages are composed nor where they go; the ledger is the only truth of what
is done, so a new start goes on where the old one ended.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.errors import MessageError
from functools import partial

import structlog
from sqlalchemy import Connection

from publisher.composing import Letter, Message, compose
from publisher.config import Settings
from publisher.database import Database
from publisher.delivery import ledger
from publisher.delivery.tables import DeliveryState
from publisher.delivery.transports import Transport
from publisher.errors import DeliveryError, PublisherError
from publisher.issues import store as issues
from publisher.issues.life import NO_EDITION, State
from publisher.issues.model import Issue
from publisher.languages import match
from subscribers import Recipient, languages_of, recipients

log = structlog.get_logger()

# Small enough that a kill repeats little work, large enough that commits cost little.
PORTION = 200

Progress = Callable[[str, int, int], None]


@dataclass(slots=True)
class Sent:
    """What a turn of delivery came to."""

    messages: int = 0
    issues: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def deliver(
    settings: Settings,
    database: Database,
    transport: Transport,
    secret: str,
    now: datetime,
    progress: Progress | None = None,
) -> Sent:
    """Send every issue that is ready or being sent, to its end; must be alone on the publication."""
    sent = Sent()
    with database.writing() as connection:
        ledger.take_back(connection, now, all_of_them=True)
    for issue in _open_ready(settings, database, now):
        try:
            _Run(settings, database, transport, secret, issue, now).run(sent, progress)
        except PublisherError as error:
            sent.problems.append(f"{issue.name}: {error}")
            log.error("delivery stopped", issue=issue.name, reason=str(error))
    return sent


def _open_ready(settings: Settings, database: Database, now: datetime) -> list[Issue]:
    """Open the ledgers; the rows and the issue's new state are kept together or not at all.

    An issue waits until its page is on the web: every mail points to it.
    """
    with database.writing() as connection:
        pageless = issues.pageless(connection)
        for issue in issues.in_state(connection, State.READY):
            if settings.edition(issue.newsletter, issue.language) is None:
                issues.move(
                    connection, issue, State.CANCELLED, reason=NO_EDITION, finished_at=now
                )
                continue
            if issue.id in pageless:
                continue
            languages = served(connection, settings, issue)
            readers = ledger.open_ledger(connection, issue, languages, now)
            issues.move(connection, issue, State.SENDING)
            log.info("sending", issue=issue.name, readers=readers)
        return issues.in_state(connection, State.SENDING)


def served(connection: Connection, settings: Settings, issue: Issue) -> list[str]:
    """List the readers' language tags that get this issue, rather than one of its sisters."""
    newsletter = settings.newsletter(issue.newsletter)
    editions = [e.language for e in settings.editions(newsletter)] if newsletter else []
    tags = languages_of(connection, issue.newsletter)
    return [tag for tag in tags if match(tag, editions) == issue.language]


class _Run:
    """One issue on its way out."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        transport: Transport,
        secret: str,
        issue: Issue,
        now: datetime,
    ) -> None:
        self._database = database
        self._transport = transport
        self._secret = secret
        self._issue = issue
        self._now = now
        self._folder = f"{issue.newsletter}/{issue.language}/{issue.day}"
        self._letter = self._load(settings)

    def _load(self, settings: Settings) -> Letter:
        with self._database.reading() as connection:
            digest = issues.digest_of(connection, self._issue)
        return Letter(
            publication=settings.publication,
            issue=self._issue,
            subject=digest.subject,
            html=digest.html,
            text=digest.text,
            date=self._issue.assembled_at or self._issue.due_at,
        )

    def run(self, sent: Sent, progress: Progress | None) -> None:
        """Send portion by portion until none is left."""
        with self._database.writing() as connection:
            ledger.suppress_unwanted(connection, self._issue, self._now)
            count = ledger.counts(connection, [self._issue.id])[self._issue.id]
        total, done = sum(count.values()), sum(count.values()) - ledger.waiting(count)
        while moved := self._portion(sent):
            done += moved
            if progress:
                progress(self._issue.name, done, total)
        self._finish(sent)

    def _portion(self, sent: Sent) -> int:
        """Write one portion; gives how many readers it was for."""
        with self._database.writing() as connection:
            claims = ledger.claim(connection, self._issue, self._now, PORTION)
            readers = recipients(connection, claims)
        messages, refused = self._compose(readers)
        self._transport.take(messages, self._folder)
        done = {message.subscriber_id: claims[message.subscriber_id] for message in messages}
        with self._database.writing() as connection:
            settle = partial(ledger.settle, connection, self._issue, now=self._now)
            settle(done, DeliveryState.SENT)
            for number, reason in refused.items():
                settle({number: claims[number]}, DeliveryState.FAILED, reason=reason)
        sent.messages += len(messages)
        return len(claims)

    def _compose(self, readers: Sequence[Recipient]) -> tuple[list[Message], dict[int, str]]:
        """Write the messages; a reader to whom none can be written does not stop the others."""
        messages: list[Message] = []
        refused: dict[int, str] = {}
        for reader in readers:
            try:
                messages.append(compose(self._letter, reader, self._secret))
            except (DeliveryError, ValueError, MessageError) as error:
                refused[reader.id] = f"no message can be written: {error}"
                log.error("reader left out", subscriber=reader.id, reason=str(error))
        return messages, refused

    def _finish(self, sent: Sent) -> None:
        with self._database.writing() as connection:
            ledger.suppress_unwanted(connection, self._issue, self._now)
            count = ledger.counts(connection, [self._issue.id])[self._issue.id]
            if ledger.waiting(count):
                return
            issues.move(connection, self._issue, outcome(count), finished_at=self._now)
        sent.issues.append(self._issue.name)
        log.info("issue sent", issue=self._issue.name, **count)


def outcome(count: dict[str, int]) -> State:
    """Say what an issue came to, from the counts of its ledger and nothing else."""
    good = count.get(DeliveryState.SENT, 0)
    bad = sum(
        count.get(state, 0)
        for state in (DeliveryState.BOUNCED, DeliveryState.FAILED, DeliveryState.IN_DOUBT)
    )
    if not bad:
        return State.SENT
    return State.PARTIAL if good else State.FAILED
