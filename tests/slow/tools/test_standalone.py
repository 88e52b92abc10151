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


def test_an_accepted_message_is_logged_before_the_reply_and_behind_those_of_a_former_server(
    tmp_path: Path,
) -> None:
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
    with (
        served("--port", port, "--log", log) as again,
        smtplib.SMTP("127.0.0.1", again) as client,
    ):
        assert again == port
        deliver(client)
    assert len(written(log)) == 5
