import signal
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from publisher.database import open_database
from tests.databases import DATABASE_FILE, database_address
from tests.processes import start
from tests.publisher.cli.test_serve import publish


def test_it_serves_pages_and_the_site_until_stopped(lantern: Path) -> None:
    publish(lantern)
    open_database(database_address(lantern / DATABASE_FILE)).close()
    with start("web", "--port", 0, lantern) as process:
        try:
            assert process.stdout
            line = process.stdout.readline()
            url = line.split()[-1]
            with urllib.request.urlopen(url) as answer:
                assert answer.read() == b"The Lantern"
            with pytest.raises(urllib.error.HTTPError) as missing:
                urllib.request.urlopen(f"{url}-/nothing?t=token")
            assert missing.value.headers["X-Robots-Tag"] == "noindex"
            missing.value.close()
            begin = time.monotonic()
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()

    assert time.monotonic() - begin < 10
    assert line == f"{lantern} is at {url}\n"
    assert (process.returncode, out, err) == (0, "", "")
