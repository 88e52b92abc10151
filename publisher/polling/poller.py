"""Ask the sources that are due, several hosts at a time, and file what they bring.

Of one host there is one request at a time. Threads ask and parse; the caller's thread alone writes. A poll that fails
is a row with its reason, and the other sources go on.
"""

import hashlib
import random
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from http import HTTPStatus
from itertools import chain, repeat
from pathlib import Path
from queue import Empty, Queue
from threading import Event
from typing import Any

from pydantic import SecretStr

from publisher.clock import Clock
from publisher.config.sources import PolledSourceSettings
from publisher.database import Database
from publisher.errors import PublisherError, SourceError
from publisher.fault_isolation import explain_fault, stops_all
from publisher.fetching.addresses import WebRequest
from publisher.fetching.client import GuardedClient
from publisher.fetching.limits import FetchError, FetchProblem
from publisher.log import log
from publisher.polling import schedule, store
from publisher.polling.asking import Asking, PollOutcome, RefusedError
from publisher.polling.feed import ask_feed
from publisher.polling.foreign_pictures import copied_picture
from publisher.polling.foreign_values import harmless_tags
from publisher.polling.ghost import ask_ghost
from publisher.polling.identity import EntryMarks, bare_host
from publisher.polling.model import WebEntry
from publisher.polling.picture_copies import CopiedPictures
from publisher.polling.push import BETWEEN_PUSHES
from publisher.polling.schedule import PollAnswer, PollResult, PollState
from publisher.polling.store import Filed, FilingRules, PolledSource
from publisher.polling.wordpress import ask_wordpress

_MAX_HOSTS = 20  # hosts that are asked at the same time
_SECONDS_BETWEEN = 1.0  # between two requests to one host
_MAX_OF_HOST = 20  # of one host in one run, so that a run of a slow host ends
# Answers that are stored in one transaction, and how long the first of them waits for others.
_BATCH, _SECONDS_OF_BATCH = 100, 1.0
# When nothing can be reached, all sources are asked again so much later, and none has failed.
_OFFLINE = timedelta(minutes=5)
_NO_NETWORK = frozenset({FetchProblem.NAME, FetchProblem.UNREACHABLE})


def _ask_pages(asking: Asking) -> PollOutcome:
    from publisher.polling.pages import ask_pages  # few publications have such a source

    return ask_pages(asking)


_KINDS: dict[str, Callable[[Asking], PollOutcome]] = {
    "feed": ask_feed,
    "wordpress": ask_wordpress,
    "ghost": ask_ghost,
    "pages": _ask_pages,
}


@dataclass(slots=True)
class PollReport:
    """What a run brought, in numbers; `problems` are those of all sources, also of earlier runs."""

    asked: int = 0
    new: int = 0
    changed: int = 0
    withdrawn: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass
class Poller:
    """Asks sources. `parse` parses; `spread` gives a random number from -1 to 1 for each source."""

    sources: Sequence[PolledSourceSettings]
    database: Database
    clock: Clock
    parse: Callable[..., Any]
    user_agent: str
    client: GuardedClient = field(default_factory=GuardedClient)
    secrets: Mapping[str, SecretStr] = field(default_factory=dict)
    spread: Callable[[], float] = lambda: random.uniform(-1, 1)  # noqa: S311  # no secret
    seconds_between: float = _SECONDS_BETWEEN
    pictures: CopiedPictures | None = None
    root: Path = Path()
    _stopping: Event = field(default_factory=Event)

    def run(
        self, progress: Callable[[str, int, int], None] | None = None, only: str = ""
    ) -> PollReport:
        """Ask what is due; with `only` that source alone, due or not, unless it is paused."""
        now = self.clock.now()
        stored = self._adopt(now)
        due = [one for one in stored.values() if _is_due(one, now, only)]
        report, batch, offline = PollReport(), list[PollOutcome](), list[PollOutcome]()
        with closing(self._answers(due)) as answers:
            for number, asked in enumerate(answers):
                if progress:
                    progress("asking sources", number, len(due))
                if asked is not None:
                    report.asked += 1
                    (offline if asked.failure in _NO_NETWORK else batch).append(asked)
                if asked is None or len(batch) >= _BATCH:
                    self._file(batch, report)
                    batch.clear()
        is_offline = len(offline) == report.asked > 1
        self._file([*batch, *offline], report, is_offline=is_offline)
        report.problems = self._problems()
        return report

    @cached_property
    def _settings(self) -> dict[str, PolledSourceSettings]:
        return {one.name: one for one in self.sources}

    def _adopt(self, now: datetime) -> dict[str, PolledSource]:
        """Return the configured sources as they are stored; new ones are due at once."""
        with self.database.reading() as connection:
            stored = store.list_polled(connection)
        renamed = store.renamed_polled(self._settings, stored)
        added = [
            _begun(one, stored.get(one.name), now)
            for one in self.sources
            if one.name not in renamed.values()
            and (one.name not in stored or stored[one.name].configured_url != one.address)
        ]
        if added or renamed:
            with self.database.writing() as connection:
                for former, name in renamed.items():
                    store.rename_polled(connection, former, name)
                store.save_polled(connection, added)
                stored = store.list_polled(connection)
        return {name: one for name, one in stored.items() if name in self._settings}

    def _answers(self, due: Iterable[PolledSource]) -> Generator[PollOutcome | None]:
        """Yield an answer of each source as they come, and None when there is time to store them."""
        hosts = defaultdict[str, list[PolledSource]](list)
        for one in due:
            hosts[bare_host(one.state.url)].append(one)
        answers = Queue[PollOutcome](maxsize=_BATCH)
        chosen = [sources[:_MAX_OF_HOST] for sources in hosts.values()]
        left = sum(map(len, chosen))
        self._stopping.clear()
        with ThreadPoolExecutor(_MAX_HOSTS, "poll") as pool:
            running = [pool.submit(self._ask_host, sources, answers) for sources in chosen]
            try:
                while left:
                    try:
                        yield answers.get(timeout=_SECONDS_OF_BATCH)
                        left -= 1
                    except Empty:
                        yield None
            finally:
                self._stopping.set()
                while not all(one.done() for one in running):
                    # Makes room for threads that end.
                    with suppress(Empty):
                        answers.get(timeout=0.05)

    def _ask_host(self, sources: Sequence[PolledSource], answers: Queue[PollOutcome]) -> None:
        for number, one in enumerate(sources):
            if number and self._stopping.wait(self.seconds_between):
                return
            if self._stopping.is_set():
                return
            try:
                asked = self._ask(one)
            except Exception as error:
                if stops_all(error):
                    raise
                log.exception("a source could not be asked", source=one.name)
                asked = PollOutcome(one, PollAnswer(None, {}, problem=explain_fault(error)))
            answers.put(asked)

    def _ask(self, one: PolledSource) -> PollOutcome:
        options = self._settings[one.name]
        waits = chain([0.0], repeat(self.seconds_between))

        def get(
            url: str, headers: Mapping[str, str], pause: float = 0.0
        ) -> tuple[PollAnswer, bytes]:
            if self._stopping.wait(max(next(waits), pause)):
                raise SourceError("the poll was stopped")
            return self._fetch(self._client_of(options), url, headers)

        def known() -> Mapping[str, EntryMarks]:
            with self.database.reading() as connection:
                return store.known_marks(connection, one.name)

        agent = self.user_agent.partition("/")[0]
        asking = Asking(
            *(one, options, self.clock.now(), get, self._parse, known),
            *(self.secrets, agent, self.root),
        )
        try:
            asked = _KINDS[options.kind](asking)
        except RefusedError as error:
            return PollOutcome(one, error.answer)
        except PublisherError as error:
            answer = PollAnswer(None, {}, problem=str(error))
            failure = error.problem if isinstance(error, FetchError) else None
            return PollOutcome(one, answer, failure=failure)
        entries = tuple(_harmless(one) for one in asked.entries)
        notes = filter(None, (asked.note, self._copy_pictures(options, entries)))
        return replace(asked, entries=entries, note="; ".join(notes))

    def _parse(self, function: Callable[..., Any], *values: object) -> Any:
        if self._stopping.is_set():
            raise SourceError("the poll was stopped")
        return self.parse(function, *values)

    def _copy_pictures(self, options: PolledSourceSettings, entries: Sequence[WebEntry]) -> str:
        """Copy the pictures of entries if the source's articles show them so; return what could not be."""
        if options.pictures != "copy" or self.pictures is None:
            return ""
        is_full, headers = options.is_full, {"User-Agent": self.user_agent}
        convert, client = partial(self.parse, copied_picture), self._client_of(options)
        add = partial(self.pictures.add, entries, client, headers, convert, is_full=is_full)
        if options.kind != "pages":
            return add()
        from publisher.polling.pages import pictures_of_folder

        return add(of_file=pictures_of_folder(self.root, options, entries))

    def _client_of(self, options: PolledSourceSettings) -> GuardedClient:
        """Return the client for a source, which reaches the intranet that it names."""
        return replace(self.client, networks=(*self.client.networks, *options.networks))

    def _fetch(
        self, client: GuardedClient, url: str, headers: Mapping[str, str]
    ) -> tuple[PollAnswer, bytes]:
        named = {**headers, "User-Agent": self.user_agent}
        request = WebRequest(url, headers=named, follow="any")
        with client.open(request) as response:
            body = response.read() if response.status == HTTPStatus.OK else b""
            answer = PollAnswer(
                response.status,
                response.headers,
                hashlib.sha256(body).hexdigest() if body else "",
                response.moved_to,
                url=response.url,
            )
        return answer, body

    def _file(
        self, batch: Sequence[PollOutcome], report: PollReport, *, is_offline: bool = False
    ) -> None:
        """Store a batch of answers, each with its entries, in one transaction."""
        if not batch:
            return
        now = self.clock.now()
        with self.database.writing() as connection:
            stored = store.list_polled(connection)
            held = dict[str, datetime]()
            for asked in batch:
                # A person may have paused it meanwhile.
                current = stored.get(asked.source.name)
                if current is None or current.configured_url != asked.source.configured_url:
                    continue
                options = self._settings[current.name]
                rules = _rules(options, current, asked, now)
                filed = store.file_entries(connection, current.name, asked.entries, rules)
                if is_offline:
                    after, until = _offline(current, asked, now), None
                else:
                    after, until = _after(current, asked, filed, options, now, self.spread())
                stored[current.name] = after
                if until:
                    held[bare_host(current.state.url)] = until
                report.new += filed.new
                report.changed += filed.changed
                report.withdrawn += filed.withdrawn
            changed = {asked.source.name for asked in batch}
            changed |= {n for n, one in stored.items() if bare_host(one.state.url) in held}
            rows = [_held_back(stored[n], held) for n in sorted(changed) if n in stored]
            store.save_polled(connection, rows)

    def _problems(self) -> list[str]:
        with self.database.reading() as connection:
            stored = store.list_polled(connection)
        return [
            f"source {name}: {stored[name].reason}"
            for name in self._settings
            if name in stored and stored[name].has_failed
        ]


def _harmless(entry: WebEntry) -> WebEntry:
    html, summary, page = map(harmless_tags, (entry.html, entry.summary, entry.page))
    return replace(entry, html=html, summary=summary, page=page)


def _is_due(one: PolledSource, now: datetime, only: str) -> bool:
    if only:
        return one.name == only and not one.is_paused
    return one.is_asked and one.state.next_at <= now


def _begun(
    options: PolledSourceSettings, before: PolledSource | None, now: datetime
) -> PolledSource:
    """Return a source that is due. Under another address what it has shown stays known."""
    state = PollState(options.address, now)
    if before is None:
        return PolledSource(options.name, options.address, state)
    # What was asked of the hub of the former address is ended.
    state = replace(state, push=replace(before.state.push, hub="", topic=""))
    return replace(before, configured_url=options.address, state=state, first_read_at=None)


def _rules(
    options: PolledSourceSettings, one: PolledSource, asked: PollOutcome, now: datetime
) -> FilingRules:
    # What is there at the first poll has been the same for as long as anybody knows.
    settle = timedelta() if one.last_read_at is None else options.settle
    if one.first_read_at is not None and asked.cursor is not None:
        # Lists of what has changed show old posts, too.
        older = one.first_read_at - options.backfill
        return FilingRules(now=now, settle=settle, archive_until=older)
    if one.first_read_at is not None or options.first_import == "news":
        return FilingRules(now=now, settle=settle, first_read_at=one.first_read_at)
    usual = now if options.first_import == "archive" else now - options.backfill
    # At another address, what is older than the last poll is no news.
    return FilingRules(now=now, settle=settle, archive_until=one.last_read_at or usual)


def _after(  # what a poll knows
    one: PolledSource,
    asked: PollOutcome,
    filed: Filed,
    options: PolledSourceSettings,
    now: datetime,
    spread: float,
) -> tuple[PolledSource, datetime | None]:
    """Return a source after a poll, and until when its host asks to be left alone."""
    is_same = asked.answer.body_hash == one.state.body_hash
    answer = replace(asked.answer, overlaps=filed.known > 0 or is_same)
    if options.every is not None:
        answer = replace(answer, interval=options.every)
    polled = schedule.after_answer(one.state, answer, now, spread)
    cursor = one.state.cursor if asked.cursor is None else asked.cursor
    hub, topic = asked.hub or (one.state.push.hub, one.state.push.topic)
    push = replace(one.state.push, hub=hub, topic=topic)
    state = replace(polled.state, cursor=cursor, push=push)
    if filed.waiting:
        # Looks once more before they are news.
        again = now + max(options.settle, schedule.SHORTEST_INTERVAL)
        state = replace(state, next_at=min(state.next_at, again))
    is_read = polled.result in {PollResult.NEW, PollResult.UNCHANGED}
    if is_read and push.pushed_at != asked.source.state.push.pushed_at:
        state = replace(state, next_at=min(state.next_at, now + BETWEEN_PUSHES))
    after = replace(
        one,
        state=state,
        result=polled.result,
        reason="; ".join(filter(None, (polled.text, asked.note))),
        last_read_at=now if is_read else one.last_read_at,
        # Even if the site did not send all of its pages.
        first_read_at=one.first_read_at or (now if is_read or asked.entries else None),
    )
    return after, polled.host_until


def _offline(one: PolledSource, asked: PollOutcome, now: datetime) -> PolledSource:
    reason = f"{asked.answer.problem}, and nothing else can be reached from this machine"
    state = replace(one.state, next_at=now + _OFFLINE)
    return replace(one, state=state, result=PollResult.WAIT, reason=reason)


def _held_back(one: PolledSource, held: Mapping[str, datetime]) -> PolledSource:
    until = held.get(bare_host(one.state.url), one.state.next_at)
    return replace(one, state=replace(one.state, next_at=max(one.state.next_at, until)))
