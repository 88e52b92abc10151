"""Conventions of a language: direction, its own name, dates, hours, lists, reading speed.

Every function takes the language; there is no current locale. Dates are Babel's `long` and `full`
ones, which have no hidden direction marks. Hours, weekdays and time zones are given in words, for
people to choose from. Direction controls in plain text are those of Unicode Standard Annex 9. Babel's dates
are imported where they are written: they read the zone of the machine, which takes as long as all the rest.
"""

import math
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, time
from functools import lru_cache
from typing import Literal
from zoneinfo import available_timezones

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.lists import format_list
from babel.units import format_unit

from publisher.i18n.messages import message
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

# Languages that are found by their own names.
_OFTEN_NAMED = (
    "ar bg bn cs da de el en es fa fi fr he hi hr hu it ja kk ko mn ms nl no pl pt pt-BR ro ru sk sr sv sw "  # noqa: SIM905  # one a line would fill the page
    "th tr uk ur vi".split()
)
# What some are called beside their own names and the English ones. 中文 alone may be either script.
_CALLED = {
    "en": "eng,英文,英语,英語",
    "zh-Hans": "简体,中文简体,中文(简体),中文（简体）,简体版,简,簡體,簡體中文,简中,simplified chinese",
    "zh-Hant": "繁體,繁体,繁体中文,中文繁體,中文(繁體),中文（繁體）,正體,正體中文,繁體版,繁,繁中,traditional chinese",
    "zh": "中文,chinese",
    "ar": "عربي",
    "ja": "日本语",
    "ko": "조선말",
    "cs": "česky",
}

# The digits of 0 in numbering systems of CLDR. Babel writes all dates with Latin digits.
_ZEROS = {"arab": "٠", "arabext": "۰", "beng": "০", "deva": "०", "mymr": "၀"}

_BUDDHIST_ERA = 543  # Thai dates count years of the Buddhist era, which began 543 years earlier
_THAI_YEAR = re.compile(r"(?:ค\.ศ\. )?(\d{4})$")  # era and year of a Thai date

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


def territory_locale(tag: str) -> str:
    """Return language and territory, where unknown the likeliest (CLDR): `en_US`, `zh_CN` for zh-Hans."""
    locale = locale_of(tag)
    territory = locale.territory
    if not territory:
        known = get_global("likely_subtags")
        likely = known.get(str(locale)) or known.get(locale.language) or ""
        territory = str(likely).rpartition("_")[2]
    return f"{locale.language}_{territory}" if territory else locale.language


def direction(tag: str) -> str:
    return "rtl" if script(tag) in _RTL_SCRIPTS else "ltr"


@lru_cache(maxsize=256)
def autonym(tag: str) -> str:
    """Return the language's own name, for language switches: `简体中文`, `Français`."""
    if tag in _AUTONYMS:
        return _AUTONYMS[tag]
    name = locale_of(tag).get_display_name(locale_of(tag)) or tag
    return name[0].upper() + name[1:]


def language_called(name: str) -> str | None:
    """Return the tag of a language by what people call it: `Deutsch`, `espanol`, `繁體`; `zh` for `中文`."""
    return _languages_by_name().get(_plain(name))


@lru_cache(maxsize=1)
def _languages_by_name() -> dict[str, str]:
    english: Mapping[str, str] = dict(locale_of("en").languages)
    usual = sorted((code for code in english if len(code) == 2), reverse=True)  # noqa: PLR2004  # ISO 639-1
    named = {_plain(english[code]): code for code in usual}
    named |= {_plain(autonym(tag)): tag for tag in (*_OFTEN_NAMED, *_AUTONYMS)}
    called = {_plain(one): tag for tag, names in _CALLED.items() for one in names.split(",")}
    return named | called


def _plain(name: str) -> str:
    """Return a name in small letters without accents."""
    signs = unicodedata.normalize("NFKD", name)
    return "".join(one for one in signs if not unicodedata.combining(one)).casefold()


def format_date(day: date, tag: str, width: Literal["long", "full"] = "long") -> str:
    """Return a date in words, `full` with its weekday: `April 10, 2017`, `2017年4月10日星期一`.

    Thai years are Buddhist. Digits are the locale's own (CLDR: defaultNumberingSystem): `۴ دسامبر ۲۰۲۶`.
    """
    from babel.dates import format_date as babel_date

    return _as_read(babel_date(day, format=width, locale=locale_of(tag)), tag)


def format_month(day: date, tag: str) -> str:
    """Return the month of a date, with its year: `April 2017`, `2017年4月`."""
    from babel.dates import format_skeleton

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


def plural_samples(tag: str) -> list[tuple[str, int]]:
    """Return the plural categories of whole numbers from 0 on (CLDR), such as `one` and `other`, each with its first number."""
    found = dict[str, int]()
    for number in range(200):
        found.setdefault(locale_of(tag).plural_form(number), number)
    return [*found.items()]


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


# Mail, text part and page of an issue say it of the same texts.
@lru_cache(maxsize=256)
def reading_time(text: str, tag: str) -> str:
    """Return the time that a text takes to read, at least a minute: `4 min`, `4 分鐘` (CLDR: units, short)."""
    speed = _CHARACTERS_A_MINUTE.get(script(tag))
    words = text.split()
    amount = sum(map(len, words)) if speed else len(words)
    minutes = max(1, math.ceil(amount / (speed or _WORDS_A_MINUTE)))
    written = format_unit(minutes, "duration-minute", length="short", locale=locale_of(tag))
    return own_digits(written.replace(_NARROW_SPACE, _NO_BREAK_SPACE), tag)


_NO_PLACE = re.compile(r"(Etc|SystemV)/|[A-Z0-9]+$")  # zones of the CLDR that are no places


@lru_cache(maxsize=1024)
def format_hour(hour: int, tag: str) -> str:
    """Return a full hour: `8:00 AM`, `08:00`."""
    from babel.dates import format_time

    return format_time(time(hour), "short", locale=locale_of(tag)).replace("\u202f", "\u00a0")


def weekday_names(weekdays: Collection[int], tag: str) -> str:
    """Return weekdays (Monday is 0) as a list: `Monday and Thursday`, `周一和周四`."""
    from babel.dates import get_day_names

    names = get_day_names("wide", "format", locale_of(tag))
    return list_names([names[day] for day in sorted(weekdays)], tag)


@lru_cache(maxsize=16)
def time_zone_names(tag: str) -> tuple[tuple[str, str], ...]:
    """Return the IANA keys of all places with the language's words for them, sorted by these."""
    from babel.dates import get_timezone_location

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


Direction = Literal["ltr", "rtl"]

RIGHT_TO_LEFT_ISOLATE = "\u2067"
FIRST_STRONG_ISOLATE = "\u2068"
POP_ISOLATE = "\u2069"
RIGHT_TO_LEFT_MARK = "\u200f"
_POP_EMBEDDING = "\u202c"
_ISOLATES = frozenset("\u2066\u2067\u2068")
_EMBEDDINGS = frozenset("\u202a\u202b\u202d\u202e")
# They reverse letters that have a direction of their own. Only a forgery needs them in a mail's field.
BIDI_OVERRIDES = frozenset("\u202d\u202e")
# The controls that start an isolate, embedding or override, and the one that ends it (UAX 9, 2.1-2.5).
_CLOSED_BY = dict.fromkeys(_ISOLATES, POP_ISOLATE) | dict.fromkeys(_EMBEDDINGS, _POP_EMBEDDING)
BIDI_CONTROLS = frozenset({*_CLOSED_BY, POP_ISOLATE, _POP_EMBEDDING})
# Inside a class of a regular expression: characters that nobody sees, and that hide or turn around what stands
# beside them in a line. Joiners (Persian, languages of India) and the marks of direction are needed.
HIDDEN_CHARACTERS = "\u180e\u200b\u202a-\u202e\u2060-\u206f\ufff9-\ufffb"
# Every open control is repeated on each wrapped line; no real text has more levels than this.
_MAX_BIDI_DEPTH = 16
_ISOLATED = re.compile("[\u2066-\u2068][^\u2066-\u2069]*\u2069")
# An address at the end of a line, with the space before it.
_URL_AT_END = re.compile(r"\s*\b[a-z][a-z0-9+.-]*://\S+\s*$", re.IGNORECASE)
_STRONG: dict[str, Direction] = {"L": "ltr", "R": "rtl", "AL": "rtl"}


def bidi_control_in(text: str) -> str:
    """Return the first control of a text's direction, such as "U+202E"; empty if there is none."""
    return next((f"U+{ord(sign):04X}" for sign in text if sign in BIDI_CONTROLS), "")


def first_strong_direction(text: str) -> Direction | None:
    """Return the direction of the first letter that has one (UAX 9, P2 without isolates)."""
    return next(_directions(text), None)


def with_end_mark(text: str) -> str:
    """Return a line with a mark at its end if signs there would jump to the front where lines begin at the left."""
    ends_in_signs = text[-1:] and unicodedata.bidirectional(text[-1]) not in _STRONG
    is_marked = ends_in_signs and first_strong_direction(text) == "rtl"
    return f"{text}{RIGHT_TO_LEFT_MARK}" if is_marked else text


def letter_directions(text: str) -> set[Direction]:
    return set(_directions(text))


def _directions(text: str) -> Iterator[Direction]:
    kinds = map(unicodedata.bidirectional, text)
    return (_STRONG[kind] for kind in kinds if kind in _STRONG)


def is_isolated(line: str) -> bool:
    """Return whether a viewer whose lines begin at the left shows a line as it is meant.

    Nothing that runs from the right stands outside of isolates, but for an address at the end: a program
    that makes it a link would take a control behind it for a part of it.
    """
    rest, _address = split_address(line)
    while (around := _ISOLATED.sub("", rest)) != rest:
        rest = around
    return "rtl" not in letter_directions(rest)


def split_address(line: str) -> tuple[str, str]:
    """Divide a line into its words and the address (URL) at its end, with the space before it. Pure."""
    found = _URL_AT_END.search(line)
    end = found.start() if found else len(line)
    return line[:end], line[end:]


def is_balanced(line: str) -> bool:
    """Return whether each direction control in a line is closed in it and closes nothing else."""
    return BIDI_CONTROLS.isdisjoint(line) or next(balance_lines([line])) == line


def balance_lines(lines: Sequence[str]) -> Iterator[str]:
    """Yield lines that each close what they open; what is open is opened again on the next line.

    Controls that close nothing are left out, and those deeper than _MAX_BIDI_DEPTH.
    """
    opened: list[str] = []
    for line in lines:
        again = "".join(opened[:_MAX_BIDI_DEPTH])
        kept = "".join(_nested(line, opened)) if not BIDI_CONTROLS.isdisjoint(line) else line
        closers = "".join(_CLOSED_BY[sign] for sign in reversed(opened[:_MAX_BIDI_DEPTH]))
        yield again + kept + closers


def _nested(line: str, opened: list[str]) -> Iterator[str]:
    """Yield the characters of a line without stray controls; update the open controls."""
    for character in line:
        if character in _CLOSED_BY:
            opened.append(character)
            yield from [character] if len(opened) <= _MAX_BIDI_DEPTH else []
        elif character in BIDI_CONTROLS:
            yield from _closing(character, opened)
        else:
            yield character


def _closing(closer: str, opened: list[str]) -> Iterator[str]:
    """Close the last of its kind: an isolate with all that is open in it, else only the last."""
    if closer == POP_ISOLATE and not any(_CLOSED_BY[sign] == closer for sign in opened):
        return
    while opened and (closer == POP_ISOLATE or _CLOSED_BY[opened[-1]] == closer):
        last = _CLOSED_BY[opened.pop()]
        yield from [last] if len(opened) < _MAX_BIDI_DEPTH else []
        if last == closer:
            return


def bidi_fault(line: str) -> str | None:
    """Return what is wrong with the controls of a line, None if each is closed.

    Each line of a text and each header field is a paragraph to the bidirectional algorithm.
    A control that it leaves open changes the lines around it in some mail clients.
    """
    if BIDI_CONTROLS.isdisjoint(line):
        return None
    still_open: list[str] = []
    for sign in line:
        if sign in _ISOLATES or sign in _EMBEDDINGS:
            still_open.append(sign)
        elif sign == POP_ISOLATE:
            # The end of an isolate also closes the embeddings within it (UAX 9, X6a).
            while still_open and still_open[-1] in _EMBEDDINGS:
                still_open.pop()
            if not still_open:
                return message("%(sign)s closes nothing", sign=character_name(sign))
            still_open.pop()
        elif sign == _POP_EMBEDDING:
            if not still_open or still_open[-1] not in _EMBEDDINGS:
                return message("%(sign)s closes nothing", sign=character_name(sign))
            still_open.pop()
    if still_open:
        return message("%(sign)s is left open", sign=character_name(still_open[-1]))
    return None


def character_name(sign: str) -> str:
    """Return the code point and the name of a character: `U+2068 FIRST STRONG ISOLATE`."""
    return f"U+{ord(sign):04X} {unicodedata.name(sign, '')}".rstrip()
