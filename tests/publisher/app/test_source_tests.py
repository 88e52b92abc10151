"""Tests of sources: who may, how many at a time, how often, and what is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event
from typing import Any

import pytest

from publisher.accounts.actor import Actor, terminal_actor
from publisher.accounts.audit import read_log
from publisher.accounts.model import Grant, Role
from publisher.app import source_tests
from publisher.app.editing_state import EditingState, open_editing_state
from publisher.app.source_tests import (
    SOURCE_TEST_LIMIT,
    SourceTest,
    SourceTests,
    new_test_key,
    require_source,
    run_source_test,
)
from publisher.config import Settings, SourceSettings
from publisher.config.kinds import Kind
from publisher.config.sources import SOURCE_KINDS
from publisher.errors import ForbiddenError, LimitError, SourceError, UsageError
from publisher.ingest.sources.base import Item, Listing, RawItem
from tests.publisher.conftest import PublicationFolder

ANN = terminal_actor()
ADMINISTRATOR = Actor(
    name="ann@example.org", via="console", account_id=1, grants=(Grant(Role.ADMINISTRATOR),)
)
PATIENCE = 60  # seconds


class _StuckSource:
    """A disk that does not answer until somebody lets it."""

    answers = Event()
    asked = Event()

    def __init__(self, options: SourceSettings, settings: Settings) -> None:
        del options, settings

    def poll(self, mark: str) -> Listing:
        self.asked.set()
        assert self.answers.wait(PATIENCE)
        return Listing([], True, mark)

    def read(self, item: Item) -> RawItem:
        raise AssertionError(item)


@pytest.fixture
def state(publication: PublicationFolder) -> Iterator[EditingState]:
    with open_editing_state(publication.settings, publication.clock) as state:
        yield state


@pytest.fixture
def stuck(state: EditingState, monkeypatch: pytest.MonkeyPatch) -> Iterator[EditingState]:
    """A publication whose source does not answer."""
    kind = Kind(SourceSettings, f"{__name__}:_StuckSource")
    monkeypatch.setitem(SOURCE_KINDS, "stuck", kind)
    _StuckSource.answers.clear()
    _StuckSource.asked.clear()
    options = SourceSettings(kind="stuck", name="disk")
    yield replace(state, settings=replace(state.settings, sources=(options,)))
    _StuckSource.answers.set()


def verbs(state: EditingState) -> list[tuple[str, str]]:
    with state.database.reading() as connection:
        return [(one.verb, one.object) for _id, one in read_log(connection)]


def test_a_test_is_recorded_and_says_what_the_source_would_bring(
    state: EditingState, publication: PublicationFolder
) -> None:
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    assert run_source_test(state, ANN, "articles").new == 1
    assert verbs(state) == [("test-source", "articles")]


def test_only_who_manages_sources_tests_one(state: EditingState) -> None:
    editor = replace(ADMINISTRATOR, grants=(Grant(Role.EDITOR),))
    with pytest.raises(ForbiddenError):
        run_source_test(state, editor, "articles")
    with pytest.raises(ForbiddenError):
        SourceTests().begin(state, editor, "articles")
    assert verbs(state) == []


def test_an_unknown_source_is_refused_with_those_that_there_are(state: EditingState) -> None:
    with pytest.raises(UsageError, match="no such source; there are: articles"):
        run_source_test(state, ANN, "artcles")
    assert require_source(state.settings, "articles") == state.settings.sources[0]


def test_an_account_tests_so_often_in_an_hour(state: EditingState) -> None:
    for _ in range(SOURCE_TEST_LIMIT.burst):
        run_source_test(state, ADMINISTRATOR, "articles")
    with pytest.raises(LimitError) as refused:
        run_source_test(state, ADMINISTRATOR, "articles")
    assert refused.value.retry_after > 0
    assert len(verbs(state)) == SOURCE_TEST_LIMIT.burst


def test_while_a_test_runs_a_second_one_of_its_source_is_the_same(stuck: EditingState) -> None:
    tests = SourceTests()
    first = tests.begin(stuck, ANN, "disk")
    assert _StuckSource.asked.wait(PATIENCE)
    assert first.is_running
    assert tests.begin(stuck, ANN, "disk", "another key") == first
    assert tests.find(ANN, "disk") == first
    _StuckSource.answers.set()
    tests.wait(PATIENCE)
    done = tests.find(ANN, "disk")
    assert done is not None
    assert done.survey is not None
    assert (done.key, done.is_running, done.survey.documents) == (first.key, False, 0)
    assert verbs(stuck) == [("test-source", "disk")]


def test_a_page_does_not_wait_while_a_test_waits_for_the_database(
    state: EditingState, monkeypatch: pytest.MonkeyPatch
) -> None:
    tests, seen, begin = SourceTests(), list[SourceTest | None](), source_tests._begin

    def waits(*given: Any) -> SourceSettings:
        with ThreadPoolExecutor() as pool:
            seen.append(pool.submit(tests.find, ANN, "articles").result(PATIENCE))
        return begin(*given)

    monkeypatch.setattr(source_tests, "_begin", waits)
    begun = tests.begin(state, ANN, "articles")
    tests.wait(PATIENCE)
    assert seen == [begun]


def test_a_test_that_is_refused_leaves_the_one_before(state: EditingState) -> None:
    tests = SourceTests()
    tests.begin(state, ANN, "articles")
    tests.wait(PATIENCE)
    done = tests.find(ANN, "articles")
    for _ in range(SOURCE_TEST_LIMIT.burst):
        run_source_test(state, ADMINISTRATOR, "articles")
    with pytest.raises(LimitError):
        tests.begin(state, ADMINISTRATOR, "articles")
    assert tests.find(ANN, "articles") == done
    with pytest.raises(UsageError):
        tests.begin(state, ANN, "none")
    assert tests.find(ANN, "none") is None


def test_a_form_that_is_sent_twice_is_one_test(state: EditingState) -> None:
    tests, key = SourceTests(), new_test_key()
    tests.begin(state, ANN, "articles", key)
    tests.wait(PATIENCE)
    again = tests.begin(state, ANN, "articles", key)
    assert not again.is_running
    assert verbs(state) == [("test-source", "articles")]
    tests.begin(state, ANN, "articles", new_test_key())
    tests.wait(PATIENCE)
    assert len(verbs(state)) == 2


def test_a_test_that_fails_says_why_and_the_next_one_may_succeed(
    state: EditingState, publication: PublicationFolder
) -> None:
    tests, elsewhere = SourceTests(), publication.articles.with_name("elsewhere")
    publication.articles.rename(elsewhere)
    tests.begin(state, ANN, "articles")
    tests.wait(PATIENCE)
    failed = tests.find(ANN, "articles")
    assert failed is not None
    # Not where it is on the machine: everybody who may see the console reads it.
    assert failed.problem == "articles: can't be read: No such file or directory"
    with pytest.raises(SourceError):
        run_source_test(state, ANN, "articles")
    elsewhere.rename(publication.articles)
    tests.begin(state, ANN, "articles")
    tests.wait(PATIENCE)
    done = tests.find(ANN, "articles")
    assert done is not None
    assert done.survey is not None


def test_a_fault_of_the_program_ends_a_test_with_a_sentence(
    state: EditingState, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_given: object) -> None:
        raise RuntimeError("nobody has thought of this")

    monkeypatch.setattr(source_tests, "_survey", broken)
    tests = SourceTests()
    tests.begin(state, ANN, "articles")
    tests.wait(PATIENCE)
    done = tests.find(ANN, "articles")
    assert done is not None
    assert done.problem == "a fault of the program; its log says more"
