"""`publisher check` proves the next mails, and mails in files, and says what is wrong with them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from publisher.app.operation.check import missing_words
from publisher.config import load_settings
from publisher.testing import make_publication
from tests.publisher.cli.conftest import Run, done, refuses
from tests.publisher.gate.messages import a_mail
from tests.publisher.lanterns import lay_out

FRIDAY = "2026-01-09T12:00:00Z"


def checked(run: Run, *words: object, code: int | None = None) -> dict[str, Any]:
    given, out, err = run("check", "--json", *words)
    assert err == ""
    if code is not None:
        assert given == code, out
    found: dict[str, Any] = json.loads(out)
    return found


def codes(report: dict[str, Any]) -> set[str]:
    return {finding["code"] for mail in report["mails"] for finding in mail["findings"]}


def test_every_edition_is_checked_language_by_language(run: Run, tmp_path: Path) -> None:
    out = done(run, "check", lay_out(tmp_path / "two", "en", "ar"), "--now", FRIDAY)
    headings = [line for line in out.splitlines() if re.match(r"\S", line)]
    assert headings[:2] == ["English (en)", "العربية (ar)"]
    # Four editions, and eleven mails about subscriptions in two languages.
    assert headings[2].startswith("26 mails checked: 0 errors, ")
    assert out.count("  confirm-address: HTML") == 2
    assert re.search(
        r"(?m)^  weekly 2026-01-16: 9 articles, HTML [\d,]+ bytes \([\d,]+ as sent\), text [\d,]+",
        out,
    )
    assert "    The week: " in out
    assert "    حصاد الأسبوع: " in out


def test_what_is_no_mail_stands_apart_from_the_mails(run: Run, lantern: Path) -> None:
    (lantern / "template").mkdir()
    settings = lantern / "publication.toml"
    text = settings.read_text().replace(
        '"digest@news.example.org"', '"Sea <digest@sea.example>"'
    )
    settings.write_text(text)
    (lantern / "articles" / "en" / "broken.md").write_text("---\ntitle: A\ndate: never\n---\n")
    code, out, log = run("check", "--json", lantern, "--lang", "en", "--now", FRIDAY)
    assert (code, log.count("quarantined")) == (0, 1)
    report = json.loads(out)
    assert {mail["file"] for mail in report["mails"]} == {None}
    url, _sender, _address, named, misspelt, held = [file["remark"] for file in report["files"]]
    assert report["files"][-1]["file"] == "en/broken.md"
    assert url.startswith("url is still an example: 'https://news.example.org'.")
    assert named.startswith("the name of sender, 'Sea', is the same in every language.")
    assert misspelt.startswith("template/: this folder is not read")
    assert held.startswith("held back: date: 'never' is not a date")


def test_languages_that_lack_a_newsletter_s_title_or_the_program_s_words_are_named(
    run: Run, lantern: Path
) -> None:
    settings = lantern / "publication.toml"
    text = settings.read_text().replace('languages = ["en"', 'languages = ["sw", "de", "en"')
    settings.write_text(text)
    remarks = {
        file["remark"]
        for file in checked(run, lantern, "--lang", "en", "--now", FRIDAY)["files"]
    }
    names = "Kiswahili (sw), Deutsch (de)"
    shown = "another language's is shown"
    assert {
        f"the title of {one} is missing in {names}; {shown}" for one in ("weekly", "daily")
    } < (remarks)
    words = "the program's own words are English in Kiswahili (sw);"
    assert (
        f"{words} docs/how-to/add-a-language-to-the-program.md says how to add them" in remarks
    )
    # Titles in all languages of the readers, and words that the publication brings, are enough.
    settings.write_text(text.replace("title = { en", 'title = { sw = "Taa", de = "Lampe", en'))
    catalogue = lantern / "templates/locale/sw/LC_MESSAGES/messages.po"
    catalogue.parent.mkdir(parents=True)
    catalogue.write_text("")
    assert not [*missing_words(load_settings(lantern))]


def test_an_edition_without_any_article_is_said_to_have_none(run: Run, lantern: Path) -> None:
    for article in (lantern / "articles").rglob("*.md"):
        article.unlink()
    code, out, _err = run("check", lantern, "--lang", "en", "--now", FRIDAY)
    assert code == 0
    assert "weekly in en has no new articles" in out


class TestFiles:
    """A mail in a file needs no publication."""

    @pytest.mark.parametrize("language", ["en", "ar"])
    def test_a_message_is_checked_in_its_own_language(
        self, run: Run, tmp_path: Path, language: str
    ) -> None:
        file = tmp_path / "mail.eml"
        file.write_bytes(a_mail(language).content)
        report = checked(run, "--file", file)
        # With the ends of lines of Unix there are the same findings.
        file.write_bytes(a_mail(language).content.replace(b"\r\n", b"\n"))
        assert codes(checked(run, "--file", file)) == codes(report)
        (mail,) = report["mails"]
        assert (mail["file"], mail["language"]) == (str(file), language)
        assert mail["subject"]
        # The sample is no finished design, but nothing is wrong with it as a message.
        assert {f["part"] for f in mail["findings"]} <= {"html"}

    def test_a_page_is_checked_as_the_html_part_of_a_mail(
        self, run: Run, tmp_path: Path
    ) -> None:
        file = tmp_path / "mail.html"
        file.write_text(
            a_mail("ar").html.replace("<html>", '<html lang="ar" dir="rtl">'), "utf-8"
        )
        (mail,) = checked(run, "--file", file)["mails"]
        assert (mail["language"], mail["subject"]) == ("ar", None)
        assert {f["part"] for f in mail["findings"]} == {"html"}
        _code, out, _err = run("check", "--file", file)
        assert re.search(rf"(?m)^  {re.escape(str(file))}: HTML [\d,]+ bytes$", out)

    def test_a_subject_does_not_act_on_the_terminal(self, run: Run, tmp_path: Path) -> None:
        file = tmp_path / "mail.eml"
        subject = b"Subject: =?utf-8?q?a=1B=5B31mb?="
        head = re.sub(rb"(?m)^Subject: .*?(?=\r\n\S)", subject, a_mail().content, count=1)
        file.write_bytes(head)
        code, out, _err = run("check", "--file", file)
        assert code == 1
        assert "field-control" in out
        assert "\x1b" not in out

    def test_the_preview_of_an_issue_can_be_checked(
        self, run: Run, lantern: Path, tmp_path: Path
    ) -> None:
        file = tmp_path / "preview.html"
        _code, out, _err = run("preview", "weekly", lantern, "--now", FRIDAY, "--out", file)
        assert re.search(r"(?m)^The gate found ", out)
        assert checked(run, "--file", file, code=0)["errors"] == 0

    def test_a_language_that_the_file_does_not_say_or_that_is_none_is_named_with_the_file(
        self, run: Run, tmp_path: Path
    ) -> None:
        file = tmp_path / "mail.html"
        file.write_text("<p>Hello</p>", "utf-8")
        problem = f"{file}: does not say which language it is in; give --lang"
        assert refuses(run, "check", "--file", file) == problem
        (mail,) = checked(run, "--file", file, "--lang", "zh_TW")["mails"]
        assert mail["language"] == "zh-Hant"
        file.write_text('<html lang="klingon"><p>Hello</p>', "utf-8")
        problem = refuses(run, "check", "--file", file)
        assert problem.startswith(f"{file}: 'klingon' is not a language tag")

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"\x00\xff\xfe",
            b"Subject: x",
            b"not a mail at all",
            b"From: \xff\r\n\r\n" + b"x" * 2000,
        ],
        ids=["empty", "octets", "no body", "prose", "long line"],
    )
    def test_no_file_is_so_odd_that_checking_it_fails(
        self, run: Run, tmp_path: Path, content: bytes
    ) -> None:
        for name in ("mail.eml", "page.html"):
            (tmp_path / name).write_bytes(content)
            assert checked(run, "--file", tmp_path / name, "--lang", "en", code=1)["errors"] > 0


def test_what_can_t_be_checked_is_one_clear_line(
    run: Run, lantern: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(lantern)
    absent = ["--file", "absent.eml"]
    for words, complaint in (
        (["--newsletter", "monthly"], "monthly: no such newsletter; there are: weekly, daily"),
        (["--lang", "fr"], "there is no edition in fr; there are: en, zh-Hans, zh-Hant, ar"),
        (["--lang", "klingon"], "'klingon' is not a language tag"),
        (absent, "absent.eml: can't be read: No such file or directory"),
        (
            [*absent, "--newsletter", "weekly"],
            "--file: a mail in a file belongs to no publication",
        ),
    ):
        assert complaint in refuses(run, "check", *words)
    make_publication(tmp_path / "mine", newsletters=[])
    none = "there is no newsletter; add a table [[newsletter]]"
    assert refuses(run, "check", tmp_path / "mine") == none
