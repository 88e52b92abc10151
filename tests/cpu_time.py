"""Limits on processor time, which stay the same however busy the machine is."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Fail if the steps inside use more of this process's processor time than that.

    A limit is many times what the steps take, so that coverage may be measured meanwhile.
    """
    began = time.process_time()
    yield
    assert time.process_time() - began < seconds
