from tests.publisher.app.operation.test_cycle import tides
from tests.publisher.conftest import PublicationFolder
from tests.publisher.printing import override, pipeline_of


def test_a_broken_mail_template_stops_neither_pages_nor_feeds(
    publication: PublicationFolder,
) -> None:
    broken = override(publication, "email/digest/body.txt", "{{ nothing.at.all }}")
    report = pipeline_of(tides(publication)).run()
    assert {problem.partition(":")[0] for problem in report.problems} == {
        "weekly-en-2026-01-09",
        "weekly-ar-2026-01-09",
    }
    assert (report.written.articles, report.feeds) == (2, 5)
    # What cannot be assembled is not counted as made.
    assert (report.issues, report.sent.messages) == (0, 0)
    broken.unlink()
    again = pipeline_of(publication).run()
    assert (again.problems, again.issues, again.sent.messages) == ([], 2, 2)


def test_a_broken_page_template_stops_neither_pages_nor_feeds_nor_mail(
    publication: PublicationFolder,
) -> None:
    override(publication, "web/article.html", "{{ nothing.at.all }}")
    report = pipeline_of(tides(publication)).run()
    (problem,) = report.problems
    assert problem.startswith("templates/web/article.html, line 1: ")
    assert (report.written.articles, report.feeds, report.sent.messages) == (2, 7, 2)
