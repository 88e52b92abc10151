"""An issue in all its languages: stories moved, left out and put back in several at once, and its words in one form."""

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from publisher.accounts.model import terminal_actor
from publisher.app.editing_state import EditingState
from publisher.app.issues.lookup import find_issue_group
from publisher.app.issues.overview import StoryMatrix, read_story_matrix
from publisher.errors import GateError
from publisher.rendering import Renderer
from publisher.web.console.context import ConsoleContext
from tests.publisher.app.approving import issue_of
from tests.publisher.conftest import PublicationFolder, editing_state
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.printing import pipeline_of
from tests.publisher.web.conftest import MadeReady
from tests.publisher.web.console.conftest import SignIn
from tests.publisher.web.console.test_issues import moves

ENGLISH, ARABIC = "weekly-en-2026-01-09", "weekly-ar-2026-01-09"
PAGE = f"/issues/{ENGLISH}/"
GRID = f"{PAGE}languages/"
TITLES = {"ferry": "العبّارة", "light": "المنارة"}


def in_two_languages(publication: PublicationFolder) -> None:
    """Have an issue of three stories in English; Arabic lacks the first one."""
    for day, title in enumerate(("Light", "Ferry", "Tides"), 5):
        publication.write(
            f"en/{title.lower()}.md", f"The {title}.", title=title, date=f"2026-01-0{day}"
        )
    for day, (key, title) in enumerate(reversed(TITLES.items()), 5):
        publication.write(f"ar/{key}.md", f"{title}.", title=title, date=f"2026-01-0{day}")
    subscribe(publication, ("ann@example.com", "en"), ("noor@example.com", "ar"))
    pipeline_of(publication).prepare()


@pytest.fixture
def publication(made_ready: MadeReady) -> PublicationFolder:
    return made_ready(in_two_languages, languages=["en", "ar"])


@pytest.fixture
def made(console_context: ConsoleContext) -> Callable[[], None]:
    """Wait until what was arranged is assembled."""
    return console_context.opened.assembly.wait


def matrix(publication: PublicationFolder) -> StoryMatrix:
    state: EditingState = editing_state(publication)
    group, _found = find_issue_group(state, ENGLISH)
    issues = [one.issue for one in group.issues]
    return read_story_matrix(state, terminal_actor(), issues)


def order(publication: PublicationFolder) -> dict[str, list[int | str]]:
    """Give the places of each story in English and Arabic; a word for none."""

    def word(tag: str, cells: object) -> int | str:
        cell = cells[tag]  # type: ignore[index]
        return cell.place or ("left out" if cell.left_out else "missing")

    rows = matrix(publication).rows
    return {row.story.title: [word(tag, row.cells) for tag in ("en", "ar")] for row in rows}


def press(client: FlaskClient, page: str, button: int, **more: object) -> int:
    """Press a button of those that move stories, as it is sent."""
    form = moves(client.get(page).text)[button]
    return client.post(f"{PAGE}order/", data={**form, **more}).status_code


def story_of(publication: PublicationFolder, title: str) -> int:
    return next(
        row.story.story_id for row in matrix(publication).rows if row.story.title == title
    )


def test_tabs_say_of_each_language_what_it_lacks(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    assert order(publication) == {
        "Tides": [1, "missing"],
        "Ferry": [2, 1],
        "Light": [3, 2],
    }
    client = sign_in("viewer")
    page = client.get(PAGE).text
    tabs = page.partition('id="tabs"')[2].partition("</nav>")[0]
    assert tabs.count("1 story missing") == 1
    assert f'href="/issues/{ENGLISH}/" aria-current="page"' in tabs
    assert '<span class="chip wrong">missing</span>' in client.get(GRID).text


def test_a_story_is_moved_in_all_languages_by_its_neighbour_and_the_mails_are_made_after_it(
    publication: PublicationFolder, sign_in: SignIn, made: Callable[[], None]
) -> None:
    client = sign_in("editor")
    # The third story, up, in English alone; then down again, in both.
    assert press(client, PAGE, 6) == 303
    assert order(publication) == {
        "Tides": [1, "missing"],
        "Light": [2, 2],
        "Ferry": [3, 1],
    }
    assert issue_of(publication, ENGLISH).state == "assembling"
    page = client.get(PAGE).text
    assert "The mail is being made" in page
    assert 'http-equiv="refresh"' in page
    made()
    assert issue_of(publication, ENGLISH).state == "ready"
    assert issue_of(publication, ARABIC).revision == 0
    # On the page of all languages: the last one to the top.
    assert press(client, GRID, 8, language=["en", "ar"], **{"from": "languages"}) == 303
    made()
    assert order(publication)["Ferry"] == [1, 1]
    # In Arabic it was there already: nothing was done to its issue.
    assert issue_of(publication, ARABIC).revision == 0
    assert press(client, PAGE, 6, everywhere="yes") == 303
    made()
    assert order(publication) == {
        "Ferry": [1, 1],
        "Light": [2, 2],
        "Tides": [3, "missing"],
    }


def test_a_story_is_left_out_and_put_back_in_all_languages_or_in_none(
    publication: PublicationFolder, sign_in: SignIn, made: Callable[[], None]
) -> None:
    client, light = sign_in("editor"), story_of(publication, "Light")
    form = {"act": f"leave-out {light}", "language": "en", "everywhere": "yes"}
    refused = client.post(f"{PAGE}order/", data=form)
    assert refused.status_code == 409
    # Why, of each language.
    assert refused.text.count("say why, in at most") == 2
    assert (ENGLISH in refused.text, ARABIC in refused.text) == (True, True)
    assert order(publication)["Light"] == [3, 2]
    assert client.post(f"{PAGE}order/", data={**form, "why": "old"}).status_code == 303
    assert order(publication)["Light"] == ["left out", "left out"]
    made()
    page = client.get(PAGE).text
    assert 'aria-label="Put back: Light"' in page
    form["act"] = f"put-back {light}"
    for _time in range(2):
        assert client.post(f"{PAGE}order/", data=form).status_code == 303
    assert order(publication)["Light"] == [3, 2]
    # Whoever may edit one language changes it alone, and can't name the other.
    arab = sign_in("editor", "ar")
    leave = {"act": f"leave-out {light}", "why": "old", "everywhere": "yes"}
    seen = re.findall(r"ar:\d+", client.get(PAGE).text)[0]
    assert arab.post(f"{PAGE}order/", data={**leave, "seen": seen}).status_code == 303
    assert order(publication)["Light"] == [3, "left out"]
    assert arab.post(f"{PAGE}order/", data={**leave, "language": "en"}).status_code == 403


def test_if_one_language_was_changed_meanwhile_none_is_and_the_page_names_it(
    publication: PublicationFolder, sign_in: SignIn, made: Callable[[], None]
) -> None:
    first, second = sign_in("editor"), sign_in("administrator")
    top = moves(second.get(PAGE).text)[5]
    assert press(first, f"/issues/{ARABIC}/", 1, language="ar") == 303
    made()
    before = order(publication)
    answer = second.post(f"{PAGE}order/", data={**top, "everywhere": "yes"})
    assert answer.status_code == 409
    assert "Nothing was changed" in answer.text
    assert f"{ARABIC}: somebody has changed it meanwhile" in answer.text
    assert order(publication) == before


def test_a_move_with_which_no_mail_can_be_made_is_told_on_the_page(
    publication: PublicationFolder,
    sign_in: SignIn,
    made: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise GateError(ENGLISH, 1, "a link leads to this machine")

    client = sign_in("editor")
    with monkeypatch.context() as patch:
        patch.setattr(Renderer, "digest", refuse)
        assert press(client, PAGE, 3) == 303
        made()
    page = client.get(PAGE).text
    assert "It is stored, but no mail can be made with it" in page
    assert "a link leads to this machine" in page
    assert "being made" not in page.partition('id="mail"')[2]
    # The next cycle tries it again.
    pipeline_of(publication).prepare()
    assert "no mail can be made" not in client.get(PAGE).text


def test_the_form_of_words_has_what_counts_and_stores_what_differs(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    client = sign_in("editor")

    def fields() -> dict[str, str]:
        form = client.get(PAGE).text.partition('/words/"')[2].partition("</form>")[0]
        found = dict(re.findall(r'name="([\w.]+)" value="([^"]*)"', form))
        words = re.findall(r'<input id="(\w+)"[^>]* value="([^"]*)"', form)
        return {**found, **dict(words), "opening": ""}

    form = fields()
    assert form["subject"] == form["was.subject"] != ""
    assert client.get(PAGE).text.count(">automatic · ") == 2
    assert client.post(f"{PAGE}words/", data=form).status_code == 303
    assert issue_of(publication, ENGLISH).revision == 0
    form |= {"subject": "Three tides", "opening": "Dear *reader*"}
    assert client.post(f"{PAGE}words/", data=form).status_code == 303
    # Both are one revision; the first line stayed automatic.
    assert issue_of(publication, ENGLISH).revision == 1
    page = client.get(PAGE).text
    assert page.count(">automatic · ") == 1
    assert "11 of 65 columns" in page
    # Emptied, it is the automatic one again.
    again = fields() | {"subject": "", "opening": "Dear *reader*"}
    assert client.post(f"{PAGE}words/", data=again).status_code == 303
    assert fields()["subject"] == form["was.subject"]
    # Of two that are refused, each has its reason at its field, and nothing of the form is stored.
    wrong = fields() | {"subject": "long " * 20, "preheader": "long " * 40}
    answer = client.post(f"{PAGE}words/", data=wrong)
    assert answer.status_code == 409
    assert answer.text.count('class="error" id=') == 2
    assert f'value="{("long " * 20).strip()}"' in answer.text


def test_the_mail_is_on_the_page_in_a_frame(sign_in: SignIn) -> None:
    client = sign_in("viewer")
    mail = client.get(PAGE).text.partition('id="mail"')[2].partition("</section>")[0]
    frame = re.search(r'<iframe src="([^"]+)" sandbox="" ', mail)
    assert frame is not None
    shown = client.get(frame[1], headers={"Sec-Fetch-Dest": "iframe"})
    assert (shown.status_code, "Tides" in shown.text) == (200, True)
    assert f'href="{PAGE}plan/"' in mail
