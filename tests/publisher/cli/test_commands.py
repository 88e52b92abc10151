"""Commands as somebody types them: what they show, what they leave alone, and their errors."""

import csv
import inspect
import io
import json
import re
import tomllib
from pathlib import Path
from typing import NoReturn

import pytest
import typer

from publisher.cli.common import COMMANDS as COMMANDS_BY_WORDS
from publisher.cli.main import app
from publisher.config import load_settings
from publisher.database import open_database
from publisher.database.retry_queue import queue_item
from tests.databases import DATABASE_FILE, database_address
from tests.publisher.cli.conftest import Run, done, refuses
from tests.publisher.conftest import PublicationFolder
from tests.publisher.lanterns import FRIDAY, Published

SECRETIVE = """
[delivery]
transport = "smtp"
[delivery.smtp]
port = 1025
user = "lantern"
authorities = "~/nobody.has.this.pem"
[[delivery.dkim]]
domain = "example.org"
selector = "s1"
key = "no.such.pem"
"""
COMMANDS = [
    *([command.name] for command in app.registered_commands),
    *([group.name] for group in app.registered_groups),
    *(
        [group.name, command.name]
        for group in app.registered_groups
        if group.typer_instance
        for command in group.typer_instance.registered_commands
    ),
]


@pytest.mark.parametrize("words", [*COMMANDS, []])
def test_help_shows_an_example(run: Run, words: list[str]) -> None:
    code, out, err = run(*words, "--help")
    assert code == 0
    text = " ".join(out.split())
    before, _, example = text.partition("Example: publisher")
    assert example
    if "COMMAND" not in before:  # that of a group is of one of its commands
        assert {*re.findall(r"(?<!\S)--[a-z-]+", example)} <= {
            *re.findall(r"--[a-z-]+", before)
        }
    assert err == ""


def test_each_argument_and_option_says_what_it_is_for() -> None:
    for name, made in COMMANDS_BY_WORDS.items():
        for parameter in inspect.signature(made.run).parameters.values():
            (about,) = getattr(parameter.annotation, "__metadata__", (None,))
            is_told = parameter.annotation is typer.Context or bool(about and about.help)
            assert is_told, (name, parameter.name)


def test_no_command_shows_the_help_and_an_option_the_version(run: Run) -> None:
    code, out, _err = run()
    assert (code, "Others:" in out) == (0, False)
    assert all(f"\n  {name} " in out for (name, *_more) in COMMANDS)
    code, out, _err = run("--version")
    assert (code, out.startswith("publisher ")) == (0, True)


def test_a_new_publication_can_be_previewed_at_once(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    code, out, _err = run("new", folder)
    assert code == 0
    assert "publication.toml" in out
    examples = (
        "Examples that you have to replace before mail is sent: title, url, sender, address"
    )
    assert examples in out.splitlines()
    out = done(run, "preview", "weekly", folder, "--out", tmp_path / "digest.html")
    assert "Hello, reader" in (tmp_path / "digest.html").read_text("utf-8")
    assert not (folder / "outbox").exists()
    (folder / "tempaltes").mkdir()
    out = run("check", folder)[1]
    assert "title is still an example: 'My publication'." in out
    assert (misspelt := "tempaltes/: this folder is not read; did you mean templates/?") in out
    assert misspelt in run("run", "--once", folder)[1]


def test_new_and_demo_say_what_is_in_the_way_and_leave_it_alone(
    run: Run, tmp_path: Path, lantern: Path
) -> None:
    full, file = tmp_path / "full", tmp_path / "file"
    full.mkdir()
    (full / "letter.txt").write_text("keep me")
    file.write_text("keep me too")
    assert refuses(run, "new", full) == f"{full}: is not an empty folder; choose another"
    assert refuses(run, "demo", full) == (
        f"{full}: the demo needs an empty folder, and this one has files; choose another"
    )
    for place in (lantern, file, file / "below"):
        assert run("new", place)[0] == 2
    assert [one.name for one in full.iterdir()] == ["letter.txt"]
    assert (full / "letter.txt").read_text() == "keep me"


def test_a_cycle_shows_what_lies_where_and_what_comes_next(friday: Published) -> None:
    assert (friday.run.code, friday.run.err) == (0, "")
    for expected in (
        "31 new",
        "العربية (ar)",
        "8, 1 converted",
        "2026-01-09 sent",
        "public/zh-Hans/weekly/2026-01-09/",
        "outbox/weekly/zh-Hans/2026-01-09/",
        "public/feeds/ar.atom.xml",
        "Fri 2026-01-16 08:00",
    ):
        assert expected in friday.run.out
    assert (friday.folder / "public/ar/weekly/2026-01-09/index.html").is_file()


def test_status_adds_up_for_programs(run: Run, friday: Published, tmp_path: Path) -> None:
    code, out, _err = run(
        "status", "--json", "--now", FRIDAY, friday.copy(tmp_path / "lantern")
    )
    status = json.loads(out)
    assert (code, status["overdue"]) == (0, [])
    assert status["last_cycle"] == "2026-01-09T06:00:00Z"
    assert status["stories"] == 9
    assert status["languages"]["zh-Hant"]["converted"] == 1
    weekly = [issue for issue in status["issues"] if issue["newsletter"] == "weekly"]
    assert [issue["state"] for issue in weekly] == ["sent"] * 4
    for issue in weekly:
        deliveries = dict(issue["deliveries"])
        assert deliveries.pop("planned") == sum(deliveries.values())


def test_status_is_readable(run: Run, lantern: Path, friday: Published, tmp_path: Path) -> None:
    assert "the service has never run here" in run("status", lantern)[1]
    lantern = friday.copy(tmp_path / "friday")
    (lantern / "articles" / "en" / "broken.md").write_text("---\ntitle: [\n---\n")
    (lantern / "articles" / "fr").mkdir()
    (lantern / "articles" / "fr" / "seul.md").write_text("---\ntitle: Seul\n---\nBonjour.\n")
    elsewhere = (
        "1 article in fr, which is not one of the languages, so nobody sees it. "
        'To publish it, add "fr" to languages in publication.toml'
    )
    assert elsewhere in run("run", "--once", "--now", FRIDAY, lantern)[1]
    code, out, _err = run("status", "--now", FRIDAY, lantern)
    assert code == 1  # an article is held
    assert (
        "The Lantern: 10 stories, 81 feeds; the service last worked Fri 2026-01-09 06:00" in out
    )
    assert "weekly-en-2026-01-09" in out
    assert elsewhere in out
    assert "Quarantined: en/broken.md: " in out


def test_status_lists_hubs_that_could_not_be_notified(run: Run, small: Path) -> None:
    with (small / "publication.toml").open("a") as file:
        # Port 9 is for what is thrown away, and nothing listens there.
        file.write('\n[feeds]\nhubs = ["http://127.0.0.1:9/?key=secret"]\n')
    run("run", "--once", "--now", FRIDAY, small)
    out = run("status", small)[1]
    assert "63 pings to hubs and search engines waiting" in out
    database = open_database(database_address(small / DATABASE_FILE))
    with database.writing() as connection:
        connection.execute(
            queue_item.update().values(state="failed", next_at=None, reason="gone")
        )
    database.close()
    code, out, _err = run("status", "--now", FRIDAY, small)
    assert code == 0
    assert "Not notified: http://127.0.0.1:9/?… of https://news.example.org/feeds/" in out
    assert "secret" not in out


def test_plan_lists_local_time_utc_and_shifts(run: Run, lantern: Path) -> None:
    text = (lantern / "publication.toml").read_text("utf-8")
    text = text.replace('"0 8 * * FRI"', '"30 2 * * SUN"')
    text = text.replace('timezone = "Asia/Dubai"', 'timezone = "Europe/Berlin"')
    (lantern / "publication.toml").write_text(text, "utf-8")
    code, out, _err = run("plan", lantern, "--now", "2026-03-28T12:00:00Z", "--next", "5")
    assert code == 0
    assert "the clocks skip this time" in out
    lines = json.loads(
        run("plan", "--json", lantern, "--now", "2026-03-28T12:00:00Z", "--next", "5")[1]
    )
    assert len(lines) == 5
    shifted = next(line for line in lines if line["shifted"])
    assert shifted == {
        "newsletter": "weekly",
        "language": "ar",
        "day": "2026-03-29",
        "local": "2026-03-29T03:30:00+02:00",
        "timezone": "Europe/Berlin",
        "utc": "2026-03-29T01:30:00Z",
        "shifted": "gap",
        "local_time": False,
        "overdue": False,
        "state": None,
        "waits": None,
        "archive": {},
    }


def test_plan_says_what_is_due_already(run: Run, small: Path) -> None:
    run("run", "--once", "--now", "2026-01-05T06:00:00Z", small)
    later = ("--now", "2026-01-09T12:00:00Z", "--next", "30")
    lines = json.loads(run("plan", "--json", small, *later)[1])
    overdue = [line for line in lines if line["overdue"]]
    assert {line["newsletter"] for line in overdue} == {"weekly", "daily"}
    assert all(line["utc"] <= "2026-01-09T12:00:00Z" for line in overdue)
    assert all(line["utc"] > "2026-01-09T12:00:00Z" for line in lines if line not in overdue)
    assert run("plan", small, *later)[1].count("due already") == len(overdue)


@pytest.mark.parametrize("words", [["preview", "weekly", "--out", "x.html"], ["check"]])
def test_preview_and_check_need_neither_key_nor_password(
    run: Run, small: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    file = small / "publication.toml"
    before, _heading, _rest = file.read_text("utf-8").partition("[delivery]")
    file.write_text(before + SECRETIVE, "utf-8")
    monkeypatch.chdir(small.parent)
    out = done(run, *words, small, "--now", FRIDAY)
    assert out
    # Sending needs them; the error names the folder that was given.
    assert f"{small / 'publication.toml'}: delivery." in refuses(
        run, "send", "weekly", small, "--to", "ann@example.com"
    )


def test_preview_writes_text_too_and_says_if_nothing_is_new(
    run: Run, lantern: Path, friday: Published, tmp_path: Path
) -> None:
    out = tmp_path / "below" / "digest.txt"
    words = ("--now", FRIDAY, "--out", out)
    code, said, _err = run("preview", "weekly", lantern, "--lang", "zh_TW", *words)
    assert code == 0
    assert f"articles, {len(out.read_bytes())} bytes: {out}" in said
    assert "燈籠" in out.read_text("utf-8")
    said = done(run, "preview", "weekly", friday.copy(tmp_path / "friday"), *words)
    assert (
        "It shows the newest articles: an issue would be skipped now, since there are no"
        in said
    )


def test_a_preview_says_how_many_articles_wait_for_the_share_of_their_source(
    run: Run, small: Path
) -> None:
    file = small / "publication.toml"
    text = file.read_text("utf-8").replace("[[source]]", "[[source]]\nmax_share = 0.1", 1)
    file.write_text(text, "utf-8")
    out = small / "digest.html"
    said = done(run, "preview", "weekly", small, "--now", FRIDAY, "--out", out)
    # A tenth of the 30 that an issue may have.
    assert "\n3 articles, " in said
    assert "\n6 articles wait for the next issue, by max_share of articles.\n" in said


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["preview", "monthly"], "monthly: no such newsletter; there are: weekly, daily"),
        (["preview", "weekly", "--lang", "klingon"], "'klingon' is not a language tag"),
        (["preview", "weekly", "--lang", "fr"], "weekly has no edition in fr"),
        (["preview", "weekly", "--now", FRIDAY, "--out", "/dev/null/x"], "x: can't be written"),
        (["run", "--once", "--now", "tomorrow"], "'tomorrow' is not an instant"),
        (["run", "--once", "--now", "2026-01-09T12:00:00"], "has no time zone"),
        *(
            ([*command, "--now", f"{year}-01-09T12:00:00Z"], "is too far away")
            for command in (["run", "--once"], ["plan"])
            for year in ("1969", "3000")
        ),
        (["run", "--now", FRIDAY], "a service needs a clock that goes on"),
        (["plan", "--next", "0"], "Invalid value for '--next'"),
        (["subscribers", "import", "absent.csv"], "absent.csv: can't be read"),
        (["subscribers", "export", "--out", "/dev/null/x"], "/dev/null/x: can't be written"),
        (["fly"], "No such command 'fly'"),
        (["run", "--twice"], "No such option: --twice"),
    ],
)
def test_a_command_that_cannot_be_obeyed_says_why_in_one_line(
    run: Run, lantern: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], complaint: str
) -> None:
    monkeypatch.chdir(lantern)
    assert complaint in refuses(run, *words)


@pytest.mark.parametrize("words", [["run", "--once"], ["status"], ["plan"], ["articles"]])
def test_no_publication_is_one_clear_line(run: Run, tmp_path: Path, words: list[str]) -> None:
    assert refuses(run, *words, tmp_path) == (
        f"{tmp_path}/publication.toml: no such file; "
        f"make a publication with: publisher new {tmp_path}"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_fault_of_the_program_is_one_line_too_unless_one_asks_for_the_traceback(
    run: Run, tmp_path: Path, lantern: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Exception, match="no such file"):
        run("status", tmp_path, "--debug")

    # A fault can't be had on purpose any other way.
    def fail(*_arguments: object) -> None:
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr("publisher.cli.common.read_settings", fail)
    assert refuses(run, "status", lantern, code=70) == (
        "a fault of the program: ZeroDivisionError: by nothing (--debug shows where)"
    )
    with pytest.raises(ZeroDivisionError):
        run("--debug", "status", lantern)


def test_articles_are_listed_story_by_story(
    run: Run, friday: Published, tmp_path: Path
) -> None:
    lantern = friday.copy(tmp_path / "lantern")
    code, out, _err = run("articles", lantern)
    assert code == 0
    assert "tide-clock" in out
    assert run("articles", "list", lantern)[1] == out
    listed = json.loads(run("articles", "--json", lantern)[1])
    rope = [a for a in listed["articles"] if a["story"] == "rope-walk"]
    assert {a["language"]: a["origin"] for a in rope} == {
        "ar": "translation",
        "en": "original",
        "zh-Hans": "translation",
        "zh-Hant": "converted",
    }


def test_files_that_are_no_articles_are_named_counted_and_listed_with_what_to_do(
    run: Run, publication: PublicationFolder, folder: Path
) -> None:
    assert run("articles", "problems", folder)[1] == "No problems\n"
    for number in range(23):
        publication.write(f"en/bad-{number:02}.md", "No title.\n")
    publication.write("en/draft.md", "B.\n", title="A", draft="true")
    code, out, err = run("run", "--once", "--now", FRIDAY, folder)
    assert code == 3
    assert out.count("Quarantined: en/bad-") == 20
    assert "Quarantined: 3 more, which publisher articles lists" in out
    assert "23 in quarantine" in out
    assert "Problems of articles: 23 no-article; 23 files held back." in out
    assert '"event": "quarantined"' in err
    listed = run("articles", folder)[1]
    assert listed.count("Quarantined: en/bad-") == 23
    assert "Not published on purpose, draft: 1\n  en/draft.md: A\n" in listed
    found = json.loads(run("articles", "--json", folder)[1])
    assert found["quarantine"][0]["file"] == "en/bad-00.md"
    assert found["held_back"] == [{"file": "en/draft.md", "reason": "draft", "title": "A"}]
    code, out, _err = run("articles", "problems", folder)
    assert code == 0
    heading, text, *examples = out.splitlines()
    assert heading == "no-article: 23 in 23 files, 23 of them held back"
    assert text == "  the document could not be made into an article; do what the reason says"
    assert examples[0].partition(": ")[0].strip() == "articles/en/bad-00.md"
    (group,) = json.loads(run("articles", "problems", "--json", folder)[1])["kinds"]
    assert (group["kind"], len(group["problems"])) == ("no-article", 23)
    assert group["problems"][0]["file"] == "en/bad-00.md"
    status = json.loads(run("status", "--json", folder)[1])
    assert (status["article_problems"], status["held_back"]) == (
        {"no-article": 23},
        {"draft": 1},
    )
    assert "Not published on purpose: 1 draft" in run("status", folder)[1]


def test_subscribers_that_go_in_are_listed_and_come_out(
    run: Run, lantern: Path, tmp_path: Path
) -> None:
    out = done(run, "subscribers", "import", lantern / "subscribers.csv", lantern)
    assert out == "15 added, 0 updated, 0 unchanged, 0 kept as they were, 0 bad\n"
    assert "example.org" in run("subscribers", "list", lantern)[1]
    listed = json.loads(run("subscribers", "list", "--json", lantern)[1])
    assert len(listed) == 15
    columns = {"email", "name", "language", "timezone", "newsletters", "status"}
    assert set(listed[0]) == columns
    run("subscribers", "export", lantern, "--out", tmp_path / "readers.csv")
    assert "nobody@example.org" in refuses(
        run, "subscribers", "export", lantern, "--as", "nobody@example.org"
    )
    _code, printed, _err = run("subscribers", "export", lantern)
    assert len(list(csv.DictReader(io.StringIO(printed)))) == 15
    _code, out, _err = run("subscribers", "import", tmp_path / "readers.csv", lantern)
    assert out.startswith("0 added, 0 updated, ")


def test_bad_rows_are_named_and_nothing_else_is_a_failure(
    run: Run, lantern: Path, tmp_path: Path
) -> None:
    file = tmp_path / "readers.csv"
    file.write_text(
        "email,language\ngood@example.org,en\nbad@@example.org,en\nfrench@example.org,fr\n"
    )
    code, out, err = run("subscribers", "import", file, lantern)
    assert (code, out.startswith("1 added"), out.endswith("2 bad\n")) == (1, True, True)
    assert all(f"line {line}" in err for line in (3, 4))
    file.write_text("email\n" + "nobody\n" * 60)
    code, _out, err = run("subscribers", "import", file, lantern)
    assert (code, "and 10 more bad rows" in err) == (1, True)


def test_the_starter_is_sound_and_what_it_says_of_delivery_can_be_taken_up_as_it_stands(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLISHER_SMTP_PASSWORD", "a password of these tests")
    run("new", tmp_path / "mine")
    file = tmp_path / "mine" / "publication.toml"
    values = tomllib.loads(file.read_text("utf-8"))
    assert set(values) == {"publication", "source", "newsletter", "delivery"}
    readers = tmp_path / "mine" / "subscribers.csv"
    assert run("subscribers", "import", readers, tmp_path / "mine")[0] == 0
    before, delivery = file.read_text("utf-8").split("[delivery]\n")
    delivery, after = delivery.split("# Feeds:")
    taken_up = re.sub(r"(?m)^# (?=\[|[a-z_]+ = )", "", delivery)
    file.write_text(f"{before}[delivery]\n{taken_up}# Feeds:{after}", "utf-8")
    settings = load_settings(tmp_path / "mine")
    assert settings.delivery.table("smtp").host == "mail.example.org"
    assert settings.delivery.table("smtp").port == 587
    assert settings.delivery.rate.per_hour == 5000
    assert [table.selector for table in settings.delivery.dkim] == ["news"]


@pytest.mark.parametrize("arguments", [("pause", "\udcff"), ("pause", "x", "--as=\udcff")])
def test_an_argument_that_is_not_utf_8_is_refused(
    run: Run, small: Path, arguments: tuple[str, ...]
) -> None:
    run("subscribers", "import", small / "subscribers.csv", small)
    assert run(*arguments, small) == (2, "", "publisher: '\\udcff': is not UTF-8\n")


def test_what_the_last_cycle_held_back_is_in_status_and_in_exit_codes_until_it_is_mended(
    run: Run, publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> NoReturn:
        raise ZeroDivisionError

    folder = publication.settings.folders.root
    with monkeypatch.context() as broken:
        broken.setattr("publisher.site.writer.write_logo", fail)
        assert run("run", "--once", folder)[0] == 1
    code, out, _err = run("status", folder)
    assert (code, "pages: a fault of the program: ZeroDivisionError()" in out) == (1, True)
    (named,) = json.loads(run("status", "--json", folder)[1])["problems"]
    assert (named["turn"], named["since"] is None) == ("prepare", False)
    assert [run(*words, folder)[0] for words in (("run", "--once"), ("status",))] == [0, 0]
