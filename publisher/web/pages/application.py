"""The Flask application of subscribers' pages."""

from collections.abc import Callable
from typing import Any

import flask
from werkzeug.exceptions import NotFound
from werkzeug.routing import BaseConverter, RequestRedirect, ValidationError

from publisher.config import Settings
from publisher.web import security
from publisher.web.pages import access, errors, for_programs, joining, preferences, responses
from publisher.web.pages.errors import error_page, language_redirect, slash_redirect
from publisher.web.pages.responses import PageTable, WebContext
from publisher.web.pages.unsubscribing import PAGES

TABLES: tuple[PageTable, ...] = (
    responses.PAGES,
    PAGES,
    preferences.PAGES,
    access.PAGES,
    joining.PAGES,
    for_programs.PAGES,
)


def create_app(context: WebContext) -> flask.Flask:
    """Return the application with all pages. It sets no cookie, and reads no configuration."""
    app = flask.Flask("publisher.web", static_folder=None, template_folder=None)
    app.extensions["publisher"] = context
    app.url_map.converters["language"] = _language_converter(lambda: context.settings)
    app.before_request(lambda: _checked(app, context))
    app.after_request(
        lambda response: security.add_headers(response, security.security_headers())
    )
    errors.register(app, context)
    for table in TABLES:
        table.register(app, context)
    return app


def _language_converter(settings: Callable[[], Settings]) -> type[BaseConverter]:
    """Return the converter of `<language:language>`, which accepts languages of the publication."""

    class LanguageConverter(BaseConverter):
        def to_python(self, value: str) -> str:
            if value not in settings().publication.languages:
                raise ValidationError
            return value

    return LanguageConverter


def _checked(app: flask.Flask, context: WebContext) -> flask.Response | None:
    """Return the page that refuses a request or leads elsewhere, or None; bound its body."""
    request, url = flask.request, context.settings.publication.url
    if not security.is_for_us(url, context.hosts):
        return error_page(context, 421)
    if isinstance(request.routing_exception, RequestRedirect):
        return slash_redirect() or error_page(context, 404)
    if isinstance(request.routing_exception, NotFound):
        return language_redirect(context)
    view = app.view_functions.get(request.endpoint or "")
    marks: dict[str, Any] = getattr(view, "__dict__", {})
    request.max_content_length = marks.get("max_body", security.MAX_BODY_BYTES)
    check = marks.get("origin_check", security.OriginCheck.TOKEN)
    if view is not None and not security.is_own_request(check, url):
        return error_page(context, 403)
    return None
