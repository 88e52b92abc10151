"""`publisher run` killed with -9 while it opens, renders and sends issues with variants, and digests.

Everybody gets what she chose, each article once, whatever was cut off.
"""

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from subscribers.preferences import Cadence, TextLength, pause_subscriber
from tests.publisher.app.reading import Reading, title, titles
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import number_of
from tests.sizes import by_lane
from tests.slow.publisher.delivery.crashes.scene import SMTP, Ended, SteppedRun, say
from tools.servers import MailServer

MONDAY, EVENING = (datetime(2026, 1, 12, hour, 30, tzinfo=UTC) for hour in (12, 20))
# Processes that are killed at commits at each of the three times, and the last of these commits.
KILLS, COMMITS = int(os.environ.get("CRASH_KILLS", by_lane(1, 2))), 60
ORDERS = (("en",), ("en", "ar"), ("zh-Hant", "en"), ("ar", "zh-Hant", "en"), ("ar",))
# Stories of Friday and of Monday: in which languages. A program has written the Arabic of some.
FRIDAY_STORIES = {1: ("en", "ar"), 2: ("en",), 3: ("zh-Hant",), 4: ("ar", "zh-Hant")}
MONDAY_STORIES = {5: ("zh-Hant", "en", "ar"), 6: ("ar",), 7: ("en", "zh-Hant")}
MACHINE = {1, 6}
COMES_LATER: dict[str, Any] = {"cadences": {"daily": Cadence.WEEKLY}}
# By kind of subscriber: what she chose, and when she gets the stories of Friday and those of Monday.
KINDS: dict[str, tuple[dict[str, Any], datetime, datetime]] = {
    "each": ({}, NOW, MONDAY),
    "both": ({"newsletters": "daily weekly"}, NOW, MONDAY),
    "full": ({"length": TextLength.FULL}, NOW, MONDAY),
    "week": (COMES_LATER, MONDAY, MONDAY),
    "late": (COMES_LATER | {"hour": 20}, EVENING, EVENING),
    "back": ({}, MONDAY, MONDAY),
}


@dataclass(frozen=True)
class Reader:
    """A subscriber, and what she chose."""

    kind: str
    languages: tuple[str, ...]
    machine: bool

    @property
    def name(self) -> str:
        return f"{self.kind}.{'.'.join(self.languages)}.{self.machine}".lower()

    def mails(self) -> Iterator[tuple[datetime, set[str]]]:
        """Yield when her mails come, and what is in each."""
        _chosen, first, second = KINDS[self.kind]
        if first == second:
            yield first, self._wanted(FRIDAY_STORIES | MONDAY_STORIES)
        else:
            yield first, self._wanted(FRIDAY_STORIES)
            yield second, self._wanted(MONDAY_STORIES)

    def _wanted(self, stories: dict[int, tuple[str, ...]]) -> set[str]:
        found = ((story, self._best(story, written)) for story, written in stories.items())
        return {title(story, best) for story, best in found if best}

    def _best(self, story: int, written: tuple[str, ...]) -> str | None:
        refused = {"ar"} if story in MACHINE and not self.machine else set()
        return next((tag for tag in self.languages if tag in {*written} - refused), None)


READERS = [Reader(*one) for one in product(KINDS, ORDERS, (True, False))]


@dataclass
class Killer:
    """Kills a process when the mail server takes its message of this number, before the reply."""

    victim: SteppedRun | None = None
    left: int = 0

    def on_message(self, _message: object) -> None:
        self.left -= 1
        if self.victim and self.left == 0:
            self.victim.process.kill()


@pytest.fixture
def killer() -> Killer:
    return Killer()


@pytest.fixture
def server(killer: Killer) -> Iterator[MailServer]:
    with MailServer(on_message=killer.on_message) as server:
        yield server


@pytest.fixture
def reading(new_publication: Callable[..., PublicationFolder], server: MailServer) -> Reading:
    """A publication with these subscribers; some of them are on a pause that ends on Saturday."""
    newsletters = [
        {"name": "daily", "schedule": "0 8 * * *", "digests": ["weekly"], "in_doubt": "resend"},
        {"name": "weekly", "schedule": "0 9 * * *", "in_doubt": "resend"},
    ]
    made = new_publication(languages=("en", "ar", "zh-Hant"), newsletters=newsletters)
    with (made.settings.folders.root / "publication.toml").open("a") as file:
        file.write(SMTP.format(port=server.port, connections=4, promised=2))
    reading, joined = Reading(made.at(NOW - timedelta(days=1))), NOW - timedelta(hours=2)
    for one in READERS:
        chosen, _first, _second = KINDS[one.kind]
        reading.join(one.name, *one.languages, machine_translations=one.machine, **chosen)
    with made.database.writing() as connection:
        for one in READERS:
            if one.kind == "back":
                number = number_of(made.database, f"{one.name}@example.com")
                pause_subscriber(connection, number, NOW + timedelta(days=1), joined)
    return reading


def start(reading: Reading, now: datetime, *changes: str) -> SteppedRun:
    folder = reading.publication.settings.folders.root
    return SteppedRun(("run", "--once", "--now", now.isoformat(), folder), changes)


def killed_at_message(reading: Reading, now: datetime, killer: Killer, number: int) -> Ended:
    killer.left = number
    killer.victim = start(reading, now)
    return killer.victim.ended()


def inboxes(server: MailServer) -> dict[str, list[set[str]]]:
    """Return what everybody has got. A mail that came again is the same to the byte."""
    known: dict[tuple[str, str], bytes] = {}
    found: dict[str, list[set[str]]] = {}
    for one in server.messages:
        key = one.recipient, one.message_id
        if key not in known:
            known[key] = one.content
            found.setdefault(one.recipient.partition("@")[0], []).append({*titles(one.content)})
        assert known[key] == one.content
    return found


def test_killed_at_any_commit_or_message_everybody_gets_each_chosen_article_once(
    reading: Reading, server: MailServer, killer: Killer
) -> None:
    chance = random.Random(4)
    expected: dict[str, list[set[str]]] = {}
    for now, stories in ((NOW, FRIDAY_STORIES), (MONDAY, MONDAY_STORIES), (EVENING, {})):
        reading.publication.at(now)
        for story, languages in stories.items():
            for tag in languages:
                machine = {"provenance": "machine"} if tag == "ar" and story in MACHINE else {}
                reading.write(story, tag, **machine)
        for _kill in range(KILLS):
            end = start(reading, now, f"--kill-at={chance.randint(1, COMMITS)}").ended()
            assert end.code in {-9, 0}, end.err
        end = killed_at_message(reading, now, killer, chance.randint(1, 3))
        say("at", now, "after", len(server.messages), "mails:", end.code)
        last = start(reading, now).ended()
        assert last.code == 0, last.err
        for one in READERS:
            mails = [mail for at, mail in one.mails() if at == now and mail]
            if mails:
                expected.setdefault(one.name, []).extend(mails)
        assert inboxes(server) == expected
    # Some were killed between a mail and its reply.
    assert len(server.messages) > sum(map(len, expected.values()))
