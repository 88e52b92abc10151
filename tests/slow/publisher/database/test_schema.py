import subprocess
import sys
from pathlib import Path

from tests.publisher.database.test_schema import made_file as made_file  # noqa: PLC0414  # a fixture
from tests.publisher.database.test_schema import path as path  # noqa: PLC0414  # a fixture


def test_opening_a_file_that_is_up_to_date_does_not_load_alembic(made_file: Path) -> None:
    program = (
        "import pathlib, sys; from publisher.database import open_database;"
        "open_database(pathlib.Path(sys.argv[1])).close();"
        "print([name for name in sys.modules if name.startswith('alembic')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(made_file)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
