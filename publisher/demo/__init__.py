"""The demo publication: two weeks of a small newspaper, published at fixed instants.

`data/` is an ordinary publication folder; `data/days/` has what its editors do on some days: new,
corrected and withdrawn articles, and corrections of issues; `data/live/` has sites of its neighbours. The output is equal on every pipeline, since
the clock and the secret are fixed.
"""

import shutil
import tomllib
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import as_file, files
from pathlib import Path

from pydantic import SecretStr

from publisher.accounts.model import terminal_actor
from publisher.app.editing_state import EditingState
from publisher.app.issues.corrections import CorrectionRequest, correct_issue
from publisher.app.operation.cycle import CycleReport, Pipeline, open_pipeline
from publisher.app.subscribers.records import import_subscribers
from publisher.articles.store import all_articles
from publisher.clock import FixedClock
from publisher.config import SETTINGS_FILE, Settings, load_settings
from publisher.database import open_database
from publisher.demo.live import add_live_sites
from publisher.errors import UsageError
from publisher.jobs.heartbeat import write_heartbeat
from publisher.secrets import DEMO_SECRET, store_secret
from subscribers.store import list_subscribers

# The working days; on Fridays at noon in Hong Kong every edition of the weekly is due.
_DEMO_DAYS = tuple(
    datetime(2026, 1, day, 6, tzinfo=UTC) for day in (*range(5, 10), *range(12, 17))
)
# When the sites of neighbours are read, and a Monday with an issue of the daily.
_LIVE_DAYS = (datetime(2026, 1, 16, 8, tzinfo=UTC), datetime(2026, 1, 19, 6, tzinfo=UTC))
_OUTPUTS = ("public", "outbox", "var", "articles")


def publish_demo(
    directory: Path, report: Callable[[datetime, CycleReport], None], *, is_live: bool = False
) -> tuple[Settings, datetime]:
    """Copy the demo publication into a folder and run its two weeks. Return settings and last instant.

    With `is_live`, what sites of this machine publish is picked up after them. A folder with an earlier demo is used
    again. Raise UsageError for another folder that is not empty, and for a database on a server that is not.
    """
    with as_file(files("publisher") / "demo" / "data") as data:
        _check_database(load_settings(data).database)
        _copy_data(data, directory)
        settings = replace(load_settings(directory), secret=SecretStr(DEMO_SECRET))
        # Links in the demo's mails lead somewhere with `publisher web`.
        store_secret(replace(settings, secret=None), DEMO_SECRET)
        for now in _DEMO_DAYS:
            day = data / "days" / f"{now:%Y-%m-%d}"
            if (articles := day / "articles").is_dir():
                shutil.copytree(articles, directory / "articles", dirs_exist_ok=True)
            with open_pipeline(settings, FixedClock(now)) as pipeline:
                if now == _DEMO_DAYS[0]:
                    _import(pipeline, data / "subscribers.csv", now)
                if (corrections := day / "corrections.toml").is_file():
                    _correct(pipeline, corrections, now)
                report(now, pipeline.run())
        last = _DEMO_DAYS[-1]
        if is_live:
            add_live_sites(settings, data, _LIVE_DAYS, report)
            last = _LIVE_DAYS[-1]
        write_heartbeat(settings.folders.heartbeat, last)
    return settings, last


def _check_database(address: Path | str) -> None:
    """Raise UsageError if a database on a server holds a publication: it may be the real one."""
    if isinstance(address, Path):
        return
    with closing(open_database(address)) as database, database.reading() as connection:
        if any(all_articles(connection)) or any(list_subscribers(connection, limit=1)):
            raise UsageError(
                f"{database.name}: the demo needs an empty database, and this one holds a "
                "publication; unset PUBLISHER_DATABASE, or make another database"
            )


def _copy_data(data: Path, directory: Path) -> None:
    ours = data / SETTINGS_FILE
    theirs = directory / SETTINGS_FILE
    if theirs.is_file() and theirs.read_bytes().startswith(ours.read_bytes()):
        for name in _OUTPUTS:
            shutil.rmtree(directory / name, ignore_errors=True)
    elif directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise UsageError(
            f"{directory}: the demo needs an empty folder, and this one has files; choose another"
        )
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name in (SETTINGS_FILE, "people.toml"):
            shutil.copyfile(data / name, directory / name)
        shutil.copytree(data / "articles", directory / "articles")
    except OSError as error:
        raise UsageError(f"{directory}: can't be created: {error.strerror or error}") from None


def _import(pipeline: Pipeline, file: Path, now: datetime) -> None:
    with file.open("rb") as lines:
        import_subscribers(pipeline.settings, pipeline.database, lines, now)


def _correct(pipeline: Pipeline, file: Path, now: datetime) -> None:
    """Correct issues as a file says: each of its tables is a `CorrectionRequest`."""
    state = EditingState(
        settings=pipeline.settings,
        database=pipeline.database,
        secret=DEMO_SECRET,
        # Before the cycle, and longer than the time to undo it.
        clock=FixedClock(now - timedelta(hours=1)),
    )
    for table in tomllib.loads(file.read_text("utf-8"))["correction"]:
        request = CorrectionRequest(**(table | {"languages": tuple(table["languages"])}))
        correct_issue(state, terminal_actor(), request)
