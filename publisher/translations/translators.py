"""Which accounts get mails about what is to be translated, what came in for them, and the ledger of these mails.

Whoever has the role of a translator gets them, in the languages of that role; others who may translate
get them if they ask for it. Nobody gets what came in before the account was first looked at. A mail becomes
`attempting`, and that is committed, before it is sent. One that a killed process held is sent again, once, under
the same Message-ID. Each statement on the ledger names the state that it expects.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, delete, insert, select, update

from publisher.accounts.model import Account, Permission, Role, permitted_languages
from publisher.articles.model import ArticleStatus, Mailing, Origin
from publisher.articles.tables import article
from publisher.database.dialect.sql import upsert_by_key
from publisher.translations.listing import StoryLine, stories_by_id
from publisher.translations.model import CellState, MailState
from publisher.translations.tables import translation_source, translator, translator_mail


@dataclass(frozen=True, slots=True)
class Translator:
    """What an account chose. `wants_mail` None leaves it to the roles.

    `told_until` is up to when the account was told what came in.
    """

    account_id: int
    told_until: datetime
    wants_mail: bool | None = None


@dataclass(frozen=True, slots=True)
class ToTranslate:
    """A story that somebody should translate into a language: a new one, or one that changed."""

    story: StoryLine
    language: str
    kind: Literal["new", "changed"]


def load_translator(connection: Connection, account_id: int) -> Translator | None:
    """Return what an account chose, None if it was not looked at yet."""
    query = select(translator).where(translator.c.account_id == account_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return Translator(row.account_id, row.told_until, row.wants_mail)


def store_translator(connection: Connection, one: Translator) -> None:
    """Store what an account chose, in the place of what it chose before."""
    values = {name: getattr(one, name) for name in Translator.__dataclass_fields__}
    connection.execute(upsert_by_key(connection, translator), values)


def languages_to_mail(
    account: Account, wants_mail: bool | None, languages: Sequence[str]
) -> tuple[str, ...]:
    """Return the languages of which an account is told what came in; none if it wants no mail."""
    if account.disabled_at is not None or wants_mail is False:
        return ()
    own = [one for one in account.grants if one.role is Role.TRANSLATOR]
    grants = own or (account.grants if wants_mail else ())
    return permitted_languages(grants, Permission.TRANSLATE, languages)


def what_came_in(
    connection: Connection, languages: Sequence[str], since: datetime, now: datetime
) -> list[ToTranslate]:
    """Return what is to be translated of what came or changed in (since, now], the newest first.

    Stories that somebody has claimed or given up, and archives, are left out.
    """
    new = _new_originals(connection, since, now)
    changed = _with_changed_original(connection, languages, since, now)
    lines = stories_by_id(connection, sorted({*new, *changed}), languages, now)
    found = [one for line in lines for one in _of_story(line, new, since)]
    return sorted(
        found, key=lambda one: (one.story.published_at, one.story.story_id), reverse=True
    )


def _of_story(line: StoryLine, new: Collection[int], since: datetime) -> Iterator[ToTranslate]:
    for cell in line.cells:
        if cell.state is CellState.MISSING and line.story_id in new:
            yield ToTranslate(line, cell.language, "new")
        is_changed = cell.changed_at is not None and cell.changed_at > since
        if cell.state is CellState.STALE and is_changed:
            yield ToTranslate(line, cell.language, "changed")


def _new_originals(connection: Connection, since: datetime, now: datetime) -> set[int]:
    query = select(article.c.story_id).where(
        article.c.origin == Origin.ORIGINAL,
        article.c.status == ArticleStatus.READY,
        article.c.mailing != Mailing.ARCHIVE,
        article.c.available_at > since,
        article.c.available_at <= now,
    )
    return set(connection.execute(query).scalars())


def _with_changed_original(
    connection: Connection, languages: Sequence[str], since: datetime, now: datetime
) -> set[int]:
    query = (
        select(article.c.story_id)
        .join(translation_source, translation_source.c.article_id == article.c.id)
        .where(
            article.c.language.in_(languages),
            translation_source.c.original_changed_at > since,
            translation_source.c.original_changed_at <= now,
        )
    )
    return set(connection.execute(query).scalars())


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
