"""Read single values of front matter: from the forms that people write to typed values; take lines of authors apart.

The functions use the key only in their errors. A date without a time stays a date, a time without
an offset stays naive: the publication's time zone applies later. `10/04/2017` is refused, since it
is ambiguous. A line may name several people, each with an affiliation. What an affiliation says can look
like a name. So a comma separates people only where every part looks like a name; else what follows the first
comma is the affiliation. A text that is not understood stays whole: it is then the name as it was written.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from typing import NoReturn
from urllib.parse import urlsplit

from feeds import FeedsError
from feeds.normalisation import absolute_uri
from publisher.articles.content.text import HIDDEN
from publisher.articles.model import Byline, Picture
from publisher.errors import ArticleError
from publisher.i18n.messages import message
from publisher.ingest.parsers.front_matter import YamlValue, first_of, keyed
from publisher.languages import locale_of

# Characters. Names and their affiliations are shorter; a longer text is kept as it is.
_MAX_BYLINE_LENGTH = 1000
_LINK = re.compile(r"\[([^\[\]]{1,300})\]\([^()\s]{0,2000}\)")
# A label in bold (`**Authors:** Ada`), and what is set in bold or italics.
_LABEL = re.compile(r"(\*\*|__)[^*_]{1,60}(?:[:：]\s*\1|\1\s*[:：])\s*")
_EMPHASIS = re.compile(r"(?<!\w)(\*{1,3}|_{1,3})(?=\S)([^*_]{1,300})(?<=\S)\1(?!\w)")
_BY = re.compile(r"(?:by|par|von|por)\s+|(?:作者|文)\s*[:：/／]\s*", re.IGNORECASE)
_PARENTHESES = re.compile(r"([^()（）]+)[(（]([^()（）]+)[)）]([^()（）]*)")
# Between people without a comma: [Ada](…) (Tide Office) [Ben](…), and Ada (Tide Office) Ben (Harbour).
_NEXT_LINK = re.compile(r"(?<=[)）])\s+(?=\[)")
_NEXT_NAME = re.compile(r"(?<=[)）])\s+(?=[A-ZÀ-ÞА-Я])")
# A name that somebody has in a forum, and what stands between several.
_NICKNAME = re.compile(r"(?P<name>@?[\w.+-]*\w[\w.+-]*)(?:\s*\((?P<about>[^()]+)\))?")
_NICKNAMES = re.compile(r"\s*[,，、/]\s*(?:and\s+)?|\s+(?:and|und|et|&)\s+")
_AND = re.compile(r"\s+(?:and|und|et|&)\s+|\s*،\s*و\s*")
_ANOTHER = re.compile(r"(?:and|und|et|&|/)\s+(.+)")  # somebody else behind parentheses
# A comma or an "and" outside parentheses.
_BETWEEN = re.compile(
    r"(?:\s*[,，、،]\s*(?:and\s+)?|\s+(?:and|und|et|&)\s+)(?![^()（）]*[)）])"
)
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
# A name in Han characters, or one of another language that is written in them: 特德·卡彭特.
_HAN_NAME = re.compile(
    r"[\u3400-\u9fff]{2,4}|[\u3400-\u9fff]{1,8}(?:[·•・][\u3400-\u9fff]{1,8})+"
)
_HAN_POST = re.compile(
    r".*(?:教授|研究[员員]|院[长長]|主任|大使|[编編][辑輯]|[记記]者|[学學]者|作者|博士|[总總]裁"
    r"|大[学學]|[学學]院|研究所|[报報]|社|局|部|部[长長])"
)
# What stands behind a comma and belongs to the name before it.
_SUFFIX = re.compile(r"(?:jr|sr|ph\.?\s?d|m\.?d|esq|mba|ii|iii|iv)\.?", re.IGNORECASE)
# Words in names that begin with a small letter, and words that no name of a person has.
_PARTICLE_WORDS = "al bin da de del den der di do dos du el ibn la le ten ter van von y e"
_OTHER_WORDS = """new labs cloud software systems technologies networks freelance guest academy agency ambassador analyst association author bank board bureau center centre chair
    chairman college commission committee company contributor correspondent council department
    director editor faculty fellow foundation founder fund gmbh group head inc institut institute
    journal laboratory llc ltd magazine member minister ministry museum network news office officer
    organisation organization partner president press professor programme program project reporter
    researcher review scholar school scientist secretary society staff student team the times
    union universidad universität université university writer"""
_PARTICLES = frozenset(_PARTICLE_WORDS.split())
_NOT_NAMES = frozenset(_OTHER_WORDS.split())
_MAX_WORDS = 5  # words of a person's whole name


def split_bylines(text: str) -> tuple[Byline, ...]:
    """Return the people whom one line names, each once, with their affiliations."""
    if len(text) > _MAX_BYLINE_LENGTH:
        return (Byline(name=text),)
    line = _NEXT_LINK.sub(", ", " ".join(text.split())).replace(")(", ") (")
    line = _LINK.sub(r"\1", line)
    line = line[1:-1] if line[:1] == line[-1:] == '"' and line.count('"') == 2 else line  # noqa: PLR2004  # a pair
    line = line[label.end() :] if (label := _LABEL.match(line)) else line
    line = _EMPHASIS.sub(r"\2", line)
    line = line[found.end() :] if (found := _BY.match(line)) else line
    parts = (part.strip() for part in re.split(r"[;；؛]", line))
    people = (one for part in parts if part for one in _people(part))
    return tuple({one.name: one for one in reversed([*people])}.values())[::-1]


def _people(text: str) -> Sequence[Byline]:
    """Return the people of a text without semicolons."""
    if text.count("(") > 1:
        text = _NEXT_NAME.sub(", ", text)
    if several := _nicknames(text) or [Byline(name=name) for name in _names(text)]:
        return several
    if several := _each_with_parentheses(text):
        return several
    inside = _PARENTHESES.fullmatch(text)
    if inside:
        return _with_parentheses(*(part.strip(" ,，") for part in inside.groups()))
    first, *rest = _comma_parts(text)
    affiliation = ", ".join(rest) if not _HAN.search(first) else "，".join(rest)
    if rest and (" " in first or _HAN_NAME.fullmatch(first)):
        names = _names(first) or [first]
        return [Byline(name=name, affiliation=affiliation) for name in names]
    name, _space, post = text.partition(" ")
    if post and _HAN_NAME.fullmatch(name) and _HAN.search(post):
        return [Byline(name=name, affiliation=post)]
    return [Byline(name=text)]


def _nicknames(text: str) -> Sequence[Byline]:
    """Return the people of a list of nicknames, of which at least one begins with a small letter."""
    parts = (one.strip() for one in _NICKNAMES.split(text))
    found = [_NICKNAME.fullmatch(one) for one in parts if one.strip(".…")]
    people = [Byline(name=one["name"], affiliation=one["about"]) for one in found if one]
    is_list = len(people) == len(found) > 1 and any(one.name[0].islower() for one in people)
    words = {one.name.casefold() for one in people}
    is_other = words & _NOT_NAMES or any(_SUFFIX.fullmatch(one) for one in words)
    return people if is_list and not is_other else []


def _each_with_parentheses(text: str) -> Sequence[Byline]:
    """Return people of whom at least two have an affiliation in parentheses; else nobody."""
    parts = _BETWEEN.split(text)
    found = [_PARENTHESES.fullmatch(part) for part in parts]
    names = [one[1].strip() if one else part for one, part in zip(found, parts, strict=True)]
    is_list = sum(one is not None for one in found) > 1 and all(map(_is_short_name, names))
    if not is_list or any(one and one[3].strip() for one in found):
        return []
    pairs = zip(names, found, strict=True)
    return [Byline(name=name, affiliation=one and one[2].strip()) for name, one in pairs]


def _with_parentheses(name: str, inside: str, behind: str) -> Sequence[Byline]:
    """Return a person with an affiliation in parentheses, or with the name in another script there.

    What stands behind them belongs to the affiliation, unless it names somebody else.
    """
    if another := _ANOTHER.fullmatch(behind):
        return [*_with_parentheses(name, inside, ""), *_people(another[1])]
    is_other_script = bool(_HAN.search(name)) != bool(_HAN.search(inside))
    if is_other_script:
        return [Byline(name=f"{name} ({inside})", affiliation=behind or None)]
    is_word = _NICKNAME.fullmatch(inside) and inside[0].islower() and not behind
    if is_word and " " in name and inside not in _NOT_NAMES:
        return [Byline(name=f"{name} ({inside})")]
    affiliation = f"{inside}, {behind}" if behind else inside
    return [Byline(name=one, affiliation=affiliation) for one in _names(name) or [name]]


def _names(text: str) -> list[str]:
    """Return the names in a text that has two or more of them and nothing else; else nothing."""
    with_and = len(_AND.split(text)) > 1 and "&" not in text
    parts = [part for piece in _AND.split(text) for part in _comma_parts(piece)]
    if len(parts) == 1 and _HAN.search(text):
        parts = text.split()
    parts = [one for part in parts for one in part.split("、")]
    is_name = _is_short_name if with_and else _is_name
    return parts if len(parts) > 1 and all(map(is_name, parts)) else []


def _comma_parts(text: str) -> list[str]:
    parts: list[str] = []
    for part in filter(None, (one.strip() for one in re.split("[,，،]", text))):
        if parts and _SUFFIX.fullmatch(part):
            parts[-1] += f", {part}"
        else:
            parts.append(part)
    return parts or [text]


def _is_name(text: str) -> bool:
    """Return whether a text looks like the whole name of a person: two to four capitalised words."""
    if _HAN.search(text):
        return bool(_HAN_NAME.fullmatch(text)) and not _HAN_POST.fullmatch(text)
    words = text.partition(",")[0].split()
    if not 1 < len(words) <= _MAX_WORDS or words[0].casefold() in _PARTICLES:
        return False
    own = [word for word in words if word not in _PARTICLES]
    is_plain = all(word.strip(".").casefold() not in _NOT_NAMES for word in own)
    return is_plain and all(map(_is_capitalised, own))


def _is_short_name(text: str) -> bool:
    """Return whether a text beside an "and" looks like a name: a first name is enough there."""
    is_first_name = text.isalpha() and _is_capitalised(text) and not text.isupper()
    return _is_name(text) or (is_first_name and text.casefold() not in _NOT_NAMES)


def _is_capitalised(word: str) -> bool:
    """Return whether a word begins with a capital, or with a letter of a script without them."""
    return not word[0].islower() and (word[0].isalpha() or word[0] in "‘’'“\"")


# Within these years no conversion to another time zone leaves the calendar.
_FIRST_YEAR, _LAST_YEAR = 1000, 9000
_MAX_LENGTH = 80  # Characters. Pages are searched line by line, and long lines are no dates.

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
_MONTH_LANGUAGES = "en fr de es pt it nl ru uk ar pl cs tr".split()  # noqa: SIM905


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


# White space that becomes one space; other spaces, such as no-break ones, stay.
_WHITE_SPACE = re.compile("[ \t\n\r\f\v\u0085\u2028\u2029]+")
_MAX_QUOTE = 60  # characters of a wrong value that an error shows
TRUE_WORDS = frozenset({"true", "yes", "on", "1"})
FALSE_WORDS = frozenset({"false", "no", "off", "0"})


def reject(key: str, value: YamlValue, problem: str, remedy: str) -> NoReturn:
    """Raise an ArticleError with the key, the wrong value, and a right one."""
    shown: str = message("nothing")
    if isinstance(value, str):
        text = repr(value)
        shown = text if len(text) <= _MAX_QUOTE else f"{text[:_MAX_QUOTE]}..."
    elif isinstance(value, list | dict):
        shown = message("a list") if isinstance(value, list) else message("a mapping")
    parts = {"key": key, "shown": shown, "problem": problem, "remedy": remedy}
    raise ArticleError.saying(
        "%(key)s: %(shown)s is not %(problem)s; write %(remedy)s", **parts
    )


def read_line(key: str, value: YamlValue) -> str:
    """Return one line of text; an empty one for None."""
    if value is None:
        return ""
    if not isinstance(value, str):
        reject(key, value, message("a text"), message("one line"))
    return _WHITE_SPACE.sub(" ", HIDDEN.sub("", value).strip())


def read_flag(key: str, value: YamlValue) -> bool:
    word = read_line(key, value).lower()
    if word not in TRUE_WORDS | FALSE_WORDS:
        reject(key, value, message("a yes or no"), message("true or false"))
    return word in TRUE_WORDS


def read_date(key: str, value: YamlValue) -> date | datetime | None:
    text = " ".join(read_line(key, value).split())
    found = parse_date(text)
    if text and found is None:
        reject(key, value, message("a date"), message("2026-01-09 or 2026-01-09 08:00"))
    return found


def read_list(key: str, value: YamlValue) -> tuple[str, ...]:
    """Return the items of a list, or of a text with commas, without duplicates."""
    if isinstance(value, list):
        return unique_texts(read_line(key, item) for item in value)
    if isinstance(value, dict):
        reject(key, value, message("a list"), "[one, two]")
    return unique_texts(re.split("[,，、]", read_line(key, value)))


def unique_texts(items: Iterable[str]) -> tuple[str, ...]:
    """Return the items stripped, without empty and repeated ones, in order."""
    return tuple(dict.fromkeys(item.strip() for item in items if item.strip()))


def read_languages(key: str, value: YamlValue) -> tuple[str, ...]:
    """Return language tags from a list, a text, or a mapping from tag to address."""
    if isinstance(value, dict):
        return unique_texts(str(tag) for tag in value)
    if isinstance(value, str):
        return unique_texts(re.split(r"[\s,，、]+", value))
    return read_list(key, value)


def read_url(key: str, value: YamlValue) -> str | None:
    """Return an absolute http or https URL."""
    text = read_line(key, value)
    if not text:
        return None
    try:
        parts = urlsplit(text)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname)
        good = good and not re.search(r"\s", text) and bool(absolute_uri(text))
    except (ValueError, FeedsError):
        good = False
    if not good:
        remedy = message("one like https://example.org/article")
        reject(key, value, message("an absolute address"), remedy)
    return text


_PICTURE_KEYS = ("src", "url", "teaser", "image", "path", "file", "overlay_image", "og_image")


def read_picture(key: str, value: YamlValue) -> Picture | None:
    """Return a picture from an address, or a mapping as themes write it; of a list, the first counts."""
    if isinstance(value, list):
        value = value[0]
    if not isinstance(value, dict):
        src = _source(key, value)
        return Picture(src=src) if src else None
    parts = keyed(value)
    src = _source(f"{key}.src", first_of(parts, _PICTURE_KEYS))
    if not src:
        reject(key, value, message("a picture"), message("its address as src"))
    return Picture(
        src=src,
        alt=read_line(f"{key}.alt", parts.get("alt")),
        width=_pixels(f"{key}.width", parts.get("width")),
        height=_pixels(f"{key}.height", parts.get("height")),
        caption=read_line(f"{key}.caption", parts.get("caption")),
        credit=read_line(f"{key}.credit", parts.get("credit")),
    )


def _source(key: str, value: YamlValue) -> str:
    """Return a path, or an address with a valid host."""
    src = read_line(key, value)
    if not src.lower().startswith(("http://", "https://")):
        return src
    try:
        absolute_uri(src)
    except FeedsError:
        remedy = message("a path or one like https://example.org/a.jpg")
        reject(key, value, message("a picture's address"), remedy)
    return src


def _pixels(key: str, value: YamlValue) -> int | None:
    text = read_line(key, value)
    if not text:
        return None
    if not re.fullmatch("[0-9]{1,5}", text) or int(text) == 0:
        reject(key, value, message("a size in pixels"), message("a whole number like 640"))
    return int(text)


# Where front matter and lists of authors say who somebody is; the first with a value counts.
AFFILIATION_KEYS = ("affiliation", "organization", "organisation", "company", "title", "role")


def read_bylines(key: str, value: YamlValue) -> tuple[Byline, ...]:
    """Return authors from a line of names, a mapping with `name` and `affiliation`, or a list of those."""
    items = value if isinstance(value, list) else [value]
    return tuple(byline for item in items for byline in _bylines(key, item))


def _bylines(key: str, value: YamlValue) -> tuple[Byline, ...]:
    if not isinstance(value, dict):
        return split_bylines(read_line(key, value))
    parts = keyed(value)
    name = read_line(f"{key}.name", parts.get("name"))
    if not name:
        reject(key, value, message("an author"), message("a name, or name: and affiliation:"))
    about = next((one for one in AFFILIATION_KEYS if parts.get(one)), "affiliation")
    affiliation = read_line(f"{key}.{about}", parts.get(about))
    return (Byline(name=name, affiliation=affiliation or None),)


def with_affiliations(
    authors: tuple[Byline, ...], key: str, value: YamlValue
) -> tuple[Byline, ...]:
    """Return authors with affiliations of a field of their own: one for all, or one for each."""
    if isinstance(value, list):
        each = [read_line(key, item) for item in value]
    else:
        each = [read_line(key, value)] * max(1, len(authors))
    if len(each) != len(authors):
        count = message(
            "%(each)s for %(authors)s authors", each=len(each), authors=len(authors)
        )
        raise ArticleError.saying(
            "%(key)s: %(count)s; write one for all, or one for each", key=key, count=count
        )
    return tuple(
        Byline(name=author.name, affiliation=author.affiliation or own or None)
        for author, own in zip(authors, each, strict=True)
    )
