"""What the engine says on pages in Chinese and Arabic: translated, or marked as English."""

import re

import lxml.html
import pytest

from publisher.accounts.model import terminal_actor
from publisher.app.issues.edits import EditRequest, edit_issue
from publisher.issues.editing import EditKind
from tests.publisher.app.approving import DUE, HOUR, cycle, fill, newsletter
from tests.publisher.conftest import PublicationFolder, editing_state
from tests.publisher.web.conftest import MadeReady
from tests.publisher.web.console.conftest import SignIn
from tests.sizes import by_lane

ENGLISH = "weekly-en-2026-01-09"
# Three English words in a row, that are no names.
SENTENCE = re.compile(r"(?<![\w`])(?:[a-z']{2,}[ ,;:]+){2}[a-z']{2,}(?![\w`@.])")
in_both = pytest.mark.parametrize(
    "pages", by_lane(["zh-Hant", "ar"], ["zh-Hans", "zh-Hant", "ar"])
)


def waiting_for_two(publication: PublicationFolder) -> None:
    """Have an issue in two languages that awaits the approval of two, six hours before it is due."""
    fill(publication, "en", "ar")
    publication.write("en/bad.md", "See [it](/nowhere.html).", title="Hole", date="2026-01-05")
    publication.write("en/worse.md", "", title="")
    cycle(publication, DUE - 6 * HOUR)


@pytest.fixture
def publication(made_ready: MadeReady) -> PublicationFolder:
    terms = newsletter(undo=5, approval="two")
    made = made_ready(waiting_for_two, languages=["en", "ar"], newsletters=[terms])
    return made.at(DUE - 6 * HOUR)


def unmarked(page: str) -> list[str]:
    """Give English sentences of a page that no element around them marks as English, or as a code."""
    root = lxml.html.fromstring(page)
    shown = [one for one in root.iter("*") if one.tag != "style"]
    texts = ((one, text) for one in shown for text in (one.text, *(c.tail for c in one)))
    return [
        text.strip()
        for one, text in texts
        if text and SENTENCE.search(text) and not _is_marked(one)
    ]


def _is_marked(element: lxml.html.HtmlElement) -> bool:
    around = [one.get("lang") for one in (element, *element.iterancestors())]
    languages = [one for one in around if one]
    return "code" in element.classes or languages[:1] == ["en"]


def test_the_search_for_english_finds_what_is_not_marked() -> None:
    page = (
        '<html lang="ar"><p>it was not approved</p><p lang="en">it was sent already</p></html>'
    )
    assert unmarked(page) == ["it was not approved"]


@in_both
def test_reasons_are_in_the_language_of_the_page_with_their_values(
    sign_in: SignIn, pages: str
) -> None:
    client = sign_in("administrator", pages=pages)
    words = {
        "zh-Hans": "已有 0 个批准，需要 2 个",
        "zh-Hant": "已有 0 個核准，需要 2 個",
        "ar": "الموافقات: 0 من 2",
    }
    for path in ("/", f"/issues/{ENGLISH}/"):
        page = client.get(path).text
        assert words[pages] in page.replace("\u0660", "0").replace("\u0662", "2"), path
        assert "of 2 approvals" not in page


@in_both
def test_no_page_has_an_english_sentence_that_is_not_marked(
    publication: PublicationFolder, sign_in: SignIn, pages: str
) -> None:
    client = sign_in("administrator", pages=pages)
    state = editing_state(publication)
    edit_issue(state, terminal_actor(), ENGLISH, EditRequest(EditKind.SUBJECT, "Mot"))
    here = f"/issues/{ENGLISH}/"
    shown = ["", "plan/", "sending/", "report/", "preview/", "revisions/"]
    others = ("issues", "sources", "translations", "people", "settings", "audit")
    more = ("keys", "accounts", "account", "subscribers")
    for path in ("/", *(here + one for one in shown), *(f"/{one}/" for one in others + more)):
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert unmarked(answer.text) == [], path
    refused = {
        "undo": {},
        "send-now": {},
        "schedule": {"at": "2020-01-01T08:00"},
        "skip": {"why": ""},
        "approve": {"manifest": "0" * 64},
        "request-changes": {"changes": ""},
        "edits": {"kind": "subject", "value": "long " * 20},
        "edits/undo": {"edit": "77"},
        "resume": {},
        "pause": {},
    }
    for verb, form in refused.items():
        answer = client.post(f"{here}{verb}/", data=form)
        assert answer.status_code == 409, (verb, answer.status_code)
        assert unmarked(answer.text) == [], verb
        # The engine's sentence is translated, not only marked.
        main = answer.text.partition("<main")[2]
        problem = re.search(r'<div class="errors".*?</div>', main, re.DOTALL)
        assert 'lang="en"' not in (problem[0] if problem else main), verb


@in_both
def test_what_is_wrong_with_a_file_or_a_form_is_in_the_language_of_the_page(
    sign_in: SignIn, pages: str
) -> None:
    client = sign_in("administrator", pages=pages)
    rows = re.findall(r"<tr>(?:(?!</tr>).)*worse\.md.*?</tr>", client.get("/sources/").text)
    assert rows
    assert [row for row in rows if 'lang="en"' in row] == []
    here = f"/issues/{ENGLISH}/"
    findings = re.search(
        r'<ul class="findings">.*?</ul>', client.get(f"{here}preview/").text, re.DOTALL
    )
    assert findings is None or 'lang="en"' not in findings[0]
    wrong = {
        "schedule": ("whenever", "0 8 * * FRI 1", "FREQ=WEEKLY"),
        "at": ("noon",),
        "lead": ("-1", "100000", "x"),
        "approval": ("all",),
    }
    page = client.get("/settings/weekly/").text
    seen = dict(re.findall(r'name="(seen\.[^"]*)" value="([^"]*)"', page))
    seen |= {name.removeprefix("seen."): value for name, value in seen.items()}
    for key, values in wrong.items():
        for value in values:
            form = seen | {key: value, "confirmed": "yes"}
            answer = client.post("/settings/weekly/", data=form)
            assert answer.status_code == 422, (key, value)
            problem = re.search(r'<p class="error" role="alert">.*?</p>', answer.text)
            assert problem is not None
            assert 'lang="en"' not in problem[0], problem[0]
