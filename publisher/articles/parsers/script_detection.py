"""Which of the languages that a page offers it is written in, told by its script.

Not detection of languages: English and French look the same here, and the first that is
offered counts. Knows no page.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from publisher.languages import script

# By ISO 15924 code; one letter in each class is enough, since only the share counts.
LETTERS = {
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
CLASSES = {code: re.compile(f"[{letters}]") for code, letters in LETTERS.items()}
# Japanese prose is about half kana; Chinese that quotes a Japanese name has a few.
KANA_SHARE = 0.1
# One word of Latin needs some six letters for what one Han or Hangul syllable says in two.
WEIGHTS = {"Hani": 3, "Kana": 3, "Kore": 3}
# A page that long has shown what it is.
SAMPLE = 20_000


def language_by_script(text: str, offered: Sequence[str]) -> tuple[str | None, tuple[str, ...]]:
    """Choose the offered language that the text's script fits, None if none does.

    A bare `zh` among the offered ones is given with its script: the page's own, if it is Chinese.
    """
    own_script = dominant_script(text[:SAMPLE])
    chinese = "zh-Hant" if own_script == "Hant" else "zh-Hans"
    tags = tuple(dict.fromkeys(chinese if tag == "zh" else tag for tag in offered))
    fitting = (tag for tag in tags if script(tag) == own_script)
    undecided = (
        tag for tag in tags if own_script == "Hani" and script(tag) in {"Hans", "Hant"}
    )
    return next(fitting, next(undecided, None)), tags


def dominant_script(text: str) -> str:
    """Name the script of most of the text by its ISO 15924 code; Hani if it could be either."""
    counts = Counter({code: len(found.findall(text)) for code, found in CLASSES.items()})
    han = counts["Hani"] + counts["Kana"]
    if han and counts["Kana"] >= KANA_SHARE * han:
        counts["Jpan"] = han * WEIGHTS["Hani"]
    for code, weight in WEIGHTS.items():
        counts[code] *= weight
    code, count = counts.most_common(1)[0]
    if code in {"Jpan", "Hani", "Kana"} and counts["Jpan"]:
        return "Jpan"
    if not count:
        return "Zyyy"
    return chinese_script(text) if code == "Hani" else code


def chinese_script(text: str) -> str:
    """Tell Hans from Hant: count the characters that only one of the two conversions changes."""
    from publisher.languages.conversion import convert_text

    counts = Counter(CLASSES["Hani"].findall(text))
    alone = "\n".join(counts)  # one to a line: no phrase can form

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
