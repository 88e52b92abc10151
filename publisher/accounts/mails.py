"""What somebody with an account is told by mail: of what kind, to whom, at once or once a day.

A mail has lines by what they are about, such as "reminder": words of `templates/console/staff_mail.html`. A line is about
a language, the one `into` which a text is to be translated or its own, and goes to those who can act in it. What
is for a daily mail waits in the queue as rows of a kind of their own, which nobody sends; `queue_digests` makes mails of them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, delete, select, update

from publisher.accounts.model import Account, Permission, Role, permits
from publisher.accounts.store import list_accounts
from publisher.database import Database, retry_queue
from publisher.database.retry_queue import QueueItem, queue_item

# What a mail tells: values for the template, by what they are about.
MailLines = Mapping[str, Sequence[Mapping[str, Any]]]


class StaffMailKind(StrEnum):
    """What a mail tells somebody with an account."""

    CHANGES = "changes"
    STRUCK = "struck"
    REMINDERS = "reminders"
    HELD = "held"
    TRANSLATIONS = "translations"
    CLAIMS = "claims"
    SOURCES = "sources"


class MailTime(StrEnum):
    """When somebody is told."""

    NOW = "now"
    DAILY = "daily"
    NEVER = "never"


# Who can act on what a mail tells: whoever has one of these.
_RECIPIENTS = {
    StaffMailKind.CHANGES: (Permission.EDIT_ISSUE,),
    StaffMailKind.STRUCK: (Permission.EDIT_ISSUE, Permission.APPROVE),
    StaffMailKind.REMINDERS: (Permission.APPROVE, Permission.TRANSLATE),
    StaffMailKind.HELD: (Permission.EDIT_ISSUE, Permission.APPROVE),
    StaffMailKind.TRANSLATIONS: (Permission.TRANSLATE,),
    StaffMailKind.CLAIMS: (Permission.TRANSLATE,),
    StaffMailKind.SOURCES: (Permission.MANAGE_SOURCES,),
}
_STAFF, _FOR_DIGEST = "staff", "staff-digest"  # kinds of rows of the queue
MOST_LINES = 50  # that a mail names of a kind; further ones are in the console
_DIGEST_HOUR = 7  # of the publication's time zone
# The key of an invitation's link in what a mail is made of, and what the link is sealed for.
INVITATION_MAIL = "invitation"
STAFF_POLICY = retry_queue.QueuePolicy(
    kinds=(_STAFF,),
    delays=[timedelta(minutes=10)],
    while_unreachable=timedelta(minutes=10),
    # Then the console says more than the mail.
    give_up_after=timedelta(days=1),
    # A message is sent within minutes, or the process that sends it has ended.
    lease=timedelta(minutes=15),
    most_doubts=1,
    keep=timedelta(days=90),
)


def may_get(account: Account, kind: StaffMailKind, language: str | None) -> bool:
    """Return whether an account can act on what a mail tells of a language."""
    is_open = account.disabled_at is None
    return is_open and any(permits(account.grants, one, language) for one in _RECIPIENTS[kind])


def mail_time(account: Account, kind: StaffMailKind) -> MailTime:
    """Return when an account is told. What is to be translated is for translators, unless others ask for it."""
    is_translator = any(one.role is Role.TRANSLATOR for one in account.grants)
    asks = kind is not StaffMailKind.TRANSLATIONS or is_translator
    return MailTime(account.mails.get(kind, MailTime.NOW if asks else MailTime.NEVER))


def tell(
    connection: Connection,
    account: Account,
    kind: StaffMailKind,
    lines: MailLines,
    now: datetime,
) -> bool:
    """Tell an account at once or in its next daily mail, once this commits. Return False if nothing of it is for the account."""
    told = _readable(account, kind, lines)
    if told and mail_time(account, kind) is MailTime.NOW:
        if not _is_added(connection, account.id, told):
            enqueue_staff_mail(connection, account.id, {"lines": told}, now)
    elif told:
        content = {"kind": kind, "lines": told}
        retry_queue.enqueue(connection, _FOR_DIGEST, content, now, account_id=account.id)
    return bool(told)


def _is_added(connection: Connection, account_id: int, told: MailLines) -> bool:
    """Add lines to a mail about the same that waits and was not tried yet: hundreds of translations are one mail."""
    c = queue_item.c
    waits = (c.account_id == account_id) & (c.kind == _STAFF) & (c.state == retry_queue.PENDING)
    query = select(queue_item).where(waits, c.attempts == 0).order_by(c.id.desc()).limit(1)
    for item in retry_queue.load_items(connection, query):
        lines = item.payload.get("lines", {})
        if lines.keys() == told.keys():
            # One more than is shown says that there are others.
            both = {about: [*lines[about], *told[about]][: MOST_LINES + 1] for about in told}
            changed = update(queue_item).where(c.id == item.id, waits)
            values = {"payload": {**item.payload, "lines": both}}
            return bool(connection.execute(changed.values(values)).rowcount)
    return False


def _readable(account: Account, kind: StaffMailKind, lines: MailLines) -> dict[str, list[Any]]:
    if mail_time(account, kind) is MailTime.NEVER:
        return {}
    found = {
        about: [
            one
            for one in some
            if may_get(account, kind, one.get("into") or one.get("language"))
        ]
        for about, some in lines.items()
    }
    return {about: some for about, some in found.items() if some}


def enqueue_staff_mail(
    connection: Connection, account_id: int, content: Mapping[str, Any], now: datetime
) -> None:
    """Have a mail to somebody with an account, made of `content`, sent as soon as this transaction commits."""
    retry_queue.enqueue(connection, _STAFF, content, now, account_id=account_id)


def latest_mails(connection: Connection, account_id: int, limit: int) -> list[QueueItem]:
    c = queue_item.c
    query = select(queue_item).where(c.kind == _STAFF, c.account_id == account_id)
    return retry_queue.load_items(connection, query.order_by(c.id.desc()).limit(limit))


def queue_digests(database: Database, now: datetime, zone: ZoneInfo) -> int:
    """Queue the daily mails: what came before the last 7 o'clock, in one mail to each. Return how many."""
    morning = now.astimezone(zone).replace(hour=_DIGEST_HOUR, minute=0, second=0, microsecond=0)
    if morning > now:
        morning -= timedelta(days=1)
    came = (queue_item.c.kind == _FOR_DIGEST) & (queue_item.c.due_at < morning)
    query = select(queue_item).where(came).order_by(queue_item.c.id)
    with database.reading() as connection:
        if connection.execute(query.limit(1)).first() is None:
            return 0
    with database.writing() as connection:
        items = retry_queue.load_items(connection, query)
        accounts = [*list_accounts(connection)]
        return sum(_queue_digest(connection, one, items, morning, now) for one in accounts)


def _queue_digest(
    connection: Connection,
    account: Account,
    items: Sequence[QueueItem],
    morning: datetime,
    now: datetime,
) -> bool:
    """Make a mail of what waits for an account; what it may not read any more is dropped."""
    own = [one for one in items if one.account_id == account.id]
    lines: dict[str, list[Any]] = {}
    for item in own:
        kind = StaffMailKind(item.payload["kind"])
        for about, some in _readable(account, kind, item.payload["lines"]).items():
            lines.setdefault(about, []).extend(
                one for one in some if one not in lines.get(about, ())
            )
    # A second mail of a day is not inserted: what waits goes into the next one.
    key = f"{account.id} {morning:%F}"
    content = {"lines": lines, "is_digest": True}
    is_queued = bool(lines) and None is not retry_queue.enqueue(
        connection, _STAFF, content, now, key=key, account_id=account.id
    )
    if is_queued or not lines:
        numbers = [one.id for one in own]
        connection.execute(delete(queue_item).where(queue_item.c.id.in_(numbers)))
    return is_queued
