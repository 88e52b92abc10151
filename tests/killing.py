"""Kill this process with -9 at a step of what it does to its database.

A step is a statement that writes, or the commit of a transaction that wrote. All that a database may have been
left with is between two of them.
"""

import os
import signal
from itertools import count
from typing import Any

from sqlalchemy import Engine, event

_WRITES = ("INSERT", "UPDATE", "DELETE")


def die_at(step: int) -> None:
    """Kill this process at a step."""
    numbers, wrote = count(1), set[int]()

    def take_step() -> None:
        if next(numbers) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def at_statement(connection: Any, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.lstrip().upper().startswith(_WRITES):
            wrote.add(id(connection))
            take_step()

    def at_commit(connection: Any) -> None:
        if id(connection) in wrote:
            wrote.discard(id(connection))
            take_step()

    event.listen(Engine, "before_cursor_execute", at_statement)
    event.listen(Engine, "commit", at_commit)
