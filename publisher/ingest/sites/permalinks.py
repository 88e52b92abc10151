"""Addresses as generators make them, and patterns of paths. Pure.

A permalink is a pattern such as `/:year/:month/:slug/`. Some pages have no file of their own: feeds, lists by
tag. In patterns of paths, as in the settings `include` and `exclude`, `*` and `?` stand for characters of one
name, `{md,mdx}` for one of several texts, `**` for any number of folders. A pattern without a slash, or one that
names a folder, also means everything below what it names.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from babel.dates import get_day_names, get_month_names

# Names of patterns of Jekyll.
JEKYLL_STYLES = {
    "date": "/:categories/:year/:month/:day/:title:output_ext",
    "pretty": "/:categories/:year/:month/:day/:title/",
    "ordinal": "/:categories/:year/:y_day/:title:output_ext",
    "weekdate": "/:categories/:year/W:week/:short_day/:title:output_ext",
    "none": "/:categories/:title:output_ext",
}
_TOKEN = re.compile(r":([a-z_]+)", re.IGNORECASE)
_REPEATED_SLASHES = re.compile("/{2,}")


def fill_pattern(pattern: str, values: Mapping[str, Callable[[], str]]) -> str | None:
    """Return a path from a pattern and the values of its tokens; None for an unknown token."""
    unknown = False

    def value(token: re.Match[str]) -> str:
        nonlocal unknown
        name = token[1].lower()
        # `:title:output_ext` and `:title_x` both occur: the longest known name counts.
        known = max((one for one in values if name.startswith(one)), key=len, default=None)
        if known is None:
            unknown = True
            return ""
        return values[known]() + token[1][len(known) :]

    filled = _TOKEN.sub(value, pattern)
    return None if unknown else clean_path(filled)


def clean_path(path: str) -> str:
    """Return a path with one slash at its start, and single ones inside."""
    return _REPEATED_SLASHES.sub("/", f"/{path}")


_DATES = "year=%Y month=%m day=%d short_year=%y y_day=%j week=%V hour=%H minute=%M second=%S"
_DATE_FORMATS = dict(re.findall(r"(\S+)=(\S+)", _DATES))


def date_tokens(day: date | None) -> dict[str, Callable[[], str]]:
    """Return the tokens of a date that Jekyll and Hugo share; none without a date."""
    if day is None:
        return {}

    def name(names: Mapping[int, Any], number: int) -> Callable[[], str]:
        return lambda: str(names[number])

    months, days = get_month_names(locale="en"), get_day_names(locale="en")
    return {name: partial(day.strftime, form) for name, form in _DATE_FORMATS.items()} | {
        "i_month": lambda: str(day.month),
        "i_day": lambda: str(day.day),
        "yearday": lambda: str(day.timetuple().tm_yday),
        "weekday": lambda: str(day.isoweekday() % 7),
        **dict.fromkeys(("weekdayname", "long_day"), name(days, day.weekday())),
        **dict.fromkeys(("monthname", "long_month"), name(months, day.month)),
        "short_month": name(get_month_names("abbreviated", locale="en"), day.month),
        "short_day": name(get_day_names("abbreviated", locale="en"), day.weekday()),
    }


def path_word(text: str) -> str:
    """Return a title as one word of a path, as Hugo does: hyphens for spaces, no punctuation."""
    signs = unicodedata.normalize("NFC", text.strip())
    kept = (s for s in signs if s.isalnum() or s in " -_.+~/" or unicodedata.combining(s))
    return re.sub(r"[\s-]+", "-", "".join(kept)).strip("-").lower()


def title_of_name(name: str) -> str:
    """Return the title that a file's name stands for: `spring-tides` is `Spring Tides`."""
    words = name.replace("_", "-").split("-")
    return " ".join(one[:1].upper() + one[1:] for one in words if one)


class PathPatterns:
    """Several patterns of paths that are relative to one folder."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._pattern = re.compile("|".join(map(_regex, patterns))) if patterns else None

    def __bool__(self) -> bool:
        return self._pattern is not None

    def match(self, path: PurePosixPath) -> bool:
        return self._pattern is not None and bool(self._pattern.fullmatch(str(path)))


def _regex(pattern: str) -> str:
    parts = pattern.strip("/").split("/")
    # A name alone is looked for in every folder, as in .gitignore.
    anchored = "" if len(parts) > 1 or pattern.startswith("/") else "(?:.*/)?"
    names = "".join("(?:.*/)?" if part == "**" else f"{_name_regex(part)}/" for part in parts)
    whole = names.removesuffix("/") if parts[-1] != "**" else f"{names}[^/]+"
    return f"{anchored}{whole}(?:/.*)?"


def _name_regex(name: str) -> str:
    before, opened, rest = name.partition("{")
    inside, closed, behind = rest.partition("}")
    if opened and closed:
        choices = "|".join(map(_name_regex, inside.split(",")))
        return f"{_name_regex(before)}(?:{choices}){_name_regex(behind)}"
    return "".join({"*": "[^/]*", "?": "[^/]"}.get(one) or re.escape(one) for one in name)


# What every generator makes, or its usual plugins do.
COMMON_PAGES = tuple(
    "sitemap.xml sitemap_index.xml robots.txt 404.html feed.xml feed index.xml rss.xml atom.xml "  # noqa: SIM905  # one a line would fill the page
    "feed.json index.json search page".split()
)
# Lists of pages by what they have in common.
LISTS = ("tag", "tags", "category", "categories", "author", "authors", "archive", "archives")
# Plugins of Jekyll that make lists.
_LIST_PLUGINS = re.compile("archive|paginate|tag|categor")


def jekyll_pages(config: Mapping[str, Any], *, has_own_plugins: bool) -> Iterator[str]:
    """Yield the patterns of Jekyll; `**` without a configuration: a folder of posts alone."""
    yield from COMMON_PAGES if config else ("**",)
    yield str(config.get("paginate_path") or "/page:num").replace(":num", "*")
    plugins = config.get("plugins") or config.get("gems") or ""
    if has_own_plugins or _LIST_PLUGINS.search(str(plugins)):
        yield from LISTS
