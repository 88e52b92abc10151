"""The test mail server as a process of its own."""

import hashlib
import json
import signal
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.tools.speaking import CONTENT, RECIPIENT, deliver
from tools.servers import Phase
from tools.servers.mail_server import main


@contextmanager
def served(*words: object) -> Iterator[int]:
    """Run the server inside the `with`. Yield its port."""
    command = [sys.executable, "-W", "error", "-m", "tools.servers"]
    with subprocess.Popen(
        [*command, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            assert process.stderr
            yield int(process.stdout.readline().rpartition(":")[2])
            process.send_signal(signal.SIGTERM)
            assert (process.wait(30), process.stderr.read()) == (0, "")
        finally:
            process.kill()


def written(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text("utf-8").splitlines()]


def test_an_accepted_message_is_logged_before_the_reply(tmp_path: Path) -> None:
    log, begun = tmp_path / "log", time.monotonic()
    with served("--log", log) as port, smtplib.SMTP("127.0.0.1", port) as client:
        for number in (1, 2):
            deliver(client, RECIPIENT, "bob@example.org")
            assert len(written(log)) == 2 * number
    first = written(log)[0]
    assert begun <= first.pop("at") <= time.monotonic()
    assert first == {
        "recipient": RECIPIENT,
        "message-id": "<1@news.example.org>",
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "connection": 1,
    }


def test_a_restarted_server_appends_to_the_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with served("--log", log) as port, smtplib.SMTP("127.0.0.1", port) as client:
        deliver(client)
    words = ("--port", port, "--log", log, "--drop-after-dot-every", 2)
    with served(*words) as again, smtplib.SMTP("127.0.0.1", again) as client:
        assert again == port
        deliver(client)
        with pytest.raises(smtplib.SMTPServerDisconnected):
            deliver(client)
    assert len(written(log)) == 3


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """Run what can't be run; gives the one line that is said."""
    with pytest.raises(SystemExit) as caught:
        main([*map(str, words)])
    out, err = capsys.readouterr()
    assert (caught.value.code, out, err.count("\n")) == (2, "", 1)
    said: str = err.removeprefix("tools.servers: ").rstrip("\n")
    return said


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--drop", "rctp", 3), "'rctp' is no phase; there are connect, hello, "),
        (("--stall", "rcpt", 1, "long"), "could not convert string to float: 'long'"),
        (("--reply", "rcpt", "often", "450 x"), "'often' is no count; write one like 3"),
        (("--drop-after-dot-every", 0), "argument --drop-after-dot-every: '0' is no count"),
        (("--port", "smtp"), "argument --port: 'smtp' is no port; they go up to 65535"),
        (("--port", 65_536), "argument --port: '65536' is no port; they go up to 65535"),
        (("--log", "/no/such/log"), "/no/such/log: can't be written: No such file or dir"),
        (("--prot", 25), "unrecognized arguments: --prot 25"),
    ],
)
def test_wrong_options_are_reported_in_one_line(
    capsys: pytest.CaptureFixture[str], words: tuple[object, ...], complaint: str
) -> None:
    assert refused(capsys, *words).startswith(complaint)


def test_a_port_in_use_is_reported_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert refused(capsys, "--port", port) == f"port {port}: Address already in use"
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_help_lists_the_phases(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert f"PHASE is one of {', '.join(Phase)};" in text


def test_options_set_the_faults(tmp_path: Path) -> None:
    log = tmp_path / "log"
    words = (
        *("--log", log, "--no-pipelining", "--slow", 0.01, "--most-connections", 9),
        *("--reply", "rcpt", 2, "451 4.3.0 Later", "--reply", "mail", 5, "550 5.7.1 Never"),
        *("--drop", "data", 3, "--lose-after-dot-every", 2, "--stall", "connect", 1, 0.01),
    )
    with served(*words) as port:
        with smtplib.SMTP("127.0.0.1", port) as client:
            assert "pipelining" not in client.esmtp_features
            deliver(client)
            with pytest.raises(smtplib.SMTPRecipientsRefused):
                deliver(client)
            with pytest.raises(smtplib.SMTPServerDisconnected):
                deliver(client)
        with smtplib.SMTP("127.0.0.1", port) as client:
            with pytest.raises(smtplib.SMTPRecipientsRefused):
                deliver(client)
            with pytest.raises(smtplib.SMTPSenderRefused):
                deliver(client)
            with pytest.raises(smtplib.SMTPServerDisconnected):
                deliver(client)
    assert len(written(log)) == 1
