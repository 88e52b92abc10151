"""Who left after a backup gets no mail after it is restored."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete

from publisher.accounts.model import terminal_actor
from publisher.app.operation.databases import recover_database
from publisher.app.subscribers import departures
from publisher.app.subscribers.actions import erase_somebody
from publisher.app.subscribers.departures import DepartureRecorder, record_departures
from publisher.config.delivery import WarmupSettings
from publisher.delivery.lineage.recovery import Choices
from publisher.delivery.lineage.witness import FOLDER
from publisher.delivery.rates.limiter import sent_on
from publisher.delivery.tables import lineage_table
from subscribers.addresses import normalise_address
from subscribers.changes import resubscribe, suppress
from subscribers.joining import add_pending
from subscribers.model import JoinWish, SubscriberStatus
from subscribers.store import find_subscriber
from subscribers.tables import erased_address
from tests.publisher.app.restoring import Scene
from tests.publisher.conftest import NOW, PublicationFolder, by_owner
from tests.subscribers.leaving import unsubscribe


def reader(number: int) -> str:
    return f"reader-{number}@example.com"


@pytest.fixture
def scene(new_publication: Callable[..., PublicationFolder]) -> Iterator[Scene]:
    scene = Scene(new_publication(languages=["en"]), subscribers=7)
    scene.cycle()
    yield scene
    scene.database.close()


def leave(scene: Scene, number: int) -> None:
    with scene.database.writing() as connection:
        unsubscribe(connection, reader(number), "weekly", scene.now)


def record(scene: Scene) -> None:
    record_departures(scene.publication.settings, scene.database, scene.now)


@pytest.mark.sqlite("a server's copy is noticed")
def test_who_left_stays_away_though_nothing_was_sent_since_a_snapshot(scene: Scene) -> None:
    snapshot = scene.copy()
    leave(scene, 1)
    record(scene)
    erase_somebody(*by_owner(scene.publication.at(scene.now)), reader(2))
    record(scene)
    scene.restore(snapshot)
    assert not scene.is_quarantined
    leave(scene, 3)
    record(scene)
    scene.restore(snapshot)
    record(scene)
    scene.week()
    scene.send()
    assert {address for _name, address in scene.sent} == {reader(n) for n in (4, 5, 6, 7)}


def test_who_was_erased_and_came_back_stays_whatever_else_is_erased(scene: Scene) -> None:
    leave(scene, 1)
    erase_somebody(*by_owner(scene.publication.at(scene.now)), reader(2))
    record(scene)
    scene.now += timedelta(hours=1)
    with scene.database.writing() as connection:
        connection.execute(
            delete(erased_address)
        )  # as who imports her again, or her confirmation
        add_pending(
            connection, normalise_address(reader(2)), JoinWish(("weekly",), "en"), scene.now
        )
    # The newest change of all goes with her.
    erase_somebody(*by_owner(scene.publication.at(scene.now)), reader(1))
    record(scene)
    with scene.database.reading() as connection:
        assert find_subscriber(connection, reader(2)) is not None


def test_nobody_gets_mail_again_who_had_left_since_the_backup(scene: Scene) -> None:
    leave(scene, 7)
    backup = scene.back_up()
    leave(scene, 1)
    record(scene)
    with scene.database.writing() as connection:
        suppress(connection, reader(2), SubscriberStatus.BOUNCED, scene.now)
        suppress(connection, reader(3), SubscriberStatus.COMPLAINED, scene.now)
    erase_somebody(*by_owner(scene.publication.at(scene.now)), reader(4))
    leave(scene, 5)
    with scene.database.writing() as connection:
        resubscribe(connection, reader(5), "weekly", scene.now)
    for _ in range(2):
        record(scene)
    scene.restore(backup)
    assert scene.preview().left == 4
    assert scene.recover().left == 4
    scene.week()
    scene.send()
    assert {address for _name, address in scene.sent} == {reader(5), reader(6)}


@pytest.mark.sqlite("on a server a backup goes into another database")
def test_who_left_since_the_last_run_is_recorded_from_the_file_that_is_replaced(
    scene: Scene,
) -> None:
    backup = scene.back_up()
    leave(scene, 1)
    scene.restore(backup)
    assert scene.recover().left == 1
    scene.send()
    assert reader(1) not in {address for _name, address in scene.sent}


def test_the_files_hold_no_address_and_only_what_is_new(scene: Scene) -> None:
    leave(scene, 1)
    record(scene)
    (file,) = scene.publication.settings.folders.var.glob("journal/*.left")
    before = file.read_bytes()
    record(scene)
    assert file.read_bytes() == before
    erase_somebody(*by_owner(scene.publication.at(scene.now)), reader(2))
    record(scene)
    assert file.read_bytes().count(b"\n") == 2
    assert b"reader" not in file.read_bytes()
    assert b"example" not in file.read_bytes()


def test_who_left_after_a_restore_is_remembered_at_the_next_one(scene: Scene) -> None:
    first = scene.back_up()
    for number in (1, 2, 3):
        leave(scene, number)
    record(scene)
    scene.restore(first)
    scene.recover()
    second = scene.back_up()
    leave(scene, 4)
    record(scene)
    scene.restore(second)
    assert scene.recover().left == 1
    scene.restore(first)
    assert scene.recover().left == 4


def test_who_joins_before_the_database_is_recovered_is_taken_for_nobody_else(
    scene: Scene,
) -> None:
    backup = scene.back_up()
    scene.join()
    for number in (1, 8):
        leave(scene, number)
    record(scene)
    scene.week()
    scene.send()
    scene.restore(backup)
    for _ in range(3):
        scene.join()
    assert scene.recover().left == 1
    scene.cycle()
    scene.send()
    scene.week()
    scene.send()
    # Each of the three issues, once.
    got = Counter(address for _issue, address in scene.sent.elements())
    assert got == {reader(number): 3 for number in (2, 3, 4, 5, 6, 7, 9, 10, 11)}


def test_a_half_written_line_loses_nothing_but_itself(scene: Scene) -> None:
    backup = scene.back_up()
    leave(scene, 1)
    record(scene)
    (file,) = scene.publication.settings.folders.var.glob("journal/*.left")
    whole = file.read_bytes()
    leave(scene, 2)
    record(scene)
    file.write_bytes(file.read_bytes()[:-5])
    record(scene)
    assert file.read_bytes().startswith(whole)
    scene.restore(backup)
    assert scene.recover().left == 2


def test_erasures_of_one_second_are_recorded_whenever_they_are_stored(scene: Scene) -> None:
    backup, settings = scene.back_up(), scene.publication.settings
    for number, seconds in ((4, 0), (5, 0), (6, -5)):
        # The last one has waited for the first two.
        at = scene.now + timedelta(seconds=seconds)
        erase_somebody(*by_owner(scene.publication.at(at)), reader(number))
        for _ in range(2):
            record(scene)
    (file,) = settings.folders.var.glob("journal/*.left")
    assert file.read_bytes().count(b"\n") == 3
    scene.restore(backup)
    assert scene.recover().left == 3


def test_the_last_change_counts_whatever_the_order_of_the_folders(scene: Scene) -> None:
    folders, backup = scene.publication.settings.folders, scene.back_up()
    leave(scene, 1)
    with scene.database.writing() as connection:
        resubscribe(connection, reader(1), "weekly", scene.now)
    record(scene)
    # A machine that ended then.
    other = folders.root.with_name(f"{folders.root.name}-other")
    shutil.copytree(folders.var / FOLDER, other / FOLDER)
    leave(scene, 1)
    record(scene)
    scene.restore(backup)
    done = recover_database(scene.state, terminal_actor(), Choices(), [folders.var, other])
    assert done.left == 1


def test_a_dump_that_was_restored_by_hand_is_completed_too(scene: Scene) -> None:
    scene.send()
    backup = scene.back_up()
    leave(scene, 1)
    record(scene)
    scene.restore(backup)
    with scene.database.writing() as connection:
        connection.execute(delete(lineage_table))
    assert scene.recover().left == 1


def test_a_warm_up_allows_nothing_more_on_the_day_of_a_restore(scene: Scene) -> None:
    backup, plan = scene.back_up(), WarmupSettings(start=NOW.date(), first=3)
    settings = scene.publication.settings
    delivery = settings.delivery.model_copy(update={"warmup": plan})
    scene.publication.settings = replace(settings, delivery=delivery)
    scene.restore(backup)
    scene.recover()
    with scene.database.reading() as connection:
        used = [sent_on(connection, "outbox", NOW.date() + timedelta(days=n)) for n in (0, 1)]
    assert used == [3, 0]


def test_nothing_is_recorded_while_the_database_may_be_old(scene: Scene) -> None:
    backup = scene.back_up()
    scene.restore(backup)
    leave(scene, 1)
    record(scene)
    assert not [*scene.publication.settings.folders.var.glob("journal/*.left")]


def test_who_leaves_while_mail_is_sent_is_recorded_within_fifteen_seconds(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(departures, "uptime", lambda: now[0])
    recorder = DepartureRecorder(
        scene.publication.settings, scene.database, scene.publication.clock
    )
    files = scene.publication.settings.folders.var / FOLDER
    leave(scene, 1)
    recorder()
    (file,) = files.glob("*.left")
    before = file.read_bytes()
    leave(scene, 2)
    now[0] += 14.9
    recorder()
    assert file.read_bytes() == before
    now[0] += 0.2
    recorder()
    assert file.read_bytes().startswith(before)
    assert file.read_bytes().count(b"\n") == 2
