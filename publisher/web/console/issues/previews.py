"""Previews: an issue in one language or several, in frames (see `frame_headers`), as a subscriber gets it; test mails."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

import flask

from publisher.app.editing_state import Permission
from publisher.app.issues import preview as use_cases
from publisher.app.issues import preview_pages
from publisher.app.issues.approvals import ApprovalView, PlanToSign, read_approvals
from publisher.app.issues.corrections import list_corrections
from publisher.app.issues.lookup import choose_editions, find_issue_group
from publisher.app.issues.preview import preview_mails
from publisher.app.issues.preview_pages import LOOKS
from publisher.app.issues.send_test_mails import send_tests
from publisher.config import Edition
from publisher.delivery.ledger.audience import Viewer
from publisher.errors import IssueError, PublisherError, UsageError
from publisher.issues.model import IssueState
from publisher.web.api.operations import About
from publisher.web.console.context import ConsoleRequest
from publisher.web.console.issues.overview import plan_to_show
from publisher.web.console.routes import Access, RouteTable
from publisher.web.pages.responses import parse_id
from subscribers.preferences import Profile

_PICTURES = "/-/pictures/"
_LENGTHS = ("summary", "full")
_SHOWN = ("mail", "text", "page", "source", "compare")
# Whoever may do this in a language sees it first.
_OF_EDITORS = (Permission.APPROVE, Permission.EDIT_ISSUE)
# What a page shows without a query, by the name of a choice; another value stands in its address.
_CHOICES: dict[str, tuple[str, ...]] = {
    "show": _SHOWN,
    "width": tuple(preview_pages.WIDTHS),
    "look": LOOKS,
    "length": ("", *_LENGTHS),
}
_MOST_ADDRESSES = 4000  # characters of the addresses of test mails

ROUTES = RouteTable()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """What a page shows previews of, by language, one's own first: an issue, or the next one of a newsletter."""

    path: str
    title: str
    shown: Mapping[str, str | Edition]
    day: date | None = None
    issue: str = ""


@dataclass(frozen=True, slots=True)
class _Column:
    """An issue in a language: its mail, or why there is none."""

    language: str
    preview: use_cases.MailPreview | None = None
    key: str = ""
    height: int = 0
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
    return _page(request, _target(request, **parts))


def _target(request: ConsoleRequest, issue: str = "", newsletter: str = "") -> _Target:
    return _issue_target(request, issue) if issue else _next_target(request, newsletter)


def _issue_target(request: ConsoleRequest, name: str) -> _Target:
    group, _found = find_issue_group(request.state, name)
    edition = request.settings.edition(group.newsletter, request.language)
    first = edition or next(iter(request.settings.editions_of(group.newsletter)), None)
    return _Target(
        path=f"/issues/{name}/preview/",
        title=first.title(request.language) if first else group.newsletter,
        shown=_own_first(request, {one.issue.language: one.issue.name for one in group.issues}),
        day=group.day,
        issue=name,
    )


def _next_target(request: ConsoleRequest, newsletter: str) -> _Target:
    editions = choose_editions(request.settings, newsletter, None)
    return _Target(
        path=f"/next/{newsletter}/",
        title=editions[0].title(request.language),
        shown=_own_first(request, {one.language: one for one in editions}),
    )


def _own_first(
    request: ConsoleRequest, shown: Mapping[str, str | Edition]
) -> dict[str, str | Edition]:
    """Return languages in the order in which somebody wants them: those of her roles, and of these the one of her pages."""

    def is_own(language: str) -> bool:
        return any(request.permits(one, language) for one in _OF_EDITORS)

    return {
        tag: shown[tag]
        for tag in sorted(shown, key=lambda tag: (not is_own(tag), tag != request.language))
    }


def _chosen(name: str) -> str:
    """Return the value of a choice in the query; the first one if it is another."""
    value = flask.request.args.get(name, "")
    return value if value in _CHOICES[name] else _CHOICES[name][0]


def _languages(target: _Target) -> list[str]:
    """Return the languages that are shown: the first one unless the query says more. One alone is compared with all."""
    asked = flask.request.args.getlist("language")
    known = [tag for tag in target.shown if tag in asked or "all" in asked]
    if _chosen("show") == "compare" and not known[1:]:
        return [*target.shown]
    return known or [*target.shown][:1]


def _viewer(request: ConsoleRequest, language: str) -> Viewer:
    """Return as whom a mail in a language is seen: `as` is a subscriber's id."""
    values = flask.request.args
    if number := values.get("as", ""):
        subscriber = parse_id(number)
        if subscriber is None:
            raise UsageError("as whom is not a number")
        return request.call(use_cases.find_viewer, subscriber)
    served = request.settings.publication.languages
    more = [tag for tag in values.getlist("more") if tag in served and tag != language]
    profile = Profile(more_languages=tuple(more), length=_chosen("length") or None)
    return use_cases.viewer_with_profile(language, profile)


def _previews(
    request: ConsoleRequest, target: _Target, languages: Sequence[str]
) -> list[use_cases.MailPreview | PublisherError]:
    shown = [use_cases.Shown(target.shown[tag], _viewer(request, tag)) for tag in languages]
    return preview_mails(request.state, request.context.opened.renderer, request.actor, shown)


def _columns(
    request: ConsoleRequest, target: _Target, languages: Sequence[str]
) -> list[_Column]:
    kept, width = request.context.opened.previews, preview_pages.WIDTHS[_chosen("width")]
    return [
        _Column(language, one, kept.keep(one), preview_pages.frame_height(one.text, width))
        if isinstance(one, use_cases.MailPreview)
        else _Column(language, problem=str(one))
        for language, one in zip(languages, _previews(request, target, languages), strict=True)
    ]


def _page(
    request: ConsoleRequest, target: _Target, status: int = 200, **values: Any
) -> flask.Response:
    """Return the page of previews. Its choices stand in the query, also of the addresses of its forms."""
    languages = _languages(target)
    # Read before the mails: if the issue changes in between, what is approved is refused.
    to_approve, plan = _to_approve(request, target, languages)
    wanted = {tag: target.shown[tag] for tag in languages}
    is_compared = _chosen("show") == "compare"
    given = {
        "target": target,
        "chosen": languages,
        "choices": {name: _chosen(name) for name in _CHOICES},
        "values": _CHOICES,
        "columns": [] if is_compared else _columns(request, target, languages),
        "stories": request.call(use_cases.compare_stories, wanted) if is_compared else (),
        "picture": partial(_local_picture, request.settings.publication.url),
        "pixels": preview_pages.WIDTHS,
        "served": request.settings.publication.languages,
        "subscriber": flask.request.args.get("as", ""),
        "more_languages": flask.request.args.getlist("more"),
        "address": partial(_address, target),
        "corrections": list_corrections(request.state, str(wanted[languages[0]]))
        if target.issue
        else (),
        "to_approve": to_approve,
        "plan": plan,
        "testable": [tag for tag in target.shown if request.permits(Permission.SEND_TEST, tag)],
    }
    return request.page("preview.html", status, **given | values)


def _address(target: _Target, below: str = "", **changed: object) -> str:
    """Return the address of the page, or of a form below it, with its choices but for those that change; None takes one out."""
    args = flask.request.args
    now: dict[str, object] = {
        name: args.getlist(name)
        for name in ("language", *_CHOICES, "as", "more")
        if name in args
    }
    query = {name: value for name, value in (now | changed).items() if value}
    return f"{target.path}{below}" + (f"?{urlencode(query, doseq=True)}" if query else "")


def _to_approve(
    request: ConsoleRequest, target: _Target, languages: Sequence[str]
) -> tuple[list[ApprovalView], PlanToSign | None]:
    """Return what of the shown may be approved, and who gets it. What a subscriber's own choices change is not what is signed."""
    if not target.issue or {"as", "more", "length"} & {*flask.request.args}:
        return [], None
    views = [
        _approvals(request, str(target.shown[tag]))
        for tag in languages
        if request.permits(Permission.APPROVE, tag)
    ]
    mine = [one for one in views if one is not None]
    return mine, plan_to_show(request, mine[0]) if mine else None


def _approvals(request: ConsoleRequest, issue: str) -> ApprovalView | None:
    """Return the approvals of an issue that waits for one by whoever asks; None for others."""
    try:
        view = request.call(read_approvals, issue)
    except IssueError:
        return None
    waits = view.issue.state is IssueState.AWAITING_APPROVAL and view.manifest
    return view if waits and not view.why_not else None


@ROUTES.add("POST /next/<newsletter>/", Permission.SEE_SUBSCRIBERS)
@ROUTES.add("POST /issues/<issue>/preview/", Permission.SEE_SUBSCRIBERS, about=About.NOTHING)
def _choose(request: ConsoleRequest, **parts: str) -> flask.Response:
    """Find a subscriber by the address in a form, and lead to the page as he or she sees it."""
    target, address = _target(request, **parts), request.field("address")
    try:
        viewer = request.call(use_cases.find_viewer, address)
    except UsageError:
        return _page(request, target, 422, wrong=("address", "no-subscriber"))
    seen: dict[str, Any] = {"as": viewer.subscriber_id, "length": None, "more": None}
    return request.see_other(_address(target, **seen))


@ROUTES.add("POST /next/<newsletter>/test/", Permission.SEND_TEST, about=About.EACH)
@ROUTES.add("POST /issues/<issue>/preview/test/", Permission.SEND_TEST, about=About.EACH)
def _test(request: ConsoleRequest, **parts: str) -> flask.Response:
    target, languages = _target(request, **parts), flask.request.form.getlist("language")
    addresses = request.field("to", _MOST_ADDRESSES).split()
    again = partial(_page, request, target, to="\n".join(addresses), tested=languages)
    languages = [tag for tag in languages if tag in target.shown]
    if not (languages and addresses):
        return again(422, wrong=("to", "no-address") if languages else ("test", "no-language"))
    for language in languages:
        request.actor.require(Permission.SEND_TEST, language)
    found = _previews(request, target, languages)
    previews = [one for one in found if isinstance(one, use_cases.MailPreview)]
    failed = [str(one) for one in found if not isinstance(one, use_cases.MailPreview)]
    renderer = request.context.opened.renderer
    try:
        sent = send_tests(request.state, renderer, request.actor, previews, addresses)
    except UsageError:
        return again(422, wrong=("to", "bad-address"))
    if not failed and all(one.problem is None for one in sent):
        return request.see_other(_address(target, done="tests-sent"))
    return again(409, sent=sent, failed=failed)


@ROUTES.add("GET /previews/<key>/<look>/", Permission.VIEW)
def _frame(request: ConsoleRequest, key: str, look: str) -> flask.Response:
    kind, _, chosen = look.rpartition("-")
    preview = request.context.opened.previews.find(request.actor, key)
    wanted = next((one for one in LOOKS if one == chosen), None)
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


def _local_picture(base: str, source: str) -> str | None:
    """Return the console's address of an article's picture; None for one of another server, which pages don't load."""
    path = source.removeprefix(f"{base}/").removeprefix("/")
    return None if "://" in path else _picture_address(path)


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
