"""Equal bytes in other processes, and the time to render."""

import hashlib
import os
import subprocess
import sys
import time

import pytest

import feeds
from feeds import FEED_FORMATS, FeedFormat
from tests.feeds.data import lantern
from tests.feeds.samples import channel, entry
from tests.processes import ROOT


def test_bytes_do_not_depend_on_time_zone_locale_or_hash_seed() -> None:
    here = hashlib.sha256(
        b"".join(feeds.render(style, lantern.CHANNEL) for style in FEED_FORMATS)
    )
    program = (
        "import hashlib, locale; locale.setlocale(locale.LC_ALL, '')\n"
        "import feeds\n"
        "from tests.feeds.data.lantern import CHANNEL\n"
        "print(hashlib.sha256(b''.join(feeds.render(f, CHANNEL) for f in feeds.FEED_FORMATS)).hexdigest())"
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
def test_rendering_a_thousand_entries_takes_less_than_300_ms(style: FeedFormat) -> None:
    """It takes about 80 ms; `make bench` measures it."""
    long = "<p>A paragraph of some words &amp; more.</p>" * 50
    spent = []
    for _ in range(3):
        start = time.process_time()
        feeds.render(
            style, channel(*(entry(str(key), content_html=long) for key in range(1000)))
        )
        spent.append(time.process_time() - start)
    assert min(spent) < 0.3
