"""What went wrong in the last run of each turn of the service, or in the last single cycle."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import Column, Connection, Integer, Table, Text, delete, insert, select

from publisher.database import Database
from publisher.database.metadata import SentenceText, UTCDateTime, metadata
from publisher.errors import PublisherError
from publisher.fault_isolation import explain_fault

log = structlog.get_logger()

# Of one run: more would tell nobody more.
_MAX_PROBLEMS = 100

turn_problem = Table(
    "turn_problem",
    metadata,
    Column("turn", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("since", UTCDateTime, nullable=False),
    Column("problem", SentenceText, nullable=False),
)


@dataclass(frozen=True, slots=True)
class TurnProblem:
    """A problem of the last run of a turn, which each run has had since an instant."""

    turn: str
    since: datetime
    problem: str


def list_turn_problems(connection: Connection) -> list[TurnProblem]:
    """Return the problems of the last run of each turn, in the order in which they were found."""
    table = turn_problem.c
    query = select(table.turn, table.since, table.problem).order_by(table.turn, table.number)
    return [TurnProblem(*row) for row in connection.execute(query)]


def record_turn(
    database: Database,
    turn: str,
    problems: Sequence[str],
    now: datetime,
    *,
    alone: bool = False,
) -> None:
    """Store the problems of a run, instead of those of the run before. Usually none were, and none are.

    `alone`: this run did the work of all turns, so nothing that they have stored counts any more.
    """
    found = [*dict.fromkeys(problems)][:_MAX_PROBLEMS]
    with database.reading() as connection:
        before = [one for one in list_turn_problems(connection) if alone or one.turn == turn]
    if found == [one.problem for one in before]:
        return
    since = {one.problem: one.since for one in before}
    with database.writing() as connection:
        here = delete(turn_problem)
        connection.execute(here if alone else here.where(turn_problem.c.turn == turn))
        rows = [
            {"turn": turn, "number": number, "since": since.get(one, now), "problem": one}
            for number, one in enumerate(found)
        ]
        if rows:
            connection.execute(insert(turn_problem), rows)


@contextmanager
def recording(
    database: Database, turn: str, clock: Callable[[], datetime], *, alone: bool = False
) -> Iterator[list[str]]:
    """Yield the list of a run's problems, and store it. An error of the run is a problem, and is raised."""
    problems: list[str] = []
    try:
        yield problems
    except Exception as error:
        try:
            record_turn(database, turn, [*problems, explain_fault(error)], clock(), alone=alone)
        except PublisherError as other:  # as of a full disk, which may be the first one's cause
            log.warning("a problem is not on record", turn=turn, reason=str(other))
        raise
    record_turn(database, turn, problems, clock(), alone=alone)
