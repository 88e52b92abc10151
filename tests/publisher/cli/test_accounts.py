"""`publisher accounts` and `keys`, and the audit log."""

import json
from pathlib import Path

from tests.publisher.cli.conftest import Run, done, refuses

ANN, BOB = "ann@example.org", "bob@example.org"


def test_the_first_administrator_gets_a_link_and_adds_others(run: Run, lantern: Path) -> None:
    code, out, err = run("accounts", "add", ANN, "--role", "editor", lantern)
    assert (code, out) == (1, "")
    assert "first account has to be an administrator's" in err
    out = done(run, "accounts", "add", ANN, "--role", "administrator", lantern)
    sentence, link = out.splitlines()
    assert sentence.startswith(f"{ANN} sets up how to sign in at this address. It works once")
    address, _hash, token = link.partition("#")
    assert (address, len(token)) == ("http://localhost:8090/invite/", 43)
    words = ["--role", "editor:ar", "--as", ANN]
    settings = lantern / "publication.toml"
    url = '[console]\nurl = "https://console.example.org"\n'
    settings.write_text(settings.read_text("utf-8") + url, "utf-8")
    out = done(run, "accounts", "add", BOB, *words, "--json", lantern)
    assert json.loads(out)["link"].startswith("https://console.example.org/invite/#")
    code, out, err = run("accounts", "add", "cyd@example.org", "--as", BOB, *words[:2], lantern)
    assert (code, out) == (1, "")
    assert "bob@example.org: has no role that permits manage-accounts" in err


def test_accounts_are_listed_and_changed(run: Run, lantern: Path) -> None:
    for email, role in ((ANN, "administrator"), (BOB, "editor:ar")):
        assert run("accounts", "add", email, "--role", role, lantern)[0] == 0
    for words in (
        ["setRoles", "roles=approver:ar viewer"],
        *(["disableAccount"], ["enableAccount"], ["endSessions"]),
    ):
        assert run("api", words[0], f"address={BOB}", *words[1:], lantern) == (0, "{}\n", "")
    code, out, _err = run("accounts", "recover", ANN, lantern)
    assert (code, out.count("/invite/#")) == (0, 1)
    listed = json.loads(run("api", "listAccounts", lantern)[1])["accounts"]
    assert [(one["address"], one["roles"]) for one in listed] == [
        (ANN, ["administrator"]),
        (BOB, ["approver:ar", "viewer"]),
    ]
    assert listed[0]["invited_until"]


def test_a_key_is_shown_once_and_revoked(run: Run, lantern: Path) -> None:
    run("accounts", "add", ANN, "--role", "administrator", lantern)
    words = [ANN, "--label", "ci", "--scope", "view"]
    out = done(run, "keys", "add", *words, "--lang", "ar", lantern)
    assert out.startswith("pub_1_")
    assert run("api", "revokeKey", "key=1", lantern) == (0, "{}\n", "")
    listed = run("api", "listKeys", lantern)[1]
    assert out.strip() not in listed
    (owned,) = json.loads(listed)["keys"]
    assert (owned["address"], owned["key"]["scopes"], owned["key"]["languages"]) == (
        *(ANN, ["view"]),
        ["ar"],
    )
    assert owned["key"]["revoked_at"]
    assert "'all': is no scope; there are approve" in refuses(
        run, "keys", "add", *words[:4], "all", lantern, code=1
    )


def test_the_audit_log_is_shown_without_the_tokens(run: Run, lantern: Path) -> None:
    out = run("accounts", "add", ANN, "--role", "administrator", lantern)[1]
    token = out.rpartition("#")[2].strip()
    log = run("api", "readAuditLog", lantern)[1]
    assert token not in log
    (numbered,) = json.loads(log)["entries"]
    entry = numbered["entry"]
    assert (entry["actor"], entry["verb"], entry["object"]) == ("terminal", "add-account", ANN)
