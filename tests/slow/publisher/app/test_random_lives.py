"""Whatever happens to a publication: nobody gets an issue or a story twice, and who misses one finds out why."""

from pathlib import Path

import pytest

from tests.databases import on_postgresql
from tests.sizes import at_night, night_seed
from tests.slow.publisher.app.random_lives import Life, offered_commands

# A fixed choice for each change. A server takes six times as long: lives that do all there is to do, and nearly
# each two things in either order, in the shortest time.
_ON_SERVER = (1002, 1005, 1010, 1011, 1015, 1018, 1020, 1021, 1022, 1026, 1030, 1035)
_FIRST, _MANY = (night_seed() * 1000, 400) if at_night() else (1000, 40)
_IS_SHORT = on_postgresql() and not at_night()
SEEDS = _ON_SERVER if _IS_SHORT else range(_FIRST, _FIRST + _MANY)


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
