"""A request with an Idempotency-Key is carried out once; what was read has an ETag."""

import threading
from typing import Any

import pytest
from pydantic import BaseModel

from publisher.errors import IssueError
from publisher.web.api.application import create_api
from publisher.web.api.operations import AnyKey, ApiValue, Operation
from publisher.web.api.requests import ApiContext, ApiRequest
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import ready
from tests.publisher.web.api.conftest import NewKey, Program
from tests.publisher.web.api.test_requests import detail
from tests.publisher.web.console.conftest import audit_log

NAME = "weekly-en-2026-01-09"


class Count(ApiValue):
    count: int


class Counter:
    """An operation that counts how often it was carried out, and audits each time."""

    def __init__(self) -> None:
        self.count = 0
        self.error: Exception | None = None
        self.changes = True
        self.before_change: Any = None

    def run(self, request: ApiRequest) -> BaseModel:
        self.count += 1
        if self.before_change:
            self.before_change()
        if self.changes:
            with request.state.changing(request.actor, "count", "a counter"):
                pass
        if self.error:
            raise self.error
        return Count(count=self.count)


def counting(counter: Counter) -> tuple[Operation, ...]:
    values: dict[str, Any] = {"method": "POST", "summary": "Count", "answer": Count}
    values |= {"access": AnyKey.ANY_KEY, "run": counter.run}
    paths = {"count": "/count", "countAgain": "/count/again"}
    return tuple(Operation(id=one, path=path, **values) for one, path in paths.items())


@pytest.fixture
def counter() -> Counter:
    return Counter()


@pytest.fixture
def counted(api_context: ApiContext, new_key: NewKey, counter: Counter) -> Program:
    return new_key(app=create_api(api_context, counting(counter)))


def audited(publication: PublicationFolder) -> int:
    return len(audit_log(publication))


def test_a_repeated_request_is_answered_as_before_and_not_carried_out(
    counted: Program,
    counter: Counter,
    publication: PublicationFolder,
    api_context: ApiContext,
    new_key: NewKey,
) -> None:
    answers = [counted.post("/count", Idempotency_Key="k1") for _time in range(3)]
    assert [one.get_json() for one in answers] == [{"count": 1}] * 3
    assert ["Idempotency-Replayed" in one.headers for one in answers] == [False, True, True]
    assert {one.mimetype for one in answers} == {"application/json"}
    assert (counter.count, audited(publication)) == (1, 1)
    assert counted.post("/count", Idempotency_Key="k2").get_json() == {"count": 2}
    assert counted.post("/count").get_json() == {"count": 3}
    # Two keys of the API do not share what they name.
    other = new_key(app=create_api(api_context, counting(counter)))
    assert other.post("/count", Idempotency_Key="k1").get_json() == {"count": 4}


def test_a_refusal_is_repeated_too(counted: Program, counter: Counter) -> None:
    counter.error, counter.changes = IssueError("is sent already"), False
    for _time in range(2):
        assert detail(counted.post("/count", Idempotency_Key="k"), 409) == "is sent already"
    assert counter.count == 1


def test_a_key_that_is_none_or_was_used_for_another_request_is_refused(
    counted: Program, counter: Counter
) -> None:
    for key in ("", "a" * 201, "\u00e9"):
        none = counted.post("/count", Idempotency_Key=key)
        assert "1 to 200 ASCII characters" in detail(none, 422)
    counted.post("/count", Idempotency_Key="k")
    other = counted.post("/count/again", Idempotency_Key="k")
    assert "was used for another request" in detail(other, 422)
    matched = counted.ask("POST", "/count", None, {"Idempotency-Key": "k", "If-Match": '"x"'})
    assert "was used for another request" in detail(matched, 422)
    assert counter.count == 1


def test_of_requests_at_the_same_time_one_is_carried_out(
    counted: Program, counter: Counter
) -> None:
    inside, leave = threading.Event(), threading.Event()

    def wait() -> None:
        inside.set()
        assert leave.wait(30)

    counter.before_change = wait
    answers: list[Any] = []
    thread = threading.Thread(
        target=lambda: answers.append(counted.post("/count", Idempotency_Key="k"))
    )
    thread.start()
    assert inside.wait(30)
    busy = counted.post("/count", Idempotency_Key="k")
    assert "is being carried out" in detail(busy, 409)
    assert "Retry-After" in busy.headers
    leave.set()
    thread.join()
    assert answers[0].get_json() == {"count": 1}
    assert counted.post("/count", Idempotency_Key="k").get_json() == {"count": 1}


def test_after_a_fault_the_request_may_be_repeated_unless_it_changed_something(
    counted: Program, counter: Counter
) -> None:
    counter.error, counter.changes = RuntimeError("a fault"), False
    detail(counted.post("/count", Idempotency_Key="k"), 500)
    counter.error = None
    assert counted.post("/count", Idempotency_Key="k").get_json() == {"count": 2}
    counter.error, counter.changes = RuntimeError("a fault"), True
    detail(counted.post("/count", Idempotency_Key="j"), 500)
    assert "its answer was lost" in detail(counted.post("/count", Idempotency_Key="j"), 409)
    assert counter.count == 3


# --- entity tags


def test_what_was_read_has_a_tag_that_changes_with_it(
    program: Program, publication: PublicationFolder
) -> None:
    ready(publication)
    first = program.get(f"/issues/{NAME}")
    tag = first.headers["ETag"]
    assert tag == program.get(f"/issues/{NAME}").headers["ETag"]
    same = program.ask("GET", f"/issues/{NAME}", None, {"If-None-Match": tag})
    assert (same.status_code, same.data) == (304, b"")
    program.post(f"/issues/{NAME}/cancel", {})
    changed = program.ask("GET", f"/issues/{NAME}", None, {"If-None-Match": tag})
    assert (changed.status_code, changed.headers["ETag"] != tag) == (200, True)
