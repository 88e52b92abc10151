"""A person's whole life as a subscriber, in a browser and a mailbox, in three languages.

She joins by the form, confirms, reads, switches language, pauses, comes back, bounces, is revived
and leaves by one click. Postfix delivers her mail; the program runs as its users run it.
"""

from __future__ import annotations

import email
import email.policy
import re
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from publisher.cli.main import main
from publisher.config import load_settings
from publisher.database import open_database
from subscribers.store import find_subscriber
from tests.databases import finding_database
from tests.processes import COMMAND, ENVIRONMENT, ROOT, start
from tools.browser.chromium import MISSING, find_chromium
from tools.servers.postfix import Postfix, free_port, postfix_is_available, running_postfix

needs_postfix = pytest.mark.skipif(
    not postfix_is_available(), reason="needs Debian's package postfix, and root"
)
needs_chromium = pytest.mark.skipif(find_chromium() is None, reason=MISSING)

SENDER = "digest@news.example.org"
BOUNCES = "bounces@news.example.org"
LANGUAGES = ("en", "zh-Hant", "ar")
ZONE = "Asia/Hong_Kong"

_SETTINGS = """\
[publication]
title = {{ en = "The Lantern", zh-Hant = "燈籠", ar = "الفانوس" }}
url = "{url}"
languages = ["en", "zh-Hant", "ar"]
timezone = "{zone}"
sender = "The Lantern <digest@news.example.org>"
address = "1 Example Street, Example City"

[[source]]
kind = "folder"
path = "articles"

[[newsletter]]
name = "weekly"
title = {{ en = "The week", zh-Hant = "一週燈火", ar = "حصاد الأسبوع" }}
schedule = "{schedule}"

[delivery]
transport = "smtp"

[delivery.smtp]
host = "{host}"
port = {port}
tls = "none"
bounces = "{bounces}"
verp = true
"""

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
        self.do("run", "--once", "--confirm-clock", "--now", self.now())

    def send_notices(self) -> None:
        """Send what waits besides issues, and was asked for by the machine's clock."""
        now = max(self.now(), datetime.now(UTC).isoformat(timespec="seconds"))
        self.do("deliver", "--now", now)

    def do(self, *words: str) -> None:
        """Run a command: in this process, which spares its start."""
        with finding_database(self.folder):
            assert main([*words, str(self.folder)]) == 0

    def statuses(self) -> set[str]:
        """Return how the subscribers stand."""
        address = load_settings(self.folder, ENVIRONMENT).database
        with closing(open_database(address)) as database, database.reading() as connection:
            found = [find_subscriber(connection, one) for one in ADDRESSES.values()]
        return {one.status for one in found if one}

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
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors


def lay_out(folder: Path, server: Postfix, url: str, schedule: str) -> Path:
    """Write the publication into a folder: its settings, and a folder for articles of each language."""
    for language in LANGUAGES:
        (folder / "articles" / language).mkdir(parents=True)
    text = _SETTINGS.format(
        url=url,
        zone=ZONE,
        schedule=schedule,
        host=server.host,
        port=server.port,
        bounces=BOUNCES,
    )
    (folder / "publication.toml").write_text(text, "utf-8")
    return folder


@needs_postfix
@needs_chromium
def test_a_whole_life_in_three_languages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLISHER_SECRET", ENVIRONMENT["PUBLISHER_SECRET"])
    port = free_port()
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
        person.fill_in(f"{paper.url}/{person.language}/subscribe/")
    for person in everybody:
        person.join()
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
    while paper.day < 4:
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
    assert paper.statuses() == {"bounced"}
    for person in everybody:
        paper.do("api", "reviveSubscriber", f"address={person.address}")
    assert paper.statuses() == {"active"}
    assert len(server.messages(BOUNCES, 0)) == 2 * len(everybody)
    server.set_mailboxes([*ADDRESSES.values(), BOUNCES, SENDER])
    paper.next_day()
    for person in everybody:
        _digest(person, OTHER[person.language], {paper.day})


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
    # The first line may name a story, too.
    text = re.split(r"\r?\n\r?\n", body.get_content(), maxsplit=1)[-1]
    found = [int(one) for one in re.findall(rf"(?m)^\W*{title} (\d+)\W*$", text)]
    assert sorted(found) == sorted(days)
    person.digests.append(digest)


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


# --- what the person of the life test does: read her mail, follow links, press buttons


# A form that comes back sooner than this was not filled in by a person.
_READING_MILLISECONDS = 2500


@dataclass
class Person:
    """Somebody with a mailbox and a browser, who reads one language."""

    address: str
    language: str
    server: Postfix
    page: Page
    read: int = 0
    digests: list[EmailMessage] = field(default_factory=list)

    def next_mail(self) -> EmailMessage:
        """Return the next message in the mailbox, once it has come."""
        self.read += 1
        raw = self.server.messages(self.address, self.read)[self.read - 1]
        message = email.message_from_bytes(raw, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        return message

    def has_new_mail(self) -> bool:
        """Return whether there is a message that was not read yet."""
        return len(self.server.messages(self.address, 0)) > self.read

    def open(self, url: str) -> None:
        """Open a page. It is in her language and direction, and has no script."""
        answer = self.page.goto(url)
        assert answer is not None
        assert answer.ok, url
        assert self.page.locator("script").count() == 0

    def press(self, locator: Locator) -> None:
        """Press a button and wait for the answer."""
        with self.page.expect_navigation():
            locator.click()

    def buttons(self) -> Locator:
        """Return the buttons of the page's forms, in order."""
        return self.page.locator("main form button")

    def fill_in(self, url: str) -> None:
        """Fill in the form to subscribe."""
        self.open(url)
        self.page.locator("#email").fill(self.address)
        for box in self.page.locator("main input[type=checkbox]").all():
            box.check()

    def join(self) -> None:
        """Send the form, as slowly as a person does."""
        self.page.wait_for_timeout(_READING_MILLISECONDS)
        self.press(self.buttons().first)


def link_in(message: EmailMessage, part: str) -> str:
    """Return the first link of the text part whose path contains `part`."""
    body = message.get_body(("plain",))
    assert body is not None
    found: list[str] = re.findall(r"https?://\S+", body.get_content())
    return next(url for url in found if part in url)


def one_click(message: EmailMessage) -> int:
    """Unsubscribe as a mail program does (RFC 8058); return the status of the answer."""
    found = re.search(r"<(https?://[^>]+)>", str(message["List-Unsubscribe"]))
    assert found
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    request = urllib.request.Request(found[1], data=b"List-Unsubscribe=One-Click")
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.geturl() == found[1]
        status: int = answer.status
        return status


@contextmanager
def people(server: Postfix, addresses: Mapping[str, str]) -> Iterator[list[Person]]:
    """Open a browser window for each address, without scripts; the languages are the keys."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=["--no-sandbox"]
        )
        yield [
            Person(address, language, server, _window(browser))
            for language, address in addresses.items()
        ]
        browser.close()


def _window(browser: Browser) -> Page:
    return browser.new_context(java_script_enabled=False).new_page()
