"""Previews: an issue in all its languages and looks, in frames (see `frame_headers`), as a subscriber gets it; test mails."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import flask

from publisher.app.editing_state import Permission
from publisher.app.issues import preview as use_cases
from publisher.app.issues import preview_pages
from publisher.app.issues.lookup import choose_editions, find_issue_group
from publisher.app.issues.preview import preview_mails
from publisher.app.issues.send_test_mails import send_tests
from publisher.config import Edition
from publisher.delivery.ledger.audience import Viewer
from publisher.errors import UsageError
from publisher.web.api.operations import About
from publisher.web.console.context import ConsoleRequest
from publisher.web.console.routes import Access, RouteTable
from publisher.web.pages.responses import parse_id
from subscribers.preferences import Profile

_PICTURES = "/-/pictures/"
_LENGTHS = ("summary", "full")
# Characters of the addresses of test mails.
_MOST_ADDRESSES = 4000


ROUTES = RouteTable()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """What a page shows previews of: an issue in its languages, or the next one of a newsletter."""

    path: str
    title: str
    name: str
    shown: Sequence[tuple[str, str | Edition]]


@dataclass(frozen=True, slots=True)
class _Column:
    """An issue in a language: its mail, or why there is none."""

    language: str
    preview: use_cases.MailPreview | None = None
    key: str = ""
    problem: str = ""


def frame_headers(request: flask.Request) -> dict[str, str]:
    """Return the header fields of a document that runs nothing and asks nobody, and is a file outside of a frame, as its origin is ours."""
    # Werkzeug would leave the port out. The host was found to be ours.
    host = urlsplit(f"//{request.environ.get('HTTP_HOST', '')}")
    port = f":{host.port}" if host.port else ""
    pictures = f"{request.scheme}://{host.hostname}{port}{_PICTURES}"
    fields = {
        "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; "
        f"img-src data: {pictures}; form-action 'none'; base-uri 'none'; frame-ancestors 'self'",
        "Referrer-Policy": "no-referrer",
        "X-DNS-Prefetch-Control": "off",
    }
    if request.headers.get("Sec-Fetch-Dest") != "iframe":
        fields["Content-Disposition"] = "attachment"
    return fields


@ROUTES.add("GET /next/<newsletter>/", Permission.VIEW)
@ROUTES.add("GET /issues/<issue>/preview/", Permission.VIEW)
def _show(request: ConsoleRequest, **parts: str) -> flask.Response:
    return _grid(request, _target(request, **parts))


def _target(request: ConsoleRequest, issue: str = "", newsletter: str = "") -> _Target:
    return _issue_target(request, issue) if issue else _next_target(request, newsletter)


def _issue_target(request: ConsoleRequest, name: str) -> _Target:
    group, _found = find_issue_group(request.state, name)
    edition = request.settings.edition(group.newsletter, request.language)
    first = edition or next(iter(request.settings.editions_of(group.newsletter)), None)
    return _Target(
        path=f"/issues/{name}/preview/",
        title=first.title(request.language) if first else group.newsletter,
        name=f"{group.newsletter} {group.day}",
        shown=[(one.issue.language, one.issue.name) for one in group.issues],
    )


def _next_target(request: ConsoleRequest, newsletter: str) -> _Target:
    editions = choose_editions(request.settings, newsletter, None)
    return _Target(
        path=f"/next/{newsletter}/",
        title=editions[0].title(request.language),
        name=newsletter,
        shown=[(one.language, one) for one in editions],
    )


def _viewer(request: ConsoleRequest, values: Any, language: str) -> Viewer:
    """Return as whom a mail in a language is seen: `as` is a subscriber's id."""
    if number := values.get("as", ""):
        subscriber = parse_id(number)
        if subscriber is None:
            raise UsageError("as whom is not a number")
        return request.call(use_cases.find_viewer, subscriber)
    length = values.get("length", "")
    more = [tag for tag in values.getlist("more") if tag in _languages(request)]
    profile = Profile(
        more_languages=tuple(tag for tag in more if tag != language),
        length=length if length in _LENGTHS else None,
    )
    return use_cases.viewer_with_profile(language, profile)


def _languages(request: ConsoleRequest) -> Sequence[str]:
    return request.settings.publication.languages


def _shown(
    request: ConsoleRequest, target: _Target, values: Any, languages: Sequence[str]
) -> list[use_cases.Shown]:
    return [
        use_cases.Shown(what, _viewer(request, values, language))
        for language, what in target.shown
        if language in languages
    ]


def _grid(
    request: ConsoleRequest, target: _Target, status: int = 200, **values: Any
) -> flask.Response:
    """Return the page with all previews. It asks by GET, or is the answer to a form with errors."""
    arguments = flask.request.args
    languages = [language for language, _what in target.shown]
    shown = _shown(request, target, arguments, languages)
    opened = request.context.opened
    found = preview_mails(request.state, opened.renderer, request.actor, shown)
    columns = [
        _Column(language, preview=one, key=opened.previews.keep(one))
        if isinstance(one, use_cases.MailPreview)
        else _Column(language, problem=str(one))
        for language, one in zip(languages, found, strict=True)
    ]
    given = {
        "target": target,
        "columns": columns,
        "looks": preview_pages.LOOKS,
        "widths": preview_pages.WIDTHS,
        "lengths": _LENGTHS,
        "served": _languages(request),
        "arguments": arguments,
        "more_languages": arguments.getlist("more"),
        "query": flask.request.query_string.decode("ascii", "ignore"),
        "testable": [tag for tag in languages if request.permits(Permission.SEND_TEST, tag)],
    }
    return request.page("preview.html", status, **given | values)


@ROUTES.add("POST /next/<newsletter>/", Permission.SEE_SUBSCRIBERS)
@ROUTES.add("POST /issues/<issue>/preview/", Permission.SEE_SUBSCRIBERS, about=About.NOTHING)
def _choose(request: ConsoleRequest, **parts: str) -> flask.Response:
    """Find a subscriber by the address in a form, and lead to the page as he or she sees it."""
    target, address = _target(request, **parts), request.field("address")
    try:
        viewer = request.call(use_cases.find_viewer, address)
    except UsageError:
        return _grid(request, target, 422, wrong=("address", "no-subscriber"))
    return request.see_other(f"{target.path}?{urlencode({'as': viewer.subscriber_id})}")


@ROUTES.add("POST /next/<newsletter>/test/", Permission.SEND_TEST, about=About.EACH)
@ROUTES.add("POST /issues/<issue>/preview/test/", Permission.SEND_TEST, about=About.EACH)
def _test(request: ConsoleRequest, **parts: str) -> flask.Response:
    target, form = _target(request, **parts), flask.request.form
    languages, addresses = (
        form.getlist("language"),
        request.field("to", _MOST_ADDRESSES).split(),
    )
    if not (languages and addresses):
        wrong = ("to", "no-address") if languages else ("language", "no-language")
        return _grid(request, target, 422, wrong=wrong, to="\n".join(addresses))
    for language in languages:
        request.actor.require(Permission.SEND_TEST, language)
    shown = _shown(request, target, form, languages)
    opened = request.context.opened
    found = preview_mails(request.state, opened.renderer, request.actor, shown)
    previews = [one for one in found if isinstance(one, use_cases.MailPreview)]
    failed = [str(one) for one in found if not isinstance(one, use_cases.MailPreview)]
    try:
        sent = send_tests(request.state, opened.renderer, request.actor, previews, addresses)
    except UsageError:
        return _grid(request, target, 422, wrong=("to", "bad-address"), to="\n".join(addresses))
    if not failed and all(one.problem is None for one in sent):
        return request.see_other(target.path, done="tests-sent")
    return _grid(request, target, 409, sent=sent, failed=failed, to="\n".join(addresses))


@ROUTES.add("GET /previews/<key>/<look>/", Permission.VIEW)
def _frame(request: ConsoleRequest, key: str, look: str) -> flask.Response:
    kind, _, chosen = look.rpartition("-")
    preview = request.context.opened.previews.find(request.actor, key)
    wanted = next((one for one in preview_pages.LOOKS if one == chosen), None)
    if preview is None or wanted is None or kind not in {"mail", "page"}:
        response = request.page("preview_gone.html", 404)
    else:
        html = preview.html if kind == "mail" else preview.page
        document = preview_pages.frame_document(
            html, wanted, request.settings.publication.url, _picture_address
        )
        response = flask.Response(document, mimetype="text/html")
    response.headers.update(frame_headers(flask.request))
    return response


def _picture_address(path: str) -> str | None:
    return f"{_PICTURES}{path}" if preview_pages.picture_type(path) else None


@ROUTES.add("GET /previews/<key>/message.eml", Permission.VIEW)
def _message(request: ConsoleRequest, key: str) -> flask.Response:
    preview = request.context.opened.previews.find(request.actor, key)
    if preview is None:
        flask.abort(404)
    response = flask.Response(preview.message, mimetype="message/rfc822")
    name = f"{preview.issue.name}.eml"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@ROUTES.add("GET /-/pictures/<path:name>", Access.PUBLIC)
def _picture(request: ConsoleRequest, name: str) -> flask.Response:
    """Return a public picture to anybody: frames have no origin of their own, so browsers send no cookie."""
    picture = preview_pages.read_public_picture(request.settings, name)
    if picture is None:
        flask.abort(404)
    content, media_type = picture
    response = flask.Response(content, mimetype=media_type)
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["Cache-Control"] = "private, max-age=600"
    return response
