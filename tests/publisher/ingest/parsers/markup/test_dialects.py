"""Markdown as each site generator understands it: notes, footnotes, ids and references."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from publisher.errors import ArticleError
from publisher.ingest.parsers.markup import dialects
from tests.cpu_time import at_most
from tests.publisher.ingest.helpers import read_text
from tests.publisher.ingest.parsers.markup.helpers import HEAD, problems_of, read_as


@pytest.mark.parametrize(
    ("typographer", "html"),
    [
        *((None, "<p>“Low” – tide</p>"), (True, "<p>“Low” – tide</p>")),
        ({"leftdoublequote": "&ldquo;"}, "<p>“Low” – tide</p>"),
        *((False, '<p>"Low" -- tide</p>'), ({"disable": True}, '<p>"Low" -- tide</p>')),
    ],
)
def test_hugo_can_turn_typography_off(typographer: object, html: str) -> None:
    extensions = {} if typographer is None else {"typographer": typographer}
    site = {"markup": {"goldmark": {"extensions": extensions}}}
    assert read_as("goldmark", '"Low" -- tide', site=site).html == html


@pytest.mark.parametrize(
    ("body", "html"),
    [
        ("- [ ] a\n- [x] b", "<ul>\n<li>☐ a</li>\n<li>☑ b</li>\n</ul>"),
        (
            "> [!NOTE]\n> Low *tide*.",
            "<blockquote>\n<p><strong>Note</strong></p>\n<p>Low <em>tide</em>.</p>\n</blockquote>",
        ),
        (
            "> [!warning]- Mind the *gap*\n>\n> - a",
            "<blockquote>\n<p><strong>Mind the <em>gap</em></strong></p>\n\n<ul>\n<li>a</li>\n</ul>\n</blockquote>",
        ),
        ("> [link] text", "<blockquote>\n<p>[link] text</p>\n</blockquote>"),
        ("## Low tide", '<h2 id="low-tide">Low tide</h2>'),
        ("## A\n\n## A\n\n## 潮", '<h2 id="a">A</h2>\n<h2 id="a-1">A</h2>\n<h2 id="潮">潮</h2>'),
        ("## A `b` {#c .d}", '<h2 id="c">A <code>b</code></h2>'),
        ("## A {b}", '<h2 id="a-b">A {b}</h2>'),
        ("|||\n|-|-|\n|a|b|", "<table>\n<tbody>\n<tr>\n<td>a</td>\n<td>b</td>\n</tr>\n</tbody>\n</table>"),
        ('"a" -- :tada: {:.x}', '<p>"a" -- :tada: {:.x}</p>'),
    ],
)  # fmt: skip
def test_markdown_without_a_site(body: str, html: str) -> None:
    assert read_text("a.md", HEAD + body).html == html


@pytest.mark.parametrize(
    ("body", "html"),
    [
        ("## A {#b}\n{: lang='fr'}", '<h2 lang="fr" id="b">A</h2>'),
        ('Text.\n{: #lead .big lang="fr"}', '<p id="lead" lang="fr">Text.</p>'),
        ("{:#next}\nText.", '<p id="next">Text.</p>'),
        ("- a\n- b\n{:.wide}\n\nc", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n<p>c</p>"),
        ('An *old*{: lang="la"} `x`{:.y} [z](https://l.example/){:target="_blank"}.', '<p>An <em lang="la">old</em> <code>x</code> <a href="https://l.example/">z</a>.</p>'),
        ("* TOC\n{:toc}\n\n## A\n{:.no_toc}", '<h2 id="a">A</h2>'),
        ('{::comment}\ngone\n{:/comment}\n\n{::options toc_levels="1" /}a', "<p>a</p>"),
        ("| a | b |\n|---+---|\n| c |", "<table>\n<thead>\n<tr>\n<th>a</th>\n<th>b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>c</td>\n<td></td>\n</tr>\n</tbody>\n</table>"),
        ("| a |\n| b |", "<table>\n<tbody>\n<tr>\n<td>a</td>\n</tr>\n<tr>\n<td>b</td>\n</tr>\n</tbody>\n</table>"),
        ("a\n| b | c |\n| d |\n{: lang='la'}\n\n- e\n\n  | f |\n  g", '<p>a</p>\n<table lang="la">\n<tbody>\n<tr>\n<td>b</td>\n<td>c</td>\n</tr>\n<tr>\n<td>d</td>\n<td></td>\n</tr>\n</tbody>\n</table>\n<ul>\n<li>\n<p>e</p>\n<table>\n<tbody>\n<tr>\n<td>f</td>\n</tr>\n</tbody>\n</table>\n<p>g</p>\n</li>\n</ul>'),
        ("Tide\n: Water\n: Time", "<dl>\n<dt>Tide</dt>\n<dd>Water</dd>\n<dd>Time</dd>\n</dl>"),
        ('The HTML of HTMLs.\n\n*[HTML]: Hyper "Text"', '<p>The <abbr title="Hyper &quot;Text&quot;">HTML</abbr> of HTMLs.</p>'),
        ("It's \"so\" -- a --- b... `--`", "<p>It’s “so” – a — b… <code>--</code></p>"),
        ("https://l.example/", "<p>https://l.example/</p>"),
        ('<div markdown="1">\n*a*\n<span>b</span>\n</div>', "<div>\n<p><em>a</em>\n<span>b</span></p>\n</div>"),
        ('<aside markdown="1">\n\t<img src="https://l.example/a.png" alt="A">\n\tLow \\[tide\\] is *soon*.\n  <p markdown="1">\n-- *Ada*\n  </p>\n</aside>', '<p><img src="https://l.example/a.png" alt="A">\nLow [tide] is <em>soon</em>.</p>\n<p>– <em>Ada</em></p>'),
        ('A <span markdown="1">*b*</span> c', "<p>A <span><em>b</em></span> c</p>"),
        ("<section>\n  <header>\n\n    <h3>Ports</h3>\n  </header>\n\n\t<div>a</div>\n</section>\n\n    <b>code</b>", "<h3>Ports</h3>\n  \n<div>a</div>\n\n<pre><code>&lt;b&gt;code&lt;/b&gt;\n</code></pre>"),
        ("<div><pre>x\n\n    <i>*a*</i>\n\n\ty\n</pre>\n\n     <br>b\n</div>", "<div>\n<pre>x\n\n    <i>*a*</i>\n\n\ty\n</pre>\n<p><br>b</p>\n</div>"),
        ("```\n<div>\n<pre>\n\n     <b>\n</pre>\n```", "<pre><code>&lt;div&gt;\n&lt;pre&gt;\n\n     &lt;b&gt;\n&lt;/pre&gt;\n</code></pre>"),
        ('[a](https://l.example/the old/map.pdf "Map") and [b](no such thing)', '<p><a href="https://l.example/the%20old/map.pdf" title="Map">a</a> and [b](no such thing)</p>'),
        ("**<!--anchor-->Bold:** x", "<p><strong>Bold:</strong> x</p>"),
        ("**<!--anchor-->****Bold** x", "<p><strong>Bold</strong> x</p>"),
        ("*<!--anchor-->**Slanted：* x", "<p><em>Slanted：</em> x</p>"),
        ("a <!-- b\nc --> d `<!-- e -->`", "<p>a  d <code>&lt;!-- e --&gt;</code></p>"),
        ("```\n{: .x}\n*[a]: b\n```", "<pre><code>{: .x}\n*[a]: b\n</code></pre>"),
        (":tada:", "<p>:tada:</p>"),
    ],
)  # fmt: skip
def test_kramdown(body: str, html: str) -> None:
    article = read_as("kramdown", body)
    assert article.html == html
    assert problems_of(article) == []


@pytest.mark.parametrize(
    ("body", "html"),
    [
        ('## A "b" {#c}', '<h2 id="c">A “b”</h2>'),
        ("Text.\n{.lead}\n\nMore {.x}", "<p>Text.</p>\n<p>More {.x}</p>"),
        ("Tide\n: Water", "<dl>\n<dt>Tide</dt>\n<dd>Water</dd>\n</dl>"),
        ("See https://l.example/a--b. a@l.example", '<p>See <a href="https://l.example/a--b">https://l.example/a--b</a>. <a href="mailto:a@l.example">a@l.example</a></p>'),
        ("a -- b...", "<p>a – b…</p>"),
        (":tada: {: .x}", "<p>:tada: {: .x}</p>"),
    ],
)  # fmt: skip
def test_goldmark(body: str, html: str) -> None:
    assert read_as("goldmark", body).html == html


def test_emoji_and_blocks_are_read_where_the_site_has_them() -> None:
    article = read_as("goldmark", ":tada: 12:30:45", site={"enableEmoji": True})
    assert article.text == "🎉 12:30:45"
    assert read_as("kramdown", ":wave:", site={"plugins": ["jemoji"]}).text == "👋"
    article = read_as("docusaurus", ":+1: :unknown: `:tada:`")
    assert article.text == "👍 :unknown: :tada:"
    body = "::: details Click {open}\n*Hidden*\n:::\n\n::: code-group\n\n```js [a.js]\nx\n```\n\n:::\n\nA *b*{.c} d {.e}"
    article = read_as("markdown-it", body)
    assert article.text == "Click\n\nHidden\n\nx\n\nA b d"
    assert problems_of(article) == []


@pytest.mark.parametrize("dialect", ["docusaurus", "markdown-it"])
def test_notes_have_titles_and_may_be_nested(dialect: str) -> None:
    body = """::::tip My *tip*

Outer.

:::danger
Inner.
:::

::::

::: info

:::

After.
:::"""
    article = read_as(dialect, body)
    assert article.text == "My tip\n\nOuter.\n\nDanger\n\nInner.\n\nInfo\n\nAfter."
    assert "<p><strong>My <em>tip</em></strong></p>" in article.html
    assert article.html.count("<blockquote>") == 3


@pytest.mark.parametrize(
    ("language", "word"),
    [
        *(("zh-Hant", "備註"), ("zh-Hans", "备注"), ("ar", "ملاحظة"), ("pt-BR", "Nota")),
        ("sw", "Note"),
    ],
)
def test_notes_without_a_title_have_the_word_of_the_articles_language(
    language: str, word: str
) -> None:
    head = f"---\ntitle: T\nlang: {language}\n---\n"
    assert read_as("docusaurus", ":::note\nx\n:::", head=head).text == f"{word}\n\nx"
    assert read_as("docusaurus", ":::note[*Y*]\nx\n:::", head=head).text == "Y\n\nx"


@pytest.mark.parametrize(
    "dialect", ["plain", "kramdown", "goldmark", "docusaurus", "markdown-it"]
)
@pytest.mark.parametrize(
    "body",
    [
        "a\n" * 2_000,
        "| a " * 2_000,
        "| a |\n" * 800,
        ":::a\n" * 90,
        "> [!NOTE]\n" * 500,
        "{:" * 3_000,
        "{.a}\n" * 1_000,
        "*[a]: b\n" * 1_000,
        "a\n: b\n" * 300,
        "## a\n" * 400,
        "<div markdown=1>\n" * 60,
        "<div>\n\n     <" * 90,
        "[a]( b. c  " * 500,
        "](" + " ." * 3_000,
        ":a:" * 3_000,
        '"' * 2_000,
        "https://a.example " * 500,
        "<!--" * 3_000,
        "{#" * 3_000,
        "<i v-pre" * 1_000,
    ],
)  # fmt: skip
def test_hostile_markdown_takes_little_time(dialect: str, body: str) -> None:
    with at_most(20):
        article = read_as(dialect, f"Text.\n\n{body}")
    assert article.text.startswith("Text.")
    assert len(problems_of(article)) < 20_000


@pytest.mark.parametrize("dialect", ["kramdown", "goldmark", "docusaurus", "markdown-it"])
def test_a_written_id_of_a_heading_is_its_id_in_all_dialects(dialect: str) -> None:
    assert '<h2 id="low">Low tide</h2>' in read_as(dialect, "## Low tide {#low}").html


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("see [the *text*][topic a]", "<p>see the <em>text</em></p>"),
        ("see [text][topic\n  a] and [b][].", "<p>see text and b.</p>"),
        ("[a][A  b]\n\n[a b]: https://l.example/", '<p><a href="https://l.example/">a</a></p>'),
        ("**[bold][x]:** y", "<p><strong>bold:</strong> y</p>"),
        ("`[a][b]` ![alt][c] [d]", "<p><code>[a][b]</code> alt [d]</p>"),
        ("[`code`][x]", "<p><code>code</code></p>"),
        ("BIP[text here][topic x]", "<p>BIPtext here</p>"),
        *(("array[0][1]", "<p>array[0][1]</p>"), ("[a [b][c] d][e]", "<p>a b d</p>")),
        *(("[a][b", "<p>[a][b</p>"), ("[a][b[c]", "<p>[a][b[c]</p>")),
        *(("[a] [b]", "<p>[a] [b]</p>"), ("a! [b", "<p>a! [b</p>")),
        (
            "[a [b](https://example.org/) c][x]\n\n[x]: https://example.org/x",
            '<p>[a <a href="https://example.org/">b</a> c]<a href="https://example.org/x">x</a></p>',
        ),
        ("~~[a][b]~~ *x [c][d]*", "<p><s>a</s> <em>x c</em></p>"),
    ],
)
def test_references_without_a_definition_become_their_text(source: str, html: str) -> None:
    assert read_as("kramdown", source).html == html


def test_footnotes_are_no_labels_and_end_at_the_definition_of_a_link() -> None:
    assert read_as("kramdown", "[a][^1]\n\n[^1]: N").text == "[a][1]\n\nN"
    body = "Low.[^1] [Tide]\n\n[^1]: A note\n[tide]: https://example.org/tide\n[^2]: x"
    article = read_as("kramdown", body)
    assert '<a href="https://example.org/tide">Tide</a>' in article.html
    assert "A note <a" in article.html
    assert article.problems == ()


def test_each_missing_definition_is_one_problem() -> None:
    article = read_as("goldmark", "See\n[a][x], [b][x] and\n[c][].")
    found = [("undefined-reference", 5, "[a][x]"), ("undefined-reference", 6, "[c][]")]
    assert problems_of(article) == found


def test_brackets_and_missing_pictures_stay_as_text() -> None:
    assert read_text("a.md", "# T\n\n[x][y]").html == "<p>[x][y]</p>"
    article = read_text("a.md", "---\ntitle: T\nlayout: post\n---\n![Alt](/img/x.png)")
    assert article.text == "Alt"


@pytest.mark.parametrize(
    ("heading", "dialect", "identifier"),
    [
        ("सफलता के लिए", "kramdown", "सफलता-के-लिए"),
        ("வெற்றி பெற!", "docusaurus", "வெற்றி-பெற"),
        ("ความสำเร็จ 2½", "kramdown", "ความสำเร็จ-2"),
        # Hugo and mdit-vue have rules of their own.
        ("सफलता के", "goldmark", "सफलत-क"),
        ("सफलता: के Été", "markdown-it", "सफलता-के-ete"),
    ],
)
def test_the_id_of_a_heading_is_its_generators(
    heading: str, dialect: str, identifier: str
) -> None:
    assert f'id="{identifier}"' in read_as(dialect, f"Tide.\n\n## {heading}\n").html


def counting(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> list[Any]:
    """Note each call of a function, and its result."""
    plain: Callable[..., Any] = getattr(module, name)
    results: list[Any] = []

    def counted(*arguments: Any) -> Any:
        results.append(plain(*arguments))
        return results[-1]

    monkeypatch.setattr(module, name, counted)
    return results


def test_equal_headings_are_numbered_without_counting_from_one_at_each() -> None:
    class Used(set[str]):
        looked_up = 0

        def __contains__(self, name: object) -> bool:
            Used.looked_up += 1
            return super().__contains__(name)

    used, last = Used(), dict[str, int]()
    for _heading in range(1_000):
        used.add(dialects._unused("tide", used, last))
    assert {"tide", "tide-1", "tide-999"} <= used
    assert Used.looked_up < 3_000


def test_colons_that_end_no_protocol_do_not_have_the_whole_paragraph_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked = counting(monkeypatch, dialects, "_protocol_rule")
    for dialect in ("goldmark", "docusaurus", "markdown-it"):
        read_as(dialect, ":a" * 500 + " http:" * 10 + "mailto:" * 50)
    assert len(looked) < 100
    read = read_as(
        "goldmark", "Tide is low: see https://example.org/a and mailto:ann@example.org."
    )
    assert read.html == (
        '<p>Tide is low: see <a href="https://example.org/a">https://example.org/a</a> and '
        '<a href="mailto:ann@example.org">mailto:ann@example.org</a>.</p>'
    )


@pytest.mark.parametrize(
    ("token", "reason"),
    [("#\n", "longer than 20,000 lines"), ("*a", "more than 200,000 signs such as * or [")],
)
def test_a_document_that_would_take_minutes_is_refused_with_its_measure(
    token: str, reason: str
) -> None:
    with pytest.raises(ArticleError, match=re.escape(reason)):
        read_as("plain", token * 300_000)
