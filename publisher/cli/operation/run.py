"""`publisher run` and `publisher deliver`: the service, one cycle, or due mail alone."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from publisher.cli import common
from publisher.cli.common import Given
from publisher.cli.exit_codes import EXIT_QUARANTINED, Interrupted, echo
from publisher.cli.issues.output import explain_pause, summarise_unsent
from publisher.cli.operation.status import explain_held
from publisher.errors import UsageError

if TYPE_CHECKING:
    from publisher.clock import Clock
    from publisher.config import Settings


# Everything was done, but some files have no article, or their newest version is held back.
_EXIT_HELD_BACK = 3


@common.command("health", "my-publication", takes="DIR --now")
def health_command(given: Given) -> int:
    """Say whether the service works, for containers and monitors: exit code 0, or 1 with the reason.

    Of `web` and `console`, ask the path /healthz.
    """
    from publisher.app.operation.health import find_illness

    problem = find_illness(given.settings, given.clock.now())
    echo(problem or "ok")
    return int(bool(problem))


@common.command("run", "--once --now 2026-01-09T12:00:00Z my-publication", takes="DIR --now")
def run_command(
    given: Given, *, once: bool = False, new_start: bool = False, confirm_clock: bool = False
) -> int:
    """Pick up articles, make what is due, write feeds, pages and mail; then wait for more.

    Nothing is made or sent twice, not even after a crash. SIGTERM ends the service with exit
    code 0. With --once, exit code 3 says that all was done, but files were held back, and 4 that the
    database may be an old copy: no mail is sent until `publisher recover --release`.

    --once: Run one cycle and exit.
    --new-start: Start with an empty database, though public/ or outbox/ is filled. Issues with a page
        are not sent again.
    --confirm-clock: With --once: the clock is right, though it is days after the last cycle; what is
        too late is skipped.
    """
    clock = given.clock
    if given.now and not once:
        raise UsageError("--now: a service needs a clock that goes on; add --once")
    if confirm_clock and not once:
        raise UsageError("--confirm-clock: it is for one cycle; add --once")
    settings = given.settings
    if once:
        return _run_once(settings, clock, new_start=new_start, confirm_clock=confirm_clock)
    # SIGTERM before the service has its own handlers: nothing has begun, so the stop is clean.
    with suppress(Interrupted):
        _run_service(settings, clock, new_start=new_start)
    return 0


def _run_once(settings: Settings, clock: Clock, *, new_start: bool, confirm_clock: bool) -> int:
    from publisher.app.operation.run import open_locked_pipeline, run_cycle
    from publisher.app.operation.status import take_snapshot
    from publisher.cli.operation.cycle_summary import print_summary
    from publisher.cli.progress import show_progress

    with open_locked_pipeline(settings, clock, new_start=new_start) as pipeline:
        pipeline.watch.is_confirmed = confirm_clock
        with show_progress() as progress:
            report = run_cycle(pipeline, progress)
        snapshot = take_snapshot(settings, pipeline.database, clock.now())
    print_summary(common.stdout_console(), settings, snapshot, report)
    if snapshot.old_database:
        return EXIT_QUARANTINED
    if report.problems:
        return 1
    return _EXIT_HELD_BACK if snapshot.quarantine or snapshot.held_sources else 0


def _run_service(settings: Settings, clock: Clock, *, new_start: bool) -> None:
    from publisher.app.operation.run import open_locked_pipeline, run_service
    from publisher.app.start_checks import wait_for_database
    from publisher.cli.log_setup import set_up_logging
    from publisher.cli.operation.cycle_summary import log_report

    set_up_logging("INFO")
    wait_for_database(settings)
    with open_locked_pipeline(settings, clock, new_start=new_start) as pipeline:
        common.end_loading()
        run_service(pipeline, log_report)


@common.command("deliver", "my-publication", takes="DIR --now")
def deliver_command(given: Given) -> int:
    """Send due mails about subscriptions, then what is due of every issue that is ready.

    May run while the service runs, and any number of times: no mail is sent twice. Deferred mail
    (by a server, or by a rate limit) is sent by a later run.
    """
    clock, settings = given.clock, given.settings
    from publisher.app.operation.cycle import deliver_due
    from publisher.cli.progress import show_progress

    with show_progress() as progress:
        run = deliver_due(settings, clock, progress)
    sent, rest = run.sent, summarise_unsent(run.deliveries)
    done = f"{common.count_noun(sent.messages, 'mail')} sent, {common.count_noun(len(sent.issues), 'issue')} done"
    echo(f"{done}; {rest}: publisher status shows why" if rest else done)
    if run.notices.sent:
        echo(f"{common.count_noun(run.notices.sent, 'notice')} to subscribers sent")
    for line in explain_held(run.senders):
        echo(line)
    for issue in run.paused:
        echo(explain_pause(issue))
    problems = list(dict.fromkeys([*run.notices.problems, *sent.problems]))
    for problem in problems:
        echo(f"publisher: {problem}", err=True)
    if run.is_quarantined:
        return EXIT_QUARANTINED
    return 1 if problems else 0
