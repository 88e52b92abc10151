"""Whether a text is in the language that it is labelled with: by its letters, then by CLD3. The only importer of CLD3.

The label counts unless the text certainly contradicts it: code, quotations, addresses and passages with a language
of their own say nothing, and a few letters prove nothing. The same text always has the same answer.
"""

from collections import Counter
from functools import lru_cache
from typing import Any
from unicodedata import name

from lxml import html

from publisher.languages.conversion import convert_text
from publisher.languages.locales import locale_of
from publisher.languages.tags import script

_ASIDE = ".//*[@lang or contains(' script style code pre kbd samp var blockquote q cite ', concat(' ', name(), ' '))]"
# Characters of the first and of the last half of a text that are looked at. More change nothing.
_SAMPLE = 500
# A headline or a list of names has fewer letters. Languages of one script need more to be told apart.
_FEWEST_LETTERS, _FEWEST_TO_DETECT = 60, 200
# Chinese about software has up to 60 % Latin letters. A Chinese character says as much as three letters.
_FOREIGN_SHARE, _LETTERS_OF_HAN = 0.8, 3
# Shares of characters that only the other script of Chinese has, and only the own one: 2 % at most, and 24 % at least,
# where the label is right. Of kana: Japanese has 60 %.
_OTHER_HAN, _OWN_HAN, _KANA_SHARE = 0.1, 0.03, 0.2
# The letters of scripts (ISO 15924), by the first words of their names in Unicode. Others are never doubted.
_NAMES = "Latn=LATIN Cyrl=CYRILLIC Grek=GREEK Arab=ARABIC Hebr=HEBREW Deva=DEVANAGARI Beng=BENGALI Thai=THAI Kore=HANGUL Hans=CJK Hant=CJK Jpan=CJK+KANA"
_LETTERS = {one[:4]: {*one[5:].split("+")} for one in _NAMES.split()}
_KNOWN = frozenset[str]().union(*_LETTERS.values())
_ALONE = {"CJK": "zh", "KANA": "ja", "HANGUL": "ko"}
# The languages that CLD3 tells from others of their script.
_DETECTED = frozenset(
    "af ca cs cy da de en eo es et eu fi fr ga gl hr hu id is it lt lv ms mt nl no pl pt ro sk sl sq sv sw tr vi "  # noqa: SIM905
    "be bg kk mk ru sr uk ar fa ur ps".split()
)
# What tags are in its results: it has one Norwegian, and calls most Croatian Bosnian.
_RESULTS = {"nb": "no", "nn": "no", "bs": "hr"}
# It may take one of two for the other in short texts.
_RELATED = "cs-sk no-da pt-gl es-gl es-ca nl-af id-ms hr-sr hr-sl ru-be ru-uk uk-be bg-mk bg-ru mk-sr fa-ur fa-ps ur-ps"
# Probabilities: no text of the corpora has a wrong one with the first; it is divided between languages that CLD3 hardly
# tells apart; the last is asked for to doubt a related one.
_SURE, _SURE_IF_DIVIDED, _CERTAIN = 0.9, 0.5, 0.99
_DIVIDED = frozenset({"id", "ms", "hr"})


def other_language(fragment: str, label: str) -> str:
    """Return what the text of an HTML fragment is (`looks like German (de)`), if that is not its label; else nothing.

    `label` is a canonical tag. Nothing if the text is short, or may be in that language.
    """
    own = _LETTERS.get(script(label))
    if own is None or not fragment:
        return ""
    start, end = _samples(fragment)
    letters = Counter(filter(_KNOWN.__contains__, map(_kind, filter(str.isalpha, start + end))))
    kana_share = letters["KANA"] / (letters["KANA"] + letters["CJK"] or 1)
    letters["CJK"] *= _LETTERS_OF_HAN
    if letters.total() < _FEWEST_LETTERS:
        return ""
    found = _detect(start, end) if letters.total() >= _FEWEST_TO_DETECT else None
    if sum(letters[one] for one in own) <= (1 - _FOREIGN_SHARE) * letters.total():
        most = max(sorted(letters), key=letters.__getitem__)
        most = "KANA" if most == "CJK" and kana_share >= _KANA_SHARE else most
        if found and most in _LETTERS[script(found[0])]:
            return _called(found[0])
        return _called(_ALONE[most]) if most in _ALONE else f"is in {most.capitalize()} letters"
    return _other_han(start + end, kana_share, label) if "CJK" in own else _other(found, label)


def main_script(text: str) -> str:
    """Return the ISO 15924 code of the script of most letters; Hani if Hans and Hant are as likely, Zyyy for none."""
    letters = Counter(map(_kind, filter(str.isalpha, text)))
    kana, han = letters.pop("KANA", 0), "".join(one for one in text if _kind(one) == "CJK")
    # A word takes about six Latin letters, but two of these.
    letters["CJK"] = _LETTERS_OF_HAN * (len(han) + kana)
    letters["HANGUL"] *= _LETTERS_OF_HAN
    most, count = letters.most_common(1)[0]
    if not count or most != "CJK":
        return next(
            (code for code, names in _LETTERS.items() if most in names and count), "Zyyy"
        )
    if kana > _KANA_SHARE * (kana + len(han)):
        return "Jpan"
    pairs = (("zh-Hans", "zh-Hant"), ("zh-Hant", "zh-Hans"))
    hans, hant = (sum(map(str.__ne__, han, convert_text(han, *pair))) for pair in pairs)
    return "Hani" if hans == hant else "Hans" if hans > hant else "Hant"


def _samples(fragment: str) -> tuple[str, str]:
    """Return the beginning and the end of the prose."""
    root = html.fragment_fromstring(fragment, create_parent="div")
    for element in root.xpath(_ASIDE):
        element.drop_tree()
    words = " ".join(root.xpath(".//text()")).split()
    text = " ".join(one for one in words if "//" not in one and "@" not in one)
    middle = len(text) // 2
    return text[:middle][:_SAMPLE], text[middle:][-_SAMPLE:]


@lru_cache(maxsize=4096)
def _kind(letter: str) -> str:
    first = name(letter, "").replace("-", " ").partition(" ")[0]
    return "KANA" if first in {"HIRAGANA", "KATAKANA"} else first


def _called(tag: str) -> str:
    return f"looks like {locale_of('en').languages.get(tag.replace('-', '_'), tag)} ({tag})"


def _other_han(text: str, kana_share: float, label: str) -> str:
    """Return what a text of Chinese characters, and perhaps kana, looks like, if not its label."""
    han = "".join(one for one in text if _kind(one) == "CJK")
    if script(label) == "Jpan":
        return "" if kana_share or len(han) < _FEWEST_TO_DETECT else _called("zh")
    if kana_share >= _KANA_SHARE or len(han) < _FEWEST_LETTERS:
        return _called("ja") if kana_share >= _KANA_SHARE else ""
    own, other = ("zh-Hans", "zh-Hant") if script(label) == "Hans" else ("zh-Hant", "zh-Hans")
    only_own = sum(map(str.__ne__, han, convert_text(han, own, other)))
    only_other = sum(map(str.__ne__, han, convert_text(han, other, own)))
    is_other = only_other > _OTHER_HAN * len(han) and only_own < _OWN_HAN * len(han)
    return _called(other) if is_other else ""


def _other(found: tuple[str, bool] | None, label: str) -> str:
    primary = label.partition("-")[0]
    known = _RESULTS.get(primary, primary)
    if found is None or known not in _DETECTED or found[0] == known:
        return ""
    other, is_certain = found
    is_wrong = is_certain or not _related(other, known)
    return _called(other) if is_wrong and script(other) == script(label) else ""


def _related(one: str, other: str) -> bool:
    return one == other or f"{one}-{other}" in _RELATED or f"{other}-{one}" in _RELATED


def _detect(start: str, end: str) -> tuple[str, bool] | None:
    """Return the language of a text of which both halves say the same, and whether that is certain."""
    found = [_detector().FindLanguage(one) for one in (f"{start} {end}", start, end)]
    languages = [_RESULTS.get(one.language, one.language) for one in found]
    whole, least = languages[0], _SURE_IF_DIVIDED if languages[0] in _DIVIDED else _SURE
    agrees = all(_related(whole, one) for one in languages)
    if whole not in _DETECTED or found[0].probability < least or not agrees:
        return None
    return whole, {*languages} == {whole} and min(o.probability for o in found) >= _CERTAIN


@lru_cache(maxsize=1)
def _detector() -> Any:
    # Imported late: only new and changed articles need it.
    from gcld3 import NNetLanguageIdentifier

    return NNetLanguageIdentifier(min_num_bytes=0, max_num_bytes=10_000)
