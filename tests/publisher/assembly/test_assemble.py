"""Issues are rendered, checked and frozen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from publisher.assembly import assemble_issues, gate_run, select_due
from publisher.assembly.assemble import digest_hash
from publisher.errors import RenderingError
from publisher.issues import store
from publisher.issues.model import Issue, IssueState
from publisher.issues.planner import plan_issues
from publisher.issues.tables import digest_table
from publisher.rendering import Digest, IssueContent, Renderer
from tests.publisher.conftest import NOW, House

LATER = NOW + timedelta(hours=3)


class Killed(BaseException):
    """Stands for a kill of the process."""


class Failing(Renderer):
    """Renders all but one language."""

    def __init__(self, language: str, error: BaseException) -> None:
        super().__init__()
        self._language = language
        self._error = error

    def digest(self, content: IssueContent) -> Digest:
        if content.publication.language == self._language:
            raise self._error
        return super().digest(content)


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer()


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    """Return a house with an English and an Arabic issue whose articles are selected."""
    house = make_house(languages=["en", "ar"])
    fill(house)
    return house


def fill(house: House) -> None:
    house.write("en/a.md", title="The ferry", date="2026-01-08", topics="[rivers]")
    house.write("en/b.md", title="The map", date="2026-01-07", topics="[maps]")
    house.write("en/old.md", title="The old boat", date="2025-06-01", topics="[rivers]")
    house.write("ar/a.md", title="العبّارة", date="2026-01-08")
    house.pick_up()
    plan_issues(house.settings, house.database, NOW)
    select_due(house.settings, house.database, NOW)


def states(house: House) -> dict[str, IssueState]:
    with house.database.reading() as connection:
        return {one.language: one.state for one in store.latest_issues(connection, 9)}


def frozen(house: House, language: str = "en") -> Any:
    with house.database.reading() as connection:
        return store.digest_of(connection, an_issue(house, language))


def an_issue(house: House, language: str) -> Issue:
    with house.database.reading() as connection:
        return next(
            one for one in store.latest_issues(connection, 9) if one.language == language
        )


def test_an_assembled_issue_is_ready_with_its_digest_and_hash(
    house: House, renderer: Renderer
) -> None:
    assert assemble_issues(house.settings, house.database, renderer) == (2, [])
    assert states(house) == {"en": IssueState.READY, "ar": IssueState.READY}
    kept = frozen(house)
    digest = Digest(
        subject=kept.subject, preheader=kept.preheader, html=kept.html, text=kept.text
    )
    assert digest_hash(digest, kept.page) == kept.sha256
    for body in (kept.html, kept.text, kept.page):
        assert "The ferry" in body
        assert "The map" in body
    assert 'dir="rtl"' in frozen(house, "ar").html


def test_an_issue_links_to_the_same_issue_in_other_languages(
    house: House, renderer: Renderer
) -> None:
    assemble_issues(house.settings, house.database, renderer)
    root = "https://news.example.org"
    for language, other in (("en", "ar"), ("ar", "en")):
        kept = frozen(house, language)
        for body in (kept.html, kept.page):
            assert f'href="{root}/{other}/weekly/2026-01-09/"' in body


def test_a_language_without_an_issue_is_not_linked(
    make_house: Callable[..., House], renderer: Renderer
) -> None:
    house = make_house(languages=["en", "ar", "zh-Hans"])
    fill(house)
    assemble_issues(house.settings, house.database, renderer)
    assert "/zh-Hans/weekly/2026-01-09/" not in frozen(house).html


def test_an_issue_in_a_removed_language_is_not_linked(house: House, renderer: Renderer) -> None:
    house.reload(languages=["en"])
    assert assemble_issues(house.settings, house.database, renderer) == (1, [])
    assert "/ar/weekly/" not in frozen(house).html


def test_an_issue_that_fails_to_render_is_reported_and_holds_back_no_other(
    house: House,
) -> None:
    error = RenderingError("body.html: line 3: no such filter")
    made, problems = assemble_issues(house.settings, house.database, Failing("ar", error))
    assert (made, problems) == (1, ["weekly-ar-2026-01-09: body.html: line 3: no such filter"])
    assert an_issue(house, "ar").reason == "body.html: line 3: no such filter"
    assert states(house) == {"en": IssueState.READY, "ar": IssueState.ASSEMBLING}
    assert [row["subject"] for row in house.rows(digest_table)] == [frozen(house).subject]


def test_every_word_of_hostile_articles_arrives_in_both_parts(
    make_house: Callable[..., House],
) -> None:
    house = make_house(languages=["en", "ar"])
    house.write(
        "en/a.md",
        "Write `@@UNSUBSCRIBE@@` or {{ unsubscribe }}, 1 < 2 & “three” – e\u0301t\u00e9.",
        title="'@@ADDRESS@@ \u202eevil\u202c'",
        date="2026-01-08",
    )
    house.write(
        "ar/a.md",
        "قال: \u200fالساعة 07:30\u200f تمامًا (GMT).",
        title="العبّارة",
        date="2026-01-08",
    )
    house.pick_up()
    plan_issues(house.settings, house.database, NOW)
    select_due(house.settings, house.database, NOW)
    assert assemble_issues(house.settings, house.database, Renderer()) == (2, [])


def test_a_held_issue_is_assembled_once_its_fault_is_mended(
    house: House, renderer: Renderer
) -> None:
    assemble_issues(house.settings, house.database, Failing("ar", RenderingError("no")))
    before = frozen(house)
    assert an_issue(house, "ar").reason == "no"
    assert assemble_issues(house.settings, house.database, renderer) == (1, [])
    assert states(house) == {"en": IssueState.READY, "ar": IssueState.READY}
    assert an_issue(house, "ar").reason is None
    assert frozen(house) == before


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({"languages": ["en", "ar"], "newsletters": []}, set()),
        ({"languages": ["en"]}, {"en"}),
        ({"languages": ["en", "ar"], "newsletters": [{"languages": ["ar"]}]}, {"ar"}),
    ],
)
def test_an_issue_of_a_removed_edition_is_skipped(
    house: House, renderer: Renderer, changes: dict[str, Any], left: set[str]
) -> None:
    house.reload(**changes)
    assert assemble_issues(house.settings, house.database, renderer) == (len(left), [])
    for language in ("en", "ar"):
        one = an_issue(house, language)
        if language in left:
            assert (one.state, one.reason) == (IssueState.READY, None)
        else:
            assert (one.state, one.reason) == (
                IssueState.SKIPPED,
                "no longer in publication.toml",
            )


def test_assembling_after_a_kill_gives_the_same_bytes(
    make_house: Callable[..., House], renderer: Renderer
) -> None:
    calm, stormy = (make_house(languages=["en", "ar"]) for _ in range(2))
    for house in (calm, stormy):
        fill(house)
    with pytest.raises(Killed):
        assemble_issues(stormy.settings, stormy.database, Failing("ar", Killed()))
    stormy.at(LATER)
    stormy.write("en/new.md", title="The newest ferry", date="2026-01-09", topics="[rivers]")
    stormy.pick_up()
    for house, left in ((calm, 2), (stormy, 1)):
        assert assemble_issues(house.settings, house.database, renderer) == (left, [])
    assert stormy.rows(digest_table) == calm.rows(digest_table)


def test_a_kill_between_freezing_and_moving_freezes_nothing(
    house: House, renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(*_anything: object, **_more: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(store, "move_issue", kill)
        with pytest.raises(Killed):
            assemble_issues(house.settings, house.database, renderer)
    assert house.rows(digest_table) == []
    assert assemble_issues(house.settings, house.database, renderer) == (2, [])


def test_an_issue_that_another_process_moved_is_not_frozen(house: House) -> None:
    class Overtaken(Renderer):
        def digest(self, content: IssueContent) -> Digest:
            with house.database.writing() as connection:
                one = store.issue_by_name(
                    connection, f"weekly-{content.publication.language}-{content.day}"
                )
                assert one is not None
                store.move_issue(connection, one, IssueState.CANCELLED)
            return super().digest(content)

    made, problems = assemble_issues(house.settings, house.database, Overtaken())
    assert (made, len(problems)) == (0, 2)
    assert "another process has moved it from assembling" in problems[0]
    assert set(states(house).values()) == {IssueState.CANCELLED}
    assert house.rows(digest_table) == []


def test_a_frozen_digest_stays_when_articles_change(house: House, renderer: Renderer) -> None:
    assemble_issues(house.settings, house.database, renderer)
    before = frozen(house)
    house.write("en/a.md", title="The ferry, corrected", date="2026-01-08")
    house.at(LATER).pick_up()
    assert assemble_issues(house.settings, house.database, renderer) == (0, [])
    assert frozen(house) == before


def test_articles_withdrawn_after_selection_are_not_sent(
    house: House, renderer: Renderer
) -> None:
    (house.articles / "en/b.md").unlink()
    house.pick_up()
    assert assemble_issues(house.settings, house.database, renderer) == (2, [])
    kept = frozen(house)
    assert "The map" not in kept.html + kept.text + kept.page
    assert "The ferry" in kept.text


def test_an_issue_whose_articles_are_all_withdrawn_is_skipped(
    house: House, renderer: Renderer
) -> None:
    (house.articles / "ar/a.md").unlink()
    house.pick_up()
    assert assemble_issues(house.settings, house.database, renderer) == (1, [])
    skipped = an_issue(house, "ar")
    assert skipped.state == IssueState.SKIPPED
    assert skipped.reason == "all its articles were withdrawn before it was made"


def test_a_fault_of_the_program_in_one_issue_holds_back_no_other(
    house: House, renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fault is simulated."""
    whole = gate_run.check_digest

    def broken(publication: Any, issue: Issue, digest: Digest) -> Any:
        if issue.language == "ar":
            raise IndexError("list index out of range")
        return whole(publication, issue, digest)

    monkeypatch.setattr(gate_run, "check_digest", broken)
    made, (problem,) = assemble_issues(house.settings, house.database, renderer)
    assert made == 1
    assert "a fault of the program: IndexError('list index out of range')" in problem
    assert states(house) == {"en": IssueState.READY, "ar": IssueState.ASSEMBLING}
