import pytest

from publisher.gate.mail import CheckedMail
from publisher.gate.rules import lists
from tests.publisher.gate.messages import STORIES, a_mail, with_field

NAMES = {
    "List-Unsubscribe": "list-unsubscribe",
    "List-Unsubscribe-Post": "list-unsubscribe-post",
    "List-Id": "list-id",
    "Feedback-ID": "feedback-id",
    "Auto-Submitted": "auto-submitted",
    "Content-Language": "content-language",
}
BROKEN = [
    "List-Unsubscribe: =?utf-8?q?=3Chttps=3A//news=2Eexample=2Eorg/u=3E?=",
    "List-Unsubscribe: <mailto:leave@news.example.org>, <https://news.example.org/u>",
    "List-Unsubscribe: <ftp://news.example.org/u>",
    "List-Unsubscribe: <http:///u>",
    "List-Unsubscribe: <https://[x/>",
    "List-Unsubscribe: <https://[x]/>",
    "List-Unsubscribe: https://news.example.org/u",
    "List-Unsubscribe: <https://news.example.org/u?a= b>",
    "List-Unsubscribe: <https://news.example.org/é>",
    "List-Unsubscribe: <https:///u>",
    "List-Unsubscribe: ",
    "List-Unsubscribe-Post: List-Unsubscribe=one-click",
    "List-Unsubscribe-Post: One-Click",
    "List-Id: weekly",
    "List-Id: <weekly>",
    "List-Id: <weekly news.example.org>",
    f"List-Id: <{'a' * 250}.example>",
    "Feedback-ID: 2026-01-09:en:week",
    "Feedback-ID: a:b:c:d:newsexample",
    "Feedback-ID: a:b:reader@example.com:newsexample",
    "Auto-Submitted: no",
    "Content-Language: fr",
    "Content-Language: en, fr",
]
KEPT = [
    "List-Unsubscribe: <https://news.example.org/u?t=" + "x" * 400 + ">",
    "List-Unsubscribe: <https://news.example.org/u>,\r\n <mailto:a@news.example.org>",
    'List-Id: "The week, in English" <weekly.en.news.example.org>',
    "List-Id: <weekly.en.[2001:db8::7]>",
    "List-Id: <weekly.en.::1>",
    "List-Id: <weekly.en.localhost>",
    "Feedback-ID: newsexample",
    "Feedback-ID: 2026-01-09:en:weekly:newsexample",
    "Auto-Submitted: auto-generated; owner-email=a@example.org",
    "Content-Language: EN",
]


def changed(line: str) -> CheckedMail:
    return with_field(a_mail(), line.partition(":")[0], line)


@pytest.mark.parametrize("language", [*STORIES])
def test_nothing_is_wrong_with_what_the_program_composes(language: str) -> None:
    assert list(lists.check(a_mail(language))) == []


@pytest.mark.parametrize("line", BROKEN)
def test_a_field_of_another_shape_is_found(line: str) -> None:
    name = line.partition(":")[0]
    (finding,) = lists.check(changed(line))
    assert (finding.code, finding.where) == (NAMES[name], name)


@pytest.mark.parametrize("line", KEPT)
def test_every_shape_that_programs_understand_is_let_through(line: str) -> None:
    assert list(lists.check(changed(line))) == []


@pytest.mark.parametrize(("name", "code"), NAMES.items())
def test_a_field_that_is_missing_is_found(name: str, code: str) -> None:
    (finding,) = lists.check(with_field(a_mail(), name, None))
    assert (finding.code, finding.problem) == (code, "the field is missing")


@pytest.mark.parametrize("host", ["news.example.org", "localhost:8000", "[::1]:8000"])
def test_leaving_by_http_is_warned_of(host: str) -> None:
    (finding,) = lists.check(changed(f"List-Unsubscribe: <http://{host}/u>"))
    assert (finding.code, finding.severity) == ("list-unsubscribe-http", "warning")


def test_every_rule_is_broken_by_one_of_these() -> None:
    codes = {*NAMES.values(), "list-unsubscribe-http"}
    assert codes == {rule.code for rule in lists.RULES}


@pytest.mark.parametrize("language", ["zh-Hans", "ar"])
def test_the_language_must_be_the_editions(language: str) -> None:
    mail = with_field(a_mail(language), "Content-Language", "Content-Language: en")
    (finding,) = lists.check(mail)
    assert language in finding.problem
