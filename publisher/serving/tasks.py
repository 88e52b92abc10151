"""Which thread answers a request: the loop's own, or one of those that may wait.

Python runs one thread at a time, and handing a request over and back costs more than many pages do.
So the loop itself answers what only computes, reads a few rows, or waits by `waiting.wait_for`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from waitress.task import ThreadedTaskDispatcher  # type: ignore[import-untyped]  # no types

from publisher.serving.waiting import WaitingRequests


class TaskDispatcher(ThreadedTaskDispatcher):  # type: ignore[misc]  # waitress ships no types
    """Has threads for requests, and a queue for those that the loop answers."""

    def __init__(self, is_brief: Callable[[str], bool]) -> None:
        """`is_brief` says it by path. Such a request never blocks its thread."""
        super().__init__()
        self._is_brief = is_brief
        self._brief: deque[Any] = deque()

    def add_task(self, task: Any) -> None:
        """Queue a connection that has received a request."""
        request = task.requests[0]
        if not request.error and self._is_brief(request.path):
            # Not yet: the connection holds its lock.
            self._brief.append(task)
        else:
            super().add_task(task)

    def answer_brief(self, requests: WaitingRequests) -> None:
        """Begin to answer the brief requests, in the thread of the loop."""
        for _ in range(len(self._brief)):
            requests.begin(partial(self._answer, self._brief.popleft()))

    def _answer(self, task: Any) -> None:
        try:
            task.service()
        except Exception:
            self.logger.exception("a request could not be answered")
            task.handle_close()
