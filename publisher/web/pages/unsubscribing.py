"""The page that unsubscribes, and one-click unsubscribing by mail programs (RFC 8058).

GET and HEAD show and change nothing. A POST to the address that mails announce unsubscribes whatever
its body says: the body is not read. The page's own buttons say in the query (`do`) which was
pressed. No answer to a POST is a redirect, since mail programs need not follow one.
"""

from dataclasses import asdict

import flask

from publisher.app.subscribers import unsubscribing
from publisher.app.subscribers.unsubscribing import LeaveScope
from publisher.web.pages.responses import WebContext, render_page
from publisher.web.security import OriginCheck, origin_check
from subscribers.changes import UndoOutcome

_TEMPLATE = "web/subscriber/unsubscribe.html"
_NOT_FOUND = 404


def register(app: flask.Flask, context: WebContext) -> None:
    """Add the route. Old mails may name a language that the publication has given up."""

    @app.get("/<language>/unsubscribe/")
    def unsubscribe_page(language: str) -> flask.Response:
        return _page(context, _served(context, language), done="")

    @app.post("/<language>/unsubscribe/")
    @origin_check(OriginCheck.EXEMPT)
    def unsubscribe_by_post(language: str) -> flask.Response:
        served, pressed = _served(context, language), flask.request.args.get("do")
        return _one_click(context) if pressed is None else _by_button(context, served, pressed)


def _one_click(context: WebContext) -> flask.Response:
    """Unsubscribe, and answer the same whoever has the link, or nobody."""
    _leave(context, LeaveScope.NEWSLETTER)
    return flask.Response("OK\n", mimetype="text/plain")


def _leave(context: WebContext, scope: LeaveScope) -> str:
    link, now = unsubscribing.read_leave_link(context.secret, _token()), context.clock.now()
    if link is not None:
        context.writer.run(lambda connection: unsubscribing.leave(connection, link, scope, now))
    return "left-all" if scope is LeaveScope.ALL else "left"


def _by_button(context: WebContext, language: str, pressed: str) -> flask.Response:
    if pressed == "pause":
        return _page(context, language, done=_pause(context))
    if pressed == "undo":
        return _page(context, language, done=_undo(context))
    if pressed not in {*LeaveScope}:
        flask.abort(400)
    return _page(context, language, done=_leave(context, LeaveScope(pressed)))


def _pause(context: WebContext) -> str:
    link, now = unsubscribing.read_leave_link(context.secret, _token()), context.clock.now()
    if link is None:
        return ""
    until = context.writer.run(
        lambda connection: unsubscribing.pause_instead(connection, link, now)
    )
    return "paused" if until else ""


def _undo(context: WebContext) -> str:
    link, now = unsubscribing.read_undo_link(context.secret, _token()), context.clock.now()
    if link is None:
        return ""
    outcome = context.writer.run(lambda connection: unsubscribing.undo(connection, link, now))
    return "undo-ended" if outcome is UndoOutcome.ENDED else "undone"


def _page(context: WebContext, language: str, *, done: str) -> flask.Response:
    """Show what the token is about. `done` says what was just done."""
    page, undo_page = _read(context, language)
    is_found = page or undo_page or done == "undo-ended"
    return render_page(
        context,
        language,
        _TEMPLATE,
        200 if is_found else _NOT_FOUND,
        page=page and asdict(page),
        undo_page=undo_page and asdict(undo_page),
        done=done,
        token=_token(),
        sender=context.settings.publication.sender.address,
    )


def _read(
    context: WebContext, language: str
) -> tuple[unsubscribing.LeavePage | None, unsubscribing.UndoPage | None]:
    settings, secret, now = context.settings, context.secret, context.clock.now()
    link = unsubscribing.read_leave_link(secret, _token())
    undo = unsubscribing.read_undo_link(secret, _token())
    with context.database.reading() as connection:
        if link is not None:
            page = unsubscribing.read_leave_page(
                connection, settings, secret, link, language, now
            )
            return page, None
        if undo is not None:
            return None, unsubscribing.read_undo_page(connection, settings, undo, language)
    return None, None


def _token() -> str:
    return flask.request.args.get("t", "")


def _served(context: WebContext, language: str) -> str:
    publication = context.settings.publication
    return language if language in publication.languages else publication.default_language
