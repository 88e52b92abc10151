"""Which accounts get mails about what is to be translated, and what came in for them.

Nobody gets what came in before the account was first looked at.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, select

from publisher.accounts.mails import MailTime, StaffMailKind, mail_time
from publisher.accounts.model import Account, Permission, Role, permitted_languages
from publisher.articles.model import ArticleStatus, Mailing, Origin
from publisher.articles.tables import article
from publisher.database.dialect.sql import upsert_by_key
from publisher.translations.listing import StoryLine, stories_by_id
from publisher.translations.model import CellState
from publisher.translations.tables import translation_source, translator


@dataclass(frozen=True, slots=True)
class ToTranslate:
    """A story that somebody should translate into a language: a new one, or one that changed."""

    story: StoryLine
    language: str
    kind: Literal["new", "changed"]


def notified_until(connection: Connection, account_id: int) -> datetime | None:
    """Return up to when an account was told what came in, None if it was not looked at yet."""
    query = select(translator.c.told_until).where(translator.c.account_id == account_id)
    return connection.execute(query).scalar()


def set_notified_until(connection: Connection, account_id: int, now: datetime) -> None:
    row = {"account_id": account_id, "told_until": now}
    connection.execute(upsert_by_key(connection, translator), row)


def languages_to_mail(account: Account, languages: Sequence[str]) -> tuple[str, ...]:
    """Return the languages of which an account is told what came in: those of its role as a translator, if it has one."""
    wants = mail_time(account, StaffMailKind.TRANSLATIONS) is not MailTime.NEVER
    if account.disabled_at is not None or not wants:
        return ()
    own = [one for one in account.grants if one.role is Role.TRANSLATOR]
    return permitted_languages(own or account.grants, Permission.TRANSLATE, languages)


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
