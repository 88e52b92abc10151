"""Import of subscribers: upload a list, look at what it would do, import it, fetch what was left out.

The work is done in the background (`publisher.app.list_imports`): pages show how far it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import flask

from publisher.app import list_imports
from publisher.app.editing_state import Permission
from publisher.app.list_imports import MAX_LIST_BYTES
from publisher.web.console.paths import IMPORT_PATH
from publisher.web.console.routes import Route

if TYPE_CHECKING:
    from publisher.web.console.context import ConsoleRequest

_ONE = f"{IMPORT_PATH}<key>/"
_MEGABYTE = 1024 * 1024
# Bytes of a form besides its file.
_FORM_BYTES = 64 * 1024
_NO_FILE = 422


def _show(request: ConsoleRequest) -> flask.Response:
    return _upload_page(request)


def _upload_page(request: ConsoleRequest, status: int = 200) -> flask.Response:
    return request.page(
        "subscribers_import.html",
        status,
        imports=list_imports.list_imports(request.state, request.actor),
        # Of the form: sent twice, its list is stored once.
        key=list_imports.new_key(),
        most=MAX_LIST_BYTES // _MEGABYTE,
        is_missing=status == _NO_FILE,
    )


def _upload(request: ConsoleRequest) -> flask.Response:
    file = flask.request.files.get("list")
    if file is None or not file.filename:
        return _upload_page(request, _NO_FILE)
    key = request.field("key") or list_imports.new_key()
    kept = list_imports.keep_list(request.state, request.actor, key, file.stream)
    return request.see_other(f"{IMPORT_PATH}{kept.key}/")


def _show_one(request: ConsoleRequest, key: str) -> flask.Response:
    kept = list_imports.find_import(request.state, request.actor, key)
    return request.page("subscribers_import_one.html", kept=kept, path=f"{IMPORT_PATH}{key}/")


def _begin(request: ConsoleRequest, key: str) -> flask.Response:
    list_imports.begin_import(request.state, request.actor, key)
    return request.see_other(f"{IMPORT_PATH}{key}/")


def _discard(request: ConsoleRequest, key: str) -> flask.Response:
    list_imports.discard_import(request.state, request.actor, key)
    return request.see_other(IMPORT_PATH, done="removed")


def _rejects(request: ConsoleRequest, key: str) -> flask.Response:
    rows = list_imports.read_rejects(request.state, request.actor, key, request.said)
    response = flask.Response(rows, mimetype="text/csv")
    response.headers["Content-Disposition"] = "attachment; filename=rejects.csv"
    return response


_MANAGE, _POST = Permission.MANAGE_SUBSCRIBERS, ("POST",)
ROUTES = (
    Route(path=IMPORT_PATH, view=_show, access=_MANAGE),
    Route(
        path=IMPORT_PATH,
        view=_upload,
        access=_MANAGE,
        methods=_POST,
        max_body=MAX_LIST_BYTES + _FORM_BYTES,
    ),
    Route(path=_ONE, view=_show_one, access=_MANAGE),
    Route(path=f"{_ONE}begin/", view=_begin, access=_MANAGE, methods=_POST),
    Route(path=f"{_ONE}discard/", view=_discard, access=_MANAGE, methods=_POST),
    Route(path=f"{_ONE}rejects.csv", view=_rejects, access=_MANAGE),
)
