"""The page of a subscriber's preferences: what a link from her mail shows and changes.

GET shows. POST does what the pressed button says, and leads back to the page.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import flask
from markupsafe import Markup

from publisher.app.subscribers import access, preferences
from publisher.app.subscribers.feeds import (
    private_feed_token,
    private_feed_urls,
    renew_private_feed,
)
from publisher.config import Settings
from publisher.languages import autonym, locales
from publisher.urls import public_url, subscriber_page_path
from publisher.web.pages import responses
from publisher.web.pages.access import set_session_cookie, show_link_form
from subscribers.consent_records import ConsentChannel, ConsentOrigin
from subscribers.errors import RefusedTransitionError
from subscribers.model import Subscriber, SubscriberStatus

_CADENCE = "cadence-"


def entered_preferences(settings: Settings) -> preferences.EnteredPreferences:
    """Return what the form of this request holds. Fields that it does not have are ignored."""
    given = flask.request.form
    places = range(1, len(settings.publication.languages) + 1)
    languages = [given.get(f"language-{place}", "") for place in places]
    return preferences.EnteredPreferences(
        languages=tuple(dict.fromkeys(one for one in languages if one)),
        newsletters=tuple(given.getlist("newsletters")),
        cadences={
            name.removeprefix(_CADENCE): value
            for name, value in given.items()
            if name.startswith(_CADENCE)
        },
        topics=tuple(given.getlist("topics")),
        authors=tuple(given.getlist("authors")),
        hour=given.get("hour", ""),
        timezone=given.get("timezone", ""),
        length=given.get("length", ""),
        machine_translations="machine" in given,
    )


def preference_values(
    settings: Settings,
    choices: preferences.PreferenceChoices,
    language: str,
    shown: preferences.EnteredPreferences,
) -> dict[str, Any]:
    """Return the values of the form, which shows what is stored, or could not be stored."""
    zone = locales.time_zone_choice(shown.timezone)
    return {
        "shown": shown,
        "zone": (zone, dict(locales.time_zone_names(language)).get(zone, zone)),
        "hours": [(str(hour), locales.format_hour(hour, language)) for hour in range(24)],
        "languages": [(tag, autonym(tag), tag) for tag in choices.languages],
        "newsletters": [
            _newsletter(settings, one, language, shown) for one in choices.newsletters
        ],
        "topics": [(one, one) for one in choices.topics],
        "authors": [(one, one) for one in choices.authors],
    }


def stored_preferences(
    choices: preferences.PreferenceChoices,
) -> preferences.EnteredPreferences:
    """Return what is stored, as the form would enter it."""
    chosen = choices.preferences
    return preferences.EnteredPreferences(
        languages=choices.chosen_languages,
        newsletters=tuple(one.newsletter.name for one in choices.newsletters if one.is_wanted),
        cadences={one.newsletter.name: one.cadence for one in choices.newsletters},
        topics=chosen.topics,
        authors=chosen.authors,
        hour="" if chosen.hour is None else str(chosen.hour),
        timezone=chosen.timezone or "",
        length=chosen.length or "",
        machine_translations=chosen.machine_translations,
    )


def _newsletter(
    settings: Settings,
    choice: preferences.NewsletterChoice,
    language: str,
    shown: preferences.EnteredPreferences,
) -> dict[str, Any]:
    newsletter = choice.newsletter
    editions = settings.editions(newsletter)
    edition = next((one for one in editions if one.language == language), editions[0])
    weekdays = edition.schedule.weekdays()
    return {
        "name": newsletter.name,
        "title": edition.title(language),
        "is_daily": len(weekdays) == 7,  # noqa: PLR2004  # days of a week
        "weekdays": locales.weekday_names(weekdays, language) if weekdays else "",
        "times_a_month": edition.schedule.days_a_month(),
        "cadences": choice.cadences,
        "cadence": shown.cadences.get(newsletter.name, ""),
    }


def pause_day(settings: Settings, choices: preferences.PreferenceChoices) -> date | None:
    """Return the day on which a pause ends that lasts, in the subscriber's time zone."""
    until = choices.preferences.paused_until
    if not choices.is_paused or until is None:
        return None
    return until.astimezone(choices.zone(settings)).date()


_UNPROCESSABLE = 422


@dataclass(frozen=True, slots=True)
class _Change:
    """In the transaction that stores what a button does: who asked for it, and when."""

    connection: Any
    settings: Settings
    secret: str
    language: str
    person: Subscriber
    now: datetime


# Stores what a button does. Returns what the page then says.
_Job = Callable[[_Change], str]


def register(app: flask.Flask, context: responses.WebContext) -> None:
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
        if action == "save":
            return _act(context, language, _saving(context, language))
        if action not in _ACTIONS:
            flask.abort(400)
        act, names = _ACTIONS[action]
        # Read here: what is done runs in the writer's thread.
        given = responses.form(flask.request, *names).values()
        return _act(context, language, lambda change: act(change, *given))


def _see_in(offered: str) -> flask.Response:
    url = responses.own_page_url(offered, "preferences", t=_token(), language=offered)
    return responses.see_other(url)


def _show(
    context: responses.WebContext, language: str, wrong: tuple[str, ...] = ()
) -> flask.Response:
    token, settings = _token(), context.settings
    with context.database.reading() as connection:
        found = access.read_own_link(connection, context.secret, "preferences", token)
        if found is None:
            return show_link_form(context, language, has_ended=bool(token))
        link, person = found
        choices = preferences.read_choices(connection, settings, person, context.clock.now())
    own = {
        "address": choices.masked_address,
        "token": token,
        "leave": access.unsubscribe_token(context.secret, link),
        "feed": private_feed_token(context.secret, person),
        "zones": _zone_options(context, settings, language),
    }
    html = _html(context, settings, language, choices, own, wrong)
    return responses.html_response(html, language, _UNPROCESSABLE if wrong else 200)


def _html(  # what the page depends on
    context: responses.WebContext,
    settings: Settings,
    language: str,
    choices: preferences.PreferenceChoices,
    own: Mapping[str, str],
    wrong: tuple[str, ...],
) -> str:
    """Return the page. It is kept, unless something is wrong or templates may change."""
    # A form with a fault is shown again as it was sent.
    is_sent = flask.request.form.get("action") == "save"
    shown = entered_preferences(settings) if is_sent else stored_preferences(choices)
    offered = flask.request.args.get("language", "")
    said = {
        "wrong": wrong,
        "done": flask.request.args.get("done", ""),
        "offered": offered if offered in settings.publication.languages else "",
        "paused_until": pause_day(settings, choices),
    }

    def render(own: Mapping[str, str]) -> str:
        return responses.render_html(
            context,
            language,
            "web/subscriber/preferences.html",
            address=own["address"],
            zones=own["zones"],
            sisters=responses.page_in_others(context, language, own["token"]),
            leave_url=responses.own_page_url(language, "unsubscribe", t=own["leave"]),
            own_feed=private_feed_urls(settings, own["feed"], language),
            **said,
            **preference_values(settings, choices, language, shown),
        )

    if wrong or settings.folders.templates.exists():
        return render(own)
    key = language, repr((said, shown, choices.topics, choices.authors))
    return context.pages.fill(settings, key, own, render)


def _zone_options(context: responses.WebContext, settings: Settings, language: str) -> Markup:
    """Return the options of all time zones: most of the page, and always the same."""

    def render(_own: Mapping[str, str]) -> str:
        zones = locales.time_zone_names(language)
        return responses.render_html(
            context, language, "web/subscriber/time_zones.html", zones=zones
        )

    html = context.pages.fill(settings, language, {}, render)
    return Markup(html)  # noqa: S704  # a template made it, and escaped it


def _act(context: responses.WebContext, language: str, action: _Job) -> flask.Response:
    token, settings, now = _token(), context.settings, context.clock.now()

    def job(connection: Any) -> str | None:
        person = access.read_preferences_link(connection, context.secret, token)
        if person is None:
            return None
        return action(_Change(connection, settings, context.secret, language, person, now))

    try:
        done = context.writer.run(job)
    except preferences.PreferenceError as error:
        return _show(context, language, error.fields)
    except RefusedTransitionError:
        done = "refused"
    if done is None:
        return show_link_form(context, language, has_ended=True)
    return responses.see_other(
        responses.own_page_url(language, "preferences", t=token, done=done)
    )


def _open_session(context: responses.WebContext, language: str) -> flask.Response:
    token, now = _token(), context.clock.now()
    (code,) = responses.form(flask.request, "code").values()

    def job(connection: Any) -> str | None:
        person = access.read_preferences_link(connection, context.secret, token)
        if person is None:
            return None
        return access.open_session_by_code(connection, context.secret, person, code, now)

    cookie = context.writer.run(job)
    if cookie is None:
        return _show(context, language, ("code",))
    response = responses.see_other(responses.own_page_url(language, "data"))
    return set_session_cookie(response, context.settings, cookie)


def _token() -> str:
    return flask.request.args.get("t", "")


# Each of these does what a button says, with the fields of the form that `_ACTIONS` names.


def _saving(context: responses.WebContext, language: str) -> _Job:
    """Return what stores the whole form of the request."""
    entered = entered_preferences(context.settings)
    page = public_url(
        context.settings.publication, subscriber_page_path(language, "preferences")
    )
    origin = ConsentOrigin(
        source=ConsentChannel.LINK, page=page, network=responses.client_network(flask.request)
    )

    def job(change: _Change) -> str:
        preferences.save_choices(
            change.connection, change.settings, change.person.id, entered, change.now, origin
        )
        return "saved"

    return job


def _switch(change: _Change, chosen: str) -> str:
    preferences.switch_language(
        change.connection, change.settings, change.person.id, chosen, change.now
    )
    return "language"


def _pause(change: _Change, period: str, day: str) -> str:
    number, now = change.person.id, change.now
    until = preferences.pause_end(change.connection, change.settings, number, period, day, now)
    preferences.pause_mails(change.connection, number, until, now)
    return "paused"


def _resume(change: _Change) -> str:
    preferences.resume_mails(change.connection, change.person.id, change.now)
    return "resumed"


def _send_access(change: _Change) -> str:
    if change.person.status is SubscriberStatus.COMPLAINED:
        return "refused"
    is_sent = access.send_access_link(
        change.connection, change.secret, change.person, change.language, change.now
    )
    return "sent" if is_sent else "limited"


def _renew_feed(change: _Change) -> str:
    renew_private_feed(change.connection, change.person.id, change.now)
    return "feed"


_ACTIONS: dict[str, tuple[Callable[..., str], tuple[str, ...]]] = {
    "language": (_switch, ("language",)),
    "pause": (_pause, ("pause", "until")),
    "resume": (_resume, ()),
    "access": (_send_access, ()),
    "feed": (_renew_feed, ()),
}
