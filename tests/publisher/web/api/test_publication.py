"""Mails, people, settings, drafts and lists of subscribers by the API."""

import base64
import email
import email.policy
from typing import Any

from publisher.accounts.model import Grant, Role
from publisher.accounts.tables import api_answer_table
from subscribers.store import find_subscriber
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import ready, subscribe
from tests.publisher.web.api.conftest import NewKey, Program
from tests.publisher.web.api.test_requests import detail
from tests.publisher.web.console.conftest import audit_log

ANN, ZOE = "ann@example.com", "zoe@example.org"
MAIL = "/issues/weekly-en-2026-01-09/mail"
TEST = "/issues/weekly-en-2026-01-09/test"


def verbs(publication: PublicationFolder) -> list[str]:
    return [entry.verb for entry in audit_log(publication)][::-1]


# --- mails


def test_a_mail_is_read_as_a_subscriber_gets_it_by_who_may_see_subscribers(
    program: Program, new_key: NewKey, publication: PublicationFolder
) -> None:
    ready(publication)
    subscribe(publication, (ANN, "en"), (ZOE, "ar"))
    nobody = new_key(Grant(Role.VIEWER))
    found = nobody.get(MAIL).get_json()
    message = email.message_from_bytes(
        base64.b64decode(found["message"]), policy=email.policy.default
    )
    assert message["Subject"] == found["subject"]
    assert message["To"] != ANN
    for part in ("html", "text"):
        assert "The ferry that learned to wait for the tide" in found[part]
    number = program.post("/subscribers/search", {"address": ANN}).get_json()["subscriber"]
    detail(nobody.get(f"{MAIL}?subscriber={number}"), 403)
    own = program.get(f"{MAIL}?subscriber={number}").get_json()
    assert ANN in base64.b64decode(own["message"]).decode("ascii")
    assert "no such subscriber" in detail(program.get(f"{MAIL}?subscriber=999"), 404)
    arabic = program.post("/subscribers/search", {"address": ZOE}).get_json()["subscriber"]
    detail(new_key(languages=("en",)).get(f"{MAIL}?subscriber={arabic}"), 403)
    assert program.get(f"{MAIL}?subscriber={arabic}").get_json()["not_sent"]
    assert verbs(publication) == []


def test_a_test_mail_is_sent_is_no_delivery_and_its_addresses_are_not_kept(
    program: Program, publication: PublicationFolder
) -> None:
    ready(publication)
    assert "/to" in str(program.post(TEST, {"to": ["no address"]}).get_json()["errors"])
    answer = program.post(TEST, {"to": [ZOE, ZOE]}, Idempotency_Key="k")
    assert answer.get_json() == {"mails": [{"address": ZOE, "problem": None}]}
    (sent,) = (publication.settings.folders.root / "outbox").rglob("*.eml")
    assert b"[" in sent.read_bytes().partition(b"\r\nSubject:")[2][:40]
    issue = program.get("/issues/weekly-en-2026-01-09").get_json()
    assert not any(issue["deliveries"].values())
    assert publication.rows(api_answer_table) == []
    assert verbs(publication) == ["send-test"]
    for start in range(1, 30, 10):
        to = [f"p{number}@example.org" for number in range(start, min(start + 10, 30))]
        assert program.post(TEST, {"to": to}).status_code == 200
    answer = program.post(TEST, {"to": [ZOE]})
    assert "at most 30 test mails" in detail(answer, 429)
    assert int(answer.headers["Retry-After"]) > 0


# --- people


def test_a_person_is_added_changed_as_read_and_removed(
    program: Program, publication: PublicationFolder
) -> None:
    added = program.post("/people", {"key": "zoe", "name": "Zoe"})
    assert added.get_json()["name"] == {"": "Zoe"}
    assert "somebody has this key" in detail(
        program.post("/people", {"key": "zoe", "name": "Zoe"}), 422
    )
    tag = {"If-Match": program.get("/people/zoe").headers["ETag"]}
    assert tag == {"If-Match": added.headers["ETag"]}
    changes = {"name": {"ar": "\u0632\u0648\u064a", "en": "Zoe"}, "aliases": ["Z."]}
    detail(program.ask("PATCH", "/people/zoe", changes), 428)
    # She has no values that the file may not have.
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"name": {"en.x": "Zoe"}}, "/name/"),
        ({"name": {"nolanguagehas": "Zoe"}}, "/name/"),
        ({"url": "javascript:alert(1)"}, "url"),
        ({"key": "ann"}, "/key"),
    ]
    for body, part in wrong:
        answer = program.ask("PATCH", "/people/zoe", body, tag)
        assert part in detail(answer, 422)
        assert str(publication.settings.folders.root) not in answer.text
    changed = program.ask("PATCH", "/people/zoe", changes, tag)
    assert changed.get_json()["aliases"] == ["Z."]
    assert changed.get_json()["name"]["ar"] == "\u0632\u0648\u064a"
    path = publication.settings.folders.root / "people.toml"
    assert 'aliases = ["Z."]' in path.read_text("utf-8")
    refused = program.ask("PATCH", "/people/zoe", {"url": "https://zoe.example"}, tag)
    assert "somebody has changed the file" in detail(refused, 412)
    assert str(publication.settings.folders.root) not in refused.text
    now = {"If-Match": changed.headers["ETag"]}
    assert "zoe" in str(program.get("/people").get_json())
    detail(
        program.ask("DELETE", "/people/zoe", None, {"If-Match": '"1.' + "0" * 32 + '"'}), 412
    )
    assert program.ask("DELETE", "/people/zoe", None, now).status_code == 200
    detail(program.get("/people/zoe"), 404)
    assert verbs(publication) == ["add-person", "change-person", "remove-person"]


# --- settings


def test_the_settings_that_editors_change_are_changed_as_read(
    program: Program, publication: PublicationFolder
) -> None:
    tables = program.get("/settings").get_json()["tables"]
    assert tables["newsletter[weekly]"]["name"] == "weekly"
    read = program.get("/settings/weekly")
    tag = {"If-Match": read.headers["ETag"]}
    assert "one" in read.get_json()["settings"]["approval"]["choices"]
    unknown = {"settings": {"sender": "eve@example.org"}}
    assert "no key of this table" in detail(
        program.ask("PATCH", "/settings/weekly", unknown, tag), 422
    )
    wrong = program.ask("PATCH", "/settings/weekly", {"settings": {"schedule": "x"}}, tag)
    assert "schedule" in detail(wrong, 422)
    assert str(publication.settings.folders.root) not in wrong.text
    wanted = {"settings": {"approval": "one", "title.en": "The Week"}}
    done = program.ask("PATCH", "/settings/weekly", wanted, tag).get_json()["settings"]
    assert (done["approval"]["value"], done["title.en"]["value"]) == ("one", "The Week")
    again = program.ask("PATCH", "/settings/weekly", wanted, tag)
    assert "somebody has changed the file" in detail(again, 412)
    detail(program.get("/settings/hourly"), 404)
    assert verbs(publication) == ["change-settings"]
    # A title for all languages stays that of those that a change does not name.
    publication.reload(
        languages=["en", "ar"], newsletters=[{"name": "weekly", "title": "The week"}]
    )
    tag = {"If-Match": program.get("/settings/weekly").headers["ETag"]}
    wanted = {"settings": {"title.ar": "الأسبوع"}}
    done = program.ask("PATCH", "/settings/weekly", wanted, tag).get_json()["settings"]
    titles = {name: one["value"] for name, one in done.items() if name.startswith("title.")}
    assert titles == {"title.en": "The week", "title.ar": "الأسبوع"}


# --- drafts


def test_drafts_and_what_waits_for_a_date_are_listed(
    program: Program, publication: PublicationFolder
) -> None:
    publication.write("en/tides.md", "Words.", title="Tides", date="2026-02-05")
    publication.pick_up_file(
        "en/ferry.md", "Words.", title="Ferry", date="2026-01-05", draft="true"
    )
    found = {one["file"]: one for one in program.get("/drafts").get_json()["drafts"]}
    assert found["en/ferry.md"]["until"] is None
    assert found["en/tides.md"]["until"].startswith("2026-02-0")


# --- lists of subscribers

ROWS = "email,language,newsletters\nann@example.com,en,weekly\nno address,en,weekly\n"


def test_a_list_is_looked_at_then_imported_and_its_addresses_are_not_kept(
    program: Program, publication: PublicationFolder
) -> None:
    body = {"csv": ROWS}
    looked = program.post("/subscribers/import/preview", body).get_json()
    assert (looked["languages"], looked["refused"]) == ({"en": 1}, 1)
    assert looked["bad"][0]["line"] == 3
    detail(program.post("/subscribers/search", {"address": ANN}), 404)
    done = program.post("/subscribers/import", body, Idempotency_Key="k").get_json()
    assert (done["added"], done["refused"]) == (1, 1)
    assert program.post("/subscribers/import", body).get_json()["unchanged"] == 1
    assert program.post("/subscribers/search", {"address": ANN}).status_code == 200
    assert publication.rows(api_answer_table) == []
    assert verbs(publication) == ["begin-import", "import-subscribers"] * 2


def test_what_is_no_list_is_refused_and_a_key_of_some_languages_imports_none(
    program: Program, new_key: NewKey
) -> None:
    for path in ("/subscribers/import/preview", "/subscribers/import"):
        answer = program.post(path, {"csv": "PK\x03\x04"})
        assert answer.get_json()["errors"][0]["pointer"] == "/csv"
    arabic = new_key(languages=("ar",))
    detail(arabic.post("/subscribers/import", {"csv": ROWS}), 403)
    detail(program.post("/subscribers/search", {"address": ANN}), 404)


def test_the_next_issue_is_read_and_sent_as_a_test(
    program: Program, publication: PublicationFolder
) -> None:
    publication.pick_up_file("ar/tides.md", "المد ينتظر.", title="المد", date="2026-01-08")
    path = "/newsletters/weekly/next/ar"
    mail = program.get(f"{path}/mail").get_json()
    assert (mail["language"], "المد" in mail["text"]) == ("ar", True)
    sent = program.post(f"{path}/test", {"to": ["eve@example.org"]}).get_json()
    assert sent == {"mails": [{"address": "eve@example.org", "problem": None}]}
    assert len([*publication.settings.folders.root.glob("outbox/**/*.eml")]) == 1
    detail(program.get("/newsletters/weekly/next/fi/mail"), 404)
    detail(program.get("/newsletters/hourly/next/ar/mail"), 404)


def test_a_list_of_more_than_64_kb_is_imported_whole_and_one_of_more_than_8_mb_refused(
    program: Program, publication: PublicationFolder
) -> None:
    rows = "".join(f"reader-{number}@example.org,en\n" for number in range(3_000))
    body = {"csv": f"email,language\n{rows}"}
    assert len(body["csv"]) > 64 * 1024
    looked = program.post("/subscribers/import/preview", body).get_json()
    assert looked["languages"] == {"en": 3_000}
    assert program.post("/subscribers/import", body).get_json()["added"] == 3_000
    with publication.database.reading() as connection:
        assert find_subscriber(connection, "reader-2999@example.org") is not None
    detail(program.post("/subscribers/import", {"csv": "x" * 8 * 1024 * 1024}), 413)
    # Without the permission it is not read.
    detail(Program(program._client, "no key").post("/subscribers/import", body), 401)
