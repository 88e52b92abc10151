import quopri
from base64 import encodebytes
from dataclasses import replace
from email.header import decode_header, make_header
from email.utils import parseaddr

import pytest

from publisher.config import Publication
from publisher.errors import DeliveryError
from publisher.mail import compose_message
from publisher.mail.compiled import choose_encoding
from publisher.mail.message_header import feedback_id, message_id_local_part
from publisher.mail.signed_links import read_link
from publisher.testing import SECRET
from tests.publisher.mail.samples import (
    SUBJECTS,
    a_publication,
    a_recipient,
    an_issue,
    an_issue_mail,
    parsed,
    raw_field,
)


def message_bytes(language: str = "en", name: str = "Ann Example") -> bytes:
    return compose_message(an_issue_mail(language), a_recipient(name=name), SECRET).content


@pytest.mark.parametrize("language", SUBJECTS)
def test_messages_parse_without_defects_and_keep_their_text(language: str) -> None:
    message = parsed(message_bytes(language))
    assert message["Subject"] == SUBJECTS[language]
    assert message.get_content_type() == "multipart/alternative"
    text, page = message.iter_parts()
    assert [text.get_content_type(), page.get_content_type()] == ["text/plain", "text/html"]
    for part in (text, page):
        assert part.get_content_charset() == "utf-8"
        assert SUBJECTS[language] * 40 in part.get_content()


@pytest.mark.parametrize("language", SUBJECTS)
def test_header_fields_describe_the_message(language: str) -> None:
    content = message_bytes(language)
    message = parsed(content)
    assert message["From"].addresses[0].addr_spec == "digest@news.example.org"
    assert message["From"].addresses[0].display_name == "The Lantern"
    assert message["Date"] == "Fri, 09 Jan 2026 08:00:30 +0000"
    assert message["Content-Language"] == language
    assert raw_field(content, "List-Id") == f"<weekly.{language.lower()}.news.example.org>"
    assert raw_field(content, "List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"
    assert raw_field(content, "Archived-At") == (
        f"<https://news.example.org/{language}/weekly/2026-01-09/>"
    )
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Precedence"] == "bulk"


def test_list_unsubscribe_has_an_https_link_then_a_mailto_link() -> None:
    first, second = raw_field(message_bytes(), "List-Unsubscribe").split(", ")
    opening = "<https://news.example.org/en/unsubscribe/?t="
    assert first.startswith(opening)
    token = first.removeprefix(opening).removesuffix(">")
    assert read_link(SECRET, "unsubscribe", token).newsletter == "weekly"
    assert second == f"<mailto:digest@news.example.org?subject=unsubscribe%20{token}>"


def test_leaving_by_mail_goes_to_the_mailbox_that_takes_commands() -> None:
    mail = replace(an_issue_mail(), mailbox="commands@news.example.org")
    content = compose_message(mail, a_recipient(), SECRET).content
    assert "<mailto:commands@news.example.org?subject=unsubscribe%20v2." in raw_field(
        content, "List-Unsubscribe"
    )


def test_without_subscribers_pages_only_leaving_by_mail_is_announced() -> None:
    mail = replace(an_issue_mail(), has_web=False)
    content = compose_message(mail, a_recipient(), SECRET).content
    (only,) = raw_field(content, "List-Unsubscribe").split(", ")
    token = only.removeprefix("<mailto:digest@news.example.org?subject=unsubscribe%20")
    assert read_link(SECRET, "unsubscribe", token.removesuffix(">")).subscriber_id == 1
    assert parsed(content)["List-Unsubscribe-Post"] is None


def test_a_long_unsubscribe_link_is_not_folded() -> None:
    url = f"https://news.example.org/{'deep/' * 80}end"
    mail = replace(an_issue_mail(), publication=a_publication(url=url))
    content = compose_message(mail, a_recipient(), SECRET).content
    first, _mail = raw_field(content, "List-Unsubscribe").split(", ")
    assert first.startswith(f"<{url}/en/unsubscribe/?t=")
    assert len(first) > 400
    assert parsed(content)["List-Unsubscribe"]


def test_an_unsubscribe_link_that_no_line_can_hold_is_refused() -> None:
    mail = replace(
        an_issue_mail(), publication=a_publication(url=f"https://a.example/{'x' * 980}")
    )
    with pytest.raises(DeliveryError, match="List-Unsubscribe needs a line of more than 998"):
        compose_message(mail, a_recipient(), SECRET)


def test_the_sender_is_percent_encoded_in_the_mailto_link() -> None:
    mail = replace(an_issue_mail(), publication=a_publication(sender="a&b+c@news.example.org"))
    content = compose_message(mail, a_recipient(), SECRET).content
    assert "<mailto:a%26b%2Bc@news.example.org?subject=" in raw_field(
        content, "List-Unsubscribe"
    )


def test_the_message_id_is_the_message_name_at_the_sender_s_domain() -> None:
    message = compose_message(an_issue_mail(), a_recipient(), SECRET)
    assert parsed(message.content)["Message-ID"] == f"<{message.name}@news.example.org>"
    assert message.name.startswith("weekly-en-2026-01-09.")


def test_every_attempt_writes_the_same_bytes() -> None:
    first, again = (compose_message(an_issue_mail(), a_recipient(), SECRET) for _ in range(2))
    assert first == again


def test_message_names_differ_by_subscriber_issue_and_secret() -> None:
    issue = an_issue()
    names = {
        message_id_local_part(SECRET, issue, 1),
        message_id_local_part(SECRET, issue, 2),
        message_id_local_part(SECRET, an_issue("ar"), 1),
        message_id_local_part(SECRET, an_issue(newsletter="daily"), 1),
        message_id_local_part("another secret altogether", issue, 1),
    }
    assert len(names) == 5


def test_placeholders_are_replaced_and_escaped() -> None:
    recipient = a_recipient(address="o'neill&co@example.com")
    content = compose_message(an_issue_mail(), recipient, SECRET).content
    text, page = (part.get_content() for part in parsed(content).iter_parts())
    assert "@@" not in text + page
    assert "o'neill&co@example.com" in text
    assert "o&#x27;neill&amp;co@example.com" in page
    (link,) = [line for line in text.splitlines() if "/unsubscribe/" in line]
    assert f'href="{link}"' in page
    assert f"<{link}>" in raw_field(content, "List-Unsubscribe")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ann Example", "Ann Example"),
        ("", ""),
        ("Example, Ann", "Example, Ann"),
        ('Ann "The Pen" Example', 'Ann "The Pen" Example'),
        ("back\\slash", "back\\slash"),
        ("Zoë Müßter", "Zoë Müßter"),
        ("样例甲", "样例甲"),
        ("مثال يوسف", "مثال يوسف"),
        ("דוגמה, א.", "דוגמה, א."),
        ("一二三四五六七八九十" * 8, "一二三四五六七八九十" * 8),
        ("word Ünder " * 12 + "end", "word Ünder " * 12 + "end"),
        ("Ann\r\nBcc: all@example.net", "Ann Bcc: all@example.net"),
        ("Ann\r\n\r\n<p>body", "Ann <p>body"),
        ("Ann\x00\x0b\u2028\u2029\x85Bcc: x", "Ann Bcc: x"),
        ("=?utf-8?q?a=0D=0ABcc:_x@example.net?=", "=?utf-8?q?a=0D=0ABcc:_x@example.net?="),
        ("\u202eAnn\u202c\u200b Example\ufeff", "Ann Example"),
        ("\u200b \u200b", ""),
        ("Ann <boss@example.net>", "Ann <boss@example.net>"),
        ("a" * 200, "a" * 200),
    ],
)
def test_a_display_name_adds_no_header_field_and_no_address(name: str, shown: str) -> None:
    content = message_bytes(name=name)
    message = parsed(content)
    assert [a.addr_spec for a in message["To"].addresses] == ["subscriber.1@example.com"]
    assert message["Bcc"] is None
    assert message["Subject"] == SUBJECTS["en"]
    phrase, address = parseaddr(raw_field(content, "To"))
    assert address == "subscriber.1@example.com"
    assert str(make_header(decode_header(phrase))) == shown


@pytest.mark.parametrize(
    "address",
    [
        "a b@example.com, c@example.com",
        "reader@bücher.example",
        "läsare@example.com",
        "a@b\r\nBcc: c@example.net",
        "a@b\nX: y",
        "a@example.com\x00",
        "@example.com",
        "nobody",
        "nobody@",
        "",
        " ",
        "a@@b.example",
        ".a@example.com",
        "a..b@example.com",
        "\ud800@example.com",
        "=?utf-8?q?b?=@example.com",
        "=?utf-8?q?a=0D=0ABcc:_x@example.net?=@example.com",
        '"ab"@example.com',
        "a(b)@example.com",
        "a" * 1000 + "@example.com",
    ],
)
def test_an_address_that_no_message_can_hold_is_refused_and_not_logged(address: str) -> None:
    with pytest.raises(DeliveryError, match=r"^subscriber 12 can't be written to: ") as caught:
        compose_message(an_issue_mail(), a_recipient(12, address=address), SECRET)
    assert "@" not in str(caught.value)


def test_a_name_with_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(DeliveryError, match=r"^subscriber 3 can't be written to: "):
        compose_message(an_issue_mail(), a_recipient(3, name="\ud800"), SECRET)


@pytest.mark.parametrize(
    ("url", "sender"),
    [
        ("https://news.example.org", "newsexampleorg"),
        ("https://a.b", "senderab"),
        ("https://a-very-long-host.example.org", "averylonghostex"),
        ("https://127.0.0.1:8000", "127001"),
    ],
)
def test_feedback_ids_name_the_sender_in_five_to_fifteen_characters(
    url: str, sender: str
) -> None:
    publication: Publication = a_publication(url=url)
    assert feedback_id(publication, an_issue()) == f"2026-01-09:en:weekly:{sender}"
    assert 5 <= len(sender) <= 15


@pytest.mark.parametrize(
    ("text", "language", "encoding"),
    [
        ("The tide waits. " * 500, "en", "quoted-printable"),
        ("Die Fähre wartet auf die Flut und legt dann ab. " * 300, "de", "quoted-printable"),
        ("Thủy triều lên và xuống, hằng ngày. " * 300, "vi", "base64"),
        ("潮水等人。" * 300, "en", "base64"),
        ("The tide waits. " * 500, "ar", "base64"),
    ],
)
def test_a_part_gets_the_shorter_transfer_encoding(
    text: str, language: str, encoding: str
) -> None:
    assert choose_encoding(text, language) == encoding
    content = text.encode()
    lengths = {"quoted-printable": quopri.encodestring(content), "base64": encodebytes(content)}
    shorter = min(lengths, key=lambda name: len(lengths[name]))
    assert encoding == shorter or language == "ar"
