"""Stories by languages, a page for each story in a language, statistics; and a translator's feeds."""

from collections.abc import Callable
from datetime import date
from functools import partial
from urllib.parse import urlencode

import flask

from publisher.app import translations, translators
from publisher.app.editing_state import Permission
from publisher.app.issues.calendar import renew_private_addresses
from publisher.errors import TranslationError
from publisher.translations.model import CellState
from publisher.web.api.operations import About
from publisher.web.console.context import ConsoleRequest
from publisher.web.console.routes import Access, RouteTable

_PATH = "/translations/mine/"


ROUTES = RouteTable()


@ROUTES.add("GET /translations/mine/", Permission.TRANSLATE, about=About.EACH)
def _show(request: ConsoleRequest) -> flask.Response:
    return request.page("translator.html", feeds=request.call(translators.read_feed_addresses))


@ROUTES.add("POST /translations/mine/feeds/", Permission.TRANSLATE, about=About.EACH)
def _renew(request: ConsoleRequest) -> flask.Response:
    request.call(renew_private_addresses)
    return request.see_other(_PATH, "saved")


@ROUTES.add("GET /translations/feeds/<token>/<name>", Access.PUBLIC)
def _feed(request: ConsoleRequest, token: str, name: str) -> flask.Response:
    language, _, form = name.rpartition(".")
    feed = translators.read_translation_feed(request.state, token, language, form)
    if feed is None:
        flask.abort(404)
    response = flask.Response(feed.content, mimetype=feed.media_type)
    if flask.request.if_none_match.contains(feed.etag):
        response = flask.Response(status=304)
    response.set_etag(feed.etag)
    response.headers["Cache-Control"] = "private, no-store"
    return response


LIST_PATH = "/translations/"
_DAYS = (7, 30, translations.DAYS_LISTED, 365)
# What is wrong with a form; the words are in the template.
_NO_DATE, _NO_REASON, _NOT_POSSIBLE = "no-date", "no-reason", "not-possible"


@ROUTES.add("GET /translations/", Permission.VIEW, menu="translations")
def _list(request: ConsoleRequest) -> flask.Response:
    asked = flask.request.args
    languages = request.settings.publication.languages
    language = asked.get("language", "")
    language = language if language in languages else ""
    state = asked.get("state", "")
    states = [CellState(state)] if state in set(CellState) else []
    find = partial(
        translations.list_translations,
        request.state,
        request.actor,
        language=language or None,
        states=states,
    )
    try:
        page = find(cursor=asked.get("after"))
    except TranslationError:
        page = find()
    chosen = {"language": language, "state": state if states else ""}
    older = {**chosen, "after": page.next_cursor}
    return request.page(
        "translations.html",
        list=page,
        chosen=chosen,
        states=[state.value for state in CellState],
        served=languages,
        can_translate=any(request.permits(Permission.TRANSLATE, tag) for tag in languages),
        older=f"{LIST_PATH}?{urlencode(older)}" if page.next_cursor else "",
    )


@ROUTES.add("GET /translations/statistics/", Permission.VIEW)
def _statistics(request: ConsoleRequest) -> flask.Response:
    """Show the figures on a page of their own: all subscribers are counted for them."""
    asked = flask.request.args.get("days", "")
    days = next((choice for choice in _DAYS if str(choice) == asked), translations.DAYS_LISTED)
    found = request.call(translations.read_statistics, days=days)
    return request.page(
        "translation_statistics.html",
        found=found,
        states=[state for state in CellState if any(of[state] for of in found.states.values())],
        days=days,
        choices=_DAYS,
    )


@ROUTES.add("GET /translations/<language>/<int:story>/", Permission.VIEW)
def _story(
    request: ConsoleRequest, language: str, story: int, *, wrong: str = "", status: int = 200
) -> flask.Response:
    found = _read(request, language, story)
    return request.page(
        "translation.html",
        status,
        found=found,
        wrong=wrong,
        cell_language=language,
        can_write=bool(request.settings.editable_sources),
        people=request.call(translations.read_assignable, language),
    )


def _read(
    request: ConsoleRequest, language: str, story: int
) -> translations.TranslationDetails:
    try:
        return request.call(translations.read_translation, story, language)
    except TranslationError:
        flask.abort(404)


def _verb(act: Callable[[ConsoleRequest, str, str], str]) -> None:
    """Add a view about a story in a language; `act` takes its key and the language, and returns what is wrong with the form."""
    name = act.__name__.strip("_").replace("_", "-")

    @ROUTES.add(f"POST /translations/<language>/<int:story>/{name}/", Permission.TRANSLATE)
    def view(request: ConsoleRequest, language: str, story: int) -> flask.Response:
        found = _read(request, language, story)
        try:
            wrong = act(request, found.story.key, language)
        except TranslationError:
            # Somebody else was faster: the page shows what holds now.
            return _story(request, language, story, wrong=_NOT_POSSIBLE, status=409)
        if wrong:
            return _story(request, language, story, wrong=wrong, status=422)
        return request.see_other(f"{LIST_PATH}{language}/{story}/", "saved")


def _day(request: ConsoleRequest) -> date | None:
    try:
        return date.fromisoformat(request.field("until"))
    except ValueError:
        return None


@_verb
def _claim(request: ConsoleRequest, key: str, language: str) -> str:
    until = _day(request)
    if until is None:
        return _NO_DATE
    person = request.field("person")
    request.call(translations.claim_translation, key, language, until, person)
    return ""


@_verb
def _start(request: ConsoleRequest, key: str, language: str) -> str:
    request.call(translations.start_translation, key, language, _day(request))
    return ""


@_verb
def _give_up(request: ConsoleRequest, key: str, language: str) -> str:
    reason = request.field("reason")
    if not reason:
        return _NO_REASON
    request.call(translations.give_up_translation, key, language, reason)
    return ""


@_verb
def _release(request: ConsoleRequest, key: str, language: str) -> str:
    request.call(translations.release_translation, key, language)
    return ""


@_verb
def _dismiss(request: ConsoleRequest, key: str, language: str) -> str:
    request.call(translations.dismiss_staleness, key, language)
    return ""
