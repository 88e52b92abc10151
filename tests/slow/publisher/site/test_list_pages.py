from collections.abc import Callable

from tests.publisher.conftest import House
from tests.publisher.printing import (
    override,
    pipeline_of,
)
from tests.publisher.site.test_list_pages import NEWSLETTERS, text_of, write


def test_an_issue_whose_page_can_t_be_rendered_is_not_listed(
    make_house: Callable[..., House],
) -> None:
    house = make_house(newsletters=NEWSLETTERS, languages=["en", "ar"])
    write(house, "one", 8)
    broken = override(house, "web/issue.html", "{{ nothing.at.all }}")
    report = pipeline_of(house).run()
    assert len(report.problems) == 1
    assert "/daily/2026-01-09/" not in text_of(house, "en")
    assert "/daily/2026-01-09/" not in text_of(house, "en/daily")
    broken.unlink()
    assert pipeline_of(house).run().problems == []
    assert "/daily/2026-01-09/" in text_of(house, "en")
