"""The engine that starts the turns of the service, as the settings say."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from publisher.config import SETTINGS_FILE
from publisher.errors import ConfigError

if TYPE_CHECKING:
    from publisher.app.pipeline import Pipeline
    from publisher.config import Settings
    from publisher.turns import TurnEngine, Work


def open_engine(pipeline: Pipeline, watch: Work) -> TurnEngine:
    """Return the engine of the settings; `watch` is called every few seconds while it works.

    Raise ConfigError if it can't be used, and DatabaseError if it can't have its tables.
    """
    settings = pipeline.settings
    if settings.publication.engine == "local":
        from publisher.service import Service

        return Service(settings.folders.root, watch=watch)
    address = settings.database
    if not isinstance(address, str):
        raise _error(
            settings,
            "procrastinate shares turns by a database on a server, and this publication has a file",
            "write publication.database, set PUBLISHER_DATABASE, or leave engine out",
        )
    try:
        from publisher.database.dialect.job_queue import JobQueue
        from publisher.task_engine import TaskEngine
    except ImportError:
        raise _error(
            settings,
            "Procrastinate is not installed",
            "run `pip install --requirement requirements-extras.txt` in its folder, or leave engine out",
        ) from None
    queue = JobQueue(address, _process_name(settings))
    return TaskEngine(pipeline.database, queue, settings.folders.root, watch)


def _process_name(settings: Settings) -> str:
    """Return the name of the one process that runs a folder on a machine."""
    folder = hashlib.sha256(os.fsencode(settings.folders.root)).hexdigest()[:12]
    return f"{settings.host}/{folder}"


def _error(settings: Settings, problem: str, remedy: str) -> ConfigError:
    file = settings.folders.root / SETTINGS_FILE
    return ConfigError(str(file), "publication.engine", problem, remedy)
