"""The log: structured lines on standard error, in colour on a terminal, JSON elsewhere.

Only warnings and errors, unless PUBLISHER_LOG sets another level. Addresses and subscribers'
links are masked in every line.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from publisher.cli.exit_codes import escape_controls
from publisher.log import log

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor

_LEVEL_VARIABLE = "PUBLISHER_LOG"
# What stands before the @ of an address, which may be %40 in a link.
_LOCAL_PART = re.compile(
    r"(?:\"(?:[^\"\\]|\\.)*\"|[^\s<>()\[\],;:\"'@=?&/]+)(?:@|%40)(?=[\w\[])"
)
# What identifies a subscriber in a link is in its query.
_QUERY = re.compile(r"(https?://[^\s?#\"'<>]*)\?[^\s\"'<>]*")


def set_up_logging(default: str = "WARNING") -> None:
    """Send log lines of PUBLISHER_LOG's level, or else the default, to standard error."""
    name = os.environ.get(_LEVEL_VARIABLE, default).upper()
    level = logging.getLevelNamesMapping().get(name, logging.WARNING)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    if "structlog" in sys.modules:
        _configure(level)
    else:
        log.set_up = partial(_configure, level)


def _configure(level: int) -> None:
    import structlog

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *_writers(terminal=sys.stderr.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # Looks up standard error for every line, since tests replace it.
        logger_factory=lambda *_names: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _writers(*, terminal: bool) -> list[Processor]:
    import structlog

    if terminal:
        return [
            structlog.processors.format_exc_info,
            mask_addresses,
            _escape_controls,
            structlog.dev.ConsoleRenderer(),
        ]
    return [
        structlog.processors.format_exc_info,
        mask_addresses,
        structlog.processors.JSONRenderer(),
    ]


def _escape_controls(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Write control characters as escapes; the other renderer's JSON has them so anyway."""
    return {
        key: escape_controls(value) if isinstance(value, str) else value
        for key, value in event.items()
    }


def mask_addresses(_logger: Any, _method: str, event: EventDict) -> EventDict:
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
    # Errors, paths and bytes are written as their `str`.
    return _mask(str(value))
