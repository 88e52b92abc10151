"""What a kind of source on the web is given to ask with, and what it hands back. The processes of parsers import this."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from publisher.errors import SourceError
from publisher.polling.model import WebEntry
from publisher.polling.schedule import PollAnswer

if TYPE_CHECKING:
    from pydantic import SecretStr

    from publisher.config.sources import PolledSourceSettings
    from publisher.fetching.limits import FetchProblem
    from publisher.polling.identity import EntryMarks
    from publisher.polling.store import PolledSource


@dataclass(frozen=True, slots=True)
class Asking:
    """One poll of a source. `known` are the marks of stored entries by key, `secrets` are by variables.

    `get` fetches an address with header fields, a pause after the one before, or seconds that may be named; it raises
    FetchError. `parse` calls a function of a module with foreign bytes, in a process with limits; it raises AnswerError.
    `agent` is what robots.txt calls this program, `root` the publication's folder.
    """

    source: PolledSource
    options: PolledSourceSettings
    now: datetime
    get: Callable[..., tuple[PollAnswer, bytes]]
    parse: Callable[..., Any]
    known: Callable[[], Mapping[str, EntryMarks]]
    secrets: Mapping[str, SecretStr]
    agent: str
    root: Path


class RefusedError(SourceError):
    """An answer that is not 200."""

    def __init__(self, answer: PollAnswer) -> None:
        super().__init__(f"it answered {answer.status}")
        self.answer = answer


@dataclass(frozen=True, slots=True)
class PollOutcome:
    """What a source answered. Without entries it has none that are new, or could not be read.

    `cursor` is what its kind stores for the next poll; None for that of before.
    """

    source: PolledSource
    answer: PollAnswer
    entries: tuple[WebEntry, ...] = ()
    note: str = ""
    failure: FetchProblem | None = None
    cursor: str | None = None
    # The hub and topic of WebSub that the document names; None if it was not read.
    hub: tuple[str, str] | None = None
