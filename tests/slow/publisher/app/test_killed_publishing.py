"""A process that publishes a draft, killed with -9 at each step of files and rows: the article is never lost, torn or there twice."""

import multiprocessing
import os
import signal
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from publisher.app import drafts
from publisher.app.editing_state import EditingState, open_editing_state
from publisher.clock import FixedClock
from publisher.config import load_settings
from publisher.drafts.store import insert_draft_picture
from tests.databases import environment_of
from tests.killing import die_at
from tests.publisher.app.approving import TERMINAL
from tests.publisher.app.test_drafts import PNG, SOURCE, Make
from tests.publisher.conftest import NOW, PublicationFolder, editing_state
from tests.sizes import PATIENCE

PICTURE = "boat-12345678.png"
TEXT = f"Words.\n\n![A boat]({PICTURE})"
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__])


@pytest.fixture
def publication(new_publication: Make) -> PublicationFolder:
    return new_publication(sources=[SOURCE])


def publish(state: EditingState, number: int) -> None:
    found = drafts.read_draft(state, TERMINAL, number)
    seen = {"base": found.disk, "original": ""}
    drafts.publish_draft(state, TERMINAL, number, found.draft.version, **seen)


def _run(folder: Path, environment: dict[str, str], number: int, kind: str, step: int) -> None:
    os.environ.update(environment)
    if kind == "rows":
        die_at(step)
    else:
        _die_at_file(step)
    with open_editing_state(load_settings(folder), FixedClock(NOW)) as state:
        publish(state, number)


def _die_at_file(step: int) -> None:
    """Die before a change of a name in the folder: a link, a rename, or the removal of an unfinished file."""
    numbers = count(1)

    def before(change: Any) -> Any:
        def changed(*given: Any, **named: Any) -> Any:
            if "/articles/" in str(given[0]) and next(numbers) == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return change(*given, **named)

        return changed

    for name in ("link", "rename", "replace", "unlink"):
        setattr(os, name, before(getattr(os, name)))


@pytest.mark.parametrize("kind", ["rows", "files"])
@pytest.mark.parametrize("is_new", [True, False])
def test_a_killed_publication_is_whole_or_absent_and_done_by_publishing_again(
    publication: PublicationFolder, kind: str, is_new: bool
) -> None:
    old = "---\ntitle: Old\n---\nOld.\n"
    if not is_new:
        publication.write("old.md", old.encode())
        publication.pick_up()
    state, kills = editing_state(publication), 0
    for step in count(1):
        if is_new:
            draft = drafts.begin_article(state, TERMINAL, "articles", "en", f"Tide {step}")
        else:
            draft = drafts.begin_edit(state, TERMINAL, publication.one("old").id)
        with publication.database.writing() as connection:
            insert_draft_picture(connection, draft, name=PICTURE, alt="A boat", content=PNG)
        draft = drafts.save_draft(
            state, TERMINAL, draft.id, draft.version, {"text": f"{step} {TEXT}"}
        )
        before = {one.name: one.read_bytes() for one in publication.articles.glob("[!.]*")}
        place = publication.settings.folders.root, environment_of(publication.settings)
        process = _processes.Process(target=_run, args=(*place, draft.id, kind, step))
        process.start()
        process.join(PATIENCE)
        code = process.exitcode
        assert code in {0, -signal.SIGKILL}, (step, code)
        name = f"tide-{step}.md" if is_new else "old.md"
        now = {one.name: one.read_bytes() for one in publication.articles.glob("[!.]*")}
        # Each file is whole, the old one or the new one; the draft is there until its file is.
        assert now.pop(PICTURE, PNG) == PNG
        written = now.pop(name, None)
        left = drafts.list_drafts(state, TERMINAL)
        assert written == before.get(name) or f"\n{step} {TEXT}\n".encode() in (written or b"")
        assert bool(left) is (code != 0)
        if code == 0:
            break
        kills += 1
        publish(state, draft.id)
        assert f"\n{step} {TEXT}\n" in (publication.articles / name).read_text("utf-8")
        assert drafts.list_drafts(state, TERMINAL) == []
        expected = {*before, PICTURE, name}
        assert {one.name for one in publication.articles.glob("[!.]*")} == expected
    assert kills >= 3
