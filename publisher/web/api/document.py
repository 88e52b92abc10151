"""The OpenAPI 3.1 document, made from the tables of operations."""

import json
import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, RootModel
from pydantic.json_schema import models_json_schema

import publisher
from publisher.web.api.operations import AnyKey, Operation

_SCHEMAS = "#/components/schemas/{model}"
_PROBLEMS = {
    "400": "The body is not JSON.",
    "401": "No key of the API that counts came with the request.",
    "403": "The key does not permit it, or not in this language.",
    "404": "What the path names does not exist.",
    "409": "It can't be done now, or the same request is being carried out.",
    "422": "A parameter or the body is wrong; `errors` says where.",
    "429": "Too many requests; wait as long as `Retry-After` says.",
    "503": "The database is busy; wait as long as `Retry-After` says.",
}
_BODY_PROBLEMS = {
    "413": "The body is longer than 64 kB; 2 MB with a draft, 8 MB with a list of subscribers, 26 MB with a picture.",
    "415": "The body is not `application/json`.",
}
_GUARD_PROBLEMS = {
    "412": "What was read has changed since; read it again.",
    "428": "`If-Match` is missing.",
}
_PROBLEM_SCHEMA = {
    "type": "object",
    "description": "An error (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What happened, and what to do."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "parameter": {"type": "string"},
                    "pointer": {"type": "string", "description": "A JSON Pointer (RFC 6901)."},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}


class Document(RootModel[dict[str, Any]]):
    """An OpenAPI document."""

    model_config = ConfigDict(frozen=True)


def operation(operations: tuple[Operation, ...]) -> Operation:
    """Return the operation that answers with the document, which describes itself, too."""
    # Made when it is first asked for, which takes longer than the rest of the application.
    own = Operation(
        method="GET",
        path="/openapi.json",
        id="readDocument",
        summary="Read this document",
        access=AnyKey.ANY_KEY,
        answer=Document,
        tagged=True,
        run=lambda _request: _document((*operations, own)),
    )
    return own


@cache
def _document(operations: tuple[Operation, ...]) -> Document:
    return Document(describe(operations))


def describe(operations: Sequence[Operation]) -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    references, schemas = _schemas(operations)
    for operation in operations:
        path = re.sub(r"<(\w+)>", r"{\1}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _described(operation, references)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "newsletter-publisher",
            "version": publisher.__version__,
            "summary": "What programs may do with a publication.",
        },
        "servers": [{"url": "/api/v1"}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas | {"Problem": _PROBLEM_SCHEMA},
        },
    }


def _schemas(
    operations: Sequence[Operation],
) -> tuple[dict[tuple[Any, str], Any], dict[str, Any]]:
    """Return a reference for each model in each mode, and the schemas that they lead to."""
    wanted: dict[tuple[type[BaseModel], Any], None] = {}
    for operation in operations:
        wanted[operation.answer, "serialization"] = None
        if operation.takes_body:
            wanted[operation.body, "validation"] = None
    references, schemas = models_json_schema([*wanted], ref_template=_SCHEMAS)
    found = {(model, str(mode)): schema for (model, mode), schema in references.items()}
    return found, schemas.get("$defs", {})


def _described(operation: Operation, references: dict[Any, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "description": _access_text(operation),
        "parameters": [*_parameters(operation)],
        "responses": _responses(operation, references),
    }
    if operation.takes_body:
        content = {"application/json": {"schema": references[operation.body, "validation"]}}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _access_text(operation: Operation) -> str:
    if isinstance(operation.access, AnyKey):
        return "Any key may do it."
    where = {"issue": " in the language of the issue", "path": " in that language"}
    of = where.get(operation.about.value, "")
    return f"Needs the scope `{operation.access}`{of}."


def _parameters(operation: Operation) -> Iterable[dict[str, Any]]:
    for part in operation.parts:
        yield {"name": part, "in": "path", "required": True, "schema": {"type": "string"}}
    query = operation.query.model_json_schema(ref_template=_SCHEMAS)
    inlined = query.get("$defs", {})
    for name, schema in query.get("properties", {}).items():
        required = name in query.get("required", [])
        shown = {"name": name, "in": "query", "required": required}
        yield {**shown, "schema": _inlined(schema, inlined)}
    if operation.takes_client_key:
        yield _header("Idempotency-Key", "The same request is carried out once within a day.")
    if operation.guarded:
        yield _header("If-Match", "The ETag of what was read.", required=True)


def _inlined(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter without references: few have any."""
    text = json.dumps(schema)
    for name, definition in definitions.items():
        text = text.replace(
            json.dumps({"$ref": _SCHEMAS.format(model=name)}), json.dumps(definition)
        )
    found: dict[str, Any] = json.loads(text)
    return found


def _header(name: str, text: str, *, required: bool = False) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1, "maxLength": 200}
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": text,
        "schema": schema,
    }


def _responses(operation: Operation, references: dict[Any, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": references[operation.answer, "serialization"]}}
    done: dict[str, Any] = {
        "description": operation.answer.__doc__ or operation.summary,
        "content": content,
    }
    if operation.tagged:
        done["headers"] = {"ETag": {"schema": {"type": "string"}}}
    problem = {
        "application/problem+json": {"schema": {"$ref": _SCHEMAS.format(model="Problem")}}
    }
    problems = _PROBLEMS | (_BODY_PROBLEMS if operation.takes_body else {})
    problems |= _GUARD_PROBLEMS if operation.guarded else {}
    refused = {
        status: {"description": text, "content": problem} for status, text in problems.items()
    }
    return {"200": done} | refused
