"""The page of a subscriber's preferences: what a link from her mail shows and changes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import lru_cache
from typing import Any

import flask
from markupsafe import Markup

from publisher.app.subscribers import access, feeds, preferences
from publisher.config import Settings
from publisher.languages import autonym, locales
from publisher.rendering import PublicationView, Renderer
from publisher.rendering.views import publication_view
from publisher.web.pages.access import set_session_cookie, show_link_form
from publisher.web.pages.responses import PageRequest, PageTable, form, see_other
from subscribers.consent_records import ConsentChannel, ConsentOrigin
from subscribers.errors import RefusedTransitionError
from subscribers.model import Subscriber, SubscriberStatus

_CADENCE = "cadence-"

PAGES = PageTable()


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
        fields={
            one.name: given.get(f"field-{one.name}", "")
            for one in settings.subscribers.field
            if one.editable
        },
    )


def preference_values(
    settings: Settings,
    choices: preferences.PreferenceChoices,
    language: str,
    shown: preferences.EnteredPreferences,
) -> dict[str, Any]:
    zone = locales.time_zone_choice(shown.timezone)
    values = {**choices.subscriber.fields, **shown.fields}
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
        "own_fields": [
            (one, one.label(language), values.get(one.name, ""))
            for one in settings.subscribers.field
            if one.shown
        ],
    }


def stored_preferences(
    choices: preferences.PreferenceChoices,
) -> preferences.EnteredPreferences:
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
        fields=choices.subscriber.fields,
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

# Stores what a button does, for a request's transaction and whoever the link is of. Returns what the page then says.
_Act = Callable[..., str]


@PAGES.add("GET /<language:language>/preferences/")
def _preferences_page(request: PageRequest) -> flask.Response:
    offered = flask.request.args.get("language", "")
    languages = request.settings.publication.languages
    if offered in languages and offered != request.language:
        # Mails have one link for each language, all to the page of the issue's own one.
        there = replace(request, language=offered)
        return see_other(there.url("preferences", t=request.token, language=offered))
    return _show(request)


@PAGES.add("POST /<language:language>/preferences/")
def _change_preferences(request: PageRequest) -> flask.Response:
    action = flask.request.form.get("action", "")
    if action == "code":
        return _open_session(request)
    if action == "save":
        origin = request.consent_origin("preferences", ConsentChannel.LINK)
        return _act(request, _save, entered_preferences(request.settings), origin)
    if action not in _ACTIONS:
        flask.abort(400)
    act, names = _ACTIONS[action]
    # Read here: what is done runs in the writer's thread.
    return _act(request, act, *form(*names).values())


def _show(request: PageRequest, wrong: tuple[str, ...] = ()) -> flask.Response:
    token, secret, settings = request.token, request.secret, request.settings
    with request.reading() as connection:
        found = access.read_own_link(connection, secret, "preferences", token)
        if found is None:
            return show_link_form(request, has_ended=bool(token))
        link, person = found
        choices = preferences.read_choices(connection, settings, person, request.now)
    language, offered = request.language, flask.request.args.get("language", "")
    # A form with a fault is shown again as it was sent.
    is_sent = flask.request.form.get("action") == "save"
    shown = entered_preferences(settings) if is_sent else stored_preferences(choices)
    view = publication_view(settings.publication, language)
    feed = feeds.private_feed_token(secret, person)
    html = request.render(
        "web/subscriber/preferences.html",
        address=choices.masked_address,
        zones=_zone_options(request.context.opened.renderer, view),
        leave_url=request.url("unsubscribe", t=access.unsubscribe_token(secret, link)),
        own_feed=feeds.private_feed_urls(settings, feed, language),
        wrong=wrong,
        done=request.done,
        offered=offered if offered in settings.publication.languages else "",
        paused_until=pause_day(settings, choices),
        **preference_values(settings, choices, language, shown),
    )
    return request.respond(html, _UNPROCESSABLE if wrong else 200)


@lru_cache(maxsize=64)
def _zone_options(renderer: Renderer, view: PublicationView) -> Markup:
    """Return the options of all time zones: most of the page, and always the same."""
    zones = locales.time_zone_names(view.language)
    html = renderer.subscriber_page("web/subscriber/time_zones.html", view, zones=zones)
    return Markup(html)  # noqa: S704  # a template made it, and escaped it


def _act(request: PageRequest, act: _Act, *given: object) -> flask.Response:
    token, secret = request.token, request.secret

    def job(connection: Any) -> str | None:
        person = access.read_preferences_link(connection, secret, token)
        return None if person is None else act(request, connection, person, *given)

    try:
        done = request.write(job)
    except preferences.PreferenceError as error:
        return _show(request, error.fields)
    except RefusedTransitionError:
        done = "refused"
    if done is None:
        return show_link_form(request, has_ended=True)
    return see_other(request.url("preferences", t=token, done=done))


def _open_session(request: PageRequest) -> flask.Response:
    token, secret = request.token, request.secret
    (code,) = form("code").values()

    def job(connection: Any) -> str | None:
        person = access.read_preferences_link(connection, secret, token)
        if person is None:
            return None
        return access.open_session_by_code(connection, secret, person, code, request.now)

    cookie = request.write(job)
    if cookie is None:
        return _show(request, ("code",))
    return set_session_cookie(see_other(request.url("data")), request.settings, cookie)


# Each of these does what a button says, with the fields of the form that `_ACTIONS` names.


def _save(
    request: PageRequest,
    connection: Any,
    person: Subscriber,
    entered: preferences.EnteredPreferences,
    origin: ConsentOrigin,
) -> str:
    settings, now = request.settings, request.now
    preferences.save_choices(connection, settings, person.id, entered, now, origin)
    return "saved"


def _switch(request: PageRequest, connection: Any, person: Subscriber, chosen: str) -> str:
    preferences.switch_language(connection, request.settings, person.id, chosen, request.now)
    return "language"


def _pause(
    request: PageRequest, connection: Any, person: Subscriber, period: str, day: str
) -> str:
    settings, number, now = request.settings, person.id, request.now
    until = preferences.pause_end(connection, settings, number, period, day, now)
    preferences.pause_mails(connection, number, until, now)
    return "paused"


def _resume(request: PageRequest, connection: Any, person: Subscriber) -> str:
    preferences.resume_mails(connection, person.id, request.now)
    return "resumed"


def _send_access(request: PageRequest, connection: Any, person: Subscriber) -> str:
    if person.status is SubscriberStatus.COMPLAINED:
        return "refused"
    is_sent = access.send_access_link(
        connection, request.secret, person, request.language, request.now
    )
    return "sent" if is_sent else "limited"


def _renew_feed(request: PageRequest, connection: Any, person: Subscriber) -> str:
    feeds.renew_private_feed(connection, person.id, request.now)
    return "feed"


_ACTIONS: dict[str, tuple[_Act, tuple[str, ...]]] = {
    "language": (_switch, ("language",)),
    "pause": (_pause, ("pause", "until")),
    "resume": (_resume, ()),
    "access": (_send_access, ()),
    "feed": (_renew_feed, ()),
}
