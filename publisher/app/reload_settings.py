"""The pipeline of a long-running program: an edited publication.toml takes effect at the next cycle.

Work that is under way keeps its settings to its end.
"""

from __future__ import annotations

from dataclasses import replace

import structlog

from publisher.app.newsletter_names import check_newsletter_names
from publisher.app.pipeline import Pipeline
from publisher.config import SETTINGS_FILE, Settings
from publisher.config.delivery import TRANSPORT_KINDS
from publisher.config.reload import ReloadedSettings, SettingsChange
from publisher.delivery.transports import create_transport
from publisher.errors import ConfigError
from publisher.mail.dkim_keys import load_signers

log = structlog.get_logger()


class ReloadedPipeline:
    """Provides each cycle, delivery and ping with a pipeline that has the current settings.

    Jobs in several threads share one instance. A pipeline that a job has received never changes.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._settings = ReloadedSettings(pipeline.settings, self._prepare)
        # As the database was opened, which stays so.
        self._durability = pipeline.settings.delivery.durability

    @property
    def problem(self) -> str:
        """What is wrong with the settings now; empty if they are in use."""
        return self._settings.problem

    @property
    def leads(self) -> bool:
        """Whether no other process plans and writes files."""
        return self._pipeline.leads

    def current(self) -> Pipeline:
        """Return the pipeline with the settings of the file, or the last valid ones."""
        self._settings.current()
        return self._pipeline

    def _prepare(self, change: SettingsChange) -> None:
        """Make a pipeline with new settings; raise ConfigError if a part can't be made from them.

        Transport and signers are kept if nothing that they are made from changed: an outbox keeps
        a list of messages that it could not place.
        """
        old, new = self._pipeline.settings, change.settings
        check_newsletter_names(new, self._pipeline.database)
        self._check_durability(new)
        pipeline = replace(self._pipeline, settings=new)
        is_same_sender = old.publication.sender == new.publication.sender
        if change.files or not is_same_sender or old.delivery != new.delivery:
            transport, signers = create_transport(new), load_signers(new)
            pipeline = replace(pipeline, transport=transport, signers=signers)
        # The database is opened once, and so is the engine.
        durability = old.delivery.durability != new.delivery.durability
        engine = old.publication.engine != new.publication.engine
        changed = {"delivery.durability": durability, "publication.engine": engine}
        if keys := [key for key, is_changed in changed.items() if is_changed]:
            log.warning("a changed setting needs a restart", keys=keys)
        self._pipeline = pipeline

    def _check_durability(self, new: Settings) -> None:
        """Raise ConfigError for a transport that would send mails again if a power cut lost commits."""
        if self._durability == "full" or TRANSPORT_KINDS[new.delivery.transport].is_idempotent:
            return
        problem = 'the database is open with durability = "normal", with which it could send mails again'
        remedy = "stop the service, and start it again"
        file = str(new.folders.root / SETTINGS_FILE)
        raise ConfigError(file, "delivery.transport", problem, remedy)
