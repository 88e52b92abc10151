"""Script conversions: articles made by machine for editions that ask for them.

A conversion is an article of its own, under the id that a human translation will take over. It
is made from the stored original only, and made again when that changes. Knows no file.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Exists,
    Row,
    false,
    insert,
    or_,
    select,
    true,
    update,
)

from publisher.articles import file_state
from publisher.articles.columns import content_hash
from publisher.articles.model import ArticleStatus, Origin
from publisher.articles.tables import NEEDS_PUBLISHING, article, source_file
from publisher.config import Missing, Settings
from publisher.languages.conversion import (
    convert_html,
    convert_text,
    converter_name,
    sources_of,
)

# The name under which this step keeps its mark among the sources': no source has an empty path.
RECORD = ""
# Beyond so many changed stories, one look at all of them costs less than keeping the list.
MOST_DUE = 500
TEXTS = ("title", "summary", "text", "section")


def conversion_languages(settings: Settings) -> tuple[str, ...]:
    """List the languages for which any edition asks for conversions."""
    editions = [e for n in settings.newsletters for e in settings.editions(n)]
    asked = {e.language for e in editions if e.missing == Missing.CONVERT}
    return tuple(tag for tag in settings.publication.languages if tag in asked)


@dataclass(frozen=True, slots=True)
class _Mark:
    """Under which rules conversions were last brought in line, and what has changed since.

    `due` are stories; without `rules` it is all of them.
    """

    rules: str = ""
    due: frozenset[int] = frozenset()

    @classmethod
    def last(cls, connection: Connection) -> _Mark:
        rules, _, due = (file_state.source_fingerprint(connection, RECORD) or "").partition(
            "\n"
        )
        return cls(rules, frozenset(map(int, due.split())))

    def keep(self, connection: Connection) -> None:
        due = " ".join(map(str, sorted(self.due)))
        file_state.set_source_fingerprint(connection, RECORD, f"{self.rules}\n{due}")


def update_conversions(connection: Connection, settings: Settings, now: datetime) -> None:
    """Make, renew and withdraw conversions until they are as the settings and originals say.

    Looks at the stories that are marked as due, and at all only when the rules are others.
    """
    wanted = conversion_languages(settings)
    mark, rules = _Mark.last(connection), f"{' '.join(wanted)} by {converter_name()}"
    if mark == _Mark(rules):
        return
    due = mark.due if mark.rules == rules else None
    sources = _sources(wanted, settings.publication.languages)
    for target, source in sources.items():
        _convert_all(connection, source, target, now, due)
    _withdraw_orphans(connection, sources, now, due)
    _Mark(rules).keep(connection)


def _sources(wanted: Iterable[str], languages: Collection[str]) -> dict[str, str]:
    """Say for each wanted language from which it is converted: the publication's before others."""
    found = {to: sorted(sources_of(to), key=lambda tag: tag not in languages) for to in wanted}
    return {target: known[0] for target, known in found.items() if known}


def mark_for_conversion(connection: Connection, stories: Collection[int]) -> None:
    """Note, in the transaction that changes stories, that their conversions must be looked at."""
    mark = _Mark.last(connection)
    due = mark.due.union(stories)
    if mark.rules and due != mark.due:
        marked = _Mark(mark.rules, due) if len(due) <= MOST_DUE else _Mark()
        marked.keep(connection)


def _is_due(number: ColumnElement[int], due: Collection[int] | None) -> ColumnElement[bool]:
    """Keep a query to the stories that are due; to all if `due` is None."""
    return true() if due is None else number.in_(due)


def _convert_all(
    connection: Connection,
    source: str,
    target: str,
    now: datetime,
    due: Collection[int] | None,
) -> None:
    original, made = article.alias("original"), article.alias("made")
    query = (
        select(
            original,
            made.c.id.label("made_id"),
            made.c.status.label("made_status"),
            made.c.available_at.label("made_available_at"),
        )
        .outerjoin(made, (made.c.story_id == original.c.story_id) & (made.c.language == target))
        .where(
            _is_due(original.c.story_id, due),
            original.c.language == source,
            original.c.status == ArticleStatus.READY,
            original.c.origin != Origin.CONVERTED,
            or_(
                made.c.id.is_(None),
                (made.c.status == ArticleStatus.WITHDRAWN) & ~_has_file(made.c.id),
                (made.c.origin == Origin.CONVERTED)
                & or_(
                    made.c.converted_from != _receipt(original.c.content_hash),
                    made.c.published_at != original.c.published_at,
                ),
            ),
        )
        .order_by(original.c.id)
    )
    for row in connection.execute(query).all():
        _convert_one(connection, row, source, target, now)


def _has_file(number: ColumnElement[int]) -> Exists:
    """Say if a document stands for an article: what it withdraws is not put back by machine."""
    return select(source_file.c.path).where(source_file.c.article_id == number).exists()


def _receipt(content_hash: Any) -> Any:
    """Note what a conversion was made from and by what; either changing means making it again."""
    return content_hash + f" {converter_name()}"


def _convert_one(
    connection: Connection, row: Row[Any], source: str, target: str, now: datetime
) -> None:
    values = converted_columns(row, source, target) | {
        "story_id": row.story_id,
        "language": target,
        "origin": Origin.CONVERTED,
        "status": ArticleStatus.READY,
        "declared": ArticleStatus.READY,
        "published_at": row.published_at,
        "converted_from": _receipt(row.content_hash),
        **NEEDS_PUBLISHING,
    }
    available = max(now, row.available_at)
    if row.made_id is None:
        times = {"available_at": available, "updated_at": row.updated_at}
        connection.execute(insert(article).values(values | times))
    else:
        times = {"updated_at": max(now, row.updated_at)}
        embargoed = max(row.made_available_at, row.available_at) > now
        if row.made_status == ArticleStatus.WITHDRAWN or embargoed:
            times["available_at"] = available
        here = article.c.id == row.made_id
        connection.execute(update(article).where(here).values(values | times))
    others = (article.c.story_id == row.story_id) & (article.c.status == ArticleStatus.READY)
    connection.execute(update(article).where(others).values(NEEDS_PUBLISHING))


def converted_columns(row: Row[Any], source: str, target: str) -> dict[str, Any]:
    """Convert what readers see of an article; names of people and addresses stay as they are."""
    columns: dict[str, Any] = {
        name: convert_text(getattr(row, name) or "", source, target) or None for name in TEXTS
    }
    columns |= {name: columns[name] or "" for name in ("title", "summary", "text")}
    columns["html"] = convert_html(row.html, source, target)
    columns["topics"] = [convert_text(topic, source, target) for topic in row.topics]
    columns["bylines"] = [_converted(b, "affiliation", source, target) for b in row.bylines]
    columns["picture"] = row.picture and _converted(row.picture, "alt", source, target)
    columns["attachments"] = [_converted(a, "title", source, target) for a in row.attachments]
    same = ("translators", "url", "offered", "published_on")
    columns |= {name: getattr(row, name) for name in same}
    return columns | {"content_hash": content_hash(columns)}


def _converted(value: dict[str, Any], key: str, source: str, target: str) -> dict[str, Any]:
    return value | {key: convert_text(value[key], source, target) if value[key] else value[key]}


def _withdraw_orphans(
    connection: Connection,
    sources: Mapping[str, str],
    now: datetime,
    due: Collection[int] | None,
) -> None:
    """Withdraw conversions whose original went, or that no edition asks for any more."""
    made, original = article.alias("made"), article.alias("original")
    originals = (
        select(original.c.id)
        .where(
            original.c.story_id == made.c.story_id,
            original.c.origin != Origin.CONVERTED,
            original.c.status == ArticleStatus.READY,
            or_(
                *(
                    (made.c.language == to) & (original.c.language == tag)
                    for to, tag in sources.items()
                ),
                false(),
            ),
        )
        .correlate(made)
    )
    query = select(made.c.id, made.c.story_id).where(
        _is_due(made.c.story_id, due),
        made.c.origin == Origin.CONVERTED,
        made.c.status == ArticleStatus.READY,
        ~originals.exists(),
    )
    for number, story_id in connection.execute(query).all():
        gone = update(article).where(article.c.id == number)
        connection.execute(
            gone.values(status=ArticleStatus.WITHDRAWN, updated_at=now, **NEEDS_PUBLISHING)
        )
        # Every page of the story names the languages that it can be read in.
        pages = update(article).where(
            article.c.story_id == story_id, article.c.status != ArticleStatus.WITHDRAWN
        )
        connection.execute(pages.values(NEEDS_PUBLISHING))
