"""What every engine of turns does: the one of a single process, and the one that machines share."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

import pytest

from publisher import web_files
from publisher.delivery.dispatcher import Progress
from publisher.jobs.local_engine import Service
from publisher.jobs.turns import Turn, TurnEngine
from tests.databases import database_address, on_postgresql
from tests.publisher.conftest import PublicationFolder
from tests.slow.publisher.turns.conftest import (
    RARELY,
    make_task_engine,
    no_work,
    running,
    until,
)

MakeEngine = Callable[[str], TurnEngine]


@pytest.fixture(params=["local", "procrastinate"])
def make_engine(request: pytest.FixtureRequest, publication: PublicationFolder) -> MakeEngine:
    root = publication.settings.folders.root
    if request.param == "local":
        return lambda _process: Service(root)
    if not on_postgresql():
        pytest.skip("needs the server of --database=postgresql")
    address = database_address(publication.settings.folders.database)
    return partial(make_task_engine, publication.database, address, root)


@pytest.fixture
def engine(make_engine: MakeEngine) -> TurnEngine:
    return make_engine("one")


class Recorded:
    """Work that can be held up, and counts its runs; also how many there are at a time."""

    def __init__(self) -> None:
        self.runs = self.at_once = self.most = 0
        self.may_end = threading.Event()
        self.may_end.set()
        self._lock = threading.Lock()

    def __call__(self, _progress: Progress) -> None:
        with self._lock:
            self.runs += 1
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        self.may_end.wait()
        with self._lock:
            self.at_once -= 1


def ask(engine: TurnEngine, publication: PublicationFolder, name: str = "asked") -> None:
    with publication.database.writing() as connection:
        engine.enqueue(connection, name)


def states(engine: TurnEngine) -> list[tuple[str, str]]:
    return sorted((one.name, one.state) for one in engine.states())


def a_look(publication: PublicationFolder, seen: list[str | None]) -> Turn:
    def look(_progress: Progress) -> None:
        with publication.database.reading() as connection:
            seen.append(web_files.cached_hash(connection, "asked"))

    return Turn("asked", look, RARELY)


def test_a_turn_is_repeated_at_its_interval(engine: TurnEngine) -> None:
    work = Recorded()
    engine.schedule(Turn("often", work, 1))
    with running(engine):
        until("three runs", lambda: work.runs >= 3)
    assert work.most == 1


def test_a_rolled_back_transaction_asks_for_nothing(
    engine: TurnEngine, publication: PublicationFolder
) -> None:
    engine.schedule(Turn("asked", no_work, RARELY))
    with publication.database.writing() as connection:
        engine.enqueue(connection, "asked")
        connection.get_transaction().rollback()  # type: ignore[union-attr]  # there is one
    assert states(engine) == []
    ask(engine, publication)
    assert states(engine) == [("asked", "waiting")]


def test_a_turn_that_a_transaction_asks_for_sees_what_it_has_stored(
    engine: TurnEngine, publication: PublicationFolder
) -> None:
    seen: list[str | None] = []
    engine.schedule(a_look(publication, seen))
    with running(engine):
        with publication.database.writing() as connection:
            engine.enqueue(connection, "asked")
            web_files.store_hash(connection, "asked", "yes")
        until("a run after the commit", lambda: "yes" in seen)
        until("its end", lambda: states(engine) == [])


def test_a_turn_that_waits_already_is_not_begun_before_the_commit_of_who_asks_again(
    engine: TurnEngine, publication: PublicationFolder
) -> None:
    seen, other = list[str | None](), Recorded()
    engine.schedule(a_look(publication, seen))
    engine.schedule(Turn("other", other, 1))
    ask(engine, publication)
    with ExitStack() as stack:
        with publication.database.writing() as connection:
            publication.database.allow_pause(connection)
            engine.enqueue(connection, "asked")
            web_files.store_hash(connection, "asked", "yes")
            stack.enter_context(running(engine))
            # The one that waits has waited for longer: it would have been taken before.
            until("another turn", lambda: other.runs > 1)
        until("a run after the commit", lambda: "yes" in seen)


def test_a_turn_that_is_asked_for_twice_before_it_runs_runs_once(
    engine: TurnEngine, publication: PublicationFolder
) -> None:
    work = Recorded()
    work.may_end.clear()
    engine.schedule(Turn("asked", work, RARELY))
    for _ in range(2):
        ask(engine, publication)
    assert states(engine) == [("asked", "waiting")]
    with running(engine):
        until("the first run", lambda: work.runs)
        for _ in range(2):
            ask(engine, publication)
        # The one that runs has looked before these were committed.
        assert states(engine) == [("asked", "running"), ("asked", "waiting")]
        work.may_end.set()
        until("the second run", lambda: work.runs == 2)
        until("its end", lambda: states(engine) == [])
    assert (work.runs, work.most) == (2, 1)


def test_only_the_leader_runs_the_leaders_turns(make_engine: MakeEngine) -> None:
    runs: list[str] = []
    other = Recorded()
    leader = ["one"]

    def turn_of(name: str) -> Turn:
        return Turn("led", lambda _progress: runs.append(name), 1, lambda: leader == [name])

    with ExitStack() as stack:
        for name in ("one", "two"):
            engine = make_engine(name)
            engine.schedule(turn_of(name))
            engine.schedule(Turn(f"of {name}", other, 1))
            stack.enter_context(running(engine))
        until("some turns", lambda: len(runs) > 2 and other.runs > 4)
        assert set(runs) == {"one"}
        leader[:] = ["two"]
        until("turns of the next leader", lambda: runs[-2:] == ["two", "two"])


def test_a_long_turn_delays_no_other(
    engine: TurnEngine, publication: PublicationFolder
) -> None:
    slow, quick = Recorded(), Recorded()
    slow.may_end.clear()
    engine.schedule(Turn("slow", slow, RARELY))
    engine.schedule(Turn("quick", quick, 1))
    ask(engine, publication, "slow")
    with running(engine):
        until("the long one", lambda: slow.at_once)
        before = quick.runs
        until("others beside it", lambda: quick.runs > before + 1)
        assert slow.at_once == 1
        slow.may_end.set()


def test_a_turn_that_fails_is_tried_again_at_its_next_time(engine: TurnEngine) -> None:
    runs = []

    def fail(_progress: Progress) -> None:
        runs.append(time.monotonic())
        if len(runs) == 1:
            raise ZeroDivisionError

    engine.schedule(Turn("failing", fail, 1))
    with running(engine):
        until("another run", lambda: len(runs) > 1)


def test_a_long_turn_ends_at_its_next_safe_place_when_the_engine_is_stopped(
    engine: TurnEngine, publication: PublicationFolder
) -> None:
    steps: list[int] = []

    def work(progress: Progress) -> None:
        while True:
            steps.append(len(steps))
            progress("working", len(steps), 0)
            time.sleep(0.01)

    engine.schedule(Turn("long", work, RARELY))
    ask(engine, publication, "long")
    with running(engine):
        until("its beginning", lambda: steps)
    assert [one for one in states(engine) if one[1] == "running"] == []
