"""One-click unsubscribing from mails, and webhooks, by whoever sends them: `publisher web` as a process accepts all.

Mail programs and providers send no Origin, a foreign one, or `null`. The links are those of real mails.
"""

import email
import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from email.policy import default
from http.client import HTTPConnection, HTTPMessage
from urllib.parse import urlsplit

import flask
import pytest
from playwright.sync_api import Page

from publisher.bounces.tables import bounce_event
from publisher.config.feedback import FEEDBACK_SECRET
from publisher.testing import SECRET
from tests.processes import ENVIRONMENT, start
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import outbox, subscribe
from tests.publisher.printing import pipeline_of
from tests.publisher.web.test_leaving import ONE_CLICK, URLENCODED, newsletters
from tests.slow.browser.chromium import Chromium
from tests.slow.browser.test_console_other_sites import ATTACKS, PAGE
from tests.slow.browser.test_console_pages import serving

# Of a browser's request from another site, from a frame without an origin, and of programs.
SENDERS: dict[str, dict[str, str]] = {
    "another-site": {"Origin": "https://mail.example.com", "Sec-Fetch-Site": "cross-site"},
    "another-subdomain": {
        "Origin": "https://mail.news.example.org",
        "Sec-Fetch-Site": "same-site",
    },
    "another-origin-alone": {"Origin": "https://mail.example.com"},
    "no-origin-of-a-frame": {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    "null-alone": {"Origin": "null"},
    "none": {},
}
# What pages of others do; a preflight is no POST, and is not answered for them.
PAGES = {name: script for name, (script, method) in ATTACKS.items() if method == "POST"}
SANDBOXED = """url => {
  const frame = document.createElement("iframe");
  frame.sandbox = "allow-forms allow-scripts";
  frame.srcdoc = `<form method=post action="${url}"><input name=a></form>`
    + `<script>document.forms[0].submit()</script>`;
  document.body.appendChild(frame);
}"""
FEEDBACK = "/feedback/postmark/a-long-secret/"
TURNS = 1200


@dataclass
class Running:
    """`publisher web`, and the path of each subscriber's one-click link."""

    publication: PublicationFolder
    host: str
    links: dict[str, str]

    def post(
        self, path: str, body: bytes, fields: dict[str, str]
    ) -> tuple[int, HTTPMessage, bytes]:
        with closing(HTTPConnection(self.host)) as connection:
            headers = {"Content-Type": URLENCODED, **fields}
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()

    def still_subscribed(self) -> set[str]:
        return {one for one in self.links if newsletters(self.publication, address(one))}


def address(name: str) -> str:
    return f"{name.replace(' ', '-')}@example.com"


@pytest.fixture
def running(
    new_publication: Callable[..., PublicationFolder], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Running]:
    publication = new_publication(languages=["en"])
    with (publication.settings.folders.root / "publication.toml").open("a") as file:
        file.write("\n[feedback.postmark]\n")
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    names = [*SENDERS, *PAGES, "sandboxed", "nobody asked"]
    subscribe(publication, *((address(one), "en") for one in names))
    pipeline_of(publication).run()
    links = dict(_links(publication, names))
    assert {*links} == {*names}
    monkeypatch.setitem(ENVIRONMENT, "PUBLISHER_SECRET", SECRET)
    monkeypatch.setitem(ENVIRONMENT, FEEDBACK_SECRET, "a-long-secret")
    with start("web", "--port", 0, publication.settings.folders.root) as process:
        try:
            assert process.stdout
            host = urlsplit(process.stdout.readline().split()[-1]).netloc
            yield Running(publication, host, links)
        finally:
            process.terminate()
            process.communicate(timeout=60)


def _links(publication: PublicationFolder, names: list[str]) -> Iterator[tuple[str, str]]:
    """Give whose mail announces which path for one click."""
    owners = {address(one): one for one in names}
    for content in outbox(publication).values():
        mail = email.message_from_bytes(content, policy=default)
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        link = re.search(r"<(https:[^>]+)>", str(mail["List-Unsubscribe"]))
        assert link is not None
        parts = urlsplit(link[1])
        yield owners[mail["To"].addresses[0].addr_spec], f"{parts.path}?{parts.query}"


def test_one_click_counts_whoever_sends_it_and_is_answered_without_redirect_or_cookie(
    running: Running,
) -> None:
    for name, fields in SENDERS.items():
        status, headers, body = running.post(running.links[name], ONE_CLICK, fields)
        assert (status, body) == (200, b"OK\n"), name
        assert {"location", "set-cookie"}.isdisjoint({*map(str.lower, headers)}), name
    assert running.still_subscribed() == {*running.links} - {*SENDERS}


def test_webhooks_are_accepted_whoever_sends_them(running: Running) -> None:
    for number, fields in enumerate(SENDERS.values()):
        complaint = {"RecordType": "SpamComplaint", "ID": number, "Email": address("none")}
        body = json.dumps(complaint).encode()
        kind = {"Content-Type": "application/json"}
        status, headers, _body = running.post(FEEDBACK, body, {**fields, **kind})
        assert status == 200, fields
        assert {"location", "set-cookie"}.isdisjoint({*map(str.lower, headers)})
        # A page's own form is refused to whoever says that it is another's.
        own, _headers, _body = running.post("/en/preferences/", b"", fields)
        is_of_others = fields.get("Origin", "null") != "null" or "Sec-Fetch-Site" in fields
        assert (own == 403) is is_of_others, fields
    stored = {row["source_id"] for row in running.publication.rows(bounce_event)}
    assert stored == {str(number) for number in range(len(SENDERS))}


def test_pages_of_others_in_a_browser_unsubscribe_who_gave_them_the_link(
    chromium: Chromium, running: Running
) -> None:
    other = flask.Flask("other")
    other.add_url_rule("/", view_func=lambda: PAGE)
    left = {*PAGES, "sandboxed"}

    def look(window: Page, others: str) -> None:
        cookies: list[str] = []
        window.context.on(
            "response", lambda one: cookies.extend(one.headers.get("set-cookie", "").split())
        )
        for name in left:
            tab = window.context.new_page()
            tab.goto(others.replace("localhost", "evil.localhost"))
            script = PAGES.get(name, SANDBOXED)
            tab.evaluate(script, f"http://{running.host}{running.links[name]}")
        for _turn in range(TURNS):
            if left.isdisjoint(running.still_subscribed()):
                break
            window.wait_for_timeout(50)
        assert cookies == []
        assert window.context.cookies() == []

    with serving(other) as others:
        chromium.browse_servers(lambda window: look(window, others))
    assert running.still_subscribed() == {*running.links} - left
