"""Import of subscribers in the console: upload, dry run, import, what was left out."""

import csv
import html
import io
import re

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from publisher.app.subscribers.actions import erase_somebody
from publisher.app.subscribers.records import read_subscribers
from publisher.web.console import MAX_LIST_BYTES
from tests.publisher.conftest import NOW, PublicationFolder, by_owner
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.web.console.conftest import SignIn, audit_log
from tests.subscribers.leaving import unsubscribe

ANN, BOB, CYD = "ann@example.com", "bob@example.com", "cyd@example.com"
KEY = "0123456789abcdef" * 2
CSV = (
    b"email,name,language,shoe\ncyd@example.com,Cyd,en,38\nno address,=1+1,en,\n"
    b"ann@example.com,Ann,en,\nbob@example.com,Bob,en,\ndee@example.com,Dee,xx,\n"
)


@pytest.fixture
def owner(sign_in: SignIn, publication: PublicationFolder) -> FlaskClient:
    """Somebody for subscribers: Ann gets mail, Bob has left, and Cyd was erased."""
    client = sign_in("subscriber-desk")
    subscribe(publication, (ANN, "en"), (BOB, "en"), (CYD, "en"))
    with publication.database.writing() as connection:
        unsubscribe(connection, BOB, None, NOW)
    erase_somebody(*by_owner(publication), CYD)
    return client


def upload(client: FlaskClient, content: bytes, key: str = KEY) -> TestResponse:
    data = {"key": key, "list": (io.BytesIO(content), "list.csv")}
    return client.post("/subscribers/import/", data=data)


def entries(publication: PublicationFolder) -> list[tuple[str, str]]:
    return [(one.verb, one.object) for one in audit_log(publication)]


def row(page: str, word: str) -> int:
    found = re.search(rf'<th scope="row">{word}[^<]*</th><td class="number">(\d+)<', page)
    return int(found[1]) if found else -1


def counted(page: str) -> list[int]:
    return [row(page, one) for one in ("new", "changed", "unchanged", "suppressed", "refused")]


def test_a_list_is_looked_at_first_and_imported_only_when_somebody_says_so(
    owner: FlaskClient, publication: PublicationFolder
) -> None:
    more = CSV + b"eve@example.com,Eve,en,\n"
    answer = upload(owner, more)
    path = f"/subscribers/import/{KEY}/"
    assert (answer.status_code, answer.location) == (303, path)
    page = owner.get(path).text
    assert "Nothing was changed yet." in page
    # Eve; nobody; Ann has a name now, and Bob has left; Cyd was erased; two bad rows.
    assert counted(page) == [1, 1, 0, 2, 2]
    assert len(read_subscribers(publication.database)) == 2
    assert owner.post(f"{path}begin/").location == path
    page = owner.get(path).text
    assert counted(page) == [1, 1, 0, 2, 2]
    assert "Nothing was changed yet." not in page
    assert [one.name for one in read_subscribers(publication.database)] == [
        "Ann",
        "Ann Example",
        "Eve",
    ]
    named = f"import {KEY}"
    assert entries(publication)[:3] == [
        ("import-subscribers", "subscribers"),
        ("begin-import", "subscribers"),
        ("upload-list", named),
    ]


def test_what_is_left_out_is_a_file_that_spreadsheets_may_open_and_imports_read(
    owner: FlaskClient,
) -> None:
    upload(owner, CSV)
    path = f"/subscribers/import/{KEY}/rejects.csv"
    with owner.get(path) as answer:
        text = answer.data.decode("utf-8-sig")
    assert answer.headers["Content-Disposition"] == "attachment; filename=rejects.csv"
    assert answer.headers["Cache-Control"] == "no-store"
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    assert header == ["line", "reason", "email", "name", "language", "shoe"]
    assert [(one[0], one[2]) for one in rows] == [
        ("2", CYD),
        ("3", "no address"),
        ("5", BOB),
        ("6", "dee@example.com"),
    ]
    assert rows[1][3] == "'=1+1"
    assert "was erased on 2026-01-09" in rows[0][1]
    corrected = text.replace("xx", "en").encode("utf-8-sig")
    upload(owner, corrected, key="f" * 32)
    assert counted(owner.get(f"/subscribers/import/{'f' * 32}/").text) == [1, 0, 0, 2, 1]


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        (
            "en",
            ["email: it has no @-sign", "language: 'xx' is no language of this publication"],
        ),
        ("zh-Hans", ["email：没有 @ 符号", "language：'xx' 不是本刊的语言"]),
        ("zh-Hant", ["email：沒有 @ 符號", "language：'xx' 不是本刊的語言"]),
        ("ar", ["email: ليس فيه علامة @", "language: 'xx' ليست من لغات هذه المطبوعة"]),
    ],
)
def test_reasons_are_in_the_language_of_who_reads_the_page_or_downloads_the_file(
    sign_in: SignIn, language: str, sentences: list[str]
) -> None:
    client = sign_in("subscriber-desk", pages=language)
    upload(client, CSV)
    path = f"/subscribers/import/{KEY}/"
    shown = html.unescape(re.sub(r"</?bdi[^>]*>", "", client.get(path).text))
    with client.get(f"{path}rejects.csv") as answer:
        rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))
    assert rows[0][:2] == ["line", "reason"]
    assert [row[1] for row in rows[1:]] == sentences
    # Counted by kind, without the value; and one by one.
    for sentence in sentences:
        assert f"{sentence}</li>" in shown
    assert sentences[1].replace("'xx'", "…") in shown
    # A file in any language is a list again.
    upload(client, answer.data, key="f" * 32)
    again = client.get(f"/subscribers/import/{'f' * 32}/").text
    assert re.findall(r'<td class="number">(\d+)</td>', again)[:5] == ["0", "0", "0", "0", "2"]


def test_posting_twice_does_everything_once(
    owner: FlaskClient, publication: PublicationFolder
) -> None:
    path = upload(owner, CSV).location
    assert upload(owner, b"email\nx@example.com\n").location == path
    # Lists of the last days are named where others are uploaded.
    page = owner.get("/subscribers/import/").text
    assert (f'href="{path}"' in page, "not imported yet" in page) == (True, True)
    for _time in range(2):
        assert owner.post(f"{path}begin/").location == path
    assert counted(owner.get(path).text) == [0, 1, 0, 2, 2]
    for _time in range(2):
        answer = owner.post(f"{path}discard/")
        assert answer.location == "/subscribers/import/?done=removed"
    assert owner.get(path).status_code == 404
    verbs = [verb for verb, what in entries(publication) if KEY in what]
    assert verbs == ["discard-import", "upload-list"]


def test_the_files_are_for_this_user_only_and_the_list_goes_with_the_import(
    owner: FlaskClient, publication: PublicationFolder
) -> None:
    upload(owner, CSV)
    folder = publication.settings.folders.var / "imports"
    file = folder / KEY / "list.csv"
    assert file.read_bytes() == CSV
    modes = [
        one.stat().st_mode & 0o777 for one in (folder, file, file.with_name("rejects.csv"))
    ]
    assert modes == [0o700, 0o600, 0o600]
    owner.post(f"/subscribers/import/{KEY}/begin/")
    assert not file.exists()
    with owner.get(f"/subscribers/import/{KEY}/rejects.csv") as answer:
        assert answer.status_code == 200


def test_what_is_no_list_is_refused_with_the_reason(
    owner: FlaskClient, publication: PublicationFolder
) -> None:
    """What is none is told in `tests/subscribers/test_csv_columns.py`."""
    path = upload(owner, b"PK\x03\x04" + CSV).location
    page = owner.get(path).text
    assert ">failed<" in page
    assert page.count("this is a ZIP archive or a spreadsheet; save the list as CSV") == 1
    assert not (publication.settings.folders.var / "imports" / KEY / "list.csv").exists()
    assert len(read_subscribers(publication.database)) == 2


def test_a_list_that_is_too_large_is_refused_before_it_is_read(
    owner: FlaskClient, publication: PublicationFolder
) -> None:
    before = entries(publication)
    answer = owner.post(
        "/subscribers/import/",
        data=b"--b",
        content_type="multipart/form-data; boundary=b",
        environ_overrides={"CONTENT_LENGTH": str(MAX_LIST_BYTES + 100_000)},
    )
    assert answer.status_code == 413
    assert "too large" in answer.text
    assert entries(publication) == before
    none = owner.post("/subscribers/import/", data={"key": KEY})
    assert (none.status_code, "Choose a file first." in none.text) == (422, True)
    assert upload(owner, CSV, key="../../x").status_code == 404
    assert owner.get("/subscribers/import/../secret/").status_code == 404
