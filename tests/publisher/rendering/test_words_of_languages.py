"""Mails, pages and feeds in each language that the program has words of: no word of another language stands in them."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from lxml import html

from publisher.languages import in_quotes, script
from publisher.mailbox.commands import is_assent, parse_command
from publisher.rendering import PublicationView, Renderer
from publisher.rendering.template_files import catalogue
from tests.publisher.rendering import sample
from tests.publisher.rendering.test_catalogues import LANGUAGES, used
from tests.sizes import by_lane

RENDERER = Renderer()
# One for each script, and for what its names and dates are like.
SOME = ("bg", "de", "el", "fa", "he", "hi", "ja", "ko", "th", "tr")
languages = pytest.mark.parametrize("language", by_lane(SOME, LANGUAGES))
# English sentences of the program that no English word of an article, name or address can be.
ENGLISH = tuple(
    one for one in used() if isinstance(one, str) and len(one) > 11 and "%" not in one
)


def publication(language: str) -> PublicationView:
    tags = ("en", language)
    return replace(sample.publication("en"), language=language, languages=tags)


def shown(page: str) -> str:
    root = html.document_fromstring(re.sub(r"(?s)<style.*?</style>", "", page))
    return " ".join("".join(str(text) for text in root.itertext()).split())


def mails(language: str) -> Iterator[str]:
    house = publication(language)
    content = sample.issue("en", publication=house, number=12, sisters=())
    digest = RENDERER.digest(content)
    for kind in sample.SYSTEM_MAIL_KINDS:
        mail = RENDERER.system_mail(sample.system_mail(kind, "en", publication=house))
        yield from (mail.subject, mail.text, shown(mail.html))
    yield from (digest.subject, digest.text, shown(digest.html))


def pages(language: str) -> Iterator[str]:
    house = publication(language)
    content = sample.issue("en", publication=house, number=12)
    item = content.items[0]
    yield RENDERER.issue_page(content)
    yield RENDERER.article_page(house, item)
    yield RENDERER.home_page(replace(sample.home("en"), publication=house))
    yield RENDERER.archive_page(house, sample.archive("en"))
    yield RENDERER.feed_page(house, sample.feed("en"))
    for kind in ("subscribe", "unsubscribe", "preferences"):
        yield RENDERER.letter_page(house, kind, "desk@example.org")
    yield RENDERER.withdrawn_page(house)
    yield RENDERER.missing_page(house)


@languages
def test_no_english_sentence_of_the_program_stands_in_mails_pages_and_feeds(
    language: str,
) -> None:
    texts = [*mails(language), *map(shown, pages(language))]
    house = publication(language)
    feed = RENDERER.feed_texts(sample.item("en"), house).content_html
    whole = "\n".join([*texts, feed, RENDERER.feed_style(house)])
    assert [one for one in ENGLISH if one in whole] == []


@languages
def test_names_of_newsletters_stand_in_the_marks_of_the_language(language: str) -> None:
    mail = sample.system_mail("welcome", "en", publication=publication(language))
    text = " ".join(RENDERER.system_mail(mail).text.split())
    quoted = " ".join(in_quotes("The week", language).split())
    assert quoted in text or "《The week》" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_that_mails_and_pages_tell_to_write_are_understood(language: str) -> None:
    words, _found = catalogue(language)
    yes = words.gettext("Or answer this mail with the word “yes”: that confirms it, too.")
    assert any(map(is_assent, _marked(yes)))
    many = "So many requests come at the moment that this form needs JavaScript. Without it, wait half a minute before you press the button; or write to us: send an empty mail with the subject “subscribe” to %(address)s."
    assert many in used()
    asked = [parse_command(one, "") for one in _marked(words.gettext(many))]
    assert [one.use for one in asked if one] == ["subscribe"]


def _marked(sentence: str) -> list[str]:
    """Return what stands in quotation marks of any language."""
    marks = "[“”„‘’«»「」‚]"
    return [
        one.strip() for one in re.findall(rf"{marks}\s*([^“”„‘’«»「」‚]+?)\s*{marks}", sentence)
    ]


def test_scripts_of_the_languages_are_all_looked_at() -> None:
    assert {script(tag) for tag in SOME} >= {script(tag) for tag in LANGUAGES} - {
        *("Arab", "Hans", "Hant", "Latn"),
    }
