from __future__ import annotations

from typing import TYPE_CHECKING

from publisher import build_cache
from publisher.database import open_database
from tests.databases import database_address

if TYPE_CHECKING:
    from pathlib import Path


def test_the_last_stored_hash_is_returned(tmp_path: Path) -> None:
    database = open_database(database_address(tmp_path / "publisher.db"))
    with database.writing() as connection:
        assert build_cache.cached_hash(connection, "feeds/en") is None
        build_cache.store_hash(connection, "feeds/en", "first")
        build_cache.store_hash(connection, "feeds/ar", "other")
        build_cache.store_hash(connection, "feeds/en", "second")
    with database.reading() as connection:
        assert build_cache.cached_hash(connection, "feeds/en") == "second"
        assert build_cache.cached_hash(connection, "feeds/ar") == "other"
    database.close()


def test_hashes_differ_for_different_inputs_only() -> None:
    assert build_cache.hash_inputs("a", 1) == build_cache.hash_inputs("a", 1)
    different = [(), ("a",), ("a", 1), ("a1",), ("a", "1"), (("a", 1),), (1, "a"), ("灯",)]
    assert len({build_cache.hash_inputs(*inputs) for inputs in different}) == len(different)


def test_a_lone_surrogate_can_be_hashed() -> None:
    assert len(build_cache.hash_inputs("\ud800")) == 64
