"""The pipeline of a program that goes on: an edited publication.toml counts from the next cycle.

Work that is under way keeps its settings to its end. A mistake in the file keeps the settings of
before, and is told once for each edit.
"""

from __future__ import annotations

from dataclasses import replace
from threading import Lock

import structlog

from publisher.app.pipeline import Pipeline
from publisher.config import Settings
from publisher.config.live import SettingsChange, SettingsFile
from publisher.delivery.transports import create_transport
from publisher.errors import ConfigError
from publisher.mail.dkim_keys import load_signers

log = structlog.get_logger()


class LivePipeline:
    """Gives each cycle, delivery and ping the pipeline with the settings of the moment.

    Jobs in several threads share one; what they get never changes.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._file = SettingsFile(pipeline.settings)
        self._lock = Lock()
        self._problem = ""
        self._told: tuple[str, str | None] | None = None

    @property
    def problem(self) -> str:
        """What is wrong with the settings now; empty if they are in use."""
        return self._problem

    def current(self) -> Pipeline:
        """Return the pipeline with the settings as they are, or as they last were valid."""
        with self._lock:
            try:
                if change := self._file.poll():
                    before = self._pipeline.settings
                    self._pipeline = _with_settings(self._pipeline, change)
                    self._file.accept(change)
                    _tell(change, before)
            except ConfigError as error:
                self._keep(error)
            else:
                self._end_problem()
            return self._pipeline

    def _keep(self, error: ConfigError) -> None:
        self._problem = f"{error}; the settings of before stay in use"
        mistake = (self._problem, self._file.content_hash())
        if mistake != self._told:
            self._told = mistake
            log.error("settings not taken; those of before stay in use", reason=str(error))

    def _end_problem(self) -> None:
        if self._problem:
            log.info("settings are valid again")
        self._problem, self._told = "", None


def _with_settings(pipeline: Pipeline, change: SettingsChange) -> Pipeline:
    """Return a pipeline with new settings; raise ConfigError if a part can't be made from them.

    Transport and signers are kept if nothing that they are made from changed: an outbox knows
    which messages it could not place.
    """
    old, new = pipeline.settings, change.settings
    same_sender = old.publication.sender == new.publication.sender
    if same_sender and old.delivery == new.delivery and not change.files:
        return replace(pipeline, settings=new)
    transport, signers = create_transport(new), load_signers(new)
    return replace(pipeline, settings=new, transport=transport, signers=signers)


def _tell(change: SettingsChange, before: Settings) -> None:
    if change.keys or change.files:
        log.info("settings changed", keys=list(change.keys), files=list(change.files))
    # The database is opened once.
    if change.settings.delivery.durability != before.delivery.durability:
        log.warning("a changed setting needs a restart", keys=["delivery.durability"])
