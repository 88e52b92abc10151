"""Each operation of the API and each command that changes something leaves one entry in the audit log, and lets in whom the tables permit.

Each operation answers as its document says. The tables of operations and of commands say which there are. The states are those of the matrix of the console's
forms, which looks at their entries.
"""

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
import typer.main
from sqlalchemy import update

from publisher.accounts.api_keys import KeyRequest, add_api_key
from publisher.accounts.model import Grant, Permission, Role
from publisher.accounts.store import NewAccount, add_account, find_account
from publisher.app.drafts import read_draft
from publisher.app.operation.page_servers import open_console_state
from publisher.articles.tables import article
from publisher.cli import common
from publisher.cli.main import app, main
from publisher.delivery.tables import delivery
from publisher.polling.schedule import PollState
from publisher.polling.store import PolledSource, save_polled
from publisher.testing import SECRET
from publisher.web.api import requests
from publisher.web.api.application import OPERATIONS, create_api
from publisher.web.api.operations import Operation
from subscribers.model import ConsentSource
from subscribers.tables import subscriber
from tests.databases import finding_database
from tests.publisher.app import approving
from tests.publisher.conftest import PublicationFolder
from tests.publisher.web.api.conftest import (
    ALL_SCOPES,
    NewKey,
    Program,
    api,
    api_context,
    client_of,
    new_key,
)
from tests.publisher.web.api.documented import DOCUMENTED, require_documented
from tests.publisher.web.api.test_document import UNLIMITED, matrix, surprises
from tests.publisher.web.console.conftest import context_of
from tests.sizes import only_at_night
from tests.slow.publisher.web.test_permission_matrix import DAY, LANGUAGES, Scene, scene
from tests.subscribers.leaving import unsubscribe

__all__ = ["api", "api_context", "new_key", "scene"]

KEY_OWNER = "program@example.org"
LIST = "email,language\neve@example.com,en\n"
RIGHT_NOW = {"newsletter": "weekly", "day": "2026-01-16"}
Values = Callable[[Scene], Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A right request: what its object has to be, the body, parts of the path, and how many entries it leaves.

    `tag` is the path whose ETag it sends. Imports have an entry at their beginning, too: they may be cut off.
    """

    body: Any | Values = None
    state: str = "waiting"
    parts: Mapping[str, Any | Values] = field(default_factory=dict)
    query: str = ""
    tag: str = ""
    entries: int = 1


def given(value: Any, scene: Scene) -> Any:
    return value(scene) if callable(value) else value


CORRECTION = {"newsletter": "weekly", "day": DAY, "subject": "Correction", "text": "Not *so*."}
CONTENTS, PERSON, TABLE = "/issues/<issue>/contents", "/people/word", "/settings/weekly"
DRAFT = "/writing/<draft>"


def _seen(scene: Scene) -> dict[str, str]:
    number = scene.numbers["/write/", f"number {scene.language}"]
    found = read_draft(scene.state, approving.TERMINAL, number).original
    return {"original": found.sha256 if found else ""}


CALLS: dict[str, Call] = {
    "pauseIssue": Call({"reason": "a fault"}, "sending"),
    "resumeIssue": Call(state="paused"),
    "cancelIssue": Call({"reason": "a fault"}, "sending"),
    "editIssue": Call({"kind": "subject", "value": "Other words"}, tag=CONTENTS),
    "undoEdit": Call(state="edited", parts={"edit": lambda one: one.edit()}, tag=CONTENTS),
    "sendTest": Call({"to": ["eve@example.org"]}),
    "sendNextTest": Call({"to": ["eve@example.org"]}),
    "approveIssue": Call(lambda one: {"manifest": one.manifest()}),
    "requestChanges": Call(lambda one: {"manifest": one.manifest(), "note": "No"}),
    "scheduleIssue": Call({"send_at": "2026-01-09T03:00:00Z"}),
    "sendNow": Call(state="ready"),
    "undoSending": Call(state="soon"),
    "holdIssue": Call(),
    "skipIssue": Call({"reason": "a holiday"}),
    "decideDoubts": Call({"decision": "mark-sent"}, "doubtful"),
    "correctIssue": Call({**CORRECTION, "web_only": True}, "sent"),
    "announce": Call(
        lambda one: {
            "newsletter": "weekly",
            "words": {one.language: {"subject": "Closed", "text": "Until *Monday*."}},
        }
    ),
    "moveOccurrence": Call({**RIGHT_NOW, "to": "2026-01-15T06:00:00"}),
    "skipOccurrence": Call({**RIGHT_NOW, "reason": "a holiday"}),
    "restoreOccurrence": Call({**RIGHT_NOW, "day": "2026-01-23"}),
    "claimTranslation": Call({"story": "missing-en", "until": "2026-01-20"}),
    "startTranslation": Call({"story": "missing-en"}),
    "giveUpTranslation": Call({"story": "missing-en", "reason": "no time"}),
    "releaseTranslation": Call({"story": "claimed-en"}),
    "dismissStaleness": Call({"story": "stale-en"}),
    "acceptLostArticles": Call(lambda one: {"lost": one.lost}, "held"),
    "beginSourceTest": Call(),
    "writeArticle": Call(
        lambda one: {"source": "articles", "language": one.language, "title": "New"}
    ),
    "editArticle": Call(),
    "writeTranslation": Call(
        lambda one: {"story_id": one.numbers["/translations/", f"missing {one.language}"]},
        entries=2,
    ),
    "changeDraft": Call({"title": "Other"}, tag=DRAFT),
    "discardDraft": Call(tag=DRAFT),
    "publishDraft": Call(_seen, tag=DRAFT, entries=2),
    "makeMachineDraft": Call({"replace": True}, tag=DRAFT),
    "addDraftPicture": Call(
        lambda one: {
            "name": "a.png",
            "alt": "A boat",
            "content": base64.b64encode(one.picture_file()[0].read()).decode(),
        }
    ),
    "addPerson": Call({"key": "new", "name": "New"}),
    "changePerson": Call({"name": {"en": "Mira Other"}}, tag=PERSON),
    "removePerson": Call(tag=PERSON),
    "changeSettings": Call({"settings": {"undo": "7"}}, tag=TABLE),
    "findSubscriber": Call({"address": "ann-en@example.com"}, entries=0),
    "unsubscribe": Call({"newsletter": "weekly", "note": "asked"}),
    "eraseSubscriber": Call(),
    "previewImport": Call({"csv": LIST}, entries=0),
    "importSubscribers": Call({"csv": LIST}, entries=2),
}
NO_ENTRY = Call(entries=0)
CALLS |= {
    **dict.fromkeys(
        (
            *(
                "listIssues",
                "readIssue",
                "readContents",
                "readPlan",
                "readMail",
                "readNextMail",
            ),
            *(
                "readApprovals",
                "readReport",
                "readNumbers",
                "listDrafts",
                "listTranslations",
                "listArticles",
            ),
            *("listArticleProblems", "readTranslationStatistics", "listSources"),
            *("readSourceTest", "listPeople"),
            *("listWrittenDrafts", "readDraft"),
            *("readPerson", "listSettings", "readSettings", "readSubscriber", "readDocument"),
        ),
        NO_ENTRY,
    ),
    "compareRevisions": replace(NO_ENTRY, state="edited"),
    "readCalendar": replace(NO_ENTRY, query="first=2026-01-01&last=2026-01-31"),
    "readOriginalChanges": replace(NO_ENTRY, query="story=stale-en"),
}
PARTS: dict[str, Any | Values] = {
    "issue": lambda one: one.issue,
    "language": lambda one: one.language,
    "newsletter": "weekly",
    "subscriber": lambda one: one.numbers["/subscribers/", "number"],
    "source": "articles",
    "draft": lambda one: one.numbers["/write/", f"number {one.language}"],
    "article": lambda one: one.publication.one("missing-ar", "en").id,
    "person": "word",
    "table": "weekly",
}


def test_each_operation_answers_as_documented_and_leaves_its_entries(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "_BY_KEY", UNLIMITED)
    assert {*CALLS} == {one.id for one in DOCUMENTED}
    surprises: list[str] = []
    with open_console_state(scene.publication.settings) as opened:
        for operation in DOCUMENTED:
            call = CALLS[operation.id]
            scene.begin(call.state, opened)
            api = create_api(context_of(scene.publication, opened))
            program = Program(client_of(api), _key(scene))
            known = len(scene.log())
            answer = _ask(program, scene, operation, call)
            if answer.status_code != 200:
                surprises.append(f"{operation.id}: {answer.status_code}: {answer.text}")
            require_documented(operation, answer)
            surprises += recorded(scene, operation.id, known, call.entries, (KEY_OWNER, "api"))
    assert "\n".join(surprises) == ""


def _key(scene: Scene) -> str:
    """Make a key that may do everything, without an entry of it."""
    now = scene.publication.clock.now()
    with scene.publication.database.writing() as connection:
        new = NewAccount(KEY_OWNER, "A program", "en", (Grant(Role.ADMINISTRATOR),))
        account = add_account(connection, new, now)
        wanted = KeyRequest("ci", ALL_SCOPES, None, timedelta(days=1))
        return add_api_key(connection, account.id, wanted, now)


def _ask(program: Program, scene: Scene, operation: Operation, call: Call) -> Any:
    path, tagged = operation.path, call.tag
    for name, value in {**PARTS, **call.parts}.items():
        if f"<{name}>" in f"{path}{tagged}":
            path = path.replace(f"<{name}>", str(given(value, scene)))
            tagged = tagged.replace(f"<{name}>", str(given(value, scene)))
    headers = {"If-Match": program.get(tagged).headers["ETag"]} if tagged else {}
    path = f"{path}?{call.query}" if call.query else path
    return program.ask(operation.method, path, given(call.body, scene), headers)


def recorded(
    scene: Scene, what: str, known: int, entries: int, by: tuple[str, str]
) -> Iterator[str]:
    """Say what is wrong with the entries since: how many, by whom, by which way, and about what."""
    actor, via = by
    new = scene.log()[known:]
    if len(new) != entries:
        yield f"{what}: {len(new)} entries instead of {entries}: {new}"
    for one in new:
        if (one.actor, one.details["via"]) != (actor, via) or not one.verb or not one.object:
            yield f"{what}: {one}"
    if "@example.com" in str(new):
        yield f"{what}: an address is in {new}"
    if fault := scene.fault_of_log():
        yield f"{what}: the audit log is broken: {fault}"


# --- commands

CHIEF = "chief@example.org"
WEEK = ("weekly", DAY)
LANG = ("--lang", "en")


@dataclass(frozen=True, slots=True)
class Command:
    """Words of a command behind its name, and its state; `prepare` changes more before. `by` is who acts, `code` its exit code."""

    words: tuple[object, ...] | Callable[[Scene], tuple[object, ...]] = ()
    state: str = "waiting"
    prepare: Callable[[Scene], None] = lambda _scene: None
    entries: int = 1
    by: str = "terminal"
    code: int = 0


def _file(name: str, text: str) -> Callable[[Scene], None]:
    def write(scene: Scene) -> None:
        (scene.root / name).write_text(text, "utf-8")

    return write


def _path(name: str, *more: object) -> Callable[[Scene], tuple[object, ...]]:
    return lambda scene: (scene.root / name, *more)


def _bounced(scene: Scene) -> None:
    with scene.publication.database.writing() as connection:
        connection.execute(update(delivery).values(state="failed"))


def _dead_address(scene: Scene) -> None:
    is_ann = subscriber.c.email == "ann-en@example.com"
    with scene.publication.database.writing() as connection:
        connection.execute(update(subscriber).where(is_ann).values(status="bounced"))


def _left_by_mail(scene: Scene) -> None:
    now, by_mail = scene.publication.clock.now(), ConsentSource.MAIL
    with scene.publication.database.writing() as connection:
        unsubscribe(connection, "ann-en@example.com", None, now, source=by_mail)


def _archive(scene: Scene) -> None:
    with scene.publication.database.writing() as connection:
        connection.execute(update(article).values(mailing="archive"))


# No request leaves this machine: its own addresses are refused.
FEED = "http://127.0.0.1/feed"


def _feed(scene: Scene) -> None:
    settings, now = scene.root / "publication.toml", scene.publication.clock.now()
    table = f', {{ kind = "feed", name = "harbour", url = "{FEED}" }}]'
    text = settings.read_text("utf-8")
    if table not in text:
        settings.write_text(re.sub(r"(?m)(^source = .*)\]$", rf"\1{table}", text), "utf-8")
    with scene.publication.database.writing() as connection:
        save_polled(connection, [PolledSource("harbour", FEED, PollState(FEED, now))])


def _one_key(scene: Scene) -> None:
    now = scene.publication.clock.now()
    with scene.publication.database.writing() as connection:
        chief = find_account(connection, CHIEF)
        assert chief is not None
        wanted = KeyRequest("ci", frozenset({Permission.VIEW}), None, timedelta(days=1))
        add_api_key(connection, chief.id, wanted, now)


def _webhook(name: str) -> Command:
    return Command(lambda scene: (f"webhook={scene.numbers['/webhooks/', name]}",))


NUMBER = ("address=number@example.org",)
COMMANDS: dict[str, Command] = {
    "send": Command(("weekly", "--to", "eve@example.org", *LANG)),
    "pause": Command((f"weekly-en-{DAY}", "--note", "a fault"), "sending"),
    "resume": Command((f"weekly-en-{DAY}",), "paused"),
    "cancel": Command((f"weekly-en-{DAY}",), "sending"),
    "deliveries retry": Command((f"weekly-en-{DAY}",), "sent", _bounced),
    "articles announce": Command(("articles",), prepare=_archive),
    "sources test": Command(("articles",)),
    "sources add": Command(
        _path("feeds.opml"),
        prepare=_file("feeds.opml", '<opml><outline xmlUrl="https://a.example/"/></opml>'),
    ),
    "sources poll": Command(("harbour",), prepare=_feed, code=1),
    "sources pause": Command(("harbour",), prepare=_feed),
    "sources resume": Command(("harbour",), prepare=_feed),
    "accounts add": Command(("new@example.org", "--role", "viewer")),
    "accounts recover": Command(("number@example.org",)),
    "doubt resend": Command((f"weekly-en-{DAY}",), "doubtful"),
    "doubt mark-sent": Command((f"weekly-en-{DAY}",), "doubtful"),
    "issues move": Command(("weekly", "2026-01-16", "--to", "2026-01-15T06:00", *LANG)),
    "issues correct": Command(
        lambda one: (
            *(*WEEK, *LANG, "--subject", "Correction", "--web-only"),
            *("--text", one.root / "words.md"),
        ),
        "sent",
        _file("words.md", "Not *so*."),
    ),
    "issues announce": Command(
        lambda one: ("weekly", "--text", f"{one.language}={one.root / 'closed.md'}"),
        prepare=_file("closed.md", "Subject: Closed\n\nUntil *Monday*.\n"),
    ),
    "issues approve": Command((*WEEK, *LANG)),
    "issues send-now": Command((*WEEK, *LANG), "ready"),
    "issues hold": Command((*WEEK, *LANG)),
    # One operation of the API: each of the others leaves its entry whoever sends it.
    "api scheduleIssue": Command((f"issue=weekly-en-{DAY}", "send_at=2026-01-09T03:00:00Z")),
    "issues skip": Command((*WEEK, "--note", "a holiday", *LANG)),
    "keys add": Command((CHIEF, "--label", "ci", "--scope", "view")),
    "subscribers import": Command(
        _path("list.csv"), prepare=_file("list.csv", LIST), entries=2
    ),
    "subscribers add": Command(
        ("new@example.com", "--consented", "2026-01-02T09:30:00Z"), entries=2
    ),
    "subscribers export": Command(),
    "subscribers unsubscribe": Command(("ann-en@example.com",)),
    "subscribers resubscribe": Command(("left@example.com", "--newsletter", "weekly")),
    "api undoLeftByMail": Command(("since=2026-01-01T00:00:00Z",), prepare=_left_by_mail),
    "api reviveSubscriber": Command(("address=ann-en@example.com",), prepare=_dead_address),
    "subscribers erase": Command(("ann-en@example.com", "--yes")),
    "api mergeSubscribers": Command(("former=ann-ar@example.com", "kept=ann-en@example.com")),
    "api chooseMails": Command(("kind=held", "time=daily", "--as", CHIEF), by=CHIEF),
    "api renewPrivateFeeds": Command(("--as", CHIEF), by=CHIEF),
    "api setRoles": Command((*NUMBER, "roles=viewer")),
    "api disableAccount": Command(NUMBER),
    "api enableAccount": Command(("address=disabled@example.org",)),
    "api endSessions": Command(NUMBER),
    "api revokeKey": Command(("key=1",), prepare=_one_key),
    "api addWebhook": Command(("url=https://hook.example.org/",)),
    "api rotateWebhook": _webhook("number"),
    "api enableWebhook": _webhook("disabled"),
    "api disableWebhook": _webhook("number"),
    "api removeWebhook": _webhook("number"),
    # No request leaves this machine: the address is one of it, and nobody listens there.
    "api testWebhook": replace(_webhook("number"), code=1),
}
# Commands without an entry, by the reason.
WITHOUT_ENTRY = {
    "only read": {
        *("status", "health", "plan", "preview", "check", "webserver", "dkim", "backup"),
        *("deliveries list", "articles list", "articles problems"),
        *("doubt list", "issues report"),
        *("issues list", "issues show"),
        *("subscribers list", "subscribers find", "subscribers form", "subscribers numbers"),
        *("sources list", "sources opml"),
    },
    "make or exchange a whole database, with its log": {
        *("new", "demo", "restore", "database copy", "database adopt-secret")
    },
    "do what the publication's settings, subscribers and providers ask for": {
        *("up", "run", "deliver", "serve", "web", "console"),
        *("mailbox poll", "mailbox receive"),
    },
    "write files of the editor's, as an editor does": {"import"},
    # Their entries are looked at where their states are made: test_restoring, test_issue_report.
    "leave one, and need files of others": {"recover"},
}


def names(command: Any, before: str = "") -> Iterator[str]:
    if found := getattr(command, "commands", None):
        for name, one in found.items():
            yield from names(one, f"{before}{name} ")
    else:
        yield before.strip()


def test_each_command_is_known_to_change_something_or_not_to() -> None:
    changing = dict.fromkeys("api" if name.startswith("api ") else name for name in COMMANDS)
    known = [*changing, *(one for some in WITHOUT_ENTRY.values() for one in some)]
    assert sorted(known) == sorted(names(typer.main.get_command(app)))


def test_each_command_that_changes_something_leaves_one_entry(
    scene: Scene, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLISHER_SECRET", SECRET)
    monkeypatch.setattr(common, "SystemClock", lambda: scene.publication.clock)
    surprises: list[str] = []
    for name, one in COMMANDS.items():
        scene.begin(one.state)
        one.prepare(scene)
        known = len(scene.log())
        words = one.words(scene) if callable(one.words) else one.words
        with finding_database(scene.root):
            code = main([*name.split(), *map(str, words), str(scene.root)])
        out = capsys.readouterr()
        if code != one.code:
            surprises.append(f"{name}: exit code {code}: {out.out}{out.err}")
        surprises += recorded(scene, name, known, one.entries, (one.by, "terminal"))
    assert "\n".join(surprises) == ""


# --- permissions of keys; the fast tests ask one operation of each kind


@only_at_night
@pytest.mark.parametrize("role", Role)
def test_each_operation_lets_in_whom_the_tables_permit(
    new_key: NewKey, publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch, role: Role
) -> None:
    monkeypatch.setattr(requests, "_BY_KEY", UNLIMITED)
    publication.reload(languages=[*LANGUAGES])
    cases = [*matrix(OPERATIONS, LANGUAGES, [role])]
    assert len(cases) > 1_000
    assert [*surprises(new_key, publication, cases)] == []
