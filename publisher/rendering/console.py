"""Pages of the editors' console, from the shipped templates below `console/` only.

A publication's own templates never change them. Their words are in catalogues of their own,
`locale/<tag>/console/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import (
    format_date,
    format_skeleton,
    format_time,
    format_timedelta,
    get_datetime_format,
)
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
        "day": partial(format_date, format="full", locale=locale),
        "short_day": partial(format_skeleton, "yMMMEd", locale=locale),
        "moment": partial(_moment, locale=locale),
        "clock_time": partial(_clock_time, locale=locale),
        "utc_moment": partial(_utc_moment, locale=locale),
        "ago": partial(_distance, locale=locale),
    }
    return written


def _moment(value: datetime, zone: str = "UTC", *, locale: Locale) -> str:
    """Write an instant in a time zone: `Fri, Jan 16, 2026, 8:00 AM`."""
    local = value.astimezone(ZoneInfo(zone))
    day = format_skeleton("yMMMEd", local, locale=locale)
    pattern = str(get_datetime_format("medium", locale=locale))
    text = pattern.replace("{0}", _clock_time(value, zone, locale=locale)).replace("{1}", day)
    return text.replace("'", "")


def _clock_time(value: datetime, zone: str = "UTC", *, locale: Locale) -> str:
    text = format_time(value, "short", tzinfo=ZoneInfo(zone), locale=locale)
    # Some fonts have no narrow no-break space.
    return text.replace("\u202f", "\u00a0")


def _utc_moment(value: datetime, zone: str, *, locale: Locale) -> str:
    """Write an instant in UTC, with its date if that is not the local one: `Jan 15 23:30 UTC`."""
    universal = value.astimezone(UTC)
    clock = f"{universal:%H:%M}\u00a0UTC"
    if universal.date() == value.astimezone(ZoneInfo(zone)).date():
        return clock
    return f"{format_skeleton('MMMd', universal, locale=locale)} {clock}"


def _distance(value: datetime, now: datetime, *, locale: Locale) -> str:
    """Write how long ago something was, or how long it will take: `2 hours ago`, `in 5 minutes`."""
    return str(format_timedelta(value - now, add_direction=True, locale=locale))
