"""The lock of a lease is of the process that holds it, and of no child."""

import subprocess
import sys

from publisher.testing import FakeTimer
from tests.publisher.delivery.ledger.open_ledgers import OpenLedger
from tests.publisher.delivery.test_lease_holder import enlist, living


def test_limited_processes_do_not_keep_the_lock(ledger: OpenLedger, timer: FakeTimer) -> None:
    with enlist(ledger.publication, timer):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        assert living(ledger.publication, timer) == set()
    finally:
        child.kill()
        child.wait()
