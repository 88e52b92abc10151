"""`publisher api`: any operation of the API, in this process and without a key, and what there is to know of each."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from publisher.cli.common import Given, command, print_json
from publisher.cli.exit_codes import complain, echo
from publisher.errors import UsageError

if TYPE_CHECKING:
    from typer._click.core import Context

    from publisher.app.editing_state import Actor, EditingState
    from publisher.web.api.application import OperationCall
    from publisher.web.api.operations import Operation

_VERSION = re.compile(r"[0-9a-f]+")
_PARAMETER = re.compile(r"([a-z_]+)=(.*)", re.DOTALL)
# Statuses of HTTP for what is wrong with the words of a command; the others say that it can't be done now.
_WRONG_WORDS = frozenset({400, 404, 413, 415, 422, 428})
# They run on in the process of the console, which a command is not.
_OF_CONSOLE = frozenset({"beginSourceTest", "readSourceTest"})

_WordsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME] [PARAMETER=VALUE]... [DIR]",
        help="An operation, what it takes, and the publication's folder; alone, all operations are listed.",
        show_default=False,
    ),
]
_BodyOption = Annotated[
    str | None,
    typer.Option(
        "--json",
        metavar="BODY",
        help="The body; - reads standard input, @FILE a file.",
        show_default="an object of the parameters",
    ),
]
_HelpOption = Annotated[
    bool, typer.Option("--help", "-h", help="Show what an operation takes and answers.")
]


@command(
    "api",
    "pauseIssue issue=weekly-en-2026-01-09 my-publication",
    takes="--as --now",
    add_help_option=False,
)
def api_command(
    given: Given,
    context: typer.Context,
    words: _WordsArgument = None,
    *,
    body: _BodyOption = None,
    if_match: str | None = None,
    as_help: _HelpOption = False,
) -> int:
    """Do what the API for programs does, without a server or a key, and print its answer as JSON.

    `publisher api` lists the operations, `publisher api NAME --help` shows one of them.

    --if-match VERSION (whatever it has): Change it only if it still has this `version` or `revision`.
    """
    if not words:
        _list_operations(context, as_help=as_help)
        return 0
    name, *rest = words
    operation = _find_operation(name)
    if as_help:
        echo("\n".join(_described_lines(operation)))
        return 0
    directory, values = _split(rest)
    parts, query, fields = _sorted_out(operation, values)
    if body is not None and not operation.takes_body:
        raise UsageError(f"--json: {name} takes no body")
    if if_match is not None and not operation.guarded:
        raise UsageError(f"--if-match: {name} takes none")
    if if_match is not None and not _VERSION.fullmatch(if_match):
        raise UsageError(f"--if-match: {if_match!r} is no version or revision")
    content = _body(body, fields) if operation.takes_body else None
    from publisher.web.api.application import OperationCall

    call = OperationCall(parts, query, content, if_match)
    return _print_answer(replace(given, directory=directory), operation, call)


def _print_answer(given: Given, operation: Operation, call: OperationCall) -> int:
    """Do it, and print the answer, or the problem as one line; return the exit code."""
    clock, settings = given.clock, given.settings
    from publisher.app.editing_state import find_terminal_actor
    from publisher.app.operation.page_servers import open_console_state
    from publisher.web.api.application import call_operation
    from publisher.web.api.requests import ApiContext

    with open_console_state(settings, upgrade=True) as opened:
        shared = ApiContext(current_settings=lambda: settings, opened=opened, clock=clock)
        actor = find_terminal_actor(shared.state(may_write=False), given.account)
        status, answer = call_operation(shared, actor, operation, call)
    if status < 300:  # noqa: PLR2004  # HTTP
        print_json(answer)
        # A receiver refused a test, or something was not done.
        return int(answer.get("is_accepted") is False or bool(answer.get("refused")))
    return complain(answer["detail"], 2 if status in _WRONG_WORDS else 1)


def _operations() -> tuple[Operation, ...]:
    from publisher.web.api.application import OPERATIONS, TERMINAL_OPERATIONS

    return tuple(x for x in (*OPERATIONS, *TERMINAL_OPERATIONS) if x.id not in _OF_CONSOLE)


def answer_of(
    state: EditingState,
    actor: Actor,
    name: str,
    query: Mapping[str, object] | None = None,
    **parts: str,
) -> dict[str, Any]:
    """Return what an operation that reads answers, as JSON values, for a command's `--json`; raise UsageError."""
    from pydantic import ValidationError

    from publisher.web.api.problems import ProblemError
    from publisher.web.api.requests import ApiRequest

    operation = _find_operation(name)
    try:
        read = operation.query.model_validate(query or {})
    except ValidationError as error:
        (first, *_others) = error.errors()
        where = ".".join(map(str, first["loc"]))
        raise UsageError(f"{where}: {first['msg']}") from None
    request = ApiRequest(state=state, actor=actor, query=read, body=operation.body())
    try:
        return operation.run(request, **parts).model_dump(mode="json")
    except ProblemError as error:
        raise UsageError(error.detail) from None


def _find_operation(name: str) -> Operation:
    if name in _OF_CONSOLE:
        raise UsageError(f"{name}: is of the console alone; use `publisher sources test`")
    for operation in _operations():
        if operation.id == name:
            return operation
    raise UsageError(f"{name}: no such operation; `publisher api` lists them")


def _split(words: Sequence[str]) -> tuple[Path, dict[str, str]]:
    given: dict[str, str] = {}
    folders: list[str] = []
    for word in words:
        match = _PARAMETER.fullmatch(word)
        if match is None:
            folders.append(word)
        elif match[1] in given:
            raise UsageError(f"{match[1]}: is given more than once")
        else:
            given[match[1]] = match[2]
    if len(folders) > 1:
        raise UsageError(f"{folders[1]}: write PARAMETER=VALUE; {folders[0]} is the folder")
    return Path(folders[0] if folders else "."), given


def _sorted_out(
    operation: Operation, given: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    kinds = [[*operation.parts], [*operation.query.model_fields], _body_fields(operation)]
    names = [name for kind in kinds for name in kind]
    for name in given:
        if name not in names:
            takes = f"it takes {', '.join(names)}" if names else "it takes none"
            raise UsageError(f"{name}: {operation.id} has no such parameter; {takes}")
    for part in operation.parts:
        if not given.get(part):
            raise UsageError(f"{operation.id}: name the {part}: {part}=...")
    path, query, body = ({n: given[n] for n in kind if n in given} for kind in kinds)
    return path, query, body


def _body_fields(operation: Operation) -> list[str]:
    taken = {*operation.parts, *operation.query.model_fields}
    return [name for name in operation.body.model_fields if name not in taken]


def _body(written: str | None, fields: Mapping[str, str]) -> bytes:
    if written is None:
        # Texts: the model makes numbers of them, where it has numbers.
        return json.dumps(fields).encode()
    if fields:
        raise UsageError(f"{next(iter(fields))}: write it in --json, where the others are")
    if written == "-":
        return sys.stdin.buffer.read()
    if not written.startswith("@"):
        return written.encode()
    try:
        return Path(written[1:]).read_bytes()
    except OSError as error:
        raise UsageError(f"--json: {written[1:]}: can't be read: {error.strerror}") from None


def _list_operations(context: Context, *, as_help: bool) -> None:
    if as_help:
        echo(context.get_help())
        return
    operations = _operations()
    width = max(len(operation.id) for operation in operations)
    for subject in dict.fromkeys(operation.path.split("/")[1] for operation in operations):
        echo(f"{subject}:")
        for operation in operations:
            if operation.path.split("/")[1] == subject:
                echo(f"  {operation.id:{width}}  {operation.summary}")


def _described_lines(operation: Operation) -> Iterator[str]:
    from publisher.web.api.document import describe

    document = describe((operation,))
    ((path, methods),) = document["paths"].items()
    (described,) = methods.values()
    yield f"{operation.id}: {operation.summary}"
    yield f"{operation.method} {path}. {described['description']}"
    for given in described["parameters"]:
        if given["in"] != "header":
            yield _field_line(given["name"], given["schema"], required=given["required"])
    if operation.takes_body:
        yield f"Body: {operation.body.__name__}, by parameters or --json"
    yield f"Answer: {operation.answer.__name__}"
    for name, schema in document["components"]["schemas"].items():
        if name != "Problem":
            yield f"{name}: {' '.join(schema.get('description', '').split())}".rstrip(": ")
            yield from ["  " + _kind(schema)] if "enum" in schema else []
            for field, value in schema.get("properties", {}).items():
                yield _field_line(field, value, required=field in schema.get("required", ()))


def _field_line(name: str, schema: Mapping[str, Any], *, required: bool) -> str:
    about = f": {schema['description']}" if "description" in schema else ""
    return f"  {name} ({_kind(schema)}{'' if required else ', optional'}){about}"


def _kind(schema: Mapping[str, Any]) -> str:
    """Return a JSON Schema in words: a type, the name of a model, or the choices."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(map(_kind, schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    return str(schema.get("format", schema.get("type", "any")))
