"""`publisher translations`: what it prints, and how it fails."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.publisher.cli.conftest import Run, refuses
from tests.publisher.conftest import PublicationFolder
from tests.publisher.lanterns import Published


@pytest.fixture
def lantern(friday: Published, tmp_path: Path) -> Path:
    """The demo's publication after a Friday's run."""
    return friday.copy(tmp_path / "lantern")


def stories(run: Run, folder: Path, *options: str) -> dict[str, dict[str, dict[str, object]]]:
    code, out, _ = run("translations", "list", folder, "--days", "36500", "--json", *options)
    assert code == 0
    return {one["story"]: one["languages"] for one in json.loads(out)["stories"]}


def a_missing_story(run: Run, folder: Path) -> tuple[str, str]:
    """Give a story and a language that it lacks."""
    found = stories(run, folder, "--state", "missing")
    key, cells = next(iter(found.items()))
    return key, next(tag for tag, cell in cells.items() if cell["state"] == "missing")


def test_a_translation_is_claimed_started_given_up_and_released(
    run: Run, lantern: Path
) -> None:
    (lantern / "articles" / "en" / "kites.md").write_text("---\ntitle: Kites\n---\nThey fly.\n")
    run("run", "--once", lantern)
    key, tag = a_missing_story(run, lantern)
    story = (key, lantern, "--lang", tag)
    code, out, err = run("translations", "claim", *story)
    assert (code, err) == (2, "publisher: say by when: --until 2026-01-09\n")
    code, out, _ = run("translations", "claim", *story, "--until", "2126-01-09")
    assert code == 1
    code, out, _ = run("translations", "start", *story, "--until", "9999-01-01T00:00:00")
    assert code == 2
    code, out, _ = run("translations", "start", *story)
    assert (code, out) == (0, f"{key} in {tag}: in work by terminal\n")
    assert stories(run, lantern, "--lang", tag)[key][tag]["state"] == "in-work"
    assert "in work by terminal" in run("translations", lantern, "--days", "36500")[1]
    code, out, _ = run("translations", "give-up", *story, "--note", "no time")
    assert (code, out) == (0, f"{key} in {tag}: given up\n")
    claim = stories(run, lantern)[key][tag]["claim"]
    assert isinstance(claim, dict)
    assert (claim["by"], claim["reason"]) == ("terminal", "no time")
    assert run("translations", "release", *story)[0] == 0
    assert stories(run, lantern)[key][tag]["state"] == "missing"
    code, _, err = run("translations", "changes", *story)
    assert (code, err) == (1, f"publisher: {key} in {tag}: is not stale\n")


def test_an_unknown_state_language_or_account_is_refused(run: Run, lantern: Path) -> None:
    err = refuses(run, "translations", lantern, "--state", "lost")
    assert "'lost' is none; choose from original, translation, machine" in err
    err = refuses(run, "translations", lantern, "--lang", "eo", code=1)
    assert "eo: the publication does not have it" in err
    words = ("start", "x", lantern, "--lang", "ar", "--as", "ann@example.org")
    assert "ann@example.org: no account" in refuses(run, "translations", *words)


def test_the_status_names_translations_whose_original_has_changed(
    run: Run, publication: PublicationFolder, folder: Path
) -> None:
    publication.reload(languages=["en", "ar"])
    publication.write("en/tides.md", "First.", title="Tides", date="2026-01-05")
    publication.write("ar/tides.md", "كلمات.", title="المد", translator="Omar")
    publication.pick_up()
    publication.at(publication.clock.now() + timedelta(minutes=1))
    publication.write("en/tides.md", "First. More.", title="Tides", date="2026-01-05")
    publication.pick_up()
    stale = "1 translation into ar whose original has changed: publisher translations --lang"
    assert stale in run("status", folder)[1]
    found = json.loads(run("status", "--json", folder)[1])
    assert found["stale_translations"] == {"ar": 1}


def test_a_long_list_says_how_it_goes_on(run: Run, lantern: Path) -> None:
    every = list(stories(run, lantern))
    _, out, _ = run("translations", lantern, "--days", "36500", "--limit", "1")
    place = out.rsplit("There are more: --after ", 1)[1].strip()
    rest = list(stories(run, lantern, "--after", place))
    assert rest == every[1:]


def test_statistics_are_printed_as_a_table_and_as_json(run: Run, lantern: Path) -> None:
    code, out, _ = run("translations", "stats", lantern, "--days", "36500")
    assert code == 0
    assert "in their first language" in out
    found = json.loads(run("translations", "stats", lantern, "--json", "--days", "36500")[1])
    count = len(stories(run, lantern))
    assert all(sum(one["states"].values()) == count for one in found["languages"].values())
    people = sum(found["subscribers"].values())
    assert people > 0
    assert sum(found["stories_of_subscribers"].values()) == people * count


def test_mails_and_feeds_of_a_translator_are_chosen(run: Run, lantern: Path) -> None:
    run("accounts", "add", "root@example.org", lantern, "--role", "administrator")
    run("accounts", "add", "omar@example.org", lantern, "--role", "translator:ar")
    omar = ("--as", "omar@example.org")
    assert run("translations", "mails", lantern, *omar)[:2] == (0, "mails about ar\n")
    assert run("translations", "mails", lantern, "--off", *omar)[1] == "no mails\n"
    first = run("translations", "feeds", lantern, *omar)[1].splitlines()
    assert [one.rpartition("/")[2] for one in first] == ["ar.rss", "ar.atom", "ar.json"]
    second = run("translations", "feeds", lantern, "--renew", *omar)[1].splitlines()
    assert len(second) == 3
    assert not {*first} & {*second}
    code, _, err = run("translations", "feeds", lantern)
    assert code == 1
    assert "the terminal is no translator" in err
