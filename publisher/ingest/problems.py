"""Decide what the problems of a document lead to; store them per item, and list them.

The kinds, their meaning and their default actions are in `publisher.article_problems`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from publisher.article_problems import (
    PROBLEM_TEXTS,
    ArticleProblem,
    ProblemAction,
    ProblemKind,
)
from publisher.ingest.tables import item_problem
from publisher.messages import joined, message

# What parsers import from here.
__all__ = [
    "ArticleProblem",
    "HandledProblem",
    "ItemProblem",
    "ProblemKind",
    "add_reason",
    "count_problems",
    "handle_problems",
    "list_problems",
    "reason_to_hold",
    "save_link_problems",
    "save_problems",
]

# Per document: a template that is broken once is reported once for each place.
_MAX_PROBLEMS = 200
# Positions of problems of links, which other documents decide, begin here.
_FIRST_OF_LINKS = 1_000
# Characters of the value that is wrong.
_MAX_WHAT = 200
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

    Equal ones are one. Of more than _MAX_PROBLEMS the first are kept, those that hold the article
    back before all.
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
    """Replace the stored problems of an item."""
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
    """Return all stored problems, file by file."""
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
