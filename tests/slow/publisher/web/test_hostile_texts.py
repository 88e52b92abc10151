"""Each hostile text in each field of the console: pages, mail, log."""

import csv
import email
import email.policy
import io
import re
from itertools import chain

import pytest

from tests.publisher.conftest import PublicationFolder
from tests.publisher.web.conftest import made_ready
from tests.publisher.web.console import test_hostile_texts
from tests.publisher.web.console.conftest import SignIn, console, console_context, sign_in
from tests.publisher.web.console.test_hostile_texts import publication
from tests.publisher.web.console.test_issues import edit, overview
from tests.publisher.web.hostile_texts import HOSTILE_TEXTS, MARK
from tests.sizes import by_lane

__all__ = ["console", "console_context", "made_ready", "publication", "sign_in"]

# Texts about what is no HTML: templates, header fields, cells.
_OTHERS = HOSTILE_TEXTS[-26:]
FORMS = [path for path, _form in test_hostile_texts.forms("")]


@pytest.mark.parametrize(("place", "path"), [*enumerate(FORMS)])
def test_what_is_typed_into_any_form_is_text_in_the_answer(
    sign_in: SignIn,
    place: int,
    path: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    test_hostile_texts.previews_once(monkeypatch)
    client = sign_in()
    capsys.readouterr()
    assert len(HOSTILE_TEXTS) >= 200
    # In the lane each form gets every fifth text, and each text goes into some form of each kind.
    for text in HOSTILE_TEXTS[by_lane(place % 5, 0) :: by_lane(5, 1)]:
        test_hostile_texts.check_answer(client, path, text)
    # A line of the log is one request, whatever was typed.
    logged = capsys.readouterr()
    assert not re.search(r"(?m)^(Bcc|Subject|X-Eve):", logged.out + logged.err)
    assert "\x1b[2J" not in logged.out + logged.err


def test_what_was_stored_is_text_on_every_page_that_shows_it(sign_in: SignIn) -> None:
    client, texts = sign_in(), HOSTILE_TEXTS[:: by_lane(4, 1)]
    seen = 0
    for number, text in enumerate(texts):
        added = client.post(
            "/accounts/",
            data={"email": f"p{number}@example.org", "name": text, "role": "viewer"},
        )
        key = client.post("/keys/", data={"label": text, "days": "30", "scope": "view"})
        for answer in (added, key):
            assert answer.status_code < 500, text
            assert [*test_hostile_texts.active(answer.text)] == [], text
            seen += MARK in answer.text
    for path in ("/accounts/", "/keys/", "/audit/", "/account/"):
        page = client.get(path).text
        assert [*test_hostile_texts.active(page)] == [], path
        seen += MARK in page
    assert seen > len(texts)


def test_cells_of_a_list_are_text_on_its_page_and_in_the_file_of_rejects(
    sign_in: SignIn,
) -> None:
    client, key = sign_in(), "0" * 32
    file = io.BytesIO(test_hostile_texts.hostile_list(HOSTILE_TEXTS)), "list.csv"
    kept = client.post("/subscribers/import/", data={"key": key, "list": file})
    looked_at = client.get(kept.location)
    client.post(f"{kept.location}begin/")
    imported = client.get(kept.location)
    for page in (looked_at, imported):
        assert (page.status_code, [*test_hostile_texts.active(page.text)]) == (200, [])
    assert looked_at.text.count(MARK) >= len(HOSTILE_TEXTS)
    rejects = client.get(f"{kept.location}rejects.csv")
    cells = [*chain.from_iterable(csv.reader(io.StringIO(rejects.text)))]
    rejects.close()
    assert sum(MARK in one for one in cells) > len(HOSTILE_TEXTS) / 2
    assert [one for one in cells if one[:1] in {"=", "+", "-", "@", "\t", "\r"}] == []
    for number in range(2, 200, 20):
        assert [*test_hostile_texts.active(client.get(f"/subscribers/{number}/").text)] == []


def test_an_opening_is_text_on_the_page_and_in_the_mail(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    client = sign_in()
    # The gate refuses mails with what looks like the others: see `template_leftovers`.
    for start in range(0, len(HOSTILE_TEXTS) - len(_OTHERS), 60):
        words = "\n\n".join(HOSTILE_TEXTS[start : start + 60])
        assert edit(client, "opening", words) == 303
        found = overview(publication).revisions[0]
        assert found.at is None
        for page in (
            client.get(test_hostile_texts.PAGE).text,
            found.html,
            client.get(f"{test_hostile_texts.PAGE}revisions/").text,
        ):
            assert [*test_hostile_texts.active(page)] == []
            assert MARK in page
    assert edit(client, "opening", f"Dear {{{{7*7}}}} {MARK}") == 303
    assert f"Dear {{{{7*7}}}} {MARK}" in overview(publication).revisions[0].html


@pytest.mark.parametrize("kind", ["subject", "preheader"])
def test_words_of_editors_add_no_header_field_and_run_no_template(
    publication: PublicationFolder, sign_in: SignIn, kind: str
) -> None:
    client, fields, stored = sign_in(), set[tuple[str, ...]](), 0
    for text in _OTHERS[:: by_lane(2, 1)]:
        if edit(client, kind, text) != 303:
            continue
        stored += 1
        page = client.get(f"{test_hostile_texts.PAGE}preview/?show=source").text
        key = re.search(r"/previews/(\w+)/message\.eml", page)
        assert key is not None
        message = email.message_from_bytes(
            client.get(f"/previews/{key[1]}/message.eml").data, policy=email.policy.default
        )
        fields.add(tuple(message.keys()))
        assert MARK in str(message["Subject"]) or kind == "preheader"
        assert [*test_hostile_texts.active(page)] == []
        if "7*7" in text:
            assert "7*7" in str(message["Subject"]) or kind == "preheader"
    assert stored > by_lane(4, 10)
    assert len(fields) == 1
    assert overview(publication).edits
