"""Operations about subscribers: find one, read, unsubscribe, erase. Addresses are in bodies only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from publisher.app.editing_state import Permission
from publisher.app.subscriber_numbers import (
    erase_number,
    find_subscriber_number,
    read_subscriber,
    unsubscribe_number,
)
from publisher.web.api.models import ApiValue, Done, Name, Text
from publisher.web.api.operations import About, Operation
from publisher.web.api.problems import ProblemError
from publisher.web.links import parse_id
from subscribers import BadAddressError, SubscriberStatus

if TYPE_CHECKING:
    from publisher.web.api.context import ApiRequest
    from subscribers import Subscriber


class AddressWanted(ApiValue):
    """Whom a search is for."""

    address: Annotated[str, Field(min_length=3, max_length=320)]


class SubscriberAnswer(ApiValue):
    """A subscriber."""

    subscriber: int
    address: str
    name: str
    language: str
    timezone: str | None
    status: SubscriberStatus
    subscriptions: dict[str, SubscriberStatus] = Field(description="By newsletter.")


class Unsubscription(ApiValue):
    """What is left: one newsletter, or all (null)."""

    newsletter: Name | None = None
    note: Text = Field(default="", description="Kept in the history, for example who asked.")


def _find(request: ApiRequest) -> SubscriberAnswer:
    try:
        found = find_subscriber_number(request.state, request.actor, request.body.address)
    except BadAddressError as error:
        raise ProblemError(
            422, str(error), [{"pointer": "/address", "detail": str(error)}]
        ) from error
    return _value(found)


def _read(request: ApiRequest, subscriber: str) -> SubscriberAnswer:
    return _value(read_subscriber(request.state, request.actor, _number(subscriber)))


def _unsubscribe(request: ApiRequest, subscriber: str) -> SubscriberAnswer:
    body: Unsubscription = request.body
    number = _number(subscriber)
    person = unsubscribe_number(
        request.state, request.actor, number, body.newsletter, body.note
    )
    return _value(person)


def _erase(request: ApiRequest, subscriber: str) -> Done:
    erase_number(request.state, request.actor, _number(subscriber))
    return Done()


def _number(text: str) -> int:
    number = parse_id(text)
    if number is None:
        raise ProblemError(404, "a subscriber has a number")
    return number


def _value(person: Subscriber) -> SubscriberAnswer:
    return SubscriberAnswer(
        subscriber=person.id,
        address=person.address,
        name=person.name,
        language=person.language,
        timezone=person.timezone,
        status=person.status,
        subscriptions=person.subscriptions,
    )


OPERATIONS = (
    Operation(
        method="POST",
        path="/subscribers/search",
        id="findSubscriber",
        summary="Find the subscriber of an address",
        access=Permission.SEE_SUBSCRIBERS,
        about=About.EACH,
        body=AddressWanted,
        repeatable=True,
        answer=SubscriberAnswer,
        run=_find,
    ),
    Operation(
        method="GET",
        path="/subscribers/<subscriber>",
        id="readSubscriber",
        summary="Read a subscriber",
        access=Permission.SEE_SUBSCRIBERS,
        about=About.EACH,
        answer=SubscriberAnswer,
        tagged=True,
        run=_read,
    ),
    Operation(
        method="POST",
        path="/subscribers/<subscriber>/unsubscribe",
        id="unsubscribe",
        summary="Unsubscribe somebody who asked you to",
        access=Permission.MANAGE_SUBSCRIBERS,
        about=About.EACH,
        body=Unsubscription,
        repeatable=True,
        answer=SubscriberAnswer,
        run=_unsubscribe,
    ),
    Operation(
        method="DELETE",
        path="/subscribers/<subscriber>",
        id="eraseSubscriber",
        summary="Delete all that is stored of a subscriber, for good",
        access=Permission.MANAGE_SUBSCRIBERS,
        about=About.EACH,
        answer=Done,
        run=_erase,
    ),
)
