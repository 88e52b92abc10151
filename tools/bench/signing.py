"""Signing one message of 57 KB, beside dkimpy.

The message is in segments, as composing leaves it, and of the fields of a newsletter. What
dkimpy is given is the whole message and the key in PEM: it has no other way. It signs with
Ed25519 only where PyNaCl is, so that it is measured with RSA alone.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial

from rich.table import Table

from publisher.mail.dkim import dkim_fields
from tests.publisher.mail.dkim_verification import dkimpy_signs
from tests.publisher.mail.keys import ED25519, RSA, signer
from tools.bench.sizes import size

COLUMNS = ("µs (median)", "least", "beside dkimpy")
DOMAIN, SELECTOR = "news.example.org", "news-2026"
BYTES = 57_000
SEGMENTS = 12
LINE = b"The harbour was calm, and nobody in it had anything to say of the tide.=\r\n"
FIELDS = tuple(
    (name, b" " + value)
    for name, value in (
        (b"From", b"The Lantern <digest@news.example.org>"),
        (b"To", b"Ann Example <reader.1@example.com>"),
        (b"Subject", b"The ferry that learned to wait for the tide, and forty years\r\n of it"),
        (b"Date", b"Fri, 09 Jan 2026 08:00:30 +0000"),
        (b"Message-ID", b"<weekly-en-2026-01-09.0123456789abcdef01234567@news.example.org>"),
        (b"List-Unsubscribe", b"<https://news.example.org/en/unsubscribe/?t=%b>" % (b"x" * 90)),
        (b"List-Unsubscribe-Post", b"List-Unsubscribe=One-Click"),
        (b"List-Id", b"<weekly.en.news.example.org>"),
        (b"Feedback-ID", b"2026-01-09:en:weekly:newsexampleorg"),
        (b"Archived-At", b"<https://news.example.org/en/weekly/2026-01-09/>"),
        (b"Auto-Submitted", b"auto-generated"),
        (b"MIME-Version", b"1.0"),
        (b"Content-Type", b'multipart/alternative; boundary="=_0123"'),
    )
)
# Runs of ours, and of dkimpy, which takes its time.
RUNS, FEWER = size(1_000, smallest=1), size(100, smallest=1)


def measure(table: Table) -> None:
    """Measure each kind of key, both at once, and dkimpy."""
    body = [(LINE * (BYTES // SEGMENTS // len(LINE) + 1))[: BYTES // SEGMENTS]] * SEGMENTS
    head = b"".join(b"%b:%b\r\n" % field for field in FIELDS)
    message = head + b"\r\n" + b"".join(body)
    rsa, ed25519 = (signer(key, domain=DOMAIN, selector=SELECTOR) for key in (RSA, ED25519))
    ours = {"RSA-2048": (rsa,), "Ed25519": (ed25519,), "both, one body": (rsa, ed25519)}
    theirs = _microseconds(partial(dkimpy_signs, message, DOMAIN, SELECTOR, RSA), FEWER)
    for name, signers in ours.items():
        own = _microseconds(partial(dkim_fields, signers, FIELDS, body), RUNS)
        _row(table, f"{len(message):,} bytes, {name}", own, theirs[0])
    _row(table, f"{len(message):,} bytes, RSA-2048 by dkimpy", theirs, theirs[0])


def _row(table: Table, what: str, figures: tuple[float, float], theirs: float) -> None:
    median, least = figures
    table.add_row(what, f"{median:,.0f}", f"{least:,.0f}", f"{theirs / median:,.1f} times")


def _microseconds(sign: Callable[[], bytes], runs: int) -> tuple[float, float]:
    """Give the median and the least time of some runs."""
    seconds = []
    for _run in range(runs):
        start = time.perf_counter()
        sign()
        seconds.append(time.perf_counter() - start)
    return 1e6 * statistics.median(seconds), 1e6 * min(seconds)
