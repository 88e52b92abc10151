"""Stories by languages as a table, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from publisher.cli.common import count_noun, make_table, rfc3339_or_none

if TYPE_CHECKING:
    from rich.table import Table

    from publisher.app.status import PublicationStatus
    from publisher.app.translations import Cell, StoryLine, TranslationPage


def minute(instant: datetime | None) -> str:
    """Return an instant, as lines and tables show it."""
    return f"{instant:%Y-%m-%d %H:%M} UTC" if instant else ""


def translation_table(page: TranslationPage) -> Table:
    """Return a table with a column for each language."""
    table = make_table("Story", "Date", "Title", *page.languages)
    for line in page.stories:
        cells = (_words(cell) for cell in line.cells)
        table.add_row(line.key, line.published_on.isoformat(), line.title, *cells)
    return table


def _words(cell: Cell) -> str:
    """Return a cell in words: its state, whose it is, and until when."""
    claim, words = cell.claim, cell.state.value.replace("-", " ")
    if claim is None:
        by = ", ".join(cell.by)
        return f"{words} by {by}" if by else words
    until = f" until {minute(claim.until)}" if claim.until else ""
    why = f": {claim.reason}" if claim.reason else ""
    said = f"{claim.state.replace('-', ' ')} by {claim.by}{until}{why}"
    return said if said.startswith(words) else f"{words} ({said})"


def translation_lines(facts: PublicationStatus) -> Iterator[str]:
    """Yield lines of `publisher status` about translations that need somebody."""
    show = "publisher translations --lang"
    for tag, count in facts.expired_promises.items():
        number = count_noun(count, "promised translation")
        yield f"{number} into {tag} did not come in time: {show} {tag} --state missing"
    for tag, count in facts.stale_translations.items():
        number = count_noun(count, "translation")
        yield f"{number} into {tag} whose original has changed: {show} {tag} --state stale"


def story_as_json(line: StoryLine) -> dict[str, Any]:
    """Return a story as JSON values."""
    return {
        "story": line.key,
        "language": line.language,
        "title": line.title,
        "published": rfc3339_or_none(line.published_at),
        "languages": {cell.language: _cell_as_json(cell) for cell in line.cells},
    }


def _cell_as_json(cell: Cell) -> dict[str, Any]:
    claim = cell.claim
    said = claim and {
        "state": claim.state.value,
        "by": claim.by,
        "until": rfc3339_or_none(claim.until),
        "reason": claim.reason,
        "since": rfc3339_or_none(claim.changed_at),
    }
    return {
        "state": cell.state.value,
        "title": cell.title or None,
        "translators": list(cell.by),
        "available": rfc3339_or_none(cell.available_at),
        "original_changed": rfc3339_or_none(cell.changed_at),
        "claim": said,
    }
