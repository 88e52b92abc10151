"""The Flask application of the console, made from the tables of its modules of pages."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import IntegerConverter, Map, RequestRedirect

from publisher.web import security
from publisher.web.api.operations import About
from publisher.web.console import (
    articles,
    drafts,
    errors,
    operation,
    settings,
    sources,
    subscribers,
    translations,
)
from publisher.web.console import context as console_context
from publisher.web.console.accounts import administration, own_account, sign_in
from publisher.web.console.context import ConsoleContext, Menu
from publisher.web.console.errors import console_error, log_refusal
from publisher.web.console.issues import (
    announcements,
    approvals,
    calendar,
    corrections,
    overview,
    previews,
    sending,
)
from publisher.web.console.routes import Access, Route
from publisher.web.pages.errors import slash_redirect
from publisher.web.pages.responses import LARGEST_ID, see_other

# All routes.
ROUTES: tuple[Route, ...] = (
    *operation.ROUTES,
    *overview.ROUTES,
    *calendar.ROUTES,
    *approvals.ROUTES,
    *translations.ROUTES,
    *previews.ROUTES,
    *sending.ROUTES,
    *corrections.ROUTES,
    *announcements.ROUTES,
    *subscribers.ROUTES,
    *administration.ROUTES,
    *own_account.ROUTES,
    *sources.ROUTES,
    *articles.ROUTES,
    *drafts.ROUTES,
    *settings.ROUTES,
    *console_context.ROUTES,
    *sign_in.ROUTES,
)

# The menu: its groups, each with the keys of its routes (`Route.menu`) in their order. A page that is to stand in it
# has its key there, its word in `console/words.html`.
MENU = {
    "work": ("today", "issues", "translations", "write"),
    "readers": ("subscribers", "numbers"),
    "setup": ("sources", "people", "settings", "accounts", "keys", "webhooks", "audit"),
}

_FORM = "application/x-www-form-urlencoded"
# Bytes of a form without its files; the text of an article is the longest.
_MAX_FORM_BYTES = 4_000_000


class _Number(IntegerConverter):
    """The number of a row in a path. Larger ones than every database can store are not found."""

    regex = "[0-9]{1,10}"

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, max=LARGEST_ID)


def create_console(context: ConsoleContext, routes: tuple[Route, ...] = ROUTES) -> flask.Flask:
    app = flask.Flask("publisher.web.console", static_folder=None, template_folder=None)
    app.extensions["console"] = context
    context.opened.pages.load()
    app.url_map.converters["int"] = _Number
    app.before_request(lambda: None if context.is_asked() else console_error(context, 421))
    by_endpoint = {one.endpoint: one for one in routes}
    in_menu = {route.menu: route for route in routes if route.menu}
    app.before_request(lambda: _prepared(context, by_endpoint, in_menu))
    app.after_request(context.protected)
    errors.register(app, context)
    for route in routes:
        app.add_url_rule(
            route.path, route.endpoint, _view(context, route), methods=route.methods
        )
    return app


def _prepared(
    context: ConsoleContext, by_endpoint: Mapping[str, Route], in_menu: Mapping[str, Route]
) -> flask.Response | None:
    """Find out who sent the request; return the page that refuses it or leads elsewhere, or None."""
    request = console_context.make_request(context)
    flask.g.console_request = replace(request, menu=_menu(request, in_menu))
    raised = flask.request.routing_exception
    if isinstance(raised, RequestRedirect):
        return slash_redirect() or console_error(context, 404)
    if isinstance(raised, HTTPException):
        return None
    route = by_endpoint[flask.request.endpoint or ""]
    flask.request.max_content_length = route.max_body
    flask.request.max_form_memory_size = min(route.max_body, _MAX_FORM_BYTES)
    if not security.is_own_request(security.OriginCheck.COOKIE, request.settings.console.url):
        log_refusal("another site sent it", request)
        return console_error(context, 403)
    return None


def _view(context: ConsoleContext, route: Route) -> Callable[..., flask.Response]:
    """Return the function that Flask calls: it lets in whom the route permits."""

    def answer(**parts: Any) -> flask.Response:
        request: console_context.ConsoleRequest = flask.g.console_request
        if route.access is not Access.PUBLIC:
            refusal = _refusal(context, request, route, parts)
            if refusal is not None:
                return refusal
        return _once(request, lambda: route.view(request, **parts))

    return answer


def _once(
    request: console_context.ConsoleRequest, carry_out: Callable[[], flask.Response]
) -> flask.Response:
    """Return the answer of a view. A form with a key is carried out once, however often it is sent."""
    # A form with a file has none, and is not read here: its view may refuse it before.
    if flask.request.mimetype != _FORM or not request.field(console_context.FIELD):
        return carry_out()
    fields = sorted(flask.request.form.items(multi=True))
    form = hashlib.sha256(
        repr((console_context.console_token(), flask.request.path, fields)).encode()
    ).digest()
    return request.context.repeated_forms.answer(form, request.state.clock, carry_out)


def _refusal(
    context: ConsoleContext,
    request: console_context.ConsoleRequest,
    route: Route,
    parts: Mapping[str, Any],
) -> flask.Response | None:
    if request.signed_in is None:
        return _to_sign_in(context)
    languages = route.about.languages(request.state, parts)
    published = request.settings.publication.languages
    # A draft outlives its language in the settings, to be read and discarded.
    is_draft = "number" in parts
    if route.about is About.PATH and not is_draft and parts["language"] not in published:
        flask.abort(404)
    if not route.permits(request.actor, languages):
        refused = {"access": str(route.access), "language": languages[0]}
        log_refusal("no role permits it", request, **refused)
        return console_error(context, 403)
    if route.needs_fresh and not request.signed_in.is_fresh:
        if route.unproved is not None:
            return route.unproved(request, **parts)
        is_form = flask.request.method not in security.SAFE_METHODS
        return see_other(
            console_context.path_with_next(
                console_context.PROVE_PATH, _page_of_form(), again=is_form
            )
        )
    return None


def _to_sign_in(context: ConsoleContext) -> flask.Response:
    """Lead to the page for signing in, and from there back; a form that was sent is not kept."""
    if flask.request.method not in security.SAFE_METHODS:
        return console_error(context, 401, form=errors.form_again())
    return see_other(
        console_context.path_with_next(console_context.SIGN_IN_PATH, flask.request.path)
    )


def _page_of_form() -> str:
    """Return the path of the page whose button sent a request: the referrer, else the nearest page above its path."""
    if flask.request.method in security.SAFE_METHODS:
        return flask.request.path
    adapter = flask.current_app.create_url_adapter(flask.request)
    parts = flask.request.path.strip("/").split("/")
    above = [f"/{'/'.join(parts[:count])}/" for count in range(len(parts), 0, -1)]
    referrer = console_context.own_path(urlsplit(flask.request.referrer or "").path)
    said = [referrer] if referrer != "/" else []
    pages = (one for one in (*said, *above) if adapter and adapter.test(one, method="GET"))
    return next(pages, "/")


def _menu(request: console_context.ConsoleRequest, in_menu: Mapping[str, Route]) -> Menu:
    if request.signed_in is None:
        return ()
    path, languages = flask.request.path, About.EACH.languages(request.state, {})
    shown = {
        key: one.path for key, one in in_menu.items() if one.permits(request.actor, languages)
    }
    around = [
        one for one in shown.values() if path == one or (one != "/" and path.startswith(one))
    ]
    nearest = max(around, key=len, default="")
    groups = (
        (group, tuple((key, shown[key], shown[key] == nearest) for key in keys if key in shown))
        for group, keys in MENU.items()
    )
    return tuple(group for group in groups if group[1])
