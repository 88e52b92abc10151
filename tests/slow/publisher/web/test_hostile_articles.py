"""All hostile texts, in fields and file names of articles, and as replies of a mail server: each is text everywhere.

Pages, feeds, mails, the console, the command line and the log are looked at.
"""

import csv
import io
import json
import re
import socketserver
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from threading import Thread

import lxml.html
import pytest
from flask.testing import FlaskClient

from publisher.articles.content.text import HIDDEN, clean_characters
from publisher.cli import common
from publisher.cli.log_setup import set_up_logging
from publisher.cli.main import main
from publisher.config.delivery import SmtpSettings, Tls
from publisher.delivery.tables import delivery
from publisher.delivery.transports.smtp.protocol import redact_reply
from publisher.delivery.transports.smtp.transport import SmtpTransport
from publisher.testing import SECRET
from publisher.web.console.application import ROUTES, create_console
from publisher.web.console.context import ConsoleContext
from tests.databases import finding_database
from tests.publisher import hostile_articles
from tests.publisher.cli.test_showing import _logging
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import ready, send, subscribe
from tests.publisher.hostile_articles import active
from tests.publisher.web.conftest import publication
from tests.publisher.web.console.conftest import begin, browser, console_context
from tests.publisher.web.console.test_every_console_route import path_of
from tests.publisher.web.hostile_texts import HOSTILE_TEXTS, MARK
from tests.sizes import by_lane

__all__ = ["_logging", "console_context", "publication"]

pytestmark = pytest.mark.usefixtures("_logging")

ISSUE = "weekly-en-2026-01-09"
ISSUE_DAY = ("weekly", "2026-01-09")
Run = Callable[..., tuple[str, str]]


@pytest.fixture
def run(
    publication: PublicationFolder,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    """Run a command of the publication; give what it printed, and what it logged."""
    monkeypatch.setenv("PUBLISHER_SECRET", SECRET)
    monkeypatch.setenv("PUBLISHER_LOG", "DEBUG")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(common, "SystemClock", lambda: publication.clock)

    def command(*words: object) -> tuple[str, str]:
        capsys.readouterr()
        folder = publication.settings.folders.root
        with finding_database(folder):
            main([*map(str, words), str(folder)])
        return capsys.readouterr()

    return command


def faults_of_output(what: str, *outputs: str) -> Iterator[str]:
    """Say what a terminal would take for more than text, and lines that a text has begun."""
    for text in outputs:
        yield from (f"{what}: {one!r}" for one in hostile_articles.controls(text))
        forged = re.findall(r"(?m)^\s*(?:Bcc|Subject|X-Eve): .*", text)
        yield from (f"{what}: {one}" for one in forged)


def signed_in(publication: PublicationFolder, context: ConsoleContext) -> FlaskClient:
    """Sign somebody in to the console at the publication's present time."""
    now = publication.clock.now()
    token = begin(publication, "administrator", None, "en", now)
    return browser(create_console(replace(context, clock=publication.clock)), token)


def faults_of_pages(client: FlaskClient) -> Iterator[str]:
    """Look at all pages of the console that can be opened; some show a text."""
    seen = 0
    parts = {"issue": ISSUE, "number": "1", "newsletter": "weekly", "person": f"{MARK}0x"}
    for route in ROUTES:
        if "GET" not in route.methods:
            continue
        answer = client.get(path_of(route, "en", parts))
        if answer.status_code >= 500:
            yield f"{route.path}: {answer.status_code}"
        if answer.mimetype == "text/html" and answer.data:
            document = lxml.html.document_fromstring(answer.text.replace("\0", ""))
            yield from (f"{route.path}: {one}" for one in active(document))
            seen += MARK in answer.text
        answer.close()
    if seen < 2:
        yield f"only {seen} pages of the console show a text"


def test_hostile_articles_are_text_wherever_they_are_published(
    publication: PublicationFolder,
    run: Run,
    capsys: pytest.CaptureFixture[str],
    console_context: ConsoleContext,
) -> None:
    assert len(HOSTILE_TEXTS) >= 200
    texts = hostile_articles.marked(HOSTILE_TEXTS[:: by_lane(2, 1)])
    set_up_logging("DEBUG")
    played = hostile_articles.play(publication, texts)
    logged = capsys.readouterr().err
    assert [*hostile_articles.faults(played)] == []
    for mark, one in played.articles().items():
        wanted = f"Title {mark}" if mark in played.untitled else texts[mark]
        assert hostile_articles.squeezed(one.title) == hostile_articles.squeezed(
            HIDDEN.sub("", clean_characters(wanted))
        )
    assert [*faults_of_output("log", logged)] == []
    assert all(json.loads(line) for line in logged.splitlines())
    assert [*faults_of_commands(played, run)] == []
    assert [*faults_of_pages(signed_in(publication, console_context))] == []


def faults_of_commands(played: hostile_articles.Played, run: Run) -> Iterator[str]:
    for words in (["status"], ["articles"], ["articles", "problems"], ["plan"]):
        out, err = run(*words)
        yield from faults_of_output(" ".join(words), out, err)
    listed = run("articles")[0]
    for mark in played.texts:
        if mark not in listed:
            yield f"articles lists no {mark}"
    out = run("articles", "--json")[0]
    yield from faults_of_output("articles --json", out)
    titles = {one["title"] for one in json.loads(out)["articles"]}
    if missing := {one.title for one in played.articles().values()} - titles:
        yield f"articles --json lacks {missing}"


# --- a mail server's replies


@contextmanager
def answering(replies: Sequence[bytes], accepts: int) -> Iterator[int]:
    """Run a mail server that takes some recipients, and refuses each other one with a reply of its own."""
    asked = iter([*[b"250 2.1.5 Ok\r\n"] * accepts, *replies])

    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 mail.example.net\r\n")
            for line in self.rfile:
                command = line[:4].upper()
                if command == b"RCPT":
                    self.wfile.write(next(asked, b"250 2.1.5 Ok\r\n"))
                elif command == b"DATA":
                    self.wfile.write(b"354 Go on\r\n")
                    for part in self.rfile:
                        if part == b".\r\n":
                            break
                    self.wfile.write(b"250 2.0.0 Ok\r\n")
                else:
                    self.wfile.write(b"250 mail.example.net\r\n")
                if command == b"QUIT":
                    return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def reply(text: str) -> bytes:
    """Write a text as a reply: of several lines, if it has line ends of SMTP."""
    lines = re.split("\r\n|\n", text)
    start = "".join(f"550-5.1.1 {line}\r\n" for line in lines[:-1])
    return f"{start}550 5.1.1 {lines[-1]}\r\n".encode()


def test_replies_of_a_mail_server_are_text_wherever_they_are_shown(
    publication: PublicationFolder,
    run: Run,
    capsys: pytest.CaptureFixture[str],
    console_context: ConsoleContext,
) -> None:
    texts = hostile_articles.marked(HOSTILE_TEXTS)
    accepted = 10
    people = [f"reader.{number}@example.com" for number in range(len(texts) + accepted)]
    subscribe(publication, *((one, "en") for one in people))
    ready(publication)
    set_up_logging("DEBUG")
    with answering([reply(one) for one in texts.values()], accepted) as port:
        smtp = SmtpSettings(
            host="127.0.0.1", port=port, tls=Tls.NONE, connections=1, promised=2
        )
        root = publication.settings.folders.root
        send(publication, SmtpTransport(smtp, root, None, patience=60))
    outputs = {"log": capsys.readouterr().err}
    reasons = {row["reason"] or "" for row in publication.rows(delivery)}
    # What is stored is the reply as the documentation says: one line, without controls, addresses and tokens.
    for mark, text in texts.items():
        (reason,) = (one for one in reasons if mark in one)
        wanted = redact_reply(f"550 5.1.1 {text}")
        assert hostile_articles.squeezed(
            wanted.removeprefix("550 5.1.1 ")
        ) in hostile_articles.squeezed(reason), mark
    for words in (["status"], ["deliveries", ISSUE], ["issues", "report", *ISSUE_DAY]):
        outputs[" ".join(words)] = "".join(run(*words))
    assert [one for what, text in outputs.items() for one in faults_of_output(what, text)] == []
    assert all(mark in outputs[f"deliveries {ISSUE}"] for mark in texts)
    explained = [one["reason"] for one in json.loads(run("deliveries", ISSUE, "--json")[0])]
    assert all(any(stored in one for one in explained) for stored in reasons - {""})
    client = signed_in(publication, console_context)
    assert [*faults_of_pages(client)] == []
    for number in range(1, len(people) + 1, 7):
        page = client.get(f"/subscribers/{number}/").text
        assert [*active(lxml.html.document_fromstring(page))] == []


def test_names_of_subscribers_are_text_in_the_exported_list(
    publication: PublicationFolder, run: Run
) -> None:
    """A spreadsheet would take some of them for formulas; the import leaves out names with control characters."""
    texts = hostile_articles.marked(HOSTILE_TEXTS)
    file = publication.settings.folders.root / "list.csv"
    with file.open("w", newline="", encoding="utf-8") as out:
        rows = csv.writer(out)
        rows.writerow(["email", "name", "language", "newsletters", "status"])
        for mark, text in texts.items():
            rows.writerow([f"{mark}@example.com", text, "en", "weekly", "active"])
    said = "".join(run("subscribers", "import", file))
    assert [*faults_of_output("import", said)] == []
    exported, _logged = run("subscribers", "export")
    cells = [cell for row in csv.reader(io.StringIO(exported)) for cell in row]
    assert sum(MARK in one and "@" not in one for one in cells) > len(texts) - 15
    assert [one for one in cells if one[:1] in {"=", "+", "-", "@", "\t", "\r"}] == []
    assert [*faults_of_output("list", *run("subscribers", "list"))] == []
