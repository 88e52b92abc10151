from tests.publisher.conftest import House
from tests.publisher.printing import override, pipeline_of
from tests.publisher.test_cycle import tides


def test_a_broken_mail_template_stops_neither_pages_nor_feeds(house: House) -> None:
    broken = override(house, "email/digest/body.txt", "{{ nothing.at.all }}")
    report = pipeline_of(tides(house)).run()
    assert {problem.partition(":")[0] for problem in report.problems} == {
        "weekly-en-2026-01-09",
        "weekly-ar-2026-01-09",
    }
    assert (report.written.articles, report.feeds, report.sent.messages) == (2, 5, 0)
    broken.unlink()
    again = pipeline_of(house).run()
    assert (again.problems, again.sent.messages) == ([], 2)


def test_a_broken_page_template_stops_neither_feeds_nor_mail(house: House) -> None:
    override(house, "web/article.html", "{{ nothing.at.all }}")
    report = pipeline_of(tides(house)).run()
    assert {problem.partition(":")[0] for problem in report.problems} == {
        "en/tides",
        "ar/tides",
    }
    assert (report.feeds, report.sent.messages) == (5, 2)


def test_issues_that_cannot_be_assembled_are_not_counted_as_made(house: House) -> None:
    override(house, "email/digest/body.txt", "{{ nothing.at.all }}")
    report = pipeline_of(tides(house)).run()
    assert (report.issues, len(report.problems)) == (0, 2)
    override(house, "email/digest/body.txt", "words").unlink()
    assert pipeline_of(house).run().issues == 2
