"""Whatever happens to a publication: nobody gets an issue or a story twice, and who misses one finds out why."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.databases import on_postgresql
from tests.sizes import at_night, night_seed
from tests.slow.publisher.app.random_lives import Life, offered_commands

# A fixed choice for each change: the acts of a seed are others on a server.
BY_DAY = (*range(2000, 2020), *range(2050, 2070)) if on_postgresql() else range(1000, 1040)
SEEDS = range(night_seed() * 1000, night_seed() * 1000 + 400) if at_night() else BY_DAY


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Life:
    """A life that has begun, to be copied."""
    with pytest.MonkeyPatch.context() as patch:
        made = Life(0, tmp_path_factory.mktemp("begun"), patch)
        with made.server:
            made.begin(empty_database)
    return made


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_gets_anything_twice_or_misses_it_without_a_reason(
    tmp_path: Path, begun: Life, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    made = Life(seed, tmp_path, monkeypatch)
    with made.server:
        made.begin_as(begun)
        made.live()


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("Nothing is sent until `publisher recover --release`", [("recover", "--release")]),
        (
            "if it was changed on purpose: publisher database adopt-secret",
            [("database", "adopt-secret")],
        ),
        (
            "daily-en-2026-01-09 is paused; publisher resume daily-en-2026-01-09 continues it",
            [("resume", "daily-en-2026-01-09")],
        ),
        ("publisher: var/secret: damaged", []),
        (
            "3 in doubt: publisher status shows why; run `publisher run --once --confirm-clock`",
            [("status",), ("run", "--once", "--confirm-clock")],
        ),
    ],
)
def test_the_commands_that_an_output_offers(text: str, commands: list[tuple[str, ...]]) -> None:
    assert offered_commands(text) == commands
