from pathlib import Path

import pytest

from publisher.config import SETTINGS_FILE
from tests.databases import DATABASE_FILE, new_database
from tests.publisher.cli.conftest import Run


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("enabled = false", "console.enabled is false"),
        ('url = "http://console.example.org"', "plain http"),
        ('host = "a b"', "console.host"),
        ("port = 99999", "console.port"),
    ],
)
def test_a_wrong_setting_is_one_line(run: Run, lantern: Path, line: str, problem: str) -> None:
    with (lantern / SETTINGS_FILE).open("a") as file:
        file.write(f"\n[console]\n{line}\n")
    code, out, err = run("console", lantern)
    assert (code, out) == (2, "")
    assert problem in err
    assert err.count("\n") == 1


def test_a_database_without_tables_is_one_line(run: Run, lantern: Path) -> None:
    new_database(lantern / DATABASE_FILE)
    code, out, err = run("console", lantern)
    assert (code, out) == (1, "")
    assert "`publisher run` does it" in err
