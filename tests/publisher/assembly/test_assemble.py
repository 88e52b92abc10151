"""Issues are rendered, checked and frozen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from publisher.assembly import assemble_issues, gate_run, select_due
from publisher.assembly.assemble import digest_hash
from publisher.errors import RenderingError
from publisher.issues import digests, store
from publisher.issues.model import Issue, IssueReason, IssueState
from publisher.issues.planner import plan_issues
from publisher.issues.tables import digest_table
from publisher.rendering import Digest, IssueContent, Renderer
from tests.publisher.conftest import NOW, PublicationFolder

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
def publication(new_publication: Callable[..., PublicationFolder]) -> PublicationFolder:
    """Return a publication with an English and an Arabic issue whose articles are selected."""
    publication = new_publication(languages=["en", "ar"])
    fill(publication)
    return publication


def fill(publication: PublicationFolder) -> None:
    publication.write("en/a.md", title="The ferry", date="2026-01-08", topics="[rivers]")
    publication.write("en/b.md", title="The map", date="2026-01-07", topics="[maps]")
    publication.write("en/old.md", title="The old boat", date="2025-06-01", topics="[rivers]")
    publication.write("ar/a.md", title="العبّارة", date="2026-01-08")
    publication.pick_up()
    plan_issues(publication.settings, publication.database, NOW)
    select_due(publication.settings, publication.database, NOW)


def states(publication: PublicationFolder) -> dict[str, IssueState]:
    with publication.database.reading() as connection:
        return {one.language: one.state for one in store.latest_issues(connection, 9)}


def frozen(publication: PublicationFolder, language: str = "en") -> Any:
    with publication.database.reading() as connection:
        return digests.digest_of(connection, an_issue(publication, language))


def an_issue(publication: PublicationFolder, language: str) -> Issue:
    with publication.database.reading() as connection:
        return next(
            one for one in store.latest_issues(connection, 9) if one.language == language
        )


def test_an_assembled_issue_is_ready_with_its_digest_and_hash(
    publication: PublicationFolder, renderer: Renderer
) -> None:
    assert assemble_issues(publication.settings, publication.database, renderer) == (2, [])
    assert states(publication) == {"en": IssueState.READY, "ar": IssueState.READY}
    kept = frozen(publication)
    digest = Digest(
        subject=kept.subject, preheader=kept.preheader, html=kept.html, text=kept.text
    )
    assert digest_hash(digest, kept.page) == kept.sha256
    for body in (kept.html, kept.text, kept.page):
        assert "The ferry" in body
        assert "The map" in body
    assert 'dir="rtl"' in frozen(publication, "ar").html


def test_an_issue_links_to_the_same_issue_in_other_languages(
    publication: PublicationFolder, renderer: Renderer
) -> None:
    assemble_issues(publication.settings, publication.database, renderer)
    root = "https://news.example.org"
    for language, other in (("en", "ar"), ("ar", "en")):
        kept = frozen(publication, language)
        for body in (kept.html, kept.page):
            assert f'href="{root}/{other}/weekly/2026-01-09/"' in body


def test_a_language_without_an_issue_is_not_linked(
    new_publication: Callable[..., PublicationFolder], renderer: Renderer
) -> None:
    publication = new_publication(languages=["en", "ar", "zh-Hans"])
    fill(publication)
    assemble_issues(publication.settings, publication.database, renderer)
    assert "/zh-Hans/weekly/2026-01-09/" not in frozen(publication).html


def test_an_issue_in_a_removed_language_is_not_linked(
    publication: PublicationFolder, renderer: Renderer
) -> None:
    publication.reload(languages=["en"])
    assert assemble_issues(publication.settings, publication.database, renderer) == (1, [])
    assert "/ar/weekly/" not in frozen(publication).html


def test_an_issue_that_fails_to_render_is_reported_and_holds_back_no_other(
    publication: PublicationFolder,
) -> None:
    error = RenderingError("body.html: line 3: no such filter")
    made, problems = assemble_issues(
        publication.settings, publication.database, Failing("ar", error)
    )
    assert (made, problems) == (1, ["weekly-ar-2026-01-09: body.html: line 3: no such filter"])
    assert an_issue(publication, "ar").reason == "body.html: line 3: no such filter"
    assert an_issue(publication, "ar").reason_key == IssueReason.NOT_MADE
    assert states(publication) == {"en": IssueState.READY, "ar": IssueState.ASSEMBLING}
    assert [row["subject"] for row in publication.rows(digest_table)] == [
        frozen(publication).subject
    ]


def test_every_word_of_hostile_articles_arrives_in_both_parts(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    publication = new_publication(languages=["en", "ar"])
    publication.write(
        "en/a.md",
        "Write `@@UNSUBSCRIBE@@` or `{{ unsubscribe }}`, 1 < 2 & “three” – e\u0301t\u00e9.",
        title="'@@ADDRESS@@ \u202eevil\u202c'",
        date="2026-01-08",
    )
    publication.write(
        "ar/a.md",
        "قال: \u200fالساعة 07:30\u200f تمامًا (GMT).",
        title="العبّارة",
        date="2026-01-08",
    )
    publication.pick_up()
    plan_issues(publication.settings, publication.database, NOW)
    select_due(publication.settings, publication.database, NOW)
    assert assemble_issues(publication.settings, publication.database, Renderer()) == (2, [])


def test_a_held_issue_is_assembled_once_its_fault_is_mended(
    publication: PublicationFolder, renderer: Renderer
) -> None:
    assemble_issues(
        publication.settings, publication.database, Failing("ar", RenderingError("no"))
    )
    before = frozen(publication)
    assert an_issue(publication, "ar").reason == "no"
    assert assemble_issues(publication.settings, publication.database, renderer) == (1, [])
    assert states(publication) == {"en": IssueState.READY, "ar": IssueState.READY}
    assert an_issue(publication, "ar").reason is None
    assert an_issue(publication, "ar").reason_key is None
    assert frozen(publication) == before


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({"languages": ["en", "ar"], "newsletters": []}, set()),
        ({"languages": ["en"]}, {"en"}),
        ({"languages": ["en", "ar"], "newsletters": [{"languages": ["ar"]}]}, {"ar"}),
    ],
)
def test_an_issue_of_a_removed_edition_is_skipped(
    publication: PublicationFolder, renderer: Renderer, changes: dict[str, Any], left: set[str]
) -> None:
    publication.reload(**changes)
    assert assemble_issues(publication.settings, publication.database, renderer) == (
        len(left),
        [],
    )
    for language in ("en", "ar"):
        one = an_issue(publication, language)
        if language in left:
            assert (one.state, one.reason) == (IssueState.READY, None)
        else:
            assert (one.state, one.reason) == (
                IssueState.SKIPPED,
                "no longer in publication.toml",
            )


def test_assembling_after_a_kill_gives_the_same_bytes(
    new_publication: Callable[..., PublicationFolder], renderer: Renderer
) -> None:
    calm, stormy = (new_publication(languages=["en", "ar"]) for _ in range(2))
    for publication in (calm, stormy):
        fill(publication)
    with pytest.raises(Killed):
        assemble_issues(stormy.settings, stormy.database, Failing("ar", Killed()))
    stormy.at(LATER)
    stormy.write("en/new.md", title="The newest ferry", date="2026-01-09", topics="[rivers]")
    stormy.pick_up()
    for publication, left in ((calm, 2), (stormy, 1)):
        assert assemble_issues(publication.settings, publication.database, renderer) == (
            left,
            [],
        )
    assert stormy.rows(digest_table) == calm.rows(digest_table)


def test_a_kill_between_freezing_and_moving_freezes_nothing(
    publication: PublicationFolder, renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(*_anything: object, **_more: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(store, "move_issue", kill)
        with pytest.raises(Killed):
            assemble_issues(publication.settings, publication.database, renderer)
    assert publication.rows(digest_table) == []
    assert assemble_issues(publication.settings, publication.database, renderer) == (2, [])


def test_an_issue_that_another_process_moved_is_not_frozen(
    publication: PublicationFolder,
) -> None:
    class Overtaken(Renderer):
        def digest(self, content: IssueContent) -> Digest:
            with publication.database.writing() as connection:
                one = store.issue_by_name(
                    connection, f"weekly-{content.publication.language}-{content.day}"
                )
                assert one is not None
                store.move_issue(connection, one, IssueState.CANCELLED)
            return super().digest(content)

    made, problems = assemble_issues(publication.settings, publication.database, Overtaken())
    assert (made, problems) == (0, [])
    assert set(states(publication).values()) == {IssueState.CANCELLED}
    assert publication.rows(digest_table) == []


def test_a_frozen_digest_stays_when_articles_change(
    publication: PublicationFolder, renderer: Renderer
) -> None:
    assemble_issues(publication.settings, publication.database, renderer)
    before = frozen(publication)
    publication.write("en/a.md", title="The ferry, corrected", date="2026-01-08")
    publication.at(LATER).pick_up()
    assert assemble_issues(publication.settings, publication.database, renderer) == (0, [])
    assert frozen(publication) == before


def test_articles_withdrawn_after_selection_are_not_sent(
    publication: PublicationFolder, renderer: Renderer
) -> None:
    (publication.articles / "en/b.md").unlink()
    publication.pick_up()
    assert assemble_issues(publication.settings, publication.database, renderer) == (2, [])
    kept = frozen(publication)
    assert "The map" not in kept.html + kept.text + kept.page
    assert "The ferry" in kept.text


def test_an_issue_whose_articles_are_all_withdrawn_is_skipped(
    publication: PublicationFolder, renderer: Renderer
) -> None:
    (publication.articles / "ar/a.md").unlink()
    publication.pick_up()
    assert assemble_issues(publication.settings, publication.database, renderer) == (1, [])
    skipped = an_issue(publication, "ar")
    assert skipped.state == IssueState.SKIPPED
    assert skipped.reason == "all its articles were withdrawn before it was made"
    assert skipped.reason_key == IssueReason.ALL_WITHDRAWN


def test_a_fault_of_the_program_in_one_issue_holds_back_no_other(
    publication: PublicationFolder, renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fault is simulated."""
    whole = gate_run.check_digest

    def broken(publication: Any, issue: Issue, digest: Digest) -> Any:
        if issue.language == "ar":
            raise IndexError("list index out of range")
        return whole(publication, issue, digest)

    monkeypatch.setattr(gate_run, "check_digest", broken)
    made, (problem,) = assemble_issues(publication.settings, publication.database, renderer)
    assert made == 1
    assert "a fault of the program: IndexError('list index out of range')" in problem
    assert states(publication) == {"en": IssueState.READY, "ar": IssueState.ASSEMBLING}
