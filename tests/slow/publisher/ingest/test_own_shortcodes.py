from pathlib import Path

from publisher.ingest.sources.folder import OwnShortcodes
from tests.publisher.ingest.parsers.markup.helpers import problems_of, read_as


def test_a_template_of_the_publication_shows_a_shortcode(tmp_path: Path) -> None:
    (tmp_path / "box.html").write_text("<p><b>{{ named.title }}</b></p>\n\n{{ inside }}")
    own = OwnShortcodes({"box": "box.html"}, tmp_path, "en")
    body = '{{< box title="Low & high" >}}\nThe *tide* <i>turns</i>.\n{{< /box >}}'
    article = read_as("goldmark", body, shortcodes=own.rules)
    assert article.html == (
        "<p><b>Low &amp; high</b></p>\n<p>The <em>tide</em> <i>turns</i>.</p>"
    )
    assert problems_of(article) == []


def test_a_template_that_runs_without_end_costs_its_shortcode_only(tmp_path: Path) -> None:
    loop = "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}"
    (tmp_path / "box.html").write_text(loop)
    own = OwnShortcodes({"box": "box.html"}, tmp_path, "en")
    article = read_as("goldmark", "{{< box >}}Inside.{{< /box >}}", shortcodes=own.rules)
    assert article.text == "Inside."
    assert [kind for kind, _line, _what in problems_of(article)] == ["template-error"]
