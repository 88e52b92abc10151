import re
import signal
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from publisher.database import open_database
from tests.databases import DATABASE_FILE, database_address
from tests.processes import start


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: object) -> None:
        """Follow none."""


def test_the_console_answers_until_stopped(lantern: Path) -> None:
    open_database(database_address(lantern / DATABASE_FILE)).close()
    with start("console", "--port", 0, lantern) as process:
        try:
            assert process.stdout
            line = process.stdout.readline()
            found = re.search(r"http://127\.0\.0\.1:\d+/", line)
            assert found, line
            opener = urllib.request.build_opener(NoRedirect)
            with pytest.raises(urllib.error.HTTPError) as redirect:
                opener.open(found[0])
            assert redirect.value.code == 303
            assert redirect.value.headers["Location"] == "/sign-in/?next=/"
            redirect.value.close()
            begin = time.monotonic()
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()

    assert time.monotonic() - begin < 10
    assert line.startswith(f"the console of {lantern}: http://localhost:8090/ ")
    assert (process.returncode, out, err) == (0, "", "")
