"""The gate checks a digest as a complete sample message."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from publisher.articles.model import Byline
from publisher.assembly import gate_run
from publisher.errors import DeliveryError
from publisher.gate.findings import Severity, finding_data
from publisher.mail_limits import MAX_HTML_BYTES
from publisher.rendering import Digest, DigestNote, RelatedArticle, Renderer, StoryText
from publisher.rendering.model import PicturesShown
from tests.publisher.mail.samples import a_publication, an_issue
from tests.publisher.rendering import sample

NOW = datetime(2026, 1, 9, 8, tzinfo=UTC)
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


def test_the_sample_is_a_complete_message_to_an_example_address() -> None:
    mail = gate_run.sample_mail(a_publication(), an_issue(assembled_at=NOW), DIGEST)
    assert mail.message["To"] == "Sample Subscriber <subscriber@example.com>"
    assert mail.message["Subject"] == DIGEST.subject
    assert mail.message["Date"] == "Fri, 09 Jan 2026 08:00:00 +0000"
    assert "@@" not in mail.text + mail.html
    assert "subscriber@example.com" in mail.text


def test_the_gate_gets_what_the_mail_must_contain() -> None:
    publication = a_publication(address="1 Example Street\nExample City")
    mail = gate_run.sample_mail(publication, an_issue("ar"), DIGEST)
    assert mail.language == "ar"
    assert mail.hosts == {"news.example.org"}
    assert mail.preheader == DIGEST.preheader
    assert mail.address == "1 Example Street\nExample City"
    (story,) = mail.stories
    assert (story.language, story.url, story.passages) == (
        STORY.language,
        STORY.url,
        STORY.passages,
    )


def test_words_missing_from_a_part_are_an_error() -> None:
    report = gate_run.check_digest(a_publication(), an_issue(), DIGEST).report
    lost = [finding for finding in report.errors if finding.code == "story-html"]
    assert [finding.where for finding in lost] == ["“The ferry” (en)"]


def test_notes_of_the_rendering_are_warnings_and_come_last() -> None:
    notes = (DigestNote(code="stories-left-out", text="left to the web: “A”"),)
    report = gate_run.check_digest(
        a_publication(), an_issue(), replace(DIGEST, notes=notes)
    ).report
    last = report.findings[-1]
    assert (last.code, last.severity, last.problem) == (
        "stories-left-out",
        Severity.WARNING,
        "left to the web: “A”",
    )
    assert last in report.warnings
    assert last not in report.errors


def test_a_digest_that_no_message_can_hold_is_an_error() -> None:
    with pytest.raises(DeliveryError, match=r"no message can be written: .*surrogate"):
        gate_run.check_digest(a_publication(), an_issue(), replace(DIGEST, text="\ud800"))


def test_a_finding_as_one_line_and_as_json() -> None:
    report = gate_run.check_digest(a_publication(), an_issue(), DIGEST).report
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
    report = gate_run.check_digest(a_publication(), an_issue("en"), digest).report
    assert [finding.problem for finding in report.errors] == []


def test_template_code_that_an_article_shows_as_words_is_an_error() -> None:
    item = sample.item("en", 1)
    article = replace(item.article, summary="Of {{ tide }}.")
    digest = Renderer().digest(sample.issue("en", items=(replace(item, article=article),)))
    report = gate_run.check_digest(a_publication(), an_issue("en"), digest).report
    assert [finding.code for finding in report.errors] == ["story-template"]


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
    report = gate_run.check_digest(a_publication(), an_issue(language), digest).report
    assert [finding.problem for finding in report.errors] == []
    assert len(digest.html.encode()) <= MAX_HTML_BYTES
    assert digest.html.count("<img") == {"lead": 1, "all": 12, "none": 0}[pictures]
