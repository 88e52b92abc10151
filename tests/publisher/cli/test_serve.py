import socket
from pathlib import Path

import pytest

from publisher.config import load_settings
from publisher.serving import caddy_config, nginx_config
from tests.databases import at_database
from tests.publisher.cli.conftest import Run

# More than the program and the machine hold ready for a client: a part is still in the file.
LARGE = 40_000_000


def publish(folder: Path) -> None:
    (folder / "public").mkdir()
    (folder / "public" / "index.html").write_text("The Lantern")
    with (folder / "public" / "tide.mp3").open("wb") as file:
        file.truncate(LARGE)


def test_a_port_that_is_taken_is_one_line(run: Run, lantern: Path) -> None:
    publish(lantern)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, out, err = run("serve", "--port", port, lantern)

    assert (code, out) == (2, "")
    assert err == (
        f"publisher: 127.0.0.1 port {port}: Address already in use; choose another with --port\n"
    )


def test_an_address_of_another_machine_is_one_line(run: Run, lantern: Path) -> None:
    publish(lantern)
    code, _out, err = run("serve", "--host", "192.0.2.1", "--port", "0", lantern)
    assert code == 2
    assert err.endswith("; choose another with --host\n")


def test_nothing_to_serve_yet_is_one_line(run: Run, lantern: Path) -> None:
    code, _out, err = run("serve", lantern)

    assert code == 2
    assert err.count("\n") == 1
    assert "publisher run --once makes it" in err


def test_a_web_servers_configuration_is_printed(run: Run, lantern: Path) -> None:
    settings = at_database(load_settings(lantern))

    assert run("webserver", "nginx", lantern) == (0, nginx_config(settings), "")
    assert run("webserver", "caddy", lantern) == (0, caddy_config(settings), "")
    assert run("webserver", "nginx", "--brotli", "--root", "/srv/public", lantern) == (
        0,
        nginx_config(settings, "/srv/public", brotli=True),
        "",
    )


def test_another_web_server_is_refused(run: Run, lantern: Path) -> None:
    code, _out, err = run("webserver", "apache", lantern)

    assert code == 2
    assert "'nginx', 'caddy'" in err


def test_an_ipv6_address_is_shown_in_brackets(
    run: Run, lantern: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "publisher.serving.serve_site", lambda _s, host, port, ready: ready(host, port)
    )

    assert run("serve", "--host", "::1", lantern)[1].endswith(" is at http://[::1]:8000/\n")
