from pathlib import Path

import pytest

from publisher.composing import Message
from publisher.delivery.transports import OutboxTransport
from publisher.errors import DeliveryError

MAIL = Message(1, "weekly-en-2026-01-09.abc", b"Subject: x\r\n\r\nwords\r\n")


def test_a_message_is_a_file_named_after_it(tmp_path: Path) -> None:
    OutboxTransport(tmp_path).take([MAIL], "weekly/en/2026-01-09")
    (file,) = (tmp_path / "weekly/en/2026-01-09").iterdir()
    assert file.name == "weekly-en-2026-01-09.abc.eml"
    assert file.read_bytes() == MAIL.content


def test_twice_is_the_same_as_once(tmp_path: Path) -> None:
    transport = OutboxTransport(tmp_path)
    assert transport.guarantee == "idempotent"
    for _ in range(2):
        transport.take([MAIL], "x")
    assert len(list((tmp_path / "x").iterdir())) == 1


def test_the_rest_of_a_kill_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "weekly-en-2026-01-09.part").write_bytes(b"Subj")
    (tmp_path / "x" / f"{MAIL.name}.part").write_bytes(b"Subj")
    OutboxTransport(tmp_path).take([MAIL], "x")
    assert (tmp_path / "x" / f"{MAIL.name}.eml").read_bytes() == MAIL.content


def test_names_that_differ_after_a_dot_do_not_meet_in_one_unfinished_file(
    tmp_path: Path,
) -> None:
    other = Message(2, "weekly-en-2026-01-09.abd", b"Subject: y\r\n\r\n")
    OutboxTransport(tmp_path).take([MAIL, other], "x")
    assert sorted(file.name for file in (tmp_path / "x").iterdir()) == [
        "weekly-en-2026-01-09.abc.eml",
        "weekly-en-2026-01-09.abd.eml",
    ]


def test_a_folder_that_can_t_be_made_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"")
    with pytest.raises(
        DeliveryError, match=r"x: can't be written: (File exists|Not a directory)"
    ):
        OutboxTransport(tmp_path).take([MAIL], "x")
