"""Articles that no layout likes: words without an end, tables without a middle, other scripts.

They are ordinary files, and go the way of all articles. Knows no mail.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

LANGUAGES = ("en", "ar", "zh-Hans")

# One word each; the first is one that people say.
LONG_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
ENDLESS = "endless" * 60
ENDLESS_ARABIC = "مـستـشـفى" * 40
URL = f"https://example.org/{'a-very-long-path/' * 12}?{'key=value&' * 12}"
EMOJI = "👩‍👩‍👧‍👦🏳️‍🌈👍🏽" * 40
HAN = "灯笼照亮港口的每一条街道" * 25
SENTENCE = (
    "The tide went out and took the timetable with it, as it does on the last day of a month. "
)

TITLE = {"en": LONG_WORD[:48], "ar": "الفانوس", "zh-Hans": "灯笼" * 12}
ADDRESS = f"1 {LONG_WORD} Street, Example City"
# The palest accent that is taken, on the darkest ground.
DESIGN = {"accent": "#767676", "ground": "#000000", "headings": "sans", "logo": "logo.png"}
NEWSLETTER: Mapping[str, Any] = {
    "title": {"en": LONG_WORD[:48], "ar": "أسبوع" * 8, "zh-Hans": "一周灯火" * 8},
    "content": "full",
    "blocks": ["quotation", "notes"],
    # Every edition shows everything, so that each direction is seen inside the other.
    "edition": {
        "en": {"missing": "fallback", "fallback": ["ar", "zh-Hans"]},
        "ar": {"missing": "fallback", "fallback": ["en", "zh-Hans"]},
        "zh-Hans": {"missing": "fallback", "fallback": ["en", "ar"]},
    },
}


def words(folder: Path) -> None:
    """Write articles whose titles, names and sections are long."""
    _article(folder / "en/endless.md", ENDLESS, title=ENDLESS[:300], summary=ENDLESS)
    _article(folder / "en/sentence.md", SENTENCE, title=(SENTENCE * 4)[:300])
    _article(folder / "en/address.md", URL, title=URL[:300], summary=f"See {URL}", url=URL)
    _article(
        folder / "en/names.md",
        SENTENCE,
        title="Names",
        section=LONG_WORD,
        authors=[{"name": LONG_WORD, "affiliation": ENDLESS[:200]}] * 3,
        translators=[LONG_WORD, ENDLESS[:100]],
    )
    _article(folder / "en/emoji.md", EMOJI, title=EMOJI, summary=EMOJI)


def scripts(folder: Path) -> None:
    """Write articles in one script with words of another."""
    _article(
        folder / "ar/endless.md",
        ENDLESS_ARABIC,
        title=ENDLESS_ARABIC[:300],
        summary=ENDLESS_ARABIC,
    )
    _article(
        folder / "ar/mixed.md",
        f"{LONG_WORD} مدينة {URL}",
        title=f"مدينة {LONG_WORD} 100% (2026)",
    )
    _article(folder / "zh-Hans/han.md", HAN, title=HAN[:300], summary=HAN, author="灯" * 60)
    _article(folder / "zh-Hans/mixed.md", f"{HAN}{ENDLESS}{HAN}", title=f"灯笼{LONG_WORD}灯笼")
    _article(folder / "en/mixed.md", f"{ENDLESS_ARABIC} {HAN}", title=f"The مدينة {HAN[:40]}")


def bodies(folder: Path) -> None:
    """Write articles with tables, code, pictures and nesting that are too much."""
    columns = [f"column{number}" for number in range(40)]
    table = [columns, ["---"] * 40, [LONG_WORD] * 40]
    rows = "\n".join(f"| {' | '.join(row)} |" for row in table)
    _article(
        folder / "en/table.md", f"{SENTENCE}\n\n{rows}\n\n{SENTENCE}", title="A wide table"
    )
    code = f"```\n{'x = x + 1; ' * 60}\n{ENDLESS}\n```"
    _article(folder / "en/code.md", f"`{ENDLESS}`\n\n{code}\n", title=f"Code: `{ENDLESS[:99]}`")
    deep = f"{'<blockquote>' * 99}{SENTENCE}{ENDLESS}{'</blockquote>' * 99}"
    lists = f"{'<ul><li>' * 45}{SENTENCE}{'</li></ul>' * 45}"
    _article(folder / "en/deep.html", f"{deep}{lists}", title="Deep")
    for name, size in {"huge": (6000, 4000), "wide": (9000, 30), "tall": (30, 9000)}.items():
        _picture(folder / f"images/{name}.png", size)
        image = {"src": f"../images/{name}.png", "alt": f"{SENTENCE}{LONG_WORD}"}
        text = f"![{SENTENCE}](../images/{name}.png)\n\n{SENTENCE}"
        _article(
            folder / f"en/{name}.md",
            text,
            title=f"Picture: {name}",
            image=image,
            date="2026-01-09",
        )


def logo(path: Path) -> None:
    """Write a logo that is wider than any mail."""
    _picture(path, (2400, 300))


KINDS: Mapping[str, Callable[[Path], None]] = {
    "words": words,
    "scripts": scripts,
    "bodies": bodies,
}


def _article(path: Path, text: str, **matter: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # YAML takes what JSON is, so that nothing in it needs care.
    head = json.dumps({"date": "2026-01-08", **matter}, ensure_ascii=False)
    path.write_text(f"---\n{head}\n---\n{text}\n", "utf-8")


def _picture(path: Path, size: tuple[int, int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, "#c4573a").save(path, "PNG")
