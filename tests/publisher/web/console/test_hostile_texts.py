"""Hostile texts in fields of the console are text wherever they are shown: pages, mail, log."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator
from typing import Any

import flask
import lxml.html
import pytest
from flask.testing import FlaskClient

from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.printing import pipeline_of
from tests.publisher.web.console.conftest import SignIn
from tests.publisher.web.console.test_issues import overview
from tests.publisher.web.hostile_texts import HOSTILE_TEXTS, MARK

PAGE = "/issues/weekly-en-2026-01-09/"
# Where a form's text comes back: attributes that browsers neither load nor run.
_HARMLESS = {"value", "title", "content", "placeholder"}
# Texts about what is no HTML: templates, header fields, cells.
_OTHERS = HOSTILE_TEXTS[-26:]


@pytest.fixture
def issue(publication: PublicationFolder, console: flask.Flask) -> PublicationFolder:  # noqa: ARG001  # it sets the languages
    """An issue with two stories that is ready and not being sent."""
    for day, title in enumerate(("Tides", "Ferry"), 5):
        publication.write(f"en/{title}.md", "Words.", title=title, date=f"2026-01-0{day}")
    subscribe(publication, ("ann@example.com", "en"))
    pipeline_of(publication).prepare()
    return publication


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


def forms(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Give forms of the console with a text in each of their fields that takes one."""
    yield f"{PAGE}approve/", {"manifest": text, "note": text}
    yield f"{PAGE}request-changes/", {"manifest": text, "changes": text}
    yield f"{PAGE}schedule/", {"at": text}
    yield f"{PAGE}pause/", {"reason": text}
    yield f"{PAGE}preview/", {"address": text}
    yield "/next/weekly/test/", {"language": "en", "to": text}
    yield "/people/", {"key": text, "name": text, "seen": text}
    yield "/people/ann/", {"name.en": text, "affiliation.en": text, "url": text, "seen": text}
    yield "/settings/weekly/", {"title.en": text, "schedule": text, "confirmed": "yes"}
    yield "/sources/accept/", {"source": text, "lost": "1"}
    yield "/calendar/weekly/2026-01-16/skip/", {"language": text, "why": text}
    yield "/calendar/weekly/2026-01-16/move/", {"language": "en", "to": text}
    yield "/accounts/", {"email": text, "name": text, "role": text}
    yield "/keys/", {"label": text, "days": text, "scope": text}
    yield "/keys/revoke/", {"number": text}
    yield "/subscribers/", {"address": text}
    yield "/sign-in/code/", {"code": text, "next": text}
    yield "/account/passkeys/", {"answer": text, "label": text}
    yield "/invite/", {"invitation": text}


# One test each, since some of their answers show all previews of an issue.
FORMS = [path for path, _form in forms("")]


@pytest.mark.slow
@pytest.mark.parametrize("path", FORMS)
def test_what_is_typed_into_any_form_is_text_in_the_answer(
    issue: PublicationFolder, sign_in: SignIn, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    del issue
    client = sign_in()
    capsys.readouterr()
    assert len(HOSTILE_TEXTS) >= 200
    for text in HOSTILE_TEXTS:
        answer = client.post(path, data=dict(forms(text))[path])
        assert answer.status_code < 500, text
        assert [*active(answer.text or "<p>")] == [], text
        assert "<" not in text or text not in answer.text
    # A line of the log is one request, whatever was typed.
    logged = capsys.readouterr()
    assert not re.search(r"(?m)^(Bcc|Subject|X-Eve):", logged.out + logged.err)
    assert "\x1b[2J" not in logged.out + logged.err


@pytest.mark.slow
def test_what_was_stored_is_text_on_every_page_that_shows_it(
    issue: PublicationFolder, sign_in: SignIn
) -> None:
    del issue
    client = sign_in()
    seen = 0
    for number, text in enumerate(HOSTILE_TEXTS):
        added = client.post(
            "/accounts/",
            data={"email": f"p{number}@example.org", "name": text, "role": "viewer"},
        )
        key = client.post("/keys/", data={"label": text, "days": "30", "scope": "view"})
        for answer in (added, key):
            assert answer.status_code < 500, text
            assert [*active(answer.text)] == [], text
            seen += MARK in answer.text
    for path in ("/accounts/", "/keys/", "/audit/", "/account/"):
        page = client.get(path).text
        assert [*active(page)] == [], path
        seen += MARK in page
    assert seen > len(HOSTILE_TEXTS)


def edit(client: FlaskClient, kind: str, value: str) -> int:
    return client.post(f"{PAGE}edits/", data={"kind": kind, "value": value}).status_code


@pytest.mark.slow
def test_an_opening_is_text_on_the_page_and_in_the_mail(
    issue: PublicationFolder, sign_in: SignIn
) -> None:
    client = sign_in()
    # The gate refuses mails with what looks like the others: see `template_leftovers`.
    for start in range(0, len(HOSTILE_TEXTS) - len(_OTHERS), 60):
        words = "\n\n".join(HOSTILE_TEXTS[start : start + 60])
        assert edit(client, "opening", words) == 303
        found = overview(issue).revisions[0]
        assert found.at is None
        for page in (client.get(PAGE).text, found.html, client.get(f"{PAGE}revisions/").text):
            assert [*active(page)] == []
            assert MARK in page
    assert edit(client, "opening", f"Dear {{{{7*7}}}} {MARK}") == 303
    assert f"Dear {{{{7*7}}}} {MARK}" in overview(issue).revisions[0].html


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["subject", "preheader"])
def test_words_of_editors_add_no_header_field_and_run_no_template(
    issue: PublicationFolder, sign_in: SignIn, kind: str
) -> None:
    client, fields, stored = sign_in(), set[tuple[str, ...]](), 0
    for text in _OTHERS:
        if edit(client, kind, text) != 303:
            continue
        stored += 1
        page = client.get(f"{PAGE}preview/").text
        key = re.search(r"/previews/(\w+)/message\.eml", page)
        assert key is not None
        message = email.message_from_bytes(
            client.get(f"/previews/{key[1]}/message.eml").data, policy=email.policy.default
        )
        fields.add(tuple(message.keys()))
        assert MARK in str(message["Subject"]) or kind == "preheader"
        assert [*active(page)] == []
        if "7*7" in text:
            assert "7*7" in str(message["Subject"]) or kind == "preheader"
    assert stored > 10
    assert len(fields) == 1
    assert overview(issue).edits
