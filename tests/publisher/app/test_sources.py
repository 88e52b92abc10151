"""Sources as editors see them, what they lose, and tests of them."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Event
from typing import Any

import pytest

from publisher.accounts.model import Actor, Grant, Role, terminal_actor
from publisher.app import source_tests, sources
from publisher.app.articles import problem_meaning
from publisher.app.editing_state import EditingState
from publisher.app.operation.attention import list_attention
from publisher.app.operation.status import take_snapshot
from publisher.config import Settings, SourceSettings
from publisher.config.sources import SOURCE_KINDS
from publisher.config.values import Kind
from publisher.errors import ForbiddenError, LimitError, SourceError, UsageError
from publisher.i18n.article_problems import ProblemKind
from publisher.ingest.pickup.source_items import count_articles_of_sources
from publisher.ingest.problems import HeldSource, is_sudden_loss
from publisher.ingest.reports.source_facts import SourceFacts
from publisher.ingest.sites.base import LeftOutReason
from publisher.ingest.sources.base import Item, Listing, RawItem
from tests.publisher.app.editing import audit_log
from tests.publisher.cli.conftest import Run, run
from tests.publisher.conftest import NOW, PublicationFolder, editing_state
from tests.sizes import PATIENCE

ANN = terminal_actor()


def lose_most(publication: PublicationFolder) -> None:
    files = [
        publication.write(f"en/{n}.md", f"Words {n}.", title=f"Story {n}", date="2026-01-05")
        for n in range(6)
    ]
    publication.pick_up_file("en/broken.md", "---\ntitle: [\n---\n")
    for file in files[:4]:
        file.unlink()
    publication.pick_up()


def kinds(state: EditingState) -> set[str]:
    return {one.kind for one in list_attention(state, ANN)[1]}


def test_a_loss_is_shown_with_its_time_and_accepted_as_it_was_seen(
    state: EditingState, publication: PublicationFolder
) -> None:
    lose_most(publication)
    found = sources.read_sources(state)
    (source,) = found.sources
    assert source.held is not None
    assert (source.held.lost, source.held.articles) == (4, 6)
    assert [path for path, _reason in found.quarantine] == ["en/broken.md"]
    with state.database.reading() as connection:
        assert count_articles_of_sources(connection) == {"articles": source.articles}
    assert "lost" in kinds(state)
    publication.at(NOW + timedelta(hours=3)).pick_up()
    told = notices(state)
    assert told["held"].what.startswith("4 of 6 articles are gone")
    assert told["held"].since == NOW
    assert told["quarantine"].what == "1 file can't be read as an article"
    assert "problems" not in told
    with pytest.raises(UsageError, match="4 articles are gone by now, not 3"):
        sources.accept_source_loss(state, ANN, "articles", 3)
    assert "lost" in kinds(state)
    sources.accept_source_loss(state, ANN, "articles", 4)
    assert "lost" not in kinds(state)
    assert sources.read_sources(state).sources[0].state == "loss-accepted"
    publication.pick_up()
    assert len(publication.visible()) == 2
    with pytest.raises(UsageError, match="not held"):
        sources.accept_source_loss(state, ANN, "articles", 4)


def test_a_source_that_is_taken_out_of_the_settings_keeps_its_articles_until_that_is_accepted(
    state: EditingState, publication: PublicationFolder
) -> None:
    for n in range(3):
        publication.write(f"en/{n}.md", f"Words {n}.", title=f"Story {n}", date="2026-01-05")
    publication.pick_up()
    other = {"kind": "feed", "url": "https://news.example/feed"}
    for _cycle in range(2):
        publication.reload(sources=[other])
        assert publication.pick_up().removed == 0
    removed = sources.read_sources(replace(state, settings=publication.settings)).sources[-1]
    assert (removed.settings.name, removed.state, removed.is_removed) == (
        "articles",
        "held",
        True,
    )
    assert removed.notices[0].what.startswith("it is not in publication.toml any more")
    assert "lost" in kinds(state)
    # As it was: nothing to accept.
    publication.reload()
    assert publication.pick_up().unchanged == 3
    assert "lost" not in kinds(state)
    publication.reload(sources=[other])
    publication.pick_up()
    sources.accept_source_loss(state, ANN, "articles", 3)
    assert publication.pick_up().removed == 3
    assert publication.visible() == []


def notices(state: EditingState) -> dict[str, sources.SourceNotice]:
    (source,) = sources.read_sources(state).sources
    return {one.kind: one for one in source.notices}


def test_a_source_of_the_settings_says_if_it_was_never_read_or_never_could_be(
    state: EditingState, publication: PublicationFolder
) -> None:
    (source,) = sources.read_sources(state).sources
    assert (source.articles, source.held) == (0, None)
    assert [*notices(state)] == ["never-read"]
    publication.articles.rename(publication.articles.with_name("elsewhere"))
    publication.pick_up()
    assert [*notices(state)] == ["unreadable"]
    assert "unreadable" in kinds(state)
    publication.reload(sources=[{"kind": "folder", "name": "other", "path": "elsewhere"}])
    publication.pick_up()
    assert "unreadable" not in kinds(state)


def test_a_source_that_can_t_be_read_says_since_when_and_why_until_it_can(
    state: EditingState, publication: PublicationFolder
) -> None:
    publication.pick_up_file("en/tides.md", "Words.", title="Tides", date="2026-01-05")
    assert notices(state) == {}
    elsewhere = publication.articles.with_name("elsewhere")
    publication.articles.rename(elsewhere)
    publication.pick_up()
    publication.at(NOW + timedelta(hours=3)).pick_up()
    (source,) = sources.read_sources(state).sources
    (found,) = source.notices
    assert (source.state, source.articles) == ("unreadable", 1)
    assert (found.since, found.is_urgent) == (NOW, True)
    assert "articles: can't be read: No such file or directory" in found.what
    assert "its articles stay as they are" in found.remedy
    assert "unreadable" in kinds(state)
    elsewhere.rename(publication.articles)
    publication.pick_up()
    assert notices(state) == {}
    assert "unreadable" not in kinds(state)


def test_what_is_left_out_elsewhere_or_in_the_future_is_counted_with_the_reason(
    state: EditingState, publication: PublicationFolder
) -> None:
    publication.write("en/draft.md", "Soon.", title="Draft", draft=True)
    publication.write("en/_hidden.md", "Not.", title="Hidden")
    publication.write("en/later.md", "Later.", title="Later", date="2026-02-01")
    publication.write("en/latest.md", "Later.", title="Latest", date="2026-03-01")
    publication.write("fr/mer.md", "La mer.", title="La mer", language="fr", date="2026-01-05")
    publication.pick_up_file(
        "en/hole.md", "![Tide](missing.png)", title="Hole", date="2026-01-05"
    )
    found = notices(state)
    assert found["left-out draft"].what == "1 file is left out: drafts"
    assert "names that begin with" in found["left-out hidden"].what
    assert found["future"].what == "2 articles have dates in the future"
    later = publication.one("later").published_at
    assert found["future"].until == later
    assert found["other-languages"].what.endswith("does not have: fr")
    assert found["problems"].what == "2 problems in its articles"


def test_every_reason_and_problem_has_a_sentence_and_a_source_in_order_has_none() -> None:
    found = {reason: sources.left_out_reason(reason) for reason in LeftOutReason}
    assert len({*found.values()}) == len(LeftOutReason)
    assert [reason for reason, why in found.items() if reason == why] == []
    assert sources.left_out_reason("of another version") == "of another version"
    assert len({problem_meaning(kind) for kind in ProblemKind}) == len(ProblemKind)
    assert sources.notices_of(SourceFacts(), None, None) == ()
    assert [one.kind for one in sources.notices_of(None, None, None)] == ["never-read"]


# --- sudden losses


__all__ = ["run"]
NAMES = ["ebb", "ferry", "harbour", "lamp", "tide"]


@pytest.fixture
def five(publication: PublicationFolder) -> PublicationFolder:
    """A publication of five articles, picked up."""
    for name in NAMES:
        publication.write(f"{name}.md", title=name.title(), date="2026-01-05")
    assert publication.pick_up().new == len(NAMES)
    return publication


def remove(publication: PublicationFolder, *names: str) -> None:
    for name in names:
        (publication.articles / f"{name}.md").unlink()


def held(publication: PublicationFolder) -> tuple[HeldSource, ...]:
    return take_snapshot(publication.settings, publication.database, NOW).held_sources


def accept(publication: PublicationFolder) -> HeldSource:
    (lost,) = held(publication)
    return sources.accept_source_loss(
        editing_state(publication), terminal_actor(), "articles", lost.lost
    )


def test_most_articles_or_all_is_a_sudden_loss_and_a_few_are_none() -> None:
    assert is_sudden_loss(3, 5)
    assert is_sudden_loss(3, 3)
    assert not is_sudden_loss(2, 2)
    assert not is_sudden_loss(5, 10)


def test_a_source_that_is_suddenly_empty_keeps_its_articles_and_publishes_changes(
    five: PublicationFolder,
) -> None:
    remove(five, *NAMES)
    assert five.pick_up().removed == 0
    assert five.pick_up().removed == 0
    assert len(five.all()) == len(NAMES)
    (one,) = held(five)
    assert (one.lost, one.articles) == (5, 5)
    done = five.pick_up_file("ebb.md", title="Ebb again", date="2026-01-05")
    assert (done.changed, done.removed) == (1, 0)
    assert five.one("ebb").title == "Ebb again"


def test_an_accepted_loss_is_withdrawn_by_the_next_cycle_unless_more_is_lost_by_then(
    five: PublicationFolder,
) -> None:
    remove(five, *NAMES[2:])
    five.pick_up()
    assert accept(five).lost == 3
    remove(five, NAMES[1])
    assert five.pick_up().removed == 0
    assert held(five)[0].lost == 4
    assert accept(five).lost == 4
    assert five.pick_up().removed == 4
    assert [key for key, _language in five.all()] == ["ebb"]
    assert held(five) == ()


def test_articles_that_are_back_end_the_hold_and_leave_nothing_to_accept(
    five: PublicationFolder,
) -> None:
    files = {name: (five.articles / f"{name}.md").read_bytes() for name in NAMES}
    remove(five, *NAMES)
    five.pick_up()
    for name, content in files.items():
        five.write(f"{name}.md", content)
    five.pick_up()
    assert held(five) == ()
    assert len(five.all()) == len(NAMES)
    with pytest.raises(UsageError, match="articles: is not held any more"):
        sources.accept_source_loss(editing_state(five), terminal_actor(), "articles", 5)


def test_half_of_the_articles_and_renamed_files_are_no_loss(five: PublicationFolder) -> None:
    remove(five, *NAMES[:2])
    assert five.pick_up().removed == 2
    for name in NAMES[2:]:
        file = five.articles / f"{name}.md"
        file.rename(five.articles / f"old-{name}.md")
    five.pick_up()
    assert held(five) == ()


def test_a_held_source_is_shown_and_accepted_by_command(
    run: Run, five: PublicationFolder
) -> None:
    root = five.settings.folders.root
    remove(five, *NAMES)
    code, out, _err = run("run", "--once", root)
    assert code == 3
    assert "Source articles is held: 5 of 5 articles are gone" in out
    assert "publisher api acceptLostArticles source=articles lost=5" in " ".join(out.split())
    (one,) = json.loads(run("status", "--json", root)[1])["held_sources"]
    assert one == {"source": "articles", "lost": 5, "articles": 5}
    words = ("acceptLostArticles", "source=articles", "lost=5")
    assert run("api", *words, root) == (0, "{}\n", "")
    assert run("run", "--once", root)[0] == 0
    assert five.all() == {}


# --- tests of sources: who may, how many at a time, how often, and what is recorded


ADMINISTRATOR = Actor(
    name="ann@example.org", via="console", account_id=1, grants=(Grant(Role.ADMINISTRATOR),)
)


class _StuckSource:
    """A disk that does not answer until somebody lets it."""

    answers = Event()
    asked = Event()

    def __init__(self, options: SourceSettings, settings: Settings, *_: object) -> None:
        del options, settings

    def poll(self, mark: str) -> Listing:
        self.asked.set()
        assert self.answers.wait(PATIENCE)
        return Listing([], True, mark)

    def read(self, item: Item) -> RawItem:
        raise AssertionError(item)


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
    return [(one.verb, one.object) for one in audit_log(state)]


def complete(
    tests: source_tests.SourceTests, state: EditingState, *key: str
) -> source_tests.SourceTest:
    """Begin a test of the source, and let it end."""
    tests.begin(state, ANN, "articles", *key)
    tests.wait(PATIENCE)
    done = tests.find(ANN, "articles")
    assert done is not None
    return done


def test_only_who_manages_sources_tests_one_or_accepts_its_loss(state: EditingState) -> None:
    editor = replace(ADMINISTRATOR, grants=(Grant(Role.EDITOR),))
    with pytest.raises(ForbiddenError):
        source_tests.run_source_test(state, editor, "articles")
    with pytest.raises(ForbiddenError):
        source_tests.SourceTests().begin(state, editor, "articles")
    with pytest.raises(ForbiddenError):
        sources.accept_source_loss(state, editor, "articles", 4)
    assert verbs(state) == []


def test_an_unknown_source_is_refused_with_those_that_there_are(state: EditingState) -> None:
    with pytest.raises(UsageError, match="no such source; there are: articles"):
        source_tests.run_source_test(state, ANN, "artcles")
    assert source_tests.require_source(state.settings, "articles") == state.settings.sources[0]


def test_while_a_test_runs_a_second_one_of_its_source_is_the_same(stuck: EditingState) -> None:
    tests = source_tests.SourceTests()
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
    tests, seen, begin = (
        source_tests.SourceTests(),
        list[source_tests.SourceTest | None](),
        source_tests._begin,
    )

    def waits(*given: Any) -> SourceSettings:
        with ThreadPoolExecutor() as pool:
            seen.append(pool.submit(tests.find, ANN, "articles").result(PATIENCE))
        return begin(*given)

    monkeypatch.setattr(source_tests, "_begin", waits)
    begun = tests.begin(state, ANN, "articles")
    tests.wait(PATIENCE)
    assert seen == [begun]


def test_an_account_tests_so_often_in_an_hour_and_a_refused_test_leaves_the_one_before(
    state: EditingState,
) -> None:
    tests = source_tests.SourceTests()
    done = complete(tests, state)
    for _ in range(source_tests.SOURCE_TEST_LIMIT.burst):
        source_tests.run_source_test(state, ADMINISTRATOR, "articles")
    for test in (tests.begin, source_tests.run_source_test):
        with pytest.raises(LimitError) as refused:
            test(state, ADMINISTRATOR, "articles")
        assert refused.value.retry_after > 0
    assert len(verbs(state)) == 1 + source_tests.SOURCE_TEST_LIMIT.burst
    assert tests.find(ANN, "articles") == done
    with pytest.raises(UsageError):
        tests.begin(state, ANN, "none")
    assert tests.find(ANN, "none") is None


def test_a_form_that_is_sent_twice_is_one_test_which_is_recorded(
    state: EditingState, publication: PublicationFolder
) -> None:
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    tests, key = source_tests.SourceTests(), source_tests.new_test_key()
    complete(tests, state, key)
    assert source_tests.run_source_test(state, ANN, "articles").new == 1
    again = tests.begin(state, ANN, "articles", key)
    assert not again.is_running
    assert verbs(state) == [("test-source", "articles")] * 2
    complete(tests, state, source_tests.new_test_key())
    assert len(verbs(state)) == 3


def test_a_test_that_fails_or_meets_a_fault_says_why_and_the_next_one_may_succeed(
    state: EditingState, publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    tests, elsewhere = source_tests.SourceTests(), publication.articles.with_name("elsewhere")
    publication.articles.rename(elsewhere)
    # Not where it is on the machine: everybody who may see the console reads it.
    assert (
        complete(tests, state).problem == "articles: can't be read: No such file or directory"
    )
    with pytest.raises(SourceError):
        source_tests.run_source_test(state, ANN, "articles")
    elsewhere.rename(publication.articles)
    assert complete(tests, state).survey is not None

    def broken(*_given: object) -> None:
        raise RuntimeError("nobody has thought of this")

    monkeypatch.setattr(source_tests, "_survey", broken)
    assert complete(tests, state).problem == "a fault of the program; its log says more"
