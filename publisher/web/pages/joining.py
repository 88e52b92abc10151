"""The form to subscribe, the page that says to look into the mailbox, and the confirmation by link or code."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from importlib.resources import files
from typing import Any

import flask

from publisher import urls
from publisher.app.subscribers.join_protection import FormEvidence, offer_form, personal_address
from publisher.app.subscribers.joining import (
    ConfirmationState,
    ConfirmationView,
    RequestAnswer,
    SubscriptionRequest,
    confirm_by_code,
    confirm_by_link,
    inbox_url,
    read_confirmation,
    refuse,
    request_subscription,
)
from publisher.config import Settings
from publisher.rendering.views import publication_view
from publisher.urls import public_url, subscriber_page_path
from publisher.web.pages import responses
from publisher.web.security import OriginCheck, origin_check
from subscribers.addresses import normalise_address
from subscribers.consent_records import ConsentChannel, ConsentOrigin
from subscribers.errors import BadAddressError
from subscribers.model import JoinWish

# A year in seconds: another script has another address.
_CACHE = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class _Entered:
    """What the form shows: the page's newsletters, and what was entered."""

    newsletters: tuple[str, ...]
    email: str = ""
    chosen: tuple[str, ...] = ()
    language: str = ""


def _register_joining(app: flask.Flask, context: responses.WebContext) -> None:
    """Add the routes."""

    @app.get("/<language:language>/subscribe/")
    def subscribe_form(language: str) -> flask.Response:
        settings = _settings(context)
        offered = _offered(settings)
        # One newsletter needs no choice; among several, nothing is chosen for anybody.
        chosen = offered if len(offered) == 1 else ()
        return _form_page(context, language, _Entered(offered, "", chosen, language))

    @app.post("/<language:language>/subscribe/")
    @origin_check(OriginCheck.EXEMPT)
    def subscribe(language: str) -> flask.Response:
        return _answer(context, language)

    @app.get("/-/proof.<digest>.js")
    def proof_script(digest: str) -> flask.Response:
        script = _script()
        if digest != _digest(script):
            flask.abort(404)
        response = flask.Response(script, mimetype="text/javascript")
        response.headers["Cache-Control"] = _CACHE
        return response


def _answer(context: responses.WebContext, language: str) -> flask.Response:
    """Take a filled form in, and return the next page: the form again, or what to do now."""
    settings = _settings(context)
    entered = _entered(settings, language)
    if not flask.request.form.get("stamp"):
        # From a form elsewhere (`publisher subscribers form`), which can't have one.
        return _form_page(context, language, entered, once_more=True)
    if problems := _problems(settings, entered):
        return _form_page(context, language, entered, problems)
    request = _request(context, settings, language, entered)
    now = context.clock.now()
    answer = context.writer.run(
        lambda connection: request_subscription(connection, settings, request, now)
    )
    if answer is RequestAnswer.ONCE_MORE:
        return _form_page(context, language, entered, once_more=True)
    return responses.render_page(
        context,
        language,
        "web/subscriber/mailbox.html",
        address=entered.email,
        inbox=inbox_url(entered.email),
        sender=settings.publication.sender.address,
    )


def _settings(context: responses.WebContext) -> Settings:
    settings = context.settings
    if not settings.joining.enabled or not settings.newsletters:
        flask.abort(404)
    return settings


def _offered(settings: Settings) -> tuple[str, ...]:
    """Return the newsletters of the page: the one that its address names, or all."""
    names = tuple(one.name for one in settings.newsletters)
    one = settings.present_name(flask.request.args.get("newsletter", ""))
    return (one,) if one in names else names


def _entered(settings: Settings, language: str) -> _Entered:
    """Return what a form holds. What it can't hold is left out, as if it had not been sent."""
    fields = responses.form(flask.request, "email", "language")
    offered = _offered(settings)
    # Forms on other sites may name a newsletter as it was called before.
    sent = {settings.present_name(one) for one in flask.request.form.getlist("newsletter")}
    known = fields["language"] in settings.publication.languages
    return _Entered(
        offered,
        fields["email"],
        tuple(name for name in offered if name in sent),
        fields["language"] if known else language,
    )


def _problems(settings: Settings, entered: _Entered) -> list[tuple[str, str]]:
    """Return the fields that must be corrected, each with what is wrong."""
    problems = []
    if not entered.email:
        problems.append(("email", "missing"))
    else:
        problems += _problem_of_address(settings, entered.email)
    if not entered.chosen:
        problems.append(("newsletter", "no newsletter"))
    return problems


def _problem_of_address(settings: Settings, address: str) -> list[tuple[str, str]]:
    try:
        normalise_address(address)
    except BadAddressError:
        is_ascii = address.rpartition("@")[0].isascii()
        return [("email", "wrong" if is_ascii else "not ascii")]
    try:
        personal_address(settings, address)
    except BadAddressError:
        return [("email", "not personal")]
    return []


def _request(
    context: responses.WebContext, settings: Settings, language: str, entered: _Entered
) -> SubscriptionRequest:
    fields = responses.form(flask.request, "stamp", "subject")
    page = urls.subscriber_page_path(language, "subscribe")
    origin = ConsentOrigin(
        source=ConsentChannel.FORM,
        wording="\n".join(_wording(context, settings, language)),
        page=urls.public_url(settings.publication, page),
        network=responses.client_network(flask.request),
    )
    # Longer than other fields: a challenge and its solution.
    proof = flask.request.form.get("proof", "")
    evidence = FormEvidence(fields["stamp"], fields["subject"], proof)
    wish = JoinWish(entered.chosen, entered.language)
    client = flask.request.remote_addr or ""
    return SubscriptionRequest(entered.email, wish, origin, client, evidence)


def _form_page(
    context: responses.WebContext,
    language: str,
    entered: _Entered,
    problems: list[tuple[str, str]] | None = None,
    *,
    once_more: bool = False,
) -> flask.Response:
    """Return the page of the form. An empty one is kept: only its stamp differs, unless templates may."""
    settings, now = context.settings, context.clock.now()
    with context.database.reading() as connection:
        offer = offer_form(connection, settings, now)

    def render(own: Mapping[str, str]) -> str:
        return responses.render_html(
            context,
            language,
            "web/subscriber/subscribe.html",
            problems=problems or [],
            once_more=once_more,
            entered=entered,
            offer=replace(offer, stamp=own["stamp"]),
            **_form_values(context, settings, language, entered),
        )

    own = {"stamp": offer.stamp}
    is_empty = flask.request.method == "GET" and "t" not in flask.request.args
    if not is_empty or offer.challenge or settings.folders.templates.exists():
        html = render(own)
    else:
        key = "subscribe", flask.request.script_root, language, entered
        html = context.pages.fill(settings, key, own, render)
    return responses.html_response(html, language, script=bool(offer.challenge))


def _form_values(
    context: responses.WebContext, settings: Settings, language: str, entered: _Entered
) -> dict[str, Any]:
    others = [tag for tag in settings.publication.languages if tag != language]
    return {
        "wording": _wording(context, settings, language),
        "newsletters": [
            (one.name, one.title(language))
            for one in settings.newsletters
            if one.name in entered.newsletters
        ],
        "languages": [language, *others],
        "script_url": f"{flask.request.script_root}/-/proof.{_digest(_script())}.js",
        "sender": settings.publication.sender.address,
        "privacy": settings.joining.privacy(language) if settings.joining.privacy else "",
    }


def _wording(context: responses.WebContext, settings: Settings, language: str) -> list[str]:
    """Return the title, the sentence and the button that somebody agrees by, as they are shown."""
    view = publication_view(settings.publication, language)
    text = context.renderer.subscriber_page("web/subscriber/consent.txt", view)
    return [line for line in text.splitlines() if line]


def _script() -> str:
    return files("publisher.web").joinpath("proof.js").read_text("utf-8")


def _digest(script: str) -> str:
    return sha256(script.encode()).hexdigest()[:12]


def _register_confirming(app: flask.Flask, context: responses.WebContext) -> None:
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
        fields = responses.form(flask.request, "email", "code")
        view = _use_code(context, language, fields["email"], fields["code"])
        if view.state is not ConfirmationState.UNKNOWN:
            return _page(context, language, view)
        return _code_page(context, language, fields["email"])


def _use_link(context: responses.WebContext, language: str, token: str) -> ConfirmationView:
    settings, now = context.settings, context.clock.now()
    use = (
        refuse
        if responses.form(flask.request, "choice")["choice"] == "refuse"
        else confirm_by_link
    )
    origin = _origin(context, language, ConsentChannel.LINK)
    return context.writer.run(lambda connection: use(connection, settings, token, origin, now))


def _use_code(
    context: responses.WebContext, language: str, email: str, code: str
) -> ConfirmationView:
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


def _origin(
    context: responses.WebContext, language: str, source: ConsentChannel
) -> ConsentOrigin:
    # Not the host that the client named.
    publication = context.settings.publication
    page = public_url(publication, subscriber_page_path(language, "confirm"))
    return ConsentOrigin(
        source=source, page=page, network=responses.client_network(flask.request)
    )


def _page(
    context: responses.WebContext, language: str, view: ConfirmationView
) -> flask.Response:
    settings = context.settings
    found = {name: settings.newsletter(name) for name in view.newsletters}
    return responses.render_page(
        context,
        language,
        "web/subscriber/confirm.html",
        view=view,
        newsletters=[one.title(language) if one else name for name, one in found.items()],
    )


def _code_page(context: responses.WebContext, language: str, email: str) -> flask.Response:
    try:
        inbox = inbox_url(email)
    except BadAddressError:
        inbox = ""
    return responses.render_page(
        context,
        language,
        "web/subscriber/mailbox.html",
        address=email,
        inbox=inbox,
        sender=context.settings.publication.sender.address,
        wrong_code=True,
    )


def register(app: flask.Flask, context: responses.WebContext) -> None:
    """Add what this module has."""
    _register_joining(app, context)
    _register_confirming(app, context)
