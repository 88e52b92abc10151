"""Documents with components, as in MDX and VitePress: what becomes of them in an article."""

from typing import Any

import pytest

from publisher.articles.model import ParsedArticle
from tests.cpu_time import at_most
from tests.publisher.ingest.parsers.markup.helpers import problems_of, read_as
from tests.sizes import by_lane


def docusaurus(body: str, **values: Any) -> ParsedArticle:
    return read_as("docusaurus", body, **values)


PIER = "https://pier.example/a.png"
MANY = by_lane(400, 2_500)


@pytest.mark.parametrize(
    ("body", "html"),
    [
        ("import A from '@theme/A';\nimport {\n  b,\n} from './b';\nimport './c.css';\n\nText.", "<p>Text.</p>"),
        ("export const sizes = {\n  a: 1,\n};\n\nText.", "<p>Text.</p>"),
        ("import this with care.\n\nexport is a word.", "<p>import this with care.</p>\n<p>export is a word.</p>"),
        ("```js\nimport a from 'b';\n{x}\n```", "<pre><code>import a from 'b';\n{x}\n</code></pre>"),
        ("```mdx-code-block\nimport A from 'a';\n```\n\n```mdx-code-block\n<>*a*</>\n```", "<p><em>a</em></p>"),
        ("$\\frac{a}{b}$ and $5 {'x'} $6\n\n$$\nx_{i}\n$$", "<p>$\\frac{a}{b}$ and $5 x $6</p>\n<p>$$\nx_{i}\n$$</p>"),
        ("a {/* gone\n<Foo> */} b", "<p>a  b</p>"),
        ("a\n\n<!-- {{<figure x>}}\n<Foo/> {y} -->\n\nb `<!-- {y} -->`", "<p>a</p>\n<p>b <code>&lt;!-- {y} --&gt;</code></p>"),
        ("{'a'} {\"b\"} {`c`} {4} {null}d", "<p>a b c 4 d</p>"),
        ("`{a}` and \\{b} 1 < 2", "<p><code>{a}</code> and {b} 1 &lt; 2</p>"),
        ('<b style={{color: "red"}} className="x">*a*</b>', "<p><b><em>a</em></b></p>"),
        ('<div class="x">\n  **a**\n</div>', "<div>\n<p><strong>a</strong></p>\n</div>"),
        ("<>\n\nText.\n\n</>", "<p>Text.</p>"),
        (f'<img src="{PIER}" alt={{"Pier"}} width={{40}}/>', f'<img src="{PIER}" alt="Pier" width="40">'),
        (f"import pier from '{PIER}';\n\n<img src={{pier}} />", f'<img src="{PIER}" alt="">'),
        (f"<img src={{require('{PIER}').default}} />", f'<img src="{PIER}" alt="">'),
        (f"<ThemedImage alt='P' sources={{{{light: useBaseUrl('{PIER}')}}}} />", f'<img src="{PIER}" alt="P">'),
        ('<Link to="https://pier.example/">the *pier*</Link>', '<p><a href="https://pier.example/">the <em>pier</em></a></p>'),
        ('<YouTube id="x" title="Film" />', '<p><a href="https://www.youtube.com/watch?v=x">Film</a></p>'),
        (f'<Image src="{PIER}" caption="At *dawn*" />', f'<figure><img src="{PIER}" alt="At *dawn*"><figcaption>At <em>dawn</em></figcaption></figure>'),
        ("<Admonition type='tip'>\n\nAt *dawn*.\n\n</Admonition>", "<blockquote>\n<p><strong>Tip</strong></p>\n<p>At <em>dawn</em>.</p>\n</blockquote>"),
        ("<Tabs>\n\nEbb and", "<p>Ebb and</p>"),
        ('<CodeBlock language="js">{`let a = 1;`}</CodeBlock>', "<pre><code>let a = 1;\n</code></pre>"),
        ('<video src="https://l.example/a.mp4" loop style={{width: 9}} />\n\n<div />\n\nMore.', '<p><a href="https://l.example/a.mp4">l.example/a.mp4</a></p>\n<div></div>\n<p>More.</p>'),
        ("<figure>\n  <figcaption>Low *tide*</figcaption>\n</figure>\n\n<p>A `b`.</p>\n- c\n\n  <p>**d**</p>\n- e\n\n<p>f</p>", "<figure>\n  <figcaption>\n<p>Low <em>tide</em></p>\n  </figcaption>\n</figure>\n<p>A <code>b</code>.</p>\n<ul>\n<li>\n<p>c</p>\n<p><strong>d</strong></p>\n</li>\n<li>\n<p>e</p>\n</li>\n</ul>\n<p>f</p>"),
        ("<details>\n<summary>Low *tide*</summary>\n\nEbb.\n\n</details>", "<p><strong>Low <em>tide</em></strong></p>\n<p>Ebb.</p>"),
        ("[a](pathname:///a.zip) `(pathname:///b)`", '<p><a href="publication:a.zip?/a.zip">a</a> <code>(pathname:///b)</code></p>'),
        ("    indented text is no code", "<p>indented text is no code</p>"),
        ("## Low tide {#tide}\n\n[down](#tide)", '<h2 id="tide">Low tide</h2>\n<p><a href="#tide">down</a></p>'),
        (":::tip[At *dawn*]{.wide #a}\n\nText.\n\n:::", "<blockquote>\n<p><strong>At <em>dawn</em></strong></p>\n<p>Text.</p>\n</blockquote>"),
        ("<https://pier.example/> https://l.example/a.", '<p><a href="https://pier.example/">https://pier.example/</a> <a href="https://l.example/a">https://l.example/a</a>.</p>'),
    ],
)  # fmt: skip
def test_what_mdx_adds_is_replaced(body: str, html: str) -> None:
    article = docusaurus(body)
    assert article.html == html
    assert problems_of(article) == []


def test_tabs_become_sections_with_their_labels() -> None:
    body = """import Tabs from '@theme/Tabs';

<Tabs>
  <TabItem value="a" label="By ferry">

  At *six*.

  </TabItem>
  <TabItem value="b" label="By bus">At seven.</TabItem>
</Tabs>"""
    article = docusaurus(body)
    assert article.text == "By ferry\n\nAt six.\n\nBy bus\n\nAt seven."
    assert problems_of(article) == []


def test_unknown_components_keep_their_text_and_unknown_expressions_leave_a_hole() -> None:
    article = docusaurus("a\n\n<Chart data={[1, 2]}>\n\nThe *tide*.\n\n</Chart> <Map />")
    assert article.text == "a\n\nThe tide."
    unknown = ((6, "<Chart data={[1, 2]}>"), (10, "<Map />"))
    assert problems_of(article) == [("unknown-component", *one) for one in unknown]
    article = docusaurus("It costs {price} now.\n\n{list.map(one => one)}\n\nEnd.")
    assert article.text == "It costs now.\n\nEnd."
    assert problems_of(article) == [
        ("empty-value", 4, "{price}"),
        ("unknown-component", 6, "{list.map(one => one)}"),
    ]
    article = docusaurus(
        "import Tide from './_tide.mdx';\nexport const n = 1;\n\na {n} b\n\n<Tide />"
    )
    assert problems_of(article) == [
        ("empty-value", 7, "{n}"),
        ("unknown-component", 9, "<Tide />"),
    ]


def test_documents_in_commonmark_format_have_no_mdx_and_vitepress_inserts_no_files() -> None:
    head = "---\ntitle: T\nmdx:\n  format: md\n---\n"
    assert read_as("docusaurus", "a {b}", head=head).html == "<p>a {b}</p>"
    article = read_as(
        "markdown-it", "a\n\n<<< @/tide.js{2}\n\n<!--@include: ./b.md-->\n\n`<<< c`"
    )
    assert article.text == "a\n\n<<< c"
    left_out = ((6, "<<< @/tide.js{2}"), (8, "<!--@include: ./b.md-->"))
    assert problems_of(article) == [("missing-include", *one) for one in left_out]


def test_values_and_components_of_vitepress() -> None:
    article = read_as(
        "markdown-it",
        "<script setup>\nlet a = 1\n</script>\n\n[[toc]]\n\n"
        'By {{ $frontmatter.title }} <Badge text="new" /> `{{ x }}` {{ y }}\n\n<Map />',
    )
    assert article.html == "<p>By The ferry new <code>{{ x }}</code></p>"
    assert problems_of(article) == [
        ("empty-value", 10, "{{ y }}"),
        ("unknown-component", 12, "<Map />"),
    ]


@pytest.mark.parametrize(
    ("body", "html"),
    [
        ("Contents: [[toc]]", "<p>Contents:</p>"),
        ("- a [[_TOC_]] b", "<ul>\n<li>a  b</li>\n</ul>"),
        ("@[toc](On this page)\n\nText.", "<p>Text.</p>"),
        ("${toc}\n\n[toc]\n\nText.", "<p>Text.</p>"),
        ("`[[toc]]` and ${toc}", "<p><code>[[toc]]</code> and ${toc}</p>"),
    ],
)
def test_a_table_of_contents_of_markdown_it_goes(body: str, html: str) -> None:
    article = read_as("markdown-it", body)
    assert article.html == html
    assert problems_of(article) == []


def test_liquid_of_eleventy() -> None:
    body = "{% assign n = 3 %}{{ n }} boats of {{ title }}, {{ crew.name }}"
    article = read_as("markdown-it", body, data={"crew": {"name": "Ann"}})
    assert article.html == "<p>3 boats of The ferry, Ann</p>"
    assert problems_of(article) == []


@pytest.mark.parametrize(
    "body",
    [
        *("{" * 8 * MANY, "<a " * 4 * MANY, "<A>" * MANY, '<A b="' * 2 * MANY, "{'" * 4 * MANY),
        *("<A b={" * 2 * MANY, "import a\n" * 2 * MANY, "export const a\n" * 2 * MANY),
        *("{/*" * 4 * MANY, "<Tabs>" * MANY + "x " * 40 * MANY),
    ],
)
def test_hostile_mdx_takes_little_time(body: str) -> None:
    with at_most(by_lane(5, 25)):
        article = docusaurus(f"Text.\n\n{body}")
    assert article.text.startswith("Text.")
