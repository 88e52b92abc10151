"""The mail that an editor sees is the mail that a subscriber gets; and how it is framed."""

import re
from collections.abc import Callable
from dataclasses import replace
from email import message_from_bytes
from typing import Any

import pytest

from publisher.accounts.model import Actor, Grant, Role, terminal_actor
from publisher.app.issues import preview as use_cases
from publisher.app.issues.lookup import find_edition
from publisher.app.issues.preview_pages import (
    LOOKS,
    WIDTHS,
    frame_document,
    frame_height,
    picture_type,
    read_public_picture,
    with_local_pictures,
    with_scheme,
)
from publisher.app.subscribers.actions import unsubscribe_somebody
from publisher.assembly import gate_run
from publisher.config import Publication
from publisher.database.metadata import metadata
from publisher.delivery.ledger.audience import Viewer
from publisher.errors import ForbiddenError, UsageError
from publisher.issues.digests import digest_of
from publisher.issues.model import Issue
from publisher.issues.planner import plan_issues
from publisher.issues.store import issue_by_name
from publisher.issues.tables import issue_table
from publisher.mail.signed_addresses import find_link
from publisher.rendering import Digest, Renderer
from publisher.testing import SECRET
from subscribers.preferences import Profile, TextLength
from tests.publisher.app.reading import DAY, Reading, titles
from tests.publisher.conftest import PublicationFolder, by_owner, editing_state
from tests.publisher.printing import pipeline_of

pytestmark = pytest.mark.usefixtures("issue_pages_only")
DAILY = {"name": "daily", "schedule": "0 8 * * *"}
NAME = "daily-en-2026-01-09"
TOKEN = re.compile(r"v2\.([\w-]+)\.([\w-]+)")
# What a message says of itself, and not of its recipient or content.
CHANGING = {"date", "message-id"}


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


def seen(
    reading: Reading, renderer: Renderer, what: Any, viewer: Viewer | str | None = None
) -> use_cases.MailPreview:
    state, actor = editing_state(reading.publication), terminal_actor()
    if isinstance(viewer, str):
        viewer = use_cases.find_viewer(state, actor, f"{viewer}@example.com")
    return use_cases.preview_mail(
        state, renderer, actor, what, viewer or use_cases.viewer_with_profile("en")
    )


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
        longer = len(_date(preview.message)) - len(_date(real))
        assert len(preview.message) == len(real) + longer
        assert preview.source.not_sent is None
        # Afterwards it is shown as it was sent, the date included.
        after = seen(reading, renderer, issues[name], name)
        assert parts(after.message) == parts(real)
        assert _date(after.message) == _date(real)
    assert [before[name].source.is_variant for name in issues] == [False, True, True]
    assert titles(before["arab"].message) != titles(before["most"].message)
    # Who has had a story is shown the rest.
    reading.publication.at(reading.publication.clock.now() + DAY)
    reading.write(3, "en")
    reading.write(1, "ar")
    pipeline_of(reading.publication, reading.transport).prepare()
    rest = seen(reading, renderer, "daily-ar-2026-01-10", "arab")
    reading.run()
    (real,) = (
        one.message.content
        for one in reading.transport.taken
        if one.recipient == "arab@example.com" and one.folder == rest.issue.folder
    )
    assert parts(rest.message) == parts(real)


def _date(content: bytes) -> str:
    return str(message_from_bytes(content)["Date"])


def test_what_is_frozen_is_shown_with_its_hash(reading: Reading, renderer: Renderer) -> None:
    pipeline_of(reading.publication).prepare()
    state = editing_state(reading.publication)
    with state.database.reading() as connection:
        issue = issue_by_name(connection, NAME)
        assert issue is not None
        digest = digest_of(connection, issue)
        viewer, now = use_cases.viewer_with_profile("en"), state.clock.now()
        found = use_cases.find_source(connection, state.settings, renderer, issue, viewer, now)
    assert (found.sha256, found.is_frozen) == (digest.sha256, True)
    assert (found.subject, found.html, found.text) == (digest.subject, digest.html, digest.text)
    assert found.page == digest.page


def test_no_link_of_a_preview_works(reading: Reading, renderer: Renderer) -> None:
    pipeline_of(reading.publication).prepare()
    found = tokens(seen(reading, renderer, NAME, "most").message)
    assert len(found) >= 2
    for token in found:
        for kind in ("unsubscribe", "preferences", "web"):
            assert find_link(SECRET, kind, token) is None
    assert use_cases.dead_link_secret(SECRET) != SECRET


def test_a_preview_writes_nothing(reading: Reading, renderer: Renderer) -> None:
    pipeline_of(reading.publication).prepare()
    publication = reading.publication
    before = {table.name: publication.rows(table) for table in metadata.sorted_tables}
    seen(reading, renderer, NAME, "brief")
    edition = find_edition(publication.settings, "daily", "ar")
    seen(reading, renderer, edition, "arab")
    assert {table.name: publication.rows(table) for table in metadata.sorted_tables} == before


def test_the_next_issue_is_shown_to_a_profile_of_nobody(
    reading: Reading, renderer: Renderer
) -> None:
    reading.publication.pick_up()
    edition = find_edition(reading.publication.settings, "daily", "zh-Hant")
    own = seen(reading, renderer, edition, use_cases.viewer_with_profile("zh-Hant"))
    both = Profile(more_languages=("en",))
    more = seen(reading, renderer, edition, use_cases.viewer_with_profile("zh-Hant", both))
    assert titles(own.message) == ["Story 1 in zh-Hant"]
    assert titles(more.message) == ["Story 1 in zh-Hant", "Story 2 in en"]
    assert (own.issue.id, own.source.is_frozen, more.source.is_variant) == (0, False, True)
    assert own.page.startswith("<!DOCTYPE html>")


def test_who_gets_nothing_is_told_why(reading: Reading, renderer: Renderer) -> None:
    reading.join("pausing", "en", paused_until=reading.publication.clock.now() + DAY)
    left = reading.join("left", "en")
    publication = reading.publication
    unsubscribe_somebody(*by_owner(publication), left, None)
    reading.join("picky", "en", topics=("none",))
    pipeline_of(reading.publication).prepare()
    found = {
        name: cause.key
        if (cause := seen(reading, renderer, NAME, name).source.not_sent)
        else None
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
        publication: Publication, issue: Issue, digest: Digest, title: str
    ) -> gate_run.GateRun:
        return whole(publication, issue, replace(digest, text="nothing of it"), title)

    monkeypatch.setattr(gate_run, "check_digest", without_text)
    assert len(pipeline_of(reading.publication).prepare().problems) == 3
    preview = seen(reading, renderer, NAME)
    assert (preview.issue.reason_key, preview.source.is_frozen) == ("gate", False)
    assert "story-text" in {one["code"] for one in preview.findings}
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


def test_an_issue_that_is_not_selected_yet_is_shown_as_it_would_be_made_now(
    reading: Reading, renderer: Renderer
) -> None:
    publication = reading.publication
    publication.pick_up()
    plan_issues(publication.settings, publication.database, publication.clock.now())
    (row, *_others) = publication.rows(issue_table)
    name = f"{row['newsletter']}-{row['language']}-{row['day']}"
    preview = seen(reading, renderer, name, use_cases.viewer_with_profile(row["language"]))
    assert (preview.issue.id, preview.issue.name) == (row["id"], name)
    assert not preview.source.is_frozen
    with pytest.raises(UsageError, match="no such issue"):
        seen(reading, renderer, "daily-en-1999-01-01")


def test_only_who_may_see_subscribers_sees_as_one(reading: Reading, renderer: Renderer) -> None:
    pipeline_of(reading.publication).prepare()
    state = editing_state(reading.publication)
    viewer = use_cases.find_viewer(state, terminal_actor(), "MOST@example.com")
    assert use_cases.find_viewer(state, terminal_actor(), viewer.subscriber_id or 0) == viewer
    editor = Actor(name="e@example.org", via="console", grants=(Grant(Role.EDITOR),))
    profile = use_cases.viewer_with_profile("en")
    assert (
        use_cases.preview_mail(state, renderer, editor, NAME, profile).source.not_sent is None
    )
    with pytest.raises(ForbiddenError):
        use_cases.preview_mail(state, renderer, editor, NAME, viewer)
    with pytest.raises(UsageError):
        use_cases.find_viewer(state, terminal_actor(), "no address")


def test_of_several_mails_one_that_can_t_be_made_says_why(
    reading: Reading, renderer: Renderer
) -> None:
    reading.publication.pick_up()
    viewer, settings = use_cases.viewer_with_profile("en"), reading.publication.settings
    shown = [
        use_cases.Shown(find_edition(settings, "daily", tag), viewer) for tag in ("en", "ar")
    ]
    reading.publication.reload(languages=("en", "fr"), newsletters=(DAILY,))
    french = find_edition(reading.publication.settings, "daily", "fr")
    found = use_cases.preview_mails(
        editing_state(reading.publication),
        renderer,
        terminal_actor(),
        [*shown, use_cases.Shown(french, viewer)],
    )
    assert [isinstance(one, use_cases.MailPreview) for one in found] == [True, True, False]
    assert "daily in fr has no new articles" in str(found[2])


def test_an_issue_is_named_by_its_edition_and_day(reading: Reading) -> None:
    edition = find_edition(reading.publication.settings, "daily", "en")
    assert use_cases.find_issue_name(edition, "2026-01-09") == NAME
    with pytest.raises(UsageError, match="'9 January' is no date"):
        use_cases.find_issue_name(edition, "9 January")


# --- a mail as a document for a frame


BASE = "https://news.example.org"
MAIL = (
    "<!DOCTYPE html><html><head><meta charset='utf-8'><style>"
    "@media (prefers-color-scheme:dark) { p { color:#fff } }"
    "@media screen and ( prefers-color-scheme : LIGHT ) { p { color:#000 } }"
    "</style></head><body><p>Write (prefers-color-scheme:dark) into a sheet.</p>"
    f'<img src="{BASE}/media/a%20b.png" alt=""><img src="https://elsewhere.example/x.png" alt="">'
    "</body></html>"
)


def framed(look: str) -> str:
    (chosen,) = [one for one in LOOKS if one == look]
    return frame_document(MAIL, chosen, BASE, lambda path: f"/-/pictures/{path}")


def test_a_frame_is_as_high_as_its_text_within_limits() -> None:
    short, long, longest = ("Words of a story.\n" * number for number in (1, 25, 2_000))
    heights = [frame_height(text, WIDTHS["phone"]) for text in ("", short, long, longest)]
    assert heights == sorted(heights)
    assert heights[0] == heights[1] < heights[2] < heights[3]
    wide = "潮水等待。" * 7 + "\n"
    assert frame_height(wide * 10, WIDTHS["phone"]) > frame_height(wide * 10, WIDTHS["window"])


def test_conditions_of_the_colour_scheme_are_resolved_in_sheets_and_attributes_only() -> None:
    light, dark = framed("light"), framed("dark")
    assert "@media (max-width:0px) { p { color:#fff } }" in light
    assert "@media screen and (min-width:0px) { p { color:#000 } }" in light
    assert "@media (min-width:0px) { p { color:#fff } }" in dark
    assert "@media screen and (max-width:0px) { p { color:#000 } }" in dark
    for document in (light, dark):
        assert "Write (prefers-color-scheme:dark) into a sheet." in document
    source = '<source media="(prefers-color-scheme: dark)" srcset="x">'
    assert with_scheme(source, "dark") == '<source media="(min-width:0px)" srcset="x">'
    assert with_scheme(source, "light") == '<source media="(max-width:0px)" srcset="x">'


def test_the_scheme_is_set_at_the_head_or_at_the_start_without_one() -> None:
    for look in ("light", "dark"):
        start = framed(look).partition("<meta charset")[0]
        assert start.endswith(f"<head><style>:root{{color-scheme:{look}!important}}</style>")
    found = frame_document("<p>Words", "light", BASE, lambda _path: None)
    assert found == "<style>:root{color-scheme:light!important}</style><p>Words"


def test_inverted_is_light_turned_round_and_pictures_come_from_the_console() -> None:
    inverted = framed("inverted")
    assert "color-scheme:light!important" in inverted
    assert "filter:invert(1)" in inverted
    assert "filter" not in framed("dark")
    assert 'src="/-/pictures/media/a%20b.png"' in inverted
    assert 'src="https://elsewhere.example/x.png"' in inverted


FOUND = {"media/1/a.png": "/-/p/a.png", "media/2/b.png?v=1&w=2": '/-/p/b".png'}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            '<img alt="A" src="https://n.example/s/media/1/a.png">',
            '<img alt="A" src="/-/p/a.png">',
        ),
        (
            '<td background="https://n.example/s/media/2/b.png?v=1&amp;w=2">',
            '<td background="/-/p/b&quot;.png">',
        ),
        *(
            (other, other)
            for other in (
                '<img src="https://n.example/s/media/3/lost.png">',
                '<img src="https://elsewhere.example/media/1/a.png">',
                '<img src="https://n.example/space/media/1/a.png">',
                '<a href="https://n.example/s/media/1/a.png">https://n.example/s/media/1/a.png</a>',
                '<img data-src="https://n.example/s/media/1/a.png">',
            )
        ),
    ],
)
def test_only_pictures_of_the_publication_get_other_addresses(before: str, after: str) -> None:
    assert with_local_pictures(before, "https://n.example/s", FOUND.get) == after


# --- pictures of the web root that the console shows


def test_a_picture_is_read_with_its_type(publication: PublicationFolder) -> None:
    folder = publication.settings.folders.public / "media"
    folder.mkdir(parents=True)
    (folder / "a b.PNG").write_bytes(b"png")
    found = read_public_picture(publication.settings, "media/a b.PNG")
    assert found == (b"png", "image/png")
    assert picture_type("media/a%20b.svg") == "image/svg+xml"


NOT_READ = (
    *("en/index.html", "media/none.png", "../publication.png", "media/../../secret.png"),
    *("/etc/x.png", "a\0.png", "media", "", "link.png"),
)


def test_nothing_else_is_read(publication: PublicationFolder) -> None:
    root = publication.settings.folders.root
    for name in ("public/en/index.html", "publication.png", "secret.png"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    (root / "public/link.png").symlink_to(root / "secret.png")
    assert [x for x in NOT_READ if read_public_picture(publication.settings, x)] == []
