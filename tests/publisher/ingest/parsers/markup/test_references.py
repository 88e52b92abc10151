from __future__ import annotations

import pytest

from tests.publisher.ingest.helpers import read_text
from tests.publisher.ingest.parsers.markup.helpers import problems_of, read_as


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("see [the *text*][topic a]", "<p>see the <em>text</em></p>"),
        ("see [text][topic\n  a] and [b][].", "<p>see text and b.</p>"),
        (
            "[text][A  b]\n\n[a b]: https://example.org/",
            '<p><a href="https://example.org/">text</a></p>',
        ),
        ("**[bold][x]:** y", "<p><strong>bold:</strong> y</p>"),
        ("`[a][b]` ![alt][c] [d]", "<p><code>[a][b]</code> alt [d]</p>"),
        ("[`code`][x]", "<p><code>code</code></p>"),
        ("BIP[text here][topic x]", "<p>BIPtext here</p>"),
        ("array[0][1]", "<p>array[0][1]</p>"),
        ("[a [b][c] d][e]", "<p>a b d</p>"),
        ("[a][b", "<p>[a][b</p>"),
        ("[a][b[c]", "<p>[a][b[c]</p>"),
        ("[a] [b]", "<p>[a] [b]</p>"),
        ("a! [b", "<p>a! [b</p>"),
        (
            "[a [b](https://example.org/) c][x]\n\n[x]: https://example.org/x",
            '<p>[a <a href="https://example.org/">b</a> c]<a href="https://example.org/x">x</a></p>',
        ),
        ("~~[a][b]~~ *x [c][d]*", "<p><s>a</s> <em>x c</em></p>"),
    ],
)
def test_references_without_a_definition_become_their_text(source: str, html: str) -> None:
    assert read_as("kramdown", source).html == html


def test_a_footnote_after_brackets_is_no_label() -> None:
    assert read_as("kramdown", "[a][^1]\n\n[^1]: N").text == "[a][1]\n\nN"


def test_each_missing_definition_is_one_problem() -> None:
    article = read_as("goldmark", "See\n[a][x], [b][x] and\n[c][].")

    assert problems_of(article) == [
        ("undefined-reference", 5, "[a][x]"),
        ("undefined-reference", 6, "[c][]"),
    ]


def test_brackets_of_a_document_without_a_site_stay() -> None:
    assert read_text("a.md", "# T\n\n[x][y]").html == "<p>[x][y]</p>"


def test_missing_pictures_of_a_jekyll_site_become_their_alternative_text() -> None:
    assert (
        read_text("a.md", "---\ntitle: T\nlayout: post\n---\n![Alt](/img/x.png)").text == "Alt"
    )


def test_a_footnote_of_kramdown_ends_at_the_definition_of_a_link() -> None:
    body = "Low.[^1] [Tide]\n\n[^1]: A note\n[tide]: https://example.org/tide\n[^2]: x"
    article = read_as("kramdown", body)

    assert '<a href="https://example.org/tide">Tide</a>' in article.html
    assert "A note <a" in article.html
    assert article.problems == ()
