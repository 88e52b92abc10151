"""Whatever happens to a publication: nobody gets an issue or a story twice, and who misses one finds out why."""

from pathlib import Path

import pytest

from tests.databases import on_postgresql
from tests.sizes import at_night, night_seed
from tests.slow.publisher.app.random_lives import Life, offered_commands

# By day lives that do all there is to do, and most of what is done in either order. On a server a life takes six
# times as long, and may change machines.
_IN_FILE = (
    *(1002, 1003, 1005, 1007, 1008, 1013, 1015, 1016),
    *(1025, 1026, 1027, 1028, 1029, 1030, 1031, 1035),
)
_ON_SERVER = (1002, 1005, 1010, 1011, 1015, 1018, 1020, 1021, 1022, 1026, 1030, 1035)
_BY_DAY = _ON_SERVER if on_postgresql() else _IN_FILE
SEEDS = range(night_seed() * 1000, night_seed() * 1000 + 400) if at_night() else _BY_DAY


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Life:
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


def test_the_commands_that_an_output_offers() -> None:
    text = (
        "publisher: var/secret: damaged. On purpose: publisher database adopt-secret. It is paused; publisher resume "
        "daily-en-2026-01-09 continues it. `publisher status` or `publisher run --once --confirm-clock` shows why"
    )
    offered = [" ".join(one) for one in offered_commands(text)]
    assert offered[:2] == ["database adopt-secret", "resume daily-en-2026-01-09"]
    assert offered[2:] == ["status", "run --once --confirm-clock"]
