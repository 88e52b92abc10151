"""Sentences of the engine as pages of the console show them, in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import Column, Engine, MetaData, Table, create_engine, insert, select

from publisher.database.metadata import SentenceObjects
from publisher.gate.findings import finding_data
from publisher.messages import Sentence, counted, joined, message, untranslated
from publisher.rendering.catalogues import console_catalogue
from publisher.rendering.console import CONSOLE_LANGUAGES, said_in
from tests.publisher.gate.test_whole_mails import MAILS, report

# Notes of caniemail.com, and CSS, are quoted.
QUOTED = re.compile(r"supported in part: |^@import ")


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = create_engine("sqlite://")
    yield made
    made.dispose()


def said(language: str, text: str) -> str:
    """Give the words of a sentence without its marks."""
    return re.sub("<[^>]+>", "", said_in(language, console_catalogue(language)[0], text))


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
    late = message("%(span)s late, and late = skip", span=counted("%(count)s hour", "%(count)s hours", 2))  # fmt: skip
    assert "ساعتان" in said("ar", late)
    assert "2 小时" in said("zh-Hans", late)
    assert "2 小時" in said("zh-Hant", late)


def test_a_number_of_things_without_a_translation_is_marked_as_english() -> None:
    text = counted("%(count)s zebra", "%(count)s zebras", 3)
    shown = said_in("ar", console_catalogue("ar")[0], text)
    assert shown == '<bdi lang="en" dir="ltr">3 zebras</bdi>'


def test_words_of_others_stay_and_are_marked_as_english() -> None:
    text = joined(days(1), untranslated("550 5.1.1 <nobody>"))
    shown = said_in("zh-Hans", console_catalogue("zh-Hans")[0], text)
    assert shown == '超过 1 天；<bdi lang="en" dir="ltr">550 5.1.1 &lt;nobody&gt;</bdi>'


@pytest.mark.parametrize("language", CONSOLE_LANGUAGES[1:])
@pytest.mark.parametrize("name", MAILS)
def test_findings_of_the_gate_are_said_in_the_editor_s_language(
    name: str, language: str
) -> None:
    translations = console_catalogue(language)[0]
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
