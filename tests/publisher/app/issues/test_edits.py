"""Editors change an issue: what its mails and its page have, and what is kept of it before."""

import re

import pytest

from publisher.accounts.model import Actor, Grant, Role, terminal_actor
from publisher.app.editing_state import EditingState
from publisher.app.issues import edits
from publisher.app.issues import overview as use_cases
from publisher.app.issues.lookup import require_edition
from publisher.errors import ForbiddenError, IssueError, RenderingError, UsageError
from publisher.issues.editing import EditKind
from publisher.issues.model import IssueState
from publisher.rendering import Renderer
from publisher.testing import MemoryTransport
from tests.publisher.app.approving import DAY, DUE, HOUR, NAME, prefer_full_texts
from tests.publisher.app.editing import audit_log
from tests.publisher.conftest import Make, PublicationFolder, editing_state
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.printing import pipeline_of, public

pytestmark = pytest.mark.usefixtures("issue_pages_only")
TITLES = {"tides": "Tides", "gales": "Gales", "fogs": "Fogs", "reefs": "Reefs"}
ACTOR = terminal_actor()


TERMS = {"lead": 24, "schedule": "0 0 * * FRI", "max_articles": 3}


@pytest.fixture
def publication(prepared_publication: Make) -> PublicationFolder:
    """An issue with three of four stories, a day before it is due."""
    return prepared_publication(make_issue, languages=["en"], newsletters=[TERMS]).at(
        DUE - 20 * HOUR
    )


def make_issue(made: PublicationFolder) -> None:
    for day, (key, title) in enumerate(reversed(TITLES.items()), start=2):
        text = f"About {key}. A sentence about {key} that somebody may quote."
        made.write(f"en/{key}.md", text, title=title, date=f"2026-01-0{day}")
    subscribe(made, ("ann@example.com", "en"))
    pipeline_of(made.at(DUE - DAY)).run()


def story(state: EditingState, key: str) -> int:
    overview = use_cases.read_issue_overview(state, ACTOR, NAME)
    found = {one.story_key: one.story_id for one in (*overview.stories, *overview.further)}
    found |= {one.story.story_key: one.story.story_id for one in overview.left_out}
    return found[key]


def edit(
    state: EditingState, kind: EditKind, value: str = "", key: str | None = None
) -> edits.EditedIssue:
    number = story(state, key) if key else None
    edited = edits.edit_issue(state, ACTOR, NAME, edits.EditRequest(kind, value, number))
    assert edited.problem is None
    assert edited.issue.state is IssueState.READY
    return edited


def keys(state: EditingState) -> list[str]:
    return [one.story_key for one in use_cases.read_issue_overview(state, ACTOR, NAME).stories]


def sent(publication: PublicationFolder) -> str:
    transport = MemoryTransport()
    report = pipeline_of(publication.at(DUE), transport).run()
    assert report.problems == []
    (mail,) = transport.messages
    return mail.content.decode()


def test_stories_are_moved_left_out_and_added(
    state: EditingState, publication: PublicationFolder
) -> None:
    assert keys(state) == ["tides", "gales", "fogs"]
    edit(state, EditKind.MOVE, "1", "fogs")
    edit(state, EditKind.LEAVE_OUT, "not ours", "tides")
    edit(state, EditKind.PIN, "2", "reefs")
    assert keys(state) == ["fogs", "reefs", "gales"]
    mail = sent(publication)
    assert "Tides" not in mail
    assert mail.index("Fogs") < mail.index("Reefs") < mail.index("Gales")
    page = (public(publication) / "en/weekly/2026-01-09/index.html").read_text()
    assert "Tides" not in page


def test_an_edit_that_is_posted_twice_counts_once(state: EditingState) -> None:
    first = edit(state, EditKind.SUBJECT, "Fogs")
    assert edit(state, EditKind.SUBJECT, "Fogs").issue == first.issue
    edit(state, EditKind.SUBJECT, "Gales")
    # It is no repetition after another one.
    edit(state, EditKind.SUBJECT, "Fogs")
    overview = use_cases.read_issue_overview(state, ACTOR, NAME)
    assert [one.value for one in overview.edits] == ["Fogs", "Gales", "Fogs"]
    entries = [one.verb for one in audit_log(state)]
    assert entries == ["edit"] * 3


def test_words_of_editors_are_in_the_mail_and_on_the_page(
    state: EditingState, publication: PublicationFolder
) -> None:
    edit(state, EditKind.SUBJECT, "What the sea brings")
    edit(state, EditKind.PREHEADER, "Three stories and a warning")
    opening = (
        'Dear *readers*, see [this](https://example.org/a).\n\n<script>alert("x")</script>'
    )
    edit(state, EditKind.OPENING, opening)
    mail = sent(publication)
    assert "Subject: What the sea brings" in mail
    assert "Three stories and a warning" in mail
    assert "Dear readers, see this." in mail.replace("=\r\n", "")
    assert "&lt;script&gt;alert" in mail
    page = (public(publication) / "en/weekly/2026-01-09/index.html").read_text()
    assert "<em>readers</em>" in page
    assert "<script>alert" not in page


def test_a_quotation_is_from_an_article_of_the_issue(
    state: EditingState, publication: PublicationFolder
) -> None:
    words = "A sentence about gales that somebody may quote."
    edit(state, EditKind.QUOTATION, words, "gales")
    with pytest.raises(IssueError, match="not in the article"):
        edit(state, EditKind.QUOTATION, "Words that nobody has written.", "gales")
    assert sent(publication).count("quotation-text") >= 1


def test_a_line_that_turns_its_own_direction_is_refused(state: EditingState) -> None:
    for kind in (EditKind.SUBJECT, EditKind.PREHEADER):
        with pytest.raises(IssueError, match=re.escape(edits.bidi_problem("U+202E"))):
            edit(state, kind, "Gales \u202efdp.exe")
        edit(state, kind, "\u200fGales")  # a mark, which turns nothing else


ABOUT_THE_ISSUE = (EditKind.SUBJECT, EditKind.PREHEADER, EditKind.OPENING, EditKind.NUMBER)


def test_an_edit_names_no_story_that_it_is_not_about(state: EditingState) -> None:
    """Neither one of the issue, if the edit is about the issue, nor one that does not exist."""
    tides = story(state, "tides")
    for kind in EditKind:
        wrong = tides if kind in ABOUT_THE_ISSUE else 9_999
        value = "1" if kind in {EditKind.PIN, EditKind.MOVE} else ""
        with pytest.raises(IssueError, match="story"):
            edits.edit_issue(state, ACTOR, NAME, edits.EditRequest(kind, value, wrong))
    assert use_cases.read_issue_overview(state, ACTOR, NAME).edits == ()


def test_a_number_of_stories_takes_those_that_had_no_room_and_says_how_many_are_left(
    state: EditingState,
) -> None:
    issue = use_cases.read_issue_overview(state, ACTOR, NAME).issue
    chosen = {story(state, key) for key in ("tides", "gales", "fogs")}
    edition = require_edition(state.settings, issue)
    with state.database.reading() as connection:
        (left,) = edits.stories_without_room(connection, state.settings, edition, issue, chosen)
    assert (left.story_key, issue.more) == ("reefs", 1)
    edit(state, EditKind.NUMBER, "4")
    assert keys(state) == ["tides", "gales", "fogs", "reefs"]
    assert use_cases.read_issue_overview(state, ACTOR, NAME).issue.more == 0
    edit(state, EditKind.NUMBER, "2")
    assert keys(state) == ["tides", "gales"]
    assert use_cases.read_issue_overview(state, ACTOR, NAME).issue.more == 2


def test_an_edit_that_is_undone_leaves_the_issue_as_it_was(state: EditingState) -> None:
    before = use_cases.read_issue_overview(state, ACTOR, NAME).revisions[0].sha256
    edit(state, EditKind.LEAVE_OUT, "not ours", "tides")
    (made,) = use_cases.read_issue_overview(state, ACTOR, NAME).edits
    edits.edit_issue(state, ACTOR, NAME, made.id)
    overview = use_cases.read_issue_overview(state, ACTOR, NAME)
    assert [one.story_key for one in overview.stories] == ["tides", "gales", "fogs"]
    assert overview.revisions[0].sha256 == before
    assert overview.edits[0].undone_at is not None
    with pytest.raises(IssueError, match="no edit"):
        edits.edit_issue(state, ACTOR, NAME, made.id)


def test_what_an_issue_was_before_is_kept_and_compared(state: EditingState) -> None:
    edit(state, EditKind.SUBJECT, "One")
    edit(state, EditKind.LEAVE_OUT, "not ours", "tides")
    overview = use_cases.read_issue_overview(state, ACTOR, NAME)
    assert [one.revision for one in overview.revisions] == [2, 1, 0]
    assert [one.subject for one in overview.revisions[:2]] == ["One", "One"]
    found = use_cases.compare_revisions(state, ACTOR, NAME)
    assert (found.old.revision, found.new.revision) == (1, 2)
    assert len(found.removed) == 1
    assert found.added == ()
    assert "-Tides" in found.text
    whole = use_cases.compare_revisions(state, ACTOR, NAME, 0, 2)
    assert (whole.old.subject, whole.new.subject) != ("One", "One")
    with pytest.raises(IssueError, match="it has 0, 1, 2"):
        use_cases.compare_revisions(state, ACTOR, NAME, 0, 7)


def test_a_story_that_was_left_out_stays_listed_and_may_come_in_a_later_issue(
    state: EditingState, publication: PublicationFolder
) -> None:
    edit(state, EditKind.LEAVE_OUT, "wait for the figures", "tides")
    (left,) = use_cases.list_left_out(state, ACTOR, "weekly", "en")
    assert (left.issue.name, left.story.story_key, left.edit.actor) == (
        NAME,
        "tides",
        "terminal",
    )
    assert (left.edit.value, left.is_carried) == ("wait for the figures", False)
    sent(publication)
    publication.write("en/news.md", "New.", title="News", date="2026-01-14")
    pipeline_of(publication.at(DUE + 6 * DAY)).run()
    later = "weekly-en-2026-01-16"
    then = editing_state(publication)
    assert [
        one.story_key for one in use_cases.read_issue_overview(then, ACTOR, later).stories
    ] == ["news"]
    edits.edit_issue(
        then, ACTOR, later, edits.EditRequest(EditKind.PIN, "1", left.story.story_id)
    )
    (left,) = use_cases.list_left_out(then, ACTOR, "weekly", "en")
    assert left.is_carried
    transport = MemoryTransport()
    pipeline_of(publication.at(DUE + 7 * DAY), transport).run()
    (mail,) = transport.messages
    assert b"Tides" in mail.content


def test_what_was_sent_is_not_changed_nor_added_again(
    state: EditingState, publication: PublicationFolder
) -> None:
    number = story(state, "tides")
    sent(publication)
    with pytest.raises(IssueError, match="is sent; it can't be changed any more"):
        edit(state, EditKind.SUBJECT, "Too late")
    publication.write("en/news.md", "New.", title="News", date="2026-01-14")
    pipeline_of(publication.at(DUE + 6 * DAY)).run()
    pin = edits.EditRequest(EditKind.PIN, "1", number)
    with pytest.raises(IssueError, match="has the story already"):
        edits.edit_issue(editing_state(publication), ACTOR, "weekly-en-2026-01-16", pin)


IMPOSSIBLE = [
    (EditKind.SUBJECT, "x" * 66, None, "longer than 65 columns"),
    (EditKind.SUBJECT, "one\ntwo", None, "one line"),
    (EditKind.OPENING, "x" * 5001, None, "longer than 5,000 characters"),
    (EditKind.MOVE, "0", "tides", "is no place"),
    (EditKind.MOVE, "1", "reefs", "not in this issue; pin it"),
    (EditKind.LEAVE_OUT, "  ", "tides", "say why"),
    (EditKind.LEAVE_OUT, "dull", "reefs", "not in this issue"),
    (EditKind.NUMBER, "none", None, "is no place"),
    (EditKind.PIN, "1", None, "name a story"),
]


def test_an_edit_that_is_not_possible_changes_nothing(state: EditingState) -> None:
    for kind, value, key, problem in IMPOSSIBLE:
        with pytest.raises(IssueError, match=problem):
            edit(state, kind, value, key)
    overview = use_cases.read_issue_overview(state, ACTOR, NAME)
    assert (overview.edits, overview.issue.state) == ((), IssueState.READY)


def test_an_issue_keeps_one_story(state: EditingState) -> None:
    for key in ("tides", "gales"):
        edit(state, EditKind.LEAVE_OUT, "dull", key)
    with pytest.raises(IssueError, match="no story would be left"):
        edit(state, EditKind.LEAVE_OUT, "dull", "fogs")
    assert keys(state) == ["fogs"]


def test_who_may_not_edit_a_language_changes_nothing_in_it(state: EditingState) -> None:
    for role, language in ((Role.EDITOR, "ar"), (Role.APPROVER, "en"), (Role.VIEWER, None)):
        actor = Actor(name="bob@example.org", via="api", grants=(Grant(role, language),))
        with pytest.raises(ForbiddenError, match="edit-issue"):
            edits.edit_issue(state, actor, NAME, edits.EditRequest(EditKind.SUBJECT, "Mine"))
    editor = Actor(name="bob@example.org", via="api", grants=(Grant(Role.EDITOR, "en"),))
    edits.edit_issue(state, editor, NAME, edits.EditRequest(EditKind.SUBJECT, "Mine"))
    entries = audit_log(state)
    assert [(one.actor, one.verb, one.object) for one in entries] == [
        ("bob@example.org", "edit", NAME)
    ]
    assert entries[0].details["value"] == "Mine"


def test_an_edit_reaches_an_issue_that_is_being_assembled(
    state: EditingState, publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An editor changes the subject after a cycle has read the issue, before it freezes it."""
    publication.write("en/tides.md", "Other words.", title="Tides", date="2026-01-05")
    pipeline = pipeline_of(publication)
    original = Renderer.issue_page
    done: list[edits.EditedIssue] = []

    def page(self: Renderer, *arguments: object) -> str:
        if not done:
            done.append(
                edits.EditedIssue(use_cases.read_issue_overview(state, ACTOR, NAME).issue)
            )
            edits.edit_issue(
                state, ACTOR, NAME, edits.EditRequest(EditKind.SUBJECT, "In between")
            )
        return original(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Renderer, "issue_page", page)
    report = pipeline.prepare()
    assert report.problems == []
    overview = use_cases.read_issue_overview(state, ACTOR, NAME)
    assert overview.issue.state is IssueState.READY
    assert overview.revisions[0].subject == "In between"
    assert done[0].issue.state is IssueState.ASSEMBLING


def test_subscribers_with_a_profile_get_the_editors_choice_of_what_they_want(
    state: EditingState, publication: PublicationFolder
) -> None:
    edit(state, EditKind.LEAVE_OUT, "not ours", "tides")
    edit(state, EditKind.OPENING, "Dear readers.")
    prefer_full_texts(publication, "ann@example.com")
    mail = sent(publication)
    assert "Dear readers." in mail
    assert "Tides" not in mail
    assert "About gales." in mail


def test_an_issue_that_the_gate_rejects_says_why_and_waits(
    state: EditingState, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise RenderingError("the template is broken")

    monkeypatch.setattr(Renderer, "digest", refuse)
    found = edits.edit_issue(state, ACTOR, NAME, edits.EditRequest(EditKind.SUBJECT, "New"))
    assert found.problem == found.issue.reason == "the template is broken"
    assert found.issue.state is IssueState.ASSEMBLING
    monkeypatch.undo()
    again = edits.render_again(state, found.issue)
    assert (again.problem, again.issue.state) == (None, IssueState.READY)


def test_issues_and_stories_are_found_by_their_names_and_by_words_of_titles(
    state: EditingState,
) -> None:
    day = DUE.date()
    assert use_cases.issue_names(state, "weekly", day) == [NAME]
    assert use_cases.issue_names(state, "weekly", day, ["en"]) == [NAME]
    with pytest.raises(UsageError, match="no such issue"):
        use_cases.issue_names(state, "weekly", day + DAY)
    assert [one.name for one in use_cases.list_of_newsletter(state, ACTOR, "weekly")] == [NAME]
    assert use_cases.find_story_id(state, "tides") == story(state, "tides")
    with pytest.raises(UsageError, match="no such story"):
        use_cases.find_story_id(state, "nowhere")
    (left,) = set(TITLES) - set(keys(state))
    assert [one.story_key for one in use_cases.search_stories(state, ACTOR, NAME, "")] == [left]
    words = TITLES[left].upper()[:3]
    assert [one.story_key for one in use_cases.search_stories(state, ACTOR, NAME, words)] == [
        left
    ]
    assert use_cases.search_stories(state, ACTOR, NAME, "nowhere") == []
    edit(state, EditKind.PIN, "1", left)
    assert use_cases.search_stories(state, ACTOR, NAME, "") == []
