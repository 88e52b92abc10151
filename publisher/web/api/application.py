"""The Flask application of the API, made from the tables of operations."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import quote

import flask
from pydantic import BaseModel
from werkzeug.exceptions import HTTPException

from publisher.accounts.api_keys import RequestKey, StoredAnswer
from publisher.app.editing_state import Actor, EditingState, Permission
from publisher.app.operation import api_answers
from publisher.errors import ForbiddenError
from publisher.web.api import (
    administration,
    articles,
    document,
    drafts,
    requests,
    settings,
    sources,
    subscribers,
    translations,
)
from publisher.web.api.issues import (
    approvals,
    calendar,
    corrections,
    overview,
    previews,
    report,
)
from publisher.web.api.operations import About, Operation
from publisher.web.api.problems import ProblemError, problem_answer
from publisher.web.api.requests import ApiContext, ApiRequest

PREFIX = "/api/v1"
_LONGEST_CLIENT_KEY = 200
# Of an issue a number, of a file its hash.
_TAG = re.compile(r'"([0-9a-f]{1,64})\.[0-9a-f]{32}"')
_LONGEST_NUMBER = 15

OPERATIONS: tuple[Operation, ...] = (
    *overview.OPERATIONS,
    *previews.OPERATIONS,
    *approvals.OPERATIONS,
    *report.OPERATIONS,
    *corrections.OPERATIONS,
    *calendar.OPERATIONS,
    *translations.OPERATIONS,
    *articles.OPERATIONS,
    *drafts.OPERATIONS,
    *sources.OPERATIONS,
    *settings.OPERATIONS,
    *subscribers.OPERATIONS,
)
# Names that may have slashes: the path of a source, an address.
_WITH_SLASHES = re.compile(r"<(source|address)>")
# Of `publisher api` alone.
TERMINAL_OPERATIONS: tuple[Operation, ...] = tuple(administration.OPERATIONS)


def create_api(
    context: ApiContext,
    operations: tuple[Operation, ...] = OPERATIONS,
    *,
    sender: Actor | None = None,
) -> flask.Flask:
    """Return the application. Each request needs a key, or all are of a `sender` in this process, and errors of ours are raised."""
    app = flask.Flask("publisher.web.api", static_folder=None, template_folder=None)
    app.url_map.strict_slashes = True
    # A name that begins with a slash is no other name: it is redirected nowhere.
    app.url_map.merge_slashes = False
    app.config["PROPAGATE_EXCEPTIONS"] = sender is not None
    for kind in (Exception,) if sender is None else (ProblemError, HTTPException):
        app.register_error_handler(kind, problem_answer)
    if sender is None:
        app.before_request(context.require_own_host)
        app.after_request(context.protected)
    limits = requests.RequestLimits()
    for operation in (*operations, document.operation(operations)):
        app.add_url_rule(
            _WITH_SLASHES.sub(r"<path:\1>", f"{PREFIX}{operation.path}"),
            operation.id,
            partial(
                _answer,
                context,
                operation,
                lambda: sender or requests.find_sender(context, limits),
            ),
            methods=[operation.method],
            provide_automatic_options=False,
        )
    return app


@dataclass(frozen=True, slots=True)
class OperationCall:
    """What somebody asks an operation in this process; `if_match` is the version that was read, None the present."""

    parts: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes | None = None
    if_match: str | None = None


def call_operation(
    context: ApiContext, sender: Actor, operation: Operation, call: OperationCall
) -> tuple[int, Any]:
    """Do an operation for an actor, and return the status and JSON of its answer; raise errors of ours."""
    app = create_api(context, (*OPERATIONS, *TERMINAL_OPERATIONS), sender=sender)
    client = app.test_client(use_cookies=False)
    path = re.sub(
        r"<(\w+)>",
        lambda part: quote(call.parts[part[1]], safe=""),
        f"{PREFIX}{operation.path}",
    )
    headers = {}
    if operation.guarded:
        tag = None if call.if_match is None else f'"{call.if_match}.{"0" * 32}"'
        # What is guarded is an issue, a person or a table: /api/v1/KIND/NAME.
        read = "/".join(path.split("/")[:5])
        present = client.get(read).headers.get("ETag", "") if tag is None else tag
        headers["If-Match"] = present
    answer = client.open(
        path,
        method=operation.method,
        query_string=call.query,
        headers=headers,
        data=call.body,
        content_type=None if call.body is None else "application/json",
    )
    return answer.status_code, answer.get_json()


def _answer(
    context: ApiContext, operation: Operation, find_actor: Callable[[], Actor], **parts: str
) -> flask.Response:
    """Let in whom the operation permits, check what is asked for, and do it."""
    actor = find_actor()
    state = context.state(may_write=operation.is_unsafe)
    _require_access(state, actor, operation, parts)
    flask.request.max_content_length = operation.max_body
    given = _given_revision(operation)
    revision = _issue_revision(given, parts) if operation.about is About.ISSUE else None
    request = ApiRequest(
        state=api_answers.guarded_state(state, revision=revision) if revision else state,
        actor=actor,
        query=requests.read_query(operation.query),
        body=requests.read_body(operation),
        opened=context.opened,
        revision=given,
    )
    run = partial(operation.run, **parts)
    client_key = flask.request.headers.get("Idempotency-Key")
    if operation.takes_client_key and client_key is not None:
        key = api_answers.request_key(actor, _checked_key(client_key))
        return _once(
            replace(
                request, state=api_answers.guarded_state(state, request=key, revision=revision)
            ),
            operation,
            run,
            key,
        )
    return _response(operation, run(request))


def _require_access(
    state: EditingState, actor: Actor, operation: Operation, parts: Mapping[str, str]
) -> None:
    """Raise ForbiddenError, or UsageError for what is not there, unless the operation is permitted."""
    access, about = operation.access, operation.about
    if not isinstance(access, Permission):
        return
    languages = about.languages(state, parts)
    if not any(actor.permits(access, one) for one in languages):
        raise ForbiddenError(actor.name, access, languages[0])
    published = state.settings.publication.languages
    if about is About.PATH and parts["language"] not in published:
        raise ProblemError(404, f"{parts['language']}: the publication does not have it")


def _once(
    request: ApiRequest, operation: Operation, run: Callable[..., BaseModel], key: RequestKey
) -> flask.Response:
    before = api_answers.begin_request(request.state, key, _request_hash())
    if before is not None:
        return _replayed(before)
    try:
        response = _response(operation, run(request))
    except Exception as error:  # noqa: BLE001  # each error is an answer, and is stored as one
        response = problem_answer(error)
    body = response.get_data(as_text=True)
    api_answers.finish_request(
        request.state, key, response.status_code, body, response.headers.get("ETag")
    )
    return response


def _replayed(before: StoredAnswer) -> flask.Response:
    is_problem = (before.status or 0) >= 400  # noqa: PLR2004  # HTTP
    kind = "application/problem+json" if is_problem else "application/json"
    response = flask.Response(before.body, before.status, mimetype=kind)
    response.headers["Idempotency-Replayed"] = "true"
    if before.etag:
        response.headers["ETag"] = before.etag
    return response


def _response(operation: Operation, value: BaseModel) -> flask.Response:
    body = value.model_dump_json(by_alias=True)
    response = flask.Response(body, 200, mimetype="application/json")
    if operation.tagged:
        response.headers["ETag"] = _entity_tag(value, body)
        response.make_conditional(flask.request)
    return response


def _entity_tag(value: BaseModel, body: str) -> str:
    """Return the strong ETag of an answer: the version of an issue or a file, which is all that If-Match compares, and a hash."""
    digest = hashlib.sha256(body.encode()).hexdigest()[:32]
    version = getattr(value, "version", getattr(value, "revision", 0))
    return f'"{version}.{digest}"'


def _given_revision(operation: Operation) -> str | None:
    """Return the revision that the client has read; raise ProblemError (412, 428)."""
    if not operation.guarded:
        return None
    given = flask.request.headers.get("If-Match")
    if given is None:
        raise ProblemError(428, "send If-Match with the ETag of what you have read")
    found = _TAG.fullmatch(given.strip())
    if found is None:
        raise ProblemError(412, "If-Match is no ETag of ours; read it again")
    return found[1]


def _issue_revision(
    given: str | None, parts: Mapping[str, str]
) -> api_answers.IssueRevision | None:
    if given is None:
        return None
    if not given.isdecimal() or len(given) > _LONGEST_NUMBER:
        raise ProblemError(412, "If-Match is no ETag of an issue; read it again")
    return api_answers.IssueRevision(parts["issue"], int(given))


def _checked_key(client_key: str) -> str:
    if not 0 < len(client_key) <= _LONGEST_CLIENT_KEY or not client_key.isascii():
        raise ProblemError(
            422, f"an Idempotency-Key has 1 to {_LONGEST_CLIENT_KEY} ASCII characters"
        )
    return client_key


def _request_hash() -> str:
    request = flask.request
    tag = request.headers.get("If-Match", "")
    head = f"{request.method} {request.full_path}\n{tag}\n"
    return hashlib.sha256(head.encode() + request.get_data()).hexdigest()
