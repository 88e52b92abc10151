"""The page of an issue: what is in it, why, and changing it by plain forms."""

import html
import re

import pytest
from flask.testing import FlaskClient

from publisher.accounts.model import terminal_actor
from publisher.app.issues.overview import IssueOverview, edit_text, read_issue_overview
from publisher.errors import GateError
from publisher.rendering import Renderer
from tests.publisher.conftest import PublicationFolder, editing_state
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.printing import pipeline_of
from tests.publisher.web.conftest import MadeReady
from tests.publisher.web.console.conftest import SignIn

ISSUE = "weekly-en-2026-01-09"
PAGE = f"/issues/{ISSUE}/"
TITLES = ["Tides", "Ferry", "Light"]


def three_stories(publication: PublicationFolder) -> None:
    """Have an issue with three stories that is ready and not being sent."""
    for day, title in enumerate(reversed(TITLES), 5):
        publication.write(
            f"en/{title}.md", f"The {title}.", title=title, date=f"2026-01-0{day}"
        )
    subscribe(publication, ("ann@example.com", "en"))
    pipeline_of(publication).prepare()


@pytest.fixture
def publication(made_ready: MadeReady) -> PublicationFolder:
    return made_ready(three_stories)


def overview(publication: PublicationFolder) -> IssueOverview:
    return read_issue_overview(editing_state(publication), terminal_actor(), ISSUE)


def titles(publication: PublicationFolder) -> list[str]:
    return [one.title for one in overview(publication).stories]


def edit(client: FlaskClient, kind: str, value: object = "", story: object = "") -> int:
    """Send a form of the page as it is now."""
    seen = seen_in(client.get(PAGE).text, kind)
    form = {"kind": kind, "value": value, "story": story, "seen": seen}
    return client.post(f"{PAGE}edits/", data=form).status_code


def moves(page: str) -> list[dict[str, str]]:
    """Give the forms of the buttons that move stories, as they are sent: three of each story, up, down, to the top."""
    shared = re.search(r'name="seen" value="([^"]*)" form="order"', page)
    acts = re.findall(r'name="act" id="[^"]+" value="([^"]*)"', page)
    seen = shared[1] if shared else ""
    return [{"act": act, "language": "en", "seen": seen} for act in acts]


def seen_in(page: str, kind: str) -> str:
    """Give what the form of a kind of edits says that its sender has seen."""
    words = (form[f"seen.{kind}"] for form in forms(page) if f"seen.{kind}" in form)
    if kind in ("pin", "move", "leave-out"):
        words = (
            one.partition(":")[2] for one in re.findall(r'name="seen" value="(en:\d+)', page)
        )
    return next(words, "") or next(
        (form["seen"] for form in forms(page) if form.get("kind") == kind), ""
    )


def forms(page: str) -> list[dict[str, str]]:
    """Give the hidden values of each form of a page that changes its issue."""
    found = re.findall(r"<form[^>]*/(?:edits|words|order)/.*?</form>", page, re.DOTALL)
    return [
        dict(re.findall(r'type="hidden" name="([\w.]+)" value="([^"]*)"', form))
        for form in found
    ]


def test_stories_are_moved_by_buttons_and_sending_a_form_twice_does_it_once(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    client = sign_in("editor")
    assert titles(publication) == TITLES
    # The second story: up, down, to the top.
    up = moves(client.get(PAGE).text)[3]
    for _time in range(2):
        answer = client.post(f"{PAGE}order/", data=up)
        story = up["act"].split()[1]
        assert (answer.status_code, answer.headers["Location"]) == (
            303,
            f"{PAGE}#story-{story}",
        )
        assert titles(publication) == ["Ferry", "Tides", "Light"]
    page = client.get(PAGE).text
    assert page.count("placed by an editor</span>") == 1
    assert len(overview(publication).edits) == 1
    # The first one has nowhere to go.
    assert client.post(f"{PAGE}order/", data=moves(page)[0]).status_code == 303
    assert len(overview(publication).edits) == 1


def test_a_story_is_left_out_with_a_reason_and_comes_back_when_it_is_undone(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    client = sign_in("editor")
    story = overview(publication).stories[0].story_id
    assert edit(client, "leave-out", "", story) == 409
    assert edit(client, "leave-out", "<b>stale</b>", story) == 303
    assert titles(publication) == ["Ferry", "Light"]
    page = client.get(PAGE).text
    assert "&lt;b&gt;stale&lt;/b&gt;" in page
    assert "editor-all-en@example.org" in page
    (number,) = re.findall(r'name="edit" value="(\d+)"', page)
    assert client.post(f"{PAGE}edits/undo/", data={"edit": number}).status_code == 303
    assert titles(publication) == TITLES
    assert "taken back" in client.get(PAGE).text
    assert client.post(f"{PAGE}edits/undo/", data={"edit": number}).status_code == 409


def test_a_subject_that_is_too_long_is_refused_and_kept_in_its_field(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    client = sign_in("editor", pages="ar")
    long = '"> ' + "long " * 20
    answer = client.post(f"{PAGE}edits/", data={"kind": "subject", "value": long})
    assert answer.status_code == 409
    assert "أطول من" in answer.text
    assert 'value="&#34;&gt; long long' in answer.text
    assert overview(publication).edits == ()


def test_long_words_are_taken_or_refused_and_kept_whole(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    client, lines = sign_in("editor"), "潮" * 49 + "\r\n"
    # 5,000 characters, a line feed being one, and what the field had before: some 90,000 bytes as forms have them.
    form = {"opening": lines * 100, "was.opening": f"{lines * 99}x"}
    assert client.post(f"{PAGE}words/", data=form).status_code == 303
    (edit_made,) = overview(publication).edits
    assert edit_text(edit_made) == "\n".join(["潮" * 49] * 100)
    again = {"was.opening": lines * 100, "seen.opening": "1"}
    refused = client.post(f"{PAGE}words/", data={**again, "opening": lines * 180 + "the end"})
    assert (refused.status_code, "longer than 5,000" in refused.text) == (409, True)
    assert "the end</textarea>" in refused.text


def test_numbers_of_thousands_of_digits_are_refused(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    client, digits = sign_in("administrator"), "9" * 5_000
    assert edit(client, "number", digits) == 409
    assert edit(client, "move", digits, overview(publication).stories[0].story_id) == 409
    form = {"name": ISSUE, "manifest": "x", "plan_hash": "x", "recipients": digits}
    assert client.post(f"{PAGE}approve-all/", data=form).status_code == 400


def test_words_with_which_no_mail_can_be_made_stay_in_their_field_with_the_reason(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise GateError(ISSUE, 1, "a link leads to this machine")

    client = sign_in("editor", pages="ar")
    with monkeypatch.context() as patch:
        patch.setattr(Renderer, "digest", refuse)
        answer = client.post(f"{PAGE}words/", data={"opening": "See *this*"})
    assert answer.status_code == 422
    field = answer.text.partition('<label for="opening">')[2].partition("</textarea>")[0]
    assert field.endswith(">\nSee *this*")
    assert 'aria-invalid="true" aria-errormessage="opening-error"' in field
    # The reason is in Arabic; what the gate found is English, and marked as such.
    assert "في رسالته خطأ واحد" in field
    assert '<bdi lang="en" dir="ltr">a link leads to this machine</bdi>' in field
    assert edit(client, "opening", "See that") == 303


def test_words_are_in_the_mail_and_revisions_say_what_changed(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    client = sign_in("editor")
    alone = client.get(f"{PAGE}revisions/")
    assert (alone.status_code, "There is nothing to compare" in alone.text) == (200, True)
    assert edit(client, "subject", "Three tides") == 303
    assert edit(client, "opening", "Dear <script>x</script>") == 303
    assert "<script>" not in overview(publication).revisions[0].html
    assert edit(client, "opening", "Dear *reader* {{7*7}}") == 303
    page = client.get(PAGE).text
    assert "Dear *reader* {{7*7}}" in page
    found = overview(publication)
    assert found.revisions[0].subject == "Three tides"
    assert "{{7*7}}" in found.revisions[0].html
    assert edit_text(found.edits[-1]) == "Dear *reader* {{7*7}}"
    diff = client.get(f"{PAGE}revisions/").text
    assert "<ins>+Dear reader {{7*7}}</ins>" in diff
    # The same number as in the list of revisions.
    number = found.issue.revision
    assert f"Revision {number}</small>" in client.get(PAGE).text
    assert f'<th scope="row">{number}</th>' in diff
    first = client.get(f"{PAGE}revisions/?old=0&new=1").text
    assert "<ins><bdi" in first
    assert "Three tides" in first
    assert client.get(f"{PAGE}revisions/?old=7&new=9").status_code == 409
    preview = client.get(f"{PAGE}preview/").text
    assert "Three tides" in preview


def test_of_two_editors_of_the_same_words_the_second_sees_both_texts_and_decides(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    first, second = sign_in("editor"), sign_in("editor", "en", pages="ar")
    for kind, one, other in (
        ("subject", "Three tides", "Four <i>tides</i>"),
        ("preheader", "First", "Second"),
        ("opening", "Dear *reader*\n\nof us", "Hello\n\nthere"),
    ):
        read = seen_in(second.get(PAGE).text, kind)
        assert edit(first, kind, one) == 303
        form = {"kind": kind, "value": other, "seen": read}
        answer = second.post(f"{PAGE}edits/", data=form)
        assert answer.status_code == 409
        assert "غيّر أحدهم الشيء نفسه" in answer.text
        page = html.unescape(answer.text)
        assert f">{one}</pre>" in page
        assert f">{other}</pre>" in page
        assert "editor-all-en@example.org" in page
        assert [text for text in written(publication) if text == other] == []
        # Twice is as once, also of a form that was refused.
        over = next(one for one in forms(answer.text) if one.get("kind") == kind)
        over["value"] = html.unescape(over["value"])
        for _time in range(2):
            assert second.post(f"{PAGE}edits/", data=over).status_code == 303
        assert written(publication)[-1] == other
        # What the first one has seen is older now.
        assert first.post(f"{PAGE}edits/", data=form).status_code == 409
    assert len(overview(publication).edits) == 6


def written(publication: PublicationFolder) -> list[str]:
    return [edit_text(one).replace("\r\n", "\n") for one in overview(publication).edits]


def test_of_two_editors_of_the_order_the_second_sees_what_was_done(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    first, second = sign_in("editor"), sign_in("editor", "en")
    up = moves(second.get(PAGE).text)[3]
    left_out = overview(publication).stories[2].story_id
    assert edit(first, "leave-out", "it is old", left_out) == 303
    answer = second.post(f"{PAGE}order/", data=up)
    assert answer.status_code == 409
    assert "Somebody has changed the same meanwhile" in answer.text
    assert "it is old" in answer.text
    assert titles(publication) == TITLES[:2]
    over = next(one for one in forms(answer.text) if one.get("kind") == "move")
    assert second.post(f"{PAGE}edits/", data=over).status_code == 303
    assert titles(publication) == ["Ferry", "Tides"]


def test_what_somebody_has_taken_back_meanwhile_is_a_change_and_other_words_are_none(
    sign_in: SignIn,
) -> None:
    first, second = sign_in("editor"), sign_in("editor", "en")
    assert edit(first, "subject", "Three tides") == 303
    page = second.get(PAGE).text
    (number,) = re.findall(r'name="edit" value="(\d+)"', page)
    assert first.post(f"{PAGE}edits/undo/", data={"edit": number}).status_code == 303
    form = {"kind": "subject", "value": "Four", "seen": seen_in(page, "subject")}
    answer = second.post(f"{PAGE}edits/", data=form)
    assert answer.status_code == 409
    assert "taken back" in answer.text
    form = {"kind": "preheader", "value": "A line", "seen": seen_in(page, "preheader")}
    assert second.post(f"{PAGE}edits/", data=form).status_code == 303


def test_warnings_are_explained_on_the_page_with_what_to_do(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    client = sign_in("editor")
    assert edit(client, "preheader", "Short") == 303
    assert overview(publication).findings
    shown = client.get(PAGE).text.partition('<ul class="findings">')[2].partition("</ul>")[0]
    assert "First line: " in shown
    assert "it takes 5 columns" in re.sub("<[^>]*>", "", shown)
    assert "a Chinese character takes two" in shown


def test_any_story_that_the_edition_may_show_is_found_and_added(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    for tag, title in (("en", "Late news"), ("ar", "خبر"), ("en", "Hidden")):
        publication.write(f"{tag}/late-{title}.md", "Late.", title=title, date="2026-01-09")
    publication.pick_up()
    editor = sign_in("editor", "en")
    path = f"{PAGE}stories/"

    def found(words: str) -> str:
        """Give the part of the page with what was found, after what had no room."""
        return editor.post(path, data={"words": words}).text.partition('id="add"')[2]

    page = found("LATE n")
    assert 'aria-label="Add: Late news"' in page
    assert 'aria-label="Add: Hidden"' not in page
    # Neither what it has already, nor a language that it does not show.
    latest = found("")
    assert all(f'aria-label="Add: {title}"' not in latest for title in (*TITLES, "خبر"))
    (pin,) = [one for one in forms(page) if one.get("kind") == "pin"]
    assert editor.post(f"{PAGE}edits/", data=pin).status_code == 303
    assert titles(publication)[-1] == "Late news"
    assert "No such story is there." in found("Late n")
    assert sign_in("editor", "ar").post(path).status_code == 403


def test_a_quotation_is_words_of_an_article_of_the_issue(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    title = titles(publication)[0]
    quoted = (
        f"The {title} came over the wall, and nobody had seen it before in all these years."
    )
    publication.write(f"en/{title}.md", quoted, title=title, date="2026-01-07")
    pipeline_of(publication).prepare()
    editor, story = sign_in("editor"), overview(publication).stories[0].story_id
    assert f'id="quote-{story}"' in editor.get(PAGE).text
    assert edit(editor, "quotation", "Words that nobody wrote, " * 4, story) == 409
    assert edit(editor, "quotation", quoted, story) == 303
    assert f"{quoted}</textarea>" in editor.get(PAGE).text


def test_only_who_may_edit_the_language_sends_forms_of_the_page_and_not_after_sending(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    for client in (sign_in("viewer"), sign_in("editor", "ar")):
        assert forms(client.get(PAGE).text) == []
        assert edit(client, "subject", "Mine") == 403
    editor = sign_in("editor")
    for form in ({"kind": "nothing"}, {"kind": "move", "story": "x"}, {}):
        assert editor.post(f"{PAGE}edits/", data=form).status_code == 400
        assert editor.post(f"{PAGE}edits/undo/", data=form).status_code == 400
    pipeline_of(publication).deliver()
    assert forms(editor.get(PAGE).text) == []
    assert edit(editor, "subject", "Too late") == 409
    assert overview(publication).edits == ()
