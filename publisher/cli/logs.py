"""How the program keeps its log: structured lines on standard error.

Readable and in colour on a terminal, JSON elsewhere; only what went wrong, unless PUBLISHER_LOG
asks for more. Knows no event.
"""

from __future__ import annotations

import logging
import os
import sys

import structlog
from structlog.typing import Processor

LEVEL_VARIABLE = "PUBLISHER_LOG"


def set_up(default: str = "WARNING") -> None:
    """Send log lines of the level asked for, or the default, to standard error."""
    name = os.environ.get(LEVEL_VARIABLE, default).upper()
    level = logging.getLevelNamesMapping().get(name, logging.WARNING)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *_writers(terminal=sys.stderr.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # Whatever standard error is when a line is written, not when this was set up.
        logger_factory=lambda *_names: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _writers(*, terminal: bool) -> list[Processor]:
    if terminal:
        return [structlog.dev.ConsoleRenderer()]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
