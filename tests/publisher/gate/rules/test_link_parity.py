import pytest

from publisher.gate.mail import CheckedMail
from publisher.gate.rules import text_part
from tests.publisher.gate.messages import PREHEADERS, STORIES, a_mail, page_of, text_of

HTML, TEXT = page_of(STORIES["en"], PREHEADERS["en"]), text_of(STORIES["en"])
FERRY = STORIES["en"][0].url
NAMED = "“The ferry that waits for the tide” (en)"


def found(html: str = HTML, text: str = TEXT) -> dict[str, str]:
    return {
        finding.code: finding.where for finding in text_part.check(a_mail(html=html, text=text))
    }


@pytest.mark.parametrize("language", [*STORIES])
def test_parts_with_the_same_links_are_accepted(language: str) -> None:
    assert list(text_part.check(a_mail(language))) == []


def test_a_story_that_is_not_linked_is_an_error_in_its_part() -> None:
    assert found(html=HTML.replace(FERRY, "")) == {"story-link-html": NAMED}
    assert found(text=TEXT.replace(FERRY, "")) == {"story-link-text": NAMED}


def test_the_text_part_has_the_unsubscribe_address() -> None:
    codes = found(text=TEXT.replace("@@UNSUBSCRIBE@@", ""))
    assert codes["unsubscribe-text"].startswith("https://news.example.org/en/unsubscribe/?t=")
    assert set(codes) == {"unsubscribe-text"}


def test_links_of_one_part_only_are_listed_once() -> None:
    extra = "".join(f'<a href="https://example.org/{n}">x</a>' for n in range(4))
    listed = ", ".join(f"https://example.org/{n}" for n in range(3)) + ", …"
    assert found(html=HTML.replace("</body>", f"{extra}</body>")) == {"links-html-only": listed}
    assert found(text=TEXT + "\nSee https://example.org/0.\n") == {
        "links-text-only": "https://example.org/0"
    }


@pytest.mark.parametrize(
    ("href", "written"),
    [
        ("https://example.org/%E6%B8%A1", "https://example.org/渡"),
        ("https://example.org/a?b=1&amp;c=2", "(https://example.org/a?b=1&c=2)."),
        ("https://example.org/wiki/Ferry_(boat)", "https://example.org/wiki/Ferry_(boat)"),
        ("https://example.org/x", "\u2068https://example.org/x\u2069。"),
        ("mailto:digest@news.example.org", "write to us"),
        ("#top", ""),
    ],
)
def test_an_address_may_be_written_in_two_ways(href: str, written: str) -> None:
    html = HTML.replace("</body>", f'<a href="{href}">x</a></body>')
    assert found(html=html, text=f"{TEXT}\n{written}\n") == {}


def test_an_address_that_the_html_shows_without_linking_it_may_be_in_the_text() -> None:
    said = "Go to https://example.org/plain and see"
    assert found(html=HTML.replace("</body>", f"<p>{said}</p></body>"), text=TEXT + said) == {}


def test_each_rule_finds_a_mail_that_breaks_it() -> None:
    without: CheckedMail = a_mail(
        html="<p>x</p><a href='https://example.org/'>y</a>", text="http://a.example\n"
    )
    assert {f.code for f in text_part._check_links(without)} == {
        rule.code for rule in text_part._LINKS_RULES
    }
