"""How much of the program a story passes through on its way to a feed and to a mail.

`python -m tools.bench.walk` prints it. The definition:

- The program runs once in a new process, so that no cache is filled.
- A *module* counts if one of its functions is entered while the story is processed. The body of a
  class counts as a function: it runs when a step imports a module late. The body of a module
  does not count, and neither do compiled templates and `publisher.testing`.
- A *call* is a function entered, or a generator resumed.
- To a feed, a story takes the steps "pick up" and "feeds"; to a mail it takes "pick up", "plan",
  "assemble" and "deliver" (to one subscriber, by SMTP). The digest has two stories.
"""

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

from rich.table import Table

from publisher.app.operation.cycle import Pipeline, open_pipeline
from publisher.assembly.assemble import assemble_issues
from publisher.assembly.select import select_due
from publisher.clock import FixedClock
from publisher.config import SETTINGS_FILE, load_settings
from publisher.ingest.pickup.source_pickup import pick_up
from publisher.issues.planner import plan_issues
from publisher.site import write_site
from publisher.syndication.feed_writer import publish_feeds
from publisher.testing import SECRET, make_publication
from tests.processes import ROOT
from tests.subscribers.importing import import_csv
from tools.servers import MailServer

COLUMNS = ("modules", "functions", "calls")
PACKAGES = ("publisher", "feeds", "subscribers")
TO_FEED = ("pick up", "feeds")
TO_MAIL = ("pick up", "plan", "assemble", "deliver")
NOW = datetime(2026, 1, 9, 12, tzinfo=UTC)  # when the weekly of the sample publication is due
STORIES = 2
STORY = """---
title: The light {number}
date: 2026-01-08
author: Ann Example
topics: [Harbour]
summary: The harbour light is lit again.
---
## The light

The harbour light is *lit* again, **after** [two years](https://example.org/years).

- It was dark.
- It is not.

> A light is a light.
"""
SUBSCRIBERS = [
    b"email,name,language,timezone,newsletters,status\n",
    b"ann@example.com,Ann Example,en,,weekly,active\n",
]
SMTP = """
[delivery]
transport = "smtp"
[delivery.smtp]
host = "127.0.0.1"
port = {port}
tls = "none"
connections = 1
"""


@dataclass(slots=True)
class Entered:
    """What was entered of the program in one step."""

    modules: set[str] = field(default_factory=set)
    functions: set[object] = field(default_factory=set)
    calls: int = 0


@cache
def module_at(path: str) -> str | None:
    """Return the name of a module of the program, None for any other file."""
    file = Path(path)
    if not file.is_relative_to(ROOT):
        return None
    parts = file.relative_to(ROOT).with_suffix("").parts
    is_ours = parts[0] in PACKAGES and parts[:2] != ("publisher", "testing")
    return ".".join(parts) if is_ours and file.suffix == ".py" else None


@contextmanager
def counted() -> Iterator[Entered]:
    """Count what is entered in this thread and in those that it starts."""
    entered = Entered()

    def note(frame: FrameType, event: str, _argument: object) -> None:
        code = frame.f_code
        if event != "call" or code.co_name == "<module>":
            return
        if module := module_at(code.co_filename):
            entered.modules.add(module)
            entered.functions.add(code)
            entered.calls += 1

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield entered
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def walk(folder: Path) -> dict[str, Entered]:
    """Publish and send two stories in a new publication; return what each step entered."""
    with MailServer() as server:
        make_publication(folder)
        with (folder / SETTINGS_FILE).open("a", encoding="utf-8") as file:
            file.write(SMTP.format(port=server.port))
        settings = load_settings(folder, {"PUBLISHER_SECRET": SECRET})
        with open_pipeline(settings, FixedClock(NOW - timedelta(days=1))) as before:
            before.prepare()
        with open_pipeline(settings, FixedClock(NOW)) as machine:
            _fill(machine)
            steps = {name: _count(step) for name, step in _steps(machine).items()}
        if len(server.messages) != 1:
            raise RuntimeError(f"one mail was expected, not {len(server.messages)}")
    return steps


def _fill(machine: Pipeline) -> None:
    settings = machine.settings
    with machine.database.writing() as connection:
        import_csv(
            connection,
            SUBSCRIBERS,
            languages=settings.publication.subscriber_tag,
            newsletters=["weekly"],
            now=NOW,
        )
    for number in range(STORIES):
        path = settings.folders.root / "articles" / "en" / f"story-{number}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(STORY.format(number=number), "utf-8")


def _steps(machine: Pipeline) -> Mapping[str, Callable[[], Any]]:
    where = machine.settings, machine.database
    return {
        "pick up": lambda: pick_up(*where, NOW),
        "plan": lambda: (plan_issues(*where, NOW), select_due(*where, NOW)),
        "assemble": lambda: assemble_issues(*where, machine.renderer),
        "pages": lambda: write_site(*where, machine.renderer, NOW),
        "feeds": lambda: publish_feeds(*where, machine.renderer, NOW),
        "deliver": machine.deliver,
    }


def _count(step: Callable[[], Any]) -> Entered:
    with counted() as entered:
        step()
    return entered


def figures(steps: Mapping[str, Entered]) -> dict[str, list[int]]:
    """Return the numbers of modules, functions and calls of each step and of each whole way."""
    return {
        **{name: _figures(one) for name, one in steps.items()},
        "story to feed": _figures(*(steps[name] for name in TO_FEED)),
        "story to mail": _figures(*(steps[name] for name in TO_MAIL)),
    }


def _figures(*steps: Entered) -> list[int]:
    modules = set[str]().union(*(one.modules for one in steps))
    functions = set[object]().union(*(one.functions for one in steps))
    return [len(modules), len(functions), sum(one.calls for one in steps)]


def measured() -> dict[str, list[int]]:
    """Return the figures of a new process."""
    command = [sys.executable, "-m", "tools.bench.walk", "--json"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measure(table: Table) -> None:
    """Count, as rows of a table."""
    for name, row in measured().items():
        table.add_row(name, *(f"{figure:,}" for figure in row))


def main() -> None:
    """Print the figures of this process, for people or as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        steps = walk(Path(folder) / "publication")
    if "--json" in sys.argv:
        sys.stdout.write(f"{json.dumps(figures(steps))}\n")
        return
    for name, row in figures(steps).items():
        line = "  ".join(f"{n:>7,} {unit}" for n, unit in zip(row, COLUMNS, strict=True))
        sys.stdout.write(f"{name:14}{line}\n")
    if "--list" in sys.argv:
        to_mail = set[str]().union(*(steps[name].modules for name in TO_MAIL))
        sys.stdout.write("\n".join(sorted(to_mail)) + "\n")


if __name__ == "__main__":
    main()
