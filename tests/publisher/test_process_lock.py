from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from publisher.config import Folders
from publisher.errors import BusyError, DatabaseError
from publisher.process_lock import hold_publication_lock

if TYPE_CHECKING:
    from pathlib import Path


def test_the_lock_is_free_again_after_use_and_after_an_error(tmp_path: Path) -> None:
    with hold_publication_lock(Folders(tmp_path)):
        pass
    with pytest.raises(ZeroDivisionError), hold_publication_lock(Folders(tmp_path)):
        raise ZeroDivisionError
    with hold_publication_lock(Folders(tmp_path)):
        pass


def test_a_lock_is_held_once_in_a_process(tmp_path: Path) -> None:
    with (
        hold_publication_lock(Folders(tmp_path)),
        pytest.raises(BusyError),
        hold_publication_lock(Folders(tmp_path)),
    ):
        pytest.fail("two held the lock")


def test_two_publications_do_not_hinder_each_other(tmp_path: Path) -> None:
    with (
        hold_publication_lock(Folders(tmp_path / "a")),
        hold_publication_lock(Folders(tmp_path / "b")),
    ):
        held = [path.parts[-3] for path in sorted(tmp_path.glob("*/var/lock"))]
    assert held == ["a", "b"]


def test_a_holder_that_has_not_written_its_name_is_unknown(tmp_path: Path) -> None:
    with hold_publication_lock(Folders(tmp_path)):
        (tmp_path / "var" / "lock").write_text("")
        with (
            pytest.raises(BusyError, match="process unknown"),
            hold_publication_lock(Folders(tmp_path)),
        ):
            pytest.fail("two held the lock")


def test_a_lock_that_cannot_be_kept_is_an_error_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file in the way")
    with pytest.raises(DatabaseError) as caught, hold_publication_lock(Folders(tmp_path)):
        pytest.fail("there is no lock")
    assert str(caught.value) == f"{tmp_path / 'var'}: can't be locked: File exists"
