"""Take a line of authors apart: several people in one text, each with an affiliation.

What an affiliation says can look like a name. So a comma separates people only where every part looks
like a name; else what follows the first comma is the affiliation. A text that is not understood stays
whole: it is then the name as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from publisher.articles.model import Byline

# Characters. Names and their affiliations are shorter; a longer text is kept as it is.
_MAX_LENGTH = 1000
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
# Words of a person's whole name.
_MAX_WORDS = 5


def split_bylines(text: str) -> tuple[Byline, ...]:
    """Return the people whom one line names, each once, with their affiliations."""
    if len(text) > _MAX_LENGTH:
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
    """Return a person with an affiliation in parentheses, or with the name in another script there."""
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
    return all(
        _is_capitalised(word) and word.strip(".").casefold() not in _NOT_NAMES for word in own
    )


def _is_short_name(text: str) -> bool:
    """Return whether a text beside an "and" looks like a name: a first name is enough there."""
    is_first_name = text.isalpha() and _is_capitalised(text) and not text.isupper()
    return _is_name(text) or (is_first_name and text.casefold() not in _NOT_NAMES)


def _is_capitalised(word: str) -> bool:
    """Return whether a word begins with a capital, or with a letter of a script without them."""
    return not word[0].islower() and (word[0].isalpha() or word[0] in "‘’'“\"")
