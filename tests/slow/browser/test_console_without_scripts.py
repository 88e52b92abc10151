"""What editors do every day with scripts switched off, and the browser's button Back after it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

from publisher.accounts import audit
from publisher.app.console_state import open_console_state
from publisher.delivery.issue_opening import open_due_issues
from publisher.issues.model import IssueState
from publisher.testing import MemoryTransport
from publisher.web.console.application import create_console
from publisher.web.console.context import ConsoleContext
from tests.publisher.app.approving import DUE, HOUR, NAME, cycle, fill, newsletter
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import state_of
from tests.publisher.printing import pipeline_of
from tests.publisher.web.console.conftest import begin
from tests.slow.browser.chromium import Chromium, press
from tests.slow.browser.test_console_pages import serving, sign_in

PATH = f"/issues/{NAME}/"
SUBJECT = "The tide turns"


@dataclass
class Scene:
    """A console, and the publication behind it."""

    publication: PublicationFolder
    url: str

    def is_seen_by(self, window: Page, role: str) -> None:
        """Sign somebody in, who opens the page of the issue."""
        made = self.publication
        sign_in(window, begin(made, role, None, "en", made.clock.now()))
        window.goto(f"{self.url}{PATH}")

    def verbs(self) -> list[str]:
        """Return what the audit log says was done, in its order."""
        with self.publication.database.reading() as connection:
            log = audit.read_log(connection)
        return [entry.verb for _number, entry in reversed(log)]

    def open_ledger(self) -> None:
        """Have the issue be sent, with no mail on its way yet."""
        made = self.publication.at(DUE)
        pipeline_of(made, MemoryTransport()).prepare()
        with made.database.writing() as connection:
            open_due_issues(connection, made.settings, DUE)
        assert state_of(made) is IssueState.SENDING


@contextmanager
def running(new_publication: Callable[..., PublicationFolder]) -> Iterator[Scene]:
    publication = new_publication(languages=["en"], newsletters=[newsletter()])
    fill(publication, "en")
    cycle(publication, DUE - 2 * HOUR)
    with open_console_state(publication.settings) as opened:
        context = ConsoleContext(
            current_settings=lambda: publication.settings,
            opened=opened,
            clock=publication.clock,
        )
        with serving(create_console(context)) as url:
            yield Scene(publication, url)


def post(window: Page, verb: str) -> None:
    """Send the first form of a verb, and wait for the page after it."""
    press(window.locator(f'form[action$="/{verb}/"] button').first)


def stories(window: Page) -> Locator:
    return window.locator("ol.stories .what")


def test_an_issue_is_edited_approved_and_paused_and_back_sends_nothing_again(
    chromium: Chromium, new_publication: Callable[..., PublicationFolder]
) -> None:
    def look(window: Page) -> None:
        an_editor_edits(scene, window)
        an_approver_approves(scene, window)
        scene.open_ledger()
        somebody_pauses(scene, window)

    with running(new_publication) as scene:
        chromium.browse_servers(look, scripts=False)
        assert scene.verbs()[-4:] == ["edit", "edit", "approve", "pause"]


def an_editor_edits(scene: Scene, window: Page) -> None:
    scene.is_seen_by(window, "editor")
    before = stories(window).all_inner_texts()
    window.get_by_label("Subject").fill(SUBJECT)
    form = window.locator("form").filter(has=window.get_by_label("Subject"))
    press(form.get_by_role("button"))
    expect(window.get_by_role("status").first).to_be_visible()
    press(window.get_by_role("button", name=f"Down: {before[0]}"))
    assert stories(window).all_inner_texts() == [before[1], before[0]]
    known = scene.verbs()
    # To the page after the first edit, and to that before it: both show what is so now.
    for _step in range(2):
        window.go_back()
        expect(window.get_by_label("Subject")).to_have_value(SUBJECT)
        assert stories(window).all_inner_texts() == [before[1], before[0]]
    # What the form has already is sent once more, which is no other edit.
    press(form.get_by_role("button"))
    assert scene.verbs() == known


def an_approver_approves(scene: Scene, window: Page) -> None:
    scene.is_seen_by(window, "approver")
    fields: dict[str, str | float | bool] = {
        one.get_attribute("name") or "": one.get_attribute("value") or ""
        for one in window.locator('form[action$="/approve/"] input').all()
    }
    post(window, "approve")
    assert state_of(scene.publication) is IssueState.READY
    known = scene.verbs()
    # The same form again, as by a second click: an approval counts once.
    headers = {"Origin": scene.url, "Sec-Fetch-Site": "same-origin"}
    again = window.request.post(f"{scene.url}{PATH}approve/", form=fields, headers=headers)
    assert again.ok
    window.go_back()
    expect(window.locator("tr.here").first).to_contain_text("ready")
    assert scene.verbs() == known


def somebody_pauses(scene: Scene, window: Page) -> None:
    scene.is_seen_by(window, "administrator")
    window.get_by_role("link", name="Sending", exact=True).click()
    # Numbers are those of the whole page, which is loaded again by itself.
    expect(window.locator("#progress")).to_contain_text("0 sent, 0 under way, 1 waiting")
    assert window.locator('meta[http-equiv="refresh"]').count() == 1
    post(window, "pause")
    expect(window.get_by_text("Sending is paused.")).to_be_visible()
    known = scene.verbs()
    window.go_back()
    expect(window.get_by_role("button", name="Continue sending")).to_be_visible()
    assert window.locator('form[action$="/pause/"]').count() == 0
    assert scene.verbs() == known
    assert state_of(scene.publication) is IssueState.PAUSED
