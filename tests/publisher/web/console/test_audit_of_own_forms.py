"""Each form of one's own account, and of the ways in and out, is in the audit log if it changes something.

Those that need a permission are in the matrix: see `tests/slow/publisher/web/test_permission_matrix.py`.
"""

import json
import re
from dataclasses import dataclass, field

import flask
from werkzeug.test import TestResponse

from publisher.accounts import audit
from publisher.accounts.model import Permission
from publisher.secrets import load_secret
from publisher.web.console.application import ROUTES
from tests.publisher.accounts.openid_provider import answer_of, running_provider, use_provider
from tests.publisher.conftest import PublicationFolder
from tests.publisher.web.console.visitor import PASSWORD, Visitor, invite

ANN, BOB = "ann@example.org", "bob@example.org"
OTHER_PASSWORD = "five short boats ashore"  # of nobody
NOTHING = ()
SET, REMOVED = ("set-factor",), ("remove-factor",)
# The verbs of a form's entries. What only asks, or is half of a change, leaves none.
ENTRIES: dict[str, tuple[str, ...]] = {
    "/invite/": NOTHING,
    "/invite/setup/options/": NOTHING,
    "/invite/setup/passkey/": ("set-factor", "sign-in"),
    "/invite/setup/password/": ("set-factor", "sign-in"),
    "/sign-in/": NOTHING,
    "/sign-in/options/": NOTHING,
    "/sign-in/passkey/": ("sign-in",),
    "/sign-in/code/": ("sign-in",),
    "/sign-in/again/": ("prove",),
    "/sign-in/again/options/": NOTHING,
    "/sign-in/again/passkey/": ("prove",),
    "/sign-in/provider/": NOTHING,
    "/sign-in/again/provider/": NOTHING,
    "/sign-out/": ("sign-out",),
    "/account/language/": ("set-language",),
    "/account/mails/": ("choose-mails",),
    "/account/sessions/end/": ("end-session",),
    "/account/passkeys/options/": NOTHING,
    "/account/passkeys/": SET,
    "/account/passkeys/remove/": REMOVED,
    "/account/password/": SET,
    "/account/password/begin/": NOTHING,
    "/account/password/change/": SET,
    "/account/password/remove/": REMOVED,
    "/account/openid/remove/": REMOVED,
    "/account/codes/": SET,
    "/keys/": ("add-key",),
    "/keys/revoke/": ("revoke-key",),
}


@dataclass
class Log:
    """The audit log, and which entries each form has left."""

    publication: PublicationFolder
    left: dict[str, set[tuple[str, ...]]] = field(default_factory=dict)

    def entries(self) -> list[audit.AuditEntry]:
        with self.publication.database.reading() as connection:
            secret = load_secret(self.publication.settings)
            assert audit.find_fault(connection, secret) is None
            return [one for _number, one in audit.read_log(connection, limit=1000)][::-1]


@dataclass
class Watched(Visitor):
    """A browser after each of whose forms one looks at the audit log."""

    log: Log | None = None
    name: str = ANN

    def post(self, path: str, **fields: str | list[str]) -> TestResponse:
        assert self.log
        known = len(self.log.entries())
        answer = super().post(path, **fields)
        assert answer.status_code < 400, f"{path}: {answer.text}"
        new = self.log.entries()[known:]
        assert {one.actor for one in new} <= {self.name}, path
        self.log.left.setdefault(path, set()).add(tuple(one.verb for one in new))
        return answer

    def add_passkey(self) -> None:
        options = self.post("/account/passkeys/options/").text
        answer = self.device.register(options)
        self.post("/account/passkeys/", answer=answer, label="My phone")

    def show_passkey(self, path: str) -> None:
        options = self.post(f"{path}options/").text
        self.post(f"{path}passkey/", answer=json.dumps(self.device.sign(options)))


def test_each_form_of_one_s_own_leaves_its_entries_and_no_secret(
    console: flask.Flask, publication: PublicationFolder
) -> None:
    log = Log(publication)
    ann = Watched(console, publication.clock, log=log)
    bob = Watched(console, publication.clock, log=log, name=BOB)
    ann.enrol_password(invite(publication, ANN))
    bob.enrol_passkey(invite(publication, BOB))
    with running_provider(publication.clock) as provider:
        use_provider(publication, provider)
        ann.get(answer_of(ann.post("/sign-in/again/provider/").text))
        ann.post("/account/openid/remove/")
        Watched(console, publication.clock, log=log).post("/sign-in/provider/")
    ann.post("/account/language/", language="en")
    ann.post("/account/mails/", held="daily")
    made = ann.post("/keys/", label="ci", scope=["view"], language="", days="30").text
    ann.post("/keys/revoke/", number="1")
    ann.add_passkey()
    ann.post("/account/passkeys/remove/", number="2")
    ann.add_passkey()
    ann.show_passkey("/sign-in/again/")
    ann.post("/account/password/change/", password=OTHER_PASSWORD)
    codes = re.findall(r"(?:[a-z2-7]{4}-){3}[a-z2-7]{4}", ann.post("/account/codes/").text)
    ann.post("/sign-in/again/", password=OTHER_PASSWORD, code=codes[0])
    _begin_again(ann)
    ann.post("/sign-out/")
    ann.post("/sign-in/", email=ANN, password=PASSWORD)
    ann.post("/sign-in/code/", code=ann.code(1))
    other = Watched(console, publication.clock, device=ann.device, log=log)
    other.show_passkey("/sign-in/")
    (session,) = re.findall(r'name="session" value="([^"]+)"', ann.get("/account/").text)
    ann.post("/account/sessions/end/", session=session)
    ann.post("/account/password/remove/")
    changing = {
        one.path
        for one in ROUTES
        if one.methods == ("POST",) and not isinstance(one.access, Permission)
    }
    assert {*ENTRIES} == changing
    assert log.left == {path: {verbs} for path, verbs in ENTRIES.items()}
    (key,) = re.findall(r"pub_1_[\w-]{43}", made)
    secrets = {PASSWORD, OTHER_PASSWORD, ann.totp, ann.token, bob.token, key, *codes}
    assert [one for one in secrets if one in str(log.entries())] == []


def _begin_again(visitor: Watched) -> None:
    """Set up the password anew, with the secret that the page shows."""
    visitor.post("/account/password/begin/")
    page = visitor.get("/account/password/").text
    (visitor.totp,) = set(re.findall(r"secret=(\w+)", page))
    visitor.post("/account/password/", password=PASSWORD, code=visitor.code())
