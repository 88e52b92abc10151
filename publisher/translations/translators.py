"""Which accounts get mails about what is to be translated, what came in for them, and these mails in the queue.

Whoever has the role of a translator gets them, in the languages of that role; others who may translate
get them if they ask for it. Nobody gets what came in before the account was first looked at.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, select

from publisher.accounts.model import Account, Permission, Role, permitted_languages
from publisher.articles.model import ArticleStatus, Mailing, Origin
from publisher.articles.tables import article
from publisher.database import retry_queue
from publisher.database.dialect.sql import upsert_by_key
from publisher.translations.listing import StoryLine, stories_by_id
from publisher.translations.model import CellState
from publisher.translations.tables import translation_source, translator


@dataclass(frozen=True, slots=True)
class Translator:
    """What an account chose: `wants_mail` None is as its roles say; it was told what came in up to `told_until`."""

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
    row = connection.execute(query).mappings().one_or_none()
    return Translator(**row) if row else None


def store_translator(connection: Connection, one: Translator) -> None:
    connection.execute(upsert_by_key(connection, translator), asdict(one))


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


_KIND = "staff"
# The key of an invitation's link in what a mail is made of, and what the link is sealed for.
INVITATION_MAIL = "invitation"
STAFF_POLICY = retry_queue.QueuePolicy(
    kinds=(_KIND,),
    delays=[timedelta(minutes=10)],
    while_unreachable=timedelta(minutes=10),
    # Then the list of translations says more than the mail.
    give_up_after=timedelta(days=1),
    # A message is sent within minutes, or the process that sends it has ended.
    lease=timedelta(minutes=15),
    most_doubts=1,
    keep=timedelta(days=90),
)


def enqueue_staff_mail(
    connection: Connection, account_id: int, content: Mapping[str, Any], now: datetime
) -> None:
    """Have a mail to somebody with an account, made of `content`, sent as soon as this transaction commits."""
    retry_queue.enqueue(connection, _KIND, content, now, account_id=account_id)


def latest_mails(
    connection: Connection, account_id: int, limit: int
) -> list[retry_queue.QueueItem]:
    c = retry_queue.queue_item.c
    query = select(retry_queue.queue_item).where(c.kind == _KIND, c.account_id == account_id)
    return retry_queue.load_items(connection, query.order_by(c.id.desc()).limit(limit))
