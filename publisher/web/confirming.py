"""The page of a link to confirm, and the form for the code: confirm, or refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import flask

from publisher.app.joining import (
    ConfirmationState,
    ConfirmationView,
    confirm_by_code,
    confirm_by_link,
    inbox_url,
    read_confirmation,
    refuse,
)
from publisher.urls import public_url, subscriber_page_path
from publisher.web.responses import client_network, form, render_page
from subscribers import BadAddressError, ConsentChannel, ConsentOrigin

if TYPE_CHECKING:
    from publisher.web.context import WebContext


def register(app: flask.Flask, context: WebContext) -> None:
    """Add the routes."""

    @app.get("/<language:language>/confirm/")
    def confirmation(language: str) -> flask.Response:
        token = flask.request.args.get("t", "")
        with context.database.reading() as connection:
            now = context.clock.now()
            view = read_confirmation(connection, context.settings, token, now)
        return _page(context, language, view)

    @app.post("/<language:language>/confirm/")
    def confirm(language: str) -> flask.Response:
        if token := flask.request.args.get("t", ""):
            return _page(context, language, _use_link(context, language, token))
        fields = form(flask.request, "email", "code")
        view = _use_code(context, language, fields["email"], fields["code"])
        if view.state is not ConfirmationState.UNKNOWN:
            return _page(context, language, view)
        return _code_page(context, language, fields["email"])


def _use_link(context: WebContext, language: str, token: str) -> ConfirmationView:
    settings, now = context.settings, context.clock.now()
    use = refuse if form(flask.request, "choice")["choice"] == "refuse" else confirm_by_link
    origin = _origin(context, language, ConsentChannel.LINK)
    return context.writer.run(lambda connection: use(connection, settings, token, origin, now))


def _use_code(context: WebContext, language: str, email: str, code: str) -> ConfirmationView:
    settings, now = context.settings, context.clock.now()
    origin = _origin(context, language, ConsentChannel.CODE)
    # People write 123 456, and digits of their own script.
    digits = "".join(str(int(one)) for one in code if one.isdecimal())
    try:
        return context.writer.run(
            lambda connection: confirm_by_code(connection, settings, email, digits, origin, now)
        )
    except BadAddressError:
        return ConfirmationView(ConfirmationState.UNKNOWN)


def _origin(context: WebContext, language: str, source: ConsentChannel) -> ConsentOrigin:
    # Not the host that the client named.
    publication = context.settings.publication
    page = public_url(publication, subscriber_page_path(language, "confirm"))
    return ConsentOrigin(source=source, page=page, network=client_network(flask.request))


def _page(context: WebContext, language: str, view: ConfirmationView) -> flask.Response:
    settings = context.settings
    found = {name: settings.newsletter(name) for name in view.newsletters}
    return render_page(
        context,
        language,
        "web/subscriber/confirm.html",
        view=view,
        newsletters=[one.title(language) if one else name for name, one in found.items()],
    )


def _code_page(context: WebContext, language: str, email: str) -> flask.Response:
    try:
        inbox = inbox_url(email)
    except BadAddressError:
        inbox = ""
    return render_page(
        context,
        language,
        "web/subscriber/mailbox.html",
        address=email,
        inbox=inbox,
        sender=context.settings.publication.sender.address,
        wrong_code=True,
    )
