"""The page that mails a subscriber her links: it needs no old mail, and has one answer for all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import flask

from publisher.app.own_links import send_own_links
from publisher.web.links import see_other
from publisher.web.responses import form, render_page
from subscribers import BadAddressError

if TYPE_CHECKING:
    from publisher.web.context import WebContext

_UNPROCESSABLE, _GONE = 422, 410


def register(app: flask.Flask, context: WebContext) -> None:
    """Add the route."""

    @app.get("/<language:language>/preferences/link/")
    def own_links_page(language: str) -> flask.Response:
        return show_link_form(context, language)

    @app.post("/<language:language>/preferences/link/")
    def send_links(language: str) -> flask.Response:
        (address,) = form(flask.request, "email").values()
        settings, now = context.settings, context.clock.now()
        client = flask.request.remote_addr or ""
        try:
            context.writer.run(
                lambda connection: send_own_links(
                    connection, settings, context.limits, address, now, client=client
                )
            )
        except BadAddressError:
            return show_link_form(context, language, wrong_address=address)
        return see_other(f"{flask.request.script_root}{flask.request.path}?done=sent")


def show_link_form(
    context: WebContext,
    language: str,
    *,
    has_ended: bool = False,
    wrong_address: str | None = None,
) -> flask.Response:
    """Return the form. `has_ended` says first that a link was opened that is not valid any more."""
    status = 200 if wrong_address is None else _UNPROCESSABLE
    return render_page(
        context,
        language,
        "web/subscriber/own_links.html",
        _GONE if has_ended else status,
        form_url=f"{flask.request.script_root}/{language}/preferences/link/",
        has_ended=has_ended,
        is_sent=flask.request.args.get("done") == "sent",
        address=wrong_address or "",
        is_wrong=wrong_address is not None,
    )
