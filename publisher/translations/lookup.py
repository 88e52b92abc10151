"""Find a story in a language, or say why there is none, and what a stale translation was made from."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from publisher.errors import TranslationError
from publisher.messages import message
from publisher.translations import staleness
from publisher.translations.listing import StoryLine, find_story
from publisher.translations.model import Cell, CellState

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from publisher.config import Settings


def offered_languages(settings: Settings, language: str | None) -> tuple[str, ...]:
    """Return a language of the publication, or all; raise TranslationError for another one."""
    served: tuple[str, ...] = tuple(settings.publication.languages)
    if language is None:
        return served
    if language not in served:
        raise TranslationError(
            message(
                "%(language)s: the publication does not have it; it has %(parts)s",
                language=language,
                parts=served,
            )
        )
    return (language,)


def require_story(
    connection: Connection, settings: Settings, key: str, language: str, now: datetime
) -> tuple[StoryLine, Cell]:
    """Return a story by its key, and its cell in a language; raise TranslationError if there is none."""
    line = find_story(connection, key, offered_languages(settings, language), now)
    if line is None:
        raise TranslationError(
            message(
                "%(key)s: no story has this key and an original; `publisher translations` lists them",
                key=key,
            )
        )
    return line, line.cells[0]


def source_of_stale(connection: Connection, line: StoryLine, cell: Cell) -> str:
    """Return the hash of the words that a stale translation was made from.

    Raise TranslationError for one that is not stale, or of which nothing is known.
    """
    if cell.changed_at is None or cell.article_id is None:
        raise TranslationError(
            message(
                "%(key)s in %(language)s: %(why)s",
                key=line.key,
                language=cell.language,
                why=_why_nothing_changed(cell),
            )
        )
    return staleness.source_hash(connection, cell.article_id)


def _why_nothing_changed(cell: Cell) -> str:
    if cell.state is not CellState.STALE:
        return message("is not stale")
    if cell.converted_from is not None:
        return message(
            "is converted from %(source)s, and stale with it", source=cell.converted_from
        )
    return message("only its own document calls it stale")
