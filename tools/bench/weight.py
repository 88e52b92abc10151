"""How large `public/` is beside the texts of its articles, and which parts it has.

`python -m tools.bench.weight FOLDER` measures a publication that is there, `python -m tools.bench weight` a generated
one: posts in 17 languages, half of the stories in the second, a third in the third and so on. They are as long as
those of real sites: half of them below 5 kB, some of 60 kB. Sizes are those of the files; a file system adds half
a block to each.
"""

import random
import sys
import tempfile
from collections import Counter
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path, PurePosixPath

from rich.console import Console
from rich.table import Table
from sqlalchemy import select

from publisher.articles.tables import article
from publisher.config import load_settings
from publisher.database.engine import open_database
from publisher.testing import SECRET
from tools.bench.sites import process_cost
from tools.bench.sizes import size

COLUMNS = ("MB", "times the texts", "files")
POSTS = size(4_700, smallest=34)
# The first letter of an alphabet, and how many it has.
_ALPHABETS = {
    **dict.fromkeys(("en", "de", "fr", "es", "it", "pt", "pl", "id", "vi"), (0x61, 26)),
    **dict.fromkeys(("ru", "uk"), (0x430, 32)),
    **dict.fromkeys(("zh-Hans", "zh-Hant", "ja"), (0x4E00, 2000)),
    "ko": (0xAC00, 1500),
    "ar": (0x627, 20),
    "hi": (0x915, 35),
}
# Few write most, and few topics are those of most posts.
_AUTHORS, _TOPICS, _SECTIONS = 40, 12, 6
_SETTINGS = f"""
[publication]
title = "Bench"
url = "https://news.example.org"
languages = {[*_ALPHABETS]}
sender = "Bench <digest@news.example.org>"
address = "1 Example Street, Example City"
[[source]]
kind = "folder"
path = "articles"
first_import = "archive"
[[newsletter]]
name = "weekly"
title = "The week"
schedule = "0 8 * * FRI"
"""


def measure(table: Table) -> None:
    """Measure a generated publication, as rows of a table."""
    with tempfile.TemporaryDirectory() as folder:
        write_posts(Path(folder))
        process_cost("run", "--once", "--now", "2026-01-07T12:00:00Z", folder)
        add_parts(table, Path(folder))


def add_parts(table: Table, folder: Path) -> None:
    """Add a row for each part of a publication's web root, and one for all but media."""
    settings = load_settings(folder, {"PUBLISHER_SECRET": SECRET})
    with (
        closing(open_database(settings.folders.database, read_only=True)) as database,
        database.reading() as connection,
    ):
        texts = sum(len(text.encode()) for text in connection.scalars(select(article.c.text)))
    sizes, files = Counter[str](), Counter[str]()
    for file in settings.folders.public.rglob("*"):
        if file.is_file():
            part = _part(PurePosixPath(file.relative_to(settings.folders.public)))
            for name in (part, *(["all but media"] if part != "media" else [])):
                sizes[name] += file.stat().st_size
                files[name] += 1
    table.add_row("texts of articles", f"{texts / 1e6:.2f}", "1.00", "")
    for name, length in sorted(sizes.items(), key=lambda one: one[1]):
        table.add_row(name, f"{length / 1e6:.2f}", f"{length / texts:.2f}", f"{files[name]:,}")


def _part(path: PurePosixPath) -> str:
    first, second = (*path.parts, "", "")[:2]
    if path.suffix in {".gz", ".br"}:
        return "compressed copies"
    if first == "feeds":
        if "archive" in path.parts:
            return "archives of feeds"
        return "feeds of topics and authors" if len(path.parts) > 2 else "feeds of languages"
    if first in {"media", "assets"}:
        return first
    if second in {"stories", "archive", "sections", "topics", "authors", "feeds"}:
        return f"pages: {second}"
    return (
        f"pages: {path.name}"
        if len(path.parts) == 1 or path.suffix != ".html"
        else "pages: others"
    )


def write_posts(folder: Path) -> None:
    """Write a publication whose stories are translated into some of the languages."""
    (folder / "publication.toml").write_text(_SETTINGS)
    chance = random.Random(7)
    vocabularies = {
        tag: [
            "".join(chr(first + chance.randrange(count)) for _ in range(chance.randint(2, 9)))
            for _ in range(4_000)
        ]
        for tag, (first, count) in _ALPHABETS.items()
    }
    shares = [1 / rank for rank in range(1, len(_ALPHABETS) + 1)]
    for number in range(int(POSTS / sum(shares))):
        length = min(60_000, int(chance.lognormvariate(8.5, 0.8)))
        tags = [_frequent(chance, _TOPICS) for _ in range(2)]
        chosen = zip(shares, vocabularies.items(), strict=True)
        for language, words in (one for share, one in chosen if chance.random() < share):
            path = folder / "articles" / language / f"story-{number}.md"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_post(chance, number, tags, words, length), "utf-8")


def _frequent(chance: random.Random, count: int) -> int:
    """Return a number below a count, the small ones more often."""
    return int(chance.expovariate(5 / count)) % count


def _post(
    chance: random.Random, number: int, tags: list[int], words: list[str], length: int
) -> str:
    """Return a post whose text has so many bytes, in paragraphs with some links."""
    author = _frequent(chance, _AUTHORS)
    paragraphs, left = list[str](), length
    while left > 0:
        some = chance.choices(words, k=60)
        some[7] = f"[{some[7]}](https://example.com/{some[8]})"
        paragraphs.append(" ".join(some))
        left -= len(paragraphs[-1].encode())
    text = "\n\n".join(paragraphs)
    return f"""---
title: "{" ".join(chance.choices(words, k=7))}"
summary: "{" ".join(chance.choices(words, k=20))}"
date: {date(2026, 1, 5) - timedelta(days=3 * number)}
author: "{words[author]} {words[author + 1]}"
section: "{words[number % _SECTIONS]}"
topics: {[words[tag] for tag in tags]}
---
{text}
"""


if __name__ == "__main__":
    shown = Table("What", *COLUMNS)
    if sys.argv[1:]:
        add_parts(shown, Path(sys.argv[1]))
    else:
        measure(shown)
    Console(width=100).print(shown)
