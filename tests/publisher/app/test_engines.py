"""Which engine starts the turns of the service, and why it can't."""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import pairwise
from typing import Literal

import pytest
from croniter import croniter
from structlog.testing import capture_logs

from publisher.app.engines import open_engine
from publisher.app.pipeline import Pipeline
from publisher.app.reload_settings import ReloadedPipeline
from publisher.config import SETTINGS_FILE
from publisher.database.dialect.job_queue import cron_of
from publisher.delivery.progress import Progress
from publisher.errors import ConfigError
from publisher.service import Service
from publisher.task_engine import TaskEngine
from tests.databases import on_postgresql
from tests.publisher.conftest import PublicationFolder
from tests.publisher.printing import pipeline_of

ON_A_FILE = "shares turns by a database on a server, and this publication has a file; write"


def pipeline_with(
    publication: PublicationFolder, engine: Literal["local", "procrastinate"]
) -> Pipeline:
    pipeline = pipeline_of(publication)
    own = pipeline.settings.publication.model_copy(update={"engine": engine})
    return replace(pipeline, settings=replace(pipeline.settings, publication=own))


def watch(_progress: Progress) -> None:
    """Do nothing."""


def test_turns_are_started_in_the_process_unless_the_settings_say_otherwise(
    publication: PublicationFolder,
) -> None:
    assert pipeline_of(publication).settings.publication.engine == "local"
    assert isinstance(open_engine(pipeline_of(publication), watch), Service)


def test_a_task_engine_needs_a_server(publication: PublicationFolder) -> None:
    pipeline = pipeline_with(publication, "procrastinate")
    if on_postgresql():
        assert isinstance(open_engine(pipeline, watch), TaskEngine)
        return
    with pytest.raises(ConfigError, match=rf"publication\.engine: procrastinate {ON_A_FILE}"):
        open_engine(pipeline, watch)


def test_a_task_engine_that_is_not_installed_is_named_with_the_remedy(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "publisher.database.dialect.job_queue", None)
    monkeypatch.setattr("publisher.config.Settings.database", "postgresql://publisher@/news")
    remedy = r"not installed; run `pip install 'newsletter-publisher\[engine\]'`, or leave"
    with pytest.raises(ConfigError, match=remedy):
        open_engine(pipeline_with(publication, "procrastinate"), watch)


def test_another_engine_waits_for_a_restart_and_the_log_says_so(
    publication: PublicationFolder,
) -> None:
    live = ReloadedPipeline(pipeline_of(publication))
    file = publication.settings.folders.root / SETTINGS_FILE
    live.current()
    edited = '"engine" = "procrastinate", "timezone"'
    file.write_text(file.read_text("utf-8").replace('"timezone"', edited, 1), "utf-8")
    with capture_logs() as logs:
        live.current()
    (line,) = [one for one in logs if one["event"] == "a changed setting needs a restart"]
    assert line["keys"] == ["publication.engine"]


@pytest.mark.parametrize("seconds", [1, 2, 5, 15, 60, 600, 3600, 43_200, 86_400])
def test_a_crontab_has_the_interval_of_its_turn(seconds: int) -> None:
    times = croniter(cron_of(seconds), 0)
    found = [times.get_next(float) for _ in range(5)]
    assert {later - earlier for earlier, later in pairwise(found)} == {seconds}
    assert cron_of(0.05) == cron_of(1)
