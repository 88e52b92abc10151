"""Operations about a list of subscribers: look at one, and import it. Larger ones go by the console."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from publisher.app.editing_state import Permission
from publisher.app.subscriber_lists import import_list, preview_list
from publisher.web.api.models import ApiValue
from publisher.web.api.operations import Operation
from publisher.web.api.problems import refused_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from publisher.web.api.context import ApiRequest
    from subscribers import BadRow

# Characters of a list, and bytes of a body with one: about 100,000 subscribers. It is parsed as a whole.
_LONGEST_LIST = 8_000_000
_MAX_LIST_BYTES = 8 * 1024 * 1024


class SubscriberRows(ApiValue):
    """A list of subscribers as CSV, with a line of column names."""

    csv: Annotated[str, Field(min_length=1, max_length=_LONGEST_LIST)]


class BadRowValue(ApiValue):
    """A row that is not imported; `column` is empty if it is about the whole row."""

    line: int
    column: str
    reason: str


class ListPreview(ApiValue):
    """What an import would find: the rows of `statuses`, and those that are `refused`, are all."""

    columns: dict[str, str] = Field(description="What each column is read as.")
    ignored: list[str] = Field(description="Columns that are not read.")
    statuses: dict[str, int]
    languages: dict[str, int]
    consented: int = Field(description="Rows that say when somebody agreed.")
    refused: int
    bad: list[BadRowValue]


class ListReport(ApiValue):
    """What was imported. Each row is in one of the five counts."""

    added: int
    updated: int
    unchanged: int
    kept: int = Field(description="Rows that would have brought somebody back.")
    refused: int
    bad: list[BadRowValue]


def _look(request: ApiRequest) -> ListPreview:
    with refused_values("/csv"):
        found = preview_list(request.state, request.actor, _lines(request))
    return ListPreview(
        columns=found.columns.understood,
        ignored=list(found.columns.ignored),
        statuses=dict(found.statuses),
        languages=dict(found.languages),
        consented=found.consented,
        refused=found.refused,
        bad=_bad(found.bad),
    )


def _import(request: ApiRequest) -> ListReport:
    with refused_values("/csv"):
        done = import_list(request.state, request.actor, _lines(request))
    return ListReport(
        added=done.added,
        updated=done.updated,
        unchanged=done.unchanged,
        kept=done.kept,
        refused=done.refused,
        bad=_bad(done.bad),
    )


def _lines(request: ApiRequest) -> io.BytesIO:
    body: SubscriberRows = request.body
    return io.BytesIO(body.csv.encode())


def _bad(rows: Sequence[BadRow]) -> list[BadRowValue]:
    return [BadRowValue(line=one.line, column=one.column, reason=one.reason) for one in rows]


_MANAGE = Permission.MANAGE_SUBSCRIBERS
OPERATIONS = (
    Operation(
        method="POST",
        path="/subscribers/import/preview",
        id="previewImport",
        summary="Read what an import of a list would find",
        access=_MANAGE,
        body=SubscriberRows,
        repeatable=True,
        max_body=_MAX_LIST_BYTES,
        answer=ListPreview,
        run=_look,
    ),
    Operation(
        method="POST",
        path="/subscribers/import",
        id="importSubscribers",
        summary="Add and correct subscribers from a list",
        access=_MANAGE,
        body=SubscriberRows,
        repeatable=True,
        max_body=_MAX_LIST_BYTES,
        answer=ListReport,
        run=_import,
    ),
)
