from __future__ import annotations

import pytest

from publisher.ingest.parsers.jekyll import strip_liquid
from tests.cpu_time import at_most
from tests.publisher.ingest.helpers import read_text

HEAD = "---\ntitle: T\nlayout: post\n---\n"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a {% assign x = 1 %}b", "a b"),
        ("a.  {% include x.md v=2 %}\nb", "a.\nb"),
        ("a {{ page.title }} b", "a  b"),
        ("{% assign u = 'https://example.org/' %}[x]({{u}}1)", "[x](https://example.org/1)"),
        ("a{% comment %}\n`{{ b }}`\n{% endcomment %}c", "ac"),
        ("a{%- raw -%}{{ b }}{% c %}{%- endraw -%}d", "a{{ b }}{% c %}d"),
        ("{% comment %} never closed", " never closed"),
        ("{% if x %}a{% endif %}", "a"),
        ("{% highlight py %}\nx = {{1}}\n{% endhighlight %}", "\n~~~~py\nx = {{1}}\n~~~~\n"),
        ("{% highlight %}x{% endhighlight %}", "\n~~~~\nx\n~~~~\n"),
        ("`{{ a }}` {{ b }}", "`{{ a }}`"),
        ("``a ` {{ b }}`` {{ c }}d", "``a ` {{ b }}`` d"),
        ("` {{ a }}\n\n`", "`\n\n`"),
        ("```\n{{ a }}\n``\n~~~\n```\n{{ b }}c", "```\n{{ a }}\n``\n~~~\n```\nc"),
        ("~~~~ x\n{{ a }}\n~~~\n~~~~~\n{% b %}", "~~~~ x\n{{ a }}\n~~~\n~~~~~\n"),
        ("- ```\n  {{ a }}\n  ```\n  {{ b }}", "- ```\n  {{ a }}\n  ```\n"),
        ("```\n{{ a }} never closed", "```\n{{ a }} never closed"),
        ("{% %}a", "a"),
        ("{{ never closed", "{{ never closed"),
        ("**<!--anchor-->Bold:** x", "**Bold:** x"),
        ("**<!--anchor-->****Bold** x", "**Bold** x"),
        ("*<!--anchor-->**Slanted：* x", "*Slanted：* x"),
        ("a <!-- b\nc --> d", "a  d"),
        ("`<!-- b -->`", "`<!-- b -->`"),
        ("## H\n{:#id .class}\ntext", "## H\n\ntext"),
    ],
)
def test_liquid_is_removed_and_code_stays(source: str, expected: str) -> None:
    assert strip_liquid(source) == expected


@pytest.mark.parametrize(
    "source",
    ["{{" * 200_000, "{%" * 200_000, "`" * 300_000, "` `` " * 60_000, "<!--" * 100_000],
)
def test_malicious_sources_take_linear_time(source: str) -> None:
    with at_most(5):
        strip_liquid(source)


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
    assert read_text("a.md", HEAD + source).html == html


def test_a_footnote_after_brackets_is_no_label() -> None:
    assert read_text("a.md", HEAD + "[a][^1]\n\n[^1]: N").text == "[a][1]\n\nN"


def test_missing_pictures_of_a_jekyll_site_become_their_alternative_text() -> None:
    assert read_text("a.md", HEAD + "![Alt](/img/x.png)").text == "Alt"
