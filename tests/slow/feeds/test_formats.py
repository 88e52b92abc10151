"""What must be true of all formats together: they agree, never break and never waver."""

import hashlib
import os
import subprocess
import sys
import time

import pytest

from feeds import FEED_FORMATS, FeedFormat
from tests.feeds.data import lantern
from tests.feeds.samples import channel, entry
from tests.processes import ROOT


def test_bytes_depend_on_no_zone_locale_or_hash_seed() -> None:
    here = hashlib.sha256(b"".join(style.render(lantern.CHANNEL) for style in FEED_FORMATS))
    program = (
        "import hashlib, locale; locale.setlocale(locale.LC_ALL, '')\n"
        "from feeds import FEED_FORMATS\n"
        "from tests.feeds.data.lantern import CHANNEL\n"
        "print(hashlib.sha256(b''.join(f.render(CHANNEL) for f in FEED_FORMATS)).hexdigest())"
    )
    elsewhere = {"TZ": "Asia/Kathmandu", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "7"}

    run = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | elsewhere,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert run.stdout.strip() == here.hexdigest()


@pytest.mark.parametrize("style", FEED_FORMATS, ids=lambda style: style.name)
def test_a_thousand_entries_are_made_and_written_in_a_fraction_of_a_second(
    style: FeedFormat,
) -> None:
    """It takes some 40 ms; the bound is wide since machines differ. `make bench` tells more."""
    long = "<p>A paragraph of some words &amp; more.</p>" * 50
    spent = []
    for _ in range(3):
        start = time.process_time()
        style.render(channel(*(entry(str(key), content_html=long) for key in range(1000))))
        spent.append(time.process_time() - start)

    assert min(spent) < 0.3
