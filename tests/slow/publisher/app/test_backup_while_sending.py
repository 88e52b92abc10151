"""A backup that is made while mail leaves is one state of the database, and sending goes on."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

from sqlalchemy import func, select

from publisher.app.operation.backup import Backup, back_up_publication
from publisher.database import Database, open_database
from publisher.database.dialect import restore_dump
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery, lineage_table
from publisher.delivery.transports.base import Outcome, OutgoingMessage
from publisher.issues.tables import issue_table
from publisher.testing import MemoryTransport
from tests.databases import new_database, on_postgresql
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import ready, send, subscribe

SUBSCRIBERS = 1_500
PREFETCH = 4
CONNECTIONS = 4
# Seconds within which a backup is made, on a machine that is busy.
PATIENCE = 300.0


class HalfWay(MemoryTransport):
    """Takes half of the messages, and waits then until a backup has been made."""

    def __init__(self) -> None:
        super().__init__("ambiguous", connections=CONNECTIONS, prefetch=PREFETCH)
        self.is_reached, self.may_go_on = Event(), Event()

    def take(self, outgoing: OutgoingMessage) -> Outcome:
        if len(self.offered) >= SUBSCRIBERS // 2:
            self.is_reached.set()
            assert self.may_go_on.wait(PATIENCE)
        return super().take(outgoing)


def _opened(backup: Backup, place: Path) -> Database:
    """Open a backup, or a database that its dump was restored into."""
    if not on_postgresql():
        return open_database(backup.folder / "publisher.db")
    address = str(new_database(place))
    restore_dump(address, backup.folder / "publisher.dump")
    return open_database(address)


def _check(backup: Backup, place: Path) -> int:
    """Compare a backup with itself, and return how many mails it has as sent."""
    states = select(delivery.c.state, func.count()).group_by(delivery.c.state)
    with closing(_opened(backup, place)) as database, database.reading() as connection:
        counts = {row[0]: int(row[1]) for row in connection.execute(states)}
        state = connection.execute(select(issue_table.c.state)).scalar_one()
        if not on_postgresql():
            assert connection.exec_driver_sql("PRAGMA quick_check").scalars().all() == ["ok"]
            found = connection.execute(select(lineage_table)).one()
            assert (found.page, found.copied_at) == (backup.page, backup.made_at)
    # The ledger is opened in one transaction with the issue's state.
    assert sum(counts.values()) == (SUBSCRIBERS if state in {"sending", "sent"} else 0)
    assert counts.get(DeliveryState.ATTEMPTING, 0) <= CONNECTIONS * PREFETCH
    return counts.get(DeliveryState.SENT, 0)


def test_backups_during_a_turn_are_consistent_and_the_turn_ends(
    new_publication: Callable[..., PublicationFolder], tmp_path: Path
) -> None:
    publication = new_publication(languages=["en"])
    subscribe(publication, *((f"reader-{n}@example.com", "en") for n in range(SUBSCRIBERS)))
    ready(publication)
    transport = HalfWay()
    turn = Thread(target=send, args=(publication, transport), daemon=True)
    turn.start()
    backups: list[Backup] = []
    while turn.is_alive() or not backups:
        is_half_way = transport.is_reached.is_set()
        target = tmp_path / f"backup-{len(backups)}"
        backups.append(back_up_publication(publication.settings, target, publication.clock))
        if is_half_way:
            transport.may_go_on.set()
    turn.join()
    sent = [_check(one, tmp_path / f"place-{n}") for n, one in enumerate(backups)]
    assert sent == sorted(sent)
    # One at least began and ended between the first and the last page.
    assert any(0 < count < SUBSCRIBERS for count in sent)
    assert len({outgoing.recipient for outgoing in transport.taken}) == SUBSCRIBERS
    assert len(transport.taken) == SUBSCRIBERS
