"""Operations about subscribers, whose addresses are in bodies only. Larger lists go by the console."""

import io
from typing import Annotated, Any

from pydantic import AliasPath, Field

from publisher.app.editing_state import Permission
from publisher.app.subscribers import actions
from publisher.app.subscribers.lists import import_list, preview_list
from publisher.app.subscribers.numbers import read_numbers
from publisher.web.api.operations import About, ApiValue, Name, OperationTable, Text
from publisher.web.api.problems import ProblemError, refused_values
from publisher.web.api.requests import ApiRequest
from subscribers.errors import BadAddressError
from subscribers.model import SubscriberStatus

OPERATIONS = OperationTable()


class SubscriberAnswer(ApiValue):
    """A subscriber."""

    subscriber: int = Field(validation_alias="id")
    address: str
    name: str
    language: str
    timezone: str | None
    status: SubscriberStatus
    subscriptions: dict[str, SubscriberStatus] = Field(description="By newsletter.")
    fields: dict[str, str] = Field(description="Of the publication's own, by name.")


@OPERATIONS.add(
    "POST /subscribers/search", Permission.SEE_SUBSCRIBERS, about=About.EACH, repeatable=True
)
def _find_subscriber(
    request: ApiRequest, *, address: Annotated[str, Field(min_length=3, max_length=320)]
) -> SubscriberAnswer:
    """Find the subscriber of an address."""
    try:
        found = request.call(actions.find_subscriber_number, address)
    except BadAddressError as error:
        raise ProblemError(
            422, str(error), [{"pointer": "/address", "detail": str(error)}]
        ) from error
    return SubscriberAnswer.of(found)


class NumbersValue(ApiValue):
    """The list and what was mailed to it, in counts. Nothing of it is tracked."""

    numbers: dict[str, Any] = Field(
        description="As `publisher subscribers numbers --json` prints it."
    )


@OPERATIONS.add("GET /subscribers/numbers", Permission.VIEW)
def _read_numbers(request: ApiRequest) -> NumbersValue:
    """Read how many subscribers there are, who joined and left, and what became of issues."""
    return NumbersValue(numbers=read_numbers(request.state))


@OPERATIONS.add(
    "GET /subscribers/<subscriber>", Permission.SEE_SUBSCRIBERS, about=About.EACH, tagged=True
)
def _read_subscriber(request: ApiRequest, subscriber: int) -> SubscriberAnswer:
    """Read a subscriber."""
    return SubscriberAnswer.of(request.call(actions.read_subscriber, subscriber))


@OPERATIONS.add(
    "POST /subscribers/<subscriber>/unsubscribe",
    Permission.MANAGE_SUBSCRIBERS,
    about=About.EACH,
    repeatable=True,
)
def _unsubscribe(
    request: ApiRequest,
    subscriber: int,
    *,
    newsletter: Annotated[
        Name | None, Field(description="Which is left; null for all.")
    ] = None,
    note: Annotated[Text, Field(description="Kept in the history, like who asked.")] = "",
) -> SubscriberAnswer:
    """Unsubscribe somebody who asked you to."""
    change = request.call(actions.unsubscribe_somebody, subscriber, newsletter, note)
    return SubscriberAnswer.of(change.after)


@OPERATIONS.add(
    "DELETE /subscribers/<subscriber>", Permission.MANAGE_SUBSCRIBERS, about=About.EACH
)
def _erase_subscriber(request: ApiRequest, subscriber: int) -> None:
    """Delete all that is stored of a subscriber, for good."""
    request.call(actions.erase_somebody, subscriber)


# Characters of a list, and bytes of a body with one: about 100,000 subscribers. It is parsed as a whole.
_LONGEST_LIST = 8_000_000
_MAX_LIST_BYTES = 8 * 1024 * 1024
ListText = Annotated[
    str,
    Field(min_length=1, max_length=_LONGEST_LIST, description="CSV, with a line of columns."),
]


class BadRowValue(ApiValue):
    """A row that is not imported; `column` is empty if it is about the whole row."""

    line: int
    column: str
    reason: str


class ListPreview(ApiValue):
    """What an import would find: the rows of `statuses`, and those that are `refused`, are all."""

    columns: dict[str, str] = Field(
        validation_alias=AliasPath("columns", "understood"),
        description="What each column is read as.",
    )
    ignored: list[str] = Field(
        validation_alias=AliasPath("columns", "ignored"),
        description="Columns that are not read.",
    )
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


_OF_LISTS: Any = {"repeatable": True, "max_body": _MAX_LIST_BYTES}


@OPERATIONS.add("POST /subscribers/import/preview", Permission.MANAGE_SUBSCRIBERS, **_OF_LISTS)
def _preview_import(request: ApiRequest, *, csv: ListText) -> ListPreview:
    """Read what an import of a list would find."""
    with refused_values("/csv"):
        return ListPreview.of(request.call(preview_list, io.BytesIO(csv.encode())))


@OPERATIONS.add("POST /subscribers/import", Permission.MANAGE_SUBSCRIBERS, **_OF_LISTS)
def _import_subscribers(request: ApiRequest, *, csv: ListText) -> ListReport:
    """Add and correct subscribers from a list."""
    with refused_values("/csv"):
        return ListReport.of(request.call(import_list, io.BytesIO(csv.encode())))
