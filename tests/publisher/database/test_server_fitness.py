"""Which PostgreSQL servers are refused, and with which words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from publisher.database.dialect.server_fitness import ServerFacts, fault_of, unsafe_settings

FIT = ServerFacts(
    *(15, "UTF8", "C", "c"),
    is_standby=False,
    fsync=True,
    full_page_writes=True,
    schema="public",
)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"collation": "POSIX"},
        {"version": 18},
        {"provider": "b", "collation": "en_GB.UTF-8"},
    ],
)
def test_a_server_that_sorts_by_bytes_is_fit(change: dict[str, Any]) -> None:
    assert fault_of(replace(FIT, **change), read_only=False) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 14}, "the server is PostgreSQL 14; a publication needs 15 or later"),
        (
            {"encoding": "LATIN1"},
            "has encoding LATIN1 and collation C; a publication needs UTF8",
        ),
        ({"collation": "en_GB.UTF-8"}, "has encoding UTF8 and collation en_GB.UTF-8"),
        ({"provider": "i"}, "CREATE DATABASE name TEMPLATE template0"),
        ({"schema": None}, "may use no schema of the search_path; write ALTER ROLE"),
        ({"is_standby": True}, "a standby, which only reads; write the address of the primary"),
    ],
)
def test_another_server_is_refused_with_the_reason(change: dict[str, Any], words: str) -> None:
    assert words in str(fault_of(replace(FIT, **change), read_only=False))


def test_a_standby_is_fit_for_who_only_reads() -> None:
    assert fault_of(replace(FIT, is_standby=True), read_only=True) is None


def test_a_server_that_may_lose_commits_is_fit_but_its_settings_are_named() -> None:
    assert unsafe_settings(FIT) == []
    unsafe = replace(FIT, fsync=False, full_page_writes=False)
    assert unsafe_settings(unsafe) == ["fsync = off", "full_page_writes = off"]
    assert fault_of(unsafe, read_only=False) is None
