"""The program as a process that fills a bucket: refused, killed, stopped."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from publisher.config import SETTINGS_FILE
from tests.databases import environment_of
from tests.processes import COMMAND, ENVIRONMENT, ROOT, Outcome, publisher, tree
from tests.publisher.bucket.test_upload import contents, seen
from tests.publisher.lanterns import FRIDAY
from tests.s3 import BUCKET, CREDENTIALS, REGION, S3, running_s3
from tests.slow.publisher.test_processes import make, wait_for


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


def run_once(folder: Path) -> Outcome:
    environment = environment_of(folder) | CREDENTIALS
    return publisher("run", "--once", "--now", FRIDAY, folder, environment=environment)


def service(folder: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, "run", *options, str(folder)],
        cwd=ROOT,
        env=ENVIRONMENT | environment_of(folder) | CREDENTIALS,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def has_all(s3: S3, folder: Path) -> bool:
    files = tree(folder / "public")
    served = {k: v for k, v in files.items() if k != ".bucket" and k[-3:] not in (".gz", ".br")}
    copies = {name: content for name, (content, _fields) in seen(s3).items()}
    return copies == served and contents(s3).keys() == served.keys() and len(served) > 20


def test_a_bucket_that_refuses_ends_with_one_line_and_a_code(folder: Path, s3: S3) -> None:
    without = publisher("run", "--once", folder, environment=environment_of(folder))
    assert (without.code, "AWS_ACCESS_KEY_ID: missing" in without.err) == (2, True)

    s3.fault = lambda _method, _key: (403, "AccessDenied")
    # Whether another database has filled it can't be known: nothing is sent.
    unknown = run_once(folder)
    assert (unknown.code, "s3://lantern/news: answered 403 Forbidden" in unknown.err) == (
        1,
        True,
    )
    assert not (folder / "public").exists()

    s3.fault = lambda method, _key: (403, "AccessDenied") if method == "PUT" else None
    refused = run_once(folder)
    assert refused.code == 1
    assert "Problem: s3://lantern/news: answered 403 Forbidden (AccessDenied)" in refused.out
    assert (folder / "public" / "en" / "index.html").is_file()
    assert list((folder / "outbox").rglob("*.eml")) == []
    status = publisher("status", folder)
    assert "The bucket lacks files: s3://lantern/news: answered 403" in status.out

    s3.fault = lambda _method, _key: None
    assert run_once(folder).code == 0
    assert has_all(s3, folder)
    assert list((folder / "outbox").rglob("*.eml"))


@pytest.mark.parametrize("after", [1, 9, 30])
def test_a_process_that_is_killed_is_followed_by_one_that_completes_it(
    folder: Path, s3: S3, after: int
) -> None:
    def slow(_method: str, _key: str) -> None:
        time.sleep(0.05)

    s3.fault = slow
    process = service(folder, "--once", "--now", FRIDAY)
    wait_for("objects", lambda: len(s3.changes()) >= after, 120)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not has_all(s3, folder)

    assert run_once(folder).code == 0
    assert has_all(s3, folder)


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
