import csv
import io
import json
import re
import tomllib
from datetime import datetime
from pathlib import Path

import pytest

from publisher.app.dry_run import open_dry_run
from publisher.cli.main import app
from publisher.clock import FixedClock
from publisher.config import load_settings
from publisher.database import open_database
from publisher.syndication.tables import websub_ping
from tests.databases import DATABASE_FILE, at_database, database_address
from tests.publisher.cli.conftest import Run
from tests.publisher.lanterns import FRIDAY, Published
from tests.publisher.mail.samples import parsed
from tests.publisher.printing import changes

SECRETIVE = """
[delivery]
transport = "smtp"
[delivery.smtp]
host = "mail.example.org"
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
    assert "Example: publisher" in " ".join(out.split())
    assert err == ""


def test_no_command_shows_the_help(run: Run) -> None:
    code, out, _err = run()

    assert code == 0
    assert "subscribers" in out


def test_the_version_is_said(run: Run) -> None:
    code, out, _err = run("--version")

    assert code == 0
    assert out.startswith("publisher ")


def test_a_new_publication_can_be_previewed_at_once(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    code, out, _err = run("new", folder)
    assert code == 0
    assert "publication.toml" in out

    code, out, err = run("preview", "weekly", folder, "--out", tmp_path / "digest.html")

    assert (code, err) == (0, "")
    assert "Hello, reader" in (tmp_path / "digest.html").read_text("utf-8")
    assert not (folder / "outbox").exists()


def test_new_says_what_is_in_the_way(run: Run, tmp_path: Path, lantern: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("keep me")
    (tmp_path / "file").write_text("keep me too")

    assert run("new", lantern)[0] == 2
    code, _out, err = run("new", tmp_path / "full")
    assert code == 2
    assert err == f"publisher: {tmp_path / 'full'}: is not an empty folder; choose another\n"
    assert run("new", tmp_path / "file")[0] == 2
    assert run("new", tmp_path / "file" / "below")[0] == 2
    assert (tmp_path / "full" / "letter.txt").read_text() == "keep me"


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
    code, out, _err = run("status", "--json", friday.copy(tmp_path / "lantern"))
    status = json.loads(out)

    assert code == 0
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
    run("run", "--once", "--now", FRIDAY, lantern)

    code, out, _err = run("status", lantern)

    assert code == 0
    assert (
        "The Lantern: 10 stories, 69 feeds; the service last worked Fri 2026-01-09 06:00" in out
    )
    assert "weekly-en-2026-01-09" in out
    assert "1 article in fr, which is not one of the languages" in out
    assert "Quarantined: en/broken.md: " in out


def test_status_lists_hubs_that_could_not_be_notified(run: Run, small: Path) -> None:
    with (small / "publication.toml").open("a") as file:
        # Port 9 is for what is thrown away, and nothing listens there.
        file.write('\n[feeds]\nhubs = ["http://127.0.0.1:9/?key=secret"]\n')
    run("run", "--once", "--now", FRIDAY, small)

    out = run("status", small)[1]

    assert "57 pings to hubs waiting" in out
    database = open_database(database_address(small / DATABASE_FILE))
    with database.writing() as connection:
        connection.execute(websub_ping.update().values(state="failed", last_response="gone"))
    database.close()
    code, out, _err = run("status", small)
    assert code == 0
    assert "Not notified: http://127.0.0.1:9/?… of https://news.example.org/feeds/" in out
    assert "secret" not in out


def test_quarantine_is_shown_after_a_cycle(run: Run, small: Path) -> None:
    (small / "articles" / "en" / "broken.md").write_bytes(b"---\ntitle: x\n---\n\xff")

    code, out, err = run("run", "--once", "--now", FRIDAY, small)

    assert code == 3
    assert "Quarantined: en/broken.md: " in out
    assert "1 in quarantine" in out
    assert "Problems of articles: 1 no-article; 1 file held back." in out
    assert '"event": "quarantined"' in err


def test_a_source_that_is_gone_is_a_problem_and_nothing_is_lost(
    run: Run, friday: Published, tmp_path: Path
) -> None:
    lantern = friday.copy(tmp_path / "lantern")
    (lantern / "articles").rename(lantern / "elsewhere")

    code, out, _err = run("run", "--once", "--now", "2026-01-10T06:00:00Z", lantern)

    assert code == 1
    assert "Problem: " in out
    assert "9 stories" in out


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
    _code, out, _err = run("plan", small, *later)

    overdue = [line for line in lines if line["overdue"]]
    assert {line["newsletter"] for line in overdue} == {"weekly", "daily"}
    assert all(line["utc"] <= "2026-01-09T12:00:00Z" for line in overdue)
    assert all(line["utc"] > "2026-01-09T12:00:00Z" for line in lines if line not in overdue)
    assert out.count("due already") == len(overdue)


PAST, FUTURE = "2025-12-01T06:00:00Z", "2027-06-01T06:00:00Z"


@pytest.mark.parametrize("now", [PAST, FUTURE])
def test_a_dry_run_leaves_the_publication_as_it_is(small: Path, now: str) -> None:
    settings, clock = at_database(load_settings(small)), FixedClock(datetime.fromisoformat(now))
    with changes(small) as found, open_dry_run(settings, clock) as pipeline:
        assert pipeline.settings.folders.root != settings.folders.root
    assert found == set()


def test_preview_changes_nothing_and_the_article_is_mailed_all_the_same(
    run: Run, small: Path, tmp_path: Path
) -> None:
    run("subscribers", "import", small / "subscribers.csv", small)
    run("run", "--once", "--now", "2026-01-05T06:00:00Z", small)
    (small / "articles/en/fresh.md").write_text("---\ntitle: Fresh\n---\nNew words.\n")
    out = tmp_path / "digest.html"

    with changes(small) as found:
        code, _out, _err = run("preview", "weekly", small, "--out", out, "--now", FRIDAY)
        left = sorted(small.rglob("*"))

    assert code == 0
    assert found == set()
    assert sorted(small.rglob("*")) == left
    assert "Fresh" in out.read_text("utf-8")

    run("run", "--once", "--now", FRIDAY, small)
    carried: dict[str, int] = {}
    for mail in (small / "outbox").glob("*/en/2026-01-09/*"):
        message = parsed(mail.read_bytes())
        carried.setdefault(message["To"], 0)
        carried[message["To"]] += "Fresh" in message.as_string()
    assert carried
    # Once to everybody, also to those who get the daily and the weekly.
    assert set(carried.values()) == {1}


@pytest.mark.parametrize("words", [["preview", "weekly", "--out", "x.html"], ["check"]])
def test_preview_and_check_need_neither_key_nor_password(
    run: Run, small: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    file = small / "publication.toml"
    before, _heading, _rest = file.read_text("utf-8").partition("[delivery]")
    file.write_text(before + SECRETIVE, "utf-8")
    monkeypatch.chdir(small.parent)
    code, out, err = run(*words, small, "--now", FRIDAY)
    assert (code, err) == (0, "")
    assert out
    # Sending needs them; the error names the folder that was given.
    code, _out, err = run("send", "weekly", small, "--to", "ann@example.com")
    assert code == 2
    assert f"{small / 'publication.toml'}: delivery." in err


def test_preview_of_a_publication_that_was_never_run_makes_no_folder(
    run: Run, lantern: Path, tmp_path: Path
) -> None:
    before = sorted(lantern.rglob("*"))

    run("preview", "weekly", lantern, "--out", tmp_path / "x.html", "--now", FRIDAY)

    assert sorted(lantern.rglob("*")) == before


def test_the_demo_leaves_a_folder_with_something_else_in_it_alone(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "letter.txt").write_text("keep me")

    code, _out, err = run("demo", tmp_path)

    assert code == 2
    assert err == (
        f"publisher: {tmp_path}: the demo needs an empty folder, and this one has files; "
        "choose another\n"
    )
    assert [file.name for file in tmp_path.iterdir()] == ["letter.txt"]


def test_preview_writes_text_too(run: Run, lantern: Path, tmp_path: Path) -> None:
    out = tmp_path / "below" / "digest.txt"

    code, said, _err = run(
        "preview", "weekly", lantern, "--lang", "zh_TW", "--out", out, "--now", FRIDAY
    )

    assert code == 0
    assert f"articles, {len(out.read_bytes())} bytes: {out}" in said
    assert "燈籠" in out.read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["preview", "monthly"], "monthly: no such newsletter; there are: weekly, daily"),
        (["preview", "weekly", "--lang", "klingon"], "'klingon' is not a language tag"),
        (["preview", "weekly", "--lang", "fr"], "weekly has no edition in fr"),
        (
            ["preview", "weekly", "--now", FRIDAY, "--out", "/dev/null/x"],
            "/dev/null/x: can't be written",
        ),
        (["run", "--once", "--now", "tomorrow"], "'tomorrow' is not an instant"),
        (["run", "--once", "--now", "2026-01-09T12:00:00"], "has no time zone"),
        *(
            ([*command, "--now", f"{year}-01-09T12:00:00Z"], "is too far away")
            for command in (["run", "--once"], ["plan"], ["preview", "weekly"])
            for year in ("0001", "1969", "3000", "9999")
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

    code, _out, err = run(*words)

    assert code == 2
    assert err.startswith("publisher: ")
    assert complaint in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("words", [["run", "--once"], ["status"], ["plan"], ["articles"]])
def test_no_publication_is_one_clear_line(run: Run, tmp_path: Path, words: list[str]) -> None:
    code, _out, err = run(*words, tmp_path)

    assert code == 2
    assert err == (
        f"publisher: {tmp_path}/publication.toml: no such file; "
        f"make a publication with: publisher new {tmp_path}\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_nothing_new_to_preview_is_said(run: Run, friday: Published, tmp_path: Path) -> None:
    lantern = friday.copy(tmp_path / "lantern")

    code, _out, err = run(
        "preview", "weekly", lantern, "--now", FRIDAY, "--out", tmp_path / "x"
    )

    assert code == 1
    assert "weekly in en has no new articles" in err


def test_debug_shows_the_traceback(run: Run, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="no such file"):
        run("status", tmp_path, "--debug")


def test_a_fault_of_the_program_is_one_line_too(
    run: Run, lantern: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A fault can't be had on purpose any other way.
    def fail(*_arguments: object) -> None:
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr("publisher.cli.status.read_settings", fail)

    code, _out, err = run("status", lantern)

    assert code == 70
    assert err == (
        "publisher: a fault of the program: ZeroDivisionError: by nothing (--debug shows where)\n"
    )
    with pytest.raises(ZeroDivisionError):
        run("--debug", "status", lantern)


def test_articles_are_listed_story_by_story(
    run: Run, friday: Published, tmp_path: Path
) -> None:
    lantern = friday.copy(tmp_path / "lantern")
    (lantern / "articles" / "en" / "broken.md").write_text("---\ntitle: [\n---\n")
    run("run", "--once", "--now", FRIDAY, lantern)

    code, out, _err = run("articles", lantern)
    assert code == 0
    assert "tide-clock" in out
    assert "Quarantined: en/broken.md" in out
    assert run("articles", "list", lantern)[1] == out

    listed = json.loads(run("articles", "--json", lantern)[1])
    rope = [a for a in listed["articles"] if a["story"] == "rope-walk"]
    assert {a["language"]: a["origin"] for a in rope} == {
        "ar": "translation",
        "en": "original",
        "zh-Hans": "translation",
        "zh-Hant": "converted",
    }
    assert listed["quarantine"][0]["file"] == "en/broken.md"


def test_problems_are_listed_most_frequent_first_with_what_to_do(run: Run, small: Path) -> None:
    for name in ("one", "two"):
        (small / "articles" / "en" / f"{name}.md").write_text("No title.\n")
    (small / "articles" / "en" / "unfinished.md").write_text(
        "---\ntitle: A\ndraft: true\n---\nB.\n"
    )
    assert run("run", "--once", "--now", FRIDAY, small)[0] == 3

    code, out, _err = run("articles", "problems", small)
    assert code == 0
    first, text, *examples = out.splitlines()
    assert first == "no-article: 2 in 2 files, 2 of them held back"
    assert text == "  the document could not be made into an article; do what the reason says"
    assert [line.partition(": ")[0].strip() for line in examples] == [
        "articles/en/one.md",
        "articles/en/two.md",
    ]
    (group,) = json.loads(run("articles", "problems", "--json", small)[1])
    assert (group["kind"], group["count"], group["files"], group["held_back"]) == (
        "no-article",
        2,
        2,
        2,
    )
    assert group["problems"][0]["file"] == "en/one.md"
    status = json.loads(run("status", "--json", small)[1])
    assert (status["article_problems"], status["held_back"]) == (
        {"no-article": 2},
        {"draft": 1},
    )
    assert "Not published on purpose: 1 draft" in run("status", small)[1]


def test_of_many_files_in_quarantine_the_first_are_named(run: Run, small: Path) -> None:
    for number in range(23):
        (small / "articles" / "en" / f"bad-{number:02}.md").write_text("No title.\n")
    out = run("run", "--once", "--now", FRIDAY, small)[1]
    assert out.count("Quarantined: en/bad-") == 20
    assert "Quarantined: 3 more, which publisher articles lists" in out
    assert run("articles", small)[1].count("Quarantined: en/bad-") == 23


def test_without_problems_the_list_says_so(run: Run, small: Path) -> None:
    assert run("run", "--once", "--now", FRIDAY, small)[0] == 0
    assert run("articles", "problems", small)[1] == "No problems\n"


class TestSubscribers:
    def test_what_goes_in_comes_out(self, run: Run, lantern: Path, tmp_path: Path) -> None:
        code, out, err = run("subscribers", "import", lantern / "subscribers.csv", lantern)
        assert (code, err) == (0, "")
        assert out == "15 added, 0 updated, 0 unchanged, 0 kept as they were, 0 bad\n"

        run("subscribers", "export", lantern, "--out", tmp_path / "readers.csv")
        _code, printed, _err = run("subscribers", "export", lantern)
        assert len(list(csv.DictReader(io.StringIO(printed)))) == 15

        _code, out, _err = run("subscribers", "import", tmp_path / "readers.csv", lantern)
        assert out.startswith("0 added, 0 updated, ")

    def test_a_bad_row_is_named_and_the_good_ones_go_in(
        self, run: Run, lantern: Path, tmp_path: Path
    ) -> None:
        file = tmp_path / "readers.csv"
        file.write_text(
            "email,name,language,timezone,newsletters,status\n"
            "good@example.org,Good,en,UTC,weekly,active\n"
            "bad@@example.org,Bad,en,UTC,weekly,active\n"
            "klingon@example.org,K,klingon,UTC,weekly,active\n"
            "french@example.org,F,fr,UTC,weekly,active\n"
            "mars@example.org,M,en,Mars/Base,weekly,active\n"
        )

        code, out, err = run("subscribers", "import", file, lantern)

        assert code == 0
        assert out.startswith("1 added")
        assert out.endswith("4 bad\n")
        for line in (3, 4, 5, 6):
            assert f"line {line}" in err

    def test_nothing_but_bad_rows_is_a_failure(
        self, run: Run, lantern: Path, tmp_path: Path
    ) -> None:
        file = tmp_path / "readers.csv"
        file.write_text("email\n" + "nobody\n" * 60)

        code, _out, err = run("subscribers", "import", file, lantern)

        assert code == 1
        assert "and 10 more bad rows" in err

    def test_subscribers_are_listed(self, run: Run, lantern: Path) -> None:
        run("subscribers", "import", lantern / "subscribers.csv", lantern)

        assert (
            "Mina" in run("subscribers", "list", lantern)[1]
            or "example.org" in run("subscribers", "list", lantern)[1]
        )
        listed = json.loads(run("subscribers", "list", "--json", lantern)[1])
        assert len(listed) == 15
        assert set(listed[0]) == {
            "email",
            "name",
            "language",
            "timezone",
            "newsletters",
            "status",
        }


def test_the_starter_is_a_sound_publication(run: Run, tmp_path: Path) -> None:
    run("new", tmp_path / "mine")

    values = tomllib.loads((tmp_path / "mine" / "publication.toml").read_text("utf-8"))

    assert set(values) == {"publication", "source", "newsletter", "delivery"}
    assert (
        run("subscribers", "import", tmp_path / "mine/subscribers.csv", tmp_path / "mine")[0]
        == 0
    )


def test_what_the_starter_says_of_delivery_can_be_taken_up_as_it_stands(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLISHER_SMTP_PASSWORD", "a password of these tests")
    run("new", tmp_path / "mine")
    file = tmp_path / "mine" / "publication.toml"
    before, delivery = file.read_text("utf-8").split("[delivery]\n")
    delivery, after = delivery.split("# Feeds:")
    taken_up = re.sub(r"(?m)^# (?=\[|[a-z_]+ = )", "", delivery)
    file.write_text(f"{before}[delivery]\n{taken_up}# Feeds:{after}", "utf-8")

    settings = load_settings(tmp_path / "mine")

    assert settings.delivery.table("smtp").host == "mail.example.org"
    assert settings.delivery.table("smtp").port_used == 587
    assert settings.delivery.rate.per_hour == 5000
    assert [table.selector for table in settings.delivery.dkim] == ["news"]


@pytest.mark.parametrize("arguments", [("pause", "\udcff"), ("pause", "x", "--as=\udcff")])
def test_an_argument_that_is_not_utf_8_is_refused(
    run: Run, small: Path, arguments: tuple[str, ...]
) -> None:
    run("subscribers", "import", small / "subscribers.csv", small)
    assert run(*arguments, small) == (2, "", "publisher: '\\udcff': is not UTF-8\n")
