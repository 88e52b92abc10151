"""The test mail server as a process of its own."""

import hashlib
import json
import signal
import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.tools.speaking import CONTENT, RECIPIENT, deliver


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


def test_options_set_the_faults(tmp_path: Path) -> None:
    log = tmp_path / "log"
    words = (
        *("--log", log, "--no-pipelining", "--slow", 0.01),
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
