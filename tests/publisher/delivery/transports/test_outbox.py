"""Messages in an outbox: whole, once, and none lost, whatever is in the way."""

import mailbox
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from publisher.config.delivery import OutboxLayoutKind
from publisher.delivery.transports.base import (
    ACCEPTED_OUTCOME,
    Outcome,
    OutgoingMessage,
    SendStatus,
    TransportConnection,
    Unreachable,
    send_test_message,
)
from publisher.delivery.transports.outbox import OutboxTransport
from publisher.errors import DeliveryError
from publisher.testing import MemoryTransport
from tests.publisher.delivery.transports.messages import (
    FOLDER,
    LAYOUTS,
    a_message,
    only,
    take_away,
    tree,
    visible,
    yes,
)

FILES = {
    OutboxLayoutKind.FILES: "weekly/en/2026-01-09/issue-7.0001.eml",
    OutboxLayoutKind.MAILDIR: "new/issue-7.0001",
}
by_layout = pytest.mark.parametrize("layout", LAYOUTS)
not_by_root = pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")


def open_outbox(
    outbox: Path, layout: OutboxLayoutKind = OutboxLayoutKind.FILES, sender: int = 1
) -> tuple[OutboxTransport, TransportConnection]:
    transport = OutboxTransport(outbox, layout)
    return transport, transport.connect(sender, yes)


# --- what a message goes through


@by_layout
def test_no_staging_folders_stay_behind(tmp_path: Path, layout: OutboxLayoutKind) -> None:
    transport, connection = open_outbox(tmp_path, layout)
    other = transport.connect(1, yes)
    connection.send(a_message(1))
    other.send(a_message(2))
    transport.on_committed(1, [(7, 1)])
    connection.close()
    other.close()
    assert transport.leftovers() == [1]
    transport.on_committed(1, [(7, 2)])
    assert transport.leftovers() == []
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_maildir_is_readable_by_the_standard_library(tmp_path: Path) -> None:
    transport, connection = open_outbox(tmp_path / "outbox", OutboxLayoutKind.MAILDIR)
    connection.send(a_message())
    transport.on_committed(1, [(7, 1)])
    connection.close()
    box = mailbox.Maildir(tmp_path / "outbox", create=False)
    (message,) = box
    assert message["Subject"] == "7"
    assert {path.name for path in (tmp_path / "outbox").iterdir()} == {"tmp", "new", "cur"}
    assert box.list_folders() == []


def test_several_threads_stage_independently(tmp_path: Path) -> None:
    transport = OutboxTransport(tmp_path)

    def work(first: int) -> None:
        connection = transport.connect(1, yes)
        for recipient in range(first, 40, 4):
            connection.send(a_message(recipient))
            transport.on_committed(1, [(7, recipient)])
        connection.close()

    with ThreadPoolExecutor(4) as threads:
        assert [*threads.map(work, range(4))] == [None] * 4
    assert sorted(take_away(tmp_path)) == sorted(
        a_message(n).message.content for n in range(40)
    )
    assert tree(tmp_path) == {}


# --- what a kill leaves


def test_staged_mail_is_placed_in_the_present_layout(tmp_path: Path) -> None:
    _, connection = open_outbox(tmp_path, OutboxLayoutKind.MAILDIR)
    connection.send(a_message())
    OutboxTransport(tmp_path, OutboxLayoutKind.FILES).recover(1, only((7, 1)))
    assert [*tree(tmp_path)] == [FILES[OutboxLayoutKind.FILES]]


def test_an_unreadable_ledger_leaves_staged_mail_as_it_is(tmp_path: Path) -> None:
    open_outbox(tmp_path)[1].send(a_message())
    before = tree(tmp_path)

    def fail(_: object) -> list[tuple[int, int]]:
        raise RuntimeError("locked")

    with pytest.raises(RuntimeError):
        OutboxTransport(tmp_path).recover(1, fail)
    assert tree(tmp_path) == before


def test_foreign_files_in_the_staging_folder_are_left_alone(tmp_path: Path) -> None:
    open_outbox(tmp_path)[1].send(a_message())
    strange = [".staged/x", ".staged/1/x.staged", ".staged/1/7/x.y.staged", ".staged/1/7/1."]
    for name in strange:
        (tmp_path / name).write_bytes(b"")
    transport = OutboxTransport(tmp_path)
    transport.recover(1, only())
    assert sorted(tree(tmp_path)) == sorted(strange)
    assert transport.leftovers() == [1]


def test_folders_removed_by_a_consumer_are_made_again(tmp_path: Path) -> None:
    transport, connection = open_outbox(tmp_path)
    connection.send(a_message(1))
    (tmp_path / FOLDER).rmdir()
    transport.on_committed(1, [(7, 1)])
    assert len(take_away(tmp_path)) == 1
    for folder, _, _ in os.walk(tmp_path, topdown=False):
        if Path(folder) != tmp_path:
            Path(folder).rmdir()
    connection.send(a_message(2))
    transport.on_committed(1, [(7, 2)])
    assert len(visible(tmp_path)) == 1


# --- what stands in the way


def test_a_full_disk_stops_sending_with_its_reason_and_leaves_no_half_file(
    tmp_path: Path,
) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no device that is always full")
    _, connection = open_outbox(tmp_path)
    folder = tmp_path / ".staged" / "1" / "7" / FOLDER
    folder.mkdir(parents=True)
    (folder / "1.issue-7.0001.staged").symlink_to(full)
    with pytest.raises(Unreachable, match=r"the disk that holds .* is full") as told:
        connection.send(a_message())
    assert str(tmp_path) in str(told.value)
    assert not told.value.is_final
    assert not connection.is_open
    assert [*folder.iterdir()] == []
    _, connection = open_outbox(tmp_path)
    assert connection.send(a_message()).status is SendStatus.ACCEPTED


def test_a_file_in_place_of_an_issue_s_folder_defers_that_issue_alone(tmp_path: Path) -> None:
    transport, connection = open_outbox(tmp_path)
    (tmp_path / "weekly").mkdir()
    (tmp_path / "weekly" / "en").write_bytes(b"")
    outcome = connection.send(a_message())
    assert outcome.status is SendStatus.DEFERRED
    assert str(tmp_path / "weekly" / "en") in outcome.reason
    assert "can't be written: " in outcome.reason
    assert "\n" not in outcome.reason
    assert connection.send(a_message(1, 8, "monthly")).status is SendStatus.ACCEPTED
    transport.on_committed(1, [(8, 1)])
    assert len(visible(tmp_path)) == 1
    (tmp_path / "weekly" / "en").unlink()
    assert connection.send(a_message()).status is SendStatus.ACCEPTED
    transport.on_committed(1, [a_message().key])
    assert len(visible(tmp_path)) == 2


def test_a_file_in_place_of_the_outbox_stops_sending(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_bytes(b"")
    transport = OutboxTransport(tmp_path / "outbox")
    with pytest.raises(Unreachable, match="outbox: can't be written: ") as told:
        transport.connect(1, yes)
    assert not told.value.is_final
    with pytest.raises(DeliveryError, match="outbox"):
        transport.leftovers()


@pytest.mark.parametrize(
    "outgoing", [a_message(name="n" * 250), a_message(newsletter="f" * 300)]
)
def test_a_name_that_is_too_long_defers_the_message(
    tmp_path: Path, outgoing: OutgoingMessage
) -> None:
    _, connection = open_outbox(tmp_path)
    outcome = connection.send(outgoing)
    assert outcome.status is SendStatus.DEFERRED
    assert "File name too long" in outcome.reason
    assert connection.is_open
    assert tree(tmp_path) == {}


def test_a_name_that_can_be_staged_can_be_placed(tmp_path: Path) -> None:
    longest = os.pathconf(tmp_path, "PC_NAME_MAX")
    transport, connection = open_outbox(tmp_path)
    lengths = range(longest - 12, longest + 1)
    messages = [a_message(length, name="n" * length) for length in lengths]
    accepted = [one for one in messages if connection.send(one).status is SendStatus.ACCEPTED]
    assert 0 < len(accepted) < len(messages)
    transport.on_committed(1, [one.key for one in accepted])
    assert len(visible(tmp_path)) == len(accepted)


@not_by_root
@pytest.mark.parametrize("forbidden", ["", FOLDER])
def test_a_folder_without_write_permission_defers_the_message(
    tmp_path: Path, forbidden: str
) -> None:
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / forbidden).chmod(0o500)
    try:
        if forbidden:
            outcome = open_outbox(tmp_path)[1].send(a_message())
            assert outcome.status is SendStatus.DEFERRED
            assert outcome.reason == f"{tmp_path / FOLDER}: can't be written: Permission denied"
        else:
            with pytest.raises(Unreachable, match="can't be written: Permission denied"):
                open_outbox(tmp_path)
    finally:
        (tmp_path / forbidden).chmod(0o700)


def test_a_message_that_can_t_be_placed_is_not_lost_and_stops_new_ones(tmp_path: Path) -> None:
    transport, connection = open_outbox(tmp_path)
    for recipient in (1, 2):
        connection.send(a_message(recipient))
    in_the_way = tmp_path / FOLDER / "issue-7.0001.eml"
    in_the_way.mkdir()
    transport.on_committed(1, [(7, 1)])
    with pytest.raises(Unreachable, match=r"issue-7.0001.eml: can't be written"):
        connection.send(a_message(3))
    with pytest.raises(Unreachable, match=r"issue-7.0001.eml: can't be written"):
        transport.connect(1, yes)
    in_the_way.rmdir()
    connection = transport.connect(1, yes)
    assert take_away(tmp_path) == [a_message(1).message.content]
    assert connection.send(a_message(3)).status is SendStatus.ACCEPTED
    transport.on_committed(1, [(7, 2), (7, 3)])
    assert len(visible(tmp_path)) == 2


def test_one_issue_that_can_t_be_recovered_does_not_stop_the_others(tmp_path: Path) -> None:
    _, connection = open_outbox(tmp_path)
    for issue, newsletter in ((7, "a"), (8, "b"), (9, "c")):
        connection.send(a_message(1, issue, newsletter, day=None))
    (tmp_path / "a/en/test").rmdir()
    (tmp_path / "a/en/test").write_bytes(b"")
    transport = OutboxTransport(tmp_path)
    with pytest.raises(DeliveryError, match="a/en/test: can't be written"):
        transport.recover(1, only((7, 1), (8, 1)))
    assert set(tree(tmp_path)) == {
        "a/en/test",
        "b/en/test/issue-8.0001.eml",
        ".staged/1/7/a/en/test/1.issue-7.0001.staged",
    }
    (tmp_path / "a/en/test").unlink()
    transport.recover(1, only((7, 1), (8, 1)))
    assert set(tree(tmp_path)) == {"a/en/test/issue-7.0001.eml", "b/en/test/issue-8.0001.eml"}


def test_a_folder_on_another_file_system_is_reported_as_such(tmp_path: Path) -> None:
    elsewhere = Path("/dev/shm")
    if not elsewhere.is_dir() or elsewhere.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no other file system")
    target = elsewhere / f"outbox-{os.getpid()}"
    target.mkdir()
    try:
        (tmp_path / "weekly").symlink_to(target)
        transport, connection = open_outbox(tmp_path)
        connection.send(a_message())
        transport.on_committed(1, [(7, 1)])
        with pytest.raises(Unreachable, match=r"2026-01-09: is on another file system than"):
            connection.send(a_message(2))
        (tmp_path / "weekly").unlink()
        transport.recover(1, only((7, 1)))
        assert len(visible(tmp_path)) == 1
    finally:
        for folder, _, _ in os.walk(target, topdown=False):
            Path(folder).rmdir()


# --- one message to one address, past the ledger


REFUSED = Outcome(SendStatus.REFUSED, "there is no such mailbox")


def test_a_test_message_is_sent_and_committed() -> None:
    transport, outgoing = MemoryTransport(), a_message()
    assert send_test_message(transport, outgoing) == ACCEPTED_OUTCOME
    assert transport.taken == [outgoing]
    assert transport.settled == [outgoing.key]
    assert (transport.opened, transport.at_once) == (1, 0)


def test_an_unreachable_server_is_reported_and_no_connection_stays_open() -> None:
    transport = MemoryTransport(fail_after=0)
    with pytest.raises(Unreachable, match="took 0 messages"):
        send_test_message(transport, a_message())

    def broken(_outgoing: object) -> Outcome:
        raise Unreachable("the server takes nothing from us", is_final=True)

    transport = MemoryTransport(outcomes=broken)
    with pytest.raises(Unreachable, match="takes nothing"):
        send_test_message(transport, a_message())
    assert (transport.opened, transport.at_once) == (1, 0)


def test_a_test_message_to_an_outbox_is_placed_and_may_be_repeated(tmp_path: Path) -> None:
    outgoing = a_message(recipient=0, issue=0, day=None, name="trial")
    for _time in range(2):
        assert send_test_message(OutboxTransport(tmp_path), outgoing) == ACCEPTED_OUTCOME
        assert tree(tmp_path) == {"weekly/en/test/trial.eml": outgoing.message.content}
