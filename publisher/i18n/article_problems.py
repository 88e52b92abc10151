"""What can be wrong with an article: the kinds of problems, what each means, and what to do.

A problem is a value. Parsers, the sanitiser and sites return problems together with what they
made; `publisher.ingest.problems` decides which of them hold an article back and stores them.
"""

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple


class ProblemKind(StrEnum):
    """The kind of a problem, as it is stored, listed and named in `[source.problems]`."""

    EMPTY_VALUE = "empty-value"
    TEMPLATE_LEFTOVER = "template-leftover"
    TEMPLATE_ERROR = "template-error"
    MISSING_INCLUDE = "missing-include"
    UNKNOWN_TAG = "unknown-tag"
    UNKNOWN_SHORTCODE = "unknown-shortcode"
    UNKNOWN_COMPONENT = "unknown-component"
    MISSING_PICTURE = "missing-picture"
    UNSUPPORTED_PICTURE = "unsupported-picture"
    PICTURE_WITHOUT_ALT = "picture-without-alt"
    MISSING_ATTACHMENT = "missing-attachment"
    UNDEFINED_REFERENCE = "undefined-reference"
    BROKEN_LINK = "broken-link"
    DEAD_LINK = "dead-link"
    UNPUBLISHED_PAGE = "unpublished-page"
    UNCOPIED_FILE = "uncopied-file"
    REMOVED_LINK = "removed-link"
    LOST_ADDRESS = "lost-address"
    REMOVED_FRAME = "removed-frame"
    REMOVED_ELEMENT = "removed-element"
    UNDATED = "undated"
    UNLINKED_TRANSLATION = "unlinked-translation"
    UNKNOWN_FIELD = "unknown-field"
    OTHER_LANGUAGE = "other-language"
    LANGUAGE_DOUBTFUL = "language-doubtful"
    # The program adds these two itself.
    NO_ARTICLE = "no-article"
    MORE_PROBLEMS = "more-problems"


class ProblemAction(StrEnum):
    """What a problem leads to: the article is held back, the problem is listed, or nothing."""

    HOLD = "hold"
    REPORT = "report"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class ArticleProblem:
    """One problem of one document.

    `line` counts from 1 in the file, None if it is not known. `what` is the value that is wrong,
    with some words around it where the line is not known.
    """

    kind: ProblemKind
    line: int | None
    what: str


class ProblemText(NamedTuple):
    """What a kind means for readers, what to do about it, and what it leads to by default."""

    meaning: str
    remedy: str
    action: ProblemAction


def _read_texts() -> dict[ProblemKind, ProblemText]:
    tables = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
    return {
        ProblemKind(kind): ProblemText(
            text["meaning"], text["remedy"], ProblemAction(text.get("action", "report"))
        )
        for kind, text in tables.items()
    }


PROBLEM_TEXTS = _read_texts()
