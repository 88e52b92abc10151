"""Pages of the editors' console, from the shipped templates below `console/` only.

A publication's own templates never change them. Their words are in catalogues of their own,
`locale/<tag>/console/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_time, format_timedelta
from babel.numbers import format_decimal, format_percent

from publisher.languages import locale_of
from publisher.rendering.catalogues import console_catalogue
from publisher.rendering.environment import Templates

# The languages that the console's own words are in.
CONSOLE_LANGUAGES = ("en", "zh-Hans", "zh-Hant", "ar")


class ConsolePages:
    """Renders pages of the console."""

    def __init__(self) -> None:
        self._templates = Templates(None, console_catalogue)

    def render(self, name: str, language: str, values: Mapping[str, Any]) -> str:
        """Return a page from `console/<name>`, in one of CONSOLE_LANGUAGES.

        Besides `values` it gets what `_formatters` has. Raise RenderingError for a template's fault.
        """
        given = {**_formatters(language), **values}
        return self._templates.render(f"console/{name}", language, given)


def _formatters(language: str) -> dict[str, Any]:
    """Return functions that write dates and numbers as the language has them (CLDR)."""
    locale = locale_of(language)
    written: dict[str, Any] = {
        "number": partial(format_decimal, locale=locale),
        "percent": partial(format_percent, locale=locale),
        "day": lambda value: format_date(value, "full", locale=locale),
        "short_day": lambda value: format_date(value, "medium", locale=locale),
        "moment": lambda value, zone="UTC": _moment(value, zone, locale),
        "clock_time": lambda value, zone="UTC": _clock_time(value, zone, locale),
        "utc_clock": lambda value: f"{value.astimezone(UTC):%H:%M} UTC",
        "ago": lambda value, now: format_timedelta(
            value - now, add_direction=True, locale=locale
        ),
    }
    return written


def _moment(value: datetime, zone: str, locale: Any) -> str:
    return format_datetime(value, "medium", tzinfo=ZoneInfo(zone), locale=locale)


def _clock_time(value: datetime | time, zone: str, locale: Any) -> str:
    return format_time(value, "short", tzinfo=ZoneInfo(zone), locale=locale)
