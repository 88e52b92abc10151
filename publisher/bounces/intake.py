"""Take reports in: store each once, and suppress the subscribers whom they are about.

The transaction belongs to the caller, who answers or deletes the mail after its commit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from publisher.bounces import store
from publisher.bounces.attribution import attribute_report
from publisher.bounces.authentication import is_authenticated, sole_sender
from publisher.bounces.incoming_mail import fields, parse_mail
from publisher.bounces.model import (
    Attribution,
    BounceEvent,
    BounceKind,
    Evidence,
    MailKind,
    RecipientVerdict,
)
from publisher.bounces.report import read_report
from publisher.bounces.scoring import BounceScore, counts, may_suppress, score_events
from publisher.config import Settings
from publisher.delivery.ledger import lifecycle
from publisher.delivery.transports.smtp.redact import redact_reply
from publisher.issues import store as issues
from publisher.issues.model import IssueReason, IssueState
from publisher.messages import counted
from subscribers import (
    SubscriberStatus,
    load_recipients,
    suppress,
)
from subscribers.history import load_events

log = structlog.get_logger()

# Characters of the server's words that are stored.
MAX_DIAGNOSTIC_STORED = 300
# A report's own date counts within this time before it came in.
_MAX_AGE = timedelta(days=30)
# An issue is paused when more than this share of its answers of an hour blame us,
_MAX_BLOCKED_SHARE = 0.05
_SHARE_PERIOD = timedelta(hours=1)
# and there are so many that it is no coincidence. Counted again after as many more.
_MIN_BLOCKED = 10
_OPEN = frozenset({SubscriberStatus.ACTIVE, SubscriberStatus.PENDING})
_REVIVABLE = frozenset({SubscriberStatus.BOUNCED, SubscriberStatus.UNSUBSCRIBED})


@dataclass(frozen=True, slots=True)
class BounceReceipt:
    """What became of a report."""

    mail: MailKind
    kind: BounceKind
    # Whether it was not stored before.
    is_new: bool = False
    subscriber_id: int | None = None
    # The status that the subscriber got by it.
    suppressed: SubscriberStatus | None = None


def receive_bounce(  # what the mailbox has
    connection: Connection,
    settings: Settings,
    secret: str,
    raw: bytes,
    now: datetime,
    source: str,
) -> BounceReceipt:
    """Read a mail about another mail and store what it says. The same mail again changes nothing."""
    report = read_report(raw)
    verdicts = report.recipients or (RecipientVerdict("", BounceKind.UNKNOWN),)
    addresses = [one.address for one in verdicts if one.address]
    origin = attribute_report(connection, secret, report.identifiers, addresses)
    if origin and report.mail is MailKind.COMPLAINT and _is_from_loop(settings, raw):
        origin = replace(origin, evidence=Evidence.PROVIDER)
    verdict = _verdict_about(connection, origin, verdicts)
    event = BounceEvent(
        source=source,
        source_id=hashlib.sha256(raw).hexdigest(),
        kind=verdict.kind,
        at=bounded_instant(report.at, now),
        received_at=now,
        cause=verdict.cause.key if verdict.cause else None,
        status=verdict.status,
        diagnostic=redact_reply(verdict.diagnostic, verdict.address, MAX_DIAGNOSTIC_STORED),
    )
    return replace(receive_event(connection, event, origin, now), mail=report.mail)


def _is_from_loop(settings: Settings, raw: bytes) -> bool:
    """Return whether a mail comes from a feedback loop of the settings, as our mail server found."""
    box = settings.mailbox
    if box is None or not box.feedback_loops:
        return False
    message = parse_mail(raw)
    # The address, too: a provider signs the mail of its users with a domain above that of its loop.
    domain = sole_sender(fields(message, "From")).rpartition("@")[2].lower()
    results = fields(message, "Authentication-Results")
    return domain in box.feedback_loops and is_authenticated(results, box.authserv_id, domain)


def receive_event(
    connection: Connection, event: BounceEvent, origin: Attribution | None, now: datetime
) -> BounceReceipt:
    """Store an event about a message, once, and act on it."""
    if origin is not None:
        event = replace(
            event,
            subscriber_id=origin.subscriber_id,
            issue_id=origin.issue_id,
            evidence=origin.evidence,
        )
    is_new = store.add_event(connection, event)
    receipt = BounceReceipt(MailKind.BOUNCE, event.kind, is_new, event.subscriber_id)
    if not is_new:
        return receipt
    if event.subscriber_id is None:
        store.delete_old_unknown(connection, now)
    log.info("bounce received", kind=event.kind, cause=event.cause, source=event.source)
    if event.kind is BounceKind.BLOCKED and event.evidence is not Evidence.ADDRESS:
        _pause_if_blocked(connection, event, now)
    if event.subscriber_id is None or not counts(event):
        return receipt
    return replace(receipt, suppressed=_apply_score(connection, event.subscriber_id, now))


def _verdict_about(
    connection: Connection, origin: Attribution | None, verdicts: Iterable[RecipientVerdict]
) -> RecipientVerdict:
    """Return the verdict about the subscriber.

    If the report names another address, her mail was forwarded: that mailbox is dead, not hers.
    """
    first, *others = verdicts
    if origin is None:
        return first
    address = next(
        (one.address.lower() for one in load_recipients(connection, [origin.subscriber_id])), ""
    )
    hers = next((one for one in (first, *others) if one.address.lower() == address), None)
    if hers is not None:
        return hers
    is_other = bool(first.address) and first.kind is BounceKind.DEAD
    return replace(first, kind=BounceKind.SOFT) if is_other else first


def bounded_instant(stated: datetime | None, now: datetime) -> datetime:
    """Return when something happened, as a report states it; now, if that can't be."""
    return stated if stated is not None and now - _MAX_AGE <= stated <= now else now


def _apply_score(
    connection: Connection, subscriber_id: int, now: datetime
) -> SubscriberStatus | None:
    """Suppress a subscriber whose events add up to it. Return the new status."""
    events = store.events_of(connection, subscriber_id)
    if not may_suppress(events):
        return None
    score = score_of(connection, subscriber_id, events, now)
    recipients = load_recipients(connection, [subscriber_id])
    if score.status is None or not recipients:
        return None
    note = f"{events[-1].kind}: {events[-1].cause or 'reported'}"
    changed = suppress(connection, recipients[0].address, score.status, now, note=note)
    return score.status if changed else None


def score_of(
    connection: Connection, subscriber_id: int, events: Sequence[BounceEvent], now: datetime
) -> BounceScore:
    """Return what a subscriber's events add up to, since a bounce or a leaving was last undone."""
    revived = [
        one.at
        for one in load_events(connection, subscriber_id)
        if one.newsletter is None and one.before in _REVIVABLE and one.after in _OPEN
    ]
    counted = [one for one in events if not revived or one.received_at > revived[-1]]
    if not counted:
        return BounceScore()
    since = min(one.at for one in counted)
    return score_events(counted, store.accepted_since(connection, subscriber_id, since), now)


def _pause_if_blocked(connection: Connection, event: BounceEvent, now: datetime) -> None:
    """Pause an issue whose messages are refused because of us, while it is being sent."""
    if event.issue_id is None:
        return
    (issue,) = issues.issues_by_ids(connection, [event.issue_id])
    if issue.state is not IssueState.SENDING:
        return
    blocked, answered = store.blocked_share(connection, issue.id, now - _SHARE_PERIOD)
    if blocked < _MIN_BLOCKED or blocked <= _MAX_BLOCKED_SHARE * answered:
        return
    reason = counted(
        "%(blocked)s of %(count)s message of the last hour was refused because of us",
        "%(blocked)s of %(count)s messages of the last hour were refused because of us",
        answered,
        blocked=blocked,
    )
    lifecycle.pause_issue(connection, issue, reason, now, IssueReason.BLOCKED)
    log.warning("issue paused", issue=issue.name, reason=reason)
