"""Conventions of a language: direction, its own name, dates, hours, lists, reading speed.

Every function takes the language; there is no current locale. Dates are Babel's `long` and `full`
ones, which have no hidden direction marks. Hours, weekdays and time zones are given in words, for
people to choose from.
"""

import math
import re
from collections.abc import Collection, Sequence
from datetime import date, time
from functools import lru_cache
from typing import Literal
from zoneinfo import available_timezones

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.dates import format_date as babel_date
from babel.dates import format_skeleton, format_time, get_day_names, get_timezone_location
from babel.lists import format_list
from babel.units import format_unit

from publisher.languages.tags import script

_RTL_SCRIPTS = frozenset({"Arab", "Hebr", "Thaa", "Syrc", "Nkoo", "Adlm", "Rohg", "Mand"})

# CLDR writes a narrow space before the Russian and Bulgarian word for year. Some mail programs show
# it as a box, so it becomes a no-break space.
_NARROW_SPACE, _NO_BREAK_SPACE = "\u202f", "\u00a0"

# The usual names in Chinese, instead of CLDR's "中文 (简体)"; CLDR's "Indonesia" is the country, too.
_AUTONYMS = {
    "zh-Hans": "简体中文",
    "zh-Hant": "繁體中文",
    "zh-Hant-HK": "繁體中文（香港）",
    "id": "Bahasa Indonesia",
}

# The digits of 0 in numbering systems of CLDR. Babel writes all dates with Latin digits.
_ZEROS = {"arab": "٠", "arabext": "۰", "beng": "০", "deva": "०", "mymr": "၀"}

# Thai dates count years of the Buddhist era, which began 543 years earlier.
_BUDDHIST_ERA = 543
# The era before a year, and the year, of a Thai date.
_THAI_YEAR = re.compile(r"(?:ค\.ศ\. )?(\d{4})$")

# Quotation marks of CLDR 41 (delimiters: quotationStart, quotationEnd), which Babel lacks; others write “ ”.
# Arabic ones are those of newspapers, and French ones have no-break spaces inside.
_QUOTATION_MARKS = {
    **dict.fromkeys(
        ("ar", "ca", "el", "es", "fa", "it", "nb", "no", "pt-PT", "ru", "uk"), "«»"
    ),
    **dict.fromkeys(("bg", "cs", "de", "et", "hr", "is", "lt", "sk", "sl"), "„“"),
    **dict.fromkeys(("hu", "pl", "ro"), "„”"),
    **dict.fromkeys(("fi", "he", "sv"), "””"),
    **dict.fromkeys(("ja", "zh-Hant"), "「」"),
    "fr": ("«\u00a0", "\u00a0»"),
    "nl": "‘’",
}

# Reading speeds of adults: words a minute, and characters a minute in scripts without spaces.
_WORDS_A_MINUTE = 238
_CHARACTERS_A_MINUTE = {"Hans": 370, "Hant": 370, "Jpan": 650, "Kore": 480, "Thai": 900}


@lru_cache(maxsize=256)
def locale_of(tag: str) -> Locale:
    """Return Babel's locale for a canonical tag; without one in CLDR, its parent's or English."""
    subtags = tag.split("-")
    while subtags:
        try:
            return Locale.parse("-".join(subtags), sep="-")
        except (UnknownLocaleError, ValueError):
            subtags.pop()
    return Locale("en")


def direction(tag: str) -> str:
    """Return `rtl` or `ltr`."""
    return "rtl" if script(tag) in _RTL_SCRIPTS else "ltr"


@lru_cache(maxsize=256)
def autonym(tag: str) -> str:
    """Return the language's own name, for language switches: `简体中文`, `Français`."""
    if tag in _AUTONYMS:
        return _AUTONYMS[tag]
    name = locale_of(tag).get_display_name(locale_of(tag)) or tag
    return name[0].upper() + name[1:]


def format_date(day: date, tag: str, width: Literal["long", "full"] = "long") -> str:
    """Return a date in words, `full` with its weekday: `April 10, 2017`, `2017年4月10日星期一`.

    Thai years are Buddhist. Digits are the locale's own (CLDR: defaultNumberingSystem): `۴ دسامبر ۲۰۲۶`.
    """
    return _as_read(babel_date(day, format=width, locale=locale_of(tag)), tag)


def format_month(day: date, tag: str) -> str:
    """Return the month of a date, with its year: `April 2017`, `2017年4月`."""
    return _as_read(format_skeleton("yMMMM", day, locale=locale_of(tag)), tag)


def _as_read(written: str, tag: str) -> str:
    """Return a date of Babel's with the spaces, years and digits that people of a language read."""
    written = written.replace(_NARROW_SPACE, _NO_BREAK_SPACE)
    if locale_of(tag).language == "th":
        written = _THAI_YEAR.sub(lambda year: str(int(year[1]) + _BUDDHIST_ERA), written)
    return own_digits(written, tag)


def own_digits(text: str, tag: str) -> str:
    """Return a text whose Latin digits are those of the locale."""
    zero = _ZEROS.get(locale_of(tag).default_numbering_system)
    if zero is None:
        return text
    return text.translate({ord("0") + digit: ord(zero) + digit for digit in range(10)})


def in_quotes(text: str, tag: str) -> str:
    """Return a text in the quotation marks of a language: `“A”`, `「A」`, `« A »`."""
    subtags = tag.split("-")
    names = ["-".join(subtags[:length]) for length in range(len(subtags), 0, -1)]
    start, end = next(
        (_QUOTATION_MARKS[name] for name in names if name in _QUOTATION_MARKS), "“”"
    )
    return f"{start}{text}{end}"


def list_names(names: Sequence[str], tag: str) -> str:
    """Return names as a list in the language: `A, B, and C`, `A、B和C`."""
    return format_list(list(names), locale=locale_of(tag)) if names else ""


def reading_minutes(text: str, tag: str) -> int:
    """Return the estimated minutes that a text takes to read, at least 1."""
    speed = _CHARACTERS_A_MINUTE.get(script(tag))
    amount = sum(not c.isspace() for c in text) if speed else len(text.split())
    return max(1, math.ceil(amount / (speed or _WORDS_A_MINUTE)))


def reading_time(text: str, tag: str) -> str:
    """Return the time that a text takes to read: `4 min`, `4 分鐘` (CLDR: units, short)."""
    minutes = reading_minutes(text, tag)
    written = format_unit(minutes, "duration-minute", length="short", locale=locale_of(tag))
    return own_digits(written.replace(_NARROW_SPACE, _NO_BREAK_SPACE), tag)


# Zones of the CLDR that are no places.
_NO_PLACE = re.compile(r"(Etc|SystemV)/|[A-Z0-9]+$")


@lru_cache(maxsize=1024)
def format_hour(hour: int, tag: str) -> str:
    """Return a full hour: `8:00 AM`, `08:00`."""
    return format_time(time(hour), "short", locale=locale_of(tag)).replace("\u202f", "\u00a0")


def weekday_names(weekdays: Collection[int], tag: str) -> str:
    """Return weekdays (Monday is 0) as a list: `Monday and Thursday`, `周一和周四`."""
    names = get_day_names("wide", "format", locale_of(tag))
    return list_names([names[day] for day in sorted(weekdays)], tag)


@lru_cache(maxsize=16)
def time_zone_names(tag: str) -> tuple[tuple[str, str], ...]:
    """Return the IANA keys of all places with the language's words for them, sorted by these."""
    locale, known = locale_of(tag), available_timezones()
    zones = [zone for zone in get_global("zone_territories") if not _NO_PLACE.match(zone)]
    zones = [zone for zone in zones if zone in known]
    # Babel does not find the translated cities that stand at a former key of a zone.
    cities = {
        new: locale.time_zones[old]["city"]
        for old, new in get_global("zone_aliases").items()
        if "city" in locale.time_zones.get(old, {})
    }
    named = []
    for zone in zones:
        place = zone.partition("/")[2].replace("_", " ")
        city = cities.get(zone, place.rpartition("/")[2])
        named.append((zone, get_timezone_location(zone, locale=locale).replace(place, city)))
    return tuple(sorted(named, key=lambda one: one[1]))


def time_zone_choice(zone: str) -> str:
    """Return the key in `time_zone_names` for any key of the same zone, such as an older one."""
    alias: str = get_global("zone_aliases").get(zone, zone)
    return alias
