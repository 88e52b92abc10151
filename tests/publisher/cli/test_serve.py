import signal
import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest

from publisher.config import load
from publisher.serving import caddy, nginx
from tests.processes import start
from tests.publisher.cli.conftest import Run

# More than the program and the machine hold ready for a client: a part is still in the file.
LARGE = 40_000_000


def publish(folder: Path) -> None:
    (folder / "public").mkdir()
    (folder / "public" / "index.html").write_text("The Lantern")
    with (folder / "public" / "tide.mp3").open("wb") as file:
        file.truncate(LARGE)


def opened(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_stop_and_brings_that_to_its_end(
    lantern: Path, number: signal.Signals
) -> None:
    publish(lantern)
    with start("serve", "--port", 0, lantern) as process:
        try:
            line = opened(process)
            url = line.split()[-1]
            with urllib.request.urlopen(url) as answer:
                assert answer.read() == b"The Lantern"
            with urllib.request.urlopen(f"{url}tide.mp3") as slow:
                begun = len(slow.read(1000))
                process.send_signal(number)
                assert begun + len(slow.read()) == LARGE
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()

    assert line == f"{lantern / 'public'} is at {url}\n"
    assert (process.returncode, out, err) == (0, "", "")


def test_a_port_that_is_taken_is_one_line(run: Run, lantern: Path) -> None:
    publish(lantern)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, out, err = run("serve", "--port", port, lantern)

    assert (code, out) == (2, "")
    assert err == (
        f"publisher: 127.0.0.1 port {port}: Address already in use; choose another with --port\n"
    )


def test_nothing_to_serve_yet_is_one_line(run: Run, lantern: Path) -> None:
    code, _out, err = run("serve", lantern)

    assert code == 2
    assert err.count("\n") == 1
    assert "publisher run --once makes it" in err


def test_a_web_servers_configuration_is_printed(run: Run, lantern: Path) -> None:
    settings = load(lantern)

    assert run("webserver", "nginx", lantern) == (0, nginx(settings), "")
    assert run("webserver", "caddy", lantern) == (0, caddy(settings), "")
    assert run("webserver", "nginx", "--brotli", "--root", "/srv/public", lantern) == (
        0,
        nginx(settings, "/srv/public", brotli=True),
        "",
    )


def test_another_web_server_is_refused(run: Run, lantern: Path) -> None:
    code, _out, err = run("webserver", "apache", lantern)

    assert code == 2
    assert "'nginx', 'caddy'" in err


def test_an_address_of_numbers_is_told_in_brackets(
    run: Run, lantern: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "publisher.serving.serve", lambda _s, host, port, ready: ready(host, port)
    )

    assert run("serve", "--host", "::1", lantern)[1].endswith(" is at http://[::1]:8000/\n")


@pytest.mark.parametrize("command", ["serve", "webserver"])
def test_help_has_an_example(run: Run, command: str) -> None:
    assert f"Example: publisher {command}" in run(command, "--help")[1]
