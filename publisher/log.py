"""The log: `log.warning("what happened", key=value)`. structlog, which writes it, is loaded with the first line.

To load it takes a tenth of a short command, and most commands log nothing.
"""

from collections.abc import Callable
from typing import Any


class Log:
    """structlog's logger. `set_up` is called before the next line; nothing if it is None."""

    set_up: Callable[[], None] | None = None

    def __getattr__(self, name: str) -> Any:
        import structlog

        if (set_up := self.set_up) is not None:
            self.set_up = None
            set_up()
        return getattr(structlog.get_logger(), name)


log = Log()
