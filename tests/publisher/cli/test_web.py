import socket
from pathlib import Path

import pytest

from publisher.config import SETTINGS_FILE
from publisher.database import open_database
from tests.databases import DATABASE_FILE, database_address, new_database
from tests.publisher.cli.conftest import Run


def test_a_database_without_tables_is_one_line(run: Run, lantern: Path) -> None:
    new_database(lantern / DATABASE_FILE)
    code, out, err = run("web", lantern)

    assert (code, out) == (1, "")
    assert err.count("\n") == 1
    assert "`publisher run` does it" in err


def test_the_addresses_of_webhooks_are_printed_and_nothing_is_served(
    run: Run, lantern: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (lantern / SETTINGS_FILE).open("a") as file:
        file.write("\n[feedback.mailgun]\n")
    code, _out, err = run("web", "--webhooks", lantern)
    assert code == 2
    assert "set PUBLISHER_FEEDBACK_SECRET in the environment" in err
    monkeypatch.setenv("PUBLISHER_FEEDBACK_SECRET", "s3cret")
    code, out, err = run("web", "--webhooks", lantern)
    assert (code, err) == (0, "")
    assert out.startswith("mailgun  https://")
    assert out.endswith("/feedback/mailgun/s3cret/\n")


def test_a_port_that_is_taken_is_one_line(run: Run, lantern: Path) -> None:
    open_database(database_address(lantern / DATABASE_FILE)).close()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, out, err = run("web", "--port", port, lantern)

    assert (code, out) == (2, "")
    assert err == (
        f"publisher: 127.0.0.1 port {port}: Address already in use; choose another with --port\n"
    )


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('address = "8100"', "127.0.0.1:8100"),
        ('address = "127.0.0.1:80;"', "127.0.0.1:8100"),
        ('address = "127.0.0.1:99999"', "127.0.0.1:8100"),
        ('trusted_proxies = ["proxy"]', "192.0.2.7 or 10.0.0.0/8"),
        ("enabled = false", "web.enabled is false"),
    ],
)
def test_a_wrong_setting_says_what_to_write(
    run: Run, lantern: Path, line: str, problem: str
) -> None:
    with (lantern / SETTINGS_FILE).open("a") as file:
        file.write(f"\n[web]\n{line}\n")
    code, _out, err = run("web", lantern)

    assert code == 2
    assert problem in err
