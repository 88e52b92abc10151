"""The editors' console over HTTP: people who watch an issue being sent, previews, and an issue that is edited.

The console is the program itself, in a process of its own. With `--full`, the issue that is watched has a
million mails, half of which are sent: then most is to be counted.
"""

import re
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from http import HTTPStatus
from itertools import chain
from pathlib import Path
from typing import Any

from rich.table import Table
from sqlalchemy import text

from publisher.clock import FixedClock, SystemClock
from publisher.config import Settings
from publisher.database import open_database
from publisher.testing import make_publication
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import DAY
from tests.publisher.printing import pipeline_of
from tools.bench.audience import make_audience
from tools.bench.planning import ROWS
from tools.bench.sizes import size
from tools.bench.web_server import processor_seconds
from tools.servers.console_process import Answer, ConsoleBrowser, console_process, session

COLUMNS = ("Measured",)
SUBSCRIBERS = size(100_000, smallest=50, full=1_000_000)
WATCHERS = size(20, smallest=2)
# The page asks every two seconds.
POLLS, SECONDS_BETWEEN = size(15, smallest=2), 2.0
PROSE = {
    "en": "The tide waits for nobody, and the ferry leaves when it leaves. ",
    "zh-Hans": "潮水不等人，渡船到点就开。",
    "zh-Hant": "潮水不等人，渡船到點就開。",
    "ar": "المدّ لا ينتظر أحدا، والعبّارة تغادر في موعدها. ",
}
# Of the issue that is edited.
SIX = {
    "en": PROSE["en"],
    "zh-Hans": PROSE["zh-Hans"],
    "ja": "潮は人を待たず、渡し船は時間になれば出る。",
    "fr": "La marée n'attend personne, et le bac part à son heure. ",
    "cs": "Příliv na nikoho nečeká a přívoz odjíždí ve svůj čas. ",
    "de": "Die Flut wartet auf niemanden, und die Fähre legt ab, wenn es Zeit ist. ",
}
EDITED = size(26, smallest=2)
STORIES = size(20, smallest=2)
SENTENCES = 60
RUNS = size(5, smallest=2)
# Requests of a browser at once.
CONNECTIONS = 6


def measure(table: Table) -> None:
    """Measure, as rows of a table."""
    with tempfile.TemporaryDirectory() as folder:
        _watch(table, _being_sent(Path(folder)))
    with tempfile.TemporaryDirectory() as folder:
        _preview(table, _made(Path(folder), PROSE, STORIES))
    with tempfile.TemporaryDirectory() as folder:
        terms = {"approval": "one", "lead": 24, "max_articles": EDITED}
        _edit(table, _made(Path(folder), SIX, EDITED, **terms))


def _being_sent(folder: Path) -> Settings:
    settings = make_audience(folder / "publication", SUBSCRIBERS, 1_000)
    with (
        closing(open_database(settings.database)) as database,
        database.writing() as connection,
    ):
        connection.execute(text(ROWS))
        connection.execute(text("UPDATE issue SET state = 'sending'"))
    return settings


def _signed_in(settings: Settings) -> str:
    with closing(open_database(settings.database)) as database:
        return session(database, "administrator", SystemClock().now())


def _watch(table: Table, settings: Settings) -> None:
    """Poll as the page about sending does, everybody at an instant of his or her own."""
    token, path = _signed_in(settings), f"/issues/weekly-en-{DAY}/sending/"
    with (
        console_process(settings.folders.root) as console,
        ThreadPoolExecutor(WATCHERS) as pool,
    ):
        for what, polled in (("of the page", f"{path}progress/"), ("the whole page", path)):
            poll = partial(_poll, console.port, token, polled)
            # Templates are loaded once, and all rows are counted.
            poll(1, 0)
            before, begin = processor_seconds(console.process.pid), time.perf_counter()
            waits = [*chain.from_iterable(pool.map(partial(poll, POLLS), range(WATCHERS)))]
            spent = processor_seconds(console.process.pid) - before
            spent /= time.perf_counter() - begin
            name = f"{WATCHERS} watchers of {SUBSCRIBERS:,} mails, {what}"
            table.add_row(f"{name}: processor time a second", f"{spent * 1000:.1f} ms")
            table.add_row("  median of answers", f"{statistics.median(waits) * 1000:.1f} ms")


def _poll(port: int, token: str, path: str, polls: int, watcher: int) -> list[float]:
    """Poll so often; return the seconds of each answer."""
    seconds, begin = [], time.perf_counter() + SECONDS_BETWEEN * watcher / WATCHERS
    with ConsoleBrowser(port, token) as browser:
        for number in range(polls):
            time.sleep(max(0.0, begin + number * SECONDS_BETWEEN - time.perf_counter()))
            asked = time.perf_counter()
            answer = browser.get(path)
            seconds.append(time.perf_counter() - asked)
            if answer.status != HTTPStatus.OK or 'id="progress"' not in answer.text:
                raise RuntimeError(f"{path} was answered with {answer.status}")
    return seconds


def _made(folder: Path, prose: Mapping[str, str], stories: int, **terms: Any) -> Settings:
    """Make an issue of some stories in the languages of a text, all frozen, which is due in an hour, or awaits approval."""
    settings = make_publication(folder / "publication", languages=[*prose], newsletters=[terms])
    with closing(open_database(settings.database)) as database:
        publication = PublicationFolder(
            settings=settings, database=database, clock=FixedClock(NOW)
        )
        for tag, sentence in prose.items():
            for number in range(stories):
                title, words = f"{sentence[:20]} {number}", sentence * SENTENCES
                publication.write(f"{tag}/{number}.md", words, title=title, date="2026-01-05")
        pipeline_of(publication).prepare()
    return settings


def _preview(table: Table, settings: Settings) -> None:
    token = _signed_in(settings)
    with console_process(settings.folders.root) as console:
        for what, path in (
            ("frozen", f"/issues/weekly-en-{DAY}/preview/?language=all"),
            ("rendered for it", "/next/weekly/?language=all"),
        ):
            pid = console.process.pid
            before = processor_seconds(pid)
            seconds = [_open(console.port, token, path) for _run in range(RUNS)]
            spent = (processor_seconds(pid) - before) / RUNS
            name = f"previews of {STORIES} stories in {len(PROSE)} languages, {what}"
            table.add_row(f"{name}: the first time", f"{seconds[0]:.2f} s")
            table.add_row("  median of later ones", f"{statistics.median(seconds[1:]):.2f} s")
            table.add_row("  processor time of each", f"{spent:.2f} s")


def _open(port: int, token: str, path: str) -> float:
    """Open the grid as a browser does, with all its frames; return the seconds."""
    begin = time.perf_counter()
    with ConsoleBrowser(port, token) as browser:
        page = browser.get(path)
    frames = re.findall(r'<iframe src="([^"]+)"', page.text)
    if len(frames) < len(PROSE):
        raise RuntimeError(f"{path} has {len(frames)} frames")
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        shares = (frames[number::CONNECTIONS] for number in range(CONNECTIONS))
        for answers in pool.map(partial(_load, port, token), shares):
            if {*answers} - {HTTPStatus.OK}:
                raise RuntimeError(f"frames of {path} were answered with {answers}")
    return time.perf_counter() - begin


def _load(port: int, token: str, paths: Sequence[str]) -> list[int]:
    with ConsoleBrowser(port, token) as browser:
        return [browser.get(path, **{"Sec-Fetch-Dest": "iframe"}).status for path in paths]


def _edit(table: Table, settings: Settings) -> None:
    """Open the page of an issue, and move its last story to the top, in one language and in all."""
    token, path = _signed_in(settings), f"/issues/weekly-en-{DAY}/"
    name = f"an issue of {EDITED} stories in {len(SIX)} languages"
    with (
        console_process(settings.folders.root, f"{NOW.isoformat()}") as console,
        ConsoleBrowser(console.port, token) as browser,
    ):
        for page in (path, f"{path}languages/", f"{path}preview/", "/next/weekly/"):
            waits = [_timed(partial(browser.get, page))[0] for _run in range(RUNS)]
            shown = f"{name}, {page}: median after the first"
            table.add_row(shown, f"{statistics.median(waits[1:]) * 1000:.0f} ms")
        for everywhere in ("", "yes"):
            waits = []
            for _run in range(RUNS):
                shown = browser.get(path).text
                seen = re.findall(r'name="seen" value="([^"]*)"', shown)[0]
                act = re.findall(r'id="top-\d+" value="([^"]+)"', shown)[-1]
                form = {"act": act, "language": "en", "everywhere": everywhere, "seen": seen}
                seconds, answer = _timed(partial(browser.post, f"{path}order/", form))
                if answer.status != HTTPStatus.SEE_OTHER:
                    raise RuntimeError(f"a move was answered with {answer.status}")
                waits.append(seconds)
                # What it has begun in the background ends first.
                time.sleep(len(SIX) / 2 if everywhere else 1)
            label = "in all languages" if everywhere else "in one language"
            table.add_row(
                f"  a move {label}: median", f"{statistics.median(waits) * 1000:.0f} ms"
            )


def _timed(ask: Callable[[], Answer]) -> tuple[float, Answer]:
    begin = time.perf_counter()
    answer = ask()
    return time.perf_counter() - begin, answer
