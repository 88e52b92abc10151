"""Whatever happens in whatever order, no mail leaves that was not approved as it is, and none twice.

More of it: `pytest --hypothesis-profile=full` plays 1,000 sequences.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from publisher.accounts.actor import Actor, account_actor
from publisher.accounts.model import Account, Grant, Permission, Role, permits
from publisher.accounts.store import find_account, list_accounts, set_grants
from publisher.app.issue_approvals import approve_issue, read_approvals, request_changes
from publisher.app.issue_edits import EditKind, EditRequest, edit_issue
from publisher.app.issue_sending import hold_issue, send_now, undo_sending
from publisher.delivery.issue_opening import open_due_issues
from publisher.delivery.outcomes import ACCEPTED_OUTCOME, Outcome
from publisher.delivery.transports.base import OutgoingMessage
from publisher.errors import PublisherError
from publisher.issues import store
from publisher.issues.tables import digest_table, issue_approval_table, issue_edit_table
from publisher.rendering import Renderer
from publisher.testing import MemoryTransport
from tests.publisher.app.approving import DAY, DUE, fill, newsletter, person, state_of_editors
from tests.publisher.conftest import PublicationFolder
from tests.publisher.printing import pipeline_of

NEEDED = {"en": 2, "ar": 1}
PEOPLE = ("ann", "bob", "cyd")
languages, people = st.sampled_from(list(NEEDED)), st.sampled_from(PEOPLE)
moves = st.one_of(
    st.tuples(st.just("edit"), people, languages),
    st.tuples(st.just("approve"), people, languages),
    st.tuples(st.just("approve"), people, languages),
    st.tuples(st.just("changes"), people, languages),
    st.tuples(st.just("article"), languages),
    st.tuples(st.just("template")),
    st.tuples(st.just("role"), people, st.booleans()),
    st.tuples(st.just("cycle"), st.integers(0, 20)),
    st.tuples(st.just("killed"), st.sampled_from(["prepared", "opened"])),
    st.tuples(st.sampled_from(["send", "undo", "hold"]), languages),
)


class Play:
    """One sequence, on a publication of its own."""

    def __init__(self, publication: PublicationFolder) -> None:
        self.publication = publication.at(DUE - DAY)
        fill(publication, *NEEDED)
        for name in PEOPLE:
            person(publication, name, Grant(Role.EDITOR), Grant(Role.APPROVER))
        person(publication, "root", Grant(Role.ADMINISTRATOR))
        self.sent: list[tuple[str, str]] = []
        self.templates = 0
        self.texts = 0
        self.play("cycle", 0)

    def play(self, verb: str, *arguments: Any) -> None:
        with (
            patch.object(Renderer, "fingerprint", lambda _self: f"templates {self.templates}"),
            suppress(PublisherError),  # a verb may refuse; what leaves is checked
        ):
            getattr(self, verb)(*arguments)

    def actor(self, name: str) -> Actor:
        with self.publication.database.reading() as connection:
            account = find_account(connection, f"{name}@example.org")
        assert account is not None
        return account_actor(account, "")

    def edit(self, name: str, language: str) -> None:
        self.texts += 1
        request = EditRequest(EditKind.SUBJECT, f"Subject {self.texts}")
        state = state_of_editors(self.publication)
        edit_issue(state, self.actor(name), issue_name(language), request)

    def approve(self, name: str, language: str) -> None:
        state, actor = state_of_editors(self.publication), self.actor(name)
        read = read_approvals(state, actor, issue_name(language)).manifest
        approve_issue(state, actor, issue_name(language), read or "")

    def changes(self, name: str, language: str) -> None:
        state, actor = state_of_editors(self.publication), self.actor(name)
        read = read_approvals(state, actor, issue_name(language)).manifest
        request_changes(state, actor, issue_name(language), read or "", "no")

    def article(self, language: str) -> None:
        self.texts += 1
        words, title = f"Text {self.texts}.", "Tides" if language == "en" else "المدّ"
        self.publication.write(f"{language}/tides.md", words, title=title, date="2026-01-05")
        self.publication.pick_up()

    def template(self) -> None:
        self.templates += 1

    def role(self, name: str, may: bool) -> None:
        grants = [Grant(Role.APPROVER)] if may else [Grant(Role.VIEWER)]
        number = self.actor(name).account_id
        assert number is not None
        with self.publication.database.writing() as connection:
            set_grants(connection, number, grants)

    def send(self, language: str) -> None:
        send_now(state_of_editors(self.publication), self.actor("root"), issue_name(language))

    def undo(self, language: str) -> None:
        actor = self.actor("root")
        undo_sending(state_of_editors(self.publication), actor, issue_name(language))

    def hold(self, language: str) -> None:
        hold_issue(state_of_editors(self.publication), self.actor("root"), issue_name(language))

    def cycle(self, hours: int) -> None:
        self.publication.at(self.publication.clock.now() + timedelta(hours=hours))
        pipeline_of(self.publication, MemoryTransport(outcomes=self.taken)).run()

    def killed(self, when: str) -> None:
        """Begin a cycle that ends before it has sent anything."""
        pipeline_of(self.publication).prepare()
        if when == "opened":
            with self.publication.database.writing() as connection:
                now = self.publication.clock.now()
                open_due_issues(connection, self.publication.settings, now)
        self.cycle(0)

    def taken(self, outgoing: OutgoingMessage) -> Outcome:
        key = (outgoing.recipient, f"{outgoing.newsletter} {outgoing.day}")
        assert key not in self.sent, "sent twice"
        self.sent.append(key)
        name = f"{outgoing.newsletter}-{outgoing.language}-{outgoing.day}"
        faults.extend(self.faults_of(name, outgoing.language, outgoing.message.content))
        return ACCEPTED_OUTCOME

    def faults_of(self, name: str, language: str, content: bytes) -> list[str]:
        """Return what is wrong with sending an issue, from the rows alone."""
        with self.publication.database.reading() as connection:
            issue = store.issue_by_name(connection, name)
            assert issue is not None
            query = select(digest_table).where(digest_table.c.issue_id == issue.id)
            digest = connection.execute(query).one()
            rows = connection.execute(
                select(issue_approval_table)
                .where(issue_approval_table.c.issue_id == issue.id)
                .order_by(issue_approval_table.c.id)
            ).all()
            edits = connection.execute(
                select(issue_edit_table.c.account_id).where(
                    issue_edit_table.c.issue_id == issue.id,
                    issue_edit_table.c.undone_at.is_(None),
                )
            ).scalars()
            editors, accounts = set(edits), list_accounts(connection)
        return list(_faults(language, digest, rows, (editors, accounts), content))


faults: list[str] = []


def _faults(
    language: str,
    digest: Any,
    rows: Any,
    people: tuple[set[int | None], list[Account]],
    content: bytes,
) -> list[str]:
    editors, accounts = people
    parts = (digest.subject, digest.preheader, digest.html, digest.text, digest.page)
    found = []
    if digest.manifest is None:
        return ["no manifest"]
    if (
        hashlib.sha256("\0".join(parts).encode()).hexdigest()
        != json.loads(digest.manifest)["digest"]
    ):
        found.append("other bytes than the manifest's")
    if digest.subject.isascii() and digest.subject.encode() not in content:
        found.append("another subject than the digest's")
    signed = hashlib.sha256(digest.manifest.encode()).hexdigest()
    able = {a.id for a in accounts if permits(a.grants, Permission.APPROVE, language)}
    last = {row.account_id: row.verdict for row in rows if row.manifest == signed}
    counted = {who for who, verdict in last.items() if who in able and verdict == "approve"}
    objected = {who for who, verdict in last.items() if who in able and verdict == "changes"}
    needed = NEEDED[language]
    alone = needed == 1 and len(able) == 1
    if len(counted - (set() if alone else editors)) < needed or objected:
        found.append(f"{language}: approved by {counted}, edited by {editors}, {objected}")
    return found


def issue_name(language: str) -> str:
    return f"weekly-{language}-2026-01-09"


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(moves, min_size=4, max_size=14))
def test_no_mail_leaves_without_its_approvals_and_none_twice(
    new_publication: Callable[..., PublicationFolder], sequence: list[tuple[Any, ...]]
) -> None:
    faults.clear()
    terms = newsletter(approval="two", edition={"ar": {"approval": "one"}})
    play = Play(new_publication(languages=["en", "ar"], newsletters=[terms]))
    for verb, *arguments in sequence:
        play.play(verb, *arguments)
        assert faults == []
    for name in PEOPLE:
        play.play("role", name, True)
        for language in NEEDED:
            play.play("approve", name, language)
    play.play("cycle", 24)
    assert faults == []


def test_with_its_approvals_an_issue_leaves_and_a_fault_would_be_found(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    faults.clear()
    terms = newsletter(approval="two", edition={"ar": {"approval": "one"}})
    play = Play(new_publication(languages=["en", "ar"], newsletters=[terms]))
    for name, language in (("ann", "en"), ("bob", "en"), ("cyd", "ar")):
        play.play("approve", name, language)
    play.play("cycle", 20)
    assert play.sent == []
    play.play("cycle", 4)
    assert (len(play.sent), faults) == (2, [])
    play.play("role", "bob", False)
    *_others, fault = play.faults_of(issue_name("en"), "en", b"")
    assert fault.startswith("en: approved by {1}")
