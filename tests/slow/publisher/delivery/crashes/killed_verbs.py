"""Verbs of editors, and a cycle, each in a process of its own that kills itself with -9 at a step.

A step is a statement that writes, or the commit of a transaction that wrote. All that the database may have
been left with is between two of them.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable
from contextlib import closing
from datetime import date, datetime
from pathlib import Path

from publisher.app.editing_state import EditingState, find_terminal_actor, open_editing_state
from publisher.app.issues import sending
from publisher.app.issues.announcements import (
    AnnouncementRequest,
    AnnouncementTime,
    AnnouncementWords,
    announce,
)
from publisher.app.issues.approvals import read_approvals, request_changes
from publisher.app.issues.background_assembly import BackgroundAssembly
from publisher.app.issues.corrections import CorrectionRequest, StoredCorrection, correct_issue
from publisher.app.issues.edits import EditedIssue, EditRequest, arrange_issues, edit_issue
from publisher.app.issues.overview import read_issue_overview
from publisher.app.operation.cycle import open_pipeline
from publisher.app.subscribers.lists import import_list
from publisher.clock import FixedClock
from publisher.config import load_settings
from publisher.issues.editing import EditKind
from publisher.rendering import Renderer
from tests.killing import die_at
from tests.publisher.app.approving import approve_issue
from tests.slow.publisher.delivery.crashes.scene import PATIENCE

NAME, DAY = "weekly-en-2026-01-09", date(2026, 1, 9)
APPROVER, EDITOR, OWNER = (f"{one}@example.org" for one in ("ann", "eve", "root"))
# More than the first transactions of an import take.
IMPORTED = 350
# A process of one thread, from which each that is killed is forked.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__])

Verb = Callable[[EditingState], object]


def approve(state: EditingState) -> None:
    ann = find_terminal_actor(state, APPROVER)
    approve_issue(state, ann, NAME, read_approvals(state, ann, NAME).manifest or "")


def ask_for_changes(state: EditingState) -> None:
    ann = find_terminal_actor(state, APPROVER)
    manifest = read_approvals(state, ann, NAME).manifest or ""
    request_changes(state, ann, NAME, manifest, "Another subject, please.")


def edit(state: EditingState) -> None:
    eve = find_terminal_actor(state, EDITOR)
    edit_issue(state, eve, NAME, EditRequest(EditKind.SUBJECT, "The tide turns"))


def undo_the_edit(state: EditingState) -> None:
    edit_issue(state, find_terminal_actor(state, EDITOR), NAME, 1)


def arrange(state: EditingState) -> None:
    """Move a story in both languages as the console does, whose process assembles the issues afterwards."""
    eve = find_terminal_actor(state, EDITOR)
    last = read_issue_overview(state, eve, NAME).stories[-1].story_id
    move = EditRequest(EditKind.MOVE, "1", last)
    made = arrange_issues(state, eve, [(NAME, move), (NAME.replace("-en-", "-ar-"), move)])
    with closing(Renderer(state.settings.folders.templates)) as renderer:
        assembly = BackgroundAssembly()
        assembly.begin(state, renderer, made)
        assembly.wait()


def correct(state: EditingState) -> list[StoredCorrection]:
    request = CorrectionRequest(
        newsletter="weekly",
        day=DAY,
        languages=("en",),
        subject="Not on Monday",
        text="The tide comes on *Tuesday*.",
    )
    return correct_issue(state, find_terminal_actor(state, OWNER), request)


def announce_closing(state: EditingState, *tags: str) -> list[EditedIssue]:
    words = {
        tag: AnnouncementWords("Closed", "Until *Monday*.") for tag in tags or ("en", "ar")
    }
    request = AnnouncementRequest(
        newsletter="weekly",
        words=words,
        when=AnnouncementTime.NOW,
        only=("topic is not ships",),
    )
    return announce(state, find_terminal_actor(state, OWNER), request)


def import_file(state: EditingState) -> None:
    rows = (f"reader-{number}@example.net,en,weekly,active" for number in range(IMPORTED))
    lines = ["email,language,newsletters,status", *rows]
    owner = find_terminal_actor(state, OWNER)
    import_list(state, owner, [f"{line}\n".encode() for line in lines])


def run_cycle(state: EditingState) -> None:
    with open_pipeline(state.settings, state.clock) as pipeline:
        report = pipeline.run()
    assert not report.problems, report.problems


def _of_owner(verb: Callable[..., object]) -> Verb:
    return lambda state: verb(state, find_terminal_actor(state, OWNER), NAME)


VERBS: dict[str, Verb] = {
    "approve": approve,
    "request-changes": ask_for_changes,
    "edit": edit,
    "arrange": arrange,
    "undo-edit": undo_the_edit,
    "send-now": _of_owner(sending.send_now),
    "undo": _of_owner(sending.undo_sending),
    "pause": _of_owner(sending.pause_sending),
    "resume": _of_owner(sending.resume_sending),
    "cancel": _of_owner(sending.cancel_sending),
    "correct": correct,
    "announce": announce_closing,
    "import": import_file,
    "cycle": run_cycle,
}


def is_killed(
    folder: Path, environment: dict[str, str], now: datetime, verb: str, step: int
) -> bool:
    """Run a verb in a process that is killed at a step. Return whether it was, and had not ended."""
    process = _processes.Process(target=_run, args=(folder, environment, now, verb, step))
    process.start()
    process.join(PATIENCE)
    code = process.exitcode
    process.close()
    assert code in {0, -signal.SIGKILL}, f"{verb}, step {step}: ended with {code}"
    return code != 0


def _run(
    folder: Path, environment: dict[str, str], now: datetime, verb: str, step: int
) -> None:
    os.environ.update(environment)
    die_at(step)
    with open_editing_state(load_settings(folder), FixedClock(now)) as state:
        VERBS[verb](state)
