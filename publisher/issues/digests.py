"""What is frozen of an issue: its digest, the digest's old revisions, its variants; and the pages of issues.

Two revisions can be compared. A variant is what some of the audience get instead of the digest: an ordered
list of articles and a length. It is made when the ledger is opened, and rendered after that; then it never changes.
No page is shown before its issue may be sent. When articles are corrected or withdrawn after that, the digest
stays frozen. A row of `revised_page` has the page that is on the web in its place; one without a page is still
to be rendered. What an article said when its issue was frozen is kept as a hash.
"""

import difflib
import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, Row, func, insert, select, update

from publisher.articles.model import Article
from publisher.articles.store import words_hash
from publisher.articles.tables import article
from publisher.database.dialect.sql import upsert, upsert_by_key
from publisher.database.engine import chunks
from publisher.issues import store
from publisher.issues.editing import StoryPlace
from publisher.issues.model import STATES_WITH_PAGE, Issue, IssueKind, IssueState
from publisher.issues.tables import (
    OUTDATED,
    digest_revision_table,
    digest_table,
    issue_article_table,
    issue_table,
    issue_variant_article_table,
    issue_variant_table,
    revised_page_table,
)

_FROZEN = ("subject", "preheader", "html", "text", "page", "sha256", "manifest")


def freeze_digest(connection: Connection, one: Issue, parts: Mapping[str, Any]) -> None:
    """Store a digest and the gate's warnings. A second digest replaces the first."""
    row = upsert(connection, digest_table).values(issue_id=one.id, **parts)
    connection.execute(row.on_conflict_do_update(index_elements=["issue_id"], set_=dict(parts)))


def find_digest(connection: Connection, one: Issue) -> Row[Any] | None:
    """Return an issue's frozen digest; None if it was never made."""
    query = select(digest_table).where(digest_table.c.issue_id == one.id)
    return connection.execute(query).one_or_none()


def digest_of(connection: Connection, one: Issue) -> Row[Any]:
    digest = find_digest(connection, one)
    assert digest is not None  # noqa: S101  # whoever asks knows that it was made
    return digest


def findings_of(connection: Connection, one: Issue) -> list[dict[str, Any]]:
    """Return what the gate found in an issue's frozen digest, as `gate.findings.finding_data` has it."""
    query = select(digest_table.c.findings).where(digest_table.c.issue_id == one.id)
    return connection.execute(query).scalar_one_or_none() or []


def subjects_and_warnings(
    connection: Connection, issues: Sequence[int]
) -> dict[int, tuple[str, int]]:
    """Return the subject and the number of the gate's warnings of what is frozen of some issues."""
    digest = digest_table.c
    warnings = func.json_array_length(digest.findings)
    query = select(digest.issue_id, digest.subject, warnings).where(digest.issue_id.in_(issues))
    return {number: (subject, count) for number, subject, count in connection.execute(query)}


def reopen_issue(connection: Connection, one: Issue, now: datetime) -> Issue:
    """Have an issue assembled again that is not being sent. What it contained is kept.

    Whoever assembles it just now finds that it has changed, and gives up.
    """
    if one.state is IssueState.ASSEMBLING:
        # Why it could not be made is about what it was.
        return store.touch_issue(connection, one, reason=None, reason_key=None)
    _keep_revision(connection, one, now)
    return store.move_issue(
        connection, one, IssueState.ASSEMBLING, revision=one.revision + 1, reason=None
    )


def _keep_revision(connection: Connection, one: Issue, now: datetime) -> None:
    row = find_digest(connection, one)
    if row is None:
        return
    values = {name: getattr(row, name) for name in _FROZEN}
    values |= {"articles": store.chosen_articles(connection, one), "at": now}
    values |= {"issue_id": one.id, "revision": one.revision}
    connection.execute(upsert_by_key(connection, digest_revision_table), values)


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestRevision:
    """What an issue contained at a revision. `at` is when it was replaced, None for today's."""

    revision: int
    subject: str
    preheader: str
    html: str
    text: str
    page: str
    sha256: str
    manifest: str | None
    articles: tuple[StoryPlace, ...]
    at: datetime | None = None


_LONG = frozenset({"html", "text", "page"})  # what is long of a revision


def revisions_of(
    connection: Connection, one: Issue, *, old_texts: bool = False
) -> list[DigestRevision]:
    """Return the revisions of an issue that were frozen, the latest first; older ones without their texts unless these are wanted."""
    old = digest_revision_table
    columns = [column for column in old.c if old_texts or column.name not in _LONG]
    query = select(*columns).where(old.c.issue_id == one.id).order_by(old.c.revision.desc())
    found = [
        _to_revision(row, row.revision, row.articles, row.at)
        for row in connection.execute(query)
    ]
    row = find_digest(connection, one)
    # While it is assembled again, the digest is that of the last revision, which is kept already.
    if row is not None and one.state is not IssueState.ASSEMBLING:
        chosen = store.chosen_articles(connection, one)
        found.insert(0, _to_revision(row, one.revision, chosen, None))
    return found


def _to_revision(
    row: Any, revision: int, articles: Iterable[Iterable[int]], at: datetime | None
) -> DigestRevision:
    values = {name: getattr(row, name, "") for name in _FROZEN}
    places = tuple((story, article) for story, article in articles)
    return DigestRevision(**values, revision=revision, articles=places, at=at)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionDiff:
    """What changed between two revisions. `text` is that of the text part, as unified lines.

    `parts` says in words what differs of the manifests, if it is known; a change that no mail shows strikes approvals, too.
    """

    old: DigestRevision
    new: DigestRevision
    added: tuple[int, ...]
    removed: tuple[int, ...]
    is_moved: bool
    text: tuple[str, ...]
    parts: tuple[str, ...] = ()


def diff_revisions(old: DigestRevision, new: DigestRevision) -> RevisionDiff:
    """Compare two revisions. Pure. `added` and `removed` are articles by their ids."""
    before = [article for _story, article in old.articles]
    after = [article for _story, article in new.articles]
    lines = difflib.unified_diff(
        old.text.splitlines(),
        new.text.splitlines(),
        f"revision {old.revision}",
        f"revision {new.revision}",
        lineterm="",
    )
    return RevisionDiff(
        old=old,
        new=new,
        added=tuple(one for one in after if one not in before),
        removed=tuple(one for one in before if one not in after),
        is_moved=[one for one in before if one in after]
        != [one for one in after if one in before],
        text=tuple(lines),
    )


REPLACEMENT = "instead-"  # before the key of a variant that is sent instead of another one


@dataclass(frozen=True, slots=True)
class IssueVariant:
    """A variant that is not rendered yet; `length` None is the newsletter's."""

    id: int
    issue_id: int
    length: str | None
    more: int


@dataclass(frozen=True, slots=True)
class MailContent:
    """Pairs of story and article ids of a mail, in order; `more` had no room; `length` None is the newsletter's."""

    articles: Sequence[tuple[int, int]]
    more: int = 0
    length: str | None = None


def find_or_add_variant(
    connection: Connection, issue: Issue, content: MailContent, key: str | None = None
) -> int:
    """Return the id of the variant with this content, or with this key."""
    key = key or _hashed(f"{content.length} {content.more}", content.articles)
    here = (issue_variant_table.c.issue_id == issue.id) & (issue_variant_table.c.key == key)
    known = connection.execute(select(issue_variant_table.c.id).where(here)).scalar()
    if known is not None:
        return int(known)
    row = insert(issue_variant_table).values(
        issue_id=issue.id, key=key, length=content.length, more=content.more
    )
    number = int(connection.execute(row.returning(issue_variant_table.c.id)).scalar_one())
    rows = [
        {"variant_id": number, "position": position, "story_id": story, "article_id": article}
        for position, (story, article) in enumerate(content.articles)
    ]
    if rows:
        connection.execute(insert(issue_variant_article_table), rows)
    return number


def add_replacement(
    connection: Connection, issue: Issue, source: int | None, left: Sequence[StoryPlace]
) -> int:
    """Return the id of what is sent instead of a variant, None for the digest, with what is left."""
    content = MailContent(left, issue.more)
    if source is not None:
        columns = issue_variant_table.c["more", "length"]
        query = select(*columns).where(issue_variant_table.c.id == source)
        content = MailContent(left, *connection.execute(query).one())
    return find_or_add_variant(
        connection, issue, content, f"{REPLACEMENT}{_hashed(str(source), left)}"
    )


def _hashed(start: str, chosen: Sequence[StoryPlace]) -> str:
    articles = " ".join(str(article) for _story, article in chosen)
    return hashlib.sha256(f"{start} {articles}".encode()).hexdigest()


def article_ids_of_variant(connection: Connection, variant: IssueVariant) -> list[int]:
    query = select(issue_variant_article_table.c.article_id).where(
        issue_variant_article_table.c.variant_id == variant.id
    )
    ordered = query.order_by(issue_variant_article_table.c.position)
    return list(connection.execute(ordered).scalars())


def freeze_variant(
    connection: Connection, variant: IssueVariant, parts: Mapping[str, Any]
) -> bool:
    """Store what a variant's mails contain. Return False if it was stored before: that stays."""
    row = update(issue_variant_table).where(
        issue_variant_table.c.id == variant.id, issue_variant_table.c.sha256.is_(None)
    )
    return connection.execute(row.values(**parts)).rowcount == 1


def variant_digest(connection: Connection, number: int) -> Row[Any]:
    """Return the frozen digest of a variant that is rendered."""
    query = select(issue_variant_table).where(
        issue_variant_table.c.id == number, issue_variant_table.c.sha256.is_not(None)
    )
    return connection.execute(query).one()


# Before an issue is ready, its digest may not be sent, nor its page be shown.
_UNFINISHED = (IssueState.ASSEMBLING, IssueState.AWAITING_APPROVAL)


_IS_LISTED = (issue_table.c.kind == IssueKind.REGULAR) | issue_table.c.is_listed.is_(sa.true())


def _is_public(now: datetime) -> ColumnElement[bool]:
    """Return whether an issue's page may be on the web: not before the issue may be sent."""
    state = issue_table.c.state
    return (
        state.in_(STATES_WITH_PAGE)
        & state.not_in(_UNFINISHED)
        & ((state != IssueState.READY) | (issue_table.c.send_at <= now))
    )


def published_issues(
    connection: Connection, newsletter: str | None, language: str, limit: int, now: datetime
) -> list[Issue]:
    """Return the issues whose web pages may be shown, latest first; of one newsletter or all.

    Corrections are linked from the issues that they correct, and are not among them; announcements are if they are listed. Digests repeat the newsletters' issues for some subscribers, and do not count among all.
    """
    return store.issues_where(
        connection,
        _is_published(newsletter, language, now),
        order=(issue_table.c.day.desc(), issue_table.c.newsletter, issue_table.c.serial.desc()),
        limit=limit,
    )


def adjacent_issues(
    connection: Connection, one: Issue, now: datetime
) -> tuple[Issue | None, Issue | None]:
    """Return a newsletter's issues before and after one whose pages may be shown. Only those of the schedule have any."""
    day = issue_table.c.day
    found = [
        store.issues_where(
            connection,
            where & (issue_table.c.kind == IssueKind.REGULAR),
            _is_published(one.newsletter, one.language, now),
            order=(order,),
            limit=1,
        )
        for where, order in ((day < one.day, day.desc()), (day > one.day, day))
        if one.kind == IssueKind.REGULAR
    ]
    previous, following = (issues[0] if issues else None for issues in found or ([], []))
    return previous, following


def mark_written_pages_outdated(connection: Connection, numbers: Collection[int]) -> None:
    """Have the pages of some issues written again, as they are, that are on disk."""
    rows = sa.update(issue_table).where(issue_table.c.id.in_(numbers))
    connection.execute(
        rows.where(issue_table.c.page_hash.is_not(None)).values(page_hash=OUTDATED)
    )


def _is_published(newsletter: str | None, language: str, now: datetime) -> ColumnElement[bool]:
    name = issue_table.c.newsletter
    of_newsletter = name.not_like("%.%") if newsletter is None else name == newsletter
    return (issue_table.c.language == language) & _IS_LISTED & of_newsletter & _is_public(now)


def page_marks(
    connection: Connection, newsletter: str, language: str, limit: int, now: datetime
) -> list[tuple[int, str | None]]:
    """Return the ids of a newsletter's newest published issues, each with the hash of its page."""
    query = sa.select(issue_table.c.id, issue_table.c.page_hash)
    query = query.where(_is_published(newsletter, language, now))
    newest = query.order_by(issue_table.c.day.desc()).limit(limit)
    return [(number, page) for number, page in connection.execute(newest)]


def issue_ids_by_language(connection: Connection, now: datetime) -> dict[str, str]:
    """Return the ids of the issues whose pages may be shown, joined, by language."""
    c = issue_table.c
    ids = sa.func.aggregate_strings(sa.cast(c.id, sa.Text), " ")
    query = sa.select(c.language, ids).where(_IS_LISTED, _is_public(now))
    return dict(connection.execute(query.group_by(c.language)).all())


def pages_of_issues(
    connection: Connection, languages: Sequence[str], now: datetime
) -> list[Issue]:
    """Return the issues that are listed with their pages; digests and corrections are not."""
    c = issue_table.c
    here = c.language.in_(languages) & c.newsletter.not_like("%.%")
    return store.issues_where(connection, _IS_LISTED, _is_public(now), here, order=(c.id,))


def issues_without_page(connection: Connection, now: datetime) -> list[tuple[Issue, str, str]]:
    """Return issues whose page is not on disk and may be, or is outdated there, with page and hash."""
    is_new = issue_table.c.page_hash.is_(None) & _is_public(now)
    revised = revised_page_table.c
    query = (
        sa.select(
            *store.COLUMNS,
            sa.func.coalesce(revised.page, digest_table.c.page).label("page"),
            sa.func.coalesce(revised.sha256, digest_table.c.sha256).label("sha256"),
        )
        .join(digest_table, digest_table.c.issue_id == issue_table.c.id)
        .outerjoin(revised_page_table, revised.issue_id == issue_table.c.id)
        .where(
            is_new | (issue_table.c.page_hash == OUTDATED),
            # Nothing stands in for a page that is to be rendered again.
            revised.issue_id.is_(None) | revised.page.is_not(None),
        )
        .order_by(issue_table.c.id)
    )
    return [(store.to_issue(row), row.page, row.sha256) for row in connection.execute(query)]


def issue_ids_without_page(connection: Connection) -> set[int]:
    query = sa.select(issue_table.c.id).where(issue_table.c.page_hash.is_(None))
    return set(connection.execute(query).scalars())


def mark_page_written(connection: Connection, one: Issue, sha256: str) -> None:
    connection.execute(
        sa.update(issue_table).where(issue_table.c.id == one.id).values(page_hash=sha256)
    )


def record_words(connection: Connection, one: Issue, words: Mapping[int, str]) -> None:
    """Store the hash of the words of each article of a digest. Its page is not revised any more."""
    here = issue_article_table.c.issue_id == one.id
    connection.execute(sa.update(issue_article_table).where(here).values(words_hash=None))
    connection.execute(
        sa.update(issue_article_table)
        .where(here, issue_article_table.c.article_id == sa.bindparam("number"))
        .values(words_hash=sa.bindparam("words")),
        [{"number": number, "words": found} for number, found in words.items()],
    )
    connection.execute(
        sa.delete(revised_page_table).where(revised_page_table.c.issue_id == one.id)
    )


def articles_as_sent(connection: Connection, one: Issue) -> list[tuple[int, str]]:
    """Return the ids of a digest's articles, in order, each with the hash of its words."""
    columns = issue_article_table.c["article_id", "words_hash"]
    query = sa.select(*columns).where(
        issue_article_table.c.issue_id == one.id, issue_article_table.c.words_hash.is_not(None)
    )
    rows = connection.execute(query.order_by(issue_article_table.c.position))
    return [(row.article_id, row.words_hash) for row in rows]


def corrected_articles(
    connection: Connection, current: Mapping[int, Article]
) -> frozenset[int]:
    """Return the ids of those articles that were in a digest with other words than they have now."""
    place = issue_article_table.c
    found = set[int]()
    for some in chunks(list(current)):
        query = sa.select(place.article_id, place.words_hash).where(
            place.story_id.in_({current[one].story_id for one in some}),  # it has an index
            place.article_id.in_(some),
            place.words_hash.is_not(None),
        )
        mailed = connection.execute(query.distinct()).all()
        found |= {one for one, words in mailed if words != words_hash(current[one])}
    return frozenset(found)


def changed_places(
    connection: Connection,
) -> list[sa.Row[int, int, str, bool, datetime | None]]:
    """Return the places in digests of articles whose own page is due: they may have changed.

    Each has `issue_id`, `article_id`, `words_hash`, `is_revised`: the page is not as it was sent, and `assembled_at`.
    """
    is_revised = sa.exists().where(
        revised_page_table.c.issue_id == issue_article_table.c.issue_id
    )
    query = (
        sa.select(
            *issue_article_table.c["issue_id", "article_id", "words_hash"],
            is_revised.label("is_revised"),
            issue_table.c.assembled_at,
        )
        .join(issue_table, issue_table.c.id == issue_article_table.c.issue_id)
        .join(article, article.c.id == issue_article_table.c.article_id)
        .where(article.c.page_hash.is_(None), issue_article_table.c.words_hash.is_not(None))
    )
    return list(connection.execute(query))


def mark_pages_outdated(connection: Connection, numbers: Collection[int]) -> None:
    """Have the pages of some issues rendered again."""
    row = upsert(connection, revised_page_table)
    renewed = row.on_conflict_do_update(
        index_elements=["issue_id"], set_={"page": None, "sha256": None}
    )
    connection.execute(renewed, [{"issue_id": number} for number in numbers])


def issues_with_outdated_page(connection: Connection) -> list[Issue]:
    query = sa.select(revised_page_table.c.issue_id).where(revised_page_table.c.page.is_(None))
    return store.issues_by_ids(connection, list(connection.execute(query).scalars()))


def store_revised_page(
    connection: Connection, one: Issue, page: str | None, sha256: str | None
) -> None:
    """Store a page that is rendered again, and have it written; None is the frozen one."""
    here = revised_page_table.c.issue_id == one.id
    if page is None:
        connection.execute(sa.delete(revised_page_table).where(here))
    else:
        values = {"page": page, "sha256": sha256}
        connection.execute(sa.update(revised_page_table).where(here).values(values))
    # A page that was never written, such as that of a cancelled issue, is not due because of this.
    outdated = sa.case((issue_table.c.page_hash.is_not(None), OUTDATED), else_=None)
    connection.execute(
        sa.update(issue_table).where(issue_table.c.id == one.id).values(page_hash=outdated)
    )
