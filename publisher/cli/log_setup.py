"""How the program keeps its log: structured lines on standard error.

Readable and in colour on a terminal, JSON elsewhere; only what went wrong, unless PUBLISHER_LOG
asks for more. Whatever is logged, no address and no reader's link is there in full. Knows no
event.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

_LEVEL_VARIABLE = "PUBLISHER_LOG"
# What stands before the @ of an address, which may be %40 in a link.
_LOCAL_PART = re.compile(
    r"(?:\"(?:[^\"\\]|\\.)*\"|[^\s<>()\[\],;:\"'@=?&/]+)(?:@|%40)(?=[\w\[])"
)
# A reader's link is told by its query.
_QUERY = re.compile(r"(https?://[^\s?#\"'<>]*)\?[^\s\"'<>]*")


def set_up_logging(default: str = "WARNING") -> None:
    """Send log lines of the level asked for, or the default, to standard error."""
    name = os.environ.get(_LEVEL_VARIABLE, default).upper()
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
        return [
            structlog.processors.format_exc_info,
            mask_addresses,
            structlog.dev.ConsoleRenderer(),
        ]
    return [
        structlog.processors.format_exc_info,
        mask_addresses,
        structlog.processors.JSONRenderer(),
    ]


def mask_addresses(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Cut addresses and readers' links short, wherever they stand in a line of the log."""
    return {key: _mask(value) for key, value in event.items()}


def _mask(value: Any) -> Any:
    if isinstance(value, str):
        return _LOCAL_PART.sub("…@", _QUERY.sub(r"\1?…", value))
    if isinstance(value, list | tuple):
        return [_mask(inner) for inner in value]
    if isinstance(value, dict):
        return {_mask(key): _mask(inner) for key, inner in value.items()}
    if value is None or isinstance(value, bool | int | float):
        return value
    # An error, a path, bytes: whoever writes the line would write it so, too.
    return _mask(str(value))
