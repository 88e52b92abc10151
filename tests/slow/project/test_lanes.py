"""A lane says where its minutes went, and fails for red tests, its budget, or a list that is not true."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tools import lanes
from tools.lanes import (
    OPENED,
    SERVER,
    Case,
    Group,
    Lane,
    different_on_postgresql,
    list_mistakes,
    read_report,
)

TESTS = """\
import pytest

def test_quick(): assert True

@pytest.mark.parametrize("n", [1, 2])
def test_in_cases(record_property, n): record_property("opened a database", f"ab {n}")

@pytest.mark.skip(reason="absent")
def test_of_a_corpus(): assert False

class TestStates:
    def runTest(self): pass
    def test_in_a_class(self): pass
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with tests of its own, and the folder of reports in it."""
    folder = tmp_path / "tests" / "publisher" / "app"
    folder.mkdir(parents=True)
    (folder / "test_one.py").write_text(TESTS)
    (tmp_path / "tests" / "on_postgresql.txt").write_text(
        "tests/publisher/app/test_gone.py::test_x"
    )
    monkeypatch.setattr(lanes, "ROOT", tmp_path)
    monkeypatch.setattr(lanes, "REPORTS", tmp_path / "build")
    (tmp_path / "tests" / "at_night.txt").write_text("")
    monkeypatch.setattr(lanes, "ON_POSTGRESQL", tmp_path / "tests" / "on_postgresql.txt")
    monkeypatch.setattr(lanes, "AT_NIGHT_ONLY", tmp_path / "tests" / "at_night.txt")
    return tmp_path


def have_lane(monkeypatch: pytest.MonkeyPatch, budget: float, *names: str) -> None:
    groups = [Group(name, 0, ["tests", "-p", "no:cacheprovider"]) for name in names]
    monkeypatch.setitem(lanes.LANES, names[0], Lane(budget, groups))


def test_a_lane_prints_minutes_by_folder_and_its_slowest_tests_and_fails_for_its_budget(
    place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    have_lane(monkeypatch, 0, "slow", "waiting")
    (line,) = lanes.run_lane("slow", keep_budget=True)
    assert line.endswith("minutes, its budget is 0")
    said = capfd.readouterr().out
    assert said.count("4 passed, 1 skipped") == 2
    assert re.search(r"10 +tests/publisher/app\b", said)
    assert "tests/publisher/app/test_one.py::test_in_cases[1]" in said
    assert "its budget is 0." in said
    assert {path.name for path in (place / "build").glob("*.xml")} == {
        "slow.xml",
        "waiting.xml",
    }


def test_a_lane_fails_for_red_tests_of_any_group_and_need_not_keep_its_budget(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    have_lane(monkeypatch, 0, "slow", "waiting")
    (place / "tests/publisher/app/test_red.py").write_text("def test_red(): assert False")
    assert lanes.run_lane("slow", keep_budget=False) == [
        "the tests of slow ended with 1",
        "the tests of waiting ended with 1",
    ]


def test_a_lane_that_ends_before_its_first_test_fails_and_shows_no_earlier_run(
    place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    have_lane(monkeypatch, 5, "slow")
    assert lanes.run_lane("slow", keep_budget=True) == []
    capfd.readouterr()
    (place / "conftest.py").write_text(
        "import pytest\npytest.exit('no server', returncode=1)\n"
    )
    assert lanes.run_lane("slow", keep_budget=True) == ["the tests of slow ended with 4"]
    assert "test_one.py" not in capfd.readouterr().out


def test_the_fast_lane_fails_if_the_list_of_the_second_database_is_not_true(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    have_lane(monkeypatch, 5, "fast")
    one = "tests/publisher/app/test_one.py::test_in_cases"
    assert lanes.run_lane("fast", keep_budget=True) == [
        f"opens a database, and is not listed: {one}",
        "is listed, and opened no database: tests/publisher/app/test_gone.py::test_x",
    ]
    lanes.update_lists()
    assert lanes.listed_tests() == [one]
    assert lanes.run_lane("fast", keep_budget=True) == []
    cases = {case.function: case for case in read_report(place / "build/fast.xml")}
    assert "tests/publisher/app/test_one.py::TestStates::test_in_a_class" in cases
    assert cases[one].statements == {"ab", "2"}


def test_surfaces_and_skipped_tests_may_differ_from_the_list(place: Path) -> None:
    for path in ("tests/publisher/cli", "tests/publisher/web/api"):
        (place / path).mkdir(parents=True)
        (place / path / "test_a.py").write_text("")

    def case(path: str, *, opened: bool = False, skipped: str | None = None) -> Case:
        return Case(path, "test_x[1]", 0.1, opened, frozenset(), skipped)

    seen = [
        case("tests/publisher/cli/test_a.py", opened=True),
        case("tests/publisher/web/api/test_a.py", opened=True),
        case("tests/publisher/app/test_a.py", skipped="no corpus beside the project"),
    ]
    assert list_mistakes(seen, ["tests/publisher/app/test_a.py::test_x"]) == []
    seen.append(case("tests/publisher/app/test_b.py", skipped=f"needs the server of {SERVER}"))
    assert different_on_postgresql(seen) == ["tests/publisher/app/test_b.py::test_x"]
    (place / "tests/publisher/cli/test_a.py").write_text("if on_postgresql(): ...")
    assert "tests/publisher/cli/test_a.py::test_x" in different_on_postgresql(seen)
    assert OPENED in TESTS


def test_each_statement_is_executed_on_the_second_database_by_the_cheapest_three() -> None:
    path = "tests/publisher/app/test_one.py"
    seen = [
        Case(
            path,
            f"test_{n}",
            seconds=n,
            opened_database=True,
            statements=frozenset("ab"),
            skipped=None,
        )
        for n in range(9)
    ]
    seen[8] = replace(seen[8], statements=frozenset("abc"))
    chosen = {name.partition("::")[2] for name in lanes.chosen_by_day(seen)}
    # The dearest one is needed for what it alone executes, and counts for the rest.
    assert chosen == {"test_8", "test_0", "test_1"}
