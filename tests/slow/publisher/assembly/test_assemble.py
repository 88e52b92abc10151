"""Custom templates whose mails fail the gate: an issue waits, or drops the failing article."""

from contextlib import closing

from publisher.assembly.assemble import assemble_issues
from publisher.issues import digests
from publisher.issues.model import IssueState
from publisher.issues.tables import digest_table
from publisher.rendering import Renderer
from tests.publisher.assembly.test_assemble import an_issue, frozen, states
from tests.publisher.assembly.test_assemble import publication as publication  # noqa: PLC0414  # a fixture
from tests.publisher.assembly.test_assemble import renderer as renderer  # noqa: PLC0414  # a fixture
from tests.publisher.conftest import PublicationFolder
from tests.publisher.printing import override

LOSING_WORDS = (
    "{{ unsubscribe }}\n{% for shown in digest.stories %}{{ shown.title|upper }}\n{% endfor %}"
)


def test_a_mail_that_fails_the_gate_holds_its_issue_with_the_reason(
    publication: PublicationFolder,
) -> None:
    override(publication, "email/digest/body.txt", LOSING_WORDS)
    renderer = Renderer(publication.settings.folders.templates)
    made, problems = assemble_issues(publication.settings, publication.database, renderer)
    assert made == 0
    assert states(publication) == {"en": IssueState.ASSEMBLING, "ar": IssueState.ASSEMBLING}
    assert publication.rows(digest_table) == []
    reason = an_issue(publication, "en").reason
    assert reason is not None
    assert problems[0] == f"weekly-en-2026-01-09: {reason}"
    assert reason.startswith(
        "its mail has 4 errors, the first: story-text in text, “The ferry” (en): "
    )
    assert reason.endswith("; `publisher check` shows them all")


def test_warnings_of_the_gate_are_stored_with_the_digest(
    publication: PublicationFolder,
) -> None:
    override(publication, "email/digest/subject.txt", "Re: the week")
    renderer = Renderer(publication.settings.folders.templates)
    assert assemble_issues(publication.settings, publication.database, renderer) == (2, [])
    kept = {finding["code"]: finding for finding in frozen(publication).findings}
    assert kept["subject-reply"]["severity"] == "warning"
    assert kept["subject-reply"]["problem"] == "it begins with 'Re:'"
    with publication.database.reading() as connection:
        one = an_issue(publication, "en")
        counted = digests.subjects_and_warnings(connection, [one.id])
    assert counted[one.id][1] == len(frozen(publication).findings)


FAILING_WITH_BOTH = """{% extends "shipped/email/digest/body.html" %}
{% block footer %}{{ super() }}
{% for shown in digest.stories if shown.title in ["The map", "Both"] %}<form></form>{% endfor %}
{% endblock %}
"""


def test_an_article_that_fails_the_gate_is_left_out_with_a_warning(
    publication: PublicationFolder,
) -> None:
    override(publication, "email/digest/body.html", FAILING_WITH_BOTH)
    with closing(Renderer(publication.settings.folders.templates)) as renderer:
        assert assemble_issues(publication.settings, publication.database, renderer) == (2, [])
    kept = frozen(publication)
    assert "The map" not in kept.text
    assert "The ferry" in kept.text
    assert "The map" in kept.page
    (left,) = (found for found in kept.findings if found["code"] == "article-left-out")
    assert left["problem"].startswith("“The map”, https://news.example.org/en/stories/")
    assert "form" in left["problem"]


def test_a_template_that_fails_with_every_article_holds_the_issue(
    publication: PublicationFolder,
) -> None:
    override(
        publication,
        "email/digest/body.html",
        FAILING_WITH_BOTH.replace('"Both"', '"The ferry"'),
    )
    with closing(Renderer(publication.settings.folders.templates)) as renderer:
        made, problems = assemble_issues(publication.settings, publication.database, renderer)
    assert made == 1
    (problem,) = problems
    assert "form" in problem
    assert states(publication)["en"] == IssueState.ASSEMBLING
