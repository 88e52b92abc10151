"""What one new story in four languages costs, beside archives of different sizes.

Run as a process of its own for each step, so that memory is of that step alone:
`python -m tools.bench.archives prepare FOLDER ARTICLES`, then `... publish FOLDER RUNS`.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.table import Table
from sqlalchemy import insert

from publisher.app.operation import cycle
from publisher.app.operation.cycle import open_pipeline
from publisher.articles.store import content_hash
from publisher.articles.tables import article, story
from publisher.clock import FixedClock
from publisher.config import load_settings
from publisher.database import Database
from publisher.database.engine import chunks
from publisher.testing import SECRET, make_publication
from tools.bench.sizes import peak_megabytes, size

COLUMNS = ("Seconds (median)", "least", "most")
LANGUAGES = ("en", "zh-Hans", "zh-Hant", "ar")
SIZES = (size(1_000, smallest=8), size(100_000, smallest=40))
RUNS = size(7, smallest=1)
# A story has two topics and one author. There are so few of them that their feeds are full in
# the small archive too: with less to write, it would make the large one look dear.
TOPICS, AUTHORS = 4, 5
BEGINNING = datetime(2010, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 1, 9, 12, tzinfo=UTC)
BODY = "<p>" + "The harbour was calm, and nobody in it had anything to say. " * 30 + "</p>"


def measure(table: Table) -> None:
    """Measure archives of each size, as rows of a table."""
    figures = {}
    for articles in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            first = _step("prepare", folder, articles)
            table.add_row(
                f"feeds of {articles:,} articles, made at once", f"{first['seconds']:.1f}"
            )
            figures[articles] = then = _step("publish", folder, RUNS)
        seconds = then["all"]
        table.add_row(
            f"a cycle, one new story in four languages beside {articles:,} articles",
            *(f"{f(seconds):.2f}" for f in (statistics.median, min, max)),
        )
        table.add_row("  of that, feeds", f"{statistics.median(then['feeds']):.2f}")
        table.add_row("  memory at most, MB", f"{then['megabytes']:.0f}")
    small, large = (statistics.median(figures[articles]["all"]) for articles in SIZES)
    table.add_row(f"  {SIZES[1]:,} beside {SIZES[0]:,}", f"{large / small:.2f} times")


def _step(*words: object) -> dict[str, Any]:
    command = [sys.executable, "-m", "tools.bench.archives", *map(str, words)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def prepare(folder: Path, count: int) -> dict[str, Any]:
    """Make a publication with so many articles in its database, and its feeds."""
    settings = make_publication(folder / "publication", languages=LANGUAGES)
    with open_pipeline(settings, FixedClock(NOW - timedelta(days=1))) as one:
        one.prepare()
        _stock(one.database, count)
        start = time.perf_counter()
        one.prepare()
        return {"seconds": time.perf_counter() - start}


def _stock(database: Database, count: int) -> None:
    stories = count // len(LANGUAGES)
    for numbers in chunks(range(1, stories + 1)):
        with database.writing() as connection:
            rows = [{"id": n, "key": f"story-{n}", "slug": f"story-{n}"} for n in numbers]
            connection.execute(insert(story), rows)
            connection.execute(insert(article), [row for n in numbers for row in _rows(n)])


def _rows(number: int) -> Iterator[dict[str, Any]]:
    moment = BEGINNING + timedelta(hours=number)
    for language in LANGUAGES:
        content = {
            "title": f"Story {number}",
            "summary": "The harbour was calm.",
            "html": BODY,
            "text": "The harbour was calm.",
            "bylines": [{"name": f"Author {number % AUTHORS}", "affiliation": None}],
            "translators": [],
            "section": None,
            "topics": [f"Topic {number % TOPICS}", f"Topic {number * 7 % TOPICS}"],
            "picture": None,
            "attachments": [],
            "url": None,
            "offered": [],
            "published_on": moment.date(),
        }
        yield content | {
            "story_id": number,
            "language": language,
            "origin": "original",
            "status": "ready",
            "declared": "ready",
            "published_at": moment,
            "available_at": moment,
            "updated_at": moment,
            "content_hash": content_hash(content | {"number": number, "language": language}),
            # Their pages are not what is measured.
            "page_hash": "written",
        }


def publish_stories(folder: Path, runs: int) -> dict[str, Any]:
    """Publish one story in four languages, so many times; gives seconds and memory."""
    settings = load_settings(folder / "publication", {"PUBLISHER_SECRET": SECRET})
    whole, feeds = [], []
    timed = _time(cycle, "publish_feeds")
    before = sum(1 for _file in (folder / "publication" / "articles").rglob("*.md"))
    for run in range(before, before + runs):
        for language in LANGUAGES:
            _drop_in(folder / "publication" / "articles" / language / f"new-{run}.md", run)
        with open_pipeline(settings, FixedClock(NOW + timedelta(minutes=run))) as one:
            start = time.perf_counter()
            report = one.prepare()
            whole.append(time.perf_counter() - start)
            feeds.append(timed.pop())
        if report.picked_up.new != len(LANGUAGES) or report.problems:
            raise RuntimeError(f"not published: {report}")
    return {"all": whole, "feeds": feeds, "megabytes": peak_megabytes()}


def _time(module: Any, name: str) -> list[float]:
    """Have a function's seconds noted whenever it is called."""
    plain, noted = getattr(module, name), []

    def timed(*arguments: Any) -> Any:
        start = time.perf_counter()
        given = plain(*arguments)
        noted.append(time.perf_counter() - start)
        return given

    setattr(module, name, timed)
    return noted


def _drop_in(path: Path, run: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    matter = {
        "title": f"News {run}",
        "date": "2026-01-09",
        "author": f"Author {run % AUTHORS}",
        "topics": f"[Topic {run % TOPICS}, Topic {(run + 3) % TOPICS}]",
    }
    lines = "".join(f"{key}: {value}\n" for key, value in matter.items())
    path.write_text(f"---\n{lines}---\n{BODY} {run} {path.parent.name}\n")


if __name__ == "__main__":
    step, where, number = sys.argv[1:]
    done = {"prepare": prepare, "publish": publish_stories}[step](Path(where), int(number))
    sys.stdout.write(json.dumps(done) + "\n")
