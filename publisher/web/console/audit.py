"""The audit log, and the check that nobody has changed it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import flask

from publisher.app.audit_log import AuditEntry, read_audit_log, verify_audit_log
from publisher.app.editing_state import Permission
from publisher.web.console.routes import Route
from publisher.web.links import parse_id

if TYPE_CHECKING:
    from publisher.web.console.context import ConsoleRequest

_PATH = "/audit/"
_PAGE_SIZE = 50


def _show(request: ConsoleRequest) -> flask.Response:
    before = parse_id(flask.request.args.get("before", ""))
    found = read_audit_log(request.state, request.actor, before=before, limit=_PAGE_SIZE + 1)
    shown = found[:_PAGE_SIZE]
    is_more = len(found) > _PAGE_SIZE
    return request.page(
        "audit.html",
        entries=[(number, one, _details(one)) for number, one in shown],
        older=f"{_PATH}?before={shown[-1][0]}" if is_more else "",
        newest=_PATH if before is not None else "",
    )


def _details(entry: AuditEntry) -> str:
    return json.dumps(dict(entry.details), ensure_ascii=False, sort_keys=True)


def _check(request: ConsoleRequest) -> flask.Response:
    return request.page(
        "audit_check.html", check=verify_audit_log(request.state, request.actor)
    )


ROUTES = (
    Route(path=_PATH, view=_show, access=Permission.SEE_AUDIT_LOG, menu="audit"),
    Route(path=f"{_PATH}check/", view=_check, access=Permission.SEE_AUDIT_LOG),
)
