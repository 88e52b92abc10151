"""The rows of an issue's variants that are not rendered yet: they are not due, and given up if that fails for too long.

Mails that have not been sent leave withdrawn articles out: their rows move to a new variant of the issue without
them. A row that is being attempted is left, and moves if it comes back unsent.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from publisher import urls
from publisher.articles.model import ArticleStatus
from publisher.articles.tables import article, story
from publisher.config import Publication
from publisher.delivery.causes import (
    ARTICLES_WITHDRAWN,
    VARIANT_NOT_MADE,
    VARIANT_REJECTED,
    Cause,
)
from publisher.delivery.ledger.already_sent import owe_left_out
from publisher.delivery.ledger.claims import NEW_EPOCH, in_states, moving
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
from publisher.i18n.messages import joined, message
from publisher.issues.digests import REPLACEMENT, IssueVariant, add_replacement
from publisher.issues.model import Issue
from publisher.issues.tables import (
    digest_table,
    issue_article_table,
    issue_variant_article_table,
    issue_variant_table,
)

# When a row is due whose mail can't be sent yet: never.
NOT_RENDERED = datetime(9999, 12, 31, tzinfo=UTC)

_COLUMNS = issue_variant_table.c["id", "issue_id", "length", "more"]


def waiting_variants(connection: sa.Connection, issues: Collection[int]) -> list[IssueVariant]:
    query = sa.select(*_COLUMNS).where(
        issue_variant_table.c.issue_id.in_(issues),
        issue_variant_table.c.sha256.is_(None),
        sa.exists().where(_waits_for(issue_variant_table.c.id)),
    )
    rows = connection.execute(query.order_by(issue_variant_table.c.id))
    return [IssueVariant(*row) for row in rows]


def release_variant(connection: sa.Connection, variant: IssueVariant) -> None:
    rows = sa.update(delivery).where(_waits_for(variant.id))
    connection.execute(rows.values(next_at=delivery.c.due_at))


def cancel_variant(
    connection: sa.Connection, issue: Issue, variant: IssueVariant, cause: Cause, now: datetime
) -> None:
    owe_left_out(connection, issue, _waits_for(variant.id), now)
    waiting = _waits_for(variant.id)
    connection.execute(moving(waiting, DeliveryState.CANCELLED, now, reason_key=cause.key))


def give_up_variant(
    connection: sa.Connection,
    issue: Issue,
    variant: IssueVariant,
    why: tuple[Cause, str],
    now: datetime,
    give_up_after: timedelta,
) -> None:
    """Mark the rows of a variant as failed, for `why`, that have been due for so long."""
    cause, words = why
    late = _waits_for(variant.id) & (delivery.c.due_at <= now - give_up_after)
    owe_left_out(connection, issue, late, now)
    failed = moving(late, DeliveryState.FAILED, now, reason_key=cause.key, reason=words)
    connection.execute(failed)


def when_due(now: datetime) -> sa.ColumnElement[datetime]:
    """Return when a row is due that is tried again: `now`, or once its variant is rendered."""
    is_rendered = delivery.c.variant_id.is_(None) | sa.exists().where(
        issue_variant_table.c.id == delivery.c.variant_id,
        issue_variant_table.c.sha256.is_not(None),
    )
    at = delivery.c.next_at.type
    return sa.case((is_rendered, sa.literal(now, at)), else_=sa.literal(NOT_RENDERED, at))


def explain_unmade(connection: sa.Connection, issue: Issue) -> str | None:
    """Return how many mails of an issue could not be made, and why; the words are those of one."""
    causes = (VARIANT_REJECTED, VARIANT_NOT_MADE, ARTICLES_WITHDRAWN)
    states = in_states(DeliveryState.FAILED, DeliveryState.CANCELLED)
    failed = (delivery.c.issue_id == issue.id) & states
    query = (
        sa.select(delivery.c.reason_key, sa.func.count(), sa.func.max(delivery.c.reason))
        .where(failed, delivery.c.reason_key.in_([cause.key for cause in causes]))
        .group_by(delivery.c.reason_key)
    )
    unmade = {key: (count, words) for key, count, words in connection.execute(query)}
    parts = [
        message(
            "%(count)s not sent: %(why)s",
            count=unmade[cause.key][0],
            why=cause.explain(unmade[cause.key][1] or ""),
        )
        for cause in causes
        if cause.key in unmade
    ]
    return joined(*parts) if parts else None


def _waits_for(variant_id: int | sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    return (
        (delivery.c.variant_id == variant_id)
        & (delivery.c.state == DeliveryState.PENDING)
        & (delivery.c.next_at == NOT_RENDERED)
    )


_WAITING = in_states(DeliveryState.PENDING, DeliveryState.DEFERRED, DeliveryState.CLAIMED)
_OWN = None  # an issue's own digest, among its variants


def count_hidden(connection: sa.Connection, now: datetime) -> tuple[int, datetime | None]:
    """Return how many articles are hidden, and when the last one changed. While neither changes, none was withdrawn."""
    query = sa.select(sa.func.count(), sa.func.max(article.c.updated_at)).where(_is_hidden(now))
    number, latest = connection.execute(query).one()
    return number, latest


def waiting_with_withdrawn(
    connection: sa.Connection, publication: Publication, issue: Issue, now: datetime
) -> list[int | None]:
    """Return the variants of an issue (None: its digest) with rows that wait, that show an article which is hidden now."""
    sources = _with_withdrawn(connection, issue, now)
    sources |= _recommending_withdrawn(connection, publication, issue, now)
    return [
        source
        for source in sorted(sources, key=lambda number: number or 0)
        if connection.execute(
            sa.select(sa.exists(delivery.c.subscriber_id).where(_rows_of(issue, source)))
        ).scalar()
    ]


def leave_out_withdrawn(
    connection: sa.Connection, publication: Publication, issue: Issue, now: datetime
) -> int:
    return sum(
        connection.execute(
            sa.update(delivery)
            .where(_rows_of(issue, source))
            .values(_replace(connection, issue, source, now))
        ).rowcount
        for source in waiting_with_withdrawn(connection, publication, issue, now)
    )


def _rows_of(issue: Issue, source: int | None) -> sa.ColumnElement[bool]:
    of_issue = delivery.c.issue_id == issue.id
    return of_issue & _WAITING & (delivery.c.variant_id == source)


def _is_hidden(until: datetime) -> sa.ColumnElement[bool]:
    return (article.c.status != ArticleStatus.READY) | (article.c.available_at > until)


def _with_withdrawn(connection: sa.Connection, issue: Issue, now: datetime) -> set[int | None]:
    own, carried = issue_article_table.c, issue_variant_article_table.c
    hidden = _is_hidden(issue.shows_until(now))
    in_digest = sa.select(own.article_id).join(article, article.c.id == own.article_id)
    in_variants = (
        sa.select(carried.variant_id)
        .join(article, article.c.id == carried.article_id)
        .join(issue_variant_table, issue_variant_table.c.id == carried.variant_id)
        .where(issue_variant_table.c.issue_id == issue.id, hidden)
    )
    sources: set[int | None] = set(connection.execute(in_variants.distinct()).scalars())
    own_hidden = in_digest.where(own.issue_id == issue.id, hidden).limit(1)
    return sources | {_OWN} if connection.execute(own_hidden).first() else sources


def _recommending_withdrawn(
    connection: sa.Connection, publication: Publication, issue: Issue, now: datetime
) -> set[int | None]:
    """Return those that link to an article withdrawn since they were made, such as a recommended one."""
    since = issue.assembled_at or issue.due_at
    gone = sa.select(article.c.language, story.c.slug).join(story)
    gone = gone.where(_is_hidden(issue.shows_until(now)), article.c.updated_at > since)
    variants, digests = issue_variant_table.c, digest_table.c
    sources: set[int | None] = set()
    for language, slug in connection.execute(gone).all():
        address = urls.public_url(publication, urls.article_path(language, slug))
        own = sa.select(digests.issue_id).where(
            digests.issue_id == issue.id, digests.html.contains(address, autoescape=True)
        )
        others = sa.select(variants.id).where(
            variants.issue_id == issue.id,
            variants.key.not_like(f"{REPLACEMENT}%"),
            variants.html.contains(address, autoescape=True),
        )
        sources |= set(connection.execute(others).scalars())
        sources |= {_OWN} if connection.execute(own).first() else set()
    return sources


def _replace(
    connection: sa.Connection, issue: Issue, source: int | None, now: datetime
) -> Mapping[str, object]:
    target = add_replacement(
        connection, issue, source, _shown_of(connection, issue, source, now)
    )
    is_rendered = sa.select(issue_variant_table.c.id).where(
        issue_variant_table.c.id == target, issue_variant_table.c.sha256.is_not(None)
    )
    return {
        "state": DeliveryState.PENDING,
        "epoch": NEW_EPOCH,  # a new epoch: who holds a row can't send it any more
        "lease_id": None,
        "reason": None,
        "reason_key": None,
        "variant_id": target,
        "next_at": delivery.c.due_at
        if connection.execute(is_rendered).first()
        else NOT_RENDERED,
        "changed_at": now,
    }


def _shown_of(
    connection: sa.Connection, issue: Issue, source: int | None, now: datetime
) -> list[tuple[int, int]]:
    own, carried = issue_article_table.c, issue_variant_article_table.c
    table = own if source is _OWN else carried
    of_source = own.issue_id == issue.id if source is _OWN else carried.variant_id == source
    query = (
        sa.select(table.story_id, table.article_id)
        .join(article, article.c.id == table.article_id)
        .where(of_source, ~_is_hidden(issue.shows_until(now)))
        .order_by(table.position)
    )
    return [(row.story_id, row.article_id) for row in connection.execute(query)]
