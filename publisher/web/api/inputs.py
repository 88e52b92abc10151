"""Read what a request asks for: its query and its JSON body, each checked by the operation's model.

What a parser would accept in two ways is refused: keys that come twice, keys that nobody knows, a body
where none belongs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import flask
from pydantic import BaseModel, ValidationError

from publisher.web.api.operations import Operation
from publisher.web.api.problems import ProblemError

_JSON = "application/json"
# Of errors that are listed.
_MOST_ERRORS = 20


def read_query(model: type[BaseModel]) -> BaseModel:
    """Return the parameters of the address; raise ProblemError (422) for wrong ones."""
    given = flask.request.args
    for name, values in given.lists():
        if len(values) > 1:
            raise _wrong([{"parameter": name, "detail": "is given more than once"}])
    try:
        return model.model_validate(given.to_dict())
    except ValidationError as error:
        found = [
            {"parameter": ".".join(map(str, place)), "detail": text}
            for place, text in _errors(error)
        ]
        raise _wrong(found) from None


def read_body(operation: Operation) -> BaseModel:
    """Return the body; raise ProblemError (400, 415, 422) for a wrong one."""
    content = flask.request.get_data()
    if not operation.takes_body:
        if content:
            raise ProblemError(400, "this operation takes no body")
        return operation.body()
    if flask.request.mimetype != _JSON:
        raise ProblemError(415, f"the body has to be {_JSON}", headers={"Accept": _JSON})
    value = _parsed(content)
    try:
        # In the mode for JSON, which is stricter than that for Python's values; parsed twice, since
        # that one takes keys that come twice.
        return operation.body.model_validate_json(json.dumps(value))
    except ValidationError as error:
        found = [{"pointer": _pointer(place), "detail": text} for place, text in _errors(error)]
        raise _wrong(found) from None


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(
            content.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_number
        )
    except (ValueError, RecursionError):
        raise ProblemError(
            400, "the body is not JSON in UTF-8, or has a key more than once"
        ) from None


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key comes twice")
    return value


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _errors(error: ValidationError) -> list[tuple[tuple[int | str, ...], str]]:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return [(one["loc"], one["msg"]) for one in found[:_MOST_ERRORS]]


def _pointer(place: tuple[int | str, ...]) -> str:
    """Return a JSON Pointer (RFC 6901)."""
    return "".join(f"/{str(one).replace('~', '~0').replace('/', '~1')}" for one in place)


def _wrong(errors: Sequence[dict[str, str]]) -> ProblemError:
    where = errors[0].get("parameter") or errors[0].get("pointer") or "the body"
    return ProblemError(422, f"{where}: {errors[0]['detail']}", errors)
