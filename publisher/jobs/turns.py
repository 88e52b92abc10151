"""Turns: the work that a service repeats, the verbs of the engines that start it, and its results.

Each turn asks the database what is left to do. One that runs twice, or is lost, costs time only.
`publisher.jobs.local_engine` starts turns in this process, `publisher.jobs.shared_engine` has them shared out to all
machines.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Literal, Protocol

import sqlalchemy as sa

from publisher.database import Database
from publisher.database.dialect.job_tables import summarise_jobs
from publisher.database.dialect.sql import upsert
from publisher.database.metadata import SentenceText, UTCDateTime, metadata
from publisher.errors import PublisherError
from publisher.fault_isolation import explain_fault
from publisher.files import storage_errors
from publisher.jobs.heartbeat import WORKING, tell_systemd
from publisher.log import log

if TYPE_CHECKING:
    from publisher.delivery.dispatcher import Progress


# Short enough that an article is noticed soon; an idle cycle costs a few milliseconds.
SECONDS_BETWEEN_CYCLES = 15
_SECONDS_BETWEEN_LOG_LINES = 10.0  # how often long work writes a line to the log

# Long work calls the progress at safe places, where it may be stopped.
Work = Callable[["Progress"], object]


@dataclass(frozen=True, slots=True)
class Turn:
    """Work that is repeated: every so many seconds, or None for the service's own interval.

    `is_ours`: whether this process may run it now, which is asked before each run; only the leader runs some.
    """

    name: str
    work: Work
    seconds: float | None = None
    is_ours: Callable[[], bool] = lambda: True


@dataclass(frozen=True, slots=True)
class TurnState:
    """A turn that waits for a process, that one is running, or that failed within a day.

    `seconds` is since when, of the last one if there are several.
    """

    name: str
    state: Literal["waiting", "running", "failed"]
    seconds: float
    count: int = 1


class TurnEngine(Protocol):
    """Starts turns. A class that inherits it has the methods with a body.

    There is no verb to cancel one: what it would do is cancelled in its own rows.
    """

    runner: TurnRunner

    def schedule(self, turn: Turn) -> None:
        """Repeat a turn at its interval, from `run` on."""
        self.runner.turns[turn.name] = turn

    def enqueue(self, connection: sa.Connection, name: str) -> None:
        """Have a turn run soon after this transaction is committed, once; not at all if it isn't."""

    def run(self) -> None:
        """Start turns until `stop`, SIGTERM or SIGINT; return when all of this process have ended."""

    def stop(self) -> None:
        """Request the stop; return at once. Running turns end at their next safe place."""
        self.runner.stopping.set()

    def states(self) -> list[TurnState]:
        """List the turns that wait or run, on all machines that share the engine, and failures it keeps."""


# How a queue in the database names the states.
_STATES: Mapping[str, Literal["waiting", "running", "failed"]] = {
    "todo": "waiting",
    "doing": "running",
    "failed": "failed",
}


def shared_turn_states(connection: sa.Connection) -> list[TurnState]:
    return [
        TurnState(name, _STATES[status], age, count)
        for name, status, age, count in summarise_jobs(connection)
    ]


class _StopRequested(BaseException):  # not an error: nothing but the runner handles it
    """The service was stopped while long work was running."""


class TurnRunner:
    """Runs turns in threads of their callers; each turn once at a time."""

    def __init__(self, root: Path, turns: Iterable[Turn] = ()) -> None:
        """`root` is the folder that is named if a turn can't write: the publication's."""
        self.stopping = threading.Event()
        self.turns = {turn.name: turn for turn in turns}
        self._root = root
        self._lock = threading.Lock()
        self._running: dict[str, float] = {}
        self._logged: dict[str, tuple[int, float]] = {}
        # When a turn began, went on or ended last; and what of this systemd knows.
        self._worked_at = self._told_at = 0.0

    def may_run(self, name: str) -> bool:
        return name not in self._running and self.turns[name].is_ours()

    def run(self, name: str) -> bool:
        with self._lock:
            if not self.may_run(name):
                return True
            self._running[name] = monotonic()
        try:
            return self.attempt(self.turns[name].work)
        finally:
            del self._running[name]

    def states(self) -> list[TurnState]:
        now = monotonic()
        running = dict(self._running)
        return [TurnState(name, "running", now - since) for name, since in running.items()]

    def attempt(self, work: Work) -> bool:
        """Do some work. Log what goes wrong; return whether nothing did."""
        self._worked_at = monotonic()
        try:
            with storage_errors(self._root):
                work(self._progress)
        except _StopRequested:
            log.info("stopped at a safe place")
        except PublisherError as error:
            log.error("run failed; the next one tries again", reason=str(error))
            return False
        except Exception:
            log.exception("run failed by a fault of the program; the next one tries again")
            return False
        finally:
            self._worked_at = monotonic()
        return True

    def tell_watchdog(self) -> None:
        """Tell systemd that the service works, if any turn has since the last time."""
        if self._worked_at != self._told_at:
            self._told_at = self._worked_at
            tell_systemd(WORKING)

    def _progress(self, step: str, done: int, of: int, note: str = "") -> None:
        self._worked_at = monotonic()
        if self._should_log(step, done, of):
            log.info(step, done=done, of=of, **({"note": note} if note else {}))
        if self.stopping.is_set():
            raise _StopRequested

    def _should_log(self, step: str, done: int, of: int) -> bool:
        before, at = self._logged.get(step, (-1, 0.0))
        now = monotonic()
        is_due = done != before and (done == of or now - at > _SECONDS_BETWEEN_LOG_LINES)
        if is_due:
            self._logged[step] = done, now
        return is_due


_MAX_PROBLEMS = 100  # of one run: more would tell nobody more

turn_problem = sa.Table(
    "turn_problem",
    metadata,
    sa.Column("turn", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("since", UTCDateTime, nullable=False),
    sa.Column("problem", SentenceText, nullable=False),
)


@dataclass(frozen=True, slots=True)
class TurnProblem:
    """A problem of the last run of a turn, which each run has had since an instant."""

    turn: str
    since: datetime
    problem: str


def list_turn_problems(connection: sa.Connection) -> list[TurnProblem]:
    table = turn_problem.c
    query = sa.select(table.turn, table.since, table.problem).order_by(table.turn, table.number)
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
    kept = [*dict.fromkeys(problems)][:_MAX_PROBLEMS]
    with database.reading() as connection:
        before = [one for one in list_turn_problems(connection) if alone or one.turn == turn]
    if kept == [one.problem for one in before]:
        return
    since = {one.problem: one.since for one in before}
    with database.writing() as connection:
        old = sa.delete(turn_problem)
        connection.execute(old if alone else old.where(turn_problem.c.turn == turn))
        rows = [
            {"turn": turn, "number": number, "since": since.get(one, now), "problem": one}
            for number, one in enumerate(kept)
        ]
        if rows:
            connection.execute(sa.insert(turn_problem), rows)


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


_ONLY_ROW = 1

backup_state = sa.Table(
    "backup_state",
    metadata,
    sa.Column(
        "id",
        sa.Integer,
        sa.CheckConstraint(f"id = {_ONLY_ROW}", name="only_row"),
        primary_key=True,
    ),
    sa.Column("tried_at", UTCDateTime, nullable=False),
    sa.Column("made_at", UTCDateTime),
    sa.Column("problem", SentenceText),  # why the last try failed; NULL if it did not
)


@dataclass(frozen=True, slots=True)
class BackupState:
    """When a backup was last tried and made, and why the last try failed."""

    tried_at: datetime | None = None
    made_at: datetime | None = None
    problem: str | None = None


def read_backup_state(connection: sa.Connection) -> BackupState:
    row = connection.execute(sa.select(backup_state)).first()
    return BackupState(row.tried_at, row.made_at, row.problem) if row else BackupState()


def record_backup(connection: sa.Connection, now: datetime, problem: str | None = None) -> None:
    values = {"tried_at": now, "problem": problem, **({} if problem else {"made_at": now})}
    row = upsert(connection, backup_state).values(id=_ONLY_ROW, **values)
    connection.execute(row.on_conflict_do_update(index_elements=["id"], set_=values))
