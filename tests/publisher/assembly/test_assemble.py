"""Assembling: an issue is frozen with its mails, after the gate has checked them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from publisher.articles.model import Byline
from publisher.assembly import gate_run
from publisher.assembly.assemble import assemble_issues, digest_hash
from publisher.assembly.select import select_due
from publisher.errors import DeliveryError, RenderingError
from publisher.gate.findings import Severity, finding_data
from publisher.issues import digests, store
from publisher.issues.model import Issue, IssueReason, IssueState
from publisher.issues.planner import plan_issues
from publisher.issues.tables import digest_table
from publisher.mail_limits import MAX_HTML_BYTES
from publisher.rendering import Digest, IssueContent, Renderer
from publisher.rendering.model import DigestNote, PicturesShown, RelatedArticle, StoryText
from tests.publisher.conftest import NOW, Make, PublicationFolder
from tests.publisher.mail import samples
from tests.publisher.rendering import sample

LATER = NOW + timedelta(hours=3)


class Killed(BaseException):
    """Stands for a kill of the process."""


class Failing(Renderer):
    """Renders all but one language."""

    def __init__(self, language: str, error: BaseException) -> None:
        super().__init__()
        self._language = language
        self._error = error

    def digest(self, content: IssueContent) -> Digest:
        if content.publication.language == self._language:
            raise self._error
        return super().digest(content)


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer()


@pytest.fixture
def publication(new_publication: Make) -> PublicationFolder:
    """Return a publication with an English and an Arabic issue whose articles are selected."""
    publication = new_publication(languages=["en", "ar"])
    fill(publication)
    return publication


def fill(publication: PublicationFolder) -> None:
    publication.write("en/a.md", title="The ferry", date="2026-01-08", topics="[rivers]")
    publication.write("en/b.md", title="The map", date="2026-01-07", topics="[maps]")
    publication.write("en/old.md", title="The old boat", date="2025-06-01", topics="[rivers]")
    publication.pick_up_file("ar/a.md", title="العبّارة", date="2026-01-08")
    plan_issues(publication.settings, publication.database, NOW)
    select_due(publication.settings, publication.database, NOW)


def states(publication: PublicationFolder) -> dict[str, IssueState]:
    with publication.database.reading() as connection:
        return {one.language: one.state for one in store.latest_issues(connection, 9)}


def frozen(publication: PublicationFolder, language: str = "en") -> Any:
    with publication.database.reading() as connection:
        return digests.digest_of(connection, an_issue(publication, language))


def an_issue(publication: PublicationFolder, language: str) -> Issue:
    with publication.database.reading() as connection:
        return next(
            one for one in store.latest_issues(connection, 9) if one.language == language
        )


def test_an_assembled_issue_is_ready_with_its_digest_and_hash(
    publication: PublicationFolder, renderer: Renderer
) -> None:
    assert assemble_issues(publication.settings, publication.database, renderer) == (2, [])
    assert states(publication) == {"en": IssueState.READY, "ar": IssueState.READY}
    kept = frozen(publication)
    digest = Digest(
        subject=kept.subject, preheader=kept.preheader, html=kept.html, text=kept.text
    )
    assert digest_hash(digest, kept.page) == kept.sha256
    for body in (kept.html, kept.text, kept.page):
        assert "The ferry" in body
        assert "The map" in body
    assert 'dir="rtl"' in frozen(publication, "ar").html


def test_an_issue_links_to_the_same_issue_in_other_languages_that_have_it(
    new_publication: Make, renderer: Renderer
) -> None:
    publication = new_publication(languages=["en", "ar", "zh-Hans"])
    fill(publication)
    assemble_issues(publication.settings, publication.database, renderer)
    root = "https://news.example.org"
    for language, other in (("en", "ar"), ("ar", "en")):
        kept = frozen(publication, language)
        for body in (kept.html, kept.page):
            assert f'href="{root}/{other}/weekly/2026-01-09/"' in body
            assert "/zh-Hans/weekly/2026-01-09/" not in body


def test_an_issue_that_fails_to_render_holds_back_no_other_and_is_made_once_it_is_mended(
    publication: PublicationFolder, renderer: Renderer
) -> None:
    error = RenderingError("body.html: line 3: no such filter")
    made, problems = assemble_issues(
        publication.settings, publication.database, Failing("ar", error)
    )
    assert (made, problems) == (1, ["weekly-ar-2026-01-09: body.html: line 3: no such filter"])
    assert an_issue(publication, "ar").reason == "body.html: line 3: no such filter"
    assert an_issue(publication, "ar").reason_key == IssueReason.NOT_MADE
    assert states(publication) == {"en": IssueState.READY, "ar": IssueState.ASSEMBLING}
    before = frozen(publication)
    assert [row["subject"] for row in publication.rows(digest_table)] == [before.subject]
    assert assemble_issues(publication.settings, publication.database, renderer) == (1, [])
    assert states(publication) == {"en": IssueState.READY, "ar": IssueState.READY}
    mended = an_issue(publication, "ar")
    assert (mended.reason, mended.reason_key) == (None, None)
    assert frozen(publication) == before


def test_every_word_of_hostile_articles_arrives_in_both_parts(new_publication: Make) -> None:
    publication = new_publication(languages=["en", "ar"])
    publication.write(
        "en/a.md",
        "Write `@@UNSUBSCRIBE@@` or `{{ unsubscribe }}`, 1 < 2 & “three” – e\u0301t\u00e9.",
        title="'@@ADDRESS@@ \u202eevil\u202c'",
        date="2026-01-08",
    )
    publication.pick_up_file(
        "ar/a.md",
        "قال: \u200fالساعة 07:30\u200f تمامًا (GMT).",
        title="العبّارة",
        date="2026-01-08",
    )
    plan_issues(publication.settings, publication.database, NOW)
    select_due(publication.settings, publication.database, NOW)
    assert assemble_issues(publication.settings, publication.database, Renderer()) == (2, [])


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({"languages": ["en", "ar"], "newsletters": []}, set()),
        ({"languages": ["en"]}, {"en"}),
        ({"languages": ["en", "ar"], "newsletters": [{"languages": ["ar"]}]}, {"ar"}),
    ],
)
def test_an_issue_of_a_removed_edition_is_skipped_and_not_linked(
    publication: PublicationFolder, renderer: Renderer, changes: dict[str, Any], left: set[str]
) -> None:
    publication.reload(**changes)
    assert assemble_issues(publication.settings, publication.database, renderer) == (
        len(left),
        [],
    )
    for language in ("en", "ar"):
        one = an_issue(publication, language)
        if language in left:
            assert (one.state, one.reason) == (IssueState.READY, None)
            html = frozen(publication, language).html
            gone = {"en", "ar"} - {*changes["languages"]}
            assert [tag for tag in gone if f"/{tag}/weekly/" in html] == []
        else:
            assert (one.state, one.reason) == (
                IssueState.SKIPPED,
                "no longer in publication.toml",
            )


def test_assembling_after_a_kill_gives_the_same_bytes(
    new_publication: Make, renderer: Renderer
) -> None:
    calm, stormy = (new_publication(languages=["en", "ar"]) for _ in range(2))
    for publication in (calm, stormy):
        fill(publication)
    with pytest.raises(Killed):
        assemble_issues(stormy.settings, stormy.database, Failing("ar", Killed()))
    stormy.at(LATER)
    stormy.pick_up_file(
        "en/new.md", title="The newest ferry", date="2026-01-09", topics="[rivers]"
    )
    for publication, left in ((calm, 2), (stormy, 1)):
        assert assemble_issues(publication.settings, publication.database, renderer) == (
            left,
            [],
        )
    assert stormy.rows(digest_table) == calm.rows(digest_table)


def test_a_kill_between_freezing_and_moving_freezes_nothing(
    publication: PublicationFolder, renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(*_anything: object, **_more: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(store, "move_issue", kill)
        with pytest.raises(Killed):
            assemble_issues(publication.settings, publication.database, renderer)
    assert publication.rows(digest_table) == []
    assert assemble_issues(publication.settings, publication.database, renderer) == (2, [])


def test_an_issue_that_another_process_moved_is_not_frozen(
    publication: PublicationFolder,
) -> None:
    class Overtaken(Renderer):
        def digest(self, content: IssueContent) -> Digest:
            with publication.database.writing() as connection:
                one = store.issue_by_name(
                    connection, f"weekly-{content.publication.language}-{content.day}"
                )
                assert one is not None
                store.move_issue(connection, one, IssueState.CANCELLED)
            return super().digest(content)

    made, problems = assemble_issues(publication.settings, publication.database, Overtaken())
    assert (made, problems) == (0, [])
    assert set(states(publication).values()) == {IssueState.CANCELLED}
    assert publication.rows(digest_table) == []


def test_a_frozen_digest_stays_when_articles_change(
    publication: PublicationFolder, renderer: Renderer
) -> None:
    assemble_issues(publication.settings, publication.database, renderer)
    before = frozen(publication)
    publication.write("en/a.md", title="The ferry, corrected", date="2026-01-08")
    publication.at(LATER).pick_up()
    assert assemble_issues(publication.settings, publication.database, renderer) == (0, [])
    assert frozen(publication) == before


def test_articles_withdrawn_after_selection_are_not_sent(
    publication: PublicationFolder, renderer: Renderer
) -> None:
    (publication.articles / "en/b.md").unlink()
    publication.pick_up()
    assert assemble_issues(publication.settings, publication.database, renderer) == (2, [])
    kept = frozen(publication)
    assert "The map" not in kept.html + kept.text + kept.page
    assert "The ferry" in kept.text


def test_an_issue_whose_articles_are_all_withdrawn_is_skipped(
    publication: PublicationFolder, renderer: Renderer
) -> None:
    (publication.articles / "ar/a.md").unlink()
    publication.pick_up()
    assert assemble_issues(publication.settings, publication.database, renderer) == (1, [])
    skipped = an_issue(publication, "ar")
    assert skipped.state == IssueState.SKIPPED
    assert skipped.reason == "all its articles were withdrawn before it was made"
    assert skipped.reason_key == IssueReason.ALL_WITHDRAWN


def test_a_fault_of_the_program_in_one_issue_holds_back_no_other(
    publication: PublicationFolder, renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fault is simulated."""
    whole = gate_run.check_digest

    def broken(publication: Any, issue: Issue, digest: Digest, title: str) -> Any:
        if issue.language == "ar":
            raise IndexError("list index out of range")
        return whole(publication, issue, digest, title)

    monkeypatch.setattr(gate_run, "check_digest", broken)
    made, (problem,) = assemble_issues(publication.settings, publication.database, renderer)
    assert made == 1
    assert "a fault of the program: IndexError('list index out of range')" in problem
    assert states(publication) == {"en": IssueState.READY, "ar": IssueState.ASSEMBLING}


EIGHT = datetime(2026, 1, 9, 8, tzinfo=UTC)
STORY = StoryText(
    language="en", url="https://news.example.org/a/", passages=("The ferry", "It waits.")
)
DIGEST = Digest(
    subject="The week: The ferry",
    preheader="The map of the harbour",
    html="<!DOCTYPE html><html><body><p>The map</p><a href='@@UNSUBSCRIBE@@'>x</a></body></html>",
    text="The ferry\n\nIt waits.\n@@UNSUBSCRIBE@@\n@@ADDRESS@@\n",
    stories=(STORY,),
)


def test_the_gate_gets_a_complete_message_to_an_example_address_and_what_it_must_contain() -> (
    None
):
    publication = samples.a_publication(address="1 Example Street\nExample City")
    mail = gate_run.sample_mail(publication, samples.an_issue(assembled_at=EIGHT), DIGEST)
    assert mail.message["To"] == "Sample Subscriber <subscriber@example.com>"
    assert mail.message["Subject"] == DIGEST.subject
    assert mail.message["Date"] == "Fri, 09 Jan 2026 08:00:00 +0000"
    assert "@@" not in mail.text + mail.html
    assert "subscriber@example.com" in mail.text
    assert (mail.language, [*mail.hosts]) == ("en", ["news.example.org"])
    assert (mail.preheader, mail.address) == (DIGEST.preheader, publication.address("en"))
    assert mail.stories == (STORY,)


def test_missing_words_template_code_and_what_no_message_can_hold_are_errors() -> None:
    report = gate_run.check_digest(samples.a_publication(), samples.an_issue(), DIGEST).report
    lost = [finding for finding in report.errors if finding.code == "story-html"]
    assert [finding.where for finding in lost] == ["“The ferry” (en)"]
    with pytest.raises(DeliveryError, match=r"no message can be written: .*surrogate"):
        gate_run.check_digest(
            samples.a_publication(), samples.an_issue(), replace(DIGEST, text="\ud800")
        )
    item = sample.item("en", 1)
    article = replace(item.article, summary="Of {{ tide }}.")
    digest = Renderer().digest(sample.issue("en", items=(replace(item, article=article),)))
    report = gate_run.check_digest(
        samples.a_publication(), samples.an_issue("en"), digest
    ).report
    assert [finding.code for finding in report.errors] == ["story-template"]


def test_notes_of_the_rendering_are_warnings_and_come_last() -> None:
    notes = (DigestNote(code="stories-left-out", text="left to the web: “A”"),)
    report = gate_run.check_digest(
        samples.a_publication(), samples.an_issue(), replace(DIGEST, notes=notes)
    ).report
    last = report.findings[-1]
    assert (last.code, last.severity, last.problem) == (
        "stories-left-out",
        Severity.WARNING,
        "left to the web: “A”",
    )
    assert last in report.warnings
    assert last not in report.errors


def test_a_finding_as_one_line_and_as_json() -> None:
    report = gate_run.check_digest(samples.a_publication(), samples.an_issue(), DIGEST).report
    finding = next(f for f in report.findings if f.code == "preheader-missing")
    assert gate_run.finding_text(finding) == (
        "preheader-missing in html line 1, p: the first text is “The map”,"
        " not “The map of the harbour”"
    )
    data = finding_data(finding)
    assert (data["code"], data["severity"], data["part"]) == (finding.code, "error", "html")
    assert data["fix"] == finding.rule.fix
    assert data["places"] == 1


@pytest.mark.parametrize("words", ["{{ tide }}", "None", "{% raw %}", "*|FNAME|*"])
def test_template_syntax_in_an_article_that_shows_it_as_code_is_not_an_error(
    words: str,
) -> None:
    item = sample.item("en", 1)
    like = RelatedArticle(title=f"On {words}", url=item.url, language="en")
    bylines = (Byline(name=words, affiliation=words),)
    article = replace(item.article, section=words, bylines=bylines, summary=f"Of {words}.")
    article = replace(article, html=f"<p>Of <code>{words}</code>.</p>")
    told = replace(item, article=article, related=(like,))
    content = sample.issue("en", items=(told, sample.item("en", 2)))
    digest = Renderer().digest(content)
    report = gate_run.check_digest(
        samples.a_publication(), samples.an_issue("en"), digest
    ).report
    assert [finding.problem for finding in report.errors] == []


@pytest.mark.parametrize("pictures", ["lead", "all", "none"])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_digest_of_many_pictures_passes_the_gate(
    pictures: PicturesShown, language: str
) -> None:
    content = sample.issue(language)
    items = tuple(
        replace(
            content.items[number % len(content.items)],
            article=replace(
                content.items[number % len(content.items)].article,
                story_id=number,
                picture=replace(
                    sample.PICTURE,
                    src=f"/media/{number}/a.png",
                    alt="" if number % 2 else sample.PICTURE.alt,
                ),
            ),
        )
        for number in range(12)
    )
    digest = Renderer().digest(replace(content, items=items, pictures=pictures))
    report = gate_run.check_digest(
        samples.a_publication(), samples.an_issue(language), digest
    ).report
    assert [finding.problem for finding in report.errors] == []
    assert len(digest.html.encode()) <= MAX_HTML_BYTES
    assert digest.html.count("<img") == {"lead": 1, "all": 4, "none": 0}[pictures]
