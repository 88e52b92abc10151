"""What needs somebody's attention: problems of documents, items without an article, sources that are held.

What the problems of a document lead to is decided here; they are stored per item. The kinds, their meaning
and their default actions are in `publisher.i18n.article_problems`. Items without an article have an error, or were
left out on purpose. A source that suddenly lost most of its articles is held until somebody accepts it: a
checkout that failed, a disk that is not mounted or a wrong pattern looks like that. Nothing of it is withdrawn
meanwhile; new and changed articles of it are still picked up. Of a source that can't be read nothing is.
Imports no parser: `publisher status` loads this.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from publisher.i18n.article_problems import (
    PROBLEM_TEXTS,
    ArticleProblem,
    ProblemAction,
    ProblemKind,
)
from publisher.i18n.messages import joined, message
from publisher.ingest.tables import (
    held_source,
    item_problem,
    reported_source,
    source_failure,
    source_item,
    source_table,
)

_MAX_PROBLEMS = 200  # of a document: a broken template is reported once for each place
# Positions of problems of links, which other documents decide, begin here.
_FIRST_OF_LINKS = 1_000
_MAX_WHAT = 200  # characters of the value that is wrong
# Built once, since it runs for every item.
_DELETE_PROBLEMS = delete(item_problem).where(
    item_problem.c.source == bindparam("of_source"), item_problem.c.key == bindparam("of_key")
)


@dataclass(frozen=True, slots=True)
class HandledProblem:
    """A problem, and what it leads to."""

    problem: ArticleProblem
    action: ProblemAction

    @property
    def holds(self) -> bool:
        """Whether the article is held back because of it."""
        return self.action is ProblemAction.HOLD


@dataclass(frozen=True, slots=True)
class ItemProblem:
    """A stored problem with the source and the file that has it."""

    source: str
    file: str
    problem: ArticleProblem
    holds: bool


def handle_problems(
    problems: Iterable[ArticleProblem], action_of: Callable[[ProblemKind], ProblemAction]
) -> tuple[HandledProblem, ...]:
    """Return the problems that count, with what each leads to. Pure.

    Equal ones are one. Of more than _MAX_PROBLEMS the first are kept, those that hold the article back before all.
    """
    handled = [
        HandledProblem(_shortened(one), action_of(one.kind)) for one in dict.fromkeys(problems)
    ]
    counted = [one for one in handled if one.action is not ProblemAction.IGNORE]
    if len(counted) <= _MAX_PROBLEMS:
        return tuple(counted)
    counted.sort(key=lambda one: not one.holds)
    more = f"{len(counted) - _MAX_PROBLEMS:,} more"
    rest = ArticleProblem(ProblemKind.MORE_PROBLEMS, None, more)
    return (*counted[:_MAX_PROBLEMS], HandledProblem(rest, ProblemAction.REPORT))


def _shortened(problem: ArticleProblem) -> ArticleProblem:
    what = " ".join(problem.what.split())
    return replace(
        problem, what=what if len(what) <= _MAX_WHAT else f"{what[: _MAX_WHAT - 1]}…"
    )


def reason_to_hold(problems: Sequence[HandledProblem]) -> str | None:
    """Return why a document's article is held back, None if it is not."""
    holding = [one.problem for one in problems if one.holds]
    if not holding:
        return None
    first = holding[0]
    text = PROBLEM_TEXTS[first.kind]
    what = joined(message(text.meaning), message(text.remedy))
    reason: str = message("%(where)s: %(problem)s", where=first.what, problem=what)
    if first.line:
        reason = message("line %(line)s: %(problem)s", line=str(first.line), problem=reason)
    if holding[1:]:
        more = len(holding) - 1
        reason = message("%(fault)s (%(more)s more)", fault=reason, more=more)
    return reason


def add_reason(
    problems: Sequence[HandledProblem], reason: str | None
) -> tuple[HandledProblem, ...]:
    """Return problems with the reason of a quarantine, unless one of them is the reason."""
    if reason is None or any(one.holds for one in problems):
        return tuple(problems)
    own = _shortened(ArticleProblem(ProblemKind.NO_ARTICLE, None, reason))
    return (HandledProblem(own, ProblemAction.HOLD), *problems)


def save_problems(
    connection: Connection, source: str, key: str, problems: Sequence[HandledProblem]
) -> None:
    connection.execute(_DELETE_PROBLEMS, {"of_source": source, "of_key": key})
    rows = [_row(source, key, position, one) for position, one in enumerate(problems)]
    if rows:
        connection.execute(insert(item_problem), rows)


def _row(source: str, key: str, position: int, one: HandledProblem) -> dict[str, Any]:
    return {
        "source": source,
        "key": key,
        "position": position,
        "kind": one.problem.kind.value,
        "line": one.problem.line,
        "what": one.problem.what,
        "action": one.action.value,
    }


def save_link_problems(
    connection: Connection,
    found: Iterable[tuple[str, str, Sequence[ArticleProblem]]],
    actions: Mapping[str, Callable[[ProblemKind], ProblemAction]],
) -> None:
    """Replace the problems of links of all items; each has a source, a key, and its problems.

    `actions` are those of the sources. None holds an article back: it is out already.
    """
    table = item_problem.c
    connection.execute(delete(item_problem).where(table.position >= _FIRST_OF_LINKS))
    rows = []
    for source, key, problems in found:
        # Databases return links in orders of their own.
        in_order = sorted(problems, key=lambda one: (one.line or 0, one.what))
        for position, one in enumerate(in_order, _FIRST_OF_LINKS):
            if actions[source](one.kind) is not ProblemAction.IGNORE:
                handled = HandledProblem(_shortened(one), ProblemAction.REPORT)
                rows.append(_row(source, key, position, handled))
    if rows:
        connection.execute(insert(item_problem), rows)


def list_problems(connection: Connection) -> list[ItemProblem]:
    query = select(item_problem).order_by(*item_problem.primary_key.columns)
    return [
        ItemProblem(
            row.source,
            row.key,
            ArticleProblem(ProblemKind(row.kind), row.line, row.what),
            row.action == ProblemAction.HOLD,
        )
        for row in connection.execute(query)
    ]


def count_problems(connection: Connection) -> dict[ProblemKind, int]:
    """Return the number of problems of each kind, the most frequent kind first."""
    number = func.count()
    query = select(item_problem.c.kind, number).group_by(item_problem.c.kind)
    rows = connection.execute(query.order_by(number.desc(), item_problem.c.kind))
    return {ProblemKind(kind): count for kind, count in rows}


def quarantined_items(connection: Connection) -> list[tuple[str, str]]:
    item = source_item.c
    query = select(item.key, item.reason).where(item.reason.is_not(None))
    return [(key, reason) for key, reason in connection.execute(query.order_by("key"))]


def count_left_out(connection: Connection) -> dict[str, int]:
    """Return the number of documents that are rightly no articles now, by reason."""
    table = source_item.c
    query = select(table.left_out, func.count()).where(table.left_out.is_not(None))
    return dict(connection.execute(query.group_by(table.left_out).order_by("left_out")).all())


def held_back_items(connection: Connection) -> list[tuple[str, str, str]]:
    """Return reason, key and title, if it is known, of the documents that are no articles on purpose."""
    table = source_item.c
    query = select(table.left_out, table.key, func.coalesce(table.title, ""))
    query = query.where(table.left_out.is_not(None)).order_by(table.left_out, table.key)
    return [tuple(row) for row in connection.execute(query)]


def left_out_by_name(connection: Connection) -> list[tuple[str, str, int]]:
    """Return reason, group and number of files that are left out by their names, the most frequent first."""
    counts: Counter[tuple[str, str]] = Counter()
    for (text,) in connection.execute(select(source_table.c.left_out)):
        for reason, group, number in json.loads(text or "[]"):
            counts[reason, group] += number
    return [(reason, group, number) for (reason, group), number in counts.most_common()]


_FEWEST = 3  # Articles. Fewer are deleted by hand, and may well be most of a small source.


@dataclass(frozen=True, slots=True)
class HeldSource:
    """A source of `articles` items with articles, `lost` of which are gone.

    Somebody has accepted that `accepted` are gone. It is held since `since`, if that is known.
    """

    source: str
    lost: int
    articles: int
    accepted: int = 0
    since: datetime | None = field(default=None, compare=False)


def is_sudden_loss(lost: int, articles: int) -> bool:
    """Return whether more than half of a source's articles are gone, and not just a few. Pure."""
    return lost >= _FEWEST and 2 * lost > articles


def list_held_sources(connection: Connection) -> list[HeldSource]:
    query = select(held_source).order_by(held_source.c.source)
    return [HeldSource(**row) for row in connection.execute(query).mappings()]


def hold_source(connection: Connection, held: HeldSource, now: datetime) -> bool:
    """Store that a source is held. Return False if somebody has accepted the loss."""
    before = next((o for o in list_held_sources(connection) if o.source == held.source), None)
    if before is not None and before.accepted >= held.lost:
        return False
    release_source(connection, held.source)
    row = replace(held, since=before.since if before else now)
    connection.execute(insert(held_source).values(asdict(row)))
    return True


def release_source(connection: Connection, source: str) -> None:
    connection.execute(delete(held_source).where(held_source.c.source == source))


def accept_loss(connection: Connection, source: str) -> HeldSource | None:
    """Let the next pick-up withdraw what is gone; return it, or None if the source is not held."""
    here = held_source.c.source == source
    connection.execute(update(held_source).where(here).values(accepted=held_source.c.lost))
    return next((one for one in list_held_sources(connection) if one.source == source), None)


@dataclass(frozen=True, slots=True)
class SourceFailure:
    """A source that no cycle could read since an instant; `reason` is that of the last one."""

    source: str
    since: datetime
    reason: str


def list_failures(connection: Connection) -> list[SourceFailure]:
    query = select(source_failure).order_by(source_failure.c.source)
    return [SourceFailure(**row) for row in connection.execute(query).mappings()]


def save_failures(connection: Connection, reasons: Mapping[str, str], now: datetime) -> None:
    """Store which sources a cycle could not read, by name; all others could be, or are gone."""
    before = {failure.source: failure for failure in list_failures(connection)}
    if {name: failure.reason for name, failure in before.items()} == dict(reasons):
        return
    connection.execute(delete(source_failure))
    rows = [
        asdict(SourceFailure(name, before[name].since if name in before else now, reason))
        for name, reason in reasons.items()
    ]
    if rows:
        connection.execute(insert(source_failure), rows)


def reported_sources(connection: Connection) -> frozenset[str]:
    """Return the sources of which people were told that they fail."""
    return frozenset(connection.execute(select(reported_source.c.source)).scalars())


def set_reported_sources(connection: Connection, names: Iterable[str]) -> None:
    connection.execute(delete(reported_source))
    if rows := [{"source": one} for one in sorted(names)]:
        connection.execute(insert(reported_source), rows)
