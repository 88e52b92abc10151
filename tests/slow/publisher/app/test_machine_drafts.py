"""A machine's drafts, by programs that answer, fail, hang and write too much: what was typed stays, whatever they do."""

import errno
import re
import sys
from dataclasses import replace

import pytest

from publisher.app import drafts
from publisher.app.machine_drafts import make_machine_draft
from publisher.config.publication import TranslationSettings
from publisher.errors import CommandError, DraftError
from publisher.processes import commands
from tests.publisher.app.approving import TERMINAL
from tests.publisher.conftest import PublicationFolder, editing_state
from tests.publisher.web.conftest import MadeReady, made_ready
from tests.publisher.web.console.conftest import SignIn, console, console_context, sign_in
from tests.publisher.web.console.test_calendar_pages import text_of
from tests.publisher.web.console.test_writing_pages import SOURCE, fields_of, one_story, send

__all__ = ["console", "console_context", "made_ready", "sign_in"]
MACHINE = """
import json, os, sys
asked = json.load(sys.stdin)
words = [one.upper() for one in asked["paragraphs"]]
names = ",".join(sorted({*os.environ} - {"LC_CTYPE"}))
json.dump({"title": asked["from"] + asked["to"], "summary": names, "paragraphs": words, "by": "Babel 3"}, sys.stdout)
"""


@pytest.fixture
def publication(made_ready: MadeReady) -> PublicationFolder:
    return made_ready(one_story, sources=[SOURCE])


def with_command(publication: PublicationFolder, *words: str, timeout: int = 60) -> None:
    table = TranslationSettings(command=words, timeout=timeout)
    publication.settings = replace(publication.settings, translation=table)


def with_machine(publication: PublicationFolder, code: str, timeout: int = 60) -> None:
    with_command(publication, sys.executable, "-c", code, timeout=timeout)


def test_a_machine_gets_the_original_and_no_secret(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_machine(publication, MACHINE)
    monkeypatch.setenv("PUBLISHER_SECRET", "x")
    state, number = editing_state(publication), publication.one("tide").story_id
    draft = drafts.begin_translation(state, TERMINAL, number, "ar")
    draft = make_machine_draft(state, TERMINAL, draft.id, draft.version)
    assert (draft.fields["title"], draft.machine, draft.is_unread) == ("enar", "Babel 3", True)
    assert draft.fields["text"] == "# TIDE\n\nIT COMES.\n\n```\nA\n\nB\n```"
    names = draft.fields["summary"].split(",")
    assert "PATH" in names
    assert [one for one in names if one.startswith("PUBLISHER")] == []
    verbs = [one.verb for one in drafts.read_draft(state, TERMINAL, draft.id).history]
    assert verbs == ["machine draft"]
    with pytest.raises(DraftError, match="has words already"):
        make_machine_draft(state, TERMINAL, draft.id, draft.version)
    again = make_machine_draft(state, TERMINAL, draft.id, draft.version, replace=True)
    assert again.version == draft.version + 1


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("import time; time.sleep(60)", "took more than 1 seconds, and was ended"),
        ("import os, time; os.close(1); time.sleep(60)", "took more than 1 seconds"),
        ("import subprocess; subprocess.Popen(['sleep', '60'])", "took more than 1 seconds"),
        ("print('x' * 10**6)", "took more than 1 seconds|more than 1000 bytes, and was ended"),
        ("raise SystemExit(3)", "exit code 3"),
        ("print('hello')", "can't be used: JSON"),
        ('print(\'{"title": "x", "paragraphs": 1}\')', "can't be used: paragraphs"),
    ],
)
def test_a_machine_that_fails_says_so_and_changes_nothing(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch, code: str, problem: str
) -> None:
    monkeypatch.setattr(commands, "_MOST_OUTPUT", 1000)
    with_machine(publication, code, timeout=1)
    state, number = editing_state(publication), publication.one("tide").story_id
    draft = drafts.begin_translation(state, TERMINAL, number, "ar")
    with pytest.raises((DraftError, CommandError), match=problem):
        make_machine_draft(state, TERMINAL, draft.id, draft.version)
    assert drafts.read_draft(state, TERMINAL, draft.id).draft == draft


def test_a_machine_s_name_is_of_characters_that_databases_and_files_take(
    publication: PublicationFolder,
) -> None:
    answer = r'{"title": "T\u0000", "paragraphs": ["x"], "by": "Ba\u0000bel\n3"}'
    with_machine(publication, f"print({answer!r})")
    state, number = editing_state(publication), publication.one("tide").story_id
    draft = drafts.begin_translation(state, TERMINAL, number, "ar")
    draft = make_machine_draft(state, TERMINAL, draft.id, draft.version)
    assert (draft.fields["title"], draft.machine) == ("T", "Babel 3")


def test_a_full_disk_is_said_where_the_original_is_handed_over(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_machine(publication, MACHINE)
    state, number = editing_state(publication), publication.one("tide").story_id
    draft = drafts.begin_translation(state, TERMINAL, number, "ar")

    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(commands, "TemporaryFile", full)
    with pytest.raises(CommandError, match="No space left on device"):
        make_machine_draft(state, TERMINAL, draft.id, draft.version)


def test_a_machine_that_is_not_there_is_named(publication: PublicationFolder) -> None:
    with_command(publication, "./no-such-program")
    state, number = editing_state(publication), publication.one("tide").story_id
    draft = drafts.begin_translation(state, TERMINAL, number, "ar")
    with pytest.raises(CommandError, match=r"no-such-program: failed: No such file"):
        make_machine_draft(state, TERMINAL, draft.id, draft.version)


def test_a_page_asks_before_words_are_replaced_and_before_they_are_published_unread(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    with_machine(publication, MACHINE)
    client, number = sign_in("translator", "ar"), publication.one("tide").story_id
    path = client.post(f"/translations/ar/{number}/write/").headers["Location"]
    asked = send(client, path, "machine", title="Mine")
    assert (asked.status_code, "Replace what is written?" in asked.text) == (409, True)
    assert fields_of(asked)["title"] == "Mine"
    done = client.post(path, data={**fields_of(asked), "how": "replace"})
    assert (done.status_code, done.headers["Location"]) == (303, f"{path}?done=saved")
    assert fields_of(client.get(path))["title"] == "enar"
    for page in (path, f"{path}preview/"):
        assert "Machine draft Babel 3" in text_of(client, page)
    refused = send(client, path, "publish")
    assert (refused.status_code, "nobody has read it yet" in refused.text) == (422, True)
    assert send(client, path, "publish", read="yes").status_code == 303
    written = (publication.articles / "ar/tide.md").read_text("utf-8")
    assert re.search(r"translated_with: Babel 3\neditor: Ann translator\n", written)
    with_machine(publication, "raise SystemExit(1)")
    path = client.post(f"/translations/ar/{number}/write/").headers["Location"]
    failed = send(client, path, "replace", text="My words")
    assert (failed.status_code, fields_of(failed)["text"]) == (422, "My words")
    assert "failed: exit code 1" in failed.text
