"""One cycle, the program on one page: pick up -> plan -> assemble -> syndicate -> deliver.

A cycle may be killed anywhere and run again: each step reads from the database what is left to do. Feeds and pages are
written before mail is sent, so that every link in a mail works. Due mail can be sent without a cycle, with or without a
running service. In a long-running program an edited publication.toml takes effect at the next cycle; work that is under
way keeps its settings to its end. `publisher.app.operation.run` runs a cycle, or the service, alone in its folder.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from publisher import urls
from publisher.accounts.mails import queue_digests
from publisher.app import start_checks
from publisher.app.editing_state import EditingState
from publisher.app.issues.approval_mails import queue_reminders, queue_verdicts
from publisher.app.source_polls import poll_sources, polled_sources
from publisher.app.staff_mails import queue_source_mails, send_staff_mails
from publisher.app.subscribers.departures import DepartureRecorder
from publisher.app.subscribers.joining import delete_expired_requests, send_reminders
from publisher.app.subscribers.numbers import count_large_list
from publisher.app.subscribers.personal_tables import forget_former_addresses
from publisher.app.subscribers.uploaded_lists import delete_expired_imports
from publisher.app.translators import queue_translator_mails
from publisher.assembly.approval_check import check_approvals
from publisher.assembly.assemble import assemble_issues, render_variant
from publisher.assembly.revise import revise_issues
from publisher.assembly.select import select_due
from publisher.bucket.turn import fill_bucket, lacks_what_was_copied, public_since
from publisher.bucket.upload import TAG_FILE, Uploader
from publisher.clock import Clock
from publisher.config import SETTINGS_FILE, Settings
from publisher.config.delivery import TRANSPORT_KINDS
from publisher.config.reload import ReloadedSettings, SettingsChange
from publisher.database import Database
from publisher.delivery.dispatcher import DeliveryReport, Dispatcher, Progress
from publisher.delivery.issue_opening import check_audiences
from publisher.delivery.ledger.leases import SenderStatus, list_senders
from publisher.delivery.ledger.lifecycle import count_deliveries
from publisher.delivery.ledger.reports import prune_ledgers
from publisher.delivery.lineage.quarantine import (
    ClockWatch,
    find_quarantine,
    take_back_early_skips,
    why_old,
)
from publisher.delivery.lineage.witness import read_lineage
from publisher.delivery.transports import create_transport
from publisher.delivery.transports.base import Transport
from publisher.errors import ConfigError
from publisher.fault_isolation import Report, isolated
from publisher.files import merge_refused, write_file
from publisher.ingest.pickup import source_items
from publisher.ingest.pickup.source_pickup import PickedUp, pick_up
from publisher.issues import store
from publisher.issues.late_translations import translations_to_take
from publisher.issues.model import Issue, IssueState
from publisher.issues.planner import plan_issues
from publisher.jobs.turns import TurnEngine
from publisher.leader.process_lock import publication_was_killed
from publisher.log import log
from publisher.mail.dkim_keys import load_signers
from publisher.notices.sender import NoticeReport, send_notices
from publisher.rendering.template_files import misspelt_templates
from publisher.site import SiteReport, mark_all_pages_due, write_site
from publisher.site.writer import try_templates
from publisher.syndication.feed_writer import mark_all_feeds_due, publish_feeds
from publisher.syndication.indexnow import enqueue_pages, write_key_file
from publisher.syndication.websub_client import HubReport, notify_hubs
from publisher.webhooks.client import Caller
from publisher.webhooks.sender import WebhookReport, WebhookSender

DELIVER = "deliver"  # the turn of the service that sends issues


def _silent(_step: str, _done: int, _of: int, _note: str = "") -> None:
    """Ignore progress."""


@dataclass(slots=True)
class CycleReport:
    """What one cycle did."""

    picked_up: PickedUp = field(default_factory=PickedUp)
    issues: int = 0
    written: SiteReport = field(default_factory=SiteReport)
    feeds: int = 0
    notices: NoticeReport = field(default_factory=NoticeReport)
    sent: DeliveryReport = field(default_factory=DeliveryReport)
    pinged: HubReport = field(default_factory=HubReport)
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)  # what may be a mistake, and stops nothing
    settings_problem: str = ""  # why edited settings are not in use, while it lasts
    # Another process plans and writes files; this one only sent mail.
    is_led_elsewhere: bool = False


def add_reports(reports: Sequence[CycleReport]) -> CycleReport:
    """Return the sum of several cycles; the quarantine is that of the last one."""
    total = CycleReport()
    for report in reports:
        picked = report.picked_up
        for name in ("new", "changed", "moved", "removed"):
            counted = getattr(total.picked_up, name) + getattr(picked, name)
            setattr(total.picked_up, name, counted)
        total.picked_up.quarantined = picked.quarantined
        total.issues += report.issues
        total.feeds += report.feeds
        total.notices.sent += report.notices.sent
        total.sent.messages += report.sent.messages
        total.problems += report.problems
    return total


@dataclass(frozen=True, slots=True)
class Pipeline(start_checks.PipelineParts):
    """All that a cycle needs, and its steps."""

    # What starts the turns of the service; None for a single cycle.
    engine: TurnEngine | None = None
    uploader: Uploader = field(default_factory=Uploader)
    watch: ClockWatch = field(default_factory=ClockWatch)

    @property
    def leads(self) -> bool:
        """Whether no other process plans and writes files."""
        return self.leadership is None or self.leadership.epoch is not None

    @property
    def parts(self) -> tuple[Settings, Database, Transport, str, Clock]:
        """What each step that sends mail needs, in the order of its arguments."""
        return self.settings, self.database, self.transport, self.secret, self.clock

    def run(self, progress: Progress = _silent) -> CycleReport:
        """Run one whole cycle. A step that fails is reported, and the others are done."""
        report = self.prepare(progress)
        held = report.problems.append
        with isolated("notices", held):
            report.notices = self.notify(progress)
            report.problems += report.notices.problems
        with isolated("delivery", held):
            report.sent = self.deliver(progress)
            report.problems += report.sent.problems
        with isolated("pings of hubs", held):
            report.pinged = self.ping()
            report.problems += report.pinged.problems
        with isolated("webhooks", held):
            report.problems += self.call_webhooks().problems
        report.problems = list(dict.fromkeys(report.problems))
        return report

    def prepare(self, progress: Progress = _silent) -> CycleReport:
        """Run the steps before delivery: articles, issues, pages and feeds. Only the leader does."""
        if self.leadership is None:
            return self._prepare(progress)
        with self.leadership.leading(self.settings.folders.public, _mark_all_due) as database:
            if database is None:
                return CycleReport(is_led_elsewhere=True)
            return replace(self, database=database, leadership=None).prepare(progress)

    def _prepare(self, progress: Progress) -> CycleReport:
        if problem := self.find_clock_problem():
            return CycleReport(problems=[problem])
        now = self.clock.now()
        report = CycleReport()
        settings, database, held = self.settings, self.database, report.problems.append
        with isolated("the web root", held):
            _restore_lost_web_root(settings, database)
        unread = report.picked_up
        with isolated("articles", unread.problems.append):
            report.picked_up = self.pick_up(now, progress)
        self._keep_house(now, held)
        if report.picked_up is not unread:  # else issues would lack what was not read
            self._plan(now, held)
        report.problems += report.picked_up.problems
        with isolated("pages of issues", held):
            report.problems += revise_issues(settings, database, self.renderer, now)
        with isolated("audiences", held):
            check_audiences(settings, database, now, held)
        with isolated("approvals", held):
            check_approvals(settings, database, self.renderer, now, held)
        with isolated("reminders of approvals", held):
            queue_reminders(settings, database, now)
        with isolated("issues", held):
            report.issues, problems = assemble_issues(settings, database, self.renderer)
            report.problems += problems
        with isolated("mails about approvals", held):
            # What has changed waits for approval again by now.
            queue_verdicts(settings, database, now)
        self._publish(report, progress, now)
        return report

    def _plan(self, now: datetime, held: Report) -> None:
        """Make the issues that are due, unless the database may be old."""
        settings, database = self.settings, self.database
        if problem := find_quarantine(settings, database, now):
            held(problem)
        else:
            with isolated("old deliveries", held):
                if days := settings.delivery.keep_deliveries:
                    # Some of them; the next cycle goes on.
                    prune_ledgers(database, timedelta(days=days), now)
            with isolated("mails to translators", held):
                queue_translator_mails(settings, database, now, held)
            with isolated("planning", held):
                take_back_early_skips(settings, database, now)
                plan_issues(settings, database, now, self._made_at(), held)
            with isolated("selection", held):
                select_due(settings, database, now, held)
            with isolated("late translations", held):
                self._take_translations(now)

    def _take_translations(self, now: datetime) -> None:
        with self.database.reading() as connection:
            late = translations_to_take(connection, self.settings, now)
        if late:
            # It loads what renders mails, and few cycles need it.
            from publisher.app.issues.edits import take_translations

            take_translations(
                EditingState(
                    settings=self.settings,
                    database=self.database,
                    secret=self.secret,
                    clock=self.clock,
                ),
                late,
            )

    def _keep_house(self, now: datetime, held: Report) -> None:
        """Do what is due in each cycle and no other step needs."""
        settings, database = self.settings, self.database
        zone = ZoneInfo(settings.publication.timezone)
        for what, work in (
            ("catalogues", self._warn_of_missing_catalogues),
            ("reminders of confirmations", lambda: send_reminders(settings, database, now)),
            ("expired requests", lambda: delete_expired_requests(database, now)),
            ("expired imports", lambda: delete_expired_imports(settings, now)),
            ("templates", lambda: try_templates(settings, database, self.renderer, now)),
            ("numbers of the list", lambda: count_large_list(settings, database, now)),
            ("former addresses", lambda: forget_former_addresses(database, now)),
            ("mails about sources", lambda: queue_source_mails(settings, database, now)),
            ("daily mails", lambda: queue_digests(database, now, zone)),
        ):
            with isolated(what, held):
                work()

    def _publish(self, report: CycleReport, progress: Progress, now: datetime) -> None:
        parts = (self.settings, self.database, self.renderer, now)
        tell = partial(enqueue_pages, settings=self.settings, now=now)
        with isolated("the key for search engines", report.problems.append):
            write_key_file(self.settings, self.database)
        with isolated("pages", report.written.problems.append):
            shown = partial(progress, "writing pages")
            is_told = bool(self.settings.site.indexnow)
            report.written = write_site(*parts, shown, tell if is_told else None)
        problems = list[str]()
        with isolated("feeds", problems.append):
            report.feeds, problems = publish_feeds(*parts, progress)
        report.problems += merge_refused(report.written.problems + problems)
        is_whole = not (report.picked_up.problems or report.written.problems or problems)
        report.problems += self.renderer.take_faults()
        with isolated("templates", report.problems.append):
            report.remarks += misspelt_templates(self.settings.folders.root)
        upload = partial(self.uploader.upload, self.settings, progress, is_whole=is_whole)
        with isolated("the bucket", report.problems.append):
            report.problems += fill_bucket(
                self.settings, self.database, upload, report.written.pages, now
            )

    def _made_at(self) -> datetime | None:
        with self.database.reading() as connection:
            found = read_lineage(connection)
        return found.made_at if found else None

    def pick_up(self, now: datetime, progress: Progress = _silent) -> PickedUp:
        return pick_up(self.settings, self.database, now, partial(progress, "reading articles"))

    def poll_sources(self, progress: Progress = _silent) -> Sequence[str]:
        """Ask the sources on the web that are due. Return the problems that any has."""
        if not self.leads or not polled_sources(self.settings) or self.find_clock_problem():
            return ()
        return poll_sources(self.settings, self.database, self.clock, progress).problems

    def deliver(self, progress: Progress = _silent) -> DeliveryReport:
        """Send all mail that is due; before that and meanwhile, record who left."""
        if problem := self.find_clock_problem():
            return DeliveryReport(problems=[problem])
        return self.send(progress, cancels_removed=self.leads)

    def send(self, progress: Progress | None, *, cancels_removed: bool) -> DeliveryReport:
        """Do the same without looking at the clock; the leader cancels what was removed."""
        return Dispatcher(
            *self.parts,
            progress,
            signers=self.signers,
            render_variant=partial(render_variant, self.settings, self.database, self.renderer),
            call_senders=partial(self.engine.enqueue, name=DELIVER) if self.engine else None,
            record_departures=DepartureRecorder(self.settings, self.database, self.clock),
            cancels_removed=cancels_removed,
        ).deliver()

    def notify(self, progress: Progress = _silent) -> NoticeReport:
        """Send the mails about subscriptions that are due, before any issue; and those to people who work here."""
        if problem := self._quarantine():
            return NoticeReport(problems=[problem])
        report = send_notices(
            *self.parts, self.renderer, signers=self.signers, progress=progress
        )
        report.problems += send_staff_mails(*self.parts, signers=self.signers)
        return report

    def ping(self) -> HubReport:
        """Notify the hubs of changed feeds; after delivery, so that a slow hub delays no mail."""
        # Only of what hubs find on the web.
        until = public_since(self.settings, self.database, self.clock.now())
        if not self.leads or until is None:
            return HubReport()
        receivers = (*self.settings.feeds.hubs, *self.settings.site.indexnow)
        return notify_hubs(self.database, receivers, until)

    def call_webhooks(self) -> WebhookReport:
        if not self.leads:
            return WebhookReport()
        if problem := self._quarantine():
            return WebhookReport(problems=[problem])
        caller = Caller(allow_loopback=self.settings.webhooks.loopback)
        check = partial(why_old, self.settings, self.database)
        sender = WebhookSender(self.database, self.clock, caller, self.secret, why_old=check)
        return sender.run()

    def find_clock_problem(self) -> str | None:
        """Return why nothing may be planned or sent by this clock; None if it may."""
        problem = self.watch.find_problem(self.settings, self.database, self.clock)
        # An old database is behind, too, and says so itself.
        return None if problem and self._quarantine() else problem

    def _quarantine(self) -> str | None:
        return find_quarantine(self.settings, self.database, self.clock.now())

    def _warn_of_missing_catalogues(self) -> None:
        """Warn of languages without a translation when their first page is about to be written."""
        for language in self.settings.publication.languages:
            home = self.settings.folders.public / urls.page_file(urls.home_path(language))
            if not home.is_file() and not self.renderer.has_catalogue(language):
                log.warning(
                    "no translation of the program's own words; English will stand around the"
                    " articles",
                    language=language,
                )


def _restore_lost_web_root(settings: Settings, database: Database) -> None:
    """Have everything below the web root written again if the folder, or what the bucket got of it, is gone."""
    is_other = lacks_what_was_copied(settings, database)
    if is_other or not settings.folders.public.is_dir():
        with database.writing() as connection:
            _mark_all_due(connection)
    if is_other:
        # So that it is done once. Without a tag, the bucket keeps what is not here until all is.
        write_file(settings.folders.public / TAG_FILE, b"")


def _mark_all_due(connection: Connection) -> None:
    # The sources are read again for their media files.
    source_items.read_all_again(connection)
    mark_all_pages_due(connection)
    mark_all_feeds_due(connection)


@contextmanager
def open_pipeline(
    settings: Settings,
    clock: Clock,
    check: Callable[[Settings, Database], object] = lambda *_: None,
) -> Iterator[Pipeline]:
    with start_checks.open_parts(settings, clock, check) as parts:
        yield pipeline_of(parts)


def pipeline_of(parts: start_checks.PipelineParts) -> Pipeline:
    return Pipeline(**{one.name: getattr(parts, one.name) for one in fields(parts)})


@dataclass(frozen=True, slots=True)
class DeliveryRun:
    """What was sent, the deliveries of its issues by state, and the issues that are paused."""

    sent: DeliveryReport
    notices: NoticeReport
    deliveries: Counter[str]
    paused: list[Issue]
    # Other processes that have mails which nobody else may send now.
    senders: Sequence[SenderStatus] = ()
    # Nothing was sent: the database may be older than what was sent.
    is_quarantined: bool = False


def deliver_due(
    settings: Settings, clock: Clock, progress: Progress | None = None
) -> DeliveryRun:
    """Send due notices, then what is due of every issue, and end. May run while the service runs, and any number of times."""
    start_checks.require_whole(settings, was_killed=publication_was_killed(settings.folders))
    with open_pipeline(settings, clock) as pipeline:
        database, notices = pipeline.database, NoticeReport()
        quarantine = find_quarantine(settings, database, clock.now())
        clock_problem = pipeline.watch.find_problem(settings, database, clock)
        if clock_problem and not quarantine:
            refused = DeliveryReport(problems=[clock_problem])
            return DeliveryRun(refused, notices, Counter(), [])
        if not quarantine:
            parts = (*pipeline.parts, pipeline.renderer)
            notices = send_notices(*parts, signers=pipeline.signers, progress=progress)
        with database.reading() as connection:
            under_way = store.issues_in_state(connection, IssueState.READY, IssueState.SENDING)
        # On a server, that is for the leader.
        sent = pipeline.send(progress, cancels_removed=database.path is not None)
        counted = _counted(database, {issue.id for issue in under_way}, sent)
        return DeliveryRun(sent, notices, *counted, is_quarantined=quarantine is not None)


def _counted(
    database: Database, before: set[int], sent: DeliveryReport
) -> tuple[Counter[str], list[Issue], list[SenderStatus]]:
    """Return the deliveries of the issues that were under way or were sent, the paused issues, and other senders."""
    with database.reading() as connection:
        ended = [store.issue_by_name(connection, name) for name in sent.issues]
        ids = before | {issue.id for issue in ended if issue}
        counts = sum(count_deliveries(connection, [*ids]).values(), Counter())
        paused = store.issues_in_state(connection, IssueState.PAUSED)
        return counts, paused, list_senders(connection, database.timer.time())


class ReloadedPipeline:
    """Provides jobs, in several threads, with a pipeline of the current settings. One that a job has received never changes."""

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
        """Make a pipeline with new settings; raise ConfigError. An unchanged transport is kept: an outbox lists what it could not place."""
        old, new = self._pipeline.settings, change.settings
        start_checks.check_newsletter_names(new, self._pipeline.database)
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
