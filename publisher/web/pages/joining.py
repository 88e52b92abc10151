"""The form to subscribe, the page that says to look into the mailbox, and the confirmation by link or code."""

from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any

import flask

from publisher.app.subscribers import joining
from publisher.app.subscribers.join_protection import FormEvidence, offer_form, personal_address
from publisher.config import Settings
from publisher.rendering.views import publication_view
from publisher.web.pages.responses import (
    PageRequest,
    PageTable,
    content_digest,
    form,
    kept_file,
)
from publisher.web.security import OriginCheck, origin_check
from subscribers.addresses import normalise_address
from subscribers.consent_records import ConsentChannel
from subscribers.errors import BadAddressError
from subscribers.model import JoinWish


@dataclass(frozen=True, slots=True)
class _Entered:
    """What the form shows: the page's newsletters, and what was entered."""

    newsletters: tuple[str, ...]
    email: str = ""
    chosen: tuple[str, ...] = ()
    language: str = ""


PAGES = PageTable()


@PAGES.add("GET /<language:language>/subscribe/")
def _subscribe_form(request: PageRequest) -> flask.Response:
    _require_joining(request.settings)
    offered = _offered(request.settings)
    # One newsletter needs no choice; among several, nothing is chosen for anybody.
    chosen = offered if len(offered) == 1 else ()
    return _form_page(request, _Entered(offered, "", chosen, request.language))


@PAGES.add("GET /-/proof.<digest>.js")
def _proof_script(_request: PageRequest, digest: str) -> flask.Response:
    return kept_file(_script(), digest, "text/javascript")


@PAGES.add("POST /<language:language>/subscribe/")
@origin_check(OriginCheck.EXEMPT)
def _subscribe(request: PageRequest) -> flask.Response:
    settings = request.settings
    _require_joining(settings)
    entered = _entered(settings, request.language)
    if not flask.request.form.get("stamp"):
        # From a form elsewhere (`publisher subscribers form`), which can't have one.
        return _form_page(request, entered, once_more=True)
    if problems := _problems(settings, entered):
        return _form_page(request, entered, problems)
    wanted = _wanted(request, entered)
    answer = request.write(joining.request_subscription, settings, wanted, request.now)
    if answer is joining.RequestAnswer.ONCE_MORE:
        return _form_page(request, entered, once_more=True)
    return _mailbox_page(request, entered.email, joining.inbox_url(entered.email))


def _mailbox_page(
    request: PageRequest, address: str, inbox: str, **values: Any
) -> flask.Response:
    sender = request.settings.publication.sender.address
    return request.page("mailbox.html", address=address, inbox=inbox, sender=sender, **values)


def _require_joining(settings: Settings) -> None:
    if not settings.joining.enabled or not settings.newsletters:
        flask.abort(404)


def _offered(settings: Settings) -> tuple[str, ...]:
    """Return the newsletters of the page: the one that its address names, or all."""
    names = tuple(one.name for one in settings.newsletters)
    one = settings.present_name(flask.request.args.get("newsletter", ""))
    return (one,) if one in names else names


def _entered(settings: Settings, language: str) -> _Entered:
    """Return what a form holds. What it can't hold is left out, as if it had not been sent."""
    fields = form("email", "language")
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


def _wanted(request: PageRequest, entered: _Entered) -> joining.SubscriptionRequest:
    fields = form("stamp", "subject")
    wording = "\n".join(_wording(request))
    origin = replace(request.consent_origin("subscribe", ConsentChannel.FORM), wording=wording)
    # Longer than other fields: a challenge and its solution.
    proof = flask.request.form.get("proof", "")
    evidence = FormEvidence(fields["stamp"], fields["subject"], proof)
    wish = JoinWish(entered.chosen, entered.language)
    client = flask.request.remote_addr or ""
    return joining.SubscriptionRequest(entered.email, wish, origin, client, evidence)


def _form_page(
    request: PageRequest,
    entered: _Entered,
    problems: list[tuple[str, str]] | None = None,
    *,
    once_more: bool = False,
) -> flask.Response:
    with request.reading() as connection:
        offer = offer_form(connection, request.settings, request.now)

    html = request.render(
        "web/subscriber/subscribe.html",
        problems=problems or [],
        once_more=once_more,
        entered=entered,
        offer=offer,
        **_form_values(request, entered),
    )
    return request.respond(html, script=bool(offer.challenge))


def _form_values(request: PageRequest, entered: _Entered) -> dict[str, Any]:
    settings, language = request.settings, request.language
    others = [tag for tag in settings.publication.languages if tag != language]
    return {
        "wording": _wording(request),
        "newsletters": [
            (newsletter.name, edition.title(language), edition.description(language))
            for newsletter in settings.newsletters
            for edition in [newsletter.in_language(language, settings.publication.timezone)]
            if newsletter.name in entered.newsletters
        ],
        "languages": [language, *others],
        "script_url": f"{flask.request.script_root}/-/proof.{content_digest(_script())}.js",
        "sender": settings.publication.sender.address,
        "privacy": settings.joining.privacy(language) if settings.joining.privacy else "",
    }


def _wording(request: PageRequest) -> list[str]:
    """Return the title, the sentence and the button that somebody agrees by, as they are shown."""
    view = publication_view(request.settings.publication, request.language)
    renderer = request.context.opened.renderer
    text = renderer.subscriber_page("web/subscriber/consent.txt", view)
    return [line for line in text.splitlines() if line]


def _script() -> bytes:
    return files("publisher.web").joinpath("proof.js").read_bytes()


@PAGES.add("GET /<language:language>/confirm/")
def _confirmation(request: PageRequest) -> flask.Response:
    if not request.token:  # the page on which the mail's code is entered
        return _mailbox_page(request, "", "")
    with request.reading() as connection:
        view = joining.read_confirmation(
            connection, request.settings, request.token, request.now
        )
    return _page(request, view)


@PAGES.add("POST /<language:language>/confirm/")
def _confirm(request: PageRequest) -> flask.Response:
    if request.token:
        return _page(request, _use_link(request, request.token))
    fields = form("email", "code")
    view = _use_code(request, fields["email"], fields["code"])
    if view.state is not joining.ConfirmationState.UNKNOWN:
        return _page(request, view)
    try:
        inbox = joining.inbox_url(fields["email"])
    except BadAddressError:
        inbox = ""
    return _mailbox_page(request, fields["email"], inbox, wrong_code=True)


def _use_link(request: PageRequest, token: str) -> joining.ConfirmationView:
    use = joining.refuse if form("choice")["choice"] == "refuse" else joining.confirm_by_link
    origin = request.consent_origin("confirm", ConsentChannel.LINK)
    return request.write(use, request.settings, token, origin, request.now)


def _use_code(request: PageRequest, email: str, code: str) -> joining.ConfirmationView:
    origin = request.consent_origin("confirm", ConsentChannel.CODE)
    # People write 123 456, and digits of their own script.
    digits = "".join(str(int(character)) for character in code if character.isdecimal())
    try:
        return request.write(
            joining.confirm_by_code, request.settings, email, digits, origin, request.now
        )
    except BadAddressError:
        return joining.ConfirmationView(joining.ConfirmationState.UNKNOWN)


def _page(request: PageRequest, view: joining.ConfirmationView) -> flask.Response:
    found = {name: request.settings.newsletter(name) for name in view.newsletters}
    return request.page(
        "confirm.html",
        view=view,
        refuses=flask.request.args.get("choice") == "refuse",
        newsletters=[
            newsletter.title(request.language) if newsletter else name
            for name, newsletter in found.items()
        ],
    )
