"""Answers of the API, compared with what its OpenAPI document says about their operation."""

import re
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from werkzeug.test import TestResponse

from publisher.web.api import document
from publisher.web.api.application import OPERATIONS
from publisher.web.api.operations import Operation

# All that the document has, itself too.
DOCUMENTED = (*OPERATIONS, document.operation(OPERATIONS))


@cache
def api_document() -> dict[str, Any]:
    return document.describe(DOCUMENTED)


def as_written(operation: Operation) -> str:
    """Return an operation's path as the document writes it."""
    return re.sub(r"<(\w+)>", r"{\1}", operation.path)


def described(operation: Operation) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the document says about an operation, and all its schemas."""
    found = api_document()
    one = found["paths"][as_written(operation)][operation.method.lower()]
    return one, found["components"]["schemas"]


def require_documented(operation: Operation, answer: TestResponse) -> None:
    """Fail unless status, media type and body of an answer are among those of its operation."""
    found, schemas = described(operation)
    shown = found["responses"].get(str(answer.status_code))
    assert shown, f"{answer.status_code} is not in the document: {answer.text}"
    (media_type,) = shown["content"]
    assert answer.mimetype == media_type
    schema = shown["content"][media_type]["schema"]
    Draft202012Validator({**schema, "components": {"schemas": schemas}}).validate(
        answer.get_json()
    )
