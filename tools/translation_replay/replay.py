"""One rule for missing translations, played through the real pick-up, planning and selection.

An original is there at the beginning of its date, and its issue is due at 13:00 UTC. A translation comes
at the end of its day. Each of them is in work from the hour of its original on: somebody translates this
newsletter every week.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from publisher.accounts.model import terminal_actor
from publisher.app.editing_state import EditingState
from publisher.app.translations import start_translation
from publisher.articles.store import articles_by_id
from publisher.assembly.select import select_due
from publisher.clock import FixedClock
from publisher.config import Settings
from publisher.database import Database, open_database
from publisher.ingest.pickup.source_pickup import pick_up
from publisher.issues import store
from publisher.issues.planner import plan_issues
from publisher.testing import make_publication

# Issues are due on Fridays.
_HOUR = time(13, tzinfo=UTC)
_ROOT = terminal_actor()

# When each translation came, by language and date of the issue.
Dates = Mapping[tuple[str, date], date]


@dataclass(frozen=True, slots=True)
class Rule:
    """What editions do about stories that lack their language."""

    name: str
    terms: Mapping[str, Any]

    @property
    def wait(self) -> timedelta:
        """How long an issue waits at most."""
        return timedelta(hours=self.terms.get("wait_for_translations", 0))


RULES = (
    Rule("go without", {"missing": "skip"}),
    Rule("fall back", {"missing": "fallback", "fallback": ["en"]}),
    Rule("wait 12 hours", {"missing": "skip", "wait_for_translations": 12}),
    Rule("wait 3 days", {"missing": "skip", "wait_for_translations": 72}),
    Rule("wait 6 days", {"missing": "skip", "wait_for_translations": 144}),
)


@dataclass(frozen=True, slots=True)
class Sent:
    """When a story went out to the subscribers of a language, in which language, and in which issue."""

    at: datetime
    language: str
    issue: date


# What was sent, by language of the edition and date of the story. A story that was not sent is absent.
Played = dict[tuple[str, date], Sent]


def play(site: Path, dates: Dates, rule: Rule, folder: Path) -> Played:
    """Play a rule in an empty folder, and return what went out when.

    `site` has a folder for each language, with a file for each date. Translations without a date are left
    out. Raise ValueError if a story went out to a language twice.
    """
    languages = ["en", *sorted({language for language, _day in dates})]
    weekly = {"name": "weekly", "schedule": "0 13 * * FRI", **rule.terms}
    settings = make_publication(folder, languages=languages, newsletters=[weekly])
    settings.folders.var.mkdir(exist_ok=True)
    with closing(open_database(settings.folders.database, "normal")) as database:
        for instant in sorted({*_instants(dates, rule)}):
            _deliver(site, folder, dates, instant)
            _cycle(settings, database, dates, instant)
        return _sent(database)


def _instants(dates: Dates, rule: Rule) -> Iterator[datetime]:
    """Yield when something happens: originals, translations, hours of issues, ends of waits."""
    days = {day for _language, day in dates}
    last = max(dates.values())
    for weeks in range((last - min(days)).days // 7 + 3):
        day = min(days) + timedelta(weeks=weeks)
        yield datetime.combine(day, time(), tzinfo=UTC)
        yield datetime.combine(day, _HOUR)
        yield datetime.combine(day, _HOUR) + rule.wait
    for day in dates.values():
        yield _end_of(day)


def _end_of(day: date) -> datetime:
    return datetime.combine(day, time(23, 59), tzinfo=UTC)


def _deliver(site: Path, folder: Path, dates: Dates, instant: datetime) -> None:
    """Put the originals and translations into the source that have come by now."""
    for (language, day), came in dates.items():
        if datetime.combine(day, time(), tzinfo=UTC) <= instant:
            _copy(site, folder, "en", day)
        if _end_of(came) <= instant:
            _copy(site, folder, language, day)


def _copy(site: Path, folder: Path, language: str, day: date) -> None:
    target = folder / "articles" / language / f"{day}.md"
    if target.exists():
        return
    (source,) = (site / language.partition("-")[0]).glob(f"{day}*.md")
    text = source.read_text("utf-8")
    target.parent.mkdir(parents=True, exist_ok=True)
    # The same key in all languages, and the date of the issue, which the names of files have.
    target.write_text(text.replace("---\n", f"---\ndate: {day}\nkey: {day}\n", 1), "utf-8")


def _cycle(settings: Settings, database: Database, dates: Dates, instant: datetime) -> None:
    pick_up(settings, database, instant)
    if instant.time() == time():
        state = EditingState(
            settings=settings, database=database, secret="none", clock=FixedClock(instant)
        )
        for language, day in dates:
            if day == instant.date():
                start_translation(state, _ROOT, str(day), language)
    plan_issues(settings, database, instant)
    select_due(settings, database, instant)


def _sent(database: Database) -> Played:
    found: Played = {}
    with database.reading() as connection:
        for issue in store.latest_issues(connection, 10_000):
            numbers = store.article_ids_of(connection, issue)
            for article in articles_by_id(connection, numbers).values():
                place = (issue.language, date.fromisoformat(article.story_key))
                if place in found:
                    raise ValueError(f"{place} went out twice")
                assert issue.assembled_at is not None  # it has articles
                found[place] = Sent(issue.assembled_at, article.language, issue.day)
    return found
