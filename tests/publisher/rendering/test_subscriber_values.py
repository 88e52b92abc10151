"""Subscribers' values in templates: they can be written, and nothing else."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from jinja2 import FileSystemBytecodeCache

from publisher.assembly.gate_run import check_digest
from publisher.errors import RenderingError
from publisher.rendering import (
    Digest,
    IssueContent,
    Renderer,
    SystemMail,
    filters,
    placeholders,
)
from publisher.rendering.digest import render_digest, render_system_mail
from publisher.rendering.environment import Templates
from publisher.rendering.placeholders import (
    ACTION_PLACEHOLDER,
    ADDRESS_PLACEHOLDER,
    LANGUAGE_PLACEHOLDER,
    NAME_PLACEHOLDER,
    PREFERENCES_PLACEHOLDER,
    TIMEZONE_PLACEHOLDER,
    UNSUBSCRIBE_PLACEHOLDER,
    WEB_PLACEHOLDER,
    Placeholder,
    find_placeholders,
)
from tests.publisher.mail.samples import a_publication, an_issue
from tests.publisher.rendering import sample
from tests.publisher.rendering.sandbox_helpers import write

BODY = "email/digest/body.html"
TEXT = "email/digest/body.txt"
SUBJECT = "email/digest/subject.txt"
MAIL = "<!DOCTYPE html><html><head><title>x</title></head><body>\n{}</body></html>"
FOOTER = "{% extends 'shipped/email/digest/body.html' %}{% block footer %}{}{{ super() }}{% endblock %}"
ADVICE = r'write \{\{ subscriber\.name \| otherwise\("\.\.\."\) \}\}'
EDITION = r"or make another edition or newsletter$"
REFUSED = "can't be tested, compared or changed, since a mail is rendered once for all its subscribers"


class InProcessRenderer:
    """Renders with custom templates in this process: the sandbox has tests of its own.

    The folder `compiled` keeps shipped templates from one test to the next.
    """

    def __init__(self, folder: Path, compiled: Path) -> None:
        self._folder = folder
        self._cache = FileSystemBytecodeCache(str(compiled))

    def _templates(self) -> Templates:
        templates = Templates(self._folder)
        templates._environment.bytecode_cache = self._cache
        return templates

    def digest(self, content: IssueContent) -> Digest:
        return render_digest(self._templates(), content)

    def system_mail(self, mail: SystemMail) -> Digest:
        return render_system_mail(self._templates(), mail)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "templates"


@pytest.fixture
def renderer(folder: Path, compiled: Path) -> InProcessRenderer:
    return InProcessRenderer(folder, compiled)


def page(renderer: InProcessRenderer, folder: Path, source: str) -> str:
    write(folder, BODY, MAIL.replace("{}", source))
    html = renderer.digest(sample.issue("en")).html
    return html.partition("<body>")[2].partition("</body>")[0].strip()


def rendered_here(folder: Path, source: str) -> str:
    write(folder, "part.html", f"\n{source}")
    return Templates(folder).render("part.html", "en", filters.digest_values()).strip()


@pytest.mark.parametrize(
    ("source", "made"),
    [
        ("{{ subscriber.name }}", NAME_PLACEHOLDER),
        ('{{ subscriber["name"] }}', NAME_PLACEHOLDER),
        ("{{ subscriber.address }}", ADDRESS_PLACEHOLDER),
        ("{{ subscriber.language }}", LANGUAGE_PLACEHOLDER),
        ("{{ subscriber.timezone }}", TIMEZONE_PLACEHOLDER),
        ("{{ subscriber.unsubscribe }}", UNSUBSCRIBE_PLACEHOLDER),
        ("{{ subscriber.preferences }}", PREFERENCES_PLACEHOLDER),
        ("{{ subscriber.web }}", WEB_PLACEHOLDER),
        ("{{ unsubscribe }} {{ preferences }}", f"{UNSUBSCRIBE_PLACEHOLDER} {PREFERENCES_PLACEHOLDER}"),
        ("{{ subscriber_address|isolate }}", f"\u2068{ADDRESS_PLACEHOLDER}\u2069"),
        ("{{ subscriber.name|e }}{{ subscriber.name|safe }}", NAME_PLACEHOLDER * 2),
        ('{{ "Dear " ~ subscriber.name }}', f"Dear {NAME_PLACEHOLDER}"),
        ('{{ "Dear %s" % subscriber.name }}', f"Dear {NAME_PLACEHOLDER}"),
        ('{{ "Dear {}".format(subscriber.name) }}', f"Dear {NAME_PLACEHOLDER}"),
        ('{{ "Dear %s"|format(subscriber.name) }}', f"Dear {NAME_PLACEHOLDER}"),
        ('{{ _("Dear %(name)s", name=subscriber.name) }}', f"Dear {NAME_PLACEHOLDER}"),
        ("{% trans who=subscriber.name %}Dear {{ who }}{% endtrans %}", f"Dear {NAME_PLACEHOLDER}"),
        ("{% set who %}<b>{{ subscriber.name }}</b>{% endset %}{{ who }}", f"<b>{NAME_PLACEHOLDER}</b>"),
        ("{% set who = subscriber.name %}{{ who }}", NAME_PLACEHOLDER),
        ("{% macro hi(who) %}Hi {{ who }}{% endmacro %}{{ hi(subscriber.name) }}", f"Hi {NAME_PLACEHOLDER}"),
        ('{{ [subscriber.name, "all"]|join(" & ") }}', f"{NAME_PLACEHOLDER} &amp; all"),
        ("{% if subscriber is defined %}{{ subscriber.name }}{% endif %}", NAME_PLACEHOLDER),
    ],
)  # fmt: skip
def test_a_value_can_be_written_in_many_ways(folder: Path, source: str, made: str) -> None:
    assert rendered_here(folder, source) == made


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ('"dear subscriber"', "dear subscriber"),
        ("\"dear <subscriber> & 'friend'\"", "dear <subscriber> & 'friend'"),
        ('_("dear subscriber")', "dear subscriber"),
        ('"two\\nlines\u2028here "', "two lines here"),
        ('"亲爱的读者"', "亲爱的读者"),
        ('""', ""),
    ],
)
def test_words_for_subscribers_without_a_name_survive_escaping_and_inlining(
    renderer: InProcessRenderer, folder: Path, words: str, said: str
) -> None:
    place = f"{{{{ subscriber.name | otherwise({words}) }}}}"
    made = page(renderer, folder, f"<p title='{place}' style=\"color:#000000\">{place}</p>")
    assert [*find_placeholders(made)] == [Placeholder(NAME_PLACEHOLDER, said)] * 2
    assert re.sub(r"@@[A-Z0-9_@]+@@", "", made) == '<p title="" style="color:#000000"></p>'
    write(folder, TEXT, place + " and a line so long that it has to be broken somewhere" * 3)
    text = renderer.digest(sample.issue("en")).text
    assert [*find_placeholders(text)] == [Placeholder(NAME_PLACEHOLDER, said)]


def test_entities_of_translations_are_decoded(folder: Path) -> None:
    made = rendered_here(folder, '{{ subscriber.name|otherwise(_("Ann &amp; Bob")) }}')
    assert made == str(Placeholder(NAME_PLACEHOLDER, "Ann & Bob"))


BRANCHES = [
    "{% if subscriber.name %}x{% endif %}",
    "{{ 'x' if subscriber.name else 'y' }}",
    "{% if subscriber.name == 'Ann' %}x{% endif %}",
    "{% if subscriber.name != 'Ann' %}x{% endif %}",
    "{% if subscriber.name < 'M' %}x{% endif %}",
    "{% if subscriber.name in ['Ann'] %}x{% endif %}",
    "{% if 'A' in subscriber.name %}x{% endif %}",
    "{% if subscriber.name is defined %}x{% endif %}",
    "{% if subscriber.name is string %}x{% endif %}",
    "{% if subscriber.name is sameas 'Ann' %}x{% endif %}",
    "{% for letter in subscriber.name %}x{% endfor %}",
    "{{ subscriber.name[0] }}",
    "{{ {'Ann': 1}[subscriber.name] }}",
    "{{ subscriber.name.upper() }}",
    "{{ subscriber.name() }}",
    "{{ subscriber.name + 'x' }}",
    "{{ 'x' + subscriber.name }}",
    "{{ subscriber.name * 2 }}",
    "{{ '{:>9}'.format(subscriber.name) }}",
    *(
        f"{{{{ subscriber.name|{asked} }}}}"
        for asked in (
            *("upper", "lower", "title", "capitalize", "trim", "length", "default('x')"),
            *("truncate(3)", "replace('A', 'B')", "striptags", "urlencode", "tojson", "first"),
            *("one_line", "shorten(3)", "direction", "list", "reverse", "wordwrap"),
        )
    ),
    "{{ [subscriber.name]|map('upper')|list }}",
    "{{ [subscriber.name, 'x']|sort }}",
    "{{ lang|default(subscriber.name) }}",
    "{% set who = subscriber.name %}{% if who %}x{% endif %}",
    "{% trans num=subscriber.name %}one{% pluralize %}many{% endtrans %}",
]


@pytest.mark.parametrize("source", BRANCHES)
def test_a_template_that_tests_a_value_is_refused_with_advice(
    folder: Path, source: str
) -> None:
    where = r"^templates/part\.html, line 2: "
    with pytest.raises(RenderingError, match=f"{where}.*{REFUSED}: {ADVICE}") as caught:
        rendered_here(folder, source)
    assert re.search(EDITION, str(caught.value))


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{% if subscriber.language == 'ar' %}x{% endif %}", f"subscriber.language .* as it is, {EDITION}"),
        ("{{ tongue(subscriber.language) }}", f"subscriber.language .* as it is, {EDITION}"),
        ("{% if unsubscribe %}x{% endif %}", "unsubscribe can't be tested"),
        ("{{ subscriber_address|upper }}", "subscriber_address can't be tested"),
        ("{{ subscriber }}", "write one of the values"),
        ("{% if subscriber %}x{% endif %}", "write one of the values"),
        ("{% for value in subscriber %}x{% endfor %}", "write one of the values"),
        ("{{ subscriber.age }}", "there is no subscriber.age here; there are name, address, language"),
        ("{{ subscriber.name._placeholder }}", "access to attribute '_placeholder' of 'SubscriberValue' object is unsafe"),
        ("{{ subscriber.web|otherwise('x') }}", r"subscriber.web \| otherwise\(\): only"),
        ("{{ subscriber.name|otherwise('a')|otherwise('b') }}", r"subscriber.name \| otherwise\(\): only"),
        ("{{ subscriber.name|otherwise(subscriber.address) }}", r"otherwise\(\) takes a text"),
        ("{{ subscriber.name|otherwise('x' ~ subscriber.address) }}", r"otherwise\(\) takes a text"),
        ("{{ subscriber.name|otherwise(3) }}", r"otherwise\(\) takes a text"),
        ("{{ lang|otherwise('x') }}", "otherwise is for a subscriber's values, such as subscriber.name"),
    ],
)  # fmt: skip
def test_other_uses_are_refused_with_their_reason(
    folder: Path, source: str, reason: str
) -> None:
    with pytest.raises(RenderingError, match=rf"^templates/part\.html, line 2: .*{reason}"):
        rendered_here(folder, source)


@pytest.mark.parametrize(
    "source",
    [
        "{% set who %}{{ subscriber.name }}{% endset %}{% if who %}Dear {{ who }}{% endif %}",
        "{% set who %}{{ subscriber.name }}{% endset %}{{ who or 'you' }}",
        "{% set who = 'Dear ' ~ subscriber.name %}{{ who|length }}",
        "{{ ('Dear ' ~ subscriber.name)|truncate(8) }}",
        "{% set who %}{{ subscriber.name|otherwise('x') }}{% endset %}{{ who if who else 'you' }}",
    ],
)
def test_a_text_made_of_a_value_may_not_be_tested(
    renderer: InProcessRenderer, folder: Path, source: str
) -> None:
    reason = rf"^templates/{BODY}: it says '.*' to some subscribers and '.*' to others"
    with pytest.raises(RenderingError, match=f"{reason}, .*: {ADVICE}, {EDITION}"):
        page(renderer, folder, source)


@pytest.mark.parametrize(
    "source",
    [
        "{% filter lower %}{{ subscriber.name }}{% endfilter %}",
        "{{ subscriber.name|string|capitalize }}",
    ],
)
def test_a_text_made_of_a_value_may_not_be_changed(
    renderer: InProcessRenderer, folder: Path, source: str
) -> None:
    reason = rf"^templates/{BODY}: a subscriber's value was changed to @@subscriber_name@@, but values"
    with pytest.raises(RenderingError, match=reason):
        page(renderer, folder, source)


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ('<a href="{{ subscriber.name }}">x</a>', 'href="..." of <a>'),
        ('<a href="mailto:{{ subscriber.address }}">x</a>', 'href="..." of <a>'),
        (
            '<img src="https://x.example/{{ subscriber.language }}" alt="">',
            'src="..." of <img>',
        ),
        ('<p style="color:{{ subscriber.name }}">x</p>', 'style="..." of <p>'),
        ('<style data-premailer="ignore">{{ subscriber.name }}</style>', "<style>"),
    ],
)
def test_a_value_is_refused_in_addresses_and_styles(
    renderer: InProcessRenderer, folder: Path, source: str, place: str
) -> None:
    reason = rf"^templates/{BODY}: @@[A-Z_]+@@ can't stand in {re.escape(place)}$"
    with pytest.raises(RenderingError, match=reason):
        page(renderer, folder, source)


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
def test_a_value_is_refused_in_attributes_with_code_or_addresses(html: str, place: str) -> None:
    reason = rf"^templates/x: @@[A-Z_]+@@ can't stand in {re.escape(place)}$"
    with pytest.raises(RenderingError, match=reason):
        placeholders._check_html("x", f"<!DOCTYPE html><html><body>{html}")


def test_other_attributes_may_hold_values() -> None:
    html = f"<p content='{NAME_PLACEHOLDER}' title='{NAME_PLACEHOLDER}'><a formaction='{WEB_PLACEHOLDER}'>x</a></p>"
    placeholders._check_html("x", html)  # raises nothing


def test_links_stand_in_addresses_and_names_in_titles(
    renderer: InProcessRenderer, folder: Path
) -> None:
    source = '<a href="{{ subscriber.web }}" title="For {{ subscriber.name }}">x</a>'
    made = page(renderer, folder, source)
    assert made == f'<a href="{WEB_PLACEHOLDER}" title="For {NAME_PLACEHOLDER}">x</a>'


# Subjects


def subject(renderer: InProcessRenderer, folder: Path, source: str) -> str:
    write(folder, SUBJECT, source)
    return renderer.digest(sample.issue("en")).subject


def test_a_subject_may_hold_a_name_and_is_shortened_around_it_but_no_link(
    renderer: InProcessRenderer, folder: Path
) -> None:
    made = subject(renderer, folder, "{{ subscriber.name|otherwise('You') }}, your week")
    assert made == f"{Placeholder(NAME_PLACEHOLDER, 'You')}, your week"
    made = subject(
        renderer, folder, "word " * 9 + "{{ subscriber.name|otherwise('long ' * 99) }} x"
    )
    assert made == "word " * 8 + "word…"
    reason = (
        rf"^templates/{SUBJECT}: a subject can't hold a link such as {UNSUBSCRIBE_PLACEHOLDER}$"
    )
    with pytest.raises(RenderingError, match=reason):
        subject(renderer, folder, "See {{ unsubscribe }}")


def test_a_subject_may_not_depend_on_the_subscriber(
    renderer: InProcessRenderer, folder: Path
) -> None:
    source = "{% set who %}{{ subscriber.name }}{% endset %}{{ who|default('You', true) }}"
    with pytest.raises(RenderingError, match=rf"^templates/{SUBJECT}: it says ''"):
        subject(renderer, folder, source)


# System mails


def rendered_system_mail(renderer: InProcessRenderer, folder: Path, source: str) -> Digest:
    write(folder, "email/welcome/body.txt", source)
    mail = SystemMail(
        kind="welcome", publication=sample.publication("en"), newsletters=("The week",)
    )
    return renderer.system_mail(mail)


def test_a_system_mail_has_the_same_values(renderer: InProcessRenderer, folder: Path) -> None:
    source = "{{ subscriber.name|otherwise('you') }} {{ subscriber.preferences }} {{ action }}"
    made = rendered_system_mail(renderer, folder, source)
    assert [*find_placeholders(made.text)] == [
        Placeholder(NAME_PLACEHOLDER, "you"),
        Placeholder(PREFERENCES_PLACEHOLDER),
        Placeholder(ACTION_PLACEHOLDER),
    ]


def test_a_system_mail_has_no_page_on_the_web_and_may_not_depend_on_the_subscriber(
    renderer: InProcessRenderer, folder: Path
) -> None:
    reason = r"^templates/email/welcome/body\.txt, line 1: there is no subscriber\.web here"
    with pytest.raises(RenderingError, match=reason):
        rendered_system_mail(renderer, folder, "{{ subscriber.web }}")
    source = "{% set who %}{{ subscriber.name }}{% endset %}{{ 'x' if who else 'y' }}"
    with pytest.raises(RenderingError, match=r"welcome/body\.txt: it says 'x' to some"):
        rendered_system_mail(renderer, folder, source)


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    """An empty folder of custom templates: all is compared."""
    return Templates(tmp_path_factory.mktemp("templates"))


@pytest.mark.parametrize("language", sample.LANGUAGES)
def test_the_shipped_templates_are_the_same_for_all_subscribers(
    language: str, unchanged: Templates
) -> None:
    issue = sample.issue(language)
    assert render_digest(unchanged, issue) == Renderer().digest(issue)
    for kind in sample.SYSTEM_MAIL_KINDS:
        mail = sample.system_mail(kind, language)
        assert render_system_mail(unchanged, mail) == Renderer().system_mail(mail)


# The gate


@pytest.mark.parametrize("language", ["en", "zh-Hans", "ar"])
def test_a_mail_with_values_passes_the_gate(
    renderer: InProcessRenderer, folder: Path, language: str
) -> None:
    publication, issue = a_publication(), an_issue(language)
    before = check_digest(publication, issue, Renderer().digest(sample.issue(language)))
    dear = "{{ subscriber.name|otherwise('dear subscriber') }}, {{ subscriber.language }}"
    more = f"{dear} <a class='quiet' href='{{{{ subscriber.web }}}}'>My page</a>"
    write(folder, BODY, FOOTER.replace("{}", f"<p class='footer-line'>{more}</p>", 1))
    text = "{% include 'shipped/email/digest/body.txt' %}\n" + dear + "\n{{ subscriber.web }}\n"
    write(folder, TEXT, text)
    proof = check_digest(publication, issue, renderer.digest(sample.issue(language)))
    assert {finding.code for finding in proof.report.errors} == {
        finding.code for finding in before.report.errors
    }
    assert "Sample Subscriber, en" in proof.mail.text
    assert "Sample Subscriber, en" in proof.mail.html
    assert "@@" not in proof.mail.text + proof.mail.html


def test_the_gate_finds_a_placeholder_that_is_not_filled_in() -> None:
    made = Renderer().digest(sample.issue("en"))
    for residue in (ACTION_PLACEHOLDER, "@@SUBSCRIBER_NAME_OR@@FF@@", "@@SUBSCRIBER_SHOE@@"):
        spoilt = replace(
            made,
            html=made.html.replace("</body>", f"<p>{residue}</p></body>"),
            text=f"{made.text}{residue}\n",
        )
        errors = check_digest(a_publication(), an_issue(), spoilt).report.errors
        assert {"html-template", "text-template"} <= {finding.code for finding in errors}


def test_the_documentation_names_every_value_of_a_subscriber() -> None:
    page = (
        Path(__file__).resolve().parents[3] / "docs" / "reference" / "templates.md"
    ).read_text("utf-8")
    named = re.findall(r"(?m)^\| `subscriber\.(\w+)` \|", page)
    assert named == [*filters._VALUES, "web"]
