"""Addresses for programs: a subscriber's own feed, webhooks of mail providers, and what hubs of WebSub call.

A webhook is answered with 200 only after the commit: providers send again what was not answered so.
"""

from http import HTTPStatus

import flask

from publisher.app import source_pushes
from publisher.app.subscribers import feeds, provider_reports
from publisher.bounces.providers.events import FeedbackRefusedError
from publisher.serving.static_site import CODINGS, IDENTITY, choose_coding, encode
from publisher.web.pages.responses import PageRequest, PageTable
from publisher.web.security import OriginCheck, max_body, origin_check

PAGES = PageTable()


@PAGES.add("GET /<language:language>/feeds/of/<name>")
def _private_feed(request: PageRequest, name: str) -> flask.Response:
    token, _, form = name.rpartition(".")
    media_type, settings = feeds.private_feed_type(form), request.settings
    # A token is in no form, and an article in no query: what is compressed tells nothing (BREACH).
    coding = choose_coding(flask.request.accept_encodings, CODINGS) or IDENTITY
    response = flask.Response(mimetype=media_type)
    with request.reading() as connection:
        try:
            found = feeds.read_private_feed(
                connection, settings, request.secret, token, request.language, request.now
            )
        except feeds.EndedFeedError:
            flask.abort(410)
        if found is None or media_type is None:
            flask.abort(404)
        etag = f"{found.etag(connection, form)}-{coding}"
        if flask.request.if_none_match.contains_weak(etag):
            response.status_code = 304
        else:
            renderer = request.context.opened.renderer
            content = feeds.render_private_feed(connection, settings, renderer, found, form)
            response.data = encode(content, coding)
    response.set_etag(etag)
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Vary"] = "Accept-Encoding"
    if coding != IDENTITY and response.status_code == HTTPStatus.OK:
        response.headers["Content-Encoding"] = coding
    return response


_REFUSED, _NOT_FOUND = 403, 404


@PAGES.add("POST /feedback/<provider>/<path_secret>/")
@origin_check(OriginCheck.EXEMPT)
@max_body(provider_reports.MAX_FEEDBACK)
def _feedback_by_post(request: PageRequest, provider: str, path_secret: str) -> flask.Response:
    # The body as it came: signatures cover its bytes.
    body, header = flask.request.get_data(cache=False), dict(flask.request.headers)
    settings, secret, now = request.settings, request.secret, request.now
    try:
        events = provider_reports.read_feedback(
            settings, provider, path_secret, header, body, now
        )
        if events:
            request.write(provider_reports.store_feedback, secret, provider, events, now)
    except FeedbackRefusedError:
        return _answer(_REFUSED)
    return _answer(_NOT_FOUND if events is None else 200)


@PAGES.add("GET /feedback/websub/<token>/")
def _question_of_hub(request: PageRequest, token: str) -> flask.Response:
    """Confirm to a hub what it was asked for. By the protocol it is a GET; nobody else knows the address."""
    source, question = source_pushes.source_of_token(request.secret, token), flask.request.args
    if source is None:
        flask.abort(_NOT_FOUND)
    is_asked = request.context.opened.writer.run(
        lambda connection: source_pushes.confirm_push(connection, source, question, request.now)
    )
    if not is_asked:
        flask.abort(_NOT_FOUND)
    return flask.Response(question.get("hub.challenge", ""), mimetype="text/plain")


@PAGES.add("POST /feedback/websub/<token>/")
@origin_check(OriginCheck.EXEMPT)
@max_body(source_pushes.MAX_PUSH)
def _push_by_hub(request: PageRequest, token: str) -> flask.Response:
    source = source_pushes.source_of_token(request.secret, token)
    if source is None:
        flask.abort(_NOT_FOUND)
    body = flask.request.get_data(cache=False)
    # A wrong signature is answered as a right one is (WebSub section 7.1).
    signature = flask.request.headers.get("X-Hub-Signature", "")
    if source_pushes.is_signed(request.secret, source, signature, body):
        request.write(source_pushes.note_push, source, request.now)
    return _answer(200)


def _answer(status: int) -> flask.Response:
    words = {_REFUSED: "refused", _NOT_FOUND: "not found"}.get(status, "OK")
    return flask.Response(f"{words}\n", status, mimetype="text/plain")
