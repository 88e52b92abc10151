"""The page that unsubscribes, and one-click unsubscribing by mail programs (RFC 8058).

GET and HEAD show and change nothing. A POST to the address that mails announce unsubscribes whatever its body says: the
body is not read. The page's own buttons say in the query (`do`) which was pressed. No answer to a POST is a redirect,
since mail programs need not follow one. Old mails may name a language that the publication has given up.
"""

from dataclasses import asdict

import flask

from publisher.app.subscribers import unsubscribing
from publisher.app.subscribers.unsubscribing import LeavePage, LeaveScope
from publisher.web.pages.responses import PageRequest, PageTable
from publisher.web.security import OriginCheck, origin_check
from subscribers.changes import UndoOutcome

_NOT_FOUND = 404

PAGES = PageTable()


@PAGES.add("POST /<language>/unsubscribe/")
@origin_check(OriginCheck.EXEMPT)
def _unsubscribe_by_post(request: PageRequest) -> flask.Response:
    """Do what a button says. Without one, unsubscribe, and answer the same whoever has the link, or nobody."""
    pressed = flask.request.args.get("do")
    if pressed is None:
        _leave(request, LeaveScope.NEWSLETTER)
        return flask.Response("OK\n", mimetype="text/plain")
    if pressed == "pause":
        return _page(request, _pause(request))
    if pressed == "undo":
        return _page(request, _undo(request))
    if pressed not in {*LeaveScope}:
        flask.abort(400)
    return _page(request, _leave(request, LeaveScope(pressed)))


def _leave(request: PageRequest, scope: LeaveScope) -> str:
    link = unsubscribing.read_leave_link(request.secret, request.token)
    if link is not None:
        request.write(unsubscribing.leave, link, scope, request.now)
    return "left-all" if scope is LeaveScope.ALL else "left"


def _pause(request: PageRequest) -> str:
    link = unsubscribing.read_leave_link(request.secret, request.token)
    if link is None:
        return ""
    return "paused" if request.write(unsubscribing.pause_instead, link, request.now) else ""


def _undo(request: PageRequest) -> str:
    link = unsubscribing.read_undo_link(request.secret, request.token)
    if link is None:
        return ""
    outcome = request.write(unsubscribing.undo, link, request.now)
    return "undo-ended" if outcome is UndoOutcome.ENDED else "undone"


@PAGES.add("GET /<language>/unsubscribe/")
def _page(request: PageRequest, done: str = "") -> flask.Response:
    page, undo_page = _read(request)
    is_found = page or undo_page or done == "undo-ended"
    return request.page(
        "unsubscribe.html",
        200 if is_found else _NOT_FOUND,
        page=page and asdict(page),
        undo_page=undo_page and asdict(undo_page),
        done=done,
        token=request.token,
        sender=request.settings.publication.sender.address,
    )


def _read(request: PageRequest) -> tuple[LeavePage | None, unsubscribing.UndoPage | None]:
    settings, secret, language = request.settings, request.secret, request.language
    link = unsubscribing.read_leave_link(secret, request.token)
    undo = unsubscribing.read_undo_link(secret, request.token)
    with request.reading() as connection:
        if link is not None:
            read = unsubscribing.read_leave_page
            return read(connection, settings, secret, link, language, request.now), None
        if undo is not None:
            return None, unsubscribing.read_undo_page(connection, settings, undo, language)
    return None, None
