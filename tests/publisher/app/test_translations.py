"""Who may claim, start, give up and release translations, and what is said of changes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from publisher.accounts import audit
from publisher.accounts.actor import Actor, account_actor, terminal_actor
from publisher.accounts.store import NewAccount, add_account
from publisher.app.editing_state import EditingState, Grant, Role, open_editing_state
from publisher.app.status import take_snapshot
from publisher.app.translation_claims import (
    claim_translation,
    dismiss_staleness,
    give_up_translation,
    release_translation,
    start_translation,
)
from publisher.app.translations import (
    CellState,
    list_translations,
    original_changes,
    read_statistics,
    read_translation,
)
from publisher.errors import ForbiddenError, TranslationError
from tests.publisher.conftest import NOW, PublicationFolder

ROOT = terminal_actor()
FRIDAY = date(2026, 1, 9)


@pytest.fixture
def state(publication: PublicationFolder) -> Iterator[EditingState]:
    publication.write("en/ferry.md", "First.", title="Ferry", date="2026-01-08")
    publication.write("en/bridge.md", "Words.", title="Bridge", date="2026-01-07")
    publication.pick_up()
    with open_editing_state(publication.settings, publication.clock) as state:
        yield state


def account(state: EditingState, name: str, role: Role, language: str | None = None) -> Actor:
    grants = (Grant(role, language),)
    new = NewAccount(f"{name}@example.org", name, "en", grants)
    with state.database.writing() as connection:
        return account_actor(add_account(connection, new, NOW), "")


def at(state: EditingState, publication: PublicationFolder, days: int) -> EditingState:
    publication.at(NOW + timedelta(days=days))
    return EditingState(
        settings=state.settings,
        database=state.database,
        secret=state.secret,
        clock=publication.clock,
    )


def cell(state: EditingState, key: str = "ferry", language: str = "ar") -> tuple[str, str]:
    page = list_translations(state, ROOT, language=language)
    (found,) = next(one for one in page.stories if one.key == key).cells
    return found.state.value, found.claim.by if found.claim else ""


def test_a_promise_is_kept_for_its_translator_until_its_time_is_over(
    state: EditingState, publication: PublicationFolder
) -> None:
    li, omar = (account(state, name, Role.TRANSLATOR, "ar") for name in ("li", "omar"))
    claim = claim_translation(state, li, "ferry", "ar", FRIDAY)
    # The end of the day in the time zone of the publication, UTC.
    assert claim.until is not None
    assert claim.until.isoformat() == "2026-01-09T23:59:00+00:00"
    with pytest.raises(TranslationError, match=r"promised by li@example\.org until 2026-01-09"):
        claim_translation(state, omar, "ferry", "ar", FRIDAY)
    assert cell(state) == ("promised", "li@example.org")
    start_translation(state, li, "ferry", "ar")
    with pytest.raises(TranslationError, match=r"in work by li@example\.org"):
        start_translation(state, omar, "ferry", "ar")
    assert cell(state) == ("in-work", "li@example.org")
    later = at(state, publication, 1)
    assert cell(later) == ("missing", "li@example.org")
    start_translation(later, omar, "ferry", "ar")
    assert cell(later) == ("in-work", "omar@example.org")


def test_a_translation_ends_its_claim(
    state: EditingState, publication: PublicationFolder
) -> None:
    claim_translation(state, ROOT, "ferry", "ar", FRIDAY)
    start_translation(state, ROOT, "bridge", "ar")
    publication.write("ar/ferry.md", "Words.", title="F", date="2026-01-09", translator="Li")
    publication.pick_up()
    assert cell(state) == ("translation", "")
    assert cell(state, "bridge") == ("in-work", "terminal")
    with pytest.raises(TranslationError, match="ferry in ar: is there already"):
        claim_translation(state, ROOT, "ferry", "ar", FRIDAY)
    with pytest.raises(TranslationError, match="ferry in en: is the original"):
        claim_translation(state, ROOT, "ferry", "en", FRIDAY)


def test_only_its_translator_and_those_who_edit_issues_release_a_claim(
    state: EditingState,
) -> None:
    li, omar = (account(state, name, Role.TRANSLATOR, "ar") for name in ("li", "omar"))
    editor = account(state, "ed", Role.EDITOR, "ar")
    with pytest.raises(TranslationError, match="nobody has claimed it"):
        release_translation(state, li, "ferry", "ar")
    for actor in (li, editor):
        start_translation(state, li, "ferry", "ar")
        with pytest.raises(TranslationError, match="who may edit issues in ar can release it"):
            release_translation(state, omar, "ferry", "ar")
        release_translation(state, actor, "ferry", "ar")
        assert cell(state) == ("missing", "")


def test_giving_up_needs_a_reason_and_is_no_claim(state: EditingState) -> None:
    li, omar = (account(state, name, Role.TRANSLATOR, "ar") for name in ("li", "omar"))
    with pytest.raises(TranslationError, match="say why"):
        give_up_translation(state, li, "ferry", "ar", "  ")
    given_up = give_up_translation(state, li, "ferry", "ar", "no interest in ferries")
    assert given_up.reason == "no interest in ferries"
    assert cell(state) == ("given-up", "li@example.org")
    claim_translation(state, omar, "ferry", "ar", FRIDAY)
    assert cell(state) == ("promised", "omar@example.org")


def test_a_translator_of_one_language_claims_nothing_in_another(state: EditingState) -> None:
    li = account(state, "li", Role.TRANSLATOR, "ar")
    desk = account(state, "desk", Role.SUBSCRIBER_DESK)
    with pytest.raises(ForbiddenError):
        claim_translation(state, li, "ferry", "zh-Hans", FRIDAY)
    with pytest.raises(ForbiddenError):
        start_translation(state, desk, "ferry", "ar")
    assert cell(state, language="zh-Hans") == ("missing", "")


@pytest.mark.parametrize(
    ("day", "problem"), [(date(2026, 1, 8), "is over"), (date(2126, 1, 8), "a year ahead")]
)
def test_a_promise_for_an_impossible_time_is_refused(
    state: EditingState, day: date, problem: str
) -> None:
    with pytest.raises(TranslationError, match=problem):
        claim_translation(state, ROOT, "ferry", "ar", day)


def test_unknown_stories_languages_and_places_are_refused(state: EditingState) -> None:
    for key, language in (("fery", "ar"), ("ferry", "eo")):
        with pytest.raises(TranslationError, match=f"^{'eo' if language == 'eo' else 'fery'}"):
            start_translation(state, ROOT, key, language)
    for cursor in ("x", "20260108T000000Z-", "2026-01"):
        with pytest.raises(TranslationError, match="no place in the list"):
            list_translations(state, ROOT, cursor=cursor)


def test_pages_follow_each_other(state: EditingState) -> None:
    first = list_translations(state, ROOT, limit=1)
    assert [one.key for one in first.stories] == ["ferry"]
    second = list_translations(state, ROOT, limit=1, cursor=first.next_cursor)
    assert [one.key for one in second.stories] == ["bridge"]
    assert second.next_cursor is None
    start_translation(state, ROOT, "bridge", "ar")
    at_work = list_translations(state, ROOT, states=[CellState.IN_WORK])
    assert [one.key for one in at_work.stories] == ["bridge"]


def test_a_dismissed_change_counts_again_when_the_original_changes_again(
    state: EditingState, publication: PublicationFolder
) -> None:
    for language in ("ar", "zh-Hans"):
        publication.write(f"{language}/ferry.md", "W.", title="F", translator="Li")
    at(state, publication, 1)
    publication.pick_up()
    with pytest.raises(TranslationError, match="ferry in ar: is not stale"):
        original_changes(state, ROOT, "ferry", "ar")
    for day, text in ((2, "Second."), (3, "Third.")):
        later = at(state, publication, day)
        publication.write("en/ferry.md", text, title="Ferry", date="2026-01-08")
        publication.pick_up()
        assert cell(later)[0] == "stale"
        said = [(one.kind, one.text) for one in original_changes(later, ROOT, "ferry", "ar")]
        assert said == [("same", "Ferry"), ("removed", "First."), ("added", text)]
        dismiss_staleness(later, ROOT, "ferry", "ar")
        assert (cell(later)[0], cell(later, language="zh-Hans")[0]) == ("translation", "stale")


def test_a_story_is_read_by_its_number_with_the_address_of_its_original(
    state: EditingState,
) -> None:
    start_translation(state, ROOT, "ferry", "ar")
    (number,) = (
        one.story_id for one in list_translations(state, ROOT).stories if one.key == "ferry"
    )
    found = read_translation(state, ROOT, number, "ar")
    assert (found.story.key, found.cell.state) == ("ferry", CellState.IN_WORK)
    assert found.original_url.endswith("/en/stories/ferry/")
    assert found.changes == ()
    for unknown, language in ((99, "ar"), (number, "eo")):
        with pytest.raises(TranslationError):
            read_translation(state, ROOT, unknown, language)


def test_statistics_count_the_states_of_each_language(state: EditingState) -> None:
    start_translation(state, ROOT, "ferry", "ar")
    found = read_statistics(state, ROOT)
    assert found.states["ar"] == {CellState.IN_WORK: 1, CellState.MISSING: 1}
    assert read_statistics(state, ROOT, days=1).states["ar"].total() == 0


def test_the_status_counts_outdated_translations_and_promises_that_were_not_kept(
    state: EditingState, publication: PublicationFolder
) -> None:
    claim_translation(state, ROOT, "bridge", "ar", FRIDAY)
    publication.write("ar/ferry.md", "W.", title="F", date="2026-01-09", translator="Li")
    later = at(state, publication, 1)
    publication.pick_up()
    publication.write("en/ferry.md", "Second.", title="Ferry", date="2026-01-08")
    at(state, publication, 2)
    publication.pick_up()
    facts = take_snapshot(state.settings, state.database, publication.clock.now())
    assert (facts.stale_translations, facts.expired_promises) == ({"ar": 1}, {"ar": 1})
    dismiss_staleness(later, ROOT, "ferry", "ar")
    release_translation(later, ROOT, "bridge", "ar")
    facts = take_snapshot(state.settings, state.database, publication.clock.now())
    assert (facts.stale_translations, facts.expired_promises) == ({}, {})


def test_each_verb_is_in_the_audit_log(state: EditingState) -> None:
    claim_translation(state, ROOT, "ferry", "ar", FRIDAY)
    give_up_translation(state, ROOT, "ferry", "ar", "no time")
    release_translation(state, ROOT, "ferry", "ar")
    with state.database.reading() as connection:
        entries = [one for _number, one in audit.read_log(connection)]
    assert {one.object for one in entries} == {"ferry (ar)"}
    assert [(one.verb, one.details) for one in reversed(entries)] == [
        ("claim translation", {"until": "2026-01-09T23:59:00+00:00", "via": "terminal"}),
        ("give up translation", {"reason": "no time", "via": "terminal"}),
        ("release translation", {"was": "given-up by terminal", "via": "terminal"}),
    ]
