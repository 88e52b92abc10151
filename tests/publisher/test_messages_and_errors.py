"""Texts of the program: messages, errors, addresses."""

import copy
import pickle
from pathlib import Path, PurePosixPath

import pytest

import publisher.errors as module
from publisher import errors, urls
from publisher.i18n.messages import Sentence, counted, joined, message, packed, unpacked
from publisher.testing import sample_article
from publisher.web_files import strip_host
from tests.publisher.config.samples import publication

# Sentences that keep their template and values, through errors and the database.


def test_a_message_is_its_english_text_and_an_error_keeps_its_template() -> None:
    one = message("%(count)s of %(whole)s: %(words)s", count=1200, whole=3, words=["a", "b"])
    assert one == "1,200 of 3: a, b"
    kept = str(errors.IssueError(one))
    assert isinstance(kept, Sentence)
    assert kept.values == {"count": 1200, "whole": 3, "words": ("a", "b")}
    assert isinstance(str(errors.GateError("weekly", 1, "no alt")), Sentence)


def test_a_message_survives_being_stored_copied_and_sent_to_a_process() -> None:
    one = joined(message("%(n)s left", n=2), "100 % of plain words", message("done"))
    assert one == "2 left; 100 % of plain words; done"
    for again in (
        unpacked(packed(one)),
        copy.copy(one),
        pickle.loads(pickle.dumps(one)),
    ):  # our own
        assert isinstance(again, Sentence)
        assert (again, again.template) == (one, "%(first)s; %(then)s")


def test_somebody_s_own_words_stay_as_they_are() -> None:
    for words in (
        "late",
        '{"template": "x"}',
        '{"template": 3, "values": {}}',
        '{"template": ',
    ):
        assert unpacked(packed(words)) == unpacked(words) == words


@pytest.mark.parametrize(
    "text",
    [
        '{"template": "a", "values": 3}',
        *('{"template": "%(a)2000000000s", "values": {"a": "x"}}', '{"template": 5}'),
        '{"template": ' + "[" * 5000,
    ],
)
def test_words_of_a_person_that_look_like_a_stored_message_stay_as_they_are(text: str) -> None:
    assert unpacked(packed(text)) == text
    # As they were stored before.
    assert len(unpacked(text)) <= len(text)


def test_a_number_decides_between_the_forms_of_a_sentence() -> None:
    for number, text in ((0, "0 days"), (1, "1 day"), (2, "2 days"), (1200, "1,200 days")):
        one = counted("%(count)s day", "%(count)s days", number)
        again = unpacked(packed(joined(one, "left")))
        assert (one, again) == (text, f"{text}; left")
        assert isinstance(again, Sentence)
        assert copy.copy(one).plural == "%(count)s days"


def test_a_stored_sentence_without_its_number_is_shown_as_it_is() -> None:
    for values in ('{"count": "many"}', "{}"):
        stored = f'{{"template": "a day", "plural": "days", "values": {values}}}'
        assert unpacked(stored) == stored


def test_what_a_person_wrote_wrongly_has_exit_code_2_and_all_else_1() -> None:
    codes = {
        thing: thing.exit_code
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, errors.PublisherError)
    }
    assert {thing for thing, code in codes.items() if code == 2} == {
        errors.ConfigError,
        errors.UsageError,
    }
    assert {code for thing, code in codes.items()} == {1, 2}


def test_a_config_error_says_file_key_problem_and_remedy() -> None:
    error = errors.ConfigError(
        "publication.toml", "newsletter[0].late", "'x' won't do", "write send"
    )
    assert str(error) == "publication.toml: newsletter[0].late: 'x' won't do; write send"
    assert (error.file, error.key) == ("publication.toml", "newsletter[0].late")
    assert (error.problem, error.remedy) == ("'x' won't do", "write send")
    assert str(errors.ConfigError("a.toml", "", "no such file", "make it")) == (
        "a.toml: no such file; make it"
    )


def test_errors_carry_what_they_are_about() -> None:
    assert errors.LanguageError("klingon").tag == "klingon"
    transition = errors.TransitionError("sent", "ready")
    assert (transition.source, transition.target) == ("sent", "ready")
    assert str(transition) == "an issue can't go from sent to ready"
    assert errors.BusyError("news", "42").process == "42"
    assert "process 42" in str(errors.BusyError("news", "42"))


def test_a_gate_error_names_issue_count_and_first_and_says_where_to_see_the_rest() -> None:
    error = errors.GateError(
        "weekly-ar-2026-01-09", 3, "img-alt (html, line 7, img): alt is missing"
    )
    assert str(error) == f"weekly-ar-2026-01-09: {error.reason}"
    assert error.reason == (
        "its mail has 3 errors, the first: img-alt (html, line 7, img): alt is missing;"
        " `publisher check` shows them all"
    )
    assert (error.issue, error.errors) == ("weekly-ar-2026-01-09", 3)
    assert "has 1 error: x" in str(errors.GateError("weekly-en-2026-01-09", 1, "x"))


def test_addresses_of_pages_articles_and_links_are_below_the_web_root(tmp_path: Path) -> None:
    path = urls.article_path("zh-Hans", "the-lantern")
    assert path == "zh-Hans/stories/the-lantern/"
    assert urls.page_file(path) == PurePosixPath("zh-Hans/stories/the-lantern/index.html")
    site = publication(tmp_path, url="https://example.org/news/")
    assert urls.public_url(site, "en/") == "https://example.org/news/en/"
    assert urls.public_url(site, "/en/") == "https://example.org/news/en/"
    site = publication(tmp_path, url="https://news.example.org")
    assert urls.article_url(site, sample_article(url="https://example.com/a")) == (
        "https://example.com/a"
    )
    assert urls.article_url(site, sample_article(language="ar", slug="the-lantern")) == (
        "https://news.example.org/ar/stories/the-lantern/"
    )
    root = "https://example.org/news"
    assert strip_host(f'<a href="{root}/en/">', root) == '<a href="/news/en/">'


ROOT = "https://news.example.org"


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (f'<a href="{ROOT}/en/">', '<a href="/en/">'),
        (f'<a class="x" href="{ROOT}/en/#top">', '<a class="x" href="/en/#top">'),
        (f'<img alt="" src="{ROOT}/media/1/a.png">', '<img alt="" src="/media/1/a.png">'),
        ('<a href="#top">', '<a href="#top">'),
        ('<a href="https://example.net/en/">', '<a href="https://example.net/en/">'),
        # Without our host, the rest would name another.
        (f'<a href="{ROOT}//evil.example/">', f'<a href="{ROOT}//evil.example/">'),
        (f'<img src="{ROOT}//evil.example/a.png">', f'<img src="{ROOT}//evil.example/a.png">'),
        # Another host that begins alike is another host.
        (f'<a href="{ROOT}.example.net/">', f'<a href="{ROOT}.example.net/">'),
        (
            f'<link rel="canonical" href="{ROOT}/en/">',
            f'<link rel="canonical" href="{ROOT}/en/">',
        ),
        (f"<p>{ROOT}/en/</p>", f"<p>{ROOT}/en/</p>"),
    ],
)
def test_only_followed_links_lose_the_host(page: str, expected: str) -> None:
    assert strip_host(page, ROOT) == expected
