"""An issue that a restored database does not know is made anew of what it contained; the rest comes later."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import product

import pytest

from publisher import urls
from publisher.accounts.model import Actor
from publisher.app.operation.backup import Backup
from publisher.delivery.lineage.evidence import read_recorded_stories
from publisher.delivery.lineage.witness import day_files, read_lineage
from publisher.delivery.transports.base import Outcome, SendStatus
from publisher.issues import store
from publisher.issues.model import IssueState
from publisher.issues.recovered_issues import story_keys
from publisher.issues.store import recovered_stories
from subscribers.preferences import Preferences, store_preferences
from tests.publisher.app.approving import approve, person
from tests.publisher.app.restoring import WEEK, Scene
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import number_of
from tests.publisher.mail.samples import parsed
from tests.publisher.printing import pipeline_of
from tests.sizes import by_lane

HOUR = timedelta(hours=1)
STORIES = ("tides", "gales", "ferry", "kites")
FIRST, SECOND = "weekly-en-2026-01-09", "weekly-en-2026-01-16"


class Life(Scene):
    """A publication with articles and whole cycles; its issue is due at eight, and it is noon."""

    def story(self, key: str) -> None:
        """Write an article, dated when it is written."""
        date = f"{self.now:%Y-%m-%dT%H:%M:%SZ}"
        self.publication.write(
            f"en/{key}.md", f"The {key} are here.", title=key.title(), date=date, topics="[sea]"
        )

    def run(self) -> None:
        pipeline_of(self.publication.at(self.now), self.transport).run()

    def approve_all(self, actor: Actor) -> None:
        with self.database.reading() as connection:
            waiting = store.issues_in_state(connection, IssueState.AWAITING_APPROVAL)
        for issue in waiting:
            approve(self.publication, actor, issue.name)

    def stories(self, name: str) -> set[str]:
        with self.database.reading() as connection:
            issue = store.issue_by_name(connection, name)
            return {*story_keys(connection, issue)} if issue else set()

    def choose_topics(self, address: str, *topics: str) -> None:
        number = number_of(self.database, address)
        with self.database.writing() as connection:
            chosen = Preferences(languages=("en",), topics=topics)
            store_preferences(connection, number, chosen, self.now)

    def read_by(self, address: str) -> list[list[str]]:
        """Return the stories that each mail to an address carried, by their words: titles are in links, too."""
        mails = [one for one in self.transport.taken if one.recipient == address]
        bodies = [parsed(one.message.content).get_body(("plain",)) for one in mails]
        texts = [body.get_content() for body in bodies if body]
        return [[one for one in STORIES if f"{one} are here." in text] for text in texts]


@pytest.fixture
def life(new_publication: Callable[..., PublicationFolder]) -> Iterator[Life]:
    life = Life(new_publication(languages=["en"]))
    life.now = NOW - timedelta(days=1)
    life.story("tides")
    life.story("gales")
    life.run()
    yield life
    life.database.close()


def restored(life: Life) -> None:
    """Send the issue to three of four, put the backup of the day before back, and have a new story come."""
    backup = life.back_up()
    life.now = NOW
    life.transport.outcomes = {"reader-4@example.com": Outcome(SendStatus.DEFERRED, "busy")}
    life.run()
    assert (len(life.transport.taken), life.stories(FIRST)) == (3, {"gales", "tides"})
    life.transport.outcomes = None
    life.now += HOUR
    life.restore(backup)
    life.story("ferry")
    life.run()
    assert life.is_quarantined


def test_the_issue_is_made_anew_of_its_stories_and_what_came_since_is_in_the_next(
    life: Life,
) -> None:
    restored(life)
    assert life.recover().is_complete
    life.run()
    assert life.stories(FIRST) == {"gales", "tides"}
    assert set(life.sent.values()) == {1}
    assert len(life.sent) == 4
    life.now += WEEK
    life.run()
    assert life.stories(SECOND) == {"ferry"}
    assert len(life.sent) == 8


# Who had the issue before the restore, and who had it after.
@pytest.mark.parametrize("address", ["reader-3@example.com", "reader-4@example.com"])
def test_who_has_chosen_topics_gets_each_story_once(life: Life, address: str) -> None:
    life.choose_topics(address, "sea")
    restored(life)
    life.recover()
    life.run()
    life.now += WEEK
    life.run()
    assert life.read_by(address) == [["tides", "gales"], ["ferry"]]


def test_an_issue_whose_stories_no_file_has_is_made_of_what_is_there(life: Life) -> None:
    restored(life)
    folder = life.publication.settings.folders.var
    for file in day_files(folder, "issues"):
        file.unlink()
    life.recover()
    life.run()
    assert life.stories(FIRST) == {"gales", "tides", "ferry"}


@pytest.mark.parametrize("is_known_by", ["page", "date"])
def test_the_stories_of_an_issue_that_a_person_knows_to_be_sent_go_to_nobody_again(
    life: Life, is_known_by: str
) -> None:
    restored(life)
    life.lose_var()
    (issue,) = life.preview().issues
    assert (issue.name, issue.may_have_been_sent) == (FIRST, True)
    if is_known_by == "date":
        path = urls.issue_path("en", "weekly", NOW.date())
        (life.publication.settings.folders.public / urls.page_file(path)).unlink()
    before = life.sent
    life.recover(sent=[FIRST])
    life.run()
    assert life.stories(FIRST) == {"gales", "tides"}
    assert life.sent == before
    assert {*life.states().values()} == {"sent"}
    life.now += WEEK
    life.run()
    assert life.stories(SECOND) == {"ferry"}


def test_stories_are_on_disk_before_any_mail_leaves(life: Life) -> None:
    life.now = NOW
    life.transport.fail_after = 0
    life.run()
    folders = [life.publication.settings.folders.var]
    with life.database.reading() as connection:
        lineage = read_lineage(connection)
    assert lineage is not None
    assert life.transport.taken == []
    assert read_recorded_stories(folders, lineage.incarnation) == {FIRST: {"gales", "tides"}}
    # Each run looks at them, and writes nothing twice.
    before = [file.read_bytes() for file in day_files(folders[0], "issues")]
    life.transport.fail_after = None
    life.run()
    assert [file.read_bytes() for file in day_files(folders[0], "issues")] == before


def test_another_restore_replaces_what_the_former_one_found(life: Life) -> None:
    restored(life)
    life.recover()
    life.run()
    with life.database.reading() as connection:
        assert recovered_stories(connection, FIRST) == frozenset({"gales", "tides"})
        assert recovered_stories(connection, SECOND) is None


# All six take a minute on a server.
@pytest.mark.parametrize(
    ("approval", "late"),
    by_lane(
        [("one", "send"), ("none", "merge")],
        [*product(("none", "one"), ("send", "merge", "skip"))],
    ),
)
def test_issues_that_were_sent_are_not_taken_for_late_ones(
    new_publication: Callable[..., PublicationFolder], approval: str, late: str
) -> None:
    """A backup is older than one issue: with the policy for late issues, their stories would go out again."""
    daily = {"name": "weekly", "schedule": "0 8 * * *", "late": late, "approval": approval}
    life = Life(new_publication(languages=["en"], newsletters=[daily]))
    actor = person(life.publication, "lin")
    backups: list[Backup] = []
    for number, key in enumerate(STORIES):
        life.now = NOW.replace(hour=9) + timedelta(days=number)
        life.story(key)
        if number == 3:
            life.restore(backups[0])
            assert life.recover().is_complete
        # Made, approved, its page written, and sent.
        for _ in range(3):
            life.run()
            life.approve_all(actor)
        backups.append(life.back_up())
    for reader in range(1, 5):
        mails = life.read_by(f"reader-{reader}@example.com")
        # Issues that have to be approved are made a day before.
        assert [key for mail in mails for key in mail] == [*STORIES]
    life.database.close()
