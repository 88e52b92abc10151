"""Whatever is sent, killed, copied, lost and put back: nobody gets an issue twice, and none vanishes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from publisher.app.backup import Backup
from publisher.database import open_database
from publisher.delivery.lineage.witness import read_witness
from publisher.delivery.states import DeliveryState
from publisher.issues.model import Issue, IssueReason, IssueState
from publisher.testing import make_publication
from tests.databases import at_database, copy_test_database, drop_databases, on_postgresql
from tests.publisher.app.restoring import PROMISED, Scene
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.stepped_run import WORKERS
from tests.sizes import by_lane

HISTORIES = by_lane(60, 500)
# On a server, each backup and each restore takes some tenths of a second.
HISTORIES_ON_SERVER = by_lane(20, 100)
DECIDED = {DeliveryState.SENT, DeliveryState.IN_DOUBT}
# States of rows at the end, by that of an issue that an operator held or skipped.
ENDS = {
    IssueState.PAUSED: DECIDED | {DeliveryState.PENDING},
    IssueState.CANCELLED: DECIDED | {DeliveryState.CANCELLED},
}
SKIP = 2
OVER = (IssueState.SENT, IssueState.PARTIAL, IssueState.FAILED, IssueState.CANCELLED)


class History:
    """A random life of a publication, and what its operator may expect."""

    def __init__(self, scene: Scene, random: Random) -> None:
        self.scene = scene
        self.random = random
        self.copies: list[Backup | Path] = []
        self.told: list[str] = []
        # Whether a machine has lost files, or was not named: then what is known may have gaps.
        self.has_lost_journal = False
        # Whether every recovery knew all that was sent.
        self.is_complete = True

    def step(self) -> None:
        steps: dict[Callable[[], object], int] = {
            self.scene.week: 3,
            self.scene.send: 2,
            self.be_killed: 3,
            self.copy: 3,
            self.restore: 3,
            self.recover: 3,
            self.lose_journal: 1,
            self.scene.join: 1,
        }
        if on_postgresql():
            steps[self.scene.change_machine] = 3
        (step,) = self.random.choices([*steps], [*steps.values()])
        self.told.append(getattr(step, "__name__", ""))
        step()

    def be_killed(self) -> None:
        self.scene.send_and_be_killed(self.random)

    def lose_journal(self) -> None:
        self.scene.lose_journal()
        self.has_lost_journal = True
        if self.random.random() < 0.3:
            self.lose_var()

    def lose_var(self) -> None:
        self.scene.lose_var()
        self.has_lost_journal = True
        if on_postgresql():
            return
        # A copy of a file without a mark, and without what was beside it, can't be told from the database.
        self.copies = [one for one in self.copies if isinstance(one, Backup)]

    def copy(self) -> None:
        how = self.scene.back_up if self.random.random() < 0.5 else self.scene.copy
        self.copies.append(how())

    def restore(self) -> None:
        if not self.copies:
            return
        copy = self.random.choice(self.copies)
        if isinstance(copy, Backup) and self.random.random() < 0.3:
            self.lose_var()
        self.scene.restore(copy)
        # Who joins before that gets a number that another one may have had.
        self.scene.look()

    def recover(self) -> None:
        if not self.scene.is_quarantined:
            return
        names_journals = self.random.random() < 0.8
        if not all(read_witness(machine.var) for machine in self.scene.machines):
            # Nothing was sent yet, for all that is known: so nothing says that all is known.
            self.has_lost_journal = True
        self.has_lost_journal |= on_postgresql() and not names_journals
        send, hold, skip = self.choose()
        recovery = self.scene.recover(
            *send, hold=hold, skip=skip, names_journals=names_journals
        )
        self.is_complete &= recovery.is_complete
        self.scene.cycle()

    def choose(self) -> tuple[list[str], list[str], list[str]]:
        """Draw which issues are sent, held and skipped; most are not named."""
        chosen: tuple[list[str], list[str], list[str]] = ([], [], [])
        for one in self.scene.preview().issues:
            if one.state is None:
                continue
            (verb,) = self.random.choices((0, 1, 2, None), (10, 5, 5, 80))
            # What is over can't be cancelled.
            if verb is not None and not (verb == SKIP and one.state in OVER):
                chosen[verb].append(one.name)
        return chosen


def was_given_up(issue: Issue) -> bool:
    """Return whether a recovery skipped it. A cycle does, too, where a page is of another database."""
    is_doubtful = issue.reason_key == IssueReason.MAY_HAVE_BEEN_SENT
    return is_doubtful and "restored" in (issue.reason or "")


@pytest.mark.parametrize("has_journal", [True, False])
def test_nobody_gets_an_issue_twice_unless_an_operator_named_it(
    empty_database: Path, *, has_journal: bool
) -> None:
    histories = HISTORIES_ON_SERVER if on_postgresql() else HISTORIES

    @settings(
        max_examples=histories // 2,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.integers(0, 1 << 32), st.integers(5, 20))
    def check(seed: int, steps: int) -> None:
        with TemporaryDirectory() as folder:
            _check_one(
                empty_database, Path(folder), Random(seed), steps, has_journal=has_journal
            )

    check()


def _check_one(
    empty_database: Path, folder: Path, random: Random, steps: int, *, has_journal: bool
) -> None:
    made = make_publication(folder / "publication", languages=["en"])
    delivery = made.delivery.model_copy(update={"journal": has_journal})
    made = replace(made, delivery=delivery)
    made.folders.var.mkdir()
    copy_test_database(empty_database, made.folders.database)
    made = at_database(made)
    scene = Scene(PublicationFolder(made, open_database(made.database, "normal")))
    history = History(scene, random)
    scene.cycle()
    try:
        for _ in range(steps):
            history.step()
            twice = {key: n for key, n in scene.sent.items() if n > 1 + scene.allowed[key[0]]}
            assert not twice, history.told
        history.recover()
        scene.cycle()
        scene.send()
        # Nobody waits for ever, nothing vanishes, and what counts as sent has left.
        states, issues = scene.states(), scene.issues()
        for (name, _address), state in states.items():
            assert state in ENDS.get(issues[name].state, DECIDED), (name, state, history.told)
        assert not scene.vanished(), history.told
        sent = {key for key, state in states.items() if state == DeliveryState.SENT}
        assert sent <= scene.sent.keys(), history.told
        # Of a server nobody has looked into the database that was given up, which has the page that is missing.
        if has_journal and not (history.has_lost_journal or (on_postgresql() and scene.gaps)):
            assert history.is_complete, history.told
        if history.is_complete:
            doubtful = sum(state == DeliveryState.IN_DOUBT for state in states.values())
            assert doubtful <= scene.kills * WORKERS * PROMISED, history.told
            assert not any(map(was_given_up, issues.values())), history.told
    finally:
        scene.database.close()
        drop_databases(folder)
