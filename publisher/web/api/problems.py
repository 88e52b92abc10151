"""Errors as `application/problem+json` (RFC 9457), each with the sentence that says what to do."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import flask
from werkzeug.exceptions import HTTPException

from publisher import errors
from publisher.log import log
from publisher.web.pages.errors import RETRY_SECONDS, record_fault

MEDIA_TYPE = "application/problem+json"
_SENTENCES = {
    404: "there is no such resource; the operations are in /api/v1/openapi.json",
    405: "the resource does not have this method; Allow names those that it has",
    413: "the body is too long",
}


class ProblemError(Exception):
    """A request that is refused: status, sentence, what is wrong where, header fields."""

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}


@contextmanager
def refused_values(pointer: str = "") -> Iterator[None]:
    """Answer with 422 for a value of the body that is refused, by the loader of settings for example."""
    try:
        yield
    except errors.ChangedFileError:
        raise
    except (errors.ConfigError, errors.UsageError) as error:
        text = _without_path(error) if isinstance(error, errors.ConfigError) else str(error)
        raise ProblemError(422, text, [{"pointer": pointer, "detail": text}]) from error


def problem_answer(error: Exception) -> flask.Response:
    problem = _problem(error)
    value: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
    }
    if problem.errors:
        value["errors"] = list(problem.errors)
    response = flask.Response(
        json.dumps(value, ensure_ascii=False), problem.status, mimetype=MEDIA_TYPE
    )
    response.headers.extend(dict(problem.headers))
    return response


def _problem(error: Exception) -> ProblemError:
    """Return what an error means for the client, and record what is not its own."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, HTTPException):
        return _of_http(error)
    is_ours = isinstance(error, errors.PublisherError) and not isinstance(
        error, errors.RenderingError
    )
    return _of_ours(error) if is_ours else _fault(error)


def _of_ours(error: Exception) -> ProblemError:
    match error:
        case errors.ForbiddenError():
            return ProblemError(403, str(error))
        case errors.ApiRequestError():
            is_busy = error.status == HTTPStatus.CONFLICT
            return _later(error.status, str(error), RETRY_SECONDS if is_busy else 0)
        case errors.LimitError():
            return _later(429, str(error), error.retry_after)
        case errors.DatabaseError():
            log.warning("a request to the API could not be answered", reason=str(error))
            return _later(503, "the database is busy; try again", RETRY_SECONDS)
        case errors.ConfigError():
            is_changed = isinstance(error, errors.ChangedFileError)
            return ProblemError(412 if is_changed else 409, _without_path(error))
        case _:
            # What does not exist is not found; what can't be done now conflicts.
            is_nowhere = isinstance(error, errors.UsageError | errors.DraftGoneError)
            is_old = isinstance(error, errors.DraftConflictError) and error.kind == "draft"
            return ProblemError(404 if is_nowhere else 412 if is_old else 409, str(error))


def _later(status: int, detail: str, seconds: int) -> ProblemError:
    headers = {"Retry-After": str(seconds)} if seconds else {}
    return ProblemError(status, detail, headers=headers)


def _without_path(error: errors.ConfigError) -> str:
    """Return what is wrong without saying where the file is on the machine."""
    text = f"{error.problem}; {error.remedy}"
    return f"{error.key}: {text}" if error.key else text


def _of_http(error: HTTPException) -> ProblemError:
    status = error.code or 500
    kept = {"Allow", "Retry-After"}
    headers = {name: value for name, value in error.get_headers(None, None) if name in kept}
    sentence = _SENTENCES.get(
        status, HTTPStatus(status).description or HTTPStatus(status).phrase
    )
    return ProblemError(status, sentence, headers=headers)


def _fault(error: Exception) -> ProblemError:
    number = record_fault("a request to the API failed", error)
    return ProblemError(500, f"a fault of the program; the log has it under {number}")
