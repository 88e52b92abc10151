"""Liquid in documents: what is filled in, and what becomes of what is unknown."""

from typing import Any

import pytest

from publisher.articles.model import ParsedArticle
from tests.cpu_time import at_most
from tests.publisher.ingest.parsers.markup.helpers import problems_of, read_as


def jekyll(body: str, **values: Any) -> ParsedArticle:
    return read_as("kramdown", body, **values)


@pytest.mark.parametrize(
    ("body", "html"),
    [
        ("{% assign u = 'https://x.example/' %}[x]({{u}}1)", '<p><a href="https://x.example/1">x</a></p>'),
        ("By {{ page.title }}", "<p>By The ferry</p>"),
        ("{{ site.name | upcase }}", "<p>THE LANTERN</p>"),
        ("{% for one in site.data.crew %}{{ one.name }} {% endfor %}", "<p>Ann Bo</p>"),
        ("a{% comment %}\n`{{ b }}`\n{% endcomment %}c", "<p>ac</p>"),
        ("a<!-- {{ b }} -->c<!-- {% if page.toc %} -->d<!-- {% endif %} -->", "<p>ac</p>"),
        ("a{%- raw -%}{{ b }}{% c %}{%- endraw -%}d", "<p>a<code>{{ b }}{% c %}</code>d</p>"),
        ("{% if page.toc %}no{% else %}yes{% endif %}", "<p>yes</p>"),
        ("{{ 'a' | relative_url }} {{ '/a' | absolute_url }}", "<p>/base/a https://l.example/base/a</p>"),
        ("{{ '*x*' | markdownify }}", "<p><em>x</em></p>"),
        ("{{ '2026-01-09' | date: '%d.%m.%Y' }}", "<p>09.01.2026</p>"),
        ("{{ '2026-01-09' | date_to_long_string }}", "<p>09 January 2026</p>"),
        ("{{ 'Low Tide!' | slugify }}", "<p>low-tide</p>"),
        ("{{ site.data.crew | where: 'name', 'Bo' | map: 'age' }}", "<p>7</p>"),
        ("{{ page.none | default: 'else' }}", "<p>else</p>"),
        ("{{ page.none | append: 'x' }}", "<p>x</p>"),
    ],
)  # fmt: skip
def test_templates_show_the_values_of_page_and_site(body: str, html: str) -> None:
    site = {"name": "The Lantern", "url": "https://l.example", "baseurl": "/base"}
    crew = [{"name": "Ann", "age": 9}, {"name": "Bo", "age": 7}]
    head = "---\ntitle: The ferry\ntoc: false\n---\n"
    article = read_as("kramdown", body, head=head, site=site, data={"crew": crew})
    assert article.html == html
    assert problems_of(article) == []


def test_code_definitions_and_links_to_posts_are_read() -> None:
    html = jekyll("{% highlight py linenos %}\nx = {{ 1 }} ~~~~\n{% endhighlight %}").html
    assert html == "<pre><code>x = 1 ~~~~\n</code></pre>"
    includes = {"links.md": "[pier]: https://pier.example/"}
    article = jekyll("See [the pier][pier].\n\n{% include links.md %}", includes=includes)
    assert article.html == '<p>See <a href="https://pier.example/">the pier</a>.</p>'
    head = "---\ntitle: T\nurl: https://l.example/\n---\n"
    body = "[a]({% post_url 2026-01-09-pier %}) [b]({% link _docs/tide.md %})"
    html = read_as("kramdown", body, head=head).html
    assert 'href="https://l.example/_posts/2026-01-09-pier.md"' in html
    assert 'href="https://l.example/_docs/tide.md"' in html


def test_a_file_that_is_included_has_its_parameters() -> None:
    note = "<p><b>{{ include.kind }}</b> {{ include.text }}{{ include.more }}</p>"
    body = '{% assign t = "Mind the gap" %}\n\n{% include note.html kind="tip" text=t %}'
    article = jekyll(body, includes={"note.html": note})
    assert "<p><b>tip</b> Mind the gap</p>" in article.html
    assert problems_of(article) == []


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("a\nb {{ page.none }} c", ("empty-value", 5, "{{ page.none }}")),
        ("{{ site.a.b | upcase }}", ("empty-value", 4, "{{ site.a.b | upcase }}")),
        ("a\n\n{% include no.md x=1 %}", ("missing-include", 6, "{% include no.md %}")),
        ('{% include no.md x="1"%}"', ("missing-include", 4, "{% include no.md %}")),
        ("so {% include no.md %} it is", ("empty-value", 4, "{% include no.md %}")),
        ("{% include a %}{% include a %}", ("missing-include", 4, "{% include a %}")),
        ("a\n\n{% chart tides %}\n\nb", ("unknown-tag", 6, "{% chart tides %}")),
        ("in {% chart %} it", ("empty-value", 4, "{% chart %}")),
        ("a {{ 'x' | sparkle }}", ("template-error", 4, "unknown filter 'sparkle'")),
        ("a {% if %}b{% endif %}", ("template-error", 4, "missing expression")),
    ],
)
def test_what_can_not_be_filled_in_is_a_problem_with_its_line(
    body: str, problem: tuple[str, int, str]
) -> None:
    found = problems_of(jekyll(f"{body}\n\nThe end."))
    assert found[0] == problem
    assert {kind for kind, _line, _what in found} == {problem[0]}


def test_unknown_tags_leave_what_stands_between_them() -> None:
    article = jekyll("{% box %}\n\nInside.\n\n{% endbox %}\n\nAfter.")
    assert article.text == "Inside.\n\nAfter."
    assert problems_of(article) == [("unknown-tag", 4, "{% box %}")]
    article = read_as("markdown-it", "The {% tide %}high{% endtide %} water.")
    assert article.html == "<p>The high water.</p>"
    assert problems_of(article) == [("unknown-tag", 4, "{% tide %}")]
    article = jekyll("{% image 'a.png' %}\n\n{% youtube abc %}\n\nAfter.")
    assert problems_of(article) == [
        ("unknown-tag", 4, "{% image 'a.png' %}"),
        ("unknown-tag", 6, "{% youtube abc %}"),
    ]


def test_a_comment_of_an_included_file_has_no_holes() -> None:
    toc = "<!-- <h4>{{ include.title | default: site.none }}</h4> -->\nContents"
    article = jekyll("a\n\n{% include toc %}", includes={"toc": toc})
    assert article.html == "<p>a</p>\n<p>Contents</p>"
    assert article.problems == ()


def test_a_hole_is_where_the_document_has_it_or_includes_it() -> None:
    article = jekyll("a\n\n{% include x.md %}", includes={"x.md": "\n\n\nb {{ site.none }}"})
    assert problems_of(article) == [("empty-value", 6, "{{ site.none }}")]
    article = read_as(
        "kramdown", "High at {{ site.high | date: '%H' }}, {{ a | default: '' }}low."
    )
    what = "{{ site.high | date: '%H' }}"
    assert problems_of(article) == [("empty-value", 4, what)]


def test_templates_in_code_stay_where_they_can_not_be_filled_in() -> None:
    article = jekyll("`{{ secrets.token }}` and\n\n```\n{% job %}{{ x }}\n```")
    assert "<code>{{ secrets.token }}</code>" in article.html
    assert "{% job %}{{ x }}" in article.text
    assert problems_of(article) == []


@pytest.mark.parametrize(
    "body",
    [
        "{% for a in (1..100000) %}{% for b in (1..100000) %}{{ a }}{% endfor %}{% endfor %}",
        "{% for a in (1..100000000000) %}x{% endfor %}",
        "{{ (1..100000000000) | join: 'x' }}",
        "{% assign a = 'xxxxxxxxxx' %}" + "{% assign a = a | replace: 'x', a %}" * 20 + "{{ a }}",
        "{% assign a = 'x' %}" + "{% assign a = a | append: a %}" * 60 + "{{ a }}",
        "{% assign a = 99999999 %}" + "{% assign a = a | times: a %}" * 60 + "{{ a }}",
        "{% if 1 == 1 %}" * 200 + "x",
        "{% include loop.md %}",
        "{% include twice.md %}",
        "{% raw %}" * 20_000,
        "{{" * 20_000,
        "{% " * 20_000,
        "{% capture a %}{{ a }}{{ a }}xxxxxxxxxx{% endcapture %}" * 60 + "{{ a }}",
    ],
)  # fmt: skip
def test_hostile_templates_are_bounded_and_named(body: str) -> None:
    many = "".join(f"{{% include twice.md n={number} %}}" for number in range(10))
    with at_most(10):
        includes = {"loop.md": "{% include loop.md %}", "twice.md": many}
        article = jekyll(f"Text.\n\n{body}", includes=includes)
    assert "template-error" in {kind for kind, _line, _what in problems_of(article)}


def test_nunjucks_v_pre_and_the_filters_of_eleventy_are_known() -> None:
    body = "{# A note\nof two lines #}\n{% set high = 6 %}\nHigh at {{ high }}. `{# code #}`"
    article = read_as("markdown-it", body)
    assert article.text == "High at 6. {# code #}"
    assert problems_of(article) == []
    article = read_as("markdown-it", "Write <code v-pre>{{ tide }}</code>, <i>{{ title }}</i>.")
    assert "<code>{{ tide }}</code>, <i>The ferry</i>" in article.html
    assert article.problems == ()
    body = '[a]({{ "/low/" | url }}) [b]({{ "./news/ebb.md" | inputPathToUrl }}) {{ "<b>x</b>" | safe }}'
    article = read_as("markdown-it", body)
    assert sorted(one.written for one in article.links) == ["/low/", "/news/ebb.md"]
    assert "<b>x</b>" in article.html
    assert problems_of(article) == []


@pytest.mark.parametrize(
    ("body", "html"),
    [
        ("Write {% raw %}{{ tide }}{% endraw %} here.", "<p>Write <code>{{ tide }}</code> here.</p>"),
        ("{% raw %}\n```\n{{ tide }}\n```\n{% endraw %}", "<pre><code>{{ tide }}\n</code></pre>"),
        ("Write `{% raw %}{{ tide }}{% endraw %}`.", "<p>Write <code>{{ tide }}</code>.</p>"),
        ("<code>{% raw %}{{ tide }}{% endraw %}</code>", "<p><code>{{ tide }}</code></p>"),
        ("a\n\n    {% raw %}{{ tide }}{% endraw %}", "<p>a</p>\n<pre><code>{{ tide }}\n</code></pre>"),
        ("{% highlight yaml %}\na: {{ tide }}\n{% endhighlight %}", "<pre><code>a: {{ tide }}\n</code></pre>"),
    ],
)  # fmt: skip
def test_template_code_that_is_to_be_seen_is_code(body: str, html: str) -> None:
    article = read_as("kramdown", body)
    assert article.html == html
    assert article.problems == ()


def test_a_tag_that_writes_an_attribute_for_the_site_alone_is_no_problem() -> None:
    article = jekyll('<a {% static_href %}href="https://l.example/"{% endstatic_href %}>l</a>')
    assert article.html == '<p><a href="https://l.example/">l</a></p>'
    assert problems_of(article) == []


def test_the_active_language_of_a_site_is_the_documents() -> None:
    head = "---\ntitle: T\nlang: fr\n---\n"
    site = {"active_lang": "en", "hello": {"en": "Hello", "fr": "Bonjour"}}
    body = "{{ site.hello[site.active_lang] }}"
    assert read_as("kramdown", body, site=site).html == "<p>Hello</p>"
    assert read_as("kramdown", body, head=head, site=site).html == "<p>Bonjour</p>"
