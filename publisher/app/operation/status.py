"""The state of a publication as one value, for `status`, `run --once` and `demo`; and where its pages are."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import Connection

from feeds import FEED_FORMATS
from publisher import urls
from publisher.app.issues.lookup import issues_made_ahead
from publisher.app.subscribers.join_protection import joining_stopped
from publisher.articles import store as articles
from publisher.bounces.store import count_events, count_unattributed
from publisher.bucket.contents import BucketState, read_state
from publisher.config import Settings
from publisher.database import Database
from publisher.delivery.ledger.leases import SenderStatus, list_senders
from publisher.delivery.ledger.lifecycle import count_deliveries
from publisher.delivery.ledger.reports import CauseCounts, count_causes, last_due_at
from publisher.delivery.lineage.quarantine import find_jump, find_quarantine
from publisher.delivery.lineage.witness import read_lineage, second_folder
from publisher.delivery.states import FAILURE_STATES
from publisher.delivery.transports import create_transport
from publisher.files import find_full_disk
from publisher.ingest import problems as item_problems
from publisher.ingest.problems import count_problems
from publisher.issues import digests, planner
from publisher.issues import store as issues
from publisher.issues.approvals import approved_before
from publisher.issues.model import SELECTED_STATES, STATES_WITH_PAGE, Issue, IssueState
from publisher.jobs import turns as job_turns
from publisher.jobs.heartbeat import read_heartbeat
from publisher.languages import match
from publisher.languages.catalogues import has_catalogue
from publisher.leader.process_lock import process_died
from publisher.leader.store import current_leader, running_processes
from publisher.mailbox.store import MailUse, count_received
from publisher.notices.ledger import count_notices, count_rejected
from publisher.syndication import feed_index, websub
from publisher.translations.listing import count_stale
from publisher.translations.records import count_expired
from subscribers.audiences import count_subscribers_by_language

_ISSUES_PER_LANGUAGE = 20
_LATEST_ISSUES = 20
_MAX_ROWS_READ = 10_000  # rows whose causes are counted, for all issues together
# Reports about mail are counted for so long.
_RETURNED_PERIOD = timedelta(days=7)
_HELD_PERIOD = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class IssueStatus:
    """An issue with its numbers. `approved_before`: who approved it before a change, while it waits for approval again."""

    issue: Issue
    articles: int
    deliveries: Counter[str]
    warnings: int = 0
    # Of the latest issues: why mails were not sent.
    causes: CauseCounts = field(default_factory=Counter)
    # While it is sent at subscribers' local times: when the last row is due.
    until: datetime | None = None
    approved_before: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LanguageStatus:
    """The numbers of a language; `upcoming` has the issues made ahead and the next of each newsletter, by time."""

    language: str
    articles: int
    conversions: int
    held_back: int
    subscribers: int
    issues: tuple[IssueStatus, ...]
    upcoming: tuple[planner.EditionIssue, ...]

    def latest(self, *states: IssueState) -> dict[str, IssueStatus]:
        """Return the latest issue of each newsletter, of those in these states, if any are named."""
        found: dict[str, IssueStatus] = {}
        for one in self.issues:
            if not states or one.issue.state in states:
                found.setdefault(one.issue.newsletter, one)
        return found


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """A process that runs the publication; with an epoch if it plans issues and writes files."""

    host: str
    pid: int
    epoch: int | None = None


@dataclass(frozen=True, slots=True)
class PublicationStatus:
    """The state of a publication at one instant.

    `latest` are the latest issues of all languages, the newest first. `elsewhere` and `unserved`
    are articles and subscribers in languages that the publication does not have.
    """

    stories: int
    languages: tuple[LanguageStatus, ...]
    latest: tuple[IssueStatus, ...] = ()
    worked_at: datetime | None = None
    # Why nothing is planned or sent: the database may be older than what was sent.
    old_database: str | None = None
    # Mails were sent, and only files below this folder say so: a snapshot of it that is put back would not be noticed.
    has_no_second_witness: bool = False
    full_disk: str | None = None
    overdue: tuple[planner.EditionIssue, ...] = ()
    clock_problem: str | None = None
    elsewhere: dict[str, int] = field(default_factory=dict)
    unserved: dict[str, int] = field(default_factory=dict)
    quarantine: tuple[tuple[str, str], ...] = ()
    # Sources that suddenly lost most of their articles: nothing of them is withdrawn.
    held_sources: tuple[item_problems.HeldSource, ...] = ()
    # Sources that the last cycle could not read: nothing of them changes.
    unreadable_sources: tuple[item_problems.SourceFailure, ...] = ()
    # What went wrong in the last cycle, or the last run of a turn of the service.
    problems: tuple[job_turns.TurnProblem, ...] = ()
    article_problems: dict[str, int] = field(default_factory=dict)
    held_back: dict[str, int] = field(default_factory=dict)
    # Files that are no articles by their names: reason, group, number.
    left_out: tuple[tuple[str, str, int], ...] = ()
    # Languages that the program has no words in: English stands around their articles.
    wordless: tuple[str, ...] = ()
    feeds: int = 0
    pings_waiting: int = 0
    # Hub, feed, and what the hub answered last.
    pings_failed: tuple[tuple[str, str, str], ...] = ()
    # Nobody can subscribe, since too many mails that ask for a confirmation bounced.
    joining_stopped: bool = False
    # Reports about mail, by kind, that came in within a week; and those of nobody we know.
    returned_mail: dict[str, int] = field(default_factory=dict)
    returned_mail_of_nobody: int = 0
    notices: dict[str, int] = field(default_factory=dict)
    # Mails about subscriptions that wait for a template to be mended, by what is wrong with it.
    notices_rejected: dict[str, int] = field(default_factory=dict)
    # What came into the mailbox within 30 days, by what was done with it.
    received_mail: dict[str, int] = field(default_factory=dict)
    # Mails of the last day that ask to unsubscribe somebody, prove nothing, and were too many.
    mails_held: int = 0
    # By language: translations whose originals have changed, and promises whose time is over.
    stale_translations: dict[str, int] = field(default_factory=dict)
    expired_promises: dict[str, int] = field(default_factory=dict)
    # With a database on a server: what runs on any machine.
    processes: tuple[ProcessStatus, ...] = ()
    # With a bucket for the files: why it lacks any, and when it had all.
    bucket: BucketState | None = None
    # With backups by the service: when it made the last one, and why the next one failed.
    backup: job_turns.BackupState | None = None
    senders: tuple[SenderStatus, ...] = ()
    # With a task engine: the turns that wait, run or failed.
    turns: tuple[job_turns.TurnState, ...] = ()


def take_snapshot(settings: Settings, database: Database, now: datetime) -> PublicationStatus:
    """Return the state of a publication, read in one transaction."""
    with database.reading() as connection:
        at = database.timer.time()
        lineage = read_lineage(connection)
        snapshot = replace(
            _read_snapshot(connection, settings, now),
            overdue=tuple(planner.list_overdue(connection, settings, now)),
            processes=_read_processes(connection, settings, at),
            senders=tuple(list_senders(connection, at)),
            turns=_read_turns(connection, settings),
            bucket=read_state(connection) if settings.s3 else None,
            backup=job_turns.read_backup_state(connection) if settings.backup else None,
        )
    templates, languages = (settings.folders.templates,), settings.publication.languages
    is_wanted = settings.delivery.witness is not False and lineage and lineage.page
    return replace(
        snapshot,
        worked_at=read_heartbeat(settings.folders.heartbeat),
        old_database=find_quarantine(settings, database, now, records=False),
        has_no_second_witness=bool(is_wanted and second_folder(settings) is None),
        full_disk=find_full_disk(settings.folders.root, settings.folders.var),
        clock_problem=find_jump(settings, database, now),
        wordless=tuple(one for one in languages if not has_catalogue(one, templates)),
    )


def _read_processes(
    connection: Connection, settings: Settings, at: float
) -> tuple[ProcessStatus, ...]:
    """Return what runs at an instant of the database's clock; nothing that was killed on this machine."""
    leads = current_leader(connection, at)
    epochs = {leads.holder: leads.epoch} if leads else {}
    return tuple(
        ProcessStatus(one.host, one.pid, epochs.get(one.id))
        for one in running_processes(connection, at)
        if one.host != settings.host or not process_died(settings.folders, one.pid)
    )


def _read_turns(connection: Connection, settings: Settings) -> tuple[job_turns.TurnState, ...]:
    if settings.publication.engine == "local" or settings.database_address is None:
        return ()
    return tuple(job_turns.shared_turn_states(connection))


def _read_snapshot(
    connection: Connection, settings: Settings, now: datetime
) -> PublicationStatus:
    served = settings.publication.languages
    shown = _latest_issues(connection, settings, now)
    languages, elsewhere, unserved = _read_languages(connection, settings, shown, now)
    return PublicationStatus(
        stories=articles.count_stories(connection),
        languages=languages,
        latest=tuple(shown[:_LATEST_ISSUES]),
        elsewhere=elsewhere,
        unserved=unserved,
        quarantine=tuple(item_problems.quarantined_items(connection)),
        held_sources=tuple(item_problems.list_held_sources(connection)),
        unreadable_sources=tuple(item_problems.list_failures(connection)),
        problems=tuple(job_turns.list_turn_problems(connection)),
        article_problems={k.value: n for k, n in count_problems(connection).items()},
        held_back=_held_back(connection, served),
        left_out=tuple(item_problems.left_out_by_name(connection)),
        feeds=feed_index.count_feeds(connection, served),
        pings_waiting=websub.count_waiting_pings(connection),
        pings_failed=tuple(websub.failed_pings(connection)),
        joining_stopped=joining_stopped(connection, settings, now),
        returned_mail=count_events(connection, now - _RETURNED_PERIOD),
        returned_mail_of_nobody=count_unattributed(connection, now - _RETURNED_PERIOD),
        notices={state.value: n for state, n in count_notices(connection).items()},
        notices_rejected=count_rejected(connection),
        received_mail={use.value: n for use, n in count_received(connection).items()},
        mails_held=count_received(connection, now - _HELD_PERIOD)[MailUse.HELD],
        stale_translations=count_stale(connection, served, now),
        expired_promises=count_expired(connection, now),
    )


def _read_languages(
    connection: Connection, settings: Settings, shown: Sequence[IssueStatus], now: datetime
) -> tuple[tuple[LanguageStatus, ...], dict[str, int], dict[str, int]]:
    """Return each language of the publication; the articles, then the subscribers, of others."""
    served = settings.publication.languages
    counts = articles.count_articles_by_language(connection)
    subscribers = count_subscribers_by_language(connection)
    served_by: Counter[str | None] = Counter()
    for tag, count in subscribers.items():
        served_by[match(tag, served)] += count
    conversions = articles.count_conversions(connection)
    until = planner.read_planning(connection, settings)
    coming = [*issues_made_ahead(connection, settings, now)]
    for edition in planner.all_editions(settings):
        coming += islice(planner.upcoming_of(edition, until, now), 1)
    coming.sort(key=lambda one: one.issue.due_at)
    languages = tuple(
        LanguageStatus(
            language=language,
            articles=counts.get(language, 0),
            conversions=conversions.get(language, 0),
            held_back=sum(articles.held_back(connection, [language]).values()),
            subscribers=served_by[language],
            issues=tuple(one for one in shown if one.issue.language == language),
            upcoming=tuple(one for one in coming if one.edition.language == language),
        )
        for language in served
    )
    elsewhere = {tag: n for tag, n in counts.items() if tag not in served}
    unserved = {tag: n for tag, n in subscribers.items() if match(tag, served) is None}
    return languages, elsewhere, unserved


def _held_back(connection: Connection, languages: Sequence[str]) -> dict[str, int]:
    counts = Counter(item_problems.count_left_out(connection))
    counts.update(articles.held_back(connection, languages))
    return dict(counts.most_common())


def _latest_issues(
    connection: Connection, settings: Settings, now: datetime
) -> list[IssueStatus]:
    """Return the latest issues of its languages, the newest first; the first of them with causes."""
    served = settings.publication.languages
    latest = issues.latest_issues(connection, _ISSUES_PER_LANGUAGE * len(served))
    shown = with_numbers(connection, [one for one in latest if one.language in served])
    causes = _failure_causes(connection, shown[:_LATEST_ISSUES])
    return [
        replace(
            one,
            causes=causes.get(one.issue.id, Counter()),
            until=last_due_at(connection, one.issue.id, now)
            if one.issue.state is IssueState.SENDING and _has_local_times(settings, one.issue)
            else None,
            approved_before=approved_before(connection, one.issue),
        )
        for one in shown
    ]


def with_numbers(connection: Connection, found: Sequence[Issue]) -> list[IssueStatus]:
    ids = [issue.id for issue in found]
    ledgers = count_deliveries(connection, ids)
    sizes = issues.article_counts(connection, ids)
    frozen = digests.subjects_and_warnings(connection, ids)
    return [
        IssueStatus(
            *(one, sizes.get(one.id, 0), ledgers[one.id]), frozen.get(one.id, ("", 0))[1]
        )
        for one in found
    ]


def _has_local_times(settings: Settings, issue: Issue) -> bool:
    edition = settings.edition(issue.newsletter, issue.language)
    return edition is not None and edition.local_time


def _failure_causes(
    connection: Connection, latest: Sequence[IssueStatus]
) -> dict[int, CauseCounts]:
    troubled = {
        one.issue.id: states
        for one in latest
        if (states := [state for state in FAILURE_STATES if one.deliveries[state]])
    }
    # An equal share each, so that a million rows of one issue do not hide another's few.
    most = _MAX_ROWS_READ // max(1, sum(map(len, troubled.values())))
    return {
        number: count_causes(connection, number, states, most)
        for number, states in troubled.items()
    }


# An issue that is made but not sent has no page and no mails yet.
_WITH_PLACES = STATES_WITH_PAGE - SELECTED_STATES


@dataclass(frozen=True, slots=True)
class LanguagePlaces:
    """The places of one language, relative to the publication's folder or as a server."""

    language: str
    pages: tuple[str, ...]
    mails: tuple[str, ...]
    feeds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OutputPlaces:
    """The places of all languages; `done` is the transport's word for a mail that it accepted."""

    done: str
    languages: list[LanguagePlaces]


def list_places(settings: Settings, snapshot: PublicationStatus) -> OutputPlaces:
    public, transport = settings.folders.public.name, create_transport(settings)
    found = []
    for line in snapshot.languages:
        latest = [one.issue for one in line.latest(*_WITH_PLACES).values()]
        pages = [urls.issue_path(i.language, i.newsletter, i.day) for i in latest]
        feeds = [urls.feed_path(line.language, one.suffix) for one in FEED_FORMATS]
        found.append(
            LanguagePlaces(
                line.language,
                tuple(f"{public}/{path}" for path in pages),
                tuple(map(transport.destination, latest)),
                tuple(f"{public}/{path}" for path in feeds),
            )
        )
    return OutputPlaces(transport.done, found)
