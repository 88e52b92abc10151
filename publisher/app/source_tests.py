"""What a source would bring now: a test leaves articles and their states as they are.

The command line waits for the result. The console and the API begin a test in a thread and ask for it later,
since the disk of a source may not answer: `SourceTests` has the latest one of each source.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock, Thread
from typing import TYPE_CHECKING

from publisher.app.editing_state import Actor, EditingState, Permission
from publisher.clock import uptime
from publisher.config import Settings, SourceSettings
from publisher.errors import LimitError, PublisherError, UsageError
from publisher.i18n.messages import message
from publisher.log import log
from publisher.request_limits import Limit, LimitKeys, check_limit

if TYPE_CHECKING:
    from publisher.ingest.reports.source_survey import SourceSurvey

# Tests of one account. Each reads hundreds of files.
SOURCE_TEST_LIMIT = Limit(per=60, burst=20, period=timedelta(hours=1))


def run_source_test(state: EditingState, actor: Actor, source: str) -> SourceSurvey:
    """Return what a source would bring now. Raise UsageError, LimitError, or SourceError."""
    return _survey(state, _begin(state, actor, source))


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTest:
    """A test of a source. While it runs it has neither a `survey` nor a `problem`."""

    key: str
    started_at: datetime
    survey: SourceSurvey | None = None
    problem: str = ""

    @property
    def is_running(self) -> bool:
        return self.survey is None and not self.problem


class SourceTests:
    """The latest test of each source, in memory, one at a time of each. Safe among threads."""

    def __init__(self) -> None:
        self._kept: dict[str, SourceTest] = {}
        self._threads: list[Thread] = []
        self._lock = Lock()

    def begin(
        self, state: EditingState, actor: Actor, source: str, key: str = ""
    ) -> SourceTest:
        """Begin a test. While one of the source runs, return that; the same `key` twice is one test."""
        actor.require(Permission.MANAGE_SOURCES)
        test = SourceTest(key=key or new_test_key(), started_at=state.clock.now())
        with self._lock:
            known = self._kept.get(source)
            if known is not None and (known.is_running or key == known.key):
                return known
            self._kept[source] = test
        # Without the lock: pages that look at tests don't wait for the database.
        try:
            options = _begin(state, actor, source)
        except BaseException:
            self._put_back(source, known)
            raise
        self._start(state, options, test)
        return test

    def find(self, actor: Actor, source: str) -> SourceTest | None:
        """Return the latest test of a source, None if there was none since the process began."""
        actor.require(Permission.VIEW)
        with self._lock:
            return self._kept.get(source)

    def wait(self, seconds: float) -> None:
        """Wait for the tests that run, so many seconds in all."""
        with self._lock:
            threads = [*self._threads]
        until = uptime() + seconds
        for one in threads:
            one.join(max(0.0, until - uptime()))

    def _put_back(self, source: str, known: SourceTest | None) -> None:
        with self._lock:
            del self._kept[source]
            if known is not None:
                self._kept[source] = known

    def _start(self, state: EditingState, options: SourceSettings, test: SourceTest) -> None:
        thread = Thread(
            target=self._run, args=(state, options, test), name="source test", daemon=True
        )
        with self._lock:
            self._threads = [one for one in self._threads if one.is_alive()] + [thread]
            thread.start()

    def _run(self, state: EditingState, options: SourceSettings, test: SourceTest) -> None:
        done = _finished(state, options, test)
        with self._lock:
            self._kept[options.name] = done


def new_test_key() -> str:
    """Return a key for a form, so that the same form sent twice is one test."""
    return secrets.token_hex(16)


def require_source(settings: Settings, source: str) -> SourceSettings:
    """Return the settings of a source; raise UsageError if there is none of the name."""
    options = next((one for one in settings.sources if one.name == source), None)
    if options is None:
        names = ", ".join(one.name for one in settings.sources)
        raise UsageError.saying(
            "%(source)s: there is no such source; there are: %(names)s",
            source=source,
            names=names,
        )
    return options


def _begin(state: EditingState, actor: Actor, source: str) -> SourceSettings:
    """Record that a source is tested, and count it. Raise UsageError for an unknown one."""
    actor.require(Permission.MANAGE_SOURCES)
    options = require_source(state.settings, source)
    with state.changing(actor, "test-source", source) as change:
        if actor.account_id is not None:
            key = LimitKeys(state.secret).key("source tests", actor.name)
            wait = check_limit(change.connection, key, SOURCE_TEST_LIMIT, state.clock.now())
            if wait is not None:
                raise LimitError(
                    message(
                        "at most %(most)s tests of sources an hour", most=SOURCE_TEST_LIMIT.per
                    ),
                    wait,
                )
    return options


def _survey(state: EditingState, options: SourceSettings) -> SourceSurvey:
    from publisher.ingest.reports.source_survey import survey_source  # loads the parsers

    return survey_source(state.settings, options, state.database, state.clock.now())


def _finished(state: EditingState, options: SourceSettings, test: SourceTest) -> SourceTest:
    """Return a test with its result, whatever happens."""
    try:
        return replace(test, survey=_survey(state, options))
    except PublisherError as error:
        return replace(test, problem=str(error))
    except Exception:
        log.exception("a source could not be tested", source=options.name)
        return replace(test, problem=message("a fault of the program; its log says more"))
