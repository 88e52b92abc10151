"""Values that operations take and answer, as JSON. Keys that are not known are refused."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from publisher.web.api.problems import ProblemError

DEFAULT_LIMIT, _MOST_ROWS = 50, 200


def _written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


# RFC 3339, in UTC.
Instant = Annotated[datetime, PlainSerializer(_written, return_type=str, when_used="json")]
Text = Annotated[str, Field(max_length=2000)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class ApiValue(BaseModel):
    """A JSON object. It is never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NoQuery(ApiValue):
    """An operation that takes no parameters."""


class NoBody(ApiValue):
    """An operation that takes no body."""


class Done(ApiValue):
    """What was asked for was done."""


class Page(ApiValue):
    """The parameters of a list."""

    cursor: Annotated[str, Field(max_length=500)] | None = Field(
        default=None, description="`next_cursor` of the page before."
    )
    limit: int = Field(
        default=DEFAULT_LIMIT, ge=1, le=_MOST_ROWS, description="At most so many."
    )


class PageInLanguage(Page):
    """The parameters of a list of one language, or of all that the key permits."""

    language: Name | None = Field(default=None, description="A language (BCP 47).")


def write_cursor(*place: str | int) -> str:
    """Return a cursor. It is opaque to clients; what it says is no secret, and is checked again."""
    text = json.dumps(place, ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str, *kinds: type) -> tuple[Any, ...]:
    """Return what a cursor says, values of these kinds; raise ProblemError if it does not."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        place = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, RecursionError):
        place = None
    if not isinstance(place, list) or [type(one) for one in place] != list(kinds):
        raise ProblemError(422, "the cursor is not one that this list has given")
    return tuple(place)
