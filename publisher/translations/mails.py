"""The ledger of mails to translators.

A mail becomes `attempting`, and that is committed, before it is sent. One that a killed process held is
sent again, once, under the same Message-ID. Each statement names the state that it expects.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from publisher.translations.model import MailState
from publisher.translations.tables import translator_mail

_IS_OPEN = translator_mail.c.state.in_([MailState.PENDING, MailState.ATTEMPTING])


@dataclass(frozen=True, slots=True)
class TranslatorMail:
    """A row. `content` is what the mail is made from."""

    id: int
    account_id: int
    state: MailState
    content: dict[str, Any]
    due_at: datetime
    next_at: datetime
    attempts: int
    was_resent: bool
    reason: str | None


def enqueue_mail(
    connection: Connection, account_id: int, content: dict[str, Any], now: datetime
) -> None:
    """Have a mail sent as soon as this transaction commits."""
    times = {"due_at": now, "next_at": now, "changed_at": now}
    values = {"account_id": account_id, "content": content, "state": MailState.PENDING}
    connection.execute(insert(translator_mail).values(**values, **times, was_resent=False))


def has_due_mail(connection: Connection, now: datetime) -> bool:
    """Return whether a mail is due, or was left by a process that ended."""
    query = select(translator_mail.c.id).where(_IS_OPEN, translator_mail.c.next_at <= now)
    return connection.execute(query.limit(1)).first() is not None


def reserve_mail(
    connection: Connection, now: datetime, until: datetime
) -> TranslatorMail | None:
    """Make the next due mail `attempting`, and return it.

    What is still `attempting` after `until` was left by a process that ended: it is due then. Call it in
    a transaction that writes. A mail that was resent already is not sent a third time.
    """
    due = _IS_OPEN & (translator_mail.c.next_at <= now)
    lost = (translator_mail.c.state == MailState.ATTEMPTING) & translator_mail.c.was_resent
    ended = update(translator_mail).where(due, lost)
    reason = "the process that sent it ended twice"
    connection.execute(
        ended.values(state=MailState.FAILED, content={}, reason=reason, changed_at=now)
    )
    order = translator_mail.c.next_at, translator_mail.c.id
    query = select(translator_mail).where(due).order_by(*order).limit(1)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    is_again = row.state == MailState.ATTEMPTING
    values = {"attempts": row.attempts + 1, "was_resent": row.was_resent or is_again}
    here = update(translator_mail).where(translator_mail.c.id == row.id)
    connection.execute(
        here.values(state=MailState.ATTEMPTING, next_at=until, changed_at=now, **values)
    )
    return _mail(row, **values)


def settle_mail(
    connection: Connection,
    mail: TranslatorMail,
    now: datetime,
    *,
    next_at: datetime | None = None,
    reason: str | None = None,
    was_resent: bool = False,
) -> None:
    """Store what became of a mail: sent; or not, for a reason, and tried again if `next_at` is given."""
    state = MailState.FAILED if reason else MailState.SENT
    values: dict[str, Any] = {"state": state, "content": {}, "reason": reason}
    if next_at is not None:
        values = {"state": MailState.PENDING, "next_at": next_at, "reason": reason}
        values["was_resent"] = mail.was_resent or was_resent
    ours = translator_mail.c.attempts == mail.attempts
    here = update(translator_mail).where(
        translator_mail.c.id == mail.id, ours, translator_mail.c.state == MailState.ATTEMPTING
    )
    connection.execute(here.values(**values, changed_at=now))


def latest_mails(connection: Connection, account_id: int, limit: int) -> list[TranslatorMail]:
    """Return the latest mails of an account, the newest first."""
    query = select(translator_mail).where(translator_mail.c.account_id == account_id)
    rows = connection.execute(query.order_by(translator_mail.c.id.desc()).limit(limit))
    return [_mail(row) for row in rows]


def delete_settled(connection: Connection, before: datetime) -> None:
    """Delete the mails that ended before an instant."""
    is_old = translator_mail.c.changed_at < before
    connection.execute(delete(translator_mail).where(~_IS_OPEN, is_old))


def _mail(row: Any, **changes: Any) -> TranslatorMail:
    values = {name: getattr(row, name) for name in TranslatorMail.__dataclass_fields__}
    return TranslatorMail(**values | {"state": MailState(row.state)} | changes)
