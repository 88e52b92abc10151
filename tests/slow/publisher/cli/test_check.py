"""`publisher check` proves the next mails, and mails in files, and says what is wrong with them."""

import json
import re
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from wcwidth import wcswidth

from publisher.app.opening import open_state
from publisher.app.operation.cycle import deliver_due
from publisher.clock import FixedClock
from publisher.config import load_settings
from publisher.languages.catalogues import shipped_templates_folder
from publisher.notices.kinds import NoticeKind
from publisher.notices.ledger import enqueue_notice
from publisher.testing import make_publication
from subscribers.addresses import normalise_address
from subscribers.joining import add_pending
from subscribers.model import JoinWish
from tests.publisher.cli.conftest import Run
from tests.publisher.cli.test_check import FRIDAY, checked
from tests.publisher.conftest import NOW
from tests.publisher.lanterns import Published, lay_out

SATURDAY = "2026-01-10T12:00:00Z"


REPLY = "Re: {{ issue.title }}"


LOST = "{{ unsubscribe }}"

SCRIPT = "{% block words %}<script>x()</script>"


def override(publication: Path, name: str, text: str) -> None:
    file = publication / "templates" / "email" / "digest" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")


def test_a_mail_with_an_error_is_exit_code_1_and_says_what_where_and_how_to_mend_it(
    run: Run, lantern: Path
) -> None:
    override(lantern, "body.txt", LOST)
    code, out, err = run(
        "check", lantern, "--newsletter", "weekly", "--lang", "ar", "--now", FRIDAY
    )
    assert (code, err) == (1, "")
    assert "    error story-text: print the story's words as the template receives them" in out
    assert re.search(r"(?m)^        text, “[^”]+” \(ar\): passage 1 of \d+ is missing: “", out)
    assert re.search(r"1 mail checked: \d+ errors, \d+ warnings?", out)


def test_a_broken_template_of_pages_and_a_broken_catalogue_are_exit_code_1(
    run: Run, lantern: Path
) -> None:
    for name, text in (
        ("web/home.html", "{% x %}"),
        ("locale/ar/LC_MESSAGES/messages.po", "x"),
    ):
        file = lantern / "templates" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    code, out, _err = run("check", lantern, "--now", FRIDAY)
    assert code == 1
    assert re.search(r"error templates/web/home\.html, line 1: ", out)
    assert re.search(
        r"error templates/locale/ar/LC_MESSAGES/messages\.po: not a catalogue", out
    )
    assert out.rstrip().endswith("; 2 faults of templates")


def test_warnings_alone_are_exit_code_0_and_json_has_everything_of_a_finding(
    run: Run, lantern: Path
) -> None:
    override(lantern, "subject.txt", REPLY)
    words = ("--newsletter", "daily", "--lang", "zh_TW", "--now", FRIDAY)
    report = checked(run, lantern, *words, code=0)
    assert (report["errors"], report["failed"]) == (0, False)
    assert report["warnings"] >= 1
    (mail,) = report["mails"]
    shown = (mail["newsletter"], mail["language"], mail["day"])
    assert shown == ("daily", "zh-Hant", "2026-01-12")
    assert mail["bytes"]["message"] > mail["bytes"]["html_sent"] > mail["bytes"]["html"]
    finding = next(f for f in mail["findings"] if f["code"] == "subject-reply")
    assert set(finding) == {
        *("code", "severity", "part", "where", "line", "places", "problem", "clients", "fix")
    }


def test_a_report_fits_into_80_columns(
    run: Run, lantern: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    override(
        lantern, "body.txt", LOST + "\n{{ digest.lead.title }} {{ digest.lead.title }}" * 3
    )
    # Where nobody says how wide a pipe is, it is wider than a terminal.
    monkeypatch.setattr("publisher.cli.terminal._WIDTH_WITHOUT_TERMINAL", 80)
    _code, out, _err = run("check", lantern, "--newsletter", "weekly", "--now", FRIDAY)
    assert max(map(wcswidth, out.splitlines())) <= 80
    assert all(line == line.rstrip() for line in out.splitlines())


def test_where_nothing_is_new_the_newest_articles_are_checked_and_that_is_said(
    run: Run, friday: Published, tmp_path: Path
) -> None:
    lantern = friday.copy(tmp_path / "lantern")
    report = checked(run, lantern, "--newsletter", "weekly", "--lang", "en", "--now", SATURDAY)
    (mail,) = report["mails"]
    assert mail["remark"].startswith(
        "with its newest articles, since there are no new articles"
    )
    assert mail["articles"] == 9
    _code, out, _err = run("check", lantern, "--lang", "en", "--now", SATURDAY)
    assert "    with its newest articles, since there are no new articles" in out


def test_a_mail_that_can_t_be_made_is_an_error_and_the_others_are_checked(
    run: Run, tmp_path: Path
) -> None:
    lantern = lay_out(tmp_path / "lantern", "en", "ar")
    override(
        lantern,
        "body.txt",
        "{% if publication.language == 'ar' %}{{ nobody.knows }}{% endif %}" + LOST,
    )
    report = checked(run, lantern, "--newsletter", "weekly", "--now", FRIDAY, code=1)
    problems = {mail["language"]: mail["problem"] for mail in report["mails"]}
    assert "'nobody' is undefined" in problems.pop("ar")
    assert problems == {"en": None}
    words = ["check", lantern, "--newsletter", "weekly", "--lang", "ar", "--now", FRIDAY]
    assert "; 1 can't be made" in run(*words)[1]


def test_status_counts_what_the_gate_warned_of(run: Run, small: Path) -> None:
    override(small, "subject.txt", REPLY)
    run("run", "--once", "--now", FRIDAY, small)
    listed = json.loads(run("status", "--json", small)[1])
    assert {issue["state"] for issue in listed["issues"]} == {"sent"}
    assert all(issue["warnings"] >= 1 for issue in listed["issues"])
    assert "Warnings" in run("status", small)[1]


def test_what_was_due_and_waits_is_checked_first(run: Run, tmp_path: Path) -> None:
    settings = make_publication(tmp_path, languages=["en"])
    root = settings.folders.root
    article = root / "articles" / "en" / "tide.md"
    article.parent.mkdir(parents=True)
    article.write_text("---\ntitle: The tide\ndate: 2026-01-08\n---\nIt waits.\n", "utf-8")
    assert run("run", "--once", "--now", "2026-01-08T08:00:00Z", root)[0] == 0
    override(root, "body.txt", "nothing of the story")
    assert run("run", "--once", "--now", FRIDAY, root)[0] == 1
    report = checked(run, root, "--now", FRIDAY, code=1)
    held, coming = [mail for mail in report["mails"] if not mail["notice"]]
    assert (held["day"], held["remark"]) == (
        "2026-01-09",
        "was due, and waits until this is mended",
    )
    assert "story-text" in {finding["code"] for finding in held["findings"]}
    assert coming["day"] == "2026-01-16"
    article.unlink()
    days = [mail["day"] for mail in checked(run, root, "--now", FRIDAY)["mails"]]
    assert "2026-01-09" not in days


def test_a_system_mail_that_the_gate_rejects_is_reported_waits_and_leaves_once_mended(
    run: Run, tmp_path: Path
) -> None:
    make_publication(tmp_path, languages=["en"])
    settings = load_settings(tmp_path)  # with the secret of the commands
    root = settings.folders.root
    assert run("run", "--once", "--now", FRIDAY, root)[0] == 0
    body = root / "templates" / "email" / "goodbye" / "body.html"
    body.parent.mkdir(parents=True)
    shipped = shipped_templates_folder() / "email" / "goodbye" / "body.html"
    scripted = shipped.read_text("utf-8").replace("{% block words %}", SCRIPT)
    body.write_text(scripted, "utf-8")
    report = checked(run, root, "--now", FRIDAY, code=1)
    wrong = {mail["notice"]: mail["findings"] for mail in report["mails"] if mail["findings"]}
    assert "error" in {finding["severity"] for finding in wrong["goodbye"]}
    with open_state(settings) as database, database.writing() as connection:
        person = add_pending(
            connection, normalise_address("ann@example.org"), JoinWish(("weekly",), "en"), NOW
        )
        values = {"newsletters": ["weekly"], "number": 1}
        enqueue_notice(connection, NoticeKind.GOODBYE, person, NOW, values=values)
    deliver_due(settings, FixedClock(NOW))
    out = run("status", root)[1]
    assert "1 mail about subscriptions not sent yet: the mail goodbye in en does not pass" in (
        " ".join(out.split())
    )
    assert "ann@example.org" not in out
    shutil.rmtree(root / "templates")
    later = deliver_due(settings, FixedClock(NOW + timedelta(minutes=7)))
    assert later.notices.sent == 1
