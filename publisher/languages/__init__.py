"""Languages: tags, matching, direction, names, dates, scripts, conversion of Chinese.

All packages use canonical BCP 47 tags (`en`, `zh-Hans`, `pt-BR`), as returned by `normalise`.
"""

from publisher.languages.locales import (
    autonym,
    direction,
    format_date,
    format_month,
    in_quotes,
    language_called,
    list_names,
    locale_of,
    own_digits,
    plural_samples,
    reading_time,
    territory_locale,
)
from publisher.languages.tags import known_tag, match, normalise, script, sources_of

__all__ = [
    "autonym",
    "direction",
    "format_date",
    "format_month",
    "in_quotes",
    "known_tag",
    "language_called",
    "list_names",
    "locale_of",
    "match",
    "normalise",
    "own_digits",
    "plural_samples",
    "reading_time",
    "script",
    "sources_of",
    "territory_locale",
]
