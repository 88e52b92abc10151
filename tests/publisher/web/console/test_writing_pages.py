"""The pages on which articles and translations are written: without scripts, and nothing that was typed is lost."""

import errno
import os
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from publisher.app import drafts as use_cases
from publisher.errors import DatabaseError
from tests.publisher.conftest import PublicationFolder
from tests.publisher.web.conftest import LANGUAGES, MadeReady
from tests.publisher.web.console.conftest import SignIn, browser
from tests.publisher.web.console.test_calendar_pages import text_of

SOURCE = {"kind": "folder", "path": "articles", "editable": True}
TYPED = "Words with <b>tags</b> & “signs”,\n\n    code first, and\n\n- a list"
FIELD = re.compile(
    r'<input type="hidden" name="(\w+)" value="([^"]*)">|<(?:input|textarea) id="(\w+)" name="\w+"[^>]*?(?: value="([^"]*)"[^>]*>|>\n([^<]*)</textarea>)'
)


def one_story(publication: PublicationFolder) -> None:
    text = "# Tide\n\nIt comes.\n\n```\na\n\nb\n```"
    publication.pick_up_file("en/tide.md", text, title="The tide", date="2026-01-05")


@pytest.fixture
def publication(made_ready: MadeReady) -> PublicationFolder:
    return made_ready(one_story, sources=[SOURCE])


def fields_of(answer: TestResponse) -> dict[str, str]:
    """Return what the form of a draft has, as a browser would send it."""
    form = re.search(
        r'<form method="post" action="/write/[^"]*/\d+/" class="wide".*?</form>',
        answer.text,
        re.DOTALL,
    )
    assert form, answer.text
    found = {}
    for hidden, value, name, line, text in FIELD.findall(form[0]):
        found[hidden or name] = unescape(value if hidden else line or text)
    return found


def begun(client: FlaskClient, **given: str) -> str:
    answer = client.post("/write/", data={"source": "articles", "language": "en", **given})
    assert answer.status_code == 303
    return answer.headers["Location"]


def send(client: FlaskClient, path: str, how: str, **given: Any) -> TestResponse:
    return client.post(path, data={**fields_of(client.get(path)), "how": how, **given})


def test_an_article_is_begun_saved_previewed_and_published(
    sign_in: SignIn, publication: PublicationFolder
) -> None:
    client = sign_in("editor")
    assert "No draft." in text_of(client, "/write/")
    refused = client.post("/write/", data={"source": "articles", "language": "en", "title": ""})
    assert (refused.status_code, "write a title" in refused.text) == (422, True)
    path = begun(client, title="High water")
    assert fields_of(client.get(path))["byline"] == "Ann editor"
    saved = send(client, path, "save", text=TYPED)
    assert saved.headers["Location"] == f"{path}?done=saved"
    assert fields_of(client.get(path))["text"] == TYPED
    assert "High water" in text_of(client, "/write/")
    assert send(client, path, "preview").headers["Location"] == f"{path}preview/"
    page = client.get(f"{path}preview/").text
    frames = re.findall(r'<iframe src="([^"]+)" sandbox=""', page)
    assert len(frames) == 4
    for frame in frames:
        shown = client.get(frame)
        assert "sandbox" in shown.headers["Content-Security-Policy"]
        assert "<b>tags</b>" in shown.text
    done = send(client, path, "publish")
    assert done.headers["Location"] == "/write/?done=published"
    publication.pick_up()
    assert publication.one("high-water").bylines[0].name == "Ann editor"
    # What is gone is gone; somebody who still types there sees the words once more.
    assert client.get(path).status_code == 404
    late = client.post(path, data={"title": "x", "text": "My late words", "how": "save"})
    assert (late.status_code, "My late words" in late.text) == (409, True)


def test_words_of_a_draft_are_shown_and_discarded_also_when_its_file_cannot_be_read(
    sign_in: SignIn, publication: PublicationFolder
) -> None:
    client, number = sign_in("editor"), publication.one("tide").id
    path = client.post("/write/", data={"article": number}).headers["Location"]
    send(client, path, "save", text="My words")
    (publication.articles / "en/tide.md").write_bytes(b"\xff\xe9")
    page = client.get(path)
    assert (page.status_code, "not UTF-8" in page.text) == (200, True)
    assert fields_of(page)["text"] == "My words"
    refused = send(client, path, "publish", text="More words")
    assert (refused.status_code, fields_of(refused)["text"]) == (422, "More words")
    assert client.post(f"{path}discard/").status_code == 303
    # A language of a form that no page has sent makes no draft, with which no list could be shown.
    given = {"source": "articles", "language": "../../e", "title": "T"}
    refused = client.post("/write/", data=given)
    assert (refused.status_code, "does not have it" in refused.text) == (422, True)


def test_a_draft_in_a_language_that_is_not_published_any_more_is_read_and_discarded(
    sign_in: SignIn, publication: PublicationFolder
) -> None:
    client, number = sign_in("editor"), publication.one("tide").story_id
    article = begun(client, title="Written", language="ar")
    send(client, article, "save", text="My words")
    translation = client.post(f"/translations/ar/{number}/write/").headers["Location"]
    publication.reload(languages=["en"], sources=[SOURCE])
    assert fields_of(client.get(article))["text"] == "My words"
    for path in (article, translation):
        assert f'href="{path}"' in client.get("/write/").text
        for how in ("publish", "replace"):
            assert send(client, path, how).status_code == 422
        assert client.get(f"{path}preview/").status_code == 422
        assert client.post(f"{path}discard/").status_code == 303
        assert client.get(path).status_code == 404
    assert sign_in("translator", "en").get("/write/ar/1/").status_code == 403


def test_a_translator_writes_beside_the_original_and_its_story_has_it(
    sign_in: SignIn, publication: PublicationFolder
) -> None:
    client, number = sign_in("translator", "ar"), publication.one("tide").story_id
    page = client.get(f"/translations/ar/{number}/")
    assert "Write it here" in page.text
    path = client.post(f"/translations/ar/{number}/write/").headers["Location"]
    shown = client.get(path).text
    assert re.findall(r'<li><pre class="text">([^<]*)</pre>', shown) == [
        "# Tide",
        "It comes.",
        "```\na\n\nb\n```",
    ]
    assert "in work" in text_of(client, f"/translations/ar/{number}/")
    send(client, path, "publish", title="المد", text="يأتي.")
    publication.pick_up()
    assert publication.one("tide", "ar").translators == ("Ann translator",)
    assert (publication.articles / "ar/tide.md").exists()
    # Editors of another language, and who only reads, do not get there.
    for other in (sign_in("editor", "en"), sign_in("viewer")):
        assert other.post(f"/translations/ar/{number}/write/").status_code == 403
    assert sign_in("editor", "ar").get(path.replace("/ar/", "/en/")).status_code == 403


def test_what_was_typed_stays_beside_what_somebody_else_stored(
    sign_in: SignIn, publication: PublicationFolder
) -> None:
    number = publication.one("tide").id
    ann, ben = sign_in("editor"), sign_in("editor", "en")
    path = begun(ann, article=str(number))
    assert begun(ben, article=str(number)) == path
    before = fields_of(ben.get(path))
    send(ann, path, "save", title="Ann's title")
    mine = ben.post(path, data={**before, "title": "Ben's <title>", "how": "save"})
    assert mine.status_code == 409
    assert "Ann&#39;s title</pre>" in mine.text
    kept = fields_of(mine)
    assert kept["title"] == "Ben's <title>"
    # Pressed once more, it replaces what he has seen.
    assert ben.post(path, data={**kept, "how": "save"}).status_code == 303
    file: Path = publication.articles / "en/tide.md"
    file.write_text("---\ntitle: On the disk\n---\nOther.\n", "utf-8")
    refused = ann.post(
        path, data={**fields_of(ann.get(path)), "base": before["base"], "how": "publish"}
    )
    assert (refused.status_code, "On the disk</pre>" in refused.text) == (409, True)
    assert file.read_text("utf-8").endswith("Other.\n")
    assert ann.post(path, data={**fields_of(refused), "how": "publish"}).status_code == 303
    assert file.read_text("utf-8") == "---\ntitle: Ben's <title>\n---\nOther.\n"


def test_what_was_typed_survives_a_full_disk_a_busy_database_and_the_end_of_a_session(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sign_in("editor")
    path = begun(client, title="High water")
    given = {**fields_of(client.get(path)), "title": "/", "text": ""}
    empty = client.post(path, data={**given, "how": "publish"})
    assert (empty.status_code, fields_of(empty)["title"]) == (422, "/")

    def full(*_args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    given = {**fields_of(empty), "text": TYPED}
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        answer = client.post(path, data={**given, "how": "publish"})
    assert (answer.status_code, "is full" in answer.text) == (422, True)
    given = fields_of(answer)
    assert given["text"] == TYPED
    nobody = browser(client.application).post(path, data=given)
    assert (nobody.status_code, fields_in(nobody)["text"]) == (401, TYPED)

    def busy(*_args: object, **_named: object) -> None:
        raise DatabaseError("database is locked")

    monkeypatch.setattr(use_cases, "save_draft", busy)
    answer = client.post(path, data={**given, "once": "other"})
    assert (answer.status_code, fields_in(answer)["text"]) == (503, TYPED)


def fields_in(answer: TestResponse) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', answer.text)
    return {name: unescape(value) for name, value in found}


def test_without_an_editable_source_the_page_says_so(
    sign_in: SignIn, publication: PublicationFolder
) -> None:
    publication.reload(languages=LANGUAGES)
    client = sign_in("editor")
    assert "No source can be written here." in client.get("/write/").text
    number = publication.one("tide").story_id
    assert "Write it here" not in client.get(f"/translations/ar/{number}/").text
    assert (
        client.post(
            "/write/", data={"source": "articles", "title": "x", "language": "en"}
        ).status_code
        == 422
    )
