"""Take reports in, from mails and providers' webhooks: find what each is about, store it once, and suppress subscribers.

The message that one is about is found by our own signed marks, and by an address last. The caller answers or deletes
the mail after the commit.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from publisher.bounces import model, store
from publisher.bounces.incoming_mail import fields, is_authenticated, parse_mail, sole_sender
from publisher.bounces.model import Attribution, BounceEvent, RecipientVerdict
from publisher.bounces.report import read_report
from publisher.bounces.store import BounceScore, counts, may_suppress, score_events
from publisher.config import Settings
from publisher.delivery.ledger import lifecycle
from publisher.delivery.tables import delivery
from publisher.delivery.transports.smtp.protocol import redact_reply
from publisher.i18n.messages import counted
from publisher.issues import store as issues
from publisher.issues.model import Issue, IssueReason, IssueState
from publisher.log import log
from publisher.mail.compose import notices_of_message_ids
from publisher.mail.message import MessageNames
from publisher.mail.signed_addresses import find_link, subscribers_of_tokens
from publisher.notices.ledger import find_notice
from subscribers.audiences import load_recipients
from subscribers.changes import suppress
from subscribers.consent_records import load_events
from subscribers.errors import SubscribersError
from subscribers.model import SubscriberStatus
from subscribers.store import find_subscriber

# The local part of our Message-IDs (`mail.message`): an issue's name and a signature.
_MESSAGE_NAME = re.compile(r"(?<![\w.-])([\w-]{1,150}-\d{4}-\d{2}-\d{2})\.([0-9a-f]{24})(?=@)")
# In a page's address, or in the subject of a mail that unsubscribes.
_LINK = re.compile(r"(?:[?&]t=|unsubscribe(?:%20| ))([\w.~-]{20,400})")
_MAX_MARKS = 20  # different names and links of a mail that are looked at
# Rows of an issue whose signatures are compared if nothing but a Message-ID is known: 50 ms.
_MAX_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class _Mark:
    """A Message-ID that may be ours."""

    issue: Issue
    names: MessageNames
    name: str

    def is_of(self, subscriber_id: int) -> bool:
        return self.names.name_for(subscriber_id) == self.name


def attribute_report(
    connection: Connection, secret: str, text: str, addresses: Iterable[str]
) -> Attribution | None:
    """Return the message that a report is about. `text` may hold our marks, `addresses` name her."""
    marks = _marks(connection, secret, text)
    for evidence, subscriber_ids in (
        (model.Evidence.VERP, subscribers_of_tokens(secret, text)),
        (model.Evidence.LINK, subscribers_of_links(secret, text)),
    ):
        subscriber_id = next(iter(subscriber_ids), None)
        if subscriber_id is not None:
            own = (mark.issue.id for mark in marks if mark.is_of(subscriber_id))
            return Attribution(subscriber_id, evidence, next(own, None))
    sent = (find_notice(connection, number) for number in notices_of_message_ids(secret, text))
    notice = next(filter(None, sent), None)
    if notice is not None:
        # Mail to an address that is not hers yet, or no more, says nothing of her.
        attribution = Attribution(notice.subscriber_id, model.Evidence.MESSAGE_ID)
        return attribution if notice.has_own_address else None
    addressed = [*filter(None, (_subscriber_at(connection, a) for a in addresses))]
    for mark in marks:
        for subscriber_id in (*addressed, *_recipients(connection, mark.issue)):
            if mark.is_of(subscriber_id):
                return Attribution(subscriber_id, model.Evidence.MESSAGE_ID, mark.issue.id)
    return Attribution(addressed[0], model.Evidence.ADDRESS) if addressed else None


def _marks(connection: Connection, secret: str, text: str) -> Sequence[_Mark]:
    names = dict.fromkeys(_MESSAGE_NAME.findall(text))
    marks = []
    for name, signature in [*names][:_MAX_MARKS]:
        issue = issues.issue_by_name(connection, name)
        if issue is not None:
            marks.append(_Mark(issue, MessageNames(secret, issue), f"{name}.{signature}"))
    return marks


def subscribers_of_links(secret: str, text: str) -> Iterator[int]:
    for value in [*dict.fromkeys(_LINK.findall(text))][:_MAX_MARKS]:
        if link := find_link(secret, "unsubscribe", value):
            yield link.subscriber_id


def _subscriber_at(connection: Connection, address: str) -> int | None:
    try:
        person = find_subscriber(connection, address)
    except SubscribersError:
        return None
    return person.id if person else None


def _recipients(connection: Connection, issue: Issue) -> Sequence[int]:
    ids = connection.execute(
        select(delivery.c.subscriber_id)
        .where(delivery.c.issue_id == issue.id)
        .order_by(delivery.c.subscriber_id)
        .limit(_MAX_ROWS)
    )
    return ids.scalars().all()


MAX_DIAGNOSTIC_STORED = 300  # characters of the server's words that are stored
_MAX_AGE = timedelta(days=30)  # a report's own date counts within this time before it came in
# An issue is paused when more than this share of its answers of an hour blame us,
_MAX_BLOCKED_SHARE = 0.05
_SHARE_PERIOD = timedelta(hours=1)
# and there are so many that it is no coincidence. Counted again after as many more.
_MIN_BLOCKED = 10
_OPEN = frozenset({SubscriberStatus.ACTIVE, SubscriberStatus.PENDING})
_REVIVABLE = frozenset({SubscriberStatus.BOUNCED, SubscriberStatus.UNSUBSCRIBED})


def receive_bounce(  # what the mailbox has
    connection: Connection,
    settings: Settings,
    secret: str,
    raw: bytes,
    now: datetime,
    source: str,
) -> None:
    """Read a mail about another mail and store what it says. The same mail again changes nothing."""
    report = read_report(raw)
    verdicts = report.recipients or (RecipientVerdict("", model.BounceKind.UNKNOWN),)
    addresses = [one.address for one in verdicts if one.address]
    origin = attribute_report(connection, secret, report.identifiers, addresses)
    if origin and report.mail is model.MailKind.COMPLAINT and _is_from_loop(settings, raw):
        origin = replace(origin, evidence=model.Evidence.PROVIDER)
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
    receive_event(connection, event, origin, now)


def _is_from_loop(settings: Settings, raw: bytes) -> bool:
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
) -> None:
    if origin is not None:
        event = replace(event, **asdict(origin))
    if not store.add_event(connection, event):
        return
    if event.subscriber_id is None:
        store.delete_old_unknown(connection, now)
    log.info("bounce received", kind=event.kind, cause=event.cause, source=event.source)
    if event.kind is model.BounceKind.BLOCKED and event.evidence is not model.Evidence.ADDRESS:
        _pause_if_blocked(connection, event, now)
    if event.subscriber_id is not None and counts(event):
        _apply_score(connection, event.subscriber_id, now)


def _verdict_about(
    connection: Connection, origin: Attribution | None, verdicts: Iterable[RecipientVerdict]
) -> RecipientVerdict:
    """Return the verdict about the subscriber. One about another address is of forwarded mail: her mailbox is not dead."""
    first, *others = verdicts
    if origin is None:
        return first
    address = next(
        (one.address.lower() for one in load_recipients(connection, [origin.subscriber_id])), ""
    )
    hers = next((one for one in (first, *others) if one.address.lower() == address), None)
    if hers is not None:
        return hers
    is_other = bool(first.address) and first.kind is model.BounceKind.DEAD
    return replace(first, kind=model.BounceKind.SOFT) if is_other else first


def bounded_instant(stated: datetime | None, now: datetime) -> datetime:
    """Return when something happened, as a report states it; now, if that can't be."""
    return stated if stated is not None and now - _MAX_AGE <= stated <= now else now


def _apply_score(connection: Connection, subscriber_id: int, now: datetime) -> None:
    events = store.events_of(connection, subscriber_id)
    if not may_suppress(events):
        return
    status = score_of(connection, subscriber_id, events, now).status
    recipients = load_recipients(connection, [subscriber_id])
    if status is not None and recipients:
        note = f"{events[-1].kind}: {events[-1].cause or 'reported'}"
        suppress(connection, recipients[0].address, status, now, note=note)


def score_of(
    connection: Connection, subscriber_id: int, events: Sequence[BounceEvent], now: datetime
) -> BounceScore:
    """Return what a subscriber's events add up to, since a bounce or a leaving was last undone."""
    revived = [
        event.at
        for event in load_events(connection, subscriber_id)
        if event.newsletter is None and event.before in _REVIVABLE and event.after in _OPEN
    ]
    counted = [event for event in events if not revived or event.received_at > revived[-1]]
    if not counted:
        return BounceScore()
    since = min(event.at for event in counted)
    return score_events(counted, store.accepted_since(connection, subscriber_id, since), now)


def _pause_if_blocked(connection: Connection, event: BounceEvent, now: datetime) -> None:
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
