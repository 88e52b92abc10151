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
    from collections.abc import Sequence

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
    """Return a page from a template below `web/subscriber`.

    It gets `publication`, `style_url`, `home_url`, `sisters` and `values`. `script` allows scripts
    of this server on it.
    """
    settings = context.settings
    view = publication_view(settings.publication, language)
    html = context.renderer.subscriber_page(
        template,
        view,
        style_url=f"{flask.request.script_root}/{style_path(context, settings)}",
        home_url=f"{view.url}/{language}/",
        **{"sisters": _sisters(flask.request, language, view.languages)} | values,
    )
    response = flask.Response(html, status, mimetype="text/html")
    response.headers["Content-Language"] = language
    response.headers.extend(security_headers(script=script))
    return response


def _sisters(
    request: flask.Request, language: str, languages: Sequence[str]
) -> list[LanguageLink]:
    """Return the links to the same page, with its token, in the other languages."""
    first, _, rest = request.path.lstrip("/").partition("/")
    if first != language:
        return []
    token = request.args.get("t", "")
    query = f"?{urlencode({'t': token})}" if token else ""
    return [
        LanguageLink(language=other, url=f"{request.script_root}/{other}/{rest}{query}")
        for other in languages
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
