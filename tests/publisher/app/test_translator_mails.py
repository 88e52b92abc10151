"""Mails to translators: who gets them, what they say, and what a crash does to them."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from publisher.accounts.actor import terminal_actor
from publisher.accounts.store import NewAccount, add_account, disable_account
from publisher.app.editing_state import Grant, Role, open_editing_state
from publisher.app.translation_claims import start_translation
from publisher.app.translator_mails import queue_translator_mails, send_translator_mails
from publisher.delivery.lineage.state import set_lineage
from publisher.delivery.outcomes import Outcome, SendStatus
from publisher.rendering import Renderer
from publisher.testing import MemoryTransport
from publisher.translations.tables import translator_mail
from tests.publisher.conftest import NOW, PublicationFolder

HOUR = timedelta(hours=1)
OMAR = "omar@example.org"


class Translators:
    """A publication whose cycles tell translators what came in."""

    def __init__(self, publication: PublicationFolder, renderer: Renderer) -> None:
        self.publication = publication
        self.renderer = renderer
        self.transport = MemoryTransport("ambiguous")
        self.add("root@example.org", Grant(Role.ADMINISTRATOR))

    def add(self, email: str, *grants: Grant, language: str = "en") -> int:
        new = NewAccount(email, email.partition("@")[0], language, grants)
        with self.publication.database.writing() as connection:
            return add_account(connection, new, NOW).id

    def write(self, language: str, key: str, text: str = "Words.", **matter: object) -> None:
        facts = {"title": f"The {key}", "date": "2026-01-08"} | matter
        self.publication.write(f"{language}/{key}.md", text, **facts)

    def queue(self, hours: float) -> int:
        """Run a cycle up to the queue, some hours from the beginning."""
        one = self.publication.at(NOW + hours * HOUR)
        one.pick_up()
        return queue_translator_mails(one.settings, one.database, one.clock.now())

    def send(self, minutes: int = 0) -> list[str]:
        one = self.publication
        one.at(one.clock.now() + timedelta(minutes=minutes))
        return send_translator_mails(
            *(one.settings, one.database, self.transport, "a secret", one.clock, self.renderer)
        )

    def sent(self) -> list[EmailMessage]:
        return [
            message_from_bytes(one.content, policy=policy.default)
            for one in self.transport.messages
        ]

    def states(self) -> list[tuple[str, str | None]]:
        return [(row["state"], row["reason"]) for row in self.publication.rows(translator_mail)]


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer()


@pytest.fixture
def people(publication: PublicationFolder, renderer: Renderer) -> Translators:
    """Omar translates into Arabic, and has been told all that was there before."""
    found = Translators(publication, renderer)
    found.add(OMAR, Grant(Role.TRANSLATOR, "ar"))
    found.write("en", "bridge")
    assert found.queue(0) == 0
    return found


def test_one_mail_has_all_that_came_in_since_the_last_one(people: Translators) -> None:
    people.write("en", "ferry")
    people.write("en", "tides")
    assert people.queue(2) == 1
    people.write("en", "kites")
    # Within an hour of the last one nothing is sent; then, what came in.
    assert people.queue(2.9) == 0
    assert people.queue(3) == 1
    assert people.queue(9) == 0
    assert people.send() == []
    first, second = people.sent()
    assert (first["To"], first["Subject"]) == (
        "omar <omar@example.org>",
        "To translate: The Lantern",
    )
    words = text_of(first)
    assert "The ferry\nA new original\n" in words
    assert "The tides" in words
    assert "bridge" not in words
    assert "kites" in text_of(second)
    assert people.send() == []
    assert len(people.sent()) == 2


def test_a_changed_original_is_told_to_those_of_the_language_of_a_translation(
    people: Translators,
) -> None:
    people.add("li@example.org", Grant(Role.TRANSLATOR, "zh-Hans"))
    people.write("ar", "bridge", translator="Omar")
    people.queue(1)
    people.write("en", "bridge", "Other words.")
    assert people.queue(2) == 1
    people.send()
    (mail,) = people.sent()
    assert mail["To"].addresses[0].addr_spec == OMAR
    assert "The bridge\nThe original has changed" in text_of(mail)


def test_what_somebody_has_claimed_is_not_told(people: Translators) -> None:
    people.write("en", "ferry")
    people.publication.at(NOW + HOUR).pick_up()
    one = people.publication
    with open_editing_state(one.settings, one.clock) as state:
        start_translation(state, terminal_actor(), "ferry", "ar")
    assert people.queue(2) == 0


def test_only_translators_get_them_and_in_the_language_of_their_account(
    people: Translators,
) -> None:
    people.add("ed@example.org", Grant(Role.EDITOR))
    people.add("view@example.org", Grant(Role.VIEWER))
    gone = people.add("gone@example.org", Grant(Role.TRANSLATOR))
    people.add("lin@example.org", Grant(Role.TRANSLATOR), language="zh-Hant")
    people.queue(1)
    with people.publication.database.writing() as connection:
        disable_account(connection, gone, NOW)
    people.write("en", "ferry")
    people.queue(2)
    people.send()
    mails = {mail["To"].addresses[0].addr_spec: mail for mail in people.sent()}
    assert set(mails) == {OMAR, "lin@example.org"}
    assert mails["lin@example.org"]["Subject"] == "待翻譯：The Lantern"
    # Of every language of the publication but that of the original.
    assert text_of(mails["lin@example.org"]).count("The ferry") == 3
    assert text_of(mails[OMAR]).count("The ferry") == 1


def test_a_mail_that_a_killed_process_held_is_sent_again_once(people: Translators) -> None:
    people.write("en", "ferry")
    people.queue(2)

    def die(_mail: object) -> Outcome:
        raise KeyboardInterrupt

    for _ in range(2):
        people.transport.outcomes = die
        with pytest.raises(KeyboardInterrupt):
            people.send(minutes=16)
        people.transport.outcomes = None
        # Another process may still send it.
        assert people.send(minutes=1) == []
        assert people.sent() == []
    assert people.send(minutes=16) == []
    assert people.sent() == []
    assert people.states() == [("failed", "the process that sent it ended twice")]


def test_a_mail_is_sent_again_after_one_kill(people: Translators) -> None:
    people.write("en", "ferry")
    people.queue(2)

    def die(_mail: object) -> Outcome:
        raise KeyboardInterrupt

    people.transport.outcomes = die
    with pytest.raises(KeyboardInterrupt):
        people.send()
    people.transport.outcomes = None
    people.send(minutes=16)
    assert len(people.sent()) == 1
    assert people.states() == [("sent", None)]


def test_a_server_that_defers_or_is_away_gets_it_later_and_one_that_refuses_not(
    people: Translators,
) -> None:
    people.write("en", "ferry")
    people.queue(2)
    people.transport.fail_after = 0
    assert people.send() == []
    people.transport.fail_after = None
    people.transport.outcomes = {OMAR: Outcome(SendStatus.DEFERRED, "come back")}
    assert people.send(minutes=5) == []
    assert people.transport.offered == []
    people.send(minutes=10)
    assert people.states() == [("pending", "come back")]
    people.transport.outcomes = {OMAR: Outcome(SendStatus.REFUSED, "no such user")}
    (problem,) = people.send(minutes=10)
    assert problem == "a mail to a translator or an approver was not sent: no such user"
    assert people.states() == [("failed", "no such user")]


def test_what_waits_stays_when_another_server_takes_over_between_two_mails(
    people: Translators,
) -> None:
    people.add("lin@example.org", Grant(Role.TRANSLATOR, "zh-Hans"))
    people.queue(1)
    people.write("en", "ferry")
    assert people.queue(2) == 2

    def take_over(_mail: object) -> Outcome:
        with people.publication.database.writing() as connection:
            set_lineage(connection, server="the one that failed")
        return Outcome(SendStatus.ACCEPTED)

    people.transport.outcomes = take_over
    (problem,) = people.send()
    assert "it is on another server" in problem
    assert [state for state, _reason in people.states()] == ["sent", "pending"]
    assert people.send() == [problem]
    assert len(people.sent()) == 1


def test_a_mail_that_waits_for_a_day_is_given_up(people: Translators) -> None:
    people.write("en", "ferry")
    people.queue(2)
    people.transport.outcomes = {OMAR: Outcome(SendStatus.DEFERRED, "come back")}
    people.send()
    assert people.send(minutes=25 * 60) == [
        "a mail to a translator or an approver was not sent: come back"
    ]


def test_the_first_import_is_told_to_nobody(
    publication: PublicationFolder, renderer: Renderer
) -> None:
    people = Translators(publication, renderer)
    people.add(OMAR, Grant(Role.TRANSLATOR, "ar"))
    people.write("en", "bridge")
    assert [people.queue(hour) for hour in (0, 2, 4)] == [0, 0, 0]
