"""Hours, weekdays and time zones in the words of a language, for people to choose from."""

from __future__ import annotations

import re
from datetime import time
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

from babel.core import get_global
from babel.dates import format_time, get_day_names, get_timezone_location

from publisher.languages.locales import list_names, locale_of

if TYPE_CHECKING:
    from collections.abc import Collection

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
    zones = [
        zone
        for zone in get_global("zone_territories")
        if zone in known and not _NO_PLACE.match(zone)
    ]
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
