"""Subscribers with preferences, and what they find in their mails."""

import re
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from publisher.app.operation.cycle import CycleReport
from publisher.delivery.ledger.lifecycle import count_deliveries
from publisher.delivery.ledger.reports import count_causes
from publisher.delivery.states import DeliveryState
from publisher.issues.model import Issue
from publisher.issues.store import issue_by_name
from publisher.languages import normalise
from publisher.rendering import Renderer
from publisher.testing import MemoryTransport
from subscribers.preferences import Preferences, store_preferences
from subscribers.store import find_subscriber
from tests.publisher.conftest import PublicationFolder
from tests.publisher.mail.samples import parsed
from tests.publisher.printing import pipeline_of
from tests.subscribers.importing import import_csv

DAY = timedelta(days=1)
WORDS = {
    "en": "The ferry waits for the tide.",
    "ar": "تنتظر العبّارة المدّ.",
    "zh-Hans": "渡轮等待潮水。",
    "zh-Hant": "渡輪等待潮水。",
}
_TITLE = re.compile(r"Story \d+ in [a-z]+(?:-[A-Z][a-z]+)?")


def title(story: int, language: str) -> str:
    return f"Story {story} in {language}"


@dataclass
class Reading:
    """A publication, what it sent in its last run, and all that each subscriber has read."""

    publication: PublicationFolder
    transport: MemoryTransport = field(default_factory=MemoryTransport)
    read: dict[str, list[str]] = field(default_factory=dict)

    def join(
        self, name: str, *languages: str, newsletters: str = "daily", **chosen: Any
    ) -> str:
        """Subscribe somebody who reads some languages, best first."""
        email, now = f"{name}@example.com", self.publication.clock.now()
        lines = [
            "email,name,language,timezone,newsletters,status\n",
            f"{email},,{languages[0]},,{newsletters},active\n",
        ]
        known = [one.name for one in self.publication.settings.newsletters]
        with self.publication.database.writing() as connection:
            import_csv(
                connection,
                lines,
                languages=normalise,
                newsletters=known,
                now=now,
            )
        self.choose(name, *languages, **chosen)
        return email

    def choose(self, name: str, *languages: str, **chosen: Any) -> None:
        """Store what a subscriber chooses."""
        with self.publication.database.writing() as connection:
            known = find_subscriber(connection, f"{name}@example.com")
            assert known is not None
            preferences = Preferences(languages=languages, **chosen)
            store_preferences(connection, known.id, preferences, self.publication.clock.now())

    def write(self, story: int, *languages: str, **matter: Any) -> None:
        """Publish a story in some languages."""
        day = f"{self.publication.clock.now():%Y-%m-%d}"
        for language in languages:
            values = {"title": title(story, language), "date": day} | matter
            text = f"{WORDS[language]} {story}\n\n{WORDS[language] * 3}"
            self.publication.write(f"{language}/s{story}.md", text, **values)

    def run(self, renderer: Renderer | None = None) -> CycleReport:
        """Run a cycle, and let everybody read what was sent in it."""
        before = len(self.transport.taken)
        pipeline = pipeline_of(self.publication, self.transport)
        report = replace(pipeline, renderer=renderer or pipeline.renderer).run()
        for outgoing in self.transport.taken[before:]:
            name = outgoing.recipient.partition("@")[0]
            self.read.setdefault(name, []).append(", ".join(titles(outgoing.message.content)))
        return report

    def issue(self, name: str) -> Issue:
        with self.publication.database.reading() as connection:
            found = issue_by_name(connection, name)
        assert found is not None
        return found

    def counts(self, name: str) -> dict[str, int]:
        """Return how many mails of an issue are in each state."""
        number = self.issue(name).id
        with self.publication.database.reading() as connection:
            return dict(count_deliveries(connection, [number])[number])

    def causes(self, name: str) -> dict[str, int]:
        """Return why mails of an issue were not sent, and how many."""
        states = (DeliveryState.SUPPRESSED, DeliveryState.CANCELLED)
        with self.publication.database.reading() as connection:
            found = count_causes(connection, self.issue(name).id, states, 99)
        return {one.cause.key: number for one, number in found.items()}

    def next_day(self) -> CycleReport:
        """Run a cycle a day later."""
        self.publication.at(self.publication.clock.now() + DAY)
        return self.run()


def titles(content: bytes) -> list[str]:
    """Return the titles of the stories of a mail in order, below its first line. Each story is there once."""
    body = parsed(content).get_body(("plain",))
    assert body is not None
    _first_line, *text = re.split(r"\r?\n\r?\n", body.get_content(), maxsplit=1)
    found = list(dict.fromkeys(_TITLE.findall("".join(text))))
    stories = [name.partition(" in ")[0] for name in found]
    assert len(stories) == len(set(stories)), found
    return found
