from __future__ import annotations

import pytest

from publisher.articles.words import html_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one\n two</p><p>three</p>", "one two\n\nthree"),
        ("<p>a <b> b</b>c<br>d <br/> e</p>", "a bc\nd\ne"),
        ("<h2>H</h2>loose<ul><li>x</li><li><p>y</p></li></ul>", "H\n\nloose\n\nx\n\ny"),
        ("<pre>  a\n    b\n</pre>", "  a\n    b"),
        ("<pre>a<br>b</pre>", "a\nb"),
        ("<p><ruby>關<rp>(</rp><rt>guān</rt><rp>)</rp></ruby>係</p>", "關係"),
        ("<p>中文\n继续，\n再来</p>", "中文继续，再来"),
        ("<p>한국\n어</p>", "한국 어"),
        ("<p>a &lt;b&gt; &amp; c\u00a0d</p>", "a <b> & c\u00a0d"),
        ("<p>x<img src='a' alt='A'></p>", "x"),
        ("", ""),
        ("<p> </p><hr>", ""),
    ],
)
def test_words_by_blocks(html: str, text: str) -> None:
    assert html_text(html) == text


def test_cells_are_apart_by_tabs_and_rows_by_lines() -> None:
    table = (
        "<p>before</p><table><caption>C</caption><thead><tr><th>A</th><th>B</th></tr></thead>"
        "<tbody><tr><td><p>1</p><p>2</p></td><td>3</td></tr></tbody></table>after"
    )

    assert html_text(table) == "before\n\nC\n\nA\tB\n1 2\t3\n\nafter"
