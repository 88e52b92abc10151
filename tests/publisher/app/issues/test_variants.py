"""What preferences and changes of mind do to an issue, from files to mails: no article twice, none lost."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from publisher.accounts.model import terminal_actor
from publisher.app.issues.deliveries import RetryDecision, retry_deliveries
from publisher.app.issues.sending import cancel_sending
from publisher.app.subscribers import unsubscribing
from publisher.app.subscribers.preferences import switch_language
from publisher.app.subscribers.unsubscribing import LeaveScope
from publisher.assembly.assemble import render_variant
from publisher.delivery.transports.base import Outcome, SendStatus
from publisher.issues.model import IssueReason, IssueState
from publisher.issues.tables import issue_variant_table
from publisher.mail.signed_addresses import SignedLink
from publisher.rendering import Digest, IssueContent, Renderer
from subscribers.changes import UndoOutcome, last_leaving
from subscribers.preferences import TextLength
from subscribers.store import find_subscriber
from tests.publisher.app.reading import DAY, WORDS, Reading
from tests.publisher.conftest import PublicationFolder, editing_state
from tests.publisher.delivery.mailing import Interrupted
from tests.publisher.mail.samples import parsed

pytestmark = pytest.mark.usefixtures("issue_pages_only")
DAILY = {"name": "daily", "schedule": "0 8 * * *"}
OTHER = {"name": "weekly", "schedule": "0 9 * * *"}
Reader = Callable[..., Reading]


@pytest.fixture
def reader(new_publication: Callable[..., PublicationFolder]) -> Reader:
    def make(*languages: str, newsletters: Any = (DAILY,), **changes: Any) -> Reading:
        tags = languages or ("en", "zh-Hant", "ar")
        return Reading(new_publication(languages=tags, newsletters=newsletters, **changes))

    return make


def plain_texts(reading: Reading) -> dict[str, str]:
    """Return the text of the mail of each who got one."""
    bodies = {
        one.recipient[:3]: parsed(one.message.content).get_body(("plain",))
        for one in reading.transport.taken
    }
    return {name: body.get_content() for name, body in bodies.items() if body}


def test_each_story_comes_once_in_the_best_language_in_one_mail(reader: Reader) -> None:
    reading = reader()
    reading.join("ann", "zh-Hant", "en")
    reading.join("bob", "zh-Hant")
    reading.join("cyd", "en")
    reading.write(1, "zh-Hant", "en")
    reading.write(2, "en")
    assert reading.run().problems == []
    assert reading.read == {
        "ann": ["Story 1 in zh-Hant, Story 2 in en"],
        "bob": ["Story 1 in zh-Hant"],
        "cyd": ["Story 1 in en, Story 2 in en"],
    }
    (content,) = (
        one.message.content
        for one in reading.transport.taken
        if one.recipient == "ann@example.com"
    )
    html = parsed(content).get_body(("html",))
    assert html is not None
    page = html.get_content()
    assert '<html lang="zh-Hant"' in page
    assert 'lang="en"' in page


@pytest.mark.parametrize("languages", [("en", "ar"), ("ar", "zh-Hant", "en")])
def test_mails_of_several_languages_pass_the_gate(
    reader: Reader, languages: tuple[str, ...]
) -> None:
    reading = reader()
    reading.join("ann", *languages)
    for story, language in enumerate(languages, 1):
        reading.write(story, language)
    assert reading.run().problems == []
    expected = [f"Story {n} in {tag}" for n, tag in enumerate(languages, 1)]
    assert reading.read == {"ann": [", ".join(expected)]}


def test_a_translation_that_comes_after_the_story_was_read_is_not_sent(reader: Reader) -> None:
    reading = reader()
    reading.join("ann", "zh-Hant", "en")
    reading.join("bob", "zh-Hant")
    reading.write(1, "en")
    reading.run()
    assert reading.causes("daily-zh-Hant-2026-01-09") == {"no-article": 1}
    reading.write(1, "zh-Hant")
    reading.write(2, "zh-Hant")
    reading.next_day()
    assert reading.read == {
        "ann": ["Story 1 in en", "Story 2 in zh-Hant"],
        "bob": ["Story 1 in zh-Hant, Story 2 in zh-Hant"],
    }
    reading.write(3, "ar")
    reading.next_day()
    reading.write(3, "zh-Hant")
    reading.next_day()
    assert [len(mails) for mails in reading.read.values()] == [3, 2]


def test_no_issue_is_made_for_a_subscriber_with_a_profile_who_has_a_pause(
    reader: Reader,
) -> None:
    reading = reader("ar", "en")
    now = reading.publication.clock.now()
    reading.join("ann", "ar", "en", paused_at=now, paused_until=now + 3 * DAY)
    reading.write(1, "en")
    reading.run()
    assert reading.issue("daily-ar-2026-01-09").state == IssueState.SKIPPED


def test_who_declines_machine_conversions_gets_the_next_language(reader: Reader) -> None:
    converting = {**DAILY, "edition": {"zh-Hant": {"missing": "convert"}}}
    reading = reader("zh-Hans", "zh-Hant", newsletters=(converting,))
    reading.join("ann", "zh-Hant", "zh-Hans", machine_translations=False)
    reading.join("bob", "zh-Hant", machine_translations=False)
    reading.join("cyd", "zh-Hant")
    reading.write(1, "zh-Hans")
    reading.run()
    # The sample's titles are in Latin script: texts tell the two apart.
    assert reading.read == {"ann": ["Story 1 in zh-Hans"], "cyd": ["Story 1 in zh-Hans"]}
    assert reading.causes("daily-zh-Hant-2026-01-09") == {"no-article": 1}
    ann, cyd = (WORDS[tag] for tag in ("zh-Hans", "zh-Hant"))
    shown = {name: (ann in text, cyd in text) for name, text in plain_texts(reading).items()}
    assert shown == {"ann": (True, False), "cyd": (False, True)}


def test_a_subscriber_chooses_summaries_or_whole_texts(reader: Reader) -> None:
    reading = reader("en")
    reading.join("ann", "en", length=TextLength.FULL)
    reading.join("bob", "en", length=TextLength.SUMMARY)
    reading.write(1, "en", summary="In short.")
    reading.run()
    shown = {name: WORDS["en"] in text for name, text in plain_texts(reading).items()}
    assert shown == {"ann": True, "bob": False}
    # What the newsletter does anyway is its own digest.
    assert len(reading.publication.rows(issue_variant_table)) == 1


def test_subscribers_who_get_the_same_share_one_variant(reader: Reader) -> None:
    reading = reader("en")
    for number in range(30):
        reading.join(f"reader.{number}", "en", topics=(("Harbour", "Art")[number % 2], "x"))
    reading.write(1, "en", topics="[Harbour]")
    reading.write(2, "en", topics="[Art]")
    assert reading.run().sent.messages == 30
    assert len(reading.publication.rows(issue_variant_table)) == 2
    mails = {tuple(mails) for mails in reading.read.values()}
    assert mails == {("Story 1 in en",), ("Story 2 in en",)}


def cut_off(*_arguments: object) -> None:
    raise Interrupted


def harbour(reader: Reader, *languages: str) -> Reading:
    """Ann wants the first of two stories, by its topic; Bob wants both."""
    reading = reader(*languages or ("en",))
    reading.join("ann", "en", topics=("Harbour",))
    reading.join("bob", "en")
    reading.write(1, "en", topics="[Harbour]")
    reading.write(2, "en")
    return reading


def run_and_cut_off(reading: Reading) -> None:
    """Run a cycle that ends before it renders a variant."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("publisher.app.operation.cycle.render_variant", cut_off)
        with pytest.raises(Interrupted):
            reading.run()


def rendering(note: Callable[[], object]) -> Callable[..., Mapping[str, Any] | None]:
    """Return what renders a variant after calling `note`."""

    def render(*arguments: Any) -> Mapping[str, Any] | None:
        note()
        return render_variant(*arguments)

    return render


def test_what_is_ready_is_sent_before_all_variants_are_rendered(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = reader("en")
    for story, topic in enumerate(("Harbour", "Art", "Tides"), 1):
        reading.join(topic.lower(), "en", topics=(topic,))
        reading.write(story, "en", topics=f"[{topic}]")
    reading.join("all", "en")
    sent: list[int] = []
    monkeypatch.setattr("publisher.delivery.job.SLICE_SECONDS", 0.0)
    render = rendering(lambda: sent.append(len(reading.transport.taken)))
    monkeypatch.setattr("publisher.app.operation.cycle.render_variant", render)
    assert reading.run().problems == []
    # The issue's own digest goes out with the first variant.
    assert sent == [0, 2, 3]
    counts = {name: len(mails) for name, mails in reading.read.items()}
    assert counts == dict.fromkeys(("harbour", "art", "tides", "all"), 1)
    assert reading.issue("daily-en-2026-01-09").state == IssueState.SENT


def test_a_fault_of_the_program_in_a_variant_holds_its_own_rows_only(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = harbour(reader)
    with monkeypatch.context() as patch:
        render = rendering(lambda: int("no number"))
        patch.setattr("publisher.app.operation.cycle.render_variant", render)
        (problem,) = reading.run().problems
    assert "a fault of the program: ValueError" in problem
    assert [*reading.read] == ["bob"]
    assert reading.run().problems == []
    assert [*reading.read] == ["bob", "ann"]


def test_an_edition_that_is_removed_while_variants_wait_does_not_stay_open(
    reader: Reader,
) -> None:
    reading = harbour(reader, "en", "ar")
    run_and_cut_off(reading)
    reading.publication.reload(
        languages=["en", "ar"], newsletters=[{**DAILY, "languages": ["ar"]}]
    )
    assert reading.run().problems == []
    assert reading.causes("daily-en-2026-01-09") == {"edition-removed": 1}
    assert [*reading.read] == ["bob"]
    assert reading.issue("daily-en-2026-01-09").state == IssueState.SENT


def test_what_was_rendered_stays_as_it_is_when_the_article_changes(reader: Reader) -> None:
    reading = reader("en")
    reading.join("ann", "en", topics=("Harbour",))
    bob = reading.join("bob", "en", topics=("Harbour",))
    reading.write(1, "en", topics="[Harbour]")
    reading.write(2, "en")
    reading.transport.outcomes = {bob: Outcome(SendStatus.DEFERRED, "the mailbox is full")}
    reading.run()
    before = reading.publication.rows(issue_variant_table)
    reading.publication.write(
        "en/s1.md", "Other words.", title="Story 9 in en", topics="[Harbour]"
    )
    reading.transport.outcomes = None
    reading.next_day()
    assert reading.publication.rows(issue_variant_table)[:1] == before
    assert reading.read == {"ann": ["Story 1 in en"], "bob": ["Story 1 in en"]}


class Wordless(Renderer):
    """Renders digests of a single story without the story, which the gate does not let pass."""

    def digest(self, content: IssueContent) -> Digest:
        digest = super().digest(content)
        alone = len(content.items) == 1
        return replace(digest, text="\n".join(digest.text.split("\n")[:1])) if alone else digest


def test_a_variant_that_fails_the_gate_holds_its_own_rows_only(reader: Reader) -> None:
    reading = harbour(reader)
    for _cycle in range(2):
        (problem,) = reading.run(Wordless()).problems
        assert problem.startswith("daily-en-2026-01-09: 1 of its variants can't be sent: ")
        one = reading.issue("daily-en-2026-01-09")
        assert (one.state, one.reason_key) == (IssueState.SENDING, IssueReason.GATE)
    assert reading.read == {"bob": ["Story 1 in en, Story 2 in en"]}
    assert reading.run().problems == []
    assert reading.read["ann"] == ["Story 1 in en"]
    one = reading.issue("daily-en-2026-01-09")
    assert (one.state, one.reason) == (IssueState.SENT, None)


def test_a_variant_that_never_passes_the_gate_ends_its_issue_and_can_be_sent_later(
    reader: Reader,
) -> None:
    reading = reader("en", newsletters=(DAILY, OTHER))
    reading.join("ann", "en", topics=("Harbour",))
    reading.join("bob", "en")
    reading.join("cyd", "en", topics=("Harbour",), newsletters="daily weekly")
    reading.write(1, "en", topics="[Harbour]")
    reading.write(2, "en")
    name = "daily-en-2026-01-09"
    reading.run(Wordless())
    assert reading.issue(name).state == IssueState.SENDING
    publication = reading.publication.at(reading.publication.clock.now() + 2 * DAY)
    reading.run(Wordless())
    one = reading.issue(name)
    assert (one.state, one.reason_key) == (IssueState.PARTIAL, IssueReason.NOT_MADE)
    assert one.reason is not None
    assert one.reason.startswith("2 not sent: the variant of the issue")
    assert "did not pass the gate: story-text" in one.reason
    assert reading.counts(name) == {"sent": 1, "failed": 2}
    # Nothing of it counts as received: the weekly, which had left it out, owes it.
    reading.publication.write("en/s3.md", "Tide.", title="Story 3 in en", date="2026-01-11")
    assert reading.next_day().problems == []
    assert "Story 1 in en" in reading.read["cyd"][0]
    # Not mended: it ends again. Mended: it is sent, but not to who has got the story since.
    state = editing_state(publication)
    assert retry_deliveries(state, terminal_actor(), name) == RetryDecision(1, 1)
    reading.run(Wordless())
    assert reading.counts(name) == {"sent": 1, "failed": 2}
    assert retry_deliveries(state, terminal_actor(), name) == RetryDecision(1, 1)
    assert reading.run().problems == []
    assert reading.read["ann"] == ["Story 1 in en"]
    assert reading.counts(name) == {"sent": 2, "failed": 1}


def test_a_variant_whose_articles_were_withdrawn_is_cancelled(reader: Reader) -> None:
    reading = harbour(reader)
    run_and_cut_off(reading)
    (reading.publication.articles / "en/s1.md").unlink()
    reading.run()
    assert reading.causes("daily-en-2026-01-09") == {"withdrawn": 1}
    assert reading.issue("daily-en-2026-01-09").state == IssueState.SENT


# --- what a change of mind or a cancelled issue would have lost comes later, and once


BOTH = (DAILY, OTHER)
LATER = Outcome(SendStatus.DEFERRED, "the mailbox is full")


def test_what_another_issue_left_out_for_a_cancelled_one_comes_with_the_next(
    reader: Reader,
) -> None:
    reading = reader("en", newsletters=BOTH)
    ann = reading.join("ann", "en", newsletters="daily weekly")
    reading.join("bob", "en", newsletters="weekly")
    reading.join("cyd", "en", newsletters="daily")
    reading.write(1, "en")
    reading.transport.outcomes = {ann: LATER, "cyd@example.com": LATER}
    reading.run()
    assert reading.read == {"bob": ["Story 1 in en"]}
    state = editing_state(reading.publication)
    cancel_sending(state, terminal_actor(), "daily-en-2026-01-09")
    reading.transport.outcomes = None
    reading.write(2, "en")
    reading.next_day()
    # The daily brings the news first; the weekly, what it had left out.
    assert reading.read["ann"] == ["Story 2 in en", "Story 1 in en"]
    assert reading.read["bob"] == ["Story 1 in en", "Story 2 in en"]
    # Who follows only the cancelled newsletter gets its next issue, as after any cancelled one.
    assert reading.read["cyd"] == ["Story 2 in en"]
    reading.write(3, "en")
    reading.next_day()
    assert reading.read["ann"][2:] == ["Story 3 in en"]


def leave(reading: Reading, email: str) -> SignedLink:
    """Leave the daily by a link, and return the link that undoes it."""
    now = reading.publication.clock.now()
    with reading.publication.database.writing() as connection:
        person = find_subscriber(connection, email)
        assert person is not None
        link = SignedLink("unsubscribe", person.id, "daily")
        assert unsubscribing.leave(connection, link, LeaveScope.NEWSLETTER, now)
        left = last_leaving(connection, person.id, "daily")
    assert left is not None
    return SignedLink("undo", person.id, number=left.id)


def issues_read(reading: Reading) -> list[str]:
    """Return what Ann got, without mails that have no story, such as the goodbye."""
    return [titles for titles in reading.read["ann"] if titles]


def undo(reading: Reading, link: SignedLink) -> None:
    with reading.publication.database.writing() as connection:
        now = reading.publication.clock.now()
        assert unsubscribing.undo(connection, link, now) is UndoOutcome.UNDONE


def test_the_issue_after_an_undone_leaving_has_what_was_missed(reader: Reader) -> None:
    reading = reader("en")
    ann = reading.join("ann", "en")
    reading.join("bob", "en")
    reading.write(1, "en")
    reading.run()
    # The mail of this day waits, and is suppressed the next day.
    reading.transport.outcomes = {ann: LATER}
    reading.write(2, "en")
    reading.next_day()
    link = leave(reading, ann)
    reading.transport.outcomes = None
    reading.write(3, "en")
    reading.next_day()
    undo(reading, link)
    assert issues_read(reading) == ["Story 1 in en"]
    reading.write(4, "en")
    reading.next_day()
    reading.write(5, "en")
    reading.next_day()
    assert issues_read(reading)[1:] == [
        "Story 4 in en, Story 3 in en, Story 2 in en",
        "Story 5 in en",
    ]


def test_mail_that_still_waits_when_a_leaving_is_undone_is_sent_as_it_is(
    reader: Reader,
) -> None:
    reading = reader("en")
    ann = reading.join("ann", "en")
    reading.transport.outcomes = {ann: LATER}
    reading.write(1, "en")
    reading.run()
    undo(reading, leave(reading, ann))
    reading.transport.outcomes = None
    reading.write(2, "en")
    reading.next_day()
    assert sorted(reading.read["ann"]) == ["Story 1 in en", "Story 2 in en"]


def test_a_switch_to_an_edition_that_comes_more_often_loses_nothing(reader: Reader) -> None:
    """The Arabic edition comes on Fridays; the first day is one."""
    fridays = {**DAILY, "edition": {"ar": {"schedule": "0 8 * * FRI"}}}
    reading = reader("en", "ar", newsletters=(fridays,))
    reading.join("ann", "ar")
    reading.join("bob", "en")

    def day(story: int) -> None:
        reading.write(story, "en", "ar")
        reading.next_day()

    def switch(language: str) -> None:
        publication = reading.publication
        with publication.database.writing() as connection:
            person = find_subscriber(connection, "ann@example.com")
            assert person is not None
            now = publication.clock.now()
            assert switch_language(connection, publication.settings, person.id, language, now)

    reading.write(1, "en", "ar")
    reading.run()
    day(2)
    assert reading.read["ann"] == ["Story 1 in ar"]
    switch("en")
    day(3)
    assert reading.read["ann"][1:] == ["Story 3 in en, Story 2 in en"]
    # Back again: Friday's issue has what came since, and nothing that she has got.
    switch("ar")
    day(4)
    reading.publication.at(reading.publication.clock.now() + 3 * DAY)
    day(5)
    assert reading.read["ann"][2:] == ["Story 5 in ar, Story 4 in ar"]
