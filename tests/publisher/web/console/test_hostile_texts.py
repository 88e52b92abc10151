"""Hostile texts in fields of the console are text wherever they are shown: pages, mail, log, site, feeds."""

import io
from collections.abc import Iterator, Sequence
from typing import Any

import flask
import lxml.html
import pytest
from flask.testing import FlaskClient

from publisher.app.drafts import begin_article
from publisher.app.issues.preview import preview_mails
from publisher.drafts.store import FIELDS
from publisher.web.console.application import ROUTES
from publisher.web.console.issues import overview, previews
from tests.publisher.app.approving import TERMINAL
from tests.publisher.conftest import PublicationFolder, editing_state
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.hostile_articles import active_in
from tests.publisher.printing import pipeline_of
from tests.publisher.web.conftest import LANGUAGES, MadeReady
from tests.publisher.web.console.conftest import SignIn
from tests.publisher.web.hostile_texts import HOSTILE_TEXTS, MARK

EDITABLE = {"kind": "folder", "path": "articles", "editable": True}
PAGE = "/issues/weekly-en-2026-01-09/"
PERSON = '[mira]\nname = "Mira"\n'
# Where a form's text comes back: attributes that browsers neither load nor run.
_HARMLESS = {"value", "title", "content", "placeholder"}
# Forms that take no text: buttons, and one field that is a tick.
WITHOUT_TEXT = {
    "/aside/",
    *(f"/issues/<issue>/{verb}/" for verb in ("send-now", "undo", "hold", "resume")),
    *(f"/issues/<issue>/doubts/{verb}/" for verb in ("resend", "mark-sent")),
    *(f"/translations/<language>/<int:story>/{v}/" for v in ("start", "release", "dismiss")),
    "/translations/<language>/<int:story>/write/",
    "/write/<language>/<int:number>/discard/",
    *("/calendar/address/", "/translations/mine/feeds/", "/subscribers/export/"),
    "/subscribers/<int:number>/erase/",
    *(f"/subscribers/import/<key>/{verb}/" for verb in ("begin", "discard")),
    *(f"/accounts/<int:number>/{verb}/" for verb in ("disable", "enable", "recover")),
    "/accounts/<int:number>/end-sessions/",
    *(f"/webhooks/<int:number>/{verb}/" for verb in ("test", "rotate", "enable", "disable")),
    "/webhooks/<int:number>/remove/",
    *(f"/account/{verb}/" for verb in ("passkeys/options", "password/begin", "codes")),
    "/account/password/remove/",
    *("/invite/setup/options/", "/sign-in/options/", "/sign-in/again/options/", "/sign-out/"),
    *("/sign-in/provider/", "/sign-in/again/provider/", "/account/openid/remove/"),
}


def two_stories(publication: PublicationFolder) -> None:
    """Have an issue with two stories that is ready and not being sent, one of them by a person on file."""
    (publication.settings.folders.root / "people.toml").write_text(PERSON, "utf-8")
    publication.reload(languages=LANGUAGES, sources=[EDITABLE])
    for day, title in enumerate(("Tides", "Ferry"), 5):
        facts = {"title": title, "date": f"2026-01-0{day}", "author": "Mira"}
        publication.write(f"en/{title}.md", "Words.", **facts)
    subscribe(publication, ("ann@example.com", "en"))
    pipeline_of(publication).prepare()
    begin_article(editing_state(publication), TERMINAL, "articles", "en", "Draft")


@pytest.fixture
def publication(made_ready: MadeReady) -> PublicationFolder:
    return made_ready(two_stories, sources=[EDITABLE])


def active(html: str) -> Iterator[str]:
    """Find elements and attributes that a marked text has become."""
    elements: Iterator[Any] = lxml.html.document_fromstring(html.replace("\0", "")).iter()
    for one in elements:
        if not isinstance(one.tag, str):
            yield from [f"comment {one.text}"] if MARK in (one.text or "") else []
            continue
        if one.tag in {"script", "style"}:
            yield from [f"{one.tag} {one.text}"] if MARK in (one.text or "") else []
        for name, value in one.attrib.items():
            if MARK in f"{name}{value}" and name not in _HARMLESS:
                yield f"<{one.tag} {name}={value}>"


def test_a_text_that_runs_would_be_found() -> None:
    for text in (
        f"<img src=x onerror={MARK}>",
        f"<script>{MARK}</script>",
        f"<a href=javascript:{MARK}>x</a>",
        f"<!-- {MARK} -->",
    ):
        assert [*active(f"<p>{text}</p>")], text
    assert [*active(f"<p>&lt;script&gt;{MARK}</p><input value='&lt;b {MARK}'>")] == []


def previews_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Render each preview once: pages show them again and again, and nothing of them changes."""
    made: dict[str, Any] = {}

    def cached(state: Any, renderer: Any, actor: Any, shown: Any) -> Any:
        # Settings of an edition have no hash.
        key = repr(shown)
        if key not in made:
            made[key] = preview_mails(state, renderer, actor, shown)
        return made[key]

    for page in (previews, overview):
        monkeypatch.setattr(page, "preview_mails", cached)


def forms(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give forms of the console with a text in each of their fields that takes one."""
    yield from _forms_of_issues(text)
    yield from _forms_of_files_and_days(text)
    yield from _forms_of_accounts(text)
    yield from _forms_of_subscribers(text)
    # After these, the issue can't be changed any more.
    yield f"{PAGE}skip/", {"why": text}
    yield f"{PAGE}cancel/", {"reason": text}


def _forms_of_issues(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield f"{PAGE}edits/", {"kind": "subject", "value": text, "seen": "7"}
    yield f"{PAGE}edits/undo/", {"edit": text}
    yield f"{PAGE}words/", {"subject": text, "preheader": text, "opening": text}
    yield f"{PAGE}order/", {"act": text, "language": text, "why": text, "seen": text}
    yield f"{PAGE}order/", {"act": "leave-out 1", "language": "en", "why": text, "seen": "en:7"}
    yield f"{PAGE}stories/", {"words": text}
    yield f"{PAGE}correct/", {"subject": text, "text": text, "how": text}
    words = dict.fromkeys(("subject-en", "preheader-en", "text-en", "at"), text)
    yield "/issues/announce/", {"newsletter": "weekly", "when": "at", **words}
    yield f"{PAGE}approve/", {"manifest": text, "note": text}
    signed = dict.fromkeys(("name", "manifest", "plan_hash", "recipients", "note"), text)
    yield f"{PAGE}approve-all/", signed
    yield f"{PAGE}request-changes/", {"manifest": text, "changes": text}
    yield f"{PAGE}schedule/", {"at": text}
    yield f"{PAGE}pause/", {"reason": text}
    yield f"{PAGE}preview/", {"address": text}
    yield f"{PAGE}preview/test/", {"language": "en", "to": text}
    yield "/next/weekly/", {"address": text}
    yield "/next/weekly/test/", {"language": "en", "to": text}


def _forms_of_files_and_days(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "/people/", {"key": text, "name": text, "seen": text}
    yield "/people/ann/", {"name.en": text, "affiliation.en": text, "url": text, "seen": text}
    yield "/people/ann/remove/", {"seen": text}
    yield "/settings/weekly/", {"title.en": text, "schedule": text, "confirmed": "yes"}
    yield "/sources/accept/", {"source": text, "lost": "1"}
    yield "/sources/test/", {"source": text, "key": text}
    yield "/issues/day/weekly/2026-01-16/skip/", {"language": text, "why": text, "sure": "yes"}
    yield "/issues/day/weekly/2026-01-16/move/", {"language": "en", "to": text}
    yield "/issues/day/weekly/2026-01-16/restore/", {"language": text}
    yield "/write/", {"source": text, "language": text, "title": text}
    yield "/write/en/1/", {**dict.fromkeys(FIELDS, text), "version": "0", "how": "publish"}
    yield "/write/en/1/pictures/", {"alt": text, "picture": (io.BytesIO(), f"{text}.png")}
    yield "/translations/ar/1/claim/", {"until": text, "person": text}
    yield "/translations/ar/1/give-up/", {"reason": text}
    yield "/webhooks/", {"url": text, "event": text}


def _forms_of_accounts(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    secrets = {"password": text, "code": text}
    yield "/accounts/", {"email": text, "name": text, "role": text}
    yield "/accounts/1/roles/", {"role": text}
    yield "/keys/", {"label": text, "days": text, "scope": text}
    yield "/keys/revoke/", {"number": text}
    yield "/account/language/", {"language": text}
    yield "/account/mails/", {"held": text}
    yield "/account/sessions/end/", {"session": text}
    yield "/account/passkeys/", {"answer": text, "label": text}
    yield "/account/passkeys/remove/", {"number": text}
    yield "/account/password/", secrets
    yield "/account/password/change/", secrets
    yield "/invite/", {"invitation": text}
    yield "/invite/setup/passkey/", {"answer": text, "label": text}
    yield "/invite/setup/password/", secrets
    yield "/sign-in/", {"email": text, "password": text, "next": text}
    yield "/sign-in/code/", {"code": text, "next": text}
    yield "/sign-in/passkey/", {"answer": text, "next": text}
    yield "/sign-in/again/", {**secrets, "next": text}
    yield "/sign-in/again/passkey/", {"answer": text, "next": text}


def _forms_of_subscribers(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "/subscribers/", {"address": text}
    yield "/subscribers/1/unsubscribe/", {"newsletter": "weekly", "note": text}
    yield "/subscribers/1/resubscribe/", {"newsletter": "weekly", "note": text}
    # What is in the list is shown later, on its page.
    file = io.BytesIO(hostile_list([text])), f"{text}.csv"
    yield "/subscribers/import/", {"key": text, "list": file}


def hostile_list(texts: Sequence[str]) -> bytes:
    """Return a list of subscribers with texts as columns, bad addresses, and names of good addresses."""
    cells = ['"{}"'.format(one.replace('"', '""')) for one in texts]
    rows = [f"email,name,{','.join(cells)}"]
    more = ",x" * len(cells)
    for number, cell in enumerate(cells):
        rows += [f"{cell},x{more}", f"zoe-{number}@example.com,{cell}{more}"]
    return "\n".join(rows).encode()


def check_answer(client: FlaskClient, path: str, text: str) -> None:
    """Post a text in each field of a form, and look at what comes back."""
    answer = client.post(path, data=dict(forms(text))[path])
    assert answer.status_code < 500, (path, text)
    assert [*active(answer.text or "<p>")] == [], (path, text)
    assert "<" not in text or text not in answer.text


def test_each_form_that_takes_a_text_is_tried(console: flask.Flask) -> None:
    matching = console.url_map.bind("localhost").match
    tried = {matching(path, "POST", return_rule=True)[0].rule for path, _form in forms("")}
    posted = {one.path for one in ROUTES if "POST" in one.methods}
    assert posted - tried == WITHOUT_TEXT


@pytest.mark.parametrize("text", HOSTILE_TEXTS[::60])
def test_fields_of_editors_are_text_on_the_site_and_in_feeds(
    publication: PublicationFolder, sign_in: SignIn, text: str
) -> None:
    client = sign_in()
    for kind in ("subject", "preheader", "opening"):
        client.post(f"{PAGE}edits/", data={"kind": kind, "value": text})
    person = {"name.en": text, "name.": "", "seen.name.": "Mira"}
    assert client.post("/people/mira/", data=person).status_code < 500
    publication.reload(languages=LANGUAGES)
    pipeline_of(publication).run()
    public = publication.settings.folders.public
    files = [one for kind in ("*.html", "*.xml") for one in public.rglob(kind)]
    assert any(one.name.endswith(".atom.xml") for one in files)
    marked = [one for one in files if MARK.encode() in one.read_bytes()]
    assert {one.name: active_in(one) for one in marked if active_in(one)} == {}
