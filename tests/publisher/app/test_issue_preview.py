"""The mail that an editor sees is the mail that a subscriber gets."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from email import message_from_bytes
from typing import Any

import pytest

from publisher.accounts.actor import Actor, terminal_actor
from publisher.app.editing_state import EditingState, Grant, Role
from publisher.app.issue_preview import (
    MailPreview,
    Profile,
    Shown,
    Viewer,
    dead_link_secret,
    find_issue_name,
    find_viewer,
    inbox_lines,
    load_viewer,
    preview_mail,
    preview_mails,
    viewer_with_profile,
)
from publisher.app.mail_source import find_source
from publisher.app.subscribers import unsubscribe_address
from publisher.assembly import gate_run
from publisher.config import Publication
from publisher.database.metadata import metadata
from publisher.errors import DeliveryError, ForbiddenError, IssueError, UsageError
from publisher.issues.digests import digest_of
from publisher.issues.model import Issue
from publisher.issues.planner import plan_issues
from publisher.issues.store import issue_by_name
from publisher.issues.tables import issue_table
from publisher.mail.signed_links import read_link
from publisher.rendering import Digest, Renderer
from publisher.testing import SECRET
from subscribers import TextLength
from tests.publisher.app.reading import DAY, Reading, titles
from tests.publisher.conftest import PublicationFolder
from tests.publisher.printing import pipeline_of

DAILY = {"name": "daily", "schedule": "0 8 * * *"}
NAME = "daily-en-2026-01-09"
TOKEN = re.compile(r"v2\.([\w-]+)\.([\w-]+)")
# What a message says of itself, and not of its recipient or content.
CHANGING = {"date", "message-id"}


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer()


@pytest.fixture
def reading(new_publication: Callable[..., PublicationFolder]) -> Reading:
    """Two stories, and subscribers of whom some get other things than most."""
    found = Reading(new_publication(languages=("en", "zh-Hant", "ar"), newsletters=(DAILY,)))
    found.write(1, "en", "zh-Hant")
    found.write(2, "en", "ar")
    found.join("most", "en")
    found.join("brief", "en", length=TextLength.FULL)
    found.join("arab", "ar", "en")
    return found


def state_of(reading: Reading) -> EditingState:
    publication = reading.publication
    return EditingState(
        settings=publication.settings,
        database=publication.database,
        secret=SECRET,
        clock=publication.clock,
    )


def seen(
    reading: Reading, renderer: Renderer, what: Any, viewer: Viewer | str | None = None
) -> MailPreview:
    state, actor = state_of(reading), terminal_actor()
    if isinstance(viewer, str):
        viewer = find_viewer(state, actor, f"{viewer}@example.com")
    return preview_mail(state, renderer, actor, what, viewer or viewer_with_profile("en"))


def parts(content: bytes) -> tuple[list[tuple[str, str]], list[str]]:
    """Give the header and the decoded parts, without tokens and what always differs."""
    message = message_from_bytes(content)
    header = [
        (name, TOKEN.sub("TOKEN", value))
        for name, value in message.items()
        if name.lower() not in CHANGING
    ]
    bodies = [
        part.get_payload(decode=True) for part in message.walk() if not part.is_multipart()
    ]
    return header, [TOKEN.sub("TOKEN", body.decode()) for body in bodies]  # type: ignore[union-attr]


def tokens(content: bytes) -> set[str]:
    bodies = [part.get_payload(decode=True) for part in message_from_bytes(content).walk()]
    return {
        found[0]
        for body in (*bodies, content)
        if isinstance(body, bytes)
        for found in TOKEN.finditer(body.decode("utf-8", "replace"))
    }


def test_a_preview_is_the_mail_that_is_sent_to_each_subscriber(
    reading: Reading, renderer: Renderer
) -> None:
    pipeline_of(reading.publication, reading.transport).prepare()
    issues = {"most": NAME, "brief": NAME, "arab": "daily-ar-2026-01-09"}
    before = {name: seen(reading, renderer, issue, name) for name, issue in issues.items()}
    reading.run()
    sent = {one.recipient: one.message.content for one in reading.transport.taken}
    for name, preview in before.items():
        real = sent[f"{name}@example.com"]
        assert parts(preview.message) == parts(real)
        assert len(preview.message) == len(real) + len(_date(preview.message)) - len(
            _date(real)
        )
        assert preview.not_sent is None
        # Afterwards it is shown as it was sent, the date included.
        after = seen(reading, renderer, issues[name], name)
        assert parts(after.message) == parts(real)
        assert _date(after.message) == _date(real)
    assert [before[name].source.is_variant for name in issues] == [False, True, True]
    assert titles(before["arab"].message) != titles(before["most"].message)


def _date(content: bytes) -> str:
    return str(message_from_bytes(content)["Date"])


def test_a_subscriber_who_has_had_a_story_is_shown_the_rest(
    reading: Reading, renderer: Renderer
) -> None:
    reading.run()
    reading.publication.at(reading.publication.clock.now() + DAY)
    reading.write(3, "en")
    reading.write(1, "ar")
    pipeline_of(reading.publication, reading.transport).prepare()
    name = "daily-ar-2026-01-10"
    before = seen(reading, renderer, name, "arab")
    reading.run()
    (real,) = (
        one.message.content
        for one in reading.transport.taken
        if one.recipient == "arab@example.com" and one.day == before.issue.day
    )
    assert parts(before.message) == parts(real)


def test_what_is_frozen_is_shown_with_its_hash(reading: Reading, renderer: Renderer) -> None:
    pipeline_of(reading.publication).prepare()
    state = state_of(reading)
    with state.database.reading() as connection:
        issue = issue_by_name(connection, NAME)
        assert issue is not None
        digest = digest_of(connection, issue)
        viewer, now = viewer_with_profile("en"), state.clock.now()
        found = find_source(connection, state.settings, renderer, issue, viewer, now)
    assert (found.sha256, found.is_frozen) == (digest.sha256, True)
    assert (found.subject, found.html, found.text) == (digest.subject, digest.html, digest.text)
    assert found.page == digest.page


def test_no_link_of_a_preview_works(reading: Reading, renderer: Renderer) -> None:
    pipeline_of(reading.publication).prepare()
    found = tokens(seen(reading, renderer, NAME, "most").message)
    assert len(found) >= 2
    for token in found:
        for kind in ("unsubscribe", "preferences", "web"):
            with pytest.raises(DeliveryError):
                read_link(SECRET, kind, token)
    assert dead_link_secret(SECRET) != SECRET


def test_a_preview_writes_nothing(reading: Reading, renderer: Renderer) -> None:
    pipeline_of(reading.publication).prepare()
    publication = reading.publication
    before = {table.name: publication.rows(table) for table in metadata.sorted_tables}
    seen(reading, renderer, NAME, "brief")
    edition = publication.settings.edition("daily", "ar")
    seen(reading, renderer, edition, "arab")
    assert {table.name: publication.rows(table) for table in metadata.sorted_tables} == before


def test_the_next_issue_is_shown_to_a_profile_of_nobody(
    reading: Reading, renderer: Renderer
) -> None:
    reading.publication.pick_up()
    edition = reading.publication.settings.edition("daily", "zh-Hant")
    own = seen(reading, renderer, edition, viewer_with_profile("zh-Hant"))
    both = Profile(more_languages=("en",))
    more = seen(reading, renderer, edition, viewer_with_profile("zh-Hant", both))
    assert titles(own.message) == ["Story 1 in zh-Hant"]
    assert titles(more.message) == ["Story 1 in zh-Hant", "Story 2 in en"]
    assert (own.issue.id, own.source.is_frozen, more.source.is_variant) == (0, False, True)
    assert own.page.startswith("<!DOCTYPE html>")


def test_who_gets_nothing_is_told_why(reading: Reading, renderer: Renderer) -> None:
    reading.join("pausing", "en", paused_until=reading.publication.clock.now() + DAY)
    left = reading.join("left", "en")
    publication = reading.publication
    now = publication.clock.now()
    unsubscribe_address(publication.settings, publication.database, left, None, now)
    reading.join("picky", "en", topics=("none",))
    pipeline_of(reading.publication).prepare()
    found = {
        name: cause.key if (cause := seen(reading, renderer, NAME, name).not_sent) else None
        for name in ("most", "pausing", "left", "arab", "picky")
    }
    assert found == {
        "most": None,
        "pausing": "paused",
        "left": "unsubscribed",
        "arab": "other-edition",
        "picky": "no-article",
    }


def test_an_issue_that_is_held_is_shown_with_what_the_gate_found(
    reading: Reading, renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = gate_run.check_digest

    def without_text(
        publication: Publication, issue: Issue, digest: Digest
    ) -> gate_run.GateRun:
        return whole(publication, issue, replace(digest, text="nothing of it"))

    monkeypatch.setattr(gate_run, "check_digest", without_text)
    assert len(pipeline_of(reading.publication).prepare().problems) == 3
    preview = seen(reading, renderer, NAME)
    assert (preview.issue.reason_key, preview.source.is_frozen) == ("gate", False)
    assert preview.findings[0]["code"] == "story-text"
    assert titles(preview.message) == ["Story 1 in en", "Story 2 in en"]


def test_a_preview_has_the_header_and_the_sizes_of_the_message(
    reading: Reading, renderer: Renderer
) -> None:
    pipeline_of(reading.publication).prepare()
    preview = seen(reading, renderer, NAME)
    assert preview.sizes["message"] == len(preview.message)
    assert preview.sizes["html"] == len(preview.html.encode())
    fields = dict(preview.fields)
    assert fields["To"] == "subscriber@example.com"
    assert fields["List-Unsubscribe"].startswith(
        "<https://news.example.org/en/unsubscribe/?t=v2."
    )
    assert preview.subject == preview.source.subject
    assert [line.client for line in preview.inbox] == ["phone", "desktop"]


def test_an_issue_that_is_not_selected_yet_is_shown_as_it_would_be_made_now(
    reading: Reading, renderer: Renderer
) -> None:
    publication = reading.publication
    publication.pick_up()
    plan_issues(publication.settings, publication.database, publication.clock.now())
    (row, *_others) = publication.rows(issue_table)
    name = f"{row['newsletter']}-{row['language']}-{row['day']}"
    preview = seen(reading, renderer, name, viewer_with_profile(row["language"]))
    assert (preview.issue.id, preview.issue.name) == (row["id"], name)
    assert not preview.source.is_frozen
    with pytest.raises(UsageError, match="no such issue"):
        seen(reading, renderer, "daily-en-1999-01-01")


def test_an_edition_without_articles_has_no_mail(
    new_publication: Callable[..., PublicationFolder], renderer: Renderer
) -> None:
    empty = Reading(new_publication(languages=("en",), newsletters=(DAILY,)))
    edition = empty.publication.settings.edition("daily", "en")
    with pytest.raises(IssueError, match="daily in en has"):
        seen(empty, renderer, edition)


def test_only_who_may_see_subscribers_sees_as_one(reading: Reading, renderer: Renderer) -> None:
    pipeline_of(reading.publication).prepare()
    state = state_of(reading)
    viewer = find_viewer(state, terminal_actor(), "MOST@example.com")
    assert load_viewer(state, terminal_actor(), viewer.subscriber_id or 0) == viewer
    editor = Actor(name="e@example.org", via="console", grants=(Grant(Role.EDITOR),))
    assert (
        preview_mail(state, renderer, editor, NAME, viewer_with_profile("en")).not_sent is None
    )
    with pytest.raises(ForbiddenError):
        preview_mail(state, renderer, editor, NAME, viewer)
    with pytest.raises(ForbiddenError):
        find_viewer(state, editor, "most@example.com")
    with pytest.raises(ForbiddenError):
        load_viewer(state, editor, viewer.subscriber_id or 0)
    for address in ("nobody@example.com", "no address"):
        with pytest.raises(UsageError):
            find_viewer(state, terminal_actor(), address)
    with pytest.raises(UsageError):
        load_viewer(state, terminal_actor(), 10**6)


def test_of_several_mails_one_that_can_t_be_made_says_why(
    reading: Reading, renderer: Renderer
) -> None:
    reading.publication.pick_up()
    viewer = viewer_with_profile("en")
    editions = [reading.publication.settings.edition("daily", tag) for tag in ("en", "ar")]
    shown = [Shown(one, viewer) for one in editions if one]
    reading.publication.reload(languages=("en", "fr"), newsletters=(DAILY,))
    french = reading.publication.settings.edition("daily", "fr")
    assert french is not None
    found = preview_mails(
        state_of(reading), renderer, terminal_actor(), [*shown, Shown(french, viewer)]
    )
    assert [isinstance(one, MailPreview) for one in found] == [True, True, False]
    assert "daily in fr has no new articles" in str(found[2])


def test_an_issue_is_named_by_its_edition_and_day(reading: Reading) -> None:
    edition = reading.publication.settings.edition("daily", "en")
    assert edition is not None
    assert find_issue_name(edition, "2026-01-09") == NAME
    with pytest.raises(UsageError, match="'9 January' is no date"):
        find_issue_name(edition, "9 January")


def test_inboxes_cut_by_columns() -> None:
    phone, desktop = inbox_lines("渡" * 30, "a" * 131)
    assert (phone.subject, phone.is_subject_cut) == ("渡" * 19 + "…", True)
    assert (desktop.subject, desktop.is_subject_cut) == ("渡" * 30, False)
    assert (len(phone.preheader), len(desktop.preheader)) == (40, 130)
    assert desktop.preheader.endswith("a…")
