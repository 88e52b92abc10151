"""Assemble issues after their stories were arranged, in the background of the console.

Servers of pages load this before they serve, so it loads what renders mails when an issue is assembled.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from time import sleep
from typing import TYPE_CHECKING

from publisher.app.editing_state import EditingState
from publisher.fault_isolation import explain_fault
from publisher.issues import store
from publisher.issues.model import Issue, IssueReason, IssueState
from publisher.log import log

if TYPE_CHECKING:
    from publisher.rendering import Renderer

# Seconds after an edit for which the page that shows it, and the next press of a button, have the processor.
_AFTER_EDIT = 0.3


class BackgroundAssembly:
    """Has issues assembled that were arranged, in one thread, each as it is by then. What it does not get to, the next cycle does."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "assemble")

    def begin(self, state: EditingState, renderer: Renderer, issues: Sequence[Issue]) -> None:
        self._pool.submit(sleep, _AFTER_EDIT)
        for issue in issues:
            self._pool.submit(self._assemble, state, renderer, issue)

    def wait(self, *, others: bool = True) -> None:
        """Wait for what was begun; without `others`, for the one that is under way alone, and let nothing follow."""
        self._pool.shutdown(cancel_futures=not others)
        self._pool = ThreadPoolExecutor(1, "assemble")

    def _assemble(self, state: EditingState, renderer: Renderer, issue: Issue) -> None:
        try:
            with state.database.reading() as connection:
                # One that was changed once more comes again.
                is_newest = store.is_unchanged(connection, issue)
            if is_newest and issue.state is IssueState.ASSEMBLING:
                from publisher.app.issues.edits import render_again

                render_again(state, issue, renderer)
        except Exception as error:
            log.exception("an issue could not be assembled after an edit", issue=issue.name)
            with state.database.writing() as connection:
                if store.is_unchanged(connection, issue):
                    why = explain_fault(error)
                    store.set_reason(connection, issue, why, IssueReason.NOT_MADE)
