"""Two people who change the same in a file: the second one is shown both texts, and nothing is stored.

A form carries what each of its fields had when it was read, as `seen.<name>`. Fields that only one of the two
has changed are no conflict.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from publisher.errors import PublisherError
from publisher.messages import message
from publisher.web.console.routes import MAX_BODY_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    import flask

    from publisher.web.console.context import ConsoleRequest

_CONFLICT = 409
# Characters of a field, unless the file has more of them.
_MOST = 2000
# Characters that are read of one: as many as fit into the body of a form.
_WHOLE = MAX_BODY_BYTES


@dataclass(frozen=True, slots=True)
class FormChanges:
    """The fields that a form changes; and of these what was sent and what is there now, if others changed it."""

    values: dict[str, str]
    conflicts: dict[str, tuple[str, str]]


def form_changes(
    given: Mapping[str, str], seen: Mapping[str, str], now: Mapping[str, str]
) -> FormChanges:
    """Compare what a form gives with what it has seen, and with what is there now. Pure."""
    values = {name: value for name, value in given.items() if value != seen[name]}
    conflicts = {
        name: (value, now[name])
        for name, value in values.items()
        if now[name] not in {seen[name], value}
    }
    return FormChanges(values, conflicts)


def changes_of_request(request: ConsoleRequest, now: Mapping[str, str]) -> FormChanges:
    """Return what the form of a request changes. One that does not say what it has seen has seen nothing.

    Raise PublisherError for a text that is too long; what the file has already is not.
    """
    given = {name: _field(request, name) for name in now}
    for name, value in given.items():
        _require_length(name, value, max(_MOST, len(now[name])))
    seen = {name: _field(request, f"seen.{name}") for name in now}
    return form_changes(given, seen, {name: value.strip() for name, value in now.items()})


def _field(request: ConsoleRequest, name: str) -> str:
    # Forms are sent with CR LF. A text that is cut would be another one than the file has.
    return request.field(name, most=_WHOLE).replace("\r\n", "\n")


def _require_length(name: str, value: str, most: int) -> None:
    if len(value) > most:
        problem = message(
            "it has %(length)s characters; %(most)s are allowed", length=len(value), most=most
        )
        raise PublisherError(message("%(name)s: %(problem)s", name=name, problem=problem))


def conflict_page(
    request: ConsoleRequest, kind: str, changes: FormChanges, now: Mapping[str, str]
) -> flask.Response:
    """Return a page with both texts, and a form that stores the own one all the same.

    `kind` is "settings" or "person": how the page calls the fields.
    """
    return request.page(
        "form_conflict.html",
        _CONFLICT,
        kind=kind,
        conflicts=changes.conflicts,
        given={**now, **changes.values},
        seen=now,
    )
