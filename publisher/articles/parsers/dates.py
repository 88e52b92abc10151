"""Read dates as people and programs write them: in metadata, pages, addresses and file names.

A date without a time stays a date, a time without an offset stays naive: the publication's time
zone applies later. `10/04/2017` is refused, since it is ambiguous.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

from publisher.languages import locale_of

# Within these years no conversion to another time zone leaves the calendar.
_FIRST_YEAR, _LAST_YEAR = 1000, 9000
# Characters. Pages are searched line by line, and long lines are no dates.
_MAX_LENGTH = 80

_ISO = re.compile(
    r"(?P<y>\d{4})(?P<s>[-/.])(?P<m>\d{1,2})(?P=s)(?P<d>\d{1,2})"
    r"(?:(?:[Tt]|[ ]+)(?P<h>\d{1,2}):(?P<min>\d{2})(?::(?P<sec>\d{2})(?:[.,]\d+)?)?"
    r"\s*(?P<zone>[Zz]|UTC|GMT|[+-]\d{2}:?\d{2})?)?"
)
_EAST_ASIAN = re.compile(
    r"(?P<y>\d{4})\s*[年년]\s*(?P<m>\d{1,2})\s*[月월]\s*(?P<d>\d{1,2})\s*[日일号號]"
    r"(?:\s*(?:星期|週|周|\(|（)?\s*[一二三四五六日天月火水木金土월화수목금토일]\S*)?"
)
_WEEKDAY = r"(?:[^\W\d]{2,}\.?,?\s+)?"
_MONTH_FIRST = re.compile(
    _WEEKDAY + r"(?P<m>[^\W\d]+)\.?\s+(?P<d>\d{1,2})(?:st|nd|rd|th)?\s*,?\s+(?P<y>\d{4})"
)
_DAY_FIRST = re.compile(
    _WEEKDAY + r"(?P<d>\d{1,2})(?:st|nd|rd|th|er|º|\.)?\s+(?:de\s+|d['’])?(?P<m>[^\W\d]+)\.?"
    r"(?:\s+de)?\s*,?\s+(?P<y>\d{4})(?:\s*г\.?)?"
    r"(?:\s+(?P<h>\d{2}):(?P<min>\d{2})(?::(?P<sec>\d{2}))?\s*(?P<zone>UTC|GMT|[+-]\d{4}))?"
)
_IN_PERMALINK = re.compile(r"/(?P<y>\d{4})/(?P<m>\d{1,2})/(?P<d>\d{1,2})(?:/|$)")
_IN_FILE_NAME = re.compile(r"(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})-")

# Languages whose month names are known; the first wins where two disagree.
_MONTH_LANGUAGES = (
    "en",
    "fr",
    "de",
    "es",
    "pt",
    "it",
    "nl",
    "ru",
    "uk",
    "ar",
    "pl",
    "cs",
    "tr",
)


def parse_date(text: str) -> date | datetime | None:
    """Return the date or time that a whole text is; None if it is neither.

    Formats: _ISO 8601 (with `/`, and a space for the T), RFC 5322 dates, `Apr 10 , 2017`,
    `10 April 2017`, `2017年4月10日`, and the month names of _MONTH_LANGUAGES.
    """
    if len(text) > _MAX_LENGTH:
        return None
    text = " ".join(text.split())
    for pattern in (_ISO, _EAST_ASIAN, _MONTH_FIRST, _DAY_FIRST):
        match = pattern.fullmatch(text)
        if match:
            return _build(match)
    return None


def date_in_permalink(permalink: str) -> date | None:
    """Return the date in an address like `/2025/01/03/`."""
    match = _IN_PERMALINK.search(permalink)
    return _day(match) if match else None


def date_in_name(name: str) -> date | None:
    """Return the date at the start of a file name, as in Jekyll: `2025-01-03-title.md`."""
    match = _IN_FILE_NAME.match(name)
    return _day(match) if match else None


def _day(match: re.Match[str]) -> date | None:
    month = match["m"] if match["m"].isdigit() else _months().get(match["m"].casefold(), 0)
    if not _FIRST_YEAR <= int(match["y"]) <= _LAST_YEAR:
        return None
    try:
        return date(int(match["y"]), int(month), int(match["d"]))
    except ValueError:
        return None


def _build(match: re.Match[str]) -> date | datetime | None:
    day = _day(match)
    parts = match.groupdict()
    if day is None or parts.get("h") is None:
        return day
    try:
        return datetime(
            *(day.year, day.month, day.day),
            *(int(parts["h"]), int(parts["min"]), int(parts["sec"] or 0)),
            tzinfo=_zone(parts["zone"]),
        )
    except ValueError:
        return None


def _zone(text: str | None) -> timezone | None:
    if text is None:
        return None
    if text[0] not in "+-":
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    return timezone(timedelta(hours=hours, minutes=minutes) * (-1 if text[0] == "-" else 1))


@lru_cache(maxsize=1)
def _months() -> dict[str, int]:
    names = {"sept": 9}
    for language in _MONTH_LANGUAGES:
        months = locale_of(language).months
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in months[context][width].items():
                    names.setdefault(name.rstrip(".").casefold(), number)
    return names
