"""The publications whose mails are looked at: the demo, a real archive, a hostile one."""

import shutil
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import as_file, files
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from publisher import demo
from publisher.app.operation.cycle import open_pipeline
from publisher.clock import FixedClock
from publisher.config import Settings, load_settings
from publisher.rendering import Renderer, placeholders, views
from publisher.testing import make_publication
from tests.databases import finding_database
from tests.publisher.rendering import sample
from tests.sizes import by_lane
from tests.slow.browser import hostile
from tests.slow.browser.mails import TOKEN, Mail, inlinings, posted, shared
from tests.subscribers.importing import import_csv
from tools.browser.chromium import Site

# The folders of the archive, and our tags for what is in them.
LANGUAGES = {"en": "en", "ja": "ja", "zh": "zh-Hans"}
# A reader's own values, as they are put into such a mail.
RECIPIENT = {
    placeholders.ADDRESS_PLACEHOLDER: "reader@example.org",
    placeholders.ACTION_PLACEHOLDER: "https://news.example.org/en/confirm/?token=example",
    placeholders.UNSUBSCRIBE_PLACEHOLDER: "https://news.example.org/en/unsubscribe/?token=example",
    placeholders.PREFERENCES_PLACEHOLDER: "https://news.example.org/en/preferences/?token=example",
    placeholders.FEED_PLACEHOLDER: "https://news.example.org/en/feeds/of/example.atom",
    placeholders.COMMAND_PLACEHOLDER: "example",
    placeholders.CODE_PLACEHOLDER: "123456",
    placeholders.CHANGED_PLACEHOLDER: "r•••@example.org",
}

# One edition carries bodies, whose markup is not ours, the others all twenty summaries.
REAL_NEWSLETTER = {"max_articles": 20, "max_age": 365, "edition": {"en": {"content": "full"}}}
# Fridays at noon, when the weekly of the sample publication is due; the archive ends on one.
NEWEST = datetime(2025, 6, 27, 12, tzinfo=UTC)
NOON = datetime(2026, 1, 9, 12, tzinfo=UTC)
# About as long as RFC 5321 (4.5.3.1) lets an address be: 254 octets, 64 before the @.
LONGEST = f"{'reader' * 9}@{'.'.join(['example' * 8] * 3)}.example.org"


def demo_editions() -> list[str]:
    """List the demo's editions, as `weekly-ar`, without publishing it; by day the daily's in one language of each direction."""
    demo_toml = _demo_toml()
    names = [newsletter["name"] for newsletter in demo_toml["newsletter"]]
    editions = _editions(names, demo_toml["publication"]["languages"])
    return by_lane([one for one in editions if not one.startswith("daily-zh")], editions)


def system_editions() -> list[str]:
    """List the mails about a subscription, as `confirm-ar`.

    By turns in a language of each direction, at night in all of the demo's: they share one layout.
    """
    kinds = [*sample.SYSTEM_MAIL_KINDS]
    turns = [f"{kind}-{('en', 'ar')[number % 2]}" for number, kind in enumerate(kinds)]
    return by_lane(turns, _editions(kinds, _demo_toml()["publication"]["languages"]))


def _demo_toml() -> dict[str, Any]:
    path = files("publisher") / "demo" / "data" / "publication.toml"
    return tomllib.loads(path.read_text("utf-8"))


def _editions(names: Sequence[str], languages: Sequence[str]) -> list[str]:
    return [f"{name}-{language}" for name, language in product(names, languages)]


def demo_mails(folder: Path) -> list[Mail]:
    """Let the demo's week pass."""
    with inlinings() as noted, finding_database("demo", folder):
        settings, _now = demo.publish_demo(folder, lambda _now, _report: None)
    return posted(settings, noted)


def demo_week(factory: pytest.TempPathFactory) -> Path:
    """Give the demo's folder after its week, made once for all tests: nobody may write there."""
    return shared(factory, "demo", demo_mails)[0].site.public.parent


def real_mails(folder: Path, corpus: Path) -> list[Mail]:
    """Print an issue of twenty articles from a real archive, in each language."""
    settings = make_publication(
        folder, languages=list(LANGUAGES.values()), newsletters=[REAL_NEWSLETTER]
    )
    for name in LANGUAGES:
        shutil.copytree(corpus / "optech" / name, folder / "articles" / name)
    return printed(settings, NEWEST)


def hostile_mails(folder: Path, kind: str) -> list[Mail]:
    """Print an issue of articles that could have been meant to break it, in each language."""
    hostile.logo(folder / hostile.DESIGN["logo"])
    settings = make_publication(
        folder,
        title=hostile.TITLE,
        languages=list(hostile.LANGUAGES),
        address=hostile.ADDRESS,
        design=hostile.DESIGN,
        newsletters=[hostile.NEWSLETTER],
    )
    hostile.KINDS[kind](folder / "articles")
    return printed(settings, NOON, LONGEST)


def system_mails(folder: Path) -> list[Mail]:
    """Write the demo's mails about a subscription, in each of its languages."""
    with as_file(files("publisher") / "demo" / "data") as data:
        settings = load_settings(data)
    site = Site(url=settings.publication.url, public=folder)
    return [
        _system_mail(settings, kind, language, site)
        for kind, language in product(sample.SYSTEM_MAIL_KINDS, settings.publication.languages)
    ]


def _system_mail(settings: Settings, kind: str, language: str, site: Site) -> Mail:
    titles = (settings.edition(one.name, language) for one in settings.newsletters)
    about = replace(
        sample.system_mail(kind, "en"),
        publication=views.publication_view(settings.publication, language),
        newsletters=tuple(edition.title(language) for edition in titles if edition),
        latest=(),
    )
    with inlinings() as noted:
        inlined = Renderer().system_mail(about).html
    name = f"{kind}-{language}"
    source, html = (
        TOKEN.sub(lambda token: RECIPIENT[token[0]], text) for text in (noted[-1][0], inlined)
    )
    return Mail(edition=name, name=name, source=source, html=html, site=site)


def printed(
    settings: Settings, now: datetime, address: str = "reader@example.org"
) -> list[Mail]:
    """Print what is due for a recipient of each language."""
    languages = settings.publication.languages
    with inlinings() as noted, open_pipeline(settings, FixedClock(now)) as machine:
        with machine.database.writing() as connection:
            report = import_csv(
                connection,
                _subscriber_rows(address, languages),
                languages=settings.publication.subscriber_tag,
                default_language=languages[0],
                newsletters=["weekly"],
                now=now,
            )
        assert report.added == len(languages), report
        problems = machine.run().problems
    assert not problems, problems
    return posted(settings, noted)


def _subscriber_rows(address: str, languages: Sequence[str]) -> list[bytes]:
    lines = ["email,name,language,timezone,newsletters,status"]
    lines += [f"{tag}.{address},Ann Example,{tag},,weekly,active" for tag in languages]
    return [f"{line}\n".encode() for line in lines]
