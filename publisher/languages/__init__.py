"""Everything that depends on a language: tags, matching, direction, names, dates, scripts.

Knows nothing of articles, mails or feeds. A language is always a canonical BCP 47 tag
(`en`, `zh-Hans`, `pt-BR`) by the time it travels through the program.
"""

from publisher.languages.locales import (
    autonym,
    direction,
    format_date,
    list_names,
    locale_of,
    reading_minutes,
)
from publisher.languages.tags import match, normalise, script

__all__ = [
    "autonym",
    "direction",
    "format_date",
    "list_names",
    "locale_of",
    "match",
    "normalise",
    "reading_minutes",
    "script",
]
