"""The words of the editors' console are whole in each of its languages, and so are sentences of the engine there."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import extract, extract_from_dir
from sqlalchemy import Column, Engine, MetaData, Table, create_engine, insert, select

import publisher
import subscribers
from publisher.database.metadata import SentenceObjects
from publisher.delivery.causes import CAUSES
from publisher.gate.findings import finding_data
from publisher.i18n import messages as program_messages
from publisher.i18n.article_problems import PROBLEM_TEXTS
from publisher.i18n.messages import Sentence, counted, joined, untranslated
from publisher.languages import catalogues
from publisher.rendering import template_files
from publisher.rendering.console import CONSOLE_LANGUAGES, said_in
from tests.publisher.gate.test_whole_mails import MAILS, report

every_language = pytest.mark.parametrize("language", CONSOLE_LANGUAGES[1:])
NUMBERS = (0, 1, 2, 3, 11, 100)
# The functions of `publisher.i18n.messages` and `subscribers.errors`, and `PublisherError.saying`, with templates as
# arguments, as Babel has it.
_KEYWORDS = {
    **dict.fromkeys(("message", "saying", "RowReason")),
    "counted": (1, 2),
    "finding": (3,),
}


@cache
def used() -> set[str | tuple[str, ...]]:
    options = {"newstyle_gettext": "true", "trimmed": "true"}
    found = extract_from_dir(
        catalogues.shipped_templates_folder() / "console",
        [("**.html", "jinja2"), ("**.ics", "jinja2"), ("**.txt", "jinja2")],
        {"**.html": options, "**.ics": options, "**.txt": options},
    )
    return {message for _file, _line, message, _comments, _context in found} | sentences()


def sentences() -> set[str | tuple[str, ...]]:
    """Give the engine's sentences that pages show: templates of `message` and `RowReason`, and tables of causes and problems."""
    packages = [Path(one.__path__[0]) for one in (publisher, subscribers)]
    words = {file: file.read_text("utf-8") for one in packages for file in one.rglob("*.py")}
    files = [
        file for file, text in words.items() if any(f"{one}(" in text for one in _KEYWORDS)
    ]
    found: set[str | tuple[str, ...]] = set()
    for file in files:
        with file.open("rb") as lines:
            found |= {one for _l, one, _c, _x in extract("python", lines, _KEYWORDS)}
    for cause in CAUSES.values():
        found |= {cause.sentence, cause.advice, cause.form}
    for text in PROBLEM_TEXTS.values():
        found |= {text.meaning, text.remedy}
    return found


@cache
def messages(language: str) -> list[tuple[str, Message, int]]:
    return [
        (path.name, message, whole.num_plurals)
        for path in catalogues.console_catalogue_files(language)
        for whole in [template_files.read_catalogue(path, language)]
        for message in whole
        if message.id
    ]


def texts(value: object) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, tuple | list) else (str(value),)


@every_language
def test_every_string_of_the_console_is_translated_and_nothing_else(language: str) -> None:
    found = messages(language)
    assert {message.id for _file, message, _plurals in found} == used()
    assert [
        m.id for _file, m, plurals in found if not template_files.is_complete(m, plurals)
    ] == []


@every_language
def test_a_string_in_several_files_has_one_translation(language: str) -> None:
    seen: dict[object, tuple[str, ...]] = {}
    for file, message, _plurals in messages(language):
        known = seen.setdefault(message.id, texts(message.string))
        assert known == texts(message.string), (file, message.id)


@every_language
def test_translations_have_the_placeholders_of_the_source(language: str) -> None:
    def placeholders(text: str) -> set[str]:
        return set(re.findall(r"%\((\w+)\)s", text))

    for file, message, _plurals in messages(language):
        wanted = placeholders(texts(message.id)[-1])
        for form in texts(message.string):
            # A language may count without the number.
            missing = wanted - placeholders(form)
            assert placeholders(form) <= wanted, (file, message.id)
            assert missing <= ({"num", "count"} if message.pluralizable else set()), (
                file,
                message.id,
            )


@every_language
def test_every_form_of_a_number_is_in_the_language(language: str) -> None:
    translations, found = template_files.console_catalogue(language)
    assert found
    for message in used():
        if isinstance(message, tuple):
            for number in NUMBERS:
                text = translations.ngettext(message[0], message[1], number)
                assert text not in message


# Notes of caniemail.com, and CSS, are quoted.
QUOTED = re.compile(r"supported in part: |^@import ")


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = create_engine("sqlite://")
    yield made
    made.dispose()


def said(language: str, text: str) -> str:
    """Give the words of a sentence without its marks."""
    return re.sub(
        "<[^>]+>", "", said_in(language, template_files.console_catalogue(language)[0], text)
    )


def days(count: int) -> Sentence:
    return counted("older than %(count)s day", "older than %(count)s days", count)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "أقدم من 0 يوم"),
        (1, "أقدم من يوم واحد"),
        (2, "أقدم من يومين"),
        (3, "أقدم من 3 أيام"),
        (11, "أقدم من 11 يومًا"),
        (100, "أقدم من 100 يوم"),
    ],
)
def test_arabic_has_a_form_for_each_kind_of_number(count: int, text: str) -> None:
    assert said("ar", days(count)) == text


def test_a_number_of_a_sentence_within_another_decides_its_form() -> None:
    late = program_messages.message("%(span)s late, and late = skip", span=counted("%(count)s hour", "%(count)s hours", 2))  # fmt: skip
    assert "ساعتان" in said("ar", late)
    assert "2 小时" in said("zh-Hans", late)
    assert "2 小時" in said("zh-Hant", late)


def test_numbers_and_words_of_others_without_a_translation_are_marked_as_english() -> None:
    text = counted("%(count)s zebra", "%(count)s zebras", 3)
    shown = said_in("ar", template_files.console_catalogue("ar")[0], text)
    assert shown == '<bdi lang="en" dir="ltr">3 zebras</bdi>'
    words = joined(days(1), untranslated("550 5.1.1 <nobody>"))
    shown = said_in("zh-Hans", template_files.console_catalogue("zh-Hans")[0], words)
    assert shown == '超过 1 天；<bdi lang="en" dir="ltr">550 5.1.1 &lt;nobody&gt;</bdi>'


@pytest.mark.parametrize("language", CONSOLE_LANGUAGES[1:])
@pytest.mark.parametrize("name", MAILS)
def test_findings_of_the_gate_are_said_in_the_editor_s_language(
    name: str, language: str
) -> None:
    translations = template_files.console_catalogue(language)[0]
    english = [
        one.problem
        for one in report(name).findings
        if 'lang="en"' in said_in(language, translations, one.problem)
    ]
    assert [one for one in english if not QUOTED.search(one)] == []


def test_findings_keep_their_templates_in_the_database(engine: Engine) -> None:
    table = Table("mail", MetaData(), Column("findings", SentenceObjects))
    table.create(engine)
    findings = [finding_data(one) for one in report("plain").findings]
    with engine.begin() as connection:
        connection.execute(insert(table).values(findings=findings))
        stored = connection.execute(select(table)).scalar_one()
    assert stored == findings
    assert [one["problem"].template for one in stored] == [
        one["problem"].template for one in findings
    ]
