"""The console's process, killed with -9 while it stores a form: all of the form is stored, or nothing.

The audit log says which. Afterwards the console is started again and the form is sent again, cycles run, and
everything is as if nothing had been killed: rows, audit log and mails.
"""

from __future__ import annotations

import html
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.console_process import PATIENCE, Answer, ConsoleBrowser, console_process, session
from tests.databases import reset_ids
from tests.publisher.app.approving import newsletter
from tests.publisher.conftest import PublicationFolder
from tests.sizes import by_lane
from tests.slow.publisher.delivery.crashes.killed_verbs import (
    APPROVER,
    IMPORTED,
    NAME,
    OWNER,
)
from tests.slow.publisher.delivery.crashes.scene import say
from tests.slow.publisher.delivery.crashes.test_killed_verbs import (
    BEGUN,
    ENDED,
    Scene,
    approved,
    sending,
    waiting,
)
from tests.slow.publisher.delivery.crashes.test_killed_verbs import sent as mailed

# The verbs themselves are killed on every database (`test_killed_verbs`); these are many processes.
pytestmark = pytest.mark.sqlite("the file, beside a console that is killed")

PAGE = f"/issues/{NAME}/"
STORED = 303
IMPORT, KEY = "/subscribers/import/", "0" * 32
LIST = f"{IMPORT}{KEY}/"
STARTED = ("start-import", OWNER)


@dataclass(frozen=True)
class Form:
    """A form of the console: who sends it, what is before it, and its answer if it is stored already."""

    person: str
    role: str
    before: Callable[[Scene], None]
    send: Callable[[ConsoleBrowser], Answer]
    again: int


def approve(browser: ConsoleBrowser) -> Answer:
    return browser.post(f"{PAGE}approve/", fields_of(browser.get(PAGE).text, "approve"))


def fields_of(page: str, verb: str) -> dict[str, str]:
    """Return the fields of a form on a page, as a browser sends them when nothing is typed."""
    form = page.partition(f'action="{PAGE}{verb}/"')[2].partition("</form>")[0]
    inputs = re.findall(r"<input ([^>]+)>", form)
    found = [dict(re.findall(r'(\w+)="([^"]*)"', one)) for one in inputs]
    return {one["name"]: html.unescape(one.get("value", "")) for one in found}


def pressing(verb: str) -> Callable[[ConsoleBrowser], Answer]:
    return lambda browser: browser.post(f"{PAGE}{verb}/")


def correct(browser: ConsoleBrowser) -> Answer:
    fields = {"subject": "Not on Monday", "text": "The tide comes on *Tuesday*."}
    return browser.post(f"{PAGE}correct/", {**fields, "how": "mail"})


FORMS = {
    # The same approval by the same person counts once.
    "approve": Form(APPROVER, "approver", waiting, approve, STORED),
    "send-now": Form(OWNER, "administrator", approved, pressing("send-now"), 409),
    "pause": Form(OWNER, "administrator", sending, pressing("pause"), 409),
    "cancel": Form(OWNER, "administrator", sending, pressing("cancel"), 409),
    # The same words are no second correction.
    "correct": Form(OWNER, "administrator", mailed, correct, 422),
}


def upload(browser: ConsoleBrowser) -> Answer:
    """Upload a list, and wait until it was looked at."""
    rows = (f"reader-{number}@example.net,en,weekly,active\n" for number in range(IMPORTED))
    content = f"email,language,newsletters,status\n{''.join(rows)}"
    answer = browser.post_file(IMPORT, "list", content, {"key": KEY})
    assert answer.status == STORED, answer.text
    return wait_for_words(browser, "Import now")


def import_list(browser: ConsoleBrowser) -> Answer:
    """Begin the import, and wait until it is over."""
    answer = browser.post(f"{LIST}begin/")
    assert answer.status == STORED, answer.text
    return wait_for_words(browser, "What the import did")


def wait_for_words(browser: ConsoleBrowser, words: str) -> Answer:
    deadline = monotonic() + PATIENCE
    while words not in (page := browser.get(LIST)).text:
        assert monotonic() < deadline, page.text
        sleep(0.05)
    return page


@pytest.fixture
def scene(new_publication: Callable[..., PublicationFolder]) -> Scene:
    return Scene(new_publication(languages=["en", "ar"], newsletters=[newsletter()]))


def signed_in(scene: Scene, person: str, role: str) -> str:
    """Sign somebody in, and have it as it is now before each step. Return the session's token."""
    made = scene.publication
    token = session(made.database, role, made.clock.now(), person)
    scene.keep()
    return token


def sent(
    scene: Scene, token: str, send: Callable[[ConsoleBrowser], Answer], *options: str
) -> Answer | None:
    """Send a form to a console that is started for it. Return None if it was killed meanwhile."""
    made = scene.publication
    folder, at = made.settings.folders.root, made.clock.now().isoformat()
    made.database.close()
    with (
        console_process(folder, f"--at={at}", *options) as console,
        ConsoleBrowser(console.port, token) as browser,
    ):
        try:
            answer = send(browser)
        except ConnectionError:
            assert console.has_killed_itself()
            answer = None
    with made.database.writing() as connection:
        reset_ids(connection)
    return answer


def kills(
    scene: Scene, token: str, send: Callable[[ConsoleBrowser], Answer], steps: Iterable[int]
) -> Iterable[int]:
    """Have the console killed at each step, from the same beginning; end with the first that is not reached."""
    for step in steps:
        scene.restore()
        if sent(scene, token, send, f"--kill-at={step}") is not None:
            return
        yield step


# Of so many steps one is killed: each takes two processes, and verbs are killed at each in `test_killed_verbs`.
STEPS = by_lane(2, 1)


@pytest.mark.parametrize("name", by_lane(("approve",), tuple(FORMS)))
def test_a_form_whose_process_is_killed_is_stored_and_on_record_or_neither(
    scene: Scene, name: str
) -> None:
    form = FORMS[name]
    form.before(scene)
    token = signed_in(scene, form.person, form.role)
    before, known = scene.rows(), scene.entries()
    answer = sent(scene, token, form.send)
    assert answer is not None
    assert answer.status == STORED, answer.text
    assert scene.entries() == [*known, (name, form.person)]
    expected = scene.after_cycles()
    killed = 0
    for step in kills(scene, token, form.send, count(1, STEPS)):
        killed += 1
        is_stored = scene.entries() != known
        if not is_stored:
            assert scene.rows() == before, f"step {step}"
        again = sent(scene, token, form.send)
        assert again is not None
        assert again.status == (form.again if is_stored else STORED), again.text
        found = scene.after_cycles().differences(expected)
        assert not found, f"step {step}: {found}"
    say(name, killed, "kills")
    assert killed > 1


def test_an_import_whose_process_is_killed_is_on_record_and_completed_by_another_one(
    scene: Scene, tmp_path: Path
) -> None:
    token = signed_in(scene, OWNER, "administrator")
    assert sent(scene, token, upload) is not None
    scene.keep()
    lists, kept = scene.publication.settings.folders.var / "imports", tmp_path / "imports"
    shutil.copytree(lists, kept)
    before, known = scene.rows(), scene.entries()
    assert sent(scene, token, import_list) is not None
    expected = scene.rows()
    assert scene.entries() == [*known, STARTED, BEGUN, ENDED]
    stored = set[int]()
    # In the first transactions, and between later ones.
    for step in (1, 3, 8, 18):
        scene.restore()
        shutil.rmtree(lists)
        shutil.copytree(kept, lists)
        if sent(scene, token, import_list, f"--kill-at={step}") is not None:
            break
        since, rows = scene.entries()[len(known) :], scene.rows()
        assert since in ([], [STARTED], [STARTED, BEGUN]), f"step {step}"
        assert BEGUN in since or rows == before, f"step {step}"
        stored.add(len(rows["subscriber"]))
        assert sent(scene, token, import_list) is not None
        assert scene.rows() == expected, f"step {step}"
        # A list that was marked before its transaction was committed goes on without a second form.
        ends = [one for one in scene.entries()[len(known) :] if one != STARTED]
        assert ends == [*[one for one in since if one == BEGUN], BEGUN, ENDED], f"step {step}"
    say("import:", "with so many subscribers:", sorted(stored))
    assert len(stored) > 1
