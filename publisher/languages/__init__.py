"""Languages: tags, matching, direction, names, dates, scripts, conversion of Chinese.

All packages use canonical BCP 47 tags (`en`, `zh-Hans`, `pt-BR`), as returned by `normalise`.
"""

from publisher.languages.locales import (
    autonym,
    direction,
    format_date,
    in_quotes,
    language_called,
    list_names,
    locale_of,
)
from publisher.languages.tags import known_tag, match, normalise, script, sources_of

__all__ = ["autonym", "direction", "format_date", "in_quotes", "known_tag", "language_called"]
__all__ += ["list_names", "locale_of", "match", "normalise", "script", "sources_of"]
