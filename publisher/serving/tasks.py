"""Which thread answers a request: the loop's own, or one of those that may wait.

A request that only reads and computes is answered faster by the loop itself: Python runs one thread
at a time, and handing a request over and back costs more than many pages do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from waitress.task import ThreadedTaskDispatcher  # type: ignore[import-untyped]  # no types


class TaskDispatcher(ThreadedTaskDispatcher):  # type: ignore[misc]  # waitress ships no types
    """Has threads for requests, and a queue for those that the loop answers."""

    def __init__(self, is_brief: Callable[[str, str], bool]) -> None:
        """`is_brief` says it by method and path. Such a request must never wait."""
        super().__init__()
        self._is_brief = is_brief
        self._brief: deque[Any] = deque()

    def add_task(self, task: Any) -> None:
        """Queue a connection that has received a request."""
        request = task.requests[0]
        if not request.error and self._is_brief(request.command, request.path):
            # Not yet: the connection holds its lock.
            self._brief.append(task)
        else:
            super().add_task(task)

    def answer_brief(self) -> None:
        """Answer the brief requests, in the thread of the loop."""
        for _ in range(len(self._brief)):
            task = self._brief.popleft()
            try:
                task.service()
            except Exception:
                self.logger.exception("a request could not be answered")
                task.handle_close()
