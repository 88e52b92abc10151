"""List an issue's deliveries, and decide those that are in doubt."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import structlog
from sqlalchemy import Connection

from publisher.app.editing_state import Actor, EditingState, Permission
from publisher.app.issue_control import changing_issue
from publisher.app.issues import require_issue, require_rows
from publisher.app.postfix_log import LoggedResult, read_postfix_log
from publisher.bounces.diagnosis import MAX_DIAGNOSTIC, diagnose_refusal
from publisher.config import Settings
from publisher.database import Database
from publisher.delivery.causes import CAUSES
from publisher.delivery.ledger import doubts, retries
from publisher.delivery.ledger.doubts import Doubt
from publisher.delivery.ledger.reports import DeliveryRecord, list_deliveries
from publisher.delivery.ledger.retries import RETRY_PERIOD, RETRYABLE_STATES
from publisher.delivery.states import DeliveryState
from publisher.errors import IssueError, UsageError
from publisher.issues.model import Issue
from publisher.mail.message_header import message_id_local_part
from publisher.secret_fingerprint import secret_adopted_at
from publisher.secret_key import load_secret

# What callers import, with the values of other packages that they get.
__all__ = [
    "DeliveryRecord",
    "Doubt",
    "DoubtChoice",
    "DoubtDecision",
    "RetryDecision",
    "decide_doubts",
    "delivery_pages",
    "list_in_doubt",
    "reconcile_doubts",
    "retry_deliveries",
]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class DoubtChoice:
    """Which deliveries in doubt are meant: those of some addresses and Message-IDs. By default all.

    Message-IDs have no angle brackets.
    """

    addresses: Sequence[str] = ()
    message_ids: Collection[str] | None = None

    @property
    def is_all(self) -> bool:
        """Whether nothing was chosen, not even by an empty list of Message-IDs."""
        return not self.addresses and self.message_ids is None


ALL_DOUBTS = DoubtChoice()


@dataclass(frozen=True, slots=True)
class DoubtDecision:
    """How many deliveries were decided, and the Message-IDs that are not in doubt."""

    count: int
    unknown: frozenset[str] = frozenset()


class ReconciledDoubts(NamedTuple):
    """How many deliveries in doubt the log has as sent and as returned, and of how many it says nothing."""

    sent: int = 0
    bounced: int = 0
    left: int = 0

    def plus(self, other: ReconciledDoubts) -> ReconciledDoubts:
        """Return the sum."""
        return ReconciledDoubts(*map(sum, zip(self, other, strict=True)))


@dataclass(frozen=True, slots=True)
class RetryDecision:
    """How many deliveries are tried again, and how many not, since nobody wants them any more."""

    count: int
    unwanted: int


def delivery_pages(
    settings: Settings, database: Database, name: str, states: Collection[DeliveryState] = ()
) -> Iterator[list[DeliveryRecord]]:
    """Yield an issue's deliveries in pages, in the order of their subscribers.

    Without states, those of subscribers who did not get it. Each page is read in a transaction
    of its own: a slow recipient of the pages blocks no writer. Raise IssueError if they were deleted.
    """
    with database.reading() as connection:
        issue = require_issue(connection, name)
        require_rows(connection, settings, issue)
    after: int | None = 0
    while after is not None:
        with database.reading() as connection:
            page = list_deliveries(connection, issue, states, after)
        if page:
            yield page
        after = page[-1].subscriber_id if page else None


def list_in_doubt(settings: Settings, database: Database) -> list[tuple[Issue, str, Doubt]]:
    """Return all deliveries in doubt, each with its issue and its Message-ID in angle brackets.

    It is empty if it may have been made with a former secret.
    """
    with database.reading() as connection:
        adopted_at = secret_adopted_at(connection)
        return [
            (issue, f"<{message_id}>" if doubt.is_of(adopted_at) else "", doubt)
            for issue in doubts.issues_in_doubt(connection)
            for message_id, doubt in _by_message_id(connection, settings, issue).items()
        ]


def decide_doubts(
    state: EditingState,
    actor: Actor,
    name: str,
    choice: DoubtChoice = ALL_DOUBTS,
    *,
    resend: bool,
) -> DoubtDecision:
    """Send deliveries in doubt again, or record them as sent.

    Sent again, some subscribers may get the mail twice, with the same Message-ID. Raise UsageError for
    an address without a delivery in doubt; then nothing is decided.
    """
    verb = "resend doubts" if resend else "mark doubts as sent"
    decide = doubts.resend_doubts if resend else doubts.mark_doubts_sent
    with changing_issue(state, actor, verb, Permission.DECIDE_DOUBTS, name) as (change, issue):
        chosen, unknown = _choose(change.connection, state.settings, issue, choice)
        count = decide(change.connection, issue, chosen, state.clock.now())
        change.details["deliveries"] = count
        return DoubtDecision(count, unknown)


def reconcile_doubts(
    state: EditingState, actor: Actor, lines: Iterable[str]
) -> ReconciledDoubts:
    """Decide deliveries in doubt of all issues by the lines of Postfix's log, exactly by Message-ID."""
    found, total = read_postfix_log(lines), ReconciledDoubts()
    with state.database.reading() as connection:
        names = [issue.name for issue in doubts.issues_in_doubt(connection)]
    for name in names:
        permission = Permission.DECIDE_DOUBTS
        with changing_issue(state, actor, "reconcile doubts", permission, name) as (
            change,
            issue,
        ):
            done = _reconcile(change.connection, state, issue, found)
            change.details.update(sent=done.sent, bounced=done.bounced, left=done.left)
        total = total.plus(done)
    return total


def _reconcile(
    connection: Connection, state: EditingState, issue: Issue, found: Mapping[str, LoggedResult]
) -> ReconciledDoubts:
    listed, now = _by_message_id(connection, state.settings, issue), state.clock.now()
    known = [(listed[one], found[one]) for one in listed.keys() & found.keys()]
    sent = [doubt.subscriber_id for doubt, result in known if result.is_sent]
    marked = doubts.mark_doubts_sent(connection, issue, sent, now)
    bounced = 0
    for doubt, result in known:
        if not result.is_sent:
            cause = diagnose_refusal(result.status, result.words).cause
            given = (issue, doubt.subscriber_id, cause.key, result.words[:MAX_DIAGNOSTIC], now)
            bounced += doubts.mark_doubt_bounced(connection, *given)
    return ReconciledDoubts(marked, bounced, len(listed) - marked - bounced)


def retry_deliveries(
    state: EditingState,
    actor: Actor,
    name: str,
    states: Collection[DeliveryState] = (),
    causes: Collection[str] = (),
) -> RetryDecision:
    """Try deliveries of an issue again that have bounced or failed, with the same Message-ID.

    Without states, both; without keys of causes, all. Raise UsageError for another state or an
    unknown key, and IssueError for an issue that was cancelled, or finished long ago.
    """
    for key in causes:
        if key not in CAUSES:
            raise UsageError(f"{key}: no such cause; `publisher deliveries --json` shows them")
    for wrong in {*states} - {*RETRYABLE_STATES}:
        allowed = " and ".join(RETRYABLE_STATES)
        raise UsageError(f"{wrong}: can't be tried again; only {allowed} can")
    permission, now = Permission.DECIDE_DOUBTS, state.clock.now()
    with changing_issue(state, actor, "retry deliveries", permission, name) as (change, issue):
        connection = change.connection
        end = retries.finished_at(connection, issue)
        if end is not None and now > end + RETRY_PERIOD:
            days = RETRY_PERIOD.days
            raise IssueError(
                f"{name}: was finished more than {days} days ago; it stays as it is"
            )
        chosen = states or RETRYABLE_STATES
        done = RetryDecision(*retries.retry_failed(connection, issue, chosen, causes, now))
        change.details["deliveries"] = done.count
    log.info("deliveries tried again", issue=name, count=done.count, unwanted=done.unwanted)
    return done


def _choose(
    connection: Connection, settings: Settings, issue: Issue, choice: DoubtChoice
) -> tuple[Collection[int] | None, frozenset[str]]:
    """Return the subscribers who are meant, None for all, and the Message-IDs that are not in doubt."""
    if choice.is_all:
        return None, frozenset()
    found = _by_message_id(connection, settings, issue)
    wanted = frozenset(choice.message_ids or ())
    chosen = _of_addresses(found.values(), issue, choice.addresses)
    chosen += [found[one].subscriber_id for one in wanted & found.keys()]
    return chosen, wanted - found.keys()


def _by_message_id(
    connection: Connection, settings: Settings, issue: Issue
) -> dict[str, Doubt]:
    """Return an issue's deliveries in doubt by Message-ID, without the angle brackets."""
    secret, domain = load_secret(settings), settings.publication.sender.domain
    return {
        f"{message_id_local_part(secret, issue, doubt.subscriber_id)}@{domain}": doubt
        for doubt in doubts.list_doubts(connection, issue)
    }


def _of_addresses(
    found: Collection[Doubt], issue: Issue, addresses: Sequence[str]
) -> list[int]:
    """Return the subscribers of these addresses; raise UsageError for one not in doubt."""
    known = {one.address.lower(): one.subscriber_id for one in found if one.address}
    for address in addresses:
        if address.lower() not in known:
            raise UsageError(f"{address}: nothing of {issue.name} is in doubt there")
    return [known[address.lower()] for address in addresses]
