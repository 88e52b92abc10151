"""The reader in templates: her values are written for her, and nobody else may ask about them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from publisher.assembly.gate_run import check_digest
from publisher.errors import RenderingError
from publisher.rendering import (
    Renderer,
    SystemMail,
    digest,
    placeholder_checks,
    subscriber_values,
    system_mail,
)
from publisher.rendering.environment import Templates
from publisher.rendering.placeholders import (
    ADDRESS_PLACEHOLDER,
    CONFIRM_PLACEHOLDER,
    LANGUAGE_PLACEHOLDER,
    NAME_PLACEHOLDER,
    PREFERENCES_PLACEHOLDER,
    TIMEZONE_PLACEHOLDER,
    UNSUBSCRIBE_PLACEHOLDER,
    WEB_PLACEHOLDER,
    Placeholder,
)
from tests.publisher.mail.samples import a_publication, an_issue
from tests.publisher.rendering import sample
from tests.publisher.rendering.sandbox_helpers import write

BODY = "email/digest/body.html"
TEXT = "email/digest/body.txt"
SUBJECT = "email/digest/subject.txt"
MAIL = "<!DOCTYPE html><html><head><title>x</title></head><body>\n{}</body></html>"
OTHERWISE = (
    r'write \{\{ reader\.name \| otherwise\("\.\.\."\) \}\} for readers without one, or make'
)
EDITION = r"or make another edition or newsletter$"
ONCE = "a mail is made once for all its readers"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "templates"


@pytest.fixture
def renderer(folder: Path) -> Iterator[Renderer]:
    # Rendered in a process apart, as a publication's own templates are.
    with closing(Renderer(folder)) as made:
        yield made


def page(renderer: Renderer, folder: Path, source: str) -> str:
    write(folder, BODY, MAIL.replace("{}", source))
    html = renderer.digest(sample.issue("en")).html
    return html.partition("<body>")[2].partition("</body>")[0].strip()


def rendered_here(folder: Path, source: str) -> str:
    """Render without a process, for the many ways to be refused."""
    write(folder, "part.html", f"\n{source}")
    return (
        Templates(folder).render("part.html", "en", subscriber_values.digest_values()).strip()
    )


@pytest.mark.parametrize(
    ("source", "made"),
    [
        ("{{ reader.name }}", NAME_PLACEHOLDER),
        ('{{ reader["name"] }}', NAME_PLACEHOLDER),
        ("{{ reader.address }}", ADDRESS_PLACEHOLDER),
        ("{{ reader.language }}", LANGUAGE_PLACEHOLDER),
        ("{{ reader.timezone }}", TIMEZONE_PLACEHOLDER),
        ("{{ reader.unsubscribe }}", UNSUBSCRIBE_PLACEHOLDER),
        ("{{ reader.preferences }}", PREFERENCES_PLACEHOLDER),
        ("{{ reader.web }}", WEB_PLACEHOLDER),
        (
            "{{ unsubscribe }} {{ preferences }}",
            f"{UNSUBSCRIBE_PLACEHOLDER} {PREFERENCES_PLACEHOLDER}",
        ),
        ("{{ reader_address|isolate }}", f"\u2068{ADDRESS_PLACEHOLDER}\u2069"),
        ("{{ reader.name|e }}{{ reader.name|safe }}", NAME_PLACEHOLDER * 2),
        ('{{ "Dear " ~ reader.name }}', f"Dear {NAME_PLACEHOLDER}"),
        ('{{ "Dear %s" % reader.name }}', f"Dear {NAME_PLACEHOLDER}"),
        ('{{ "Dear {}".format(reader.name) }}', f"Dear {NAME_PLACEHOLDER}"),
        ('{{ "Dear %s"|format(reader.name) }}', f"Dear {NAME_PLACEHOLDER}"),
        ('{{ _("Dear %(name)s", name=reader.name) }}', f"Dear {NAME_PLACEHOLDER}"),
        ("{% trans who=reader.name %}Dear {{ who }}{% endtrans %}", f"Dear {NAME_PLACEHOLDER}"),
        (
            "{% set who %}<b>{{ reader.name }}</b>{% endset %}{{ who }}",
            f"<b>{NAME_PLACEHOLDER}</b>",
        ),
        ("{% set who = reader.name %}{{ who }}", NAME_PLACEHOLDER),
        (
            "{% macro hi(who) %}Hi {{ who }}{% endmacro %}{{ hi(reader.name) }}",
            f"Hi {NAME_PLACEHOLDER}",
        ),
        ('{{ [reader.name, "all"]|join(" & ") }}', f"{NAME_PLACEHOLDER} &amp; all"),
        ("{% if reader is defined %}{{ reader.name }}{% endif %}", NAME_PLACEHOLDER),
    ],
)
def test_a_value_can_be_written_in_many_ways(folder: Path, source: str, made: str) -> None:
    assert rendered_here(folder, source) == made


def test_words_of_the_catalogue_are_taken_as_they_are_shown(folder: Path) -> None:
    made = rendered_here(folder, '{{ reader.name|otherwise(_("Ann &amp; Bob")) }}')
    assert made == str(Placeholder(NAME_PLACEHOLDER, "Ann & Bob"))


BRANCHES = [
    "{% if reader.name %}x{% endif %}",
    "{% if not reader.name %}x{% endif %}",
    "{% if reader.name and lang %}x{% endif %}",
    "{{ 'x' if reader.name else 'y' }}",
    "{{ reader.name or 'dear reader' }}",
    "{% if reader.name == 'Ann' %}x{% endif %}",
    "{% if 'Ann' == reader.name %}x{% endif %}",
    "{% if reader.name != 'Ann' %}x{% endif %}",
    "{% if reader.name < 'M' %}x{% endif %}",
    "{% if reader.name in ['Ann'] %}x{% endif %}",
    "{% if 'A' in reader.name %}x{% endif %}",
    "{% if reader.name is defined %}x{% endif %}",
    "{% if reader.name is none %}x{% endif %}",
    "{% if reader.name is string %}x{% endif %}",
    "{% if reader.name is sameas 'Ann' %}x{% endif %}",
    "{% for letter in reader.name %}x{% endfor %}",
    "{{ reader.name[0] }}",
    "{{ reader.name[:3] }}",
    "{{ {'Ann': 1}[reader.name] }}",
    "{{ reader.name.upper() }}",
    "{{ reader.name.split }}",
    "{{ reader.name() }}",
    "{{ reader.name + 'x' }}",
    "{{ 'x' + reader.name }}",
    "{{ reader.name * 2 }}",
    "{{ '{:>9}'.format(reader.name) }}",
    *(
        f"{{{{ reader.name|{asked} }}}}"
        for asked in (
            *("upper", "lower", "title", "capitalize", "trim", "length", "default('x')"),
            *("truncate(3)", "replace('A', 'B')", "striptags", "urlencode", "tojson", "first"),
            *(
                "one_line",
                "shorten(3)",
                "direction",
                "list",
                "reverse",
                "wordwrap",
                "string|lower",
            ),
        )
        if "|" not in asked
    ),
    "{{ [reader.name]|map('upper')|list }}",
    "{{ [reader.name, 'x']|sort }}",
    "{{ lang|default(reader.name) }}",
    "{% set who = reader.name %}{% if who %}x{% endif %}",
    "{% macro hi(who) %}{% if who %}x{% endif %}{% endmacro %}{{ hi(reader.name) }}",
    "{% trans num=reader.name %}one{% pluralize %}many{% endtrans %}",
]


@pytest.mark.parametrize("source", BRANCHES)
def test_a_template_that_asks_about_a_reader_is_told_what_to_do_instead(
    folder: Path, source: str
) -> None:
    where = r"^templates/part\.html, line 2: "
    with pytest.raises(RenderingError, match=f"{where}{ONCE}, .*{OTHERWISE}") as caught:
        rendered_here(folder, source)
    assert re.search(EDITION, str(caught.value))


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (
            "{% if reader.language == 'ar' %}x{% endif %}",
            f"reader.language .* as it is, {EDITION}",
        ),
        ("{{ tongue(reader.language) }}", f"reader.language .* as it is, {EDITION}"),
        ("{% if unsubscribe %}x{% endif %}", "unsubscribe can't be asked about"),
        ("{{ reader_address|upper }}", "reader_address can't be asked about"),
        ("{{ reader }}", "write one of reader's values"),
        ("{% if reader %}x{% endif %}", "write one of reader's values"),
        ("{% for value in reader %}x{% endfor %}", "write one of reader's values"),
        (
            "{{ reader.age }}",
            "there is no reader.age here, but there are name, address, language",
        ),
        (
            "{{ reader.name._slot }}",
            "access to attribute '_slot' of 'SubscriberValue' object is unsafe",
        ),
        ("{{ reader.web|otherwise('x') }}", r"reader.web needs no otherwise\(\)"),
        (
            "{{ reader.name|otherwise('a')|otherwise('b') }}",
            r"reader.name needs no otherwise\(\)",
        ),
        ("{{ reader.name|otherwise(reader.address) }}", r"otherwise\(\) takes words"),
        ("{{ reader.name|otherwise('x' ~ reader.address) }}", r"otherwise\(\) takes words"),
        ("{{ reader.name|otherwise(3) }}", r"otherwise\(\) takes words"),
        ("{{ lang|otherwise('x') }}", "otherwise is for a reader's own values, as reader.name"),
    ],
)
def test_other_questions_are_refused_with_their_reason(
    folder: Path, source: str, reason: str
) -> None:
    with pytest.raises(RenderingError, match=rf"^templates/part\.html, line 2: .*{reason}"):
        rendered_here(folder, source)


@pytest.mark.parametrize(
    ("html", "place"),
    [
        (f"<p onclick='{NAME_PLACEHOLDER}'>", 'onclick="..." of <p>'),
        (f"<p OnMouseOver='go({UNSUBSCRIBE_PLACEHOLDER})'>", 'onmouseover="..." of <p>'),
        (f"<iframe srcdoc='{NAME_PLACEHOLDER}'></iframe>", 'srcdoc="..." of <iframe>'),
        (f"<iframe srcdoc='{WEB_PLACEHOLDER}'></iframe>", 'srcdoc="..." of <iframe>'),
        (f"<button formaction='{ADDRESS_PLACEHOLDER}'>", 'formaction="..." of <button>'),
        (f"<img lowsrc='{NAME_PLACEHOLDER}'>", 'lowsrc="..." of <img>'),
        (f"<a ping='{NAME_PLACEHOLDER}'>", 'ping="..." of <a>'),
        (f"<svg><a xlink:href='{NAME_PLACEHOLDER}'></a></svg>", 'xlink:href="..." of <a>'),
        (
            f"<meta http-equiv='refresh' content='0;url={NAME_PLACEHOLDER}'>",
            'content="..." of <meta>',
        ),
        (f"<meta name='description' content='{NAME_PLACEHOLDER}'>", 'content="..." of <meta>'),
    ],
)
def test_a_value_can_not_stand_in_an_attribute_that_is_more_than_words(
    html: str, place: str
) -> None:
    reason = rf"^templates/x: @@[A-Z_]+@@ can't stand in {re.escape(place)}$"
    with pytest.raises(RenderingError, match=reason):
        placeholder_checks.checked_html("x", f"<!DOCTYPE html><html><body>{html}")


def test_words_may_be_content_elsewhere() -> None:
    html = f"<p content='{NAME_PLACEHOLDER}' title='{NAME_PLACEHOLDER}'><a formaction='{WEB_PLACEHOLDER}'>x</a></p>"
    assert placeholder_checks.checked_html("x", html) == html


# Subjects


# Mails about a subscription


@pytest.mark.parametrize("language", sample.LANGUAGES)
def test_the_shipped_templates_ask_nothing_about_a_reader(
    language: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[list[str]] = []
    check = placeholder_checks.check_same_for_all

    def noted(made: Mapping[str, str], blank: Callable[[str], str]) -> None:
        asked.append([*made])
        check(made, blank)

    # A spy that calls through: nothing else tells that it was looked.
    monkeypatch.setattr(placeholder_checks, "check_same_for_all", noted)
    templates = Templates(tmp_path)
    digest.render_digest(templates, sample.issue(language))
    for kind in ("confirm", "welcome", "goodbye"):
        mail = SystemMail(kind=kind, house=sample.house(language), newsletters=("The week",))
        system_mail.render_system_mail(templates, mail)
    assert asked[0] == [SUBJECT, BODY, TEXT]
    assert len(asked) == 4


# What comes of it in the end


def test_the_gate_finds_a_place_that_nobody_fills() -> None:
    made = Renderer().digest(sample.issue("en"))
    for residue in (CONFIRM_PLACEHOLDER, "@@READER_NAME_OR@@FF@@", "@@READER_SHOE@@"):
        spoilt = replace(
            made,
            html=made.html.replace("</body>", f"<p>{residue}</p></body>"),
            text=f"{made.text}{residue}\n",
        )
        errors = check_digest(a_publication(), an_issue(), spoilt).report.errors
        assert {"html-template", "text-template"} <= {finding.code for finding in errors}


def test_the_documentation_names_every_value_of_a_reader() -> None:
    page = (
        Path(__file__).resolve().parents[3] / "docs" / "reference" / "templates.md"
    ).read_text("utf-8")
    named = re.findall(r"(?m)^\| `reader\.(\w+)` \|", page)
    assert named == [*subscriber_values._VALUES, "web"]
