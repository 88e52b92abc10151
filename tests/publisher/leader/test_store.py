"""One process leads at a time; who follows has a greater epoch, which the former one lacks."""

from contextlib import closing

import pytest

from publisher.database import open_database
from publisher.errors import DatabaseError, LeaderLostError
from publisher.leader import store
from publisher.leader.store import LEADER_SECONDS, Leader, Process
from tests.databases import on_postgresql
from tests.publisher.conftest import PublicationFolder

ONE, TWO = Process("1", "alpha", 11, "alpha/var"), Process("2", "beta", 22, "beta/var")
NOW = 1_700_000_000.0
LATER = NOW + LEADER_SECONDS + 1


def take(
    publication: PublicationFolder, process: Process, epoch: int | None = None, now: float = NOW
) -> int | None:
    with publication.database.writing_beside() as connection:
        return store.take_or_renew(connection, process, epoch, now)


def requires(publication: PublicationFolder, process: Process, epoch: int) -> None:
    with publication.database.writing() as connection:
        store.require_epoch(connection, process.id, epoch)


def test_another_process_leads_once_the_lease_has_expired(
    publication: PublicationFolder,
) -> None:
    assert take(publication, ONE) == 1
    assert take(publication, TWO, now=NOW + LEADER_SECONDS) is None
    assert take(publication, ONE, 1, NOW + LEADER_SECONDS) == 1
    assert take(publication, TWO, now=LATER) is None
    assert take(publication, TWO, now=LATER + LEADER_SECONDS) == 2
    assert take(publication, ONE, 1, LATER + LEADER_SECONDS) is None


def test_a_late_leader_goes_on_if_nobody_has_followed(publication: PublicationFolder) -> None:
    take(publication, ONE)
    assert take(publication, ONE, 1, LATER + 3600) == 1


def test_a_former_leader_writes_nothing(publication: PublicationFolder) -> None:
    take(publication, ONE)
    requires(publication, ONE, 1)
    take(publication, TWO, now=LATER)
    with pytest.raises(LeaderLostError):
        requires(publication, ONE, 1)
    requires(publication, TWO, 2)
    take(publication, ONE, now=LATER + LEADER_SECONDS + 1)
    # It leads again, and what it began before is lost all the same.
    requires(publication, ONE, 3)
    with pytest.raises(LeaderLostError):
        requires(publication, ONE, 1)


def test_a_process_that_holds_the_lock_of_a_dead_leader_follows_at_once(
    publication: PublicationFolder,
) -> None:
    take(publication, ONE)
    assert take(publication, Process("3", "alpha", 33, ONE.scope)) == 2


def test_a_leader_that_ends_is_followed_at_once(publication: PublicationFolder) -> None:
    take(publication, ONE)
    with publication.database.writing_beside() as connection:
        store.report_running(connection, ONE, NOW)
        store.report_running(connection, TWO, NOW)
        store.end_process(connection, TWO)
        assert store.current_leader(connection, NOW) == Leader("1", 1, LEADER_SECONDS)
        store.end_process(connection, ONE)
        assert store.current_leader(connection, NOW) is None
        assert store.running_processes(connection, NOW) == []
    assert take(publication, TWO) == 2


def test_who_runs_is_on_record_while_it_says_so(publication: PublicationFolder) -> None:
    with publication.database.writing_beside() as connection:
        store.report_running(connection, TWO, NOW)
        store.report_running(connection, ONE, NOW)
        store.report_running(connection, ONE, LATER)
        found = store.running_processes(connection, NOW)
        assert [(one.host, one.pid) for one in found] == [("alpha", 11), ("beta", 22)]
        assert [one.host for one in store.running_processes(connection, LATER)] == ["alpha"]


def test_a_new_leader_waits_for_what_the_former_one_is_storing_and_renewing_does_not(
    publication: PublicationFolder,
) -> None:
    if not on_postgresql():
        pytest.skip("in a file no transaction writes beside another one")
    take(publication, ONE)
    address = publication.settings.database
    with closing(open_database(address, busy_seconds=0.2)) as impatient:
        with publication.database.writing() as connection:
            store.require_epoch(connection, ONE.id, 1)
            assert take(publication, ONE, 1) == 1
            with (
                pytest.raises(DatabaseError, match="has been writing"),
                impatient.writing_beside() as other,
            ):
                store.take_or_renew(other, TWO, None, LATER)
        with impatient.writing_beside() as other:
            assert store.take_or_renew(other, TWO, None, LATER) == 2
