from __future__ import annotations

from typing import TYPE_CHECKING

from publisher import build_cache
from publisher.database import open_database

if TYPE_CHECKING:
    from pathlib import Path


def test_a_thing_is_remembered_by_what_it_was_last_made_from(tmp_path: Path) -> None:
    database = open_database(tmp_path / "publisher.db")
    with database.writing() as connection:
        assert build_cache.cached_hash(connection, "feeds/en") is None
        build_cache.store_hash(connection, "feeds/en", "first")
        build_cache.store_hash(connection, "feeds/ar", "other")
        build_cache.store_hash(connection, "feeds/en", "second")
    with database.reading() as connection:
        assert build_cache.cached_hash(connection, "feeds/en") == "second"
        assert build_cache.cached_hash(connection, "feeds/ar") == "other"
    database.close()


def test_a_fingerprint_tells_inputs_apart_and_is_equal_for_equal_ones() -> None:
    assert build_cache.hash_inputs("a", 1) == build_cache.hash_inputs("a", 1)
    different = [(), ("a",), ("a", 1), ("a1",), ("a", "1"), (("a", 1),), (1, "a"), ("灯",)]
    assert len({build_cache.hash_inputs(*inputs) for inputs in different}) == len(different)


def test_a_fingerprint_takes_half_a_character_too() -> None:
    assert len(build_cache.hash_inputs("\ud800")) == 64
