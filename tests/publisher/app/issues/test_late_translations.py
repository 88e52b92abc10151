"""A translation that comes after its story was selected in another language is in the issue all the same."""

from collections.abc import Callable
from datetime import timedelta
from email.parser import BytesParser
from email.policy import SMTP
from typing import Any

import pytest

from publisher.accounts.model import Grant, Role
from publisher.app.issues.approvals import read_approvals
from publisher.app.issues.edits import EditRequest, edit_issue
from publisher.app.issues.overview import IssueOverview, compare_revisions, read_issue_overview
from publisher.delivery.issue_opening import open_due_issues
from publisher.errors import IssueError
from publisher.issues.editing import EditKind
from publisher.issues.model import IssueState
from publisher.testing import MemoryTransport
from tests.publisher.app.approving import (
    DAY,
    DUE,
    HOUR,
    TERMINAL,
    TITLES,
    approve,
    cycle,
    cycle_with_all_mails,
    fill,
    issue_of,
    newsletter,
    person,
)
from tests.publisher.conftest import PublicationFolder, editing_state
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.printing import pipeline_of

pytestmark = pytest.mark.usefixtures("issue_pages_only")
ARABIC = "weekly-ar-2026-01-09"
Make = Callable[..., PublicationFolder]


@pytest.fixture
def make(new_publication: Make) -> Make:
    """Make two English stories, and an Arabic issue that shows them so, a day before it is due."""

    def made(**terms: Any) -> PublicationFolder:
        arabic = {"missing": "fallback", "fallback": ["en"], "lead": 24}
        weekly = newsletter(edition={"ar": arabic | terms}, name="weekly")
        publication = new_publication(languages=["en", "ar"], newsletters=[weekly])
        fill(publication)
        subscribe(publication, ("omar@example.com", "ar"))
        cycle(publication, DUE - DAY)
        assert languages(publication) == {"tides": "en", "gales": "en"}
        return publication

    return made


def overview(publication: PublicationFolder) -> IssueOverview:
    return read_issue_overview(editing_state(publication), TERMINAL, ARABIC)


def languages(publication: PublicationFolder) -> dict[str, str]:
    """Return in which language the issue shows its stories, in their order."""
    return {one.story_key: one.language for one in overview(publication).stories}


def translate(publication: PublicationFolder, key: str = "gales", **matter: Any) -> None:
    title = TITLES["ar"][("tides", "gales").index(key)]
    facts = {"title": title, "date": "2026-01-05", "translator": "Omar"} | matter
    publication.write(f"ar/{key}.md", f"{title}.", **facts)


def edit(publication: PublicationFolder, kind: EditKind, value: str, key: str = "") -> None:
    stories = {one.story_key: one.story_id for one in overview(publication).stories}
    request = EditRequest(kind, value, stories.get(key))
    edit_issue(editing_state(publication), TERMINAL, ARABIC, request)


def mail(transport: MemoryTransport) -> str:
    (one,) = (one for one in transport.messages if b"omar@example.com" in one.content)
    parsed = BytesParser(policy=SMTP).parsebytes(one.content)
    text = parsed.get_body(("plain",))
    assert text is not None
    return f"{parsed['subject']}\n{text.get_content()}"


def test_the_next_cycle_shows_the_translation_at_the_same_place_with_the_same_words(
    make: Make,
) -> None:
    publication = make(approval="none")
    edit(publication, EditKind.MOVE, "1", "tides")
    edit(publication, EditKind.SUBJECT, "The sea")
    order = [*languages(publication)]
    translate(publication)
    cycle(publication, DUE - 2 * HOUR)
    assert issue_of(publication, ARABIC).state is IssueState.READY
    assert languages(publication) == {"tides": "en", "gales": "ar"}
    assert [*languages(publication)] == order
    revision = issue_of(publication, ARABIC).revision
    # Once, and each story by itself: what editors do afterwards keeps it.
    edit(publication, EditKind.MOVE, "1", "gales")
    translate(publication, "tides")
    cycle(publication, DUE - HOUR)
    cycle(publication, DUE - HOUR / 2)
    assert languages(publication) == {"gales": "ar", "tides": "ar"}
    assert issue_of(publication, ARABIC).revision == revision + 2
    sent = mail(cycle(publication, DUE))
    assert sent.startswith("The sea\n")
    assert TITLES["ar"][0] in sent
    assert TITLES["en"][0] not in sent
    # It is no news for the next issue.
    publication.write("en/fogs.md", "Fogs.", title="Fogs", date="2026-01-14")
    cycle(publication, DUE + timedelta(days=6))
    found = read_issue_overview(
        editing_state(publication), TERMINAL, ARABIC.replace("-09", "-16")
    )
    assert [one.story_key for one in found.stories] == ["fogs"]


def test_approvals_are_struck_and_whoever_gave_them_sees_what_changed(make: Make) -> None:
    publication = make()
    ann = person(publication, "ann")
    person(publication, "eve", Grant(Role.EDITOR, "ar"))
    approve(publication, ann, ARABIC)
    translate(publication)
    sent = cycle_with_all_mails(publication, DUE - 2 * HOUR)
    told = b"".join(one.content for one in sent.messages)
    for name in (b"ann", b"eve"):
        assert told.count(name + b"@example.org>\r\nSubject: Changed after approval") == 1
    view = read_approvals(editing_state(publication), ann, ARABIC)
    assert view.issue.state is IssueState.AWAITING_APPROVAL
    assert [row.actor for row in view.struck] == [ann.name]
    diff = compare_revisions(editing_state(publication), ann, ARABIC)
    assert len(diff.added) == len(diff.removed) == 1
    assert any(TITLES["ar"][1] in line for line in diff.text)
    # The program is nobody who may not approve what it edited.
    approve(publication, TERMINAL, ARABIC)
    assert TITLES["ar"][1] in mail(cycle(publication, DUE))


def test_what_somebody_takes_back_stays_so_and_can_be_asked_for(make: Make) -> None:
    publication = make()
    with pytest.raises(IssueError, match="no translation of the story has come"):
        edit(publication, EditKind.TRANSLATION, "", "gales")
    translate(publication)
    cycle(publication, DUE - 3 * HOUR)
    (taken,) = overview(publication).edits
    assert (taken.kind, taken.value, taken.actor) == ("translation", "ar", "publisher")
    edit_issue(editing_state(publication), TERMINAL, ARABIC, taken.id)
    cycle(publication, DUE - 2 * HOUR)
    assert languages(publication)["gales"] == "en"
    edit(publication, EditKind.TRANSLATION, "", "gales")
    assert languages(publication)["gales"] == "ar"


def test_corrected_articles_and_issues_that_are_being_sent_stay(make: Make) -> None:
    publication = make(approval="none")
    publication.write("en/tides.md", "High tides.", title="Tides", date="2026-01-05")
    cycle(publication, DUE - 2 * HOUR)
    assert languages(publication) == {"tides": "en", "gales": "en"}
    assert overview(publication).edits == ()
    pipeline_of(publication.at(DUE)).prepare()
    with publication.database.writing() as connection:
        open_due_issues(connection, publication.settings, DUE)
    translate(publication)
    sent = mail(cycle(publication, DUE + HOUR / 2))
    assert "High tides" in sent
    assert issue_of(publication, ARABIC).state is IssueState.SENT
    assert languages(publication) == {"tides": "en", "gales": "en"}
