"""Subscribers in the console: search, one of them, import and export."""

from __future__ import annotations

import gzip
import io
import json
import re
import zipfile
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from publisher.accounts import audit
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.web.console.conftest import SignIn

ANN, ANNE, BOB = "ann@example.com", "anne@example.com", "bob_x@example.com"


@pytest.fixture
def owner(sign_in: SignIn, publication: PublicationFolder) -> FlaskClient:
    """Somebody at the subscribers' desk, among three subscribers."""
    client = sign_in("subscriber-desk")
    subscribe(publication, (ANN, "en"), (ANNE, "en"), (BOB, "ar"))
    return client


def log(publication: PublicationFolder) -> list[audit.AuditEntry]:
    with publication.database.reading() as connection:
        return [entry for _number, entry in audit.read_log(connection)]


def test_an_address_in_any_spelling_leads_to_its_subscriber(owner: FlaskClient) -> None:
    found = owner.post("/subscribers/", data={"address": " ANN@Example.com "})
    assert found.location == "/subscribers/1/"
    page = owner.get("/subscribers/1/")
    assert ANN in page.text
    assert "weekly" in page.text


def test_a_beginning_finds_those_who_begin_so_and_no_pattern_does(owner: FlaskClient) -> None:
    found = owner.post("/subscribers/", data={"address": "ANN"}).text
    assert [one for one in (ANN, ANNE, BOB) if f">{one}<" in found] == [ANN, ANNE]
    assert owner.post("/subscribers/", data={"address": "bob_"}).location == "/subscribers/3/"
    for nothing in ("%%%", "bob%", "ann_", "nobody@example.com"):
        text = owner.post("/subscribers/", data={"address": nothing}).text
        assert "Nobody has such an address." in text, nothing
    short = owner.post("/subscribers/", data={"address": "an"})
    assert short.status_code == 422


def test_somebody_is_unsubscribed_and_subscribed_again_with_a_note(
    owner: FlaskClient, publication: PublicationFolder
) -> None:
    form = {"newsletter": "weekly", "note": "by telephone <b>"}
    done = owner.post("/subscribers/1/unsubscribe/", data=form)
    assert done.location == "/subscribers/1/?done=saved"
    page = owner.get("/subscribers/1/").text
    assert "by telephone &lt;b&gt;" in page
    assert "unsubscribed" in page
    owner.post("/subscribers/1/resubscribe/", data=form)
    entries = log(publication)
    assert [(one.verb, one.object) for one in entries[:2]] == [
        ("resubscribe", "subscriber 1"),
        ("unsubscribe", "subscriber 1"),
    ]
    # Whoever reads the log learns no address of a subscriber.
    assert ANN not in str(entries)
    wrong = owner.post("/subscribers/1/unsubscribe/", data={"newsletter": "daily"})
    assert wrong.status_code == 404


def test_whoever_complained_stays_away(
    owner: FlaskClient, publication: PublicationFolder
) -> None:
    from subscribers import suppress
    from subscribers.model import SubscriberStatus

    with publication.database.writing() as connection:
        suppress(connection, ANN, SubscriberStatus.COMPLAINED, publication.clock.now())
    refused = owner.post("/subscribers/1/resubscribe/", data={"newsletter": "", "note": "x"})
    assert refused.status_code == 409
    assert "reported as spam" in owner.get("/subscribers/1/").text


def test_all_data_of_somebody_are_a_file_and_erased_only_if_one_is_sure(
    owner: FlaskClient,
) -> None:
    answer = owner.get("/subscribers/1/data.json")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="subscriber-1.json"'
    assert ANN in json.dumps(json.loads(answer.text))
    owner.post("/subscribers/1/erase/")
    assert owner.get("/subscribers/1/").status_code == 200
    owner.post("/subscribers/1/erase/", data={"sure": "yes"})
    assert owner.get("/subscribers/1/").status_code == 404
    assert owner.get("/subscribers/1/data.json").status_code == 404


def test_the_data_of_somebody_ask_for_a_factor_shown_just_now(
    owner: FlaskClient, sign_in: SignIn
) -> None:
    del owner
    client = sign_in("subscriber-desk", pages="ar", ago=timedelta(minutes=11))
    assert client.get("/subscribers/1/").status_code == 200
    answer = client.get("/subscribers/1/data.json")
    assert answer.location == "/sign-in/again/?next=/subscribers/1/data.json"
    assert ANN not in answer.text


def send(client: FlaskClient, content: bytes, do: str = "import") -> tuple[int, str]:
    data = {"list": (io.BytesIO(content), "list.csv"), "do": do}
    answer = client.post("/subscribers/import/", data=data)
    return answer.status_code, answer.text


CSV = b"email,language,newsletters,shoe\ncyd@example.com,en,weekly,38\nno address,en,weekly,\n"


def test_a_list_is_looked_at_then_imported_and_bad_rows_are_named(
    owner: FlaskClient, publication: PublicationFolder
) -> None:
    status, text = send(owner, CSV, "look")
    assert status == 200
    assert "Nothing was changed yet." in text
    assert "shoe" in text
    assert "line 3" in text
    missing = owner.post("/subscribers/", data={"address": "cyd@example.com"})
    assert "Nobody has such an address." in missing.text
    status, text = send(owner, CSV)
    assert (status, "line 3" in text) == (200, True)
    assert owner.post("/subscribers/", data={"address": "cyd@example.com"}).location
    entry = log(publication)[0]
    assert entry.verb == "import-subscribers"
    assert (entry.details["added"], entry.details["refused"]) == (1, 1)


def a_zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("list.csv", CSV)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (a_zip(), "this is a ZIP archive or a spreadsheet; save the list as CSV"),
        (gzip.compress(CSV), "this is a compressed file; unpack it first"),
        (b"%PDF-1.7\n" + CSV, "this is a PDF; save the list as CSV"),
        (b"\x7fELF\x02\0\0\0", "a NUL byte; this is no text file"),
        ("name,city\nAnn,K\u00f6ln\n".encode("latin-1"), "there is no column email"),
        (b"\xff\xfee", "it is not UTF-16, though it begins like it"),
        (b"name,shoe\nAnn,38\n", "there is no column email"),
        (b"a\x00b", "a NUL byte; this is no text file"),
        (b"", "the file is empty; it starts with a header such as email,name"),
    ],
    ids=["zip", "gzip", "pdf", "program", "latin-1", "utf-16", "no-address", "nul", "empty"],
)
def test_what_is_no_list_is_refused_with_the_reason(
    owner: FlaskClient, publication: PublicationFolder, content: bytes, sentence: str
) -> None:
    for do in ("look", "import"):
        status, text = send(owner, content, do)
        assert status == 422
        assert "be read as a list" in text
        assert text.count(sentence) == 1
    assert log(publication) == []


def test_rows_in_another_encoding_are_left_out_by_name(owner: FlaskClient) -> None:
    rows = "email,name\ncyd@example.com,J\u00f6rg\nzoe@example.com,Zoe\n".encode("latin-1")
    status, text = send(owner, rows, "look")
    assert status == 200
    assert "line 2: name: it is not UTF-8; save the file as CSV in UTF-8" in text


def test_a_list_of_more_than_20_mb_is_refused_before_it_is_read(
    owner: FlaskClient, publication: PublicationFolder
) -> None:
    answer = owner.post(
        "/subscribers/import/",
        data=b"--b",
        content_type="multipart/form-data; boundary=b",
        environ_overrides={"CONTENT_LENGTH": str(20 * 1024 * 1024 + 1)},
    )
    assert answer.status_code == 413
    assert "too large" in answer.text
    assert log(publication) == []


def test_a_form_without_a_file_says_so(owner: FlaskClient) -> None:
    answer = owner.post("/subscribers/import/", data={"do": "import"})
    assert (answer.status_code, "Choose a file first." in answer.text) == (422, True)


def test_an_export_is_a_list_that_can_be_imported_and_is_recorded(
    owner: FlaskClient, publication: PublicationFolder
) -> None:
    answer = owner.post("/subscribers/export/")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="subscribers.csv"'
    assert all(address in answer.text for address in (ANN, ANNE, BOB))
    assert (log(publication)[0].verb, log(publication)[0].details["count"]) == (
        "export-subscribers",
        3,
    )
    status, text = send(owner, answer.data)
    assert status == 200
    assert re.search(r"unchanged</th><td class=\"number\">3<", text)
