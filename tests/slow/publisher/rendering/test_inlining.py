"""Inlining: what goes into elements, what stays in the head, and how it is marked there."""

from __future__ import annotations

import time

from publisher.rendering import digest
from publisher.rendering.environment import Templates
from publisher.rendering.inlining import inline
from tests.publisher.rendering import sample
from tests.publisher.rendering.test_inlining import body


def test_a_digest_takes_a_fraction_of_a_second(sources: list[str]) -> None:
    digest.render_digest(Templates(None), sample.issue("en"))
    rows = body(sources[0])
    # More than a mail may have in the end.
    source = sources[0].replace(rows, rows * (90_000 // len(rows) + 1))
    assert len(source) > 90_000
    inline(source)
    taken = []
    for _ in range(5):
        started = time.process_time()
        inline(source)
        taken.append(time.process_time() - started)
    # Measured 0.03; a machine may be five times as slow.
    assert min(taken) < 0.15
