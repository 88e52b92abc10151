from __future__ import annotations

from typing import TYPE_CHECKING

from publisher import outputs
from publisher.database import open_database

if TYPE_CHECKING:
    from pathlib import Path


def test_a_thing_is_remembered_by_what_it_was_last_made_from(tmp_path: Path) -> None:
    database = open_database(tmp_path / "publisher.db")
    with database.writing() as connection:
        assert outputs.made_from(connection, "feeds/en") is None
        outputs.record(connection, "feeds/en", "first")
        outputs.record(connection, "feeds/ar", "other")
        outputs.record(connection, "feeds/en", "second")
    with database.reading() as connection:
        assert outputs.made_from(connection, "feeds/en") == "second"
        assert outputs.made_from(connection, "feeds/ar") == "other"
    database.close()


def test_a_fingerprint_tells_inputs_apart_and_is_equal_for_equal_ones() -> None:
    assert outputs.fingerprint("a", 1) == outputs.fingerprint("a", 1)
    different = [(), ("a",), ("a", 1), ("a1",), ("a", "1"), (("a", 1),), (1, "a"), ("灯",)]
    assert len({outputs.fingerprint(*inputs) for inputs in different}) == len(different)


def test_a_fingerprint_takes_half_a_character_too() -> None:
    assert len(outputs.fingerprint("\ud800")) == 64
