"""`publisher serve`, `web`, `console` and `webserver`: what they print and refuse before they serve."""

import socket
from pathlib import Path

import pytest

from publisher.config import SETTINGS_FILE, load_settings
from publisher.database import open_database
from publisher.serving.nginx_site import nginx_config
from tests.databases import DATABASE_FILE, at_database, database_address, new_database
from tests.publisher.cli.conftest import Run, done, refuses

# More than the program and the machine hold ready for a client: a part is still in the file.
LARGE = 40_000_000


def publish(folder: Path) -> None:
    (folder / "public").mkdir()
    (folder / "public" / "index.html").write_text("The Lantern")
    with (folder / "public" / "tide.mp3").open("wb") as file:
        file.truncate(LARGE)


@pytest.mark.parametrize("command", ["serve", "web"])
def test_a_port_that_is_taken_is_one_line(run: Run, lantern: Path, command: str) -> None:
    publish(lantern)
    open_database(database_address(lantern / DATABASE_FILE)).close()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert refuses(run, command, "--port", port, lantern) == (
            f"127.0.0.1 port {port}: Address already in use; choose another with --port"
        )


def test_of_all_in_one_process_the_part_whose_port_is_taken_is_named_and_one_must_be_enabled(
    run: Run, lantern: Path
) -> None:
    settings = (lantern / SETTINGS_FILE).read_text()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for table, name in (
            (f'[web]\naddress = "127.0.0.1:{port}"\n', "web.address"),
            (f"[web]\nenabled = false\n[console]\nport = {port}\n", "console.port"),
        ):
            (lantern / SETTINGS_FILE).write_text(f"{settings}\n{table}")
            assert refuses(run, "up", lantern).endswith(f"in use; choose another with {name}")
    none = "[web]\nenabled = false\n[console]\nenabled = false\n"
    (lantern / SETTINGS_FILE).write_text(f"{settings}\n{none}")
    assert "`publisher run` is the service alone" in refuses(run, "up", lantern)


def test_nothing_to_serve_yet_or_an_address_of_another_machine_is_one_line(
    run: Run, lantern: Path
) -> None:
    assert "publisher run --once makes it" in refuses(run, "serve", lantern)
    publish(lantern)
    err = refuses(run, "serve", "--host", "192.0.2.1", "--port", "0", lantern)
    assert err.endswith("; choose another with --host")


@pytest.mark.parametrize("command", ["web", "console"])
def test_a_database_without_tables_is_one_line(run: Run, lantern: Path, command: str) -> None:
    new_database(lantern / DATABASE_FILE)
    assert "`publisher run` does it" in refuses(run, command, lantern, code=1)


@pytest.mark.parametrize(
    ("command", "line", "problem"),
    [
        ("console", "enabled = false", "console.enabled is false"),
        ("console", 'url = "http://console.example.org"', "plain http"),
        ("console", 'host = "a b"', "console.host"),
        ("console", "port = 99999", "console.port"),
        ("web", 'address = "8100"', "127.0.0.1:8100"),
        ("web", 'address = "127.0.0.1:80;"', "127.0.0.1:8100"),
        ("web", 'address = "127.0.0.1:99999"', "127.0.0.1:8100"),
        ("web", 'trusted_proxies = ["proxy"]', "192.0.2.7 or 10.0.0.0/8"),
        ("web", "enabled = false", "web.enabled is false"),
    ],
)
def test_a_wrong_setting_says_what_to_write(
    run: Run, lantern: Path, command: str, line: str, problem: str
) -> None:
    with (lantern / SETTINGS_FILE).open("a") as file:
        file.write(f"\n[{command}]\n{line}\n")
    assert problem in refuses(run, command, lantern)


def test_the_addresses_of_webhooks_are_printed_and_nothing_is_served(
    run: Run, lantern: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (lantern / SETTINGS_FILE).open("a") as file:
        file.write("\n[feedback.mailgun]\n")
    assert "set PUBLISHER_FEEDBACK_SECRET in the environment" in refuses(
        run, "web", "--webhooks", lantern
    )
    monkeypatch.setenv("PUBLISHER_FEEDBACK_SECRET", "s3cret")
    out = done(run, "web", "--webhooks", lantern)
    assert out.startswith("mailgun  https://")
    assert out.endswith("/feedback/mailgun/s3cret/\n")


def test_a_web_servers_configuration_is_printed(run: Run, lantern: Path) -> None:
    settings = at_database(load_settings(lantern))
    assert run("webserver", "nginx", lantern) == (0, nginx_config(settings), "")
    assert "copy deploy/Caddyfile" in refuses(run, "webserver", "caddy", lantern)
    assert run("webserver", "nginx", "--brotli", "--root", "/srv/public", lantern) == (
        0,
        nginx_config(settings, "/srv/public", brotli=True),
        "",
    )
    assert "'nginx', 'caddy'" in refuses(run, "webserver", "apache", lantern)


def test_an_ipv6_address_is_shown_in_brackets(
    run: Run, lantern: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "publisher.web.server.serve",
        lambda _s, parts, ready, host, port: ready(parts[0], host, port),
    )
    assert run("serve", "--host", "::1", "--port", "8000", lantern)[1].endswith(
        " is at http://[::1]:8000/\n"
    )
