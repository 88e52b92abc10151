"""Writing one feed of a thousand entries, beside plain feedgen and Django's feedgenerator.

Each makes its values from the same texts and writes them; ours cleans them, sets links,
languages and dates right, and serves three formats. Times are CPU time; the programs run in turn.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median
from typing import Any

import django.conf
from django.utils import feedgenerator
from feedgen.feed import FeedGenerator
from rich.table import Table

import feeds
from tools.bench.sizes import size

COLUMNS = ("RSS, ms", "Atom, ms", "JSON, ms")
ENTRIES = size(1_000, smallest=3)
RUNS = size(15, smallest=1)
NOON = datetime(2026, 1, 9, 12, tzinfo=UTC)
BODY = (
    "<p>" + "The harbour was calm &amp; nobody <b>in it</b> had anything to say. " * 30 + "</p>"
)
SITE = "https://news.example.org"


def measure(table: Table) -> None:
    """Measure the three, as rows of a table."""
    django.conf.settings.configure(USE_TZ=True)
    kinds = (feedgenerator.Rss201rev2Feed, feedgenerator.Atom1Feed)
    writers: dict[str, list[Callable[[], Any]]] = {
        "publisher's feeds": [partial(_ours, form) for form in feeds.FEED_FORMATS],
        "feedgen": [lambda: _feedgen().rss_str(), lambda: _feedgen().atom_str()],
        "Django's": [partial(_djangos, kind) for kind in kinds],
    }
    runs = [
        {name: [_seconds(write) for write in some] for name, some in writers.items()}
        for _run in range(RUNS)
    ]
    for name in writers:
        medians = [median(times) for times in zip(*(run[name] for run in runs), strict=True)]
        what = f"{ENTRIES:,} entries of 2 kB, {name}"
        table.add_row(what, *(f"{1000 * seconds:.0f}" for seconds in medians))
    for other in ("feedgen", "Django's"):
        ratios = [
            [
                own / theirs
                for own, theirs in zip(run["publisher's feeds"], run[other], strict=False)
            ]
            for run in runs
        ]
        shown = [f"{median(some):.2f} times" for some in zip(*ratios, strict=True)]
        table.add_row(f"ours beside {other}", *shown)


def _seconds(write: Callable[[], Any]) -> float:
    start = time.process_time()
    write()
    return time.process_time() - start


def _moment(number: int) -> datetime:
    return NOON - timedelta(hours=number)


def _ours(form: feeds.FeedFormat) -> bytes:
    return feeds.render(form, _channel())


def _djangos(kind: type[Any]) -> str:
    return str(_django(kind).writeString("utf-8"))


def _channel() -> feeds.Channel:
    entries = tuple(
        feeds.Entry(
            id=f"tag:news.example.org,2026:story-{number}/en",
            url=f"{SITE}/en/stories/story-{number}/",
            title=f"Story {number}",
            language="en",
            published=_moment(number),
            updated=_moment(number),
            summary="The harbour was calm.",
            content_html=BODY,
            authors=(feeds.Author(name="Ann Example"),),
            topics=("Harbour",),
        )
        for number in range(ENTRIES)
    )
    return feeds.Channel(
        id="tag:news.example.org,2026:feed/en",
        title="The Lantern",
        description="Light on things.",
        site_url=f"{SITE}/en/",
        addresses={
            "rss": f"{SITE}/feeds/en.rss.xml",
            "atom": f"{SITE}/feeds/en.atom.xml",
            "json": f"{SITE}/feeds/en.json",
        },
        language="en",
        entries=entries,
        author=feeds.Author(name="The Lantern"),
        updated=None,
    )


def _feedgen() -> Any:
    feed = FeedGenerator()
    feed.id("tag:news.example.org,2026:feed/en")
    feed.title("The Lantern")
    feed.description("Light on things.")
    feed.link(href=f"{SITE}/en/", rel="alternate")
    feed.language("en")
    feed.updated(NOON)
    for number in range(ENTRIES):
        entry = feed.add_entry(order="append")
        entry.guid(f"tag:news.example.org,2026:story-{number}/en", permalink=False)
        entry.link(href=f"{SITE}/en/stories/story-{number}/", rel="alternate")
        entry.title(f"Story {number}")
        entry.summary("The harbour was calm.")
        entry.content(BODY, type="html")
        entry.author({"name": "Ann Example"})
        entry.category({"term": "Harbour"})
        entry.published(_moment(number))
        entry.updated(_moment(number))
    return feed


def _django(kind: type[Any]) -> Any:
    feed = kind(
        title="The Lantern",
        link=f"{SITE}/en/",
        description="Light on things.",
        language="en",
        feed_url=f"{SITE}/feeds/en.rss.xml",
    )
    for number in range(ENTRIES):
        feed.add_item(
            title=f"Story {number}",
            link=f"{SITE}/en/stories/story-{number}/",
            description=BODY,
            unique_id=f"tag:news.example.org,2026:story-{number}/en",
            unique_id_is_permalink=False,
            author_name="Ann Example",
            categories=["Harbour"],
            pubdate=_moment(number),
            updateddate=_moment(number),
        )
    return feed
