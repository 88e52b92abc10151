"""Texts with the label of another language are noticed, and no text that has its own."""

import time
from html import escape
from itertools import islice
from pathlib import Path
from statistics import median

import pytest
from babel.messages.pofile import read_po

from publisher.languages import normalise
from publisher.languages.conversion import convert_text
from publisher.languages.detection import other_language
from tests.publisher.ingest.helpers import CORPUS, read_text
from tests.sizes import by_lane

LOCALES = Path(__file__).parents[3] / "templates/locale"
CATALOGUES = {one.name: sorted(one.rglob("*.po")) for one in sorted(LOCALES.iterdir())}
CATALOGUES["en"] = CATALOGUES["de"]
LATIN = "cs da de en es et fi fr hr hu id it lt lv nl pl pt ro sk sl sv tr vi".split()  # noqa: SIM905


def _words(language: str, letters: int) -> list[str]:
    """Return pieces of the catalogues of a language, each with so many letters."""
    pieces, piece = [], ""
    for path in CATALOGUES[language]:
        with path.open("rb") as file:
            for entry in read_po(file):
                text = entry.id if language == "en" else entry.string
                words = text if isinstance(text, str) else (text or [""])[0]
                plain = " ".join(one for one in words.split() if not set(one) & set("%{}<>`"))
                piece += f"{plain}\n" if entry.id and len(plain) > 25 else ""
                if sum(map(str.isalpha, piece)) >= letters:
                    pieces.append(f"<p>{escape(piece)}</p>")
                    piece = ""
    return pieces


@pytest.mark.parametrize("language", CATALOGUES)
def test_no_words_of_a_language_are_doubted(language: str) -> None:
    pieces = list(islice(_words(language, 200), by_lane(8, 200)))
    assert len(pieces) > 2
    assert [other_language(one, language) for one in pieces] == [""] * len(pieces)


@pytest.mark.parametrize("labels", [LATIN, ["bg", "ru", "uk"], ["ar", "fa"]])
def test_nine_of_ten_texts_with_the_label_of_another_language_of_their_script_are_noticed(
    labels: list[str],
) -> None:
    for language in labels:
        pieces = list(islice(_words(language, 250), by_lane(2, 20)))
        others = [one for one in labels if one != language]
        noticed = [bool(other_language(piece, one)) for piece in pieces for one in others]
        assert sum(noticed) >= 0.9 * len(noticed), language


GERMAN = "Die Fähre fährt im Winter nur noch einmal am Tag, und wer sie verpasst, bleibt auf der Insel. "
HANS = "渡轮在冬季每天只开一班，错过的人只好留在岛上过夜。镇里说，这样的安排会一直持续到三月底，之后再恢复原来的班次。"
HANT = convert_text(HANS, "zh-Hans", "zh-Hant")
KANA = "フェリーは冬の間、一日に一度しか出ません。乗り遅れた人は島に泊まることになります。三月末までこのままだそうです。"


@pytest.mark.parametrize(
    ("text", "label", "looks_like"),
    [
        (GERMAN * 3, "en", "German (de)"),
        (GERMAN * 3, "zh-Hans", "German (de)"),
        (GERMAN * 3, "de-AT", ""),
        (GERMAN, "zh-Hans", "is in Latin letters"),
        # It may be a name, or in a language that nobody knows.
        (GERMAN, "en", ""),
        (GERMAN * 3, "nds", ""),
        (GERMAN[:60], "zh-Hans", ""),
        ("Паром зимой ходит только раз в день, и кто опоздает, остаётся. " * 2, "ar", "is in Cyrillic letters"),
        ("Паром зимой ходит только раз в день, и кто опоздает, остаётся. " * 5, "uk", "Russian (ru)"),
        (HANS * 2, "en", "Chinese (zh)"),
        (HANS * 2, "zh-Hant", "Simplified Chinese (zh-Hans)"),
        (HANT * 2, "zh-Hans", "Traditional Chinese (zh-Hant)"),
        (HANT * 2, "zh-Hant-HK", ""),
        (HANS * 6, "ja", "Chinese (zh)"),
        (KANA * 2, "zh-Hans", "Japanese (ja)"),
        (KANA * 2, "ko", "Japanese (ja)"),
        (KANA * 2, "ja", ""),
        # Of software: letters of products.
        (f"{HANS} {'Kubernetes Deployment ' * 10}", "zh-Hans", ""),
        (f"{GERMAN} {'https://news.example/a/long/address/of/a/page '*9}", "en", ""),
        ("ⵀⴰⵏ ⵉⵎⵓⵔ ⵏ ⵜⵎⴰⵣⵉⵖⵜ " * 20, "zgh", ""),
        ("", "en", ""),
    ],
)  # fmt: skip
def test_the_letters_and_the_words_of_a_text_decide(
    text: str, label: str, looks_like: str
) -> None:
    assert other_language(f"<p>{text}</p>", label).removeprefix("looks like ") == looks_like


@pytest.mark.parametrize("aside", ["<pre>{}</pre>", "<blockquote>{}</blockquote>", '<p lang="de">{}</p>'])  # fmt: skip
def test_code_quotations_and_passages_of_another_language_do_not_count(aside: str) -> None:
    passage = aside.format(GERMAN * 3)
    assert other_language(f"{passage}<p>The ferry.</p>{passage}", "en") == ""
    assert other_language(passage.replace("pre>", "p>").replace("blockquote>", "p>").replace(' lang="de"', ""), "en")  # fmt: skip


def test_an_article_of_two_languages_is_not_doubted() -> None:
    english = (
        "In winter the ferry leaves once a day, and whoever misses it stays on the island. "
    )
    assert other_language(f"<p>{GERMAN * 3}</p><p>{english * 3}</p>", "en") == ""
    assert other_language(f"<p>{GERMAN * 3}</p><p>{english * 3}</p>", "de") == ""


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not here")
def test_no_newsletter_of_the_corpus_is_doubted_and_each_is_looked_at_in_a_millisecond() -> (
    None
):
    files = sorted((CORPUS / "optech").glob("*/*.md"))[:: by_lane(8, 1)]
    read = [read_text(f"{one.parent.name}/a.md", one.read_text("utf-8")) for one in files]
    found, times = [], []
    for one in read:
        began = time.process_time()
        found.append(other_language(one.html, normalise(one.language or "")))
        times.append(time.process_time() - began)
    assert found == [""] * len(files)
    # It takes 1.5 milliseconds of texts of 10,000 letters; the rest is for slow machines.
    assert median(times) < 0.02
