"""What an operation of the API is, whom it lets in, and the models of its values as JSON. Pure.

An operation without access can't be made, and one about a language's text has to say which one. Keys of a
body that are not known are refused. A new module is listed in `application`.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import partial
from inspect import signature
from typing import Annotated, Any, Self, TypeVar, get_type_hints

import pydantic

from publisher.app.editing_state import NOT_BY_KEY, OF_ONE_LANGUAGE, EditingState, Permission
from publisher.app.issues.lookup import language_of_issue
from publisher.web.api.problems import ProblemError
from publisher.web.pages.responses import LARGEST_ID, parse_id
from publisher.web.security import MAX_BODY_BYTES

DEFAULT_LIMIT, _MOST_ROWS = 50, 200


def _written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


# RFC 3339, in UTC.
Instant = Annotated[
    datetime, pydantic.PlainSerializer(_written, return_type=str, when_used="json")
]


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("is no time that a calendar has") from None


# What a client sends, with any offset.
Moment = Annotated[pydantic.AwareDatetime, pydantic.AfterValidator(_in_utc)]
Text = Annotated[str, pydantic.Field(max_length=2000)]
Name = Annotated[str, pydantic.Field(min_length=1, max_length=200)]


class ApiValue(pydantic.BaseModel):
    """A JSON object. It is never changed."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, from_attributes=True)

    @classmethod
    def of(cls, *values: object, **named: object) -> Self:
        """Return the object with what is named, and else the attributes of `values`; the first counts that has one."""
        return cls.model_validate(_Attributes(named, values))


class _Attributes:
    def __init__(self, named: Mapping[str, object], values: Sequence[object]) -> None:
        self._named, self._values = named, values

    def __getattr__(self, name: str) -> object:
        if name in self._named:
            return self._named[name]
        for value in self._values:
            if hasattr(value, name):
                return getattr(value, name)
        raise AttributeError(name)


class NoQuery(ApiValue):
    """An operation that takes no parameters."""


class NoBody(ApiValue):
    """An operation that takes no body."""


class Done(ApiValue):
    """What was asked for was done."""


class Page(ApiValue):
    """The parameters of a list."""

    cursor: Annotated[str, pydantic.Field(max_length=500)] | None = pydantic.Field(
        default=None, description="`next_cursor` of the page before."
    )
    limit: int = pydantic.Field(
        default=DEFAULT_LIMIT, ge=1, le=_MOST_ROWS, description="At most so many."
    )


class PageInLanguage(Page):
    """The parameters of a list of one language, or of all that the key permits."""

    language: Name | None = pydantic.Field(default=None, description="A language (BCP 47).")


def write_cursor(at: datetime, number: int) -> str:
    """Return a cursor. It is opaque to clients; what it says is no secret, and is checked again."""
    text = json.dumps([int(at.timestamp()), number], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str | None) -> tuple[datetime, int] | None:
    """Return the instant and the number that a cursor says; raise ProblemError if it does not. None for None."""
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        place = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, RecursionError):
        place = None
    refused = ProblemError(422, "the cursor is not one that this list has given")
    if not isinstance(place, list) or [type(part) for part in place] != [int, int]:
        raise refused
    try:
        return datetime.fromtimestamp(place[0], UTC), place[1]
    except (ValueError, OverflowError, OSError):
        raise refused from None


def _read_number(text: str, what: str) -> int:
    """Return the number that a path has; raise ProblemError if it has none that a database can store."""
    number, article = parse_id(text), "an" if what[0] in "aeiou" else "a"
    if number is None:
        raise ProblemError(
            404, f"{text}: {article} {what} has a number, from 1 to {LARGEST_ID}"
        )
    return number


_PART = re.compile(r"<(\w+)>")
UNSAFE_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class AnyKey(Enum):
    """The access of an operation that every key may use."""

    ANY_KEY = "any key"


class About(Enum):
    """Which language an operation, or a route of the console, is about, for which its permission is asked.

    ISSUE: that of the issue that the part `<issue>` of the path names. PATH: the part `<language>`.
    EACH: it is about several; it is enough to be permitted one, and it shows or changes what is permitted in
    each. NOTHING: the whole publication.
    """

    NOTHING = "nothing"
    ISSUE = "issue"
    PATH = "path"
    EACH = "each"

    @classmethod
    def of_path(cls, path: str) -> "About":
        of_language = cls.PATH if "<language>" in path else cls.NOTHING
        return cls.ISSUE if "<issue>" in path else of_language

    def require_part(self, path: str, access: object) -> None:
        """Raise ValueError for a path without what this needs, and for a permission whose language nothing says."""
        part = {About.PATH: "<language>", About.ISSUE: "<issue>"}.get(self, "")
        if part not in path:
            raise ValueError(f"{path}: has no {part}")
        if access in OF_ONE_LANGUAGE and self is About.NOTHING:
            raise ValueError(f"{path}: {access} is about a language; say which")

    def languages(self, state: EditingState, parts: Mapping[str, str]) -> list[str | None]:
        """Return languages of which one has to be permitted; None is the whole publication."""
        match self:
            case About.ISSUE:
                return [language_of_issue(state.database, parts["issue"])]
            case About.PATH:
                return [parts["language"]]
            case About.EACH:
                return [None, *state.settings.publication.languages]
            case About.NOTHING:
                return [None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A method and a path below `/api/v1`, what it takes and answers, and the function that does it.

    `run` takes an `ApiRequest` and the parts of the path, and returns a value of `answer`. With `tagged`, the answer
    has an ETag; with `guarded`, the request needs that of its issue or file (If-Match). No answer of a `repeatable`
    POST is kept, so that none with an address outlives the subscriber. A `terminal` one is for `publisher api` alone.
    """

    method: str
    path: str
    id: str
    summary: str
    access: Permission | AnyKey
    run: Callable[..., pydantic.BaseModel]
    answer: type[pydantic.BaseModel]
    about: About = About.NOTHING
    query: type[pydantic.BaseModel] = NoQuery
    body: type[pydantic.BaseModel] = NoBody
    tagged: bool = False
    guarded: bool = False
    repeatable: bool = False
    terminal: bool = False
    max_body: int = MAX_BODY_BYTES

    def __post_init__(self) -> None:
        """Raise ValueError for an operation that would let in others than it says."""
        access: Any = self.access
        is_by_key = self.terminal or access not in NOT_BY_KEY
        if not isinstance(access, AnyKey | Permission) or not is_by_key:
            raise ValueError(f"{self.id}: {self.access!r} is no access of a key")
        self.about.require_part(self.path, access)

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(_PART.findall(self.path))

    @property
    def is_unsafe(self) -> bool:
        return self.method in UNSAFE_METHODS

    @property
    def takes_client_key(self) -> bool:
        return self.method == "POST" and not self.repeatable

    @property
    def takes_body(self) -> bool:
        return self.body is not NoBody


OperationRun = TypeVar("OperationRun", bound=Callable[..., pydantic.BaseModel | None])


def _run_with(
    run: Callable[..., pydantic.BaseModel | None],
    hints: Mapping[str, Any],
    spread: str,
    request: Any,
    **parts: str,
) -> pydantic.BaseModel:
    """Do an operation of a function that takes parts of the path, some as numbers, and values of the request."""
    given: dict[str, Any] = {
        name: _read_number(part, name) if hints[name] is int else part
        for name, part in parts.items()
    }
    given |= {name: getattr(request, name) for name in ("query", "body") if name in hints}
    given |= dict(getattr(request, spread)) if spread else {}
    answer = run(request, **given)
    return Done() if answer is None else answer


def _fields_of(run: Callable[..., object], hints: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the model that the keyword-only parameters of a function are."""
    given = (one for one in signature(run).parameters.values() if one.kind is one.KEYWORD_ONLY)
    return {
        one.name: (hints[one.name], ... if one.default is one.empty else one.default)
        for one in given
    }


class OperationTable(list[Operation]):
    """The operations of a module, in the order of their functions. `shared` are values that all of them have."""

    def __init__(self, **shared: Any) -> None:
        super().__init__()
        self._shared = shared

    def add(
        self, route: str, access: Permission | AnyKey, **values: Any
    ) -> Callable[[OperationRun], OperationRun]:
        """Return what adds the operation that a function does, with a route like `GET /issues`.

        Its id is the function's name, its summary the first line of the docstring, its answer what is returned, `Done`
        if that is nothing. It is about the issue or the language that its path names, unless `about` says otherwise.
        Keyword-only parameters are the fields of its body, of a GET those of its query; or `body` and `query` are
        models of these.
        """
        method, path = route.split(" ")

        def register(run: OperationRun) -> OperationRun:
            first, *others = run.__name__.strip("_").split("_")
            name = first + "".join(map(str.capitalize, others))
            hints = get_type_hints(run, include_extras=True)
            models: dict[str, Any] = {
                one: hints[one] for one in ("query", "body") if one in hints
            }
            spread = "body" if method in UNSAFE_METHODS else "query"
            if fields := _fields_of(run, hints):
                title = f"{name[0].upper()}{name[1:]}{spread.title()}"
                models[spread] = pydantic.create_model(title, __base__=ApiValue, **fields)
            answer = hints["return"]
            given: dict[str, Any] = {
                "id": name,
                "summary": (run.__doc__ or "").partition("\n")[0].removesuffix("."),
                "answer": Done if answer is type(None) else answer,
                "about": About.of_path(path),
                "run": partial(_run_with, run, hints, spread if fields else ""),
            }
            given |= models | self._shared | values
            self.append(Operation(method=method, path=path, access=access, **given))
            return run

        return register
