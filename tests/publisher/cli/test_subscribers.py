"""`publisher subscribers find`, `unsubscribe`, `resubscribe` and `erase`."""

import hashlib
import io
import json
import sys
from contextlib import closing
from pathlib import Path

import pytest

from publisher.app.subscribers.joining import SubscriptionRequest, request_subscription
from publisher.config import load_settings
from publisher.database import open_database
from subscribers.consent_records import ConsentChannel, ConsentOrigin
from subscribers.model import JoinWish
from tests.databases import DATABASE_FILE, database_address
from tests.publisher.cli.conftest import Run, done, refuses
from tests.publisher.conftest import NOW

ANN = "ann@example.org"


@pytest.fixture
def folder(run: Run, small: Path, tmp_path: Path) -> Path:
    """A publication with one subscriber."""
    file = tmp_path / "ann.csv"
    file.write_text(f"email,name,newsletters\nAnn@example.org,Ann,weekly\n{'bob@x.org'},,\n")
    assert run("subscribers", "import", file, small)[0] == 0
    return small


class Terminal(io.StringIO):
    """Standard input of somebody who sits there and types."""

    def isatty(self) -> bool:
        return True


def test_unsubscribing_and_back_says_what_changed(run: Run, folder: Path) -> None:
    said = [
        run("subscribers", *words, folder)
        for words in (
            ["unsubscribe", ANN, "--newsletter", "weekly"],
            ["unsubscribe", ANN, "--newsletter", "weekly"],
            ["resubscribe", ANN],
            ["resubscribe", ANN, "--newsletter", "weekly"],
            ["unsubscribe", "ANN@EXAMPLE.ORG"],
            ["unsubscribe", ANN],
            ["resubscribe", ANN],
            ["resubscribe", ANN],
            ["unsubscribe", "bob@x.org"],
        )
    ]
    assert [(code, err) for code, _out, err in said] == [(0, "")] * len(said)
    assert [out for _code, out, _err in said] == [
        "Ann@example.org is unsubscribed from weekly\n",
        "Ann@example.org was unsubscribed from weekly before; nothing changed\n",
        (
            "Ann@example.org is not unsubscribed; nothing changed. It had left weekly before: to "
            "subscribe that again, use --newsletter\n"
        ),
        "Ann@example.org gets weekly again\n",
        "Ann@example.org is unsubscribed from weekly\n",
        "Ann@example.org was unsubscribed from everything before; nothing changed\n",
        "Ann@example.org gets weekly again\n",
        "Ann@example.org is not unsubscribed; nothing changed\n",
        "bob@x.org is unsubscribed from everything now, and got none of it before\n",
    ]


def test_find_shows_newsletters_history_preferences_and_data(run: Run, folder: Path) -> None:
    _code, out, _err = run("subscribers", "find", "bob@x.org", folder)
    assert ("bob@x.org" in out, "By" in out) == (True, False)
    run("subscribers", "unsubscribe", ANN, folder, "--note", "by telephone [late]")
    out = done(run, "subscribers", "find", "ANN@example.org", folder)
    for word in ("Ann@example.org", "stored on", "weekly", "the owner", "by telephone [late]"):
        assert word in out
    assert "machine translations" in out
    code, out, err = run("subscribers", "find", ANN, folder, "--json")
    found = json.loads(out)
    assert (code, err, found["subscriber"]["name"]) == (0, "", "Ann")
    assert found["subscriptions"][0]["status"] == "unsubscribed"
    assert [event["newsletter"] for event in found["history"]] == [None, "weekly"]
    assert found["history"][0]["note"] == "by telephone [late]"


def test_find_shows_the_proof_of_consent(run: Run, folder: Path) -> None:
    settings = load_settings(folder)
    wish = JoinWish(("weekly",), "en")
    origin = ConsentOrigin(
        source=ConsentChannel.MAIL, wording="I agree", network="192.0.2.0/24"
    )
    with (
        closing(open_database(database_address(folder / DATABASE_FILE))) as database,
        database.writing() as connection,
    ):
        request = SubscriptionRequest("cyd@example.org", wish, origin)
        request_subscription(connection, settings, request, NOW)
    code, out, _err = run("subscribers", "find", "cyd@example.org", folder)
    assert (code, "requested" in out, "192.0.2" in out) == (0, True, True)
    out = run("subscribers", "find", "cyd@example.org", "--json", folder)[1]
    found = json.loads(out)
    (asked,), (record,) = found["join_requests"], found["consent_records"]
    assert asked["expires_at"] == "2026-01-12T12:00:00Z"
    assert record["wording_digest"] == hashlib.sha256(b"I agree").hexdigest()
    assert (record["event"], record["source"]) == ("requested", "mail")


def test_a_form_for_another_site_leads_to_our_own(run: Run, folder: Path) -> None:
    code, out, _err = run("subscribers", "form", "--newsletter", "weekly", folder)
    assert code == 0
    assert 'action="https://news.example.org/en/subscribe/?newsletter=weekly"' in out
    assert 'name="newsletter" value="weekly"' in out
    assert "?newsletter" not in run("subscribers", "form", "--lang", "en-GB", folder)[1]
    assert "no such newsletter" in run("subscribers", "form", "--newsletter", "x", folder)[2]
    assert "no such language" in run("subscribers", "form", "--lang", "fr", folder)[2]
    assert "is not a language tag" in refuses(
        run, "subscribers", "form", "--lang", "a b", folder
    )


def test_an_address_or_newsletter_that_cannot_be_found_is_one_clear_line(
    run: Run, folder: Path
) -> None:
    nobody = "no subscriber has the address nobody@example.org"
    words = ("subscribers", "unsubscribe")
    assert refuses(run, *words, "nobody@example.org", folder, code=1).startswith(nobody)
    assert refuses(run, *words, "ann@", folder).startswith("'ann@' is no usable e-mail address")
    err = refuses(run, *words, ANN, "--newsletter", "wekly", folder)
    assert err.startswith("wekly: no such newsletter; there are: daily, weekly")


def test_who_had_to_confirm_has_to_do_so_again(run: Run, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "more.csv"
    file.write_text("email,newsletters\nnewer@x.org,?weekly\n")
    run("subscribers", "import", file, folder)
    run("subscribers", "unsubscribe", "newer@x.org", folder)
    out = run("subscribers", "resubscribe", "newer@x.org", folder)[1]
    assert out == "newer@x.org has to confirm weekly, as before\n"


class TestErase:
    def test_only_a_yes_erases(
        self, run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        words = ("subscribers", "erase", ANN, folder)
        assert "add --yes" in refuses(run, *words)
        for answer in ("n\n", "\n", ""):
            monkeypatch.setattr(sys, "stdin", Terminal(answer))
            code, out, _err = run(*words)
            assert code == 1
            assert "Erase Ann@example.org? It can't be undone." in out
            assert out.endswith("nothing was erased\n")
        assert run("subscribers", "find", ANN, folder)[0] == 0
        monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
        code, out, _err = run(*words)
        assert code == 0
        assert "Ann@example.org is erased. Mails that were sent" in out

    def test_an_erased_address_is_known_as_such_and_not_imported(
        self, run: Run, folder: Path, tmp_path: Path
    ) -> None:
        assert run("subscribers", "erase", ANN, folder, "--yes")[0] == 0
        err = refuses(run, "subscribers", "resubscribe", ANN, folder, code=1)
        assert f"--returned {ANN}" in err
        file = tmp_path / "ann.csv"
        code, out, err = run("subscribers", "import", file, folder)
        assert code == 1
        assert out == "0 added, 0 updated, 1 unchanged, 0 kept as they were, 1 bad\n"
        assert "line 2: email: was erased on " in err
        out = done(run, "subscribers", "import", file, folder, "--returned", ANN)
        assert out.startswith("1 added")


def test_one_subscriber_is_added_with_the_proof_of_consent_or_refused_with_the_reason(
    run: Run, folder: Path
) -> None:
    when = ("--consented", "2026-01-02T09:30:00Z", "--network", "192.0.2.77")
    code, out, err = run("subscribers", "add", "Eve@x.org", folder, *when, "--lang", "en")
    assert (code, out.startswith("1 added, "), err) == (0, True, "")
    found = json.loads(run("subscribers", "find", "eve@x.org", folder, "--json")[1])
    assert "2026-01-02T09:30:00Z" in json.dumps(found)
    assert "192.0.2.0/24" in json.dumps(found)
    code, out, err = run("subscribers", "add", "eve@@x.org", folder, *when)
    assert (code, out.endswith("1 bad\n"), "eve@@x.org: line 2: email" in err) == (
        1,
        True,
        True,
    )
    assert "consented" in refuses(run, "subscribers", "add", "fay@x.org", folder)
