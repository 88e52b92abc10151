"""The reader in templates: her values are written for her, and nobody else may ask about them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from publisher.assembly.gate_run import check_digest
from publisher.errors import RenderingError
from publisher.rendering import (
    Digest,
    Renderer,
    SystemMail,
)
from publisher.rendering.placeholders import (
    CONFIRM_PLACEHOLDER,
    NAME_PLACEHOLDER,
    PREFERENCES_PLACEHOLDER,
    UNSUBSCRIBE_PLACEHOLDER,
    WEB_PLACEHOLDER,
    Placeholder,
    find_placeholders,
)
from tests.publisher.mail.samples import a_publication, an_issue
from tests.publisher.rendering import sample
from tests.publisher.rendering.sandbox_helpers import write
from tests.publisher.rendering.test_subscriber_values import (
    BODY,
    EDITION,
    ONCE,
    OTHERWISE,
    SUBJECT,
    TEXT,
    page,
)
from tests.publisher.rendering.test_subscriber_values import folder as folder  # noqa: PLC0414
from tests.publisher.rendering.test_subscriber_values import renderer as renderer  # noqa: PLC0414

FOOTER = "{% extends 'shipped/email/digest/body.html' %}{% block footer %}{}{{ super() }}{% endblock %}"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ('"dear reader"', "dear reader"),
        ("\"dear <reader> & 'friend'\"", "dear <reader> & 'friend'"),
        ('_("dear reader")', "dear reader"),
        ('"two\\nlines\u2028here "', "two lines here"),
        ('"亲爱的读者"', "亲爱的读者"),
        ('""', ""),
    ],
)
def test_words_for_readers_without_a_name_survive_escaping_and_inlining(
    renderer: Renderer, folder: Path, words: str, said: str
) -> None:
    place = f"{{{{ reader.name | otherwise({words}) }}}}"
    made = page(renderer, folder, f"<p title='{place}' style=\"color:#000000\">{place}</p>")
    assert [*find_placeholders(made)] == [Placeholder(NAME_PLACEHOLDER, said)] * 2
    assert re.sub(r"@@[A-Z0-9_@]+@@", "", made) == '<p title="" style="color:#000000"></p>'
    write(folder, TEXT, place + " and a line so long that it has to be broken somewhere" * 3)
    text = renderer.digest(sample.issue("en")).text
    assert [*find_placeholders(text)] == [Placeholder(NAME_PLACEHOLDER, said)]


def test_a_branch_in_a_publication_s_own_template_is_named_with_its_line(
    renderer: Renderer, folder: Path
) -> None:
    write(folder, TEXT, "x\n\n{% if reader.name %}Dear {{ reader.name }}{% endif %}")
    reason = rf"^templates/{TEXT}, line 3: {ONCE}, so reader\.name can't be asked .*{OTHERWISE}"
    with pytest.raises(RenderingError, match=reason):
        renderer.digest(sample.issue("en"))


@pytest.mark.parametrize(
    "source",
    [
        "{% set who %}{{ reader.name }}{% endset %}{% if who %}Dear {{ who }}{% endif %}",
        "{% set who %}{{ reader.name }}{% endset %}{{ who or 'you' }}",
        "{% set who = 'Dear ' ~ reader.name %}{{ who|length }}",
        "{{ ('Dear ' ~ reader.name)|truncate(8) }}",
        "{% set who %}{{ reader.name|otherwise('x') }}{% endset %}{{ who if who else 'you' }}",
    ],
)
def test_what_was_made_of_a_value_may_not_be_asked_about_either(
    renderer: Renderer, folder: Path, source: str
) -> None:
    reason = (
        rf"^templates/{BODY}: where it says '.*' to some readers, it would say '.*' to others"
    )
    with pytest.raises(RenderingError, match=f"{reason}: {ONCE}; write .*, {EDITION}"):
        page(renderer, folder, source)


@pytest.mark.parametrize(
    "source",
    [
        "{% filter lower %}{{ reader.name }}{% endfilter %}",
        "{{ reader.name|string|capitalize }}",
    ],
)
def test_what_was_made_of_a_value_may_not_be_changed(
    renderer: Renderer, folder: Path, source: str
) -> None:
    reason = rf"^templates/{BODY}: a reader's value was changed to @@reader_name@@: {ONCE}"
    with pytest.raises(RenderingError, match=reason):
        page(renderer, folder, source)


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ('<a href="{{ reader.name }}">x</a>', 'href="..." of <a>'),
        ('<a href="mailto:{{ reader.address }}">x</a>', 'href="..." of <a>'),
        ('<img src="https://x.example/{{ reader.language }}" alt="">', 'src="..." of <img>'),
        ('<p style="color:{{ reader.name }}">x</p>', 'style="..." of <p>'),
        ('<style data-premailer="ignore">{{ reader.name }}</style>', "<style>"),
    ],
)
def test_a_value_can_not_stand_where_it_would_be_an_address_or_a_style(
    renderer: Renderer, folder: Path, source: str, place: str
) -> None:
    reason = rf"^templates/{BODY}: @@[A-Z_]+@@ can't stand in {re.escape(place)}$"
    with pytest.raises(RenderingError, match=reason):
        page(renderer, folder, source)


def test_links_stand_in_addresses_and_names_in_titles(renderer: Renderer, folder: Path) -> None:
    source = '<a href="{{ reader.web }}" title="For {{ reader.name }}">x</a>'
    made = page(renderer, folder, source)
    assert made == f'<a href="{WEB_PLACEHOLDER}" title="For {NAME_PLACEHOLDER}">x</a>'


def subject(renderer: Renderer, folder: Path, source: str) -> str:
    write(folder, SUBJECT, source)
    return renderer.digest(sample.issue("en")).subject


def test_a_subject_may_name_the_reader(renderer: Renderer, folder: Path) -> None:
    made = subject(renderer, folder, "{{ reader.name|otherwise('You') }}, your week")
    assert made == f"{Placeholder(NAME_PLACEHOLDER, 'You')}, your week"


def test_a_subject_may_hold_no_link(renderer: Renderer, folder: Path) -> None:
    reason = (
        rf"^templates/{SUBJECT}: a link, {UNSUBSCRIBE_PLACEHOLDER}, can't stand in a subject$"
    )
    with pytest.raises(RenderingError, match=reason):
        subject(renderer, folder, "See {{ unsubscribe }}")


def test_a_subject_is_shortened_around_a_value(renderer: Renderer, folder: Path) -> None:
    made = subject(
        renderer, folder, "word " * 9 + "{{ reader.name|otherwise('long ' * 99) }} x"
    )
    assert made == "word " * 8 + "word…"


def test_a_subject_may_not_depend_on_the_reader(renderer: Renderer, folder: Path) -> None:
    source = "{% set who %}{{ reader.name }}{% endset %}{{ who|default('You', true) }}"
    with pytest.raises(RenderingError, match=rf"^templates/{SUBJECT}: where it says ''"):
        subject(renderer, folder, source)


def rendered_system_mail(renderer: Renderer, folder: Path, source: str) -> Digest:
    write(folder, "email/welcome/body.txt", source)
    mail = SystemMail(kind="welcome", house=sample.house("en"), newsletters=("The week",))
    return renderer.system_mail(mail)


def test_a_system_mail_has_a_reader_too(renderer: Renderer, folder: Path) -> None:
    source = "{{ reader.name|otherwise('you') }} {{ reader.preferences }} {{ confirm }}"
    made = rendered_system_mail(renderer, folder, source)
    assert [*find_placeholders(made.text)] == [
        Placeholder(NAME_PLACEHOLDER, "you"),
        Placeholder(PREFERENCES_PLACEHOLDER),
        Placeholder(CONFIRM_PLACEHOLDER),
    ]


def test_a_system_mail_is_no_issue_and_has_no_page(renderer: Renderer, folder: Path) -> None:
    reason = r"^templates/email/welcome/body\.txt, line 1: there is no reader\.web here"
    with pytest.raises(RenderingError, match=reason):
        rendered_system_mail(renderer, folder, "{{ reader.web }}")


def test_a_system_mail_may_not_depend_on_the_reader(renderer: Renderer, folder: Path) -> None:
    source = "{% set who %}{{ reader.name }}{% endset %}{{ 'x' if who else 'y' }}"
    with pytest.raises(RenderingError, match=r"welcome/body\.txt: where it says 'x' to some"):
        rendered_system_mail(renderer, folder, source)


@pytest.mark.parametrize("language", ["en", "zh-Hans", "ar"])
def test_a_mail_with_readers_values_passes_the_gate(
    renderer: Renderer, folder: Path, language: str
) -> None:
    publication, issue = a_publication(), an_issue(language)
    before = check_digest(publication, issue, Renderer().digest(sample.issue(language)))
    dear = "{{ reader.name|otherwise('dear reader') }}, {{ reader.language }}"
    more = f"{dear} <a class='quiet' href='{{{{ reader.web }}}}'>My page</a>"
    write(folder, BODY, FOOTER.replace("{}", f"<p class='footer-line'>{more}</p>", 1))
    text = "{% include 'shipped/email/digest/body.txt' %}\n" + dear + "\n{{ reader.web }}\n"
    write(folder, TEXT, text)
    proof = check_digest(publication, issue, renderer.digest(sample.issue(language)))
    assert {finding.code for finding in proof.report.errors} == {
        finding.code for finding in before.report.errors
    }
    assert "Sample Subscriber, en" in proof.mail.text
    assert "Sample Subscriber, en" in proof.mail.html
    assert "@@" not in proof.mail.text + proof.mail.html
