import signal
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tests.processes import start
from tests.publisher.cli.test_serve import LARGE, publish


def opened(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_stopped_and_finishes_open_requests(
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
