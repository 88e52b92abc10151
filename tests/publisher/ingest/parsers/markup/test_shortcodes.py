"""Shortcodes of Hugo, of themes and of a site, and what becomes of unknown ones."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from publisher.articles.model import ParsedArticle
from publisher.ingest.sources.folder import OwnShortcodes
from tests.cpu_time import at_most
from tests.publisher.ingest.parsers.markup.helpers import problems_of, read_as
from tests.sizes import by_lane


def hugo(body: str, **values: Any) -> ParsedArticle:
    return read_as("goldmark", body, **values)


PIER = "https://pier.example/a.png"
MANY = by_lane(1_000, 5_000)


@pytest.mark.parametrize(
    ("body", "html"),
    [
        (
            f'{{{{< figure src="{PIER}" alt="The pier" caption="At *dawn*" >}}}}',
            f'<figure><img src="{PIER}" alt="The pier"><figcaption>At <em>dawn</em></figcaption></figure>',
        ),
        (
            f'{{{{< figure\n  src="{PIER}"\n  link="https://pier.example/"\n  title="Pier"\n/>}}}}',
            (f'<figure><a href="https://pier.example/"><img src="{PIER}" alt="Pier"></a>'
            "<figcaption><strong>Pier</strong></figcaption></figure>"),
        ),
        (
            'See {{< youtube id="abc" title="The tide" >}}.',
            '<p>See <a href="https://www.youtube.com/watch?v=abc">The tide</a>.</p>',
        ),
        ("{{< vimeo 146022717 >}}", '<p><a href="https://vimeo.com/146022717">https://vimeo.com/146022717</a></p>'),
        ("{{< gist jo 1a2b >}}", '<p><a href="https://gist.github.com/jo/1a2b">https://gist.github.com/jo/1a2b</a></p>'),
        ('{{< x user="jo" id="7" >}}', '<p><a href="https://x.com/jo/status/7">@jo: https://x.com/jo/status/7</a></p>'),
        ("{{< highlight go >}}\nx < 1\n{{< /highlight >}}", "<pre><code>x &lt; 1\n</code></pre>"),
        ('{{% details "More" %}}\nIt *is*.\n{{% /details %}}', "<p><strong>More</strong></p>\n<p>It <em>is</em>.</p>"),
        ("{{< param place >}} {{< param site_name >}}", "<p>Pier 4 The Lantern</p>"),
        ("a {{/* no shortcode */}} b", "<p>a <code>{{/* no shortcode */}}</code> b</p>"),
        ("{{</* figure */>}} {{%/* ref */%}}", "<p><code>{{&lt; figure &gt;}}</code> <code>{{% ref %}}</code></p>"),
        ("`{{< figure >}}`", "<p><code>{{&lt; figure &gt;}}</code></p>"),
        ("```\n{{< figure >}}\n{{</* x */>}}\n```", "<pre><code>{{&lt; figure &gt;}}\n{{&lt; x &gt;}}\n</code></pre>"),
        ("{{</* a >}}\nb\n{{< /a */>}}", "<p><code>{{&lt; a &gt;}} b {{&lt; /a &gt;}}</code></p>"),
        ("{{< comment >}}gone{{< /comment >}}here", "<p>here</p>"),
        ("a\n\n<!-- {{< unknown >}}\n{{% other %}} -->\n\nb", "<p>a</p>\n<p>b</p>"),
    ],
)  # fmt: skip
def test_the_shortcodes_of_hugo(body: str, html: str) -> None:
    head = "---\ntitle: T\nplace: Pier 4\n---\n"
    site = {"params": {"Site_Name": "The Lantern"}}
    article = read_as("goldmark", body, head=head, site=site)
    assert article.html == html
    assert problems_of(article) == []


def test_references_are_addresses_and_a_shortcode_in_a_list_stays_in_its_item() -> None:
    head = "---\ntitle: T\nurl: https://l.example/en/posts/\n---\n"
    body = '[a]({{< ref "tide.md#low" >}}) [b]({{% relref path="/about.md" %}})'
    html = read_as("goldmark", body, head=head).html
    assert 'href="https://l.example/en/posts/tide.md#low"' in html
    assert 'href="https://l.example/about.md"' in html
    html = hugo(f'1. one\n   {{{{< figure src="{PIER}" >}}}}\n2. two').html
    assert html.count("<ol>") == html.count("<figure>") == 1


def test_blocks_between_two_shortcodes_in_a_list_keep_their_indentation() -> None:
    body = "1. One\n\n   {{< tabs >}}\n   {{% tab %}}\n\n   ```\n   go\n     on\n   ```\n\n   {{% /tab %}}\n   {{< /tabs >}}\n\n2. Two\n"
    found = hugo(body)
    assert found.html == (
        "<ol>\n<li>\n<p>One</p>\n<pre><code>go\n  on\n</code></pre>\n</li>\n<li>\n<p>Two</p>\n</li>\n</ol>"
    )


def test_template_code_that_hugo_does_not_run_is_shown_as_code() -> None:
    body = "A {{.Service}}{{ .Name }}Key, <b>{% x %}</b>, [{{.A}}](https://b.example/{{.B}}), `{{.C}}`, x^{{a}}.\n\n| a |\n|---|\n| {{.D}}/{{.E}} |\n"
    found = hugo(body)
    assert unquote(found.html).startswith(
        "<p>A <code>{{.Service}}{{ .Name }}</code>Key, <b><code>{% x %}</code></b>, "
        '<a href="https://b.example/{{.B}}"><code>{{.A}}</code></a>, <code>{{.C}}</code>, x^{{a}}.</p>'
    )
    assert "<td><code>{{.D}}</code>/<code>{{.E}}</code></td>" in found.html
    assert found.problems == ()


def test_unknown_shortcodes_keep_what_is_inside_them_or_given_to_them() -> None:
    article = hugo('a\n\n{{< box kind="x" >}}\nIn *here* {{% mark %}}.\n{{< /box >}}\n\nEnd.')
    assert article.text == "a\n\nIn here .\n\nEnd."
    assert problems_of(article) == [
        ("unknown-shortcode", 7, "{{% mark %}}"),
        ("unknown-shortcode", 6, '{{< box kind="x" >}}'),
    ]
    article = read_as("goldmark", 'Each {{< tooltip text="tide" term="t" >}} is high.')
    assert article.text == "Each tide is high."
    assert [kind for kind, _line, _what in problems_of(article)] == ["unknown-shortcode"]
    article = hugo("Text.\n" + "{{< a >}}" * 40 + "x" + "{{< /a >}}" * 40)
    problem = ("template-error", 5, "shortcodes are nested more than 30 deep")
    assert problem in problems_of(article)


def test_a_site_says_what_becomes_of_its_own_shortcodes() -> None:
    def boxed(values: object) -> str:
        assert isinstance(values, dict)
        return f"<p>{values['named']['title']}: {values['inside'].strip()} {values['arguments']}</p>"

    article = hugo(
        '{{< box title="Tip" >}}\nread\n{{< /box >}}\n\n{{< ad 1 >}}gone{{< /ad >}}\n\n'
        "{{< wide >}}stays{{< /wide >}}",
        shortcodes={"box": boxed, "ad": "drop", "wide": "keep"},
    )
    assert article.text == "Tip: read ()\n\nstays"
    assert problems_of(article) == []


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("in {{< param none >}} it", ("empty-value", 4, "{{< param none >}}")),
        ("[a]({{< ref >}})", ("empty-value", 4, "{{< ref >}}")),
    ],
)
def test_values_that_are_missing_are_problems(body: str, problem: object) -> None:
    assert problems_of(hugo(body))[0] == problem


@pytest.mark.parametrize(
    "body",
    [
        *("{{<" * 4 * MANY, "{{< a " * 2 * MANY, '{{< a "' * 2 * MANY, "{{< a >}}" * MANY),
        *("{{< /a >}}" * MANY, "{{< a >}}{{< b >}}" * MANY + "{{< /a >}}" * MANY),
        "{{</*" * 2 * MANY,
    ],
)
def test_hostile_shortcodes_take_little_time(body: str) -> None:
    with at_most(by_lane(3, 15)):
        article = hugo(f"Text.\n\n{body}")
    assert article.text.startswith("Text.")


def test_shortcodes_that_an_article_shows_are_code_and_no_leftovers() -> None:
    assert hugo("Write `{{</* figure */>}}` there.").problems == ()
    assert hugo("Write {{</* figure */>}} there.").problems == ()
    body = 'Write {{</* figure src="a" */>}} or `{{</* x */>}}`.'
    article = read_as("goldmark", body)
    assert '<code>{{&lt; figure src="a" &gt;}}</code> or <code>{{&lt; x &gt;}}' in article.html
    assert article.problems == ()


def test_a_template_that_fails_costs_its_shortcode_only(tmp_path: Path) -> None:
    own = OwnShortcodes({"box": "box.html", "ad": "drop"}, tmp_path, "en")
    article = hugo("{{< box >}}\nInside.\n{{< /box >}}\n\n{{< ad >}}", shortcodes=own.rules)
    assert article.text == "Inside."
    what = "templates/box.html: there is no template box.html"
    assert problems_of(article) == [("template-error", 4, what)]


def test_a_changed_template_of_a_shortcode_is_a_change_of_the_source(tmp_path: Path) -> None:
    own = OwnShortcodes({"box": "box.html"}, tmp_path, "en")
    before = own.digest
    (tmp_path / "box.html").write_text("{{ inside }}")
    assert own.digest != before
    assert OwnShortcodes({}, tmp_path, "en").digest == ""


@pytest.mark.parametrize(
    ("dialect", "code"),
    [
        ("goldmark", "{{< highlight go >}}\na < b\n{{< /highlight >}}"),
        ("kramdown", "{% highlight go %}\na < b\n{% endhighlight %}"),
    ],
)
def test_code_in_a_page_of_html_is_html(dialect: str, code: str) -> None:
    article = read_as(dialect, f"<p>See</p>\n{code}", name="a.html")
    assert "<pre><code>a &lt; b</code></pre>" in article.html


QUOTE = "<blockquote>\n<p><strong>{0}</strong></p>\n<p>High <em>tide</em>.</p>\n</blockquote>"


@pytest.mark.parametrize(
    ("body", "html"),
    [
        ("{{< note >}}\nHigh *tide*.\n{{< /note >}}", QUOTE.format("Note")),
        ('{{% warning "At dawn" %}}\nHigh *tide*.\n{{% /warning %}}', QUOTE.format("At dawn")),
        ('{{< admonition tip "At dawn" >}}\nHigh *tide*.\n{{< /admonition >}}', QUOTE.format("At dawn")),
        ("{{< hint danger >}}\nHigh *tide*.\n{{< /hint >}}", QUOTE.format("Danger")),
        ("{{< alert d >}}\nHigh tide.\n{{< /alert >}}", "<blockquote>\n<p>High tide.</p>\n</blockquote>"),
        ('{{< tabs >}}\n{{< tab name="By sea" >}}\nSail.\n{{< /tab >}}\n{{< /tabs >}}', "<p><strong>By sea</strong></p>\n<p>Sail.</p>"),
        ('{{< tab "Ask" codelang="sh" >}}\nls\n{{< /tab >}}', "<p><strong>Ask</strong></p>\n<pre><code>ls\n</code></pre>"),
        ('{{< expand "More" >}}\nHidden.\n{{< /expand >}}', "<p><strong>More</strong></p>\n<p>Hidden.</p>"),
        ("{{< mermaid >}}\na --> b\n{{< /mermaid >}}", "<pre><code>a --&gt; b\n</code></pre>"),
        (f'{{{{< image src="{PIER}" caption="At *dawn*" >}}}}', f'<figure><img src="{PIER}" alt="At *dawn*"><figcaption>At <em>dawn</em></figcaption></figure>'),
        (f'{{{{< img "{PIER}" "The pier" >}}}}', f'<figure><img src="{PIER}" alt="The pier"></figure>'),
        ('{{< button href="https://l.example/" >}}Go{{< /button >}}', '<p><a href="https://l.example/">Go</a></p>'),
        ('See {{< link "https://l.example/" Here >}}.', '<p>See <a href="https://l.example/">Here</a>.</p>'),
    ],
)  # fmt: skip
def test_the_shortcodes_of_many_themes(body: str, html: str) -> None:
    article = read_as("goldmark", body)
    assert article.html == html
    assert problems_of(article) == []


@pytest.mark.parametrize(
    ("body", "html"),
    [
        (f'{{{{< zoom src="{PIER}" alt="Pier" >}}}}', f'<figure><img src="{PIER}" alt="Pier"></figure>'),
        ('By {{< who url="https://l.example/" name="Ann" >}}.', '<p>By <a href="https://l.example/">Ann</a>.</p>'),
        ("Tides.\n\n{{< chart >}}\n{data: [1, 2]}\n{{< /chart >}}", "<p>Tides.</p>"),
    ],
)  # fmt: skip
def test_what_an_unknown_shortcode_most_likely_shows_is_kept_and_named(
    body: str, html: str
) -> None:
    article = read_as("goldmark", body)
    assert article.html == html
    assert [kind for kind, _line, _what in problems_of(article)] == ["unknown-shortcode"]
