"""The program as a process that fills a bucket, and is stopped meanwhile."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from publisher.config import SETTINGS_FILE
from tests.databases import environment_of
from tests.processes import COMMAND, ENVIRONMENT, ROOT, publisher, tree
from tests.publisher.bucket.test_upload import contents, seen
from tests.slow.publisher.test_processes import make, wait_for
from tools.servers.s3 import BUCKET, CREDENTIALS, REGION, S3, running_s3


@pytest.fixture
def s3() -> Iterator[S3]:
    with running_s3() as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path, s3: S3) -> Path:
    made = make(tmp_path / "lantern")
    table = {"bucket": BUCKET, "endpoint": s3.address, "region": REGION, "prefix": "news"}
    lines = "".join(f'{name} = "{value}"\n' for name, value in table.items())
    with (made / SETTINGS_FILE).open("a", encoding="utf-8") as file:
        file.write(f"\n[s3]\n{lines}")
    return made


def service(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, "run", str(folder)],
        cwd=ROOT,
        env=ENVIRONMENT | environment_of(folder) | CREDENTIALS,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def has_all(s3: S3, folder: Path) -> bool:
    files = tree(folder / "public")
    shown = {k: v for k, v in files.items() if not k.rpartition("/")[2].startswith(".")}
    served = {k: v for k, v in shown.items() if k[-3:] not in (".gz", ".br")}
    copies = {name: content for name, (content, _fields) in seen(s3).items()}
    return copies == served and contents(s3).keys() == served.keys() and len(served) > 20


def test_a_service_that_is_stopped_while_it_fills_the_bucket_ends_properly(
    folder: Path, s3: S3
) -> None:
    goes_on = Event()
    s3.fault = lambda method, key: (
        (503, "SlowDown")
        if method == "PUT" and "json" not in key and not goes_on.wait(60)
        else None
    )
    process = service(folder)
    wait_for("objects", lambda: len(s3.changes()) > 1, 120)
    process.send_signal(signal.SIGTERM)
    goes_on.set()
    _out, err = process.communicate(timeout=120)
    assert process.returncode == 0
    events = [json.loads(line)["event"] for line in err.splitlines()]
    assert events[-1] == "service stopped"
    assert "Traceback" not in err
    # The next one completes what this one has left.
    environment = environment_of(folder) | CREDENTIALS
    assert publisher("run", "--once", folder, environment=environment).code == 0
    assert has_all(s3, folder)
