"""Commands in the subjects and texts of mails: what is understood as one, and what agrees."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.mailbox import commands
from publisher.mailbox.store import MailUse
from tests.publisher.rendering.test_catalogues import LANGUAGES

U, S, C = MailUse.UNSUBSCRIBE, MailUse.SUBSCRIBE, MailUse.CONFIRM
L, H = MailUse.LANGUAGE, MailUse.LINKS


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("unsubscribe", commands.MailCommand(U)),
        ("Re: UNSUBSCRIBE weekly", commands.MailCommand(U, ("weekly",))),
        ("unsubscribe v2.abc-_.def", commands.MailCommand(U, ("v2.abc-_.def",))),
        ("“Unsubscribe”.", commands.MailCommand(U)),
        ("remove me", commands.MailCommand(U)),
        ("退订", commands.MailCommand(U, (), "zh-Hans")),
        ("回覆：取消訂閱", commands.MailCommand(U, (), "zh-Hant")),
        ("رد: إلغاء الاشتراك", commands.MailCommand(U, (), "ar")),
        ("\u202bإلغاء الاشتراك\u202c", commands.MailCommand(U, (), "ar")),
        ("subscribe", commands.MailCommand(S)),
        ("訂閱 weekly", commands.MailCommand(S, ("weekly",), "zh-Hant")),
        ("اشتراك", commands.MailCommand(S, (), "ar")),
        ("confirm 123456", commands.MailCommand(C, ("123456",))),
        ("确认 １２３４５６", commands.MailCommand(C, ("123456",), "zh-Hans")),
        ("language ar v2.x.y", commands.MailCommand(L, ("ar", "v2.x.y"))),
        ("語言 zh-Hant", commands.MailCommand(L, ("zh-Hant",), "zh-Hant")),
        ("help", commands.MailCommand(H)),
        ("偏好设置", commands.MailCommand(H, (), "zh-Hans")),
    ],
)
def test_a_command_is_understood_in_every_language(
    subject: str, expected: commands.MailCommand
) -> None:
    assert commands.parse_command(subject, "") == expected
    assert commands.parse_command("(no subject)", subject) == expected


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "Hello",
        "Subscribe to my channel now",
        "help me please",
        "How do I unsubscribe?",
        "unsubscribe <script>",
        "unsubscribed",
    ],
)
def test_a_sentence_is_no_command(subject: str) -> None:
    assert commands.parse_command(subject, "I like your ferry article very much") is None


QUOTE = "> Please confirm your subscription\n> https://lantern.example/\n"


@pytest.mark.parametrize(
    "text",
    [
        "Yes!\n\nSent from my phone\n",
        "\u200fنعم،\n\n",
        "",
        f"On 9 Jan 2026 at 10:00 The Lantern <digest@lantern.example>\nwrote:\n\n{QUOTE}",
        f"{QUOTE}\n-- \nAnn\n",
        "在 2026年1月9日，灯笼 <digest@lantern.example> 写道：\n请确认订阅\n",
        "-----Original Message-----\nFrom: The Lantern\n",
    ],
)
def test_yes_or_nothing_but_a_quotation_agrees(text: str) -> None:
    assert commands.is_assent(text)


@pytest.mark.parametrize(
    "text",
    [
        "Dear editors:\n\nI did not ask for this.\n",
        "您好：\n\n我没有订阅，请不要再写信。\n",
        "No.\n",
        f"{QUOTE}\nThat was not me.\n",
        f"On 9 Jan 2026 The Lantern wrote:\n{QUOTE}\nThat was not me.\n",
    ],
)
def test_a_salutation_or_words_below_a_quotation_do_not_agree(text: str) -> None:
    assert not commands.is_assent(text)


@given(st.text(), st.text())
def test_no_text_breaks_the_reader(subject: str, line: str) -> None:
    commands.parse_command(subject, line)
    commands.is_assent(line)


def test_each_language_has_a_phrase_for_each_command_and_none_asks_for_two_things() -> None:
    uses: dict[tuple[str, ...], set[MailUse]] = {}
    for language, phrases in commands._PHRASES.items():
        for use in commands._MAX_ARGUMENTS:
            assert phrases[use.value], (language, use)
            for phrase in phrases[use.value]:
                uses.setdefault(commands.folded_words(phrase), set()).add(use)
    assert {phrase: asked for phrase, asked in uses.items() if len(asked) > 1} == {}
    assert set(commands._PHRASES) == {"en", *LANGUAGES}


@pytest.mark.parametrize("language", [*LANGUAGES, "en"])
def test_the_first_phrases_of_a_language_are_understood_in_any_letter_case(
    language: str,
) -> None:
    for use in commands._MAX_ARGUMENTS:
        phrase = commands._PHRASES[language][use.value][0]
        for written in (phrase, phrase.upper(), f"«{phrase}»"):
            found = commands.parse_command(written, "")
            assert found is not None, written
            assert found.use == use


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("ABONELİKTEN ÇIK", commands.MailCommand(U, (), "tr")),
        ("desinscription", commands.MailCommand(U, (), "fr")),
        ("odhlásiť", commands.MailCommand(U, (), "sk")),
        ("Antw: afmelden", commands.MailCommand(U, (), "nl")),
        ("भाषा हिन्दी", commands.MailCommand(L, ("हिन्दी",), "hi")),
    ],
)
def test_accents_prefixes_and_vowel_signs_do_not_matter(
    written: str, expected: commands.MailCommand
) -> None:
    assert commands.parse_command(written, "") == expected


@pytest.mark.parametrize("text", ["「はい」", "oui, merci !", "‘Ja’", "evet", "ДА"])
def test_yes_is_understood_in_many_languages(text: str) -> None:
    assert commands.is_assent(text)
