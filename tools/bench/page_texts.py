"""How well articles' pages are read: `python -m tools.bench.page_texts FOLDER`. Its corpora are no part of the project.

FOLDER is that of mozilla/readability (`test/test-pages`: pages with the text and the metadata that they should give), or
of scrapinghub/article-extraction-benchmark (`html/` and `ground-truth.json`). Both are compared by sequences of four
words, or of four signs where there are no words.
"""

import gzip
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import Any

from lxml import html as lxml_html

from publisher.polling.page_reader import read_web_page

_SIGNS = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_BREAKS = (
    *("p", "div", "li", "td", "th", "tr", "br", "pre", "figcaption", "blockquote", "section"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "dt", "dd", "ul", "ol", "table", "figure"),
)
_KEPT = ("img", "figcaption", "table", "code", "li")


def _text(html: str) -> str:
    if not html.strip():
        return ""
    root = lxml_html.fragment_fromstring(html, create_parent="div")
    for one in root.iter(*_BREAKS):
        one.text, one.tail = f" {one.text or ''}", f" {one.tail or ''}"
    return " ".join(root.text_content().split())


def _sequences(text: str) -> Counter[tuple[str, ...]]:
    is_dense = len(_SIGNS.findall(text)) * 3 > len(text)
    words = [one for one in text if one.strip()] if is_dense else re.findall(r"\w+", text)
    return Counter(tuple(words[n : n + 4]) for n in range(max(1, len(words) - 3)))


def _shares(expected: str, found: str) -> tuple[float, float]:
    """Return precision and recall."""
    true, read = _sequences(expected), _sequences(found)
    both = (true & read).total()
    return both / read.total(), both / true.total()


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall or 1)


def _mozilla(folder: Path) -> Iterator[tuple[bytes, str, dict[str, Any]]]:
    for page in sorted(folder.iterdir()):
        said = json.loads((page / "expected-metadata.json").read_text("utf-8"))
        yield (
            (page / "source.html").read_bytes(),
            (page / "expected.html").read_text("utf-8"),
            said,
        )


def _scrapinghub(folder: Path) -> Iterator[tuple[bytes, str, dict[str, Any]]]:
    for key, said in json.loads((folder / "ground-truth.json").read_text("utf-8")).items():
        body = gzip.decompress((folder / "html" / f"{key}.html.gz").read_bytes())
        yield body, f"<p>{said['articleBody'].replace('<', '&lt;')}</p>", {}


def main() -> None:
    folder = Path(sys.argv[1])
    is_list = (folder / "ground-truth.json").exists()
    scores, seconds = list[tuple[float, float]](), list[float]()
    kept, expected = Counter[str](), Counter[str]()
    pages = _scrapinghub(folder) if is_list else _mozilla(folder)
    for body, text, said in pages:
        start = time.process_time()
        entry = read_web_page(body, "").entry
        seconds.append(time.process_time() - start)
        scores.append(_shares(_text(text), _text(entry.html)))
        for tag in _KEPT:
            wanted = len(re.findall(rf"<{tag}\b", text))
            expected[tag] += wanted
            kept[tag] += min(wanted, len(re.findall(rf"<{tag}\b", entry.html)))
        day = str(entry.published.date()) if entry.published else ""
        names = ", ".join(one.name for one in entry.authors)
        read = {
            "title": entry.title,
            "lang": entry.language,
            "byline": names,
            "publishedTime": day,
        }
        for key, value in read.items():
            if wanted_value := " ".join((said.get(key) or "").split()):
                expected[key] += 1
                is_date = key == "publishedTime"
                kept[key] += value == (
                    wanted_value[:10] if is_date else wanted_value.removeprefix("By ")
                )
    whole = _f1(mean(one[0] for one in scores), mean(one[1] for one in scores))
    each = mean(_f1(*shares) for shares in scores)
    print(f"{len(scores)} pages, {1000 * mean(seconds):.0f} ms each")  # noqa: T201  # what it is for
    print(f"F1 {each:.3f} in the mean, {whole:.3f} of mean precision and recall")  # noqa: T201
    for name, number in expected.items():
        if number:
            print(f"{name}: {kept[name]} of {number}")  # noqa: T201


if __name__ == "__main__":
    main()
