"""Helpers of pages: render one, read a form, and name the client's network."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import flask

from publisher.rendering import LanguageLink
from publisher.rendering.views import publication_view
from publisher.web.assets import style_path
from publisher.web.security import security_headers

if TYPE_CHECKING:
    from publisher.web.context import WebContext

# Characters of a field; no page has a longer one.
_MAX_FIELD = 2000


def render_page(
    context: WebContext,
    language: str,
    template: str,
    status: int = 200,
    *,
    script: bool = False,
    **values: Any,
) -> flask.Response:
    """Return a page from a template below `web/subscriber`. `script` allows scripts of this server."""
    html = render_html(context, language, template, **values)
    return html_response(html, language, status, script=script)


def render_html(context: WebContext, language: str, template: str, **values: Any) -> str:
    """Return the text of a page. It gets `publication`, `style_url`, `home_url`, `sisters` and `values`."""
    settings = context.settings
    view = publication_view(settings.publication, language)
    given = {
        "style_url": f"{flask.request.script_root}/{style_path(context, settings)}",
        "home_url": f"{view.url}/{language}/",
        "sisters": page_in_others(context, language, flask.request.args.get("t", "")),
    }
    return context.renderer.subscriber_page(template, view, **given | values)


def html_response(
    html: str, language: str, status: int = 200, *, script: bool = False
) -> flask.Response:
    """Return the answer with a page."""
    response = flask.Response(html, status, mimetype="text/html")
    response.headers["Content-Language"] = language
    response.headers.extend(security_headers(script=script))
    return response


def page_in_others(context: WebContext, language: str, token: str) -> list[LanguageLink]:
    """Return the links to the page that is asked for, with a token, in the other languages."""
    request = flask.request
    first, _, rest = request.path.lstrip("/").partition("/")
    if first != language:
        return []
    query = f"?{urlencode({'t': token})}" if token else ""
    return [
        LanguageLink(language=other, url=f"{request.script_root}/{other}/{rest}{query}")
        for other in context.settings.publication.languages
        if other != language
    ]


def form(request: flask.Request, *names: str) -> dict[str, str]:
    """Return fields of a form, stripped; those that are absent are empty.

    Where a field can be there several times, use `request.form.getlist`.
    """
    return {name: request.form.get(name, "")[:_MAX_FIELD].strip() for name in names}


def client_network(request: flask.Request) -> str:
    """Return the client's network: /24 of an IPv4 address, /48 of an IPv6 one, or an empty text.

    The address comes from a proxy only if the settings trust it.
    """
    try:
        address = ipaddress.ip_address((request.remote_addr or "").partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    length = 24 if address.version == 4 else 48  # noqa: PLR2004  # versions of IP
    return str(ipaddress.ip_network((address, length), strict=False))
