"""The form of preferences: its values for the template, and what was entered in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import flask

from publisher.app.preferences import EnteredPreferences
from publisher.languages import autonym
from publisher.languages.clock_words import (
    format_hour,
    time_zone_choice,
    time_zone_names,
    weekday_names,
)

if TYPE_CHECKING:
    from datetime import date

    from publisher.app.preferences import NewsletterChoice, PreferenceChoices
    from publisher.config import Settings

_CADENCE = "cadence-"


def entered_preferences(settings: Settings) -> EnteredPreferences:
    """Return what the form of this request holds. Fields that it does not have are ignored."""
    given = flask.request.form
    places = range(1, len(settings.publication.languages) + 1)
    languages = [given.get(f"language-{place}", "") for place in places]
    return EnteredPreferences(
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
    settings: Settings, choices: PreferenceChoices, language: str, shown: EnteredPreferences
) -> dict[str, Any]:
    """Return the values of the form, which shows what is stored, or could not be stored."""
    zone = time_zone_choice(shown.timezone)
    return {
        "shown": shown,
        "zone": (zone, dict(time_zone_names(language)).get(zone, zone)),
        "hours": [(str(hour), format_hour(hour, language)) for hour in range(24)],
        "languages": [(tag, autonym(tag), tag) for tag in choices.languages],
        "newsletters": [
            _newsletter(settings, one, language, shown) for one in choices.newsletters
        ],
        "topics": [(one, one) for one in choices.topics],
        "authors": [(one, one) for one in choices.authors],
    }


def stored_preferences(choices: PreferenceChoices) -> EnteredPreferences:
    """Return what is stored, as the form would enter it."""
    chosen = choices.preferences
    return EnteredPreferences(
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
    settings: Settings, choice: NewsletterChoice, language: str, shown: EnteredPreferences
) -> dict[str, Any]:
    newsletter = choice.newsletter
    editions = settings.editions(newsletter)
    edition = next((one for one in editions if one.language == language), editions[0])
    weekdays = edition.schedule.weekdays()
    return {
        "name": newsletter.name,
        "title": edition.title(language),
        "is_daily": len(weekdays) == 7,  # noqa: PLR2004  # days of a week
        "weekdays": weekday_names(weekdays, language) if weekdays else "",
        "times_a_month": edition.schedule.days_a_month(),
        "cadences": choice.cadences,
        "cadence": shown.cadences.get(newsletter.name, ""),
    }


def pause_day(settings: Settings, choices: PreferenceChoices) -> date | None:
    """Return the day on which a pause ends that lasts, in the subscriber's time zone."""
    until = choices.preferences.paused_until
    if not choices.is_paused or until is None:
        return None
    return until.astimezone(choices.zone(settings)).date()
