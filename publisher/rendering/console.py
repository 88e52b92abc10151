"""Pages of the editors' console, from the shipped templates below `console/` only.

A publication's own templates never change them. Their words are in catalogues of their own, `locale/<tag>/console/`.
"""

import html
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from gettext import NullTranslations
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, dates
from babel.numbers import format_decimal, format_percent
from babel.units import format_unit
from markupsafe import Markup, escape

from publisher.i18n.messages import ENGLISH, Sentence, SentenceValue, message
from publisher.languages import locale_of
from publisher.rendering.environment import Templates
from publisher.rendering.plaintext import display_width
from publisher.rendering.template_files import console_catalogue

_PLACE = re.compile(r"%\(\w+\)s")  # a value in a template
_TAG = re.compile(r"<[^>]*>")  # values are escaped, so that these are all there are
_SEPARATOR = message(", ")  # between words of a list
# The languages that the console's own words are in.
CONSOLE_LANGUAGES = ("en", "zh-Hans", "zh-Hant", "ar")
# Templates of the first pages that people open, and what these include.
_OF_EACH_DAY = ("base", "words", "parts", "revision_diff", "issue_parts", "issue", "today")


class ConsolePages:
    """Renders pages of the console."""

    def __init__(self) -> None:
        self._templates = Templates(None, console_catalogue)

    def load(self) -> None:
        """Compile what the pages of each day need, which the first of them does otherwise."""
        self._templates.load(f"console/{name}.html" for name in _OF_EACH_DAY)

    def render(self, name: str, language: str, values: Mapping[str, Any]) -> str:
        """Return a page from `console/<name>`, in one of CONSOLE_LANGUAGES.

        Besides `values` it gets what `_formatters` has; days in the year of `today` have no year. Raise
        RenderingError for a template's fault.
        """
        translations, _found = console_catalogue(language)
        said = partial(said_in, language, translations)
        given = {**_formatters(language, values.get("today")), "said": said, **values}
        return self._templates.render(f"console/{name}", language, given)


def said_in(language: str, translations: NullTranslations, text: str) -> Markup:
    """Return a sentence of the engine in a language; marked as English if the catalogue lacks it.

    Its values are isolated, since names of issues and addresses run from left to right everywhere.
    """
    template = text.template if isinstance(text, Sentence) else text
    found = _translated(translations, text)
    has_words = any(one.isalpha() for one in _PLACE.sub("", template))
    is_missing = found == template and (template == ENGLISH or has_words)
    if language == CONSOLE_LANGUAGES[0] or is_missing:
        return Markup('<bdi lang="en" dir="ltr">{}</bdi>').format(text)
    if not isinstance(text, Sentence):
        return escape(found)
    values = {
        name: _said_value(language, translations, value) for name, value in text.values.items()
    }
    return escape(found) % values


def said_as_text(language: str, text: str) -> str:
    """Return a sentence of the engine in one of CONSOLE_LANGUAGES, without marks of its parts."""
    translations, _found = console_catalogue(language)
    return html.unescape(_TAG.sub("", said_in(language, translations, text)))


def _translated(translations: NullTranslations, text: str) -> str:
    """Return the translated template of a sentence, that of its number if it has one."""
    if not isinstance(text, Sentence):
        return translations.gettext(text) if text else ""
    if text.plural is None:
        return translations.gettext(text.template) if text.template else ""
    count = text.values["count"]
    found = translations.ngettext(text.template, text.plural, int(str(count)))
    return text.template if found == text.plural else found


def _said_value(language: str, translations: NullTranslations, value: SentenceValue) -> Markup:
    if isinstance(value, Sentence):
        return said_in(language, translations, value)
    if isinstance(value, tuple):
        parts = (_said_value(language, translations, one) for one in value)
        return escape(translations.gettext(_SEPARATOR)).join(parts)
    if isinstance(value, int):
        return escape(format_decimal(value, locale=locale_of(language)))
    return Markup("<bdi>{}</bdi>").format(value)


def _formatters(language: str, today: date | None) -> dict[str, Any]:
    locale, year = locale_of(language), today.year if today else None
    written: dict[str, Any] = {
        "number": partial(format_decimal, locale=locale),
        "percent": partial(format_percent, locale=locale),
        "day": partial(dates.format_date, format="full", locale=locale),
        "short_day": partial(_short_day, year=year, locale=locale),
        "month_day": partial(dates.format_skeleton, "MMMd", locale=locale),
        # A day of a year that is clear, a month, a day of the week.
        "near_day": partial(dates.format_skeleton, "MMMEd", locale=locale),
        "month_name": partial(dates.format_skeleton, "yMMMM", locale=locale),
        "weekday": partial(dates.format_skeleton, "E", locale=locale),
        "moment": partial(_moment, year=year, locale=locale),
        "clock_time": partial(_clock_time, locale=locale),
        "utc_moment": partial(_utc_moment, locale=locale),
        "ago": lambda value, now: dates.format_timedelta(
            value - now, add_direction=True, locale=locale
        ),
        "span": partial(_span, locale=locale),
        "columns": display_width,
    }
    return written


def _short_day(value: date, *, year: int | None, locale: Locale) -> str:
    """Write a day, and its year if that is not `year`: `Fri, Jan 16, 2026`."""
    skeleton = "MMMEd" if value.year == year else "yMMMEd"
    return dates.format_skeleton(skeleton, value, locale=locale)


def _moment(
    value: datetime, zone: str = "UTC", *, year: int | None = None, locale: Locale
) -> str:
    """Write an instant in a time zone: `Fri, Jan 16, 8:00 AM`, with its year if that is not `year`."""
    day = _short_day(value.astimezone(ZoneInfo(zone)), year=year, locale=locale)
    pattern = str(dates.get_datetime_format("medium", locale=locale))
    text = pattern.replace("{0}", _clock_time(value, zone, locale=locale)).replace("{1}", day)
    return text.replace("'", "")


def _clock_time(value: datetime, zone: str = "UTC", *, locale: Locale) -> str:
    text = dates.format_time(value, "short", tzinfo=ZoneInfo(zone), locale=locale)
    # Some fonts have no narrow no-break space.
    return text.replace("\u202f", "\u00a0")


def _utc_moment(value: datetime, zone: str, *, locale: Locale) -> str:
    """Write an instant in UTC, with its date if that is not the local one: `Jan 15 23:30 UTC`."""
    universal = value.astimezone(UTC)
    clock = f"{universal:%H:%M}\u00a0UTC"
    if universal.date() == value.astimezone(ZoneInfo(zone)).date():
        return clock
    return f"{dates.format_skeleton('MMMd', universal, locale=locale)} {clock}"


def _span(value: timedelta, *, locale: Locale) -> str:
    """Write how long something took: `5.5 hours`, from two days on `3.2 days`."""
    hours = value / timedelta(hours=1)
    number, unit = (hours, "hour") if hours < 48 else (hours / 24, "day")  # noqa: PLR2004
    return format_unit(round(number, 1), f"duration-{unit}", locale=locale)
