"""Run a publication: one cycle, or the service, in one process for each folder."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from publisher import errors
from publisher.app.operation import cycle
from publisher.app.operation.backup import make_due_backup
from publisher.app.operation.cycle import Pipeline
from publisher.app.start_checks import open_locked_parts
from publisher.app.subscribers.incoming_mail import poll_mailbox
from publisher.clock import Clock
from publisher.config import SETTINGS_FILE, Settings
from publisher.delivery.dispatcher import Progress
from publisher.fault_isolation import isolated
from publisher.files import storage_errors
from publisher.jobs.heartbeat import write_heartbeat
from publisher.jobs.turns import Turn, TurnEngine, Work, recording
from publisher.log import log


def open_engine(pipeline: Pipeline, watch: Work) -> TurnEngine:
    """Return the engine of the settings, which calls `watch` every few seconds. Raise ConfigError, and DatabaseError without tables."""
    settings = pipeline.settings
    if settings.publication.engine == "local":
        from publisher.jobs.local_engine import Service

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
        from publisher.jobs.shared_engine import TaskEngine
    except ImportError:
        raise _error(
            settings,
            "Procrastinate is not installed",
            "run `pip install --requirement requirements-extras.txt` in its folder, or leave engine out",
        ) from None
    # The name of the one process that runs a folder on a machine.
    folder = hashlib.sha256(os.fsencode(settings.folders.root)).hexdigest()[:12]
    queue = JobQueue(address, f"{settings.host}/{folder}")
    return TaskEngine(pipeline.database, queue, settings.folders.root, watch)


def _error(settings: Settings, problem: str, remedy: str) -> errors.ConfigError:
    file = settings.folders.root / SETTINGS_FILE
    return errors.ConfigError(str(file), "publication.engine", problem, remedy)


_PREPARE = "prepare"  # the turn of the service that makes everything before delivery
# Somebody who asks to join waits for the mail. Looking for one is a query of an index.
SECONDS_BETWEEN_NOTICES = 2.0
SECONDS_BETWEEN_WEBHOOKS = 5.0  # the first retry of a webhook comes after so long
SECONDS_BETWEEN_POLLS = 60.0  # a mailbox on a server is logged in to each time
# A day's backup begins so long after its hour at most. Looking whether it is due is a query of one row.
SECONDS_BETWEEN_BACKUP_CHECKS = 60.0


@contextmanager
def open_locked_pipeline(
    settings: Settings, clock: Clock, *, new_start: bool = False
) -> Iterator[Pipeline]:
    """Open the pipeline, alone in this folder of the publication. Raise what `open_locked_parts` raises."""
    with open_locked_parts(settings, clock, new_start=new_start) as parts:
        yield cycle.pipeline_of(parts)


def run_cycle(pipeline: Pipeline, progress: Progress) -> cycle.CycleReport:
    """Run one cycle and record that it was run; a record that can't be written is a problem."""
    with recording(pipeline.database, _PREPARE, pipeline.clock.now, alone=True) as problems:
        # First of all: who leaves by mail gets no issue any more.
        with isolated("mailbox", problems.append):
            _read_mail(pipeline)
        with isolated("sources", problems.append):
            problems.extend(pipeline.poll_sources(progress))
        report = pipeline.run(progress)
        report.problems += problems
        problems[:] = report.problems
    try:
        with storage_errors(pipeline.settings.folders.var):
            _beat(pipeline)
    except errors.StorageError as error:
        report.problems.append(str(error))
    return report


def service_turns(
    live: cycle.ReloadedPipeline, on_report: Callable[[cycle.CycleReport], None]
) -> tuple[Turn, ...]:
    """Return the turns of the service. What may be slow, like delivery and pings of hubs, has a turn of its own, and delays no article."""

    def prepare(progress: Progress) -> None:
        pipeline = live.current()
        with recording(pipeline.database, _PREPARE, pipeline.clock.now) as problems:
            report = pipeline.prepare(progress)
            report.settings_problem = live.problem
            problems += [*report.problems, *filter(None, [live.problem])]
        on_report(report)
        _beat(pipeline)

    def is_ours() -> bool:
        return live.leads

    recorded = partial(_recorded, live)
    deliver = recorded(cycle.DELIVER, lambda one, progress: one.deliver(progress).problems)
    ping = recorded("ping", lambda one, _: one.ping().problems)
    notify = recorded("notify", lambda one, progress: one.notify(progress).problems)
    webhooks = recorded("webhooks", lambda one, _: one.call_webhooks().problems)
    mailbox = recorded("mailbox", lambda one, _: _read_mail(one))
    return (
        Turn(_PREPARE, prepare, None, is_ours),
        Turn(cycle.DELIVER, deliver),
        Turn("ping", ping, None, is_ours),
        Turn("notify", notify, SECONDS_BETWEEN_NOTICES),
        Turn("webhooks", webhooks, SECONDS_BETWEEN_WEBHOOKS, is_ours),
        Turn("mailbox", mailbox, SECONDS_BETWEEN_POLLS, is_ours),
        # Beside the cycle: a slow site delays no article of others.
        Turn("poll", recorded("poll", Pipeline.poll_sources), None, is_ours),
        # What goes wrong with a backup is on record in a row of its own.
        Turn("backup", partial(_back_up, live), SECONDS_BETWEEN_BACKUP_CHECKS, is_ours),
    )


def _recorded(
    live: cycle.ReloadedPipeline, name: str, work: Callable[[Pipeline, Progress], Sequence[str]]
) -> Work:
    """Return a turn's work that stores its problems, on the leader alone: each machine would delete those of the others."""

    def run(progress: Progress) -> None:
        pipeline = live.current()
        if not live.leads:
            work(pipeline, progress)
            return
        with recording(pipeline.database, name, pipeline.clock.now) as problems:
            problems.extend(work(pipeline, progress))

    return run


def _back_up(live: cycle.ReloadedPipeline, progress: Progress) -> None:
    def require_leader(step: str, done: int, of: int, note: str = "") -> None:
        if not pipeline.leads:
            raise errors.LeaderLostError
        progress(step, done, of, note)

    pipeline = live.current()
    make_due_backup(pipeline.settings, pipeline.database, pipeline.clock, require_leader)


def run_service(pipeline: Pipeline, on_report: Callable[[cycle.CycleReport], None]) -> None:
    """Run the turns at intervals until SIGTERM or SIGINT. Raise ConfigError if they can't be."""
    engine = open_engine(pipeline, partial(_beat_unless_leading, pipeline))
    live = cycle.ReloadedPipeline(replace(pipeline, engine=engine))
    for turn in service_turns(live, on_report):
        engine.schedule(turn)
    engine.run()


def _beat_unless_leading(pipeline: Pipeline, _progress: Progress) -> None:
    """Record that a process works that gets no cycles to run: the leader has them."""
    if not pipeline.leads:
        _beat(pipeline)


def _read_mail(pipeline: Pipeline) -> Sequence[str]:
    """Receive the mails that wait in the mailbox, if there is one to look into. Return no problems."""
    box = pipeline.settings.mailbox
    if box is None or box.kind == "pipe" or not pipeline.leads:
        return ()
    counts = poll_mailbox(pipeline.settings, pipeline.database, pipeline.clock)
    if counts:
        log.info("mails received", **{use.value: count for use, count in counts.items()})
    return ()


def _beat(pipeline: Pipeline) -> None:
    # A time that may be wrong is no time at which something was done.
    if not pipeline.find_clock_problem():
        write_heartbeat(pipeline.settings.folders.heartbeat, pipeline.clock.now())
