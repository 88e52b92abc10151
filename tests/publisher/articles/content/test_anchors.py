from __future__ import annotations

from publisher.articles.content.anchors import is_back_arrow, link_anchors
from publisher.articles.content.parser import parse_content

PAGE = "https://example.org/en/stories/pier/"


def test_links_inside_an_article_lead_to_its_page_where_it_is_not_alone() -> None:
    html = '<h2 id="tide" lang="en">The tide</h2><p><a href="#tide">see</a> <a href="https://x.example/#tide">that</a></p>'

    assert link_anchors(html, PAGE) == (
        f'<h2 lang="en">The tide</h2><p><a href="{PAGE}#tide">see</a>'
        ' <a href="https://x.example/#tide">that</a></p>'
    )


def test_code_that_shows_an_id_is_no_id() -> None:
    html = '<pre><code>&lt;a id="x" href="#y"&gt;</code></pre><p id="z" title="a > b">t</p>'

    assert link_anchors(html, PAGE) == html.replace(' id="z"', "")


def test_links_back_from_footnotes_are_on_the_own_page_only() -> None:
    html = '<ol><li id="fn1"><p>A note. <a href="#fnref1">↩︎</a></p></li></ol>'

    assert link_anchors(html, PAGE) == "<ol><li><p>A note.</p></li></ol>"
    assert parse_content(html).text == "A note."


def test_only_arrows_lead_back() -> None:
    assert is_back_arrow(" ↩︎ ")
    assert not is_back_arrow("↩ back")
