"""Which heavy packages a command may load: what they take is most of a short command's time."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import pytest

from publisher.config import SETTINGS_FILE
from tests.publisher.lanterns import lay_out

HEAVY = {
    *("alembic", "apscheduler", "babel", "babel.dates", "brotli", "cryptography", "cssselect2"),
    *("email_validator", "feedgen", "rich.progress"),
    *("jinja2", "langcodes", "lxml.etree", "nh3", "opencc", "PIL", "premailer", "pydantic"),
    *("segno", "sqlalchemy", "structlog", "tinycss2", "tinytag", "waitress", "yaml", "feeds"),
    *("flask", "rich.console", "werkzeug"),
    *("sqlalchemy.dialects.postgresql", "http.client"),
    *("liquid", "mailbox", "procrastinate", "publisher.ingest.parsers.markdown", "zxcvbn"),
    *("publisher.config", "publisher.database", "publisher.rendering", "subscribers"),
}
PROGRAM = """
import sys
from publisher.cli import main
code = main(sys.argv[1:])
print("LOADED", *sys.modules)
sys.exit(code)
"""


def loaded(
    *arguments: object, program: str = PROGRAM, heavy: Collection[str] = HEAVY
) -> set[str]:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split()).intersection(heavy)


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], ["run", "--help"], ["status", "-h"]]
)
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    # What typer itself loads to read the words of a command.
    assert loaded(*words) <= {"pydantic"}


def test_status_loads_settings_and_tables_and_no_more(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "small", "en")
    # The first command creates the database, with Alembic.
    loaded("status", folder)
    assert loaded("status", folder) <= {
        *("babel", "pydantic", "rich.console", "sqlalchemy"),
        *("feeds", "publisher.config", "publisher.database", "subscribers"),
    }


def test_what_monitors_ask_loads_no_table(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "small", "en")
    loaded("run", "--once", folder)
    assert loaded("health", folder, heavy=HEAVY | {"subscribers.tables"}) <= {
        *("babel", "pydantic", "publisher.config", "subscribers"),
    }


def test_a_cycle_that_finds_nothing_new_loads_no_parser_and_no_engine(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "small", "en")
    # Without pictures: articles that show some are parsed again within seconds of their change.
    shutil.rmtree(folder / "articles")
    (folder / "articles" / "en").mkdir(parents=True)
    (folder / "articles" / "en" / "ferry.md").write_text("# The ferry\n\nIt sails.\n", "utf-8")
    assert "publisher.ingest.parsers.markdown" in loaded("run", "--once", folder)
    assert loaded("run", "--once", folder) <= {
        *("babel", "brotli", "http.client", "jinja2", "lxml.etree", "nh3", "pydantic"),
        *("babel.dates", "rich.console", "rich.progress"),
        *("sqlalchemy", "structlog", "yaml", "feeds", "publisher.config"),
        *("publisher.database", "publisher.rendering", "subscribers"),
    }


def test_up_serves_before_it_loads_flask_and_the_steps_of_a_cycle(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "small", "en")
    with (
        socket.create_server(("127.0.0.1", 0)) as pages,
        socket.create_server(("127.0.0.1", 0)) as console,
        (folder / SETTINGS_FILE).open("a") as file,
    ):
        file.write(f'\n[web]\naddress = "127.0.0.1:{pages.getsockname()[1]}"\n')
        file.write(f"[console]\nport = {console.getsockname()[1]}\n")
    loaded("run", "--once", folder)
    # In the place of what runs the service and loads the console, once all is served.
    program = (
        "from publisher.cli.operation import servers\nfrom publisher.web import server\n"
        f"servers._run_service = server._load_console = print\n{PROGRAM}"
    )
    steps = {"publisher.app.operation.cycle", "publisher.ingest.parsers", "apscheduler"}
    assert loaded("up", folder, program=program, heavy=HEAVY | steps) <= {
        *("babel", "babel.dates", "brotli", "http.client", "jinja2", "lxml.etree", "pydantic"),
        *(
            "sqlalchemy",
            "structlog",
            "waitress",
            "werkzeug",
            "feeds",
            "publisher.config",
            "publisher.database",
            "publisher.rendering",
        ),
        "subscribers",
    }
