"""Each form of the console, for objects of each language, by each role for each language or for all.

Whom the table of roles permits is answered what the form's line says, and has changed something, which the audit
log has; everybody else is refused, and has changed nothing.
"""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import MetaData, select
from werkzeug.test import TestResponse

from publisher.accounts import audit
from publisher.accounts.model import Grant, Permission, Role
from publisher.accounts.sessions import Browser, begin_session, complete_session
from publisher.accounts.store import NewAccount, add_account, disable_account
from publisher.app.articles import read_person_entries
from publisher.app.drafts import begin_translation, save_draft
from publisher.app.editing_state import EditingState
from publisher.app.issues.approvals import read_approvals
from publisher.app.issues.edits import EditRequest, edit_issue
from publisher.app.issues.occurrences import OccurrenceKey, skip_occurrence
from publisher.app.issues.overview import read_issue_overview
from publisher.app.issues.sending import pause_sending, send_now
from publisher.app.operation.page_servers import ConsoleState, open_console_state
from publisher.app.operation.webhooks import disable_webhook
from publisher.app.settings import read_editable_table
from publisher.app.subscribers.actions import unsubscribe_somebody
from publisher.app.subscribers.lists import keep_list
from publisher.config.publication import TranslationSettings
from publisher.delivery.issue_opening import open_due_issues
from publisher.delivery.lineage.witness import forget_witness
from publisher.delivery.transports.base import Outcome, SendStatus
from publisher.issues.editing import EditKind
from publisher.testing import SECRET, MemoryTransport
from publisher.web.api.operations import About
from publisher.web.console.application import ROUTES, create_console
from publisher.web.console.routes import Route
from publisher.webhooks.store import insert_webhook
from tests.databases import copy_test_database, forget_server
from tests.publisher.app import approving
from tests.publisher.conftest import PublicationFolder, editing_state
from tests.publisher.delivery.mailing import number_of, subscribe
from tests.publisher.printing import pipeline_of
from tests.publisher.web.console.conftest import begin, browser, context_of
from tests.publisher.web.console.permitted_forms import FORMS, UPLOADED, Form
from tests.publisher.web.console.test_every_console_route import is_given, lets_in, path_of
from tests.sizes import PATIENCE, by_lane

LANGUAGES = ("en", "zh-Hans", "zh-Hant", "ar")
GRANTS = [Grant(role, language) for role in Role for language in (None, *LANGUAGES)]
DAY = "2026-01-09"
PEOPLE = '[word]\nname = { en = "Mira" }\naliases = ["M."]\n'
MINUTE = timedelta(minutes=1)
CHANGING = [
    one for one in ROUTES if one.methods == ("POST",) and isinstance(one.access, Permission)
]


@dataclass(frozen=True, slots=True)
class Kept:
    """A state to begin with: a copy of the database, its time, and a session of each grant."""

    database: Path
    at: datetime
    tokens: dict[Grant, str]


class Scene:
    """A publication with an issue and stories in each language; forms are about one of the languages."""

    def __init__(self, publication: PublicationFolder) -> None:
        self.publication = publication.at(approving.DUE - 6 * approving.HOUR)
        self.language = LANGUAGES[0]
        self.root = publication.settings.folders.root
        self.lost = 0
        self.numbers: dict[tuple[str, str], int] = {}
        self._kept: dict[str, Kept] = {}
        self._files: dict[Path, bytes] = {}
        self._tables = MetaData()

    # --- what forms are about

    @property
    def issue(self) -> str:
        return f"weekly-{self.language}-{DAY}"

    @property
    def state(self) -> EditingState:
        return editing_state(self.publication)

    def manifest(self) -> str:
        found = read_approvals(self.state, approving.TERMINAL, self.issue).manifest
        assert found is not None
        return found

    def edit(self) -> int:
        return read_issue_overview(self.state, approving.TERMINAL, self.issue).edits[0].id

    def story(self) -> int:
        return (
            read_issue_overview(self.state, approving.TERMINAL, self.issue).stories[0].story_id
        )

    def people_hash(self) -> str:
        return read_person_entries(self.state).content_hash

    def settings_form(self) -> dict[str, str]:
        found = read_editable_table(self.state, "weekly")
        given = {one.name: one.value for one in found.fields}
        seen = {f"seen.{name}": value for name, value in given.items()}
        return {**given, **seen, "undo": "7", "confirmed": "yes"}

    def import_file(self) -> Any:
        return io.BytesIO(b"email,language\neve@example.com,en\n"), "list.csv"

    def picture_file(self) -> Any:
        content = io.BytesIO()
        Image.new("RGB", (2, 2), "red").save(content, "PNG")
        content.seek(0)
        return content, "boat.png"

    # --- the states

    def build(self) -> None:
        """Keep the publication in each state that forms need, the first of them last."""
        self._write_articles()
        self._write_others()
        approving.cycle(self.publication)
        self._keep("waiting")
        self._each(self._edit)
        self._keep("edited")
        self._back("waiting")
        self._each(lambda name: approving.approve(self.publication, approving.TERMINAL, name))
        self._keep("ready")
        self._each(lambda name: send_now(self.state, approving.TERMINAL, name))
        self._keep("soon")
        self._back("ready")
        pipeline_of(self.publication.at(approving.DUE)).prepare()
        with self.publication.database.writing() as connection:
            open_due_issues(connection, self.publication.settings, approving.DUE)
        self._keep("sending")
        self._each(lambda name: pause_sending(self.state, approving.TERMINAL, name))
        self._keep("paused")
        for name, outcomes in (("doubtful", _unknown), ("sent", None)):
            self._back("sending")
            forget_witness(self.publication.settings)
            transport = MemoryTransport("ambiguous", outcomes=outcomes)
            pipeline_of(self.publication, transport).deliver()
            self._keep(name)
        self._back("waiting")
        gone = [*self.publication.articles.glob("*/*-*.md")]
        for file in gone:
            file.unlink()
        self.lost = len(gone)
        self.publication.pick_up()
        self._keep("held")
        self._files = self.files()

    def _write_articles(self) -> None:
        """Write stories of which each language lacks one, and has a translation of another one."""
        approving.fill(self.publication, *LANGUAGES)
        for tag in LANGUAGES:
            source = "ar" if tag == "en" else "en"
            for kind in ("missing", "claimed", "stale"):
                self._write(source, f"{kind}-{tag}")
        self.publication.pick_up()
        for tag in LANGUAGES:
            self._write(tag, f"stale-{tag}", translator="Li Na")
        self.publication.at(self.publication.clock.now() + MINUTE).pick_up()
        for tag in LANGUAGES:
            self._write("ar" if tag == "en" else "en", f"stale-{tag}", " They differ.")
        self.publication.at(self.publication.clock.now() + MINUTE).pick_up()

    def _write(self, tag: str, key: str, more: str = "", **matter: str) -> None:
        words = f"{approving.TITLES[tag][0]}.{more}"
        facts = {"title": f"{approving.TITLES[tag][0]} {key}", "date": "2025-11-05", **matter}
        self.publication.write(f"{tag}/{key}.md", words, **facts)

    def _write_others(self) -> None:
        """Have claims, skipped days, accounts, webhooks and subscribers."""
        publication, now = self.publication, self.publication.clock.now()
        (self.root / "people.toml").write_text(PEOPLE, "utf-8")
        for tag in LANGUAGES:
            source = "ar" if tag == "en" else "en"
            claimed = publication.one(f"claimed-{tag}", source).story_id
            # It is claimed as well.
            draft = begin_translation(self.state, approving.TERMINAL, claimed, tag)
            words = {"title": "Words", "text": "Other words."}
            save_draft(self.state, approving.TERMINAL, draft.id, draft.version, words)
            self.numbers["/write/", f"number {tag}"] = draft.id
            for kind in ("missing", "claimed", "stale"):
                number = publication.one(f"{kind}-{tag}", source).story_id
                self.numbers["/translations/", f"{kind} {tag}"] = number
        keep_list(self.state, approving.TERMINAL, UPLOADED["key"], self.import_file()[0])
        later = OccurrenceKey(newsletter="weekly", day=date(2026, 1, 23))
        skip_occurrence(self.state, approving.TERMINAL, later, "a holiday")
        subscribe(publication, ("left@example.com", "en"))
        for name, address in (("number", "ann-en@example.com"), ("left", "left@example.com")):
            self.numbers["/subscribers/", name] = number_of(publication.database, address)
        unsubscribe_somebody(
            self.state,
            approving.TERMINAL,
            self.numbers["/subscribers/", "left"],
            "weekly",
            "asked",
        )
        with publication.database.writing() as connection:
            chief = NewAccount("chief@example.org", "c", "en", (Grant(Role.ADMINISTRATOR),))
            add_account(connection, chief, now)
            for name in ("number", "disabled"):
                new = NewAccount(f"{name}@example.org", name, "en", (Grant(Role.EDITOR),))
                account = add_account(connection, new, now)
                begun = begin_session(connection, Browser("Firefox", ""), now)
                complete_session(connection, begun, account.id, now)
                self.numbers["/accounts/", name] = account.id
            disable_account(connection, self.numbers["/accounts/", "disabled"], now)
            for name in ("number", "disabled"):
                # No request leaves this machine: an address on it is refused when one is sent.
                made = insert_webhook(connection, SECRET, "https://127.0.0.1/", (), now)
                self.numbers["/webhooks/", name] = made[0]
        disable_webhook(self.state, approving.TERMINAL, self.numbers["/webhooks/", "disabled"])

    def _edit(self, name: str) -> None:
        edit_issue(self.state, approving.TERMINAL, name, EditRequest(EditKind.SUBJECT, "Words"))

    def _each(self, act: Callable[[str], object]) -> None:
        for tag in LANGUAGES:
            act(f"weekly-{tag}-{DAY}")

    # --- keep and have again

    def _keep(self, name: str) -> None:
        """Keep the database as it is, and once more with an account of each grant signed in."""
        now, bare = self.publication.clock.now(), self.root / f"{name}-bare.db"
        self._copy(self.publication.settings.folders.database, bare)
        tokens = {
            one: begin(self.publication, one.role, one.language, "en", now) for one in GRANTS
        }
        whole = self.root / f"{name}.db"
        self._copy(self.publication.settings.folders.database, whole)
        self._kept[name] = Kept(whole, now, tokens)
        self._copy(bare, self.publication.settings.folders.database)

    def _back(self, name: str) -> None:
        self._copy(self.root / f"{name}-bare.db", self.publication.settings.folders.database)
        self.publication.at(self._kept[name].at)

    def _copy(self, source: Path, target: Path) -> None:
        self.publication.database.close()
        forget_server(copy_test_database(source, target))

    def begin(self, state: str, opened: ConsoleState | None = None) -> None:
        """Have a state again, also where a console has the database open."""
        if opened is not None:
            # A form may have begun one.
            opened.source_tests.wait(PATIENCE)
            opened.reading.close()
            opened.writing.close()
        self.publication.database.close()
        kept = self._kept[state]
        copy_test_database(kept.database, self.publication.settings.folders.database)
        self.publication.at(kept.at)
        for path, content in self._files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def tokens(self, state: str) -> dict[Grant, str]:
        return self._kept[state].tokens

    # --- what was changed

    def fingerprint(self) -> tuple[list[list[tuple[Any, ...]]], dict[Path, bytes]]:
        """Give all that forms could have changed: rows, and files of settings."""
        with self.publication.database.reading() as connection:
            if not self._tables.tables:
                self._tables.reflect(connection)
            rows = [
                [tuple(row) for row in connection.execute(select(table))]
                for table in self._tables.sorted_tables
            ]
        return rows, self.files()

    def rows(self) -> dict[str, object]:
        """Give what `fingerprint` has but for logs, by table, and the files."""
        rows, files = self.fingerprint()
        named = zip((table.name for table in self._tables.sorted_tables), rows, strict=True)
        return {"files": files, **{name: one for name, one in named if name not in LOGS}}

    def log(self) -> list[audit.AuditEntry]:
        """Give what the audit log has, the first of it first."""
        with self.publication.database.reading() as connection:
            return [entry for _number, entry in audit.read_log(connection, limit=10_000)][::-1]

    def fault_of_log(self) -> audit.AuditFault | None:
        with self.publication.database.reading() as connection:
            return audit.find_fault(connection, SECRET)

    def files(self) -> dict[Path, bytes]:
        found = (*self.root.glob("*.toml"), *self.root.glob("var/imports/*/*"))
        return {one: one.read_bytes() for one in found}


def _unknown(_outgoing: object) -> Outcome:
    return Outcome(SendStatus.UNKNOWN, "no answer came")


@pytest.fixture
def scene(new_publication: Callable[..., PublicationFolder]) -> Scene:
    terms = approving.newsletter(undo=5, unapproved="hold")
    source = {"kind": "folder", "path": "articles", "editable": True}
    publication = new_publication(languages=[*LANGUAGES], newsletters=[terms], sources=[source])
    answer = ("echo", '{"title": "By machine", "paragraphs": []}')
    table = TranslationSettings(command=answer)
    publication.settings = replace(publication.settings, translation=table)
    made = Scene(publication)
    made.build()
    return made


@dataclass(frozen=True, slots=True)
class Running:
    """The console of a scene in one of its states."""

    scene: Scene
    app: flask.Flask
    state: str

    def send(self, route: Route, form: Form, grant: Grant) -> TestResponse:
        """Send a form as somebody with a role, about the objects of the scene's language."""
        path = self.path(route, form)
        answer = self.client(grant).post(path, data=form.fields_for(self.scene))
        answer.close()
        self.app.extensions["console"].opened.assembly.wait()
        return answer

    def client(self, grant: Grant) -> FlaskClient:
        return browser(self.app, self.scene.tokens(self.state)[grant])

    def path(self, route: Route, form: Form) -> str:
        tag, given = self.scene.language, {**form.parts}
        start = f"/{route.path.split('/')[1]}/"
        word = given.get("story", given.get("number", "number"))
        key = f"{word} {tag}" if start in {"/translations/", "/write/"} else word
        number = str(self.scene.numbers.get((start, key), 1))
        parts = {"story": number, "number": number} if "<int:" in route.path else {}
        return path_of(route, tag, {**given, **parts})


def may(route: Route, grant: Grant, form: Form, scene: Scene) -> bool:
    """Say whether a form is permitted, by the table of roles alone: for the language it is about."""
    names_language = {"language", "manifest"} & {*form.fields_for(scene)}
    if route.about is About.EACH and names_language:
        assert isinstance(route.access, Permission)
        return is_given(grant, route.access, scene.language)
    return lets_in(route, grant, scene.language, LANGUAGES)


# Roles are for each of the languages; forms are about one.
@pytest.mark.parametrize("language", by_lane(LANGUAGES[:1], LANGUAGES))
def test_each_form_does_what_it_says_for_whom_it_is_and_nothing_for_others(
    scene: Scene, language: str
) -> None:
    scene.language = language
    # What is about no language is the same for all.
    routes = [
        one for one in CHANGING if one.about is not About.NOTHING or language == LANGUAGES[0]
    ]
    surprises: list[str] = []
    with open_console_state(scene.publication.settings) as opened:
        for route in routes:
            form = FORMS[route.path]
            scene.begin(form.state, opened)
            app = create_console(context_of(scene.publication, opened))
            running = Running(scene, app, form.state)
            surprises += refused(running, route, form)
            surprises += permitted(running, route, form, opened)
    assert "\n".join(surprises) == ""


# Forms that change something again, each with the reason.
AGAIN = {
    "/subscribers/import/": "two lists to look at; each is imported by another form, or deleted"
}
# What records or counts that a form was sent, besides what it does.
LOGS = frozenset({"audit_entry", "console_session", "rate_limit"})


def test_each_form_sent_twice_does_it_once(scene: Scene) -> None:
    surprises: list[str] = []
    with open_console_state(scene.publication.settings) as opened:
        for route in CHANGING:
            form = FORMS[route.path]
            scene.begin(form.state, opened)
            app = create_console(context_of(scene.publication, opened))
            running = Running(scene, app, form.state)
            client, path = running.client(Grant(Role.ADMINISTRATOR)), running.path(route, form)
            # A second click sends the same fields: those of the page that was shown before.
            first, second = form.fields_for(scene), form.fields_for(scene)
            client.post(path, data=first).close()
            opened.source_tests.wait(PATIENCE)
            opened.assembly.wait()
            once = scene.rows()
            answer = client.post(path, data=second)
            opened.source_tests.wait(PATIENCE)
            answer.close()
            twice = scene.rows()
            changed = [name for name in once if once[name] != twice[name]]
            is_fault = answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
            if is_fault or bool(changed) is not (route.path in AGAIN):
                surprises.append(f"{route.path}: {answer.status_code} {changed}")
    assert not surprises, "\n".join(surprises)


def refused(running: Running, route: Route, form: Form) -> Iterator[str]:
    """Send a form as everybody whom it is not for; say who was not refused, or changed something."""
    before = running.scene.fingerprint()
    for grant in GRANTS:
        if not may(route, grant, form, running.scene):
            status = running.send(route, form, grant).status_code
            if status != HTTPStatus.FORBIDDEN:
                yield f"{route.path} by {grant}: {status}, should be refused"
    if running.scene.fingerprint() != before:
        yield f"{route.path}: somebody who was refused has changed something"


def permitted(
    running: Running, route: Route, form: Form, opened: ConsoleState
) -> Iterator[str]:
    """Send a form as each role for its language; say what was answered otherwise, or changed nothing."""
    for role in Role:
        grant = Grant(role, running.scene.language)
        if not may(route, grant, form, running.scene):
            continue
        running.scene.begin(form.state, opened)
        before, known = running.scene.fingerprint(), len(running.scene.log())
        status = HTTPStatus.CONFLICT if role in form.conflicts else form.status
        changes = form.changes and role not in form.conflicts
        answer = running.send(route, form, grant)
        if answer.status_code != status:
            yield f"{route.path} by {grant}: {answer.status_code}, not {status}"
        elif (running.scene.fingerprint() != before) is not changes:
            yield f"{route.path} by {grant}: changed something is not {changes}"
        else:
            yield from recorded(running.scene, route, grant, known, is_changed=changes)


def recorded(
    scene: Scene, route: Route, grant: Grant, known: int, *, is_changed: bool
) -> Iterator[str]:
    """Say what is wrong with the audit log after a form: each change is there, and no address of a subscriber."""
    new = scene.log()[known:]
    if bool(new) is not is_changed:
        yield f"{route.path} by {grant}: {len(new)} entries of the audit log"
    who = f"{grant.role}-{grant.language}-en@example.org".lower()
    if {one.actor for one in new} - {who}:
        yield f"{route.path} by {grant}: recorded as of {[one.actor for one in new]}"
    if "@example.com" in str(new):
        yield f"{route.path} by {grant}: an address is in {new}"
    if fault := scene.fault_of_log():
        yield f"{route.path} by {grant}: the audit log is broken: {fault}"
