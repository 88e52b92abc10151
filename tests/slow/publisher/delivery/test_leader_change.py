"""A leader that is stopped or killed is followed within 40 seconds; going on, it writes no file.

One that is stopped among the files that it writes leaves those of the next leader as they are, and says why.
"""

import shutil
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import Row

from publisher.errors import LeaderLostError
from publisher.jobs.turns import SECONDS_BETWEEN_CYCLES
from publisher.leader.store import LEADER_SECONDS
from tests.processes import tree
from tests.sizes import by_lane
from tests.slow.publisher.delivery.crashes.scene import Scene, say, wait_for
from tests.slow.publisher.delivery.hosts import CYCLE, LEASE, SHORT, Cluster, Machine, clustered

Value = TypeVar("Value")
MACHINES = 2
# Seconds from the last renewal of a leader, until another one begins to plan, as they are promised.
FOLLOWED_AFTER = 40
# With the leases of these tests.
FOLLOWED = (FOLLOWED_AFTER - LEADER_SECONDS) / 2 + LEASE
assert LEADER_SECONDS + SECONDS_BETWEEN_CYCLES < FOLLOWED_AFTER
LEADER = """
    SELECT running_process.host, leader.files_epoch, leader.epoch, leader.until,
        CAST(extract(epoch FROM clock_timestamp()) AS float8) AS now
    FROM leader JOIN running_process ON running_process.id = leader.holder
"""
ARTICLES = "SELECT count(*) FROM article"
# Of those at the lease before each change of a file, in the first cycle: among its pages, and its feeds.
LOOKS = by_lane((45,), (15, 45))
CHANGES_NOTHING = str(LeaderLostError())
# Of one that is to go on leading, on a machine that is busy.
LONG = tuple(f"publisher.leader.{one}:LEADER_SECONDS=120" for one in ("store", "holder"))
ARTICLE = "---\ntitle: The {word} lamp\ndate: 2026-01-08\n---\nIt burns.\n"


class Leaders:
    """Who leads now, and when the database has what only a leader stores."""

    def __init__(self, scene: Scene, hosts: list[Machine]) -> None:
        self._scene = scene
        self._hosts = hosts

    def look(self) -> tuple[int, int, int]:
        """Return the number of the leader's machine, the last epoch of files, and its own."""
        row = self._row()
        return int(row.host.rpartition("-")[2]), row.files_epoch, row.epoch

    def _row(self) -> Row[Any]:
        with self._scene.reading() as connection:
            return connection.exec_driver_sql(LEADER).one()

    def writes_files(self) -> bool:
        """Return whether somebody leads, and has begun to write."""
        with self._scene.reading() as connection:
            row = connection.exec_driver_sql(LEADER).first()
        return row is not None and bool(row.files_epoch == row.epoch)

    def articles(self) -> int:
        with self._scene.reading() as connection:
            return int(connection.exec_driver_sql(ARTICLES).scalar_one())

    def add_article(self, word: str) -> None:
        for host in self._hosts:
            add_article(host.folder, word)

    def wait_for_next(self, former: int, word: str, articles: int) -> float:
        """Wait until another machine has stored a new article.

        Return the seconds from the last renewal of the former leader until the other one began its turn, by
        the database's clock: how long its turn takes depends on the load.
        """
        renewed_at = self._row().until - LEASE
        self.add_article(word)
        wait_for("another leader", lambda: self.look()[0] != former)
        wait_for("its turn", self.writes_files)
        seconds = float(self._row().now - renewed_at)
        wait_for("what it plans", lambda: self.articles() >= articles)
        return seconds


def test_a_leader_is_followed_and_goes_on_without_writing(tmp_path: Path) -> None:
    with clustered(tmp_path, 1) as cluster:
        hosts = cluster.start(MACHINES)
        leaders = Leaders(cluster.scene, hosts)
        wait_for("a leader", leaders.writes_files)
        first, _, epoch = leaders.look()
        # In the middle of a transaction it is stopped below.
        wait_for("the end of its cycle", (hosts[first].folder / "var" / "heartbeat").exists)
        before = leaders.articles()
        with hosts[first].frozen():
            seconds = leaders.wait_for_next(first, "old", before + 1)
            say(f"a leader was stopped: another one planned after {seconds:.1f} s")
            assert seconds <= FOLLOWED
            second, _, following = leaders.look()
            assert following > epoch
            wait_for("its pages", (tmp_path / "public/en/stories/old/index.html").exists)
            # Written at the end of a cycle.
            (hosts[second].folder / "var" / "heartbeat").unlink(missing_ok=True)
            wait_for("its cycle", (hosts[second].folder / "var" / "heartbeat").exists)
            files = tree(tmp_path / "public")
            said = hosts[first].log_size()
        wait_for(
            "that it learns of it", lambda: hosts[first].has_said("another process leads", said)
        )
        assert tree(tmp_path / "public") == files
        hosts[second].kill()
        seconds = leaders.wait_for_next(second, "new", before + 2)
        say(f"a leader was killed: another one planned after {seconds:.1f} s")
        assert seconds <= FOLLOWED
        assert leaders.look()[2] > following


@pytest.mark.parametrize("look", LOOKS)
def test_a_leader_that_is_stopped_while_it_writes_files_writes_no_more(
    look: int, tmp_path: Path
) -> None:
    public = tmp_path / "public"
    changes = (*SHORT, *CYCLE)
    with clustered(tmp_path, 1) as cluster:
        add_article(cluster.scene.folder, "old")
        (first,) = cluster.start(1, (*changes, f"--freeze-at-file={look}"))
        wait_for("its stop", lambda: is_stopped(first.process.pid))
        said = first.log_size()
        begun = {*finished(tree(public))}
        own = start_beside(cluster, first, "new", (*changes, *LONG)).folder
        wait_for("what the other one writes", (public / "en/stories/new/index.html").exists)
        # Written at the end of a cycle, and while another one leads.
        (own / "var" / "heartbeat").unlink(missing_ok=True)
        wait_for("the end of its cycle", (own / "var" / "heartbeat").exists)
        files, written = finished(times(public)), finished(tree(public))
        # It was in the middle of it.
        assert begun
        assert begun < set(written)
        first.process.send_signal(signal.SIGCONT)
        wait_for("why it stops", lambda: first.has_said(CHANGES_NOTHING, said))
        wait_for("that it follows", lambda: first.has_said("another process leads", said))
        assert finished(tree(public)) == written
        assert finished(times(public)) == files
        assert Leaders(cluster.scene, []).look()[0] == 1


def start_beside(
    cluster: Cluster, first: Machine, word: str, changes: Sequence[str]
) -> Machine:
    """Start another machine with the files of the first, and one more article."""
    own = cluster.folder / "machine-1"
    shutil.copytree(first.folder, own, symlinks=True, ignore=shutil.ignore_patterns("var"))
    add_article(own, word)
    second = Machine(own, "host-1", cluster.place, changes)
    cluster.stack.callback(second.close)
    return second


def finished(files: Mapping[str, Value]) -> dict[str, Value]:
    """Leave out what a process has not given its name yet: it takes its own away when it goes on."""
    return {name: value for name, value in files.items() if not name.endswith(".part")}


def add_article(folder: Path, word: str) -> None:
    file = folder / "articles" / f"{word}.md"
    file.write_text(ARTICLE.format(word=word), "utf-8")


def times(folder: Path) -> dict[str, int]:
    """Return when each file below a folder was written."""
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_file()
    }


def is_stopped(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
    return state == "T"
