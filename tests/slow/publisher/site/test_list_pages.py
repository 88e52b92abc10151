from collections.abc import Callable

from tests.publisher.conftest import PublicationFolder
from tests.publisher.printing import override, pipeline_of
from tests.publisher.site.test_writer import NEWSLETTERS, text_of, write


def test_an_issue_whose_page_can_t_be_made_by_an_own_template_has_a_built_in_one(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    publication = new_publication(newsletters=NEWSLETTERS, languages=["en", "ar"])
    write(publication, "one", 8)
    override(publication, "web/issue.html", "{{ nothing.at.all }}")
    report = pipeline_of(publication).run()
    assert len(report.problems) == 1
    assert "/daily/2026-01-09/" in text_of(publication, "en")
    assert "one" in text_of(publication, "en/daily/2026-01-09")
