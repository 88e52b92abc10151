"""What a cycle costs as a whole process, over real files."""

import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.table import Table

from tests.processes import COMMAND, ENVIRONMENT
from tools.bench.sizes import size

ARTICLES = size(10_000, smallest=4)
COLUMNS = ("Seconds (median)", "least", "most")
RUNS = size(5, smallest=1)
SETTINGS = """
[publication]
title = "Bench"
url = "https://news.example.org"
languages = ["en", "zh-Hans"]
sender = "Bench <digest@news.example.org>"
address = "1 Example Street, Example City"
[[source]]
kind = "folder"
path = "articles"
[[newsletter]]
name = "weekly"
title = "The week"
schedule = "0 8 * * FRI"
"""
BODY = "The harbour was calm, and nobody in it had anything to say.\n\n" * 30


def measure(table: Table) -> None:
    """Measure cycles, as rows of a table."""
    with tempfile.TemporaryDirectory() as folder:
        publication = Path(folder)
        lay_out(publication, ARTICLES)
        table.add_row(f"first cycle, {ARTICLES:,} articles", f"{cycle(publication):.2f}")
        # What changed within the last seconds is read again, since file times are coarse.
        time.sleep(3)
        cycle(publication)
        row(
            table,
            f"a cycle, {ARTICLES:,} articles, nothing changed",
            publication,
            lambda _n: None,
        )
        row(
            table,
            f"a cycle, one new article among {ARTICLES:,}",
            publication,
            lambda number: write(publication, ARTICLES + number),
        )
    with tempfile.TemporaryDirectory() as folder:
        publication = Path(folder)
        lay_out(publication, 10)
        cycle(publication)
        row(
            table,
            "a cycle, one new article among 10",
            publication,
            lambda number: write(publication, 10 + number),
        )


def row(table: Table, what: str, publication: Path, before: Callable[[int], None]) -> None:
    """Measure a kind of cycle several times."""
    seconds = []
    for number in range(RUNS):
        before(number)
        seconds.append(cycle(publication))
    figures = (statistics.median(seconds), min(seconds), max(seconds))
    table.add_row(what, *(f"{figure:.2f}" for figure in figures))


def lay_out(publication: Path, count: int) -> None:
    """Write a publication of so many articles."""
    (publication / "publication.toml").write_text(SETTINGS)
    for number in range(count):
        write(publication, number)


def write(publication: Path, number: int) -> None:
    """Write one article."""
    language = ("en", "zh-Hans")[number % 2]
    path = publication / "articles" / language / f"{number // 1000}" / f"story-{number}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"---\ntitle: Story {number}\ndate: 2026-01-01\n---\n{BODY}")


def cycle(publication: Path) -> float:
    """Run one cycle as a process; gives its seconds."""
    words = [*COMMAND, "run", "--once", "--now", "2026-01-07T12:00:00Z", str(publication)]
    start = time.perf_counter()
    subprocess.run(words, env=ENVIRONMENT, check=True, capture_output=True)
    return time.perf_counter() - start
