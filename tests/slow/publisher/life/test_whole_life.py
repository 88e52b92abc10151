"""A person's whole life as a subscriber, in a browser and a mailbox, in three languages.

She joins by the form, confirms, reads, switches language, pauses, comes back, bounces, is revived
and leaves by one click. Postfix delivers her mail; the program runs as its users run it.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.postfix import Postfix, postfix_is_available, running_postfix
from tests.processes import COMMAND, ENVIRONMENT, ROOT, publisher, start
from tests.slow.browser.chromium import MISSING, find_chromium
from tests.slow.publisher.life.people import Person, link_in, one_click, people
from tests.slow.publisher.life.publication import BOUNCES, LANGUAGES, SENDER, ZONE, lay_out

pytestmark = [
    pytest.mark.skipif(
        not postfix_is_available(), reason="needs Debian's package postfix, and root"
    ),
    pytest.mark.skipif(find_chromium() is None, reason=MISSING),
]

ADDRESSES = {tag: f"ann.{tag.lower()}@readers.example" for tag in LANGUAGES}
# The language that each of them switches to.
OTHER = {"en": "ar", "zh-Hant": "en", "ar": "zh-Hant"}
_STORIES = {
    "en": ("Story", "A text about the harbour, number {}."),
    "zh-Hant": ("故事", "關於港口的一篇文字，第 {} 篇。"),
    "ar": ("قصة", "نص عن الميناء، رقم {}."),
}


@dataclass
class Paper:
    """The publication, its days, and its commands."""

    folder: Path
    url: str
    start: datetime
    day: int = 0

    def write_story(self) -> None:
        """Write the story of the day, in every language."""
        date = (self.start + timedelta(days=self.day)).date()
        for language, (title, text) in _STORIES.items():
            path = self.folder / f"articles/{language}/day-{self.day}.md"
            matter = f"---\ntitle: {title} {self.day}\ndate: {date}\nkey: day-{self.day}\n---\n"
            path.write_text(matter + text.format(self.day) + "\n", "utf-8")

    def next_day(self) -> None:
        """Publish the story of another day, and send its issues."""
        self.day += 1
        self.write_story()
        self.run()

    def run(self) -> None:
        """Run one cycle at the time of the day's issue."""
        done = publisher("run", "--once", "--now", self.now(), self.folder)
        assert done.code == 0, done.err

    def send_notices(self) -> None:
        """Send what waits besides issues."""
        done = publisher("deliver", self.folder)
        assert done.code == 0, done.err

    def receive(self, message: bytes) -> None:
        """Receive a message on standard input, as from a pipe of Postfix."""
        command = [*COMMAND, "mailbox", "receive", "--now", self.now(), str(self.folder)]
        done = subprocess.run(
            command, input=message, cwd=ROOT, env=ENVIRONMENT, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr

    def date_field(self) -> bytes:
        """Return a Date field with the time of the day's issue."""
        return f"Date: {format_datetime(datetime.fromisoformat(self.now()))}".encode()

    def now(self) -> str:
        """Return the time of the day's issue."""
        return (self.start + timedelta(days=self.day)).isoformat(timespec="seconds")


@contextmanager
def running_web(folder: Path, port: int) -> Iterator[None]:
    """Run `publisher web`, and stop it at the end."""
    process = start("web", "--port", port, folder)
    try:
        _wait_until_it_answers(port)
        yield
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 0, errors


def test_a_whole_life_in_three_languages(tmp_path: Path) -> None:
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    with running_postfix([*ADDRESSES.values(), BOUNCES, SENDER]) as server:
        # Due since the beginning of this hour, at whatever time of day the test runs.
        start = datetime.now(UTC)
        schedule = f"0 {start.astimezone(ZoneInfo(ZONE)).hour} * * *"
        paper = Paper(lay_out(tmp_path / "lantern", server, url, schedule), url, start)
        paper.run()
        with running_web(paper.folder, port), people(server, ADDRESSES) as everybody:
            _join(paper, everybody)
            _read(paper, everybody)
            _switch_language(paper, everybody)
            _pause(paper, everybody)
            _bounce(paper, everybody, server)
            _leave(paper, everybody)


def _join(paper: Paper, everybody: list[Person]) -> None:
    for person in everybody:
        person.join(f"{paper.url}/{person.language}/subscribe/")
        assert "@" in person.page.locator("main").inner_text()
    paper.send_notices()
    for person in everybody:
        asked = person.next_mail()
        assert asked["Content-Language"] == person.language
        person.open(link_in(asked, "/confirm/"))
        person.press(person.buttons().first)
        assert person.page.get_by_role("status").count() == 1
    paper.send_notices()
    for person in everybody:
        welcome = person.next_mail()
        assert welcome["Content-Language"] == person.language


def _read(paper: Paper, everybody: list[Person]) -> None:
    paper.next_day()
    for person in everybody:
        _digest(person, person.language, {paper.day})


def _switch_language(paper: Paper, everybody: list[Person]) -> None:
    for person in everybody:
        person.open(link_in(person.digests[-1], "/preferences/"))
        person.page.locator("#language-1").select_option(OTHER[person.language])
        person.press(person.page.locator("button[value=save]"))
        assert person.page.get_by_role("status").count() == 1
    paper.next_day()
    for person in everybody:
        _digest(person, OTHER[person.language], {paper.day})


def _pause(paper: Paper, everybody: list[Person]) -> None:
    for person in everybody:
        person.open(link_in(person.digests[-1], "/preferences/"))
        person.press(person.page.locator("button[value=pause]"))
    missed = set()
    while paper.day < 6:
        paper.next_day()
        missed.add(paper.day)
        assert not any(person.has_new_mail() for person in everybody)
    paper.day = 8
    paper.next_day()
    for person in everybody:
        _digest(person, OTHER[person.language], missed | {paper.day})


def _bounce(paper: Paper, everybody: list[Person], server: Postfix) -> None:
    server.set_mailboxes([BOUNCES, SENDER])
    for day in (1, 2):
        paper.next_day()
        returned = server.messages(BOUNCES, day * len(everybody))
        for message in returned[-len(everybody) :]:
            # Postfix can't be set forward: it dates every report today.
            paper.receive(re.sub(rb"(?m)^Date: .*$", paper.date_field(), message, count=1))
    paper.next_day()
    for person in everybody:
        assert _status(paper, person) == "bounced"
        assert publisher("subscribers", "revive", person.address, paper.folder).code == 0
        assert _status(paper, person) == "active"
    assert len(server.messages(BOUNCES, 0)) == 2 * len(everybody)
    server.set_mailboxes([*ADDRESSES.values(), BOUNCES, SENDER])
    paper.next_day()
    for person in everybody:
        _digest(person, OTHER[person.language], {paper.day})


def _status(paper: Paper, person: Person) -> object:
    done = publisher("subscribers", "find", person.address, "--json", paper.folder)
    return json.loads(done.out)["status"]


def _leave(paper: Paper, everybody: list[Person]) -> None:
    for person in everybody:
        assert one_click(person.digests[-1]) == 200
    paper.send_notices()
    for person in everybody:
        assert person.next_mail()["Content-Language"] == OTHER[person.language]
    paper.next_day()
    assert not any(person.has_new_mail() for person in everybody)


def _digest(person: Person, language: str, days: set[int]) -> None:
    """Read the next digest: its language, and the stories that it carries, each once."""
    digest = person.next_mail()
    assert digest["Content-Language"] == language
    body = digest.get_body(("plain",))
    assert body is not None
    title = _STORIES[language][0]
    found = [int(one) for one in re.findall(rf"(?m)^\W*{title} (\d+)\W*$", body.get_content())]
    assert sorted(found) == sorted(days)
    person.digests.append(digest)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _wait_until_it_answers(port: int) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("publisher web does not answer")
