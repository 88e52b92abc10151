"""The page of a subscriber's preferences: what a link from her mail shows and changes.

GET shows. POST does what the pressed button says, and leads back to the page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import flask
from markupsafe import Markup

from publisher.app.own_access import open_session_by_code, send_access_link
from publisher.app.own_links import (
    read_own_link,
    read_preferences_link,
    unsubscribe_token,
)
from publisher.app.preferences import (
    PreferenceError,
    pause_end,
    pause_mails,
    read_choices,
    resume_mails,
    save_choices,
    switch_language,
)
from publisher.app.private_feed import private_feed_urls, renew_private_feed
from publisher.languages.clock_words import time_zone_names
from publisher.rendering.views import publication_view
from publisher.urls import public_url, subscriber_page_path
from publisher.web.links import own_page_url, see_other
from publisher.web.own_links import show_link_form
from publisher.web.preference_values import entered_preferences, preference_values
from publisher.web.responses import client_network, form, render_page
from publisher.web.sessions import set_session_cookie
from subscribers import ConsentChannel, ConsentOrigin, RefusedTransitionError

if TYPE_CHECKING:
    from datetime import datetime

    from publisher.config import Publication, Settings
    from publisher.rendering import Renderer
    from publisher.web.context import WebContext
    from subscribers import Subscriber

_UNPROCESSABLE = 422


@dataclass(frozen=True, slots=True)
class _Change:
    """In the transaction that stores what a button does: who asked for it, and when."""

    connection: Any
    settings: Settings
    secret: str
    person: Subscriber
    now: datetime


# Stores what a button does. Returns what the page then says.
_Job = Callable[[_Change], str]


def register(app: flask.Flask, context: WebContext) -> None:
    """Add the route."""

    @app.get("/<language:language>/preferences/")
    def preferences_page(language: str) -> flask.Response:
        offered = flask.request.args.get("language", language)
        if offered in context.settings.publication.languages and offered != language:
            # Mails have one link for each language, all to the page of the issue's own one.
            return _see_in(offered)
        return _show(context, language)

    @app.post("/<language:language>/preferences/")
    def change_preferences(language: str) -> flask.Response:
        action = flask.request.form.get("action", "")
        if action == "code":
            return _open_session(context, language)
        if action not in _ACTIONS:
            flask.abort(400)
        return _act(context, language, _ACTIONS[action](context, language))


def _see_in(offered: str) -> flask.Response:
    url = own_page_url(offered, "preferences", t=_token(), language=offered)
    return see_other(url)


def _show(
    context: WebContext,
    language: str,
    wrong: tuple[str, ...] = (),
) -> flask.Response:
    token, settings = flask.request.args.get("t", ""), context.settings
    with context.database.reading() as connection:
        found = read_own_link(connection, context.secret, "preferences", token)
        if found is None:
            return show_link_form(context, language, has_ended=bool(token))
        link, person = found
        choices = read_choices(connection, settings, person.id, context.clock.now())
        own_feed = private_feed_urls(connection, settings, context.secret, person.id, language)
    # A form with a fault is shown again as it was sent.
    is_sent = flask.request.form.get("action") == "save"
    entered = entered_preferences(settings) if is_sent else None
    offered = flask.request.args.get("language", "")
    values = preference_values(settings, choices, language, entered)
    return render_page(
        context,
        language,
        "web/subscriber/preferences.html",
        _UNPROCESSABLE if wrong else 200,
        wrong=wrong,
        done=flask.request.args.get("done", ""),
        offered=offered if offered in settings.publication.languages else "",
        leave_url=own_page_url(
            language, "unsubscribe", t=unsubscribe_token(context.secret, link)
        ),
        choices=_form_choices(context, settings, language, wrong, values),
        own_feed=own_feed,
        **values,
    )


# Forms that are kept, some 30 KB each.
_FORMS_KEPT = 100
# What the form shows, besides the hours and time zones of a language.
_FORM_VALUES = ("shown", "zone", "languages", "newsletters", "topics", "authors")
# By renderer: parts of pages, by language and what they show. Most subscribers chose the same.
_parts_of: WeakKeyDictionary[Renderer, dict[tuple[str, ...], Markup]] = WeakKeyDictionary()


def _form_choices(
    context: WebContext,
    settings: Settings,
    language: str,
    wrong: tuple[str, ...],
    values: dict[str, Any],
) -> Markup:
    """Return the fields of the form. They are kept, unless they are wrong or templates may change."""

    def render() -> Markup:
        zones = _zone_options(context.renderer, settings.publication, language)
        view = publication_view(settings.publication, language)
        html = context.renderer.subscriber_page(
            "web/subscriber/preference_choices.html", view, zones=zones, wrong=wrong, **values
        )
        return Markup(html)  # noqa: S704  # a template made it, and escaped it

    if wrong or settings.folders.templates.exists():
        return render()
    key = language, repr([values[name] for name in _FORM_VALUES])
    return _kept_part(context.renderer, key, render)


def _zone_options(renderer: Renderer, publication: Publication, language: str) -> Markup:
    """Return the options of all time zones: most of the page, and always the same."""

    def render() -> Markup:
        view, zones = publication_view(publication, language), time_zone_names(language)
        html = renderer.subscriber_page("web/subscriber/time_zones.html", view, zones=zones)
        return Markup(html)  # noqa: S704  # a template made it, and escaped it

    return _kept_part(renderer, (language,), render)


def _kept_part(
    renderer: Renderer, key: tuple[str, ...], render: Callable[[], Markup]
) -> Markup:
    kept = _parts_of.setdefault(renderer, {})
    part = kept.get(key)
    if part is None:
        if len(kept) >= _FORMS_KEPT:
            kept.clear()
        part = kept[key] = render()
    return part


def _act(context: WebContext, language: str, action: _Job) -> flask.Response:
    token, settings, now = _token(), context.settings, context.clock.now()

    def job(connection: Any) -> str | None:
        person = read_preferences_link(connection, context.secret, token)
        if person is None:
            return None
        return action(_Change(connection, settings, context.secret, person, now))

    try:
        done = context.writer.run(job)
    except PreferenceError as error:
        return _show(context, language, error.fields)
    except RefusedTransitionError:
        done = "refused"
    if done is None:
        return show_link_form(context, language, has_ended=True)
    return see_other(own_page_url(language, "preferences", t=token, done=done))


def _open_session(context: WebContext, language: str) -> flask.Response:
    token, now = _token(), context.clock.now()
    (code,) = form(flask.request, "code").values()

    def job(connection: Any) -> str | None:
        person = read_preferences_link(connection, context.secret, token)
        if person is None:
            return None
        return open_session_by_code(connection, context.secret, person, code, now)

    cookie = context.writer.run(job)
    if cookie is None:
        return _show(context, language, ("code",))
    response = see_other(own_page_url(language, "data"))
    return set_session_cookie(response, context.settings, cookie)


def _token() -> str:
    return flask.request.args.get("t", "")


# Each of these reads the form of the request, and returns what is done in the writer's thread.


def _save(context: WebContext, language: str) -> _Job:
    entered = entered_preferences(context.settings)
    page = public_url(
        context.settings.publication, subscriber_page_path(language, "preferences")
    )
    origin = ConsentOrigin(
        source=ConsentChannel.LINK, page=page, network=client_network(flask.request)
    )

    def job(change: _Change) -> str:
        save_choices(
            change.connection, change.settings, change.person.id, entered, change.now, origin
        )
        return "saved"

    return job


def _switch(_context: WebContext, _language: str) -> _Job:
    (chosen,) = form(flask.request, "language").values()

    def job(change: _Change) -> str:
        switch_language(
            change.connection, change.settings, change.person.id, chosen, change.now
        )
        return "language"

    return job


def _pause(_context: WebContext, _language: str) -> _Job:
    period, day = form(flask.request, "pause", "until").values()

    def job(change: _Change) -> str:
        number, now = change.person.id, change.now
        until = pause_end(change.connection, change.settings, number, period, day, now)
        pause_mails(change.connection, number, until, now)
        return "paused"

    return job


def _resume(_context: WebContext, _language: str) -> _Job:
    def job(change: _Change) -> str:
        resume_mails(change.connection, change.person.id, change.now)
        return "resumed"

    return job


def _send_access(_context: WebContext, language: str) -> _Job:
    def job(change: _Change) -> str:
        is_sent = send_access_link(
            change.connection, change.secret, change.person, language, change.now
        )
        return "sent" if is_sent else "limited"

    return job


def _renew_feed(_context: WebContext, _language: str) -> _Job:
    def job(change: _Change) -> str:
        renew_private_feed(change.connection, change.person.id, change.now)
        return "feed"

    return job


_ACTIONS = {
    "save": _save,
    "language": _switch,
    "pause": _pause,
    "resume": _resume,
    "access": _send_access,
    "feed": _renew_feed,
}
