"""Hostile texts in fields of the console are text wherever they are shown: pages, mail, log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import flask
import lxml.html
import pytest
from flask.testing import FlaskClient

from publisher.app.issue_preview import preview_mails
from publisher.web.console import previews
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.printing import pipeline_of
from tests.publisher.web.console.conftest import SignIn
from tests.publisher.web.hostile_texts import HOSTILE_TEXTS, MARK

PAGE = "/issues/weekly-en-2026-01-09/"
# Where a form's text comes back: attributes that browsers neither load nor run.
_HARMLESS = {"value", "title", "content", "placeholder"}
# Of each kind some; tests/slow has all of them.
_SOME = (*HOSTILE_TEXTS[::60], HOSTILE_TEXTS[-20], HOSTILE_TEXTS[-12])


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


def previews_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Render each preview once: pages show them again and again, and nothing of them changes."""
    made: dict[str, Any] = {}

    def cached(state: Any, renderer: Any, actor: Any, shown: Any) -> Any:
        # Settings of an edition have no hash.
        key = repr(shown)
        if key not in made:
            made[key] = preview_mails(state, renderer, actor, shown)
        return made[key]

    monkeypatch.setattr(previews, "preview_mails", cached)


def forms(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Give forms of the console with a text in each of their fields that takes one."""
    yield f"{PAGE}edits/", {"kind": "subject", "value": text, "seen": "7"}
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


def check_answer(client: FlaskClient, path: str, text: str) -> None:
    """Post a text in each field of a form, and look at what comes back."""
    answer = client.post(path, data=dict(forms(text))[path])
    assert answer.status_code < 500, (path, text)
    assert [*active(answer.text or "<p>")] == [], (path, text)
    assert "<" not in text or text not in answer.text


def test_some_of_what_is_typed_into_any_form_is_text_in_the_answer(
    issue: PublicationFolder, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    del issue
    previews_once(monkeypatch)
    client = sign_in()
    for path, _form in forms(""):
        for text in _SOME:
            check_answer(client, path, text)
