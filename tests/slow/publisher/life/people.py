"""What the person of the life test does: read her mail, follow links, press buttons."""

from __future__ import annotations

import email
import email.policy
import re
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import TYPE_CHECKING

from playwright.sync_api import Browser, Page, sync_playwright

from tests.postfix import Postfix

if TYPE_CHECKING:
    from playwright.sync_api import Locator

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

    def join(self, url: str) -> None:
        """Fill in the form to subscribe, as slowly as a person does."""
        self.open(url)
        self.page.locator("#email").fill(self.address)
        for box in self.page.locator("main input[type=checkbox]").all():
            box.check()
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
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        yield [
            Person(address, language, server, _window(browser))
            for language, address in addresses.items()
        ]
        browser.close()


def _window(browser: Browser) -> Page:
    return browser.new_context(java_script_enabled=False).new_page()
