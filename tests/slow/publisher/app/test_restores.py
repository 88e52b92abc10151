"""An old database is noticed, sends nothing, and goes on with what was surely not sent."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from publisher import errors
from publisher.accounts.model import terminal_actor
from publisher.app.operation.backup import back_up_publication, read_backup, restore_publication
from publisher.app.operation.databases import preview_recovery, recover_database
from publisher.app.operation.run import open_locked_pipeline, run_cycle
from publisher.app.operation.status import take_snapshot
from publisher.app.start_checks import begin_anew, refuse_lost_state
from publisher.database import open_database
from publisher.delivery.ledger import lifecycle
from publisher.delivery.lineage.quarantine import find_quarantine
from publisher.delivery.lineage.recovery import Choices
from publisher.delivery.lineage.witness import LedgerPage, Witness, read_witness
from publisher.delivery.transports.base import Outcome, SendStatus
from publisher.issues import store
from publisher.issues.model import IssueReason, IssueState
from tests.databases import on_postgresql
from tests.publisher.app.restoring import WEEK, Scene
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import subscribe


@pytest.fixture
def scene(new_publication: Callable[..., PublicationFolder]) -> Iterator[Scene]:
    scene = Scene(new_publication(languages=["en"]))
    scene.cycle()
    yield scene
    scene.database.close()


@pytest.mark.parametrize("how", ["back_up", "copy"])
def test_a_restored_copy_sends_nothing_and_then_nothing_twice(scene: Scene, how: str) -> None:
    copy = getattr(scene, how)()
    scene.send()
    scene.restore(copy)
    assert scene.is_quarantined
    scene.week()
    scene.send()
    assert len(scene.transport.taken) == 4
    shown = {one.name: one for one in scene.preview().issues}
    (first, second) = sorted(shown)
    assert (shown[first].sent, shown[first].not_sent, shown[first].in_doubt) == (4, None, 0)
    recovery = scene.recover()
    assert recovery.is_complete
    scene.cycle()
    scene.send()
    assert set(scene.sent.values()) == {1}
    assert {name for name, _address in scene.sent} == {first, second}


def test_a_backup_that_is_restored_twice_does_not_know_more_the_second_time(
    scene: Scene,
) -> None:
    backup = scene.back_up()
    scene.send()
    scene.lose_var()
    for _ in range(2):
        scene.restore(backup)
        assert not scene.recover().is_complete
        scene.cycle()
        scene.send()
    assert set(scene.sent.values()) == {1}


def test_without_a_journal_nothing_is_sent_that_may_have_been_until_it_is_named(
    scene: Scene,
) -> None:
    copy, name = scene.back_up(), scene.name()
    scene.send()
    scene.lose_var()
    scene.restore(copy)
    (found,) = scene.preview().issues
    assert (found.name, found.state) == (name, IssueState.SKIPPED)
    assert found.reason is not None
    assert "may have been sent" in found.reason
    # The preview has changed nothing.
    assert scene.is_quarantined
    scene.recover(name)
    scene.cycle()
    scene.send()
    assert set(scene.sent.values()) == {2}


def test_an_issue_that_is_under_way_is_in_doubt_without_a_journal(scene: Scene) -> None:
    scene.transport.outcomes = {"reader-1@example.com": Outcome(SendStatus.DEFERRED, "busy")}
    scene.send()
    copy = scene.back_up()
    scene.transport.outcomes = None
    scene.lose_var()
    scene.restore(copy)
    (found,) = scene.recover().issues
    assert (found.sent, found.not_sent, found.in_doubt) == (3, 0, 1)
    scene.send()
    assert len(scene.transport.taken) == 3


def test_a_new_database_beside_a_page_skips_its_issue(
    scene: Scene, new_publication: Callable[..., PublicationFolder]
) -> None:
    scene.send()
    public = scene.publication.settings.folders.public
    other = new_publication(languages=["en"])
    public.rename(other.settings.folders.public)
    subscribe(other, ("reader-1@example.com", "en"))
    again = Scene(other, subscribers=0)
    again.cycle()
    with other.database.reading() as connection:
        issue = store.issue_by_name(connection, again.name())
    assert issue is not None
    assert (issue.state, issue.reason_key) == (
        IssueState.SKIPPED,
        IssueReason.MAY_HAVE_BEEN_SENT,
    )
    again.week()
    again.send()
    assert set(again.sent) == {(again.name(), "reader-1@example.com")}


def test_a_quarantined_publication_writes_pages_and_says_what_to_do(scene: Scene) -> None:
    publication = scene.publication
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    scene.restore(scene.back_up())
    scene.week()
    settings, clock = publication.settings, publication.clock
    with open_locked_pipeline(settings, clock) as pipeline:
        report = run_cycle(pipeline, lambda *_: None)
        snapshot = take_snapshot(settings, pipeline.database, clock.now())
    assert (settings.folders.public / "en/stories/tides/index.html").is_file()
    assert report.problems == [snapshot.old_database]
    assert "it is a backup, made at 2026-01-09 12:00:00 UTC" in report.problems[0]
    assert "publisher recover" in report.problems[0]
    assert [one.issue.day.isoformat() for one in snapshot.latest] == ["2026-01-09"]


def test_rows_under_way_of_a_cancelled_issue_are_in_doubt_too(scene: Scene) -> None:
    random = Random(1)
    while "attempting" not in scene.states().values():
        scene.send_and_be_killed(random)
    with scene.database.writing() as connection:
        (issue,) = store.issues_in_state(connection, IssueState.SENDING)
        lifecycle.cancel_issue(connection, issue, "x", scene.now)
    copy = scene.back_up()
    under_way = [*scene.states().values()].count("attempting")
    scene.lose_var()
    scene.restore(copy)
    (found,) = scene.recover().issues
    assert (found.name, found.state) == (issue.name, IssueState.CANCELLED)
    assert found.in_doubt == under_way
    scene.send()
    assert not {"attempting", "claimed", "pending"} & {*scene.states().values()}


def test_choices_hold_and_skip_issues_by_name(scene: Scene) -> None:
    copy, first = scene.back_up(), scene.name()
    scene.lose_var()
    scene.restore(copy)
    scene.now += WEEK
    second = scene.name()
    choices = Choices(hold=frozenset({second}), skip=frozenset({first}))
    with pytest.raises(errors.IssueError, match="daily-en-2026-01-09: no issue"):
        recover_database(
            scene.state, terminal_actor(), Choices(skip=frozenset({"daily-en-2026-01-09"}))
        )
    found = {
        one.name: one for one in recover_database(scene.state, terminal_actor(), choices).issues
    }
    assert found[first].state is IssueState.SKIPPED
    assert found[second].state is IssueState.SCHEDULED
    scene.cycle()
    scene.send()
    assert scene.transport.taken == []
    with pytest.raises(errors.DatabaseError, match="nothing to recover"):
        preview_recovery(scene.state, terminal_actor(), Choices())


def test_an_issue_that_somebody_has_is_not_skipped(scene: Scene) -> None:
    copy, name = scene.back_up(), scene.name()
    scene.send()
    scene.restore(copy)
    with pytest.raises(errors.IssueError, match=f"--skip: {name}: 4 have got it, or may have"):
        scene.recover(skip=[name])


def test_a_witness_that_cannot_be_written_stops_sending(scene: Scene) -> None:
    witness = scene.publication.settings.folders.var / "witness"
    witness.unlink()
    witness.mkdir()
    with pytest.raises((errors.StorageError, IsADirectoryError)):
        scene.send()
    assert scene.transport.taken == []


def test_a_full_disk_keeps_nobody_from_planning(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What other machines have sent can't be noted; who sends finds that out for itself."""
    scene.send()

    def full(_self: Witness, _page: LedgerPage) -> None:
        raise errors.StorageError("var: No space left on device")

    monkeypatch.setattr(Witness, "follow", full)
    publication = scene.publication
    assert find_quarantine(publication.settings, publication.database, scene.now) is None


def test_a_second_folder_has_a_witness_and_a_journal_too(scene: Scene, tmp_path: Path) -> None:
    settings = scene.publication.settings
    delivery = settings.delivery.model_copy(update={"witness": str(tmp_path / "second")})
    scene.publication.settings = replace(settings, delivery=delivery)
    scene.send()
    assert len(scene.transport.taken) == 4
    first, second = settings.folders.var, tmp_path / "second"
    assert read_witness(first) == read_witness(second) is not None
    written = [
        [one.read_bytes() for one in (folder / "journal").iterdir()]
        for folder in (first, second)
    ]
    assert len(written[0]) == 1
    assert written[0] == written[1]


def test_looking_at_an_old_database_changes_nothing(scene: Scene) -> None:
    copy = scene.copy()
    scene.send()
    scene.restore(copy)
    settings, now = scene.publication.settings, scene.now
    with closing(open_database(settings.database, read_only=True)) as database:
        assert "is older than" in str(take_snapshot(settings, database, now).old_database)
    assert scene.is_quarantined


def test_a_new_start_ends_the_quarantine_of_a_database_that_has_nothing(
    publication: PublicationFolder,
) -> None:
    settings, clock, database = publication.settings, publication.clock, publication.database
    (settings.folders.var / "witness").write_text("another 7".ljust(63) + "\n")
    assert find_quarantine(settings, database, clock.now()) is not None
    with pytest.raises(errors.LostStateError, match="var/witness was written"):
        refuse_lost_state(settings, database)
    begin_anew(settings, database)
    assert find_quarantine(settings, database, clock.now()) is None
    refuse_lost_state(settings, database)


def test_nothing_is_restored_under_a_running_publication_or_another_secret(
    publication: PublicationFolder, tmp_path: Path
) -> None:
    settings, clock = publication.settings, publication.clock
    backup = back_up_publication(settings, tmp_path, clock)
    assert read_backup(backup.folder) == backup
    with open_locked_pipeline(settings, clock), pytest.raises(errors.BusyError):
        restore_publication(settings, backup.folder, clock)
    backup.folder.joinpath("secret").write_text("another secret of thirty-two letters")
    with pytest.raises(errors.ConfigError, match="not the secret of the backup"):
        restore_publication(settings, backup.folder, clock)


def test_a_new_start_forgets_the_witness_only_if_nothing_is_recorded(scene: Scene) -> None:
    scene.send()
    settings = scene.publication.settings
    before = read_witness(settings.folders.var)
    begin_anew(settings, scene.database)
    assert read_witness(settings.folders.var) == before


def test_a_backup_from_before_another_recovery_does_not_go_on_with_pages_from_after_it(
    scene: Scene,
) -> None:
    """Nothing outside the database knows of the first recovery, or of what was sent after it."""
    first = scene.back_up()
    scene.lose_var()
    scene.restore(first)
    scene.recover()
    scene.week()
    second = scene.back_up()
    scene.send()
    scene.lose_var()
    scene.restore(first)
    scene.recover()
    scene.week()
    scene.send()
    scene.restore(second)
    assert not scene.recover().is_complete
    scene.cycle()
    scene.send()
    assert set(scene.sent.values()) == {1}


def test_a_machine_that_has_lost_its_folder_does_not_send_again_what_it_sent_last(
    scene: Scene,
) -> None:
    if not on_postgresql():
        pytest.skip("several machines need a server")
    scene.send()
    backup = scene.back_up()
    scene.change_machine()
    scene.week()
    scene.send()
    scene.lose_var()
    scene.restore(backup)
    # The first machine is named, and has all that was sent before the backup.
    assert not scene.recover().is_complete
    scene.cycle()
    scene.send()
    assert set(scene.sent.values()) == {1}
