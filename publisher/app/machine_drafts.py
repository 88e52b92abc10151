"""A machine's draft of a translation, by the command of the table [translation]. Nobody publishes one unread.

The command gets JSON on its standard input: `from` and `to` (language tags), `title`, `summary`, and `paragraphs` of
Markdown. It writes JSON to its standard output: `title`, `summary`, `paragraphs`, and `by`, the machine's name, if that
is not the command's.
"""

import json
from pathlib import PurePath
from threading import BoundedSemaphore
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from publisher.accounts.model import Actor
from publisher.app.drafts import clean_field, find_original, require_draft
from publisher.app.editing_state import EditingState
from publisher.drafts import store
from publisher.drafts.store import Draft
from publisher.errors import DraftConflictError, DraftError
from publisher.processes.commands import run_program

# Commands that run at once: each holds a thread that answers requests.
_AT_ONCE = BoundedSemaphore(2)


class MachineAnswer(BaseModel):
    """What the command has written."""

    title: str = Field(min_length=1)
    summary: str = ""
    paragraphs: list[str]
    by: str = ""


def make_machine_draft(
    state: EditingState, actor: Actor, number: int, version: int, *, replace: bool = False
) -> Draft:
    """Write title, summary and text of a translation by machine. Raise DraftError or CommandError, and change nothing."""
    with state.database.reading() as connection:
        draft = require_draft(connection, actor, number)
        original = find_original(state, connection, draft)
    if original is None or not state.settings.translation.command:
        raise DraftError.saying("no machine translates this")
    if draft.version != version:
        raise DraftConflictError("draft")
    if draft.has_words and not replace:
        raise DraftError.saying("this draft has words already; say that they may be replaced")
    asked = {"from": original.row.language, "to": draft.language, "title": original.row.title}
    asked |= {"summary": original.text.fields["summary"], "paragraphs": original.paragraphs}
    answer = _answer(state, asked)
    given = {"title": answer.title, "summary": answer.summary}
    given |= {"text": "\n\n".join(answer.paragraphs)}
    words = {name: clean_field(name, text) for name, text in given.items()}
    with state.changing(actor, "machine draft", f"draft {number}", {"by": answer.by}) as change:
        draft = require_draft(change.connection, actor, number)
        more = {"machine": answer.by, "read_by": ""}
        fields, now = {**draft.fields, **words}, state.clock.now()
        return store.change_draft(change.connection, draft, version, now, fields, **more)


def _answer(state: EditingState, asked: dict[str, Any]) -> MachineAnswer:
    table, folder = state.settings.translation, state.settings.folders.root
    if not _AT_ONCE.acquire(blocking=False):
        raise DraftError.saying("other machine drafts are being made; try again in a minute")
    try:
        given = json.dumps(asked).encode()
        output = run_program(table.command, folder, seconds=table.timeout, given=given)
        found = MachineAnswer.model_validate_json(output)
    except ValidationError as error:
        (first, *_others) = error.errors()
        where = ".".join(map(str, first["loc"])) or "JSON"
        raise DraftError.saying(
            "the answer of the machine can't be used: %(where)s", where=where
        ) from None
    finally:
        _AT_ONCE.release()
    name = (
        " ".join(clean_field("by", found.by).split())[:100] or PurePath(table.command[0]).name
    )
    return found.model_copy(update={"by": name})
