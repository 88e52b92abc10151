"""The OpenAPI document describes all operations, and each of them does what it says.

Each operation is asked with bodies and parameters that its schema allows, and with some that it does
not: what is wrong is refused with 422 or 400, and nothing is answered with 5xx.
"""

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import flask
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from openapi_spec_validator import OpenAPIV31SpecValidator

from publisher.accounts.model import OF_ONE_LANGUAGE, Grant, Permission, Role
from publisher.accounts.tables import account_table, api_key_table, audit_entry_table
from publisher.app.editing_state import Permission as Scope
from publisher.request_limits import Pace
from publisher.web.api import requests
from publisher.web.api.application import OPERATIONS, TERMINAL_OPERATIONS
from publisher.web.api.issues.previews import SentTestMails
from publisher.web.api.operations import About, AnyKey, Operation
from publisher.web.api.subscribers import ListPreview, ListReport, SubscriberAnswer
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import number_of, ready, subscribe
from tests.publisher.web.api.conftest import NewKey, Program, client_of
from tests.publisher.web.api.documented import (
    DOCUMENTED,
    as_written,
    described,
    require_documented,
)
from tests.publisher.web.conftest import LANGUAGES, MadeReady
from tests.publisher.web.console.test_every_console_route import is_given
from tests.sizes import by_lane

NAME = "weekly-en-2026-01-09"
PARTS = {
    "issue": NAME,
    "language": "en",
    "subscriber": "1",
    "newsletter": "weekly",
    "edit": "1",
    "source": "articles",
    "person": "ann",
    "table": "weekly",
    "draft": "1",
    "article": "1",
}
UNLIMITED = Pace(per_second=1e6, burst=1e6)
REFERENCE = Path(__file__).resolve().parents[4] / "docs/reference/api.md"


@pytest.fixture(autouse=True)
def _no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "_BY_KEY", UNLIMITED)


def test_the_document_is_valid_and_has_each_operation(program: Program) -> None:
    answer = program.get("/openapi.json")
    found = answer.get_json()
    OpenAPIV31SpecValidator(found).validate()
    assert found["openapi"] == "3.1.0"
    described = {
        (method.upper(), re.sub(r"\{(\w+)\}", r"<\1>", path), one["operationId"])
        for path, methods in found["paths"].items()
        for method, one in methods.items()
    }
    expected = {(one.method, one.path, one.id) for one in OPERATIONS}
    assert described == expected | {("GET", "/openapi.json", "readDocument")}
    assert len({one.id for one in OPERATIONS}) == len(OPERATIONS)
    assert answer.headers["ETag"]
    # Each schema refuses what it does not know.
    schemas = found["components"]["schemas"]
    bodies = [one.body.__name__ for one in OPERATIONS if one.takes_body]
    assert all(schemas[one]["additionalProperties"] is False for one in bodies)


def _path(operation: Operation, parts: dict[str, str]) -> str:
    return re.sub(r"<(\w+)>", lambda found: quote(parts[found[1]], safe=""), operation.path)


# --- what is allowed, and what is not


def _values(schema: dict[str, Any], schemas: dict[str, Any]) -> SearchStrategy[Any]:
    """Give values that a schema allows, as far as ours use JSON Schema."""
    if "$ref" in schema:
        return _values(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "anyOf" in schema:
        return st.one_of(*(_values(one, schemas) for one in schema["anyOf"]))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kinds: dict[str, Any] = {
        "null": st.none,
        "boolean": st.booleans,
        "integer": lambda: st.integers(schema.get("minimum"), schema.get("maximum", 10**6)),
        "string": lambda: _strings(schema),
        "array": lambda: st.lists(
            _values(schema["items"], schemas),
            min_size=schema.get("minItems", 0),
            max_size=min(schema.get("maxItems", 3), 3),
        ),
        "object": lambda: _objects(schema, schemas),
    }
    strategy: SearchStrategy[Any] = kinds[schema["type"]]()
    return strategy


def _strings(schema: dict[str, Any]) -> SearchStrategy[Any]:
    if schema.get("format") == "date":
        return st.dates().map(str)
    if schema.get("format") == "date-time":
        return st.datetimes().map(lambda at: f"{at.isoformat()}Z")
    if "pattern" in schema:
        return st.from_regex(schema["pattern"], fullmatch=True)
    most = min(schema.get("maxLength", 50), 50)
    return st.text(
        st.characters(codec="utf-8"), min_size=schema.get("minLength", 0), max_size=most
    )


def _objects(schema: dict[str, Any], schemas: dict[str, Any]) -> SearchStrategy[Any]:
    properties = schema.get("properties", {})
    required = {*schema.get("required", ())}
    return st.fixed_dictionaries(
        {name: _values(one, schemas) for name, one in properties.items() if name in required},
        optional={
            name: _values(one, schemas)
            for name, one in properties.items()
            if name not in required
        },
    )


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=8,
)


def named_by_paths(publication: PublicationFolder) -> None:
    """Have what paths name: an issue, a subscriber, a person, and stories of two languages."""
    publication.write("en/tides.md", title="Tides", date="2026-01-05")
    publication.pick_up_file("ar/gales.md", title="Gales", date="2026-01-05")
    ready(publication)
    subscribe(publication, ("ann@example.com", "en"))
    people = publication.settings.folders.root / "people.toml"
    people.write_text(f'[{PARTS["person"]}]\nname = "Ann"\n', "utf-8")


@pytest.fixture
def publication(
    request: pytest.FixtureRequest, made_ready: MadeReady, new_publication: MadeReady
) -> PublicationFolder:
    has_all = "objects" in request.fixturenames
    return made_ready(named_by_paths) if has_all else new_publication(languages=LANGUAGES)


@pytest.fixture
def objects(publication: PublicationFolder) -> dict[str, str]:
    return PARTS | {"subscriber": str(number_of(publication.database, "ann@example.com"))}


def _tags(program: Program, operation: Operation, parts: dict[str, str]) -> list[str]:
    """Return the ETag of what a guarded operation changes, if it is there."""
    tagged = {one.path: one for one in OPERATIONS if one.tagged}
    of_issue = operation.about is About.ISSUE
    whole = "/".join(operation.path.split("/")[:3])
    read = tagged["/issues/<issue>/contents" if of_issue else whole]
    return program.get(_path(read, parts)).headers.getlist("ETag")


def examples(in_the_lane: int) -> settings:
    """Give fewer examples to a change, since each is tried with all that there are of operations."""
    return settings(
        max_examples=by_lane(in_the_lane, settings().max_examples),
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.id)
@examples(8)
@given(data=st.data())
def test_each_operation_answers_what_the_document_says(
    program: Program, objects: dict[str, str], operation: Operation, data: st.DataObject
) -> None:
    found, schemas = described(operation)
    query: dict[str, Any] = {}
    for one in found["parameters"]:
        if one["in"] == "query" and data.draw(st.booleans()):
            value = data.draw(_values(one["schema"], schemas))
            query |= {} if value is None else {one["name"]: value}
    body = None
    if operation.takes_body:
        schema = found["requestBody"]["content"]["application/json"]["schema"]
        body = data.draw(_values(schema, schemas) | ANY_JSON)
    parts = {
        name: data.draw(st.sampled_from(["none", objects.get(name, "1")]))
        for name in operation.parts
    }
    path = _path(operation, parts) + (f"?{urlencode(query)}" if query else "")
    headers = {}
    if operation.guarded:
        # Drawn by its kind: whether the object is still there depends on the examples before.
        kind = data.draw(st.sampled_from(["malformed", "former", "current"]))
        former = '"0.' + "0" * 32 + '"'
        current = next(iter(_tags(program, operation, parts)), former)
        headers["If-Match"] = {"malformed": '"none"', "former": former, "current": current}[
            kind
        ]
    answer = program.ask(operation.method, path, body, headers)
    assert answer.status_code < 500
    require_documented(operation, answer)


@examples(6)
@given(part=st.text(min_size=1, max_size=40), body=st.binary(max_size=60))
def test_no_operation_fails_for_any_path_or_bytes(
    program: Program, part: str, body: bytes
) -> None:
    for operation in OPERATIONS:
        path = _path(operation, dict.fromkeys(operation.parts, part))
        answer = program.ask(operation.method, path, body if operation.is_unsafe else None)
        assert answer.status_code < 500, operation.id


def test_a_number_is_one_that_every_database_can_store(
    program: Program, objects: dict[str, str]
) -> None:
    mail = f"/issues/{objects['issue']}/mail?subscriber="
    for number in (2**31, 2**53):
        assert program.get(f"/subscribers/{number}").status_code == 404
        assert program.get(f"{mail}{number}").status_code == 422
    assert program.get(f"{mail}{2**31 - 1}").status_code < 500


# --- who may do what


Case = tuple[Operation, str, Role, str | None, tuple[str, ...] | None]


def matrix(
    operations: Iterable[Operation], languages: Sequence[str], roles: Sequence[Role]
) -> Iterator[Case]:
    """Give operations about objects of languages, each with each role, for a language or all.

    Keys are for one language, the last, or for all.
    """
    for operation in operations:
        of_object = operation.about in {About.ISSUE, About.PATH}
        yield from itertools.product(
            [operation],
            languages if of_object else languages[:1],
            roles,
            (None, *languages),
            (None, (languages[-1],)),
        )


def _expected(case: Case, served: Sequence[str]) -> bool:
    """Return whether an operation is permitted, from the tables alone."""
    operation, language, role, of, key_languages = case
    access = operation.access
    if isinstance(access, AnyKey):
        return True
    grant = Grant(role, of)
    if operation.about is About.EACH:
        asked = [one for one in served if key_languages is None or one in key_languages]
        return any(is_given(grant, access, one) for one in asked)
    if operation.about is About.NOTHING:
        return is_given(grant, access, None)
    return (key_languages is None or language in key_languages) and is_given(
        grant, access, language
    )


def surprises(
    new_key: NewKey, publication: PublicationFolder, cases: Sequence[Case]
) -> Iterator[tuple[object, ...]]:
    """Ask for each, and give what is let in and should not be, or the other way round."""
    served = publication.settings.publication.languages
    for language in served:
        ready(publication, language)
    keys: dict[Any, Program] = {}
    for case in cases:
        operation, language, role, of, key_languages = case
        program = keys.get((role, of, key_languages))
        if program is None:
            program = new_key(Grant(role, of), languages=key_languages)
            keys[role, of, key_languages] = program
        # A body that is refused comes after who sends it, and changes nothing.
        body = b"?" if operation.is_unsafe else None
        parts = PARTS | {"language": language, "issue": f"weekly-{language}-2026-01-09"}
        answer = program.ask(operation.method, _path(operation, parts), body)
        if (answer.status_code not in {401, 403}) is not _expected(case, served):
            yield operation.id, *case[1:], answer.status_code
    roles, languages = {case[2] for case in cases}, {case[1] for case in cases}
    assert len(keys) == len(roles) * 2 * (1 + len(languages))


def test_each_operation_lets_in_whom_the_tables_permit(
    new_key: NewKey, publication: PublicationFolder
) -> None:
    """Ask one of each kind, as some roles; a night asks all of them, in all languages."""
    kinds = {(one.access, one.about, one.is_unsafe): one for one in OPERATIONS}
    cases = [*matrix(kinds.values(), ("en", "ar"), (Role.EDITOR, Role.APPROVER, Role.VIEWER))]
    assert len(cases) > 400
    assert [*surprises(new_key, publication, cases)] == []


def test_a_key_without_the_scope_is_refused_for_each_operation(
    new_key: NewKey, publication: PublicationFolder
) -> None:
    ready(publication)
    for operation in OPERATIONS:
        if isinstance(operation.access, AnyKey):
            continue
        other = next(
            one for one in (Scope.VIEW, Scope.MANAGE_SOURCES) if one is not operation.access
        )
        program = new_key(scopes=frozenset({other}))
        body = b"?" if operation.is_unsafe else None
        answer = program.ask(operation.method, _path(operation, dict(PARTS)), body)
        assert answer.status_code == 403, operation.id


@pytest.mark.parametrize("key", ["", f"pub_1_{'x' * 43}"])
def test_a_fresh_api_lets_nobody_in(
    api: flask.Flask, publication: PublicationFolder, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "_WRONG_KEYS", UNLIMITED)
    nobody = Program(client_of(api), key)
    for operation in DOCUMENTED:
        body = {"email": "ann@example.org", "role": "administrator"}
        answer = nobody.ask(
            operation.method,
            _path(operation, dict(PARTS)),
            body if operation.is_unsafe else None,
            {"If-Match": "*"} if operation.guarded else {},
        )
        assert answer.status_code == 401, operation.id
        require_documented(operation, answer)
    for table in (account_table, api_key_table, audit_entry_table):
        assert publication.rows(table) == []


def test_what_is_about_a_language_has_a_permission_of_one_and_no_answer_with_an_address_is_kept() -> (
    None
):
    about = [one for one in OPERATIONS if one.access in OF_ONE_LANGUAGE]
    assert all(one.about is not About.NOTHING for one in about)
    assert Permission.PAUSE_SENDING in {one.access for one in about}
    with_address = (SubscriberAnswer, SentTestMails, ListReport, ListPreview)
    posts = [one for one in OPERATIONS if one.answer in with_address and one.method == "POST"]
    assert len(posts) == 6
    assert not any(one.takes_client_key for one in posts)


# --- the reference


def test_the_reference_has_each_operation_as_the_table_says() -> None:
    text = REFERENCE.read_text("utf-8")
    rows = {
        f"| `{one.id}` | `{one.method} {as_written(one)}` | {one.summary} | {_scope(one)} |"
        for one in (*OPERATIONS, *TERMINAL_OPERATIONS)
    }
    listed = {line for line in text.splitlines() if re.match(r"\| `\w+` \| `[A-Z]+ /", line)}
    assert listed == rows


def _scope(one: Operation) -> str:
    if isinstance(one.access, AnyKey):
        return "any account" if one.terminal else "any key"
    return f"`{one.access}`"


def test_an_example_of_the_reference_is_what_is_answered() -> None:
    (example,) = re.findall(r"```json\n(\{.*?\})\n```", REFERENCE.read_text("utf-8"), re.DOTALL)
    assert set(json.loads(example)) == {"type", "title", "status", "detail", "errors"}
