"""Choose the language of a page, among those that it offers, by the script of its text.

This does not detect languages: of two with the same script, the first that is offered counts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from publisher.languages import script

# By ISO 15924 code. Only shares count, so rare letters may be missing.
_LETTERS = {
    "Latn": "A-Za-zÀ-ɏḀ-ỿ",
    "Cyrl": "Ѐ-ԯ",
    "Grek": "Ͱ-Ͽἀ-῿",
    "Arab": "؀-ۿݐ-ݿﭐ-﷿ﹰ-ﻼ",
    "Hebr": "֐-׿",
    "Deva": "ऀ-ॿ",
    "Beng": "ঀ-৿",
    "Thai": "฀-๿",
    "Kana": "ぁ-ゖァ-ヺ",
    "Kore": "가-힣",
    "Hani": "㐀-鿿豈-﫿\U00020000-\U0003ffff",
}
_CLASSES = {code: re.compile(f"[{letters}]") for code, letters in _LETTERS.items()}
# Japanese text is about half kana; Chinese text with a Japanese name has a few.
_KANA_SHARE = 0.1
# A word takes about six Latin letters, but two Han or Hangul characters.
_WEIGHTS = {"Hani": 3, "Kana": 3, "Kore": 3}
# Characters that are enough to decide.
_SAMPLE = 20_000


def language_by_script(text: str, offered: Sequence[str]) -> tuple[str | None, tuple[str, ...]]:
    """Return the first offered language that has the text's script (or None), and all offered ones.

    A bare `zh` among them gets the page's script if that is Chinese, else zh-Hans.
    """
    own_script = dominant_script(text[:_SAMPLE])
    chinese = "zh-Hant" if own_script == "Hant" else "zh-Hans"
    tags = tuple(dict.fromkeys(chinese if tag == "zh" else tag for tag in offered))
    fitting = (tag for tag in tags if script(tag) == own_script)
    undecided = (
        tag for tag in tags if own_script == "Hani" and script(tag) in {"Hans", "Hant"}
    )
    return next(fitting, next(undecided, None)), tags


def dominant_script(text: str) -> str:
    """Return the ISO 15924 code of the text's main script; Hani if Hans and Hant are as likely."""
    counts = Counter({code: len(found.findall(text)) for code, found in _CLASSES.items()})
    han = counts["Hani"] + counts["Kana"]
    if han and counts["Kana"] >= _KANA_SHARE * han:
        counts["Jpan"] = han * _WEIGHTS["Hani"]
    for code, weight in _WEIGHTS.items():
        counts[code] *= weight
    code, count = counts.most_common(1)[0]
    if code in {"Jpan", "Hani", "Kana"} and counts["Jpan"]:
        return "Jpan"
    if not count:
        return "Zyyy"
    return chinese_script(text) if code == "Hani" else code


def chinese_script(text: str) -> str:
    """Return Hans or Hant by the characters that only one conversion changes; Hani if equal."""
    from publisher.languages.conversion import convert_text

    counts = Counter(_CLASSES["Hani"].findall(text))
    alone = "\n".join(counts)  # one a line, so that phrases are not converted

    def changed(source: str, target: str) -> set[str]:
        converted = convert_text(alone, source, target).split("\n")
        return {one for one, other in zip(counts, converted, strict=True) if one != other}

    simplified = changed("zh-Hans", "zh-Hant")
    traditional = changed("zh-Hant", "zh-Hans")
    hans = sum(counts[c] for c in simplified - traditional)
    hant = sum(counts[c] for c in traditional - simplified)
    if hans == hant:
        return "Hani"
    return "Hans" if hans > hant else "Hant"
