"""Messages as they are composed: to the RFCs, and equal to those of the standard library."""

import quopri
from base64 import b64encode, encodebytes
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import MIMEPart
from email.utils import parseaddr
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from publisher.config import Publication
from publisher.errors import DeliveryError
from publisher.mail import IssueMail, compile_mail, compose_message
from publisher.mail.compose import choose_encoding
from publisher.mail.message import feedback_id, message_id_local_part
from publisher.mail.signed_addresses import SignedLink, find_link
from publisher.rendering.placeholders import (
    ADDRESS_PLACEHOLDER,
    NAME_PLACEHOLDER,
    OPTIONAL_PLACEHOLDERS,
    PREFERENCES_PLACEHOLDER,
    UNSUBSCRIBE_PLACEHOLDER,
    WEB_PLACEHOLDER,
    WORD_PLACEHOLDERS,
    Placeholder,
)
from publisher.testing import SECRET
from subscribers.model import Recipient
from tests.publisher.gate.messages import a_mail, with_field
from tests.publisher.mail import reference
from tests.publisher.mail.samples import (
    MADE_AT,
    SUBJECTS,
    a_publication,
    a_recipient,
    an_issue,
    an_issue_mail,
    parsed,
    raw_field,
)
from tests.tables import facts
from tools.mail_validator import violations


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
    titles = {"title": {"en": "A", "ar": "الفانوس"}, "sender": "digest@news.example.org"}
    mail = replace(an_issue_mail(language), publication=a_publication(**titles))
    (named,) = parsed(compose_message(mail, a_recipient(), SECRET).content)["From"].addresses
    assert str(named) == f"{'الفانوس' if language == 'ar' else 'A'} <digest@news.example.org>"
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
    assert find_link(SECRET, "unsubscribe", token) == SignedLink("unsubscribe", 1, "weekly")
    assert second == f"<mailto:digest@news.example.org?subject=unsubscribe%20{token}>"


def test_leaving_by_mail_goes_to_the_mailbox_that_takes_commands_percent_encoded() -> None:
    mail = replace(an_issue_mail(), mailbox="commands@news.example.org")
    content = compose_message(mail, a_recipient(), SECRET).content
    assert "<mailto:commands@news.example.org?subject=unsubscribe%20v2." in raw_field(
        content, "List-Unsubscribe"
    )
    mail = replace(an_issue_mail(), publication=a_publication(sender="a&b+c@news.example.org"))
    content = compose_message(mail, a_recipient(), SECRET).content
    assert "<mailto:a%26b%2Bc@news.example.org?subject=" in raw_field(
        content, "List-Unsubscribe"
    )


def test_without_subscribers_pages_only_leaving_by_mail_is_announced() -> None:
    mail = replace(an_issue_mail(), has_web=False)
    content = compose_message(mail, a_recipient(), SECRET).content
    (only,) = raw_field(content, "List-Unsubscribe").split(", ")
    token = only.removeprefix("<mailto:digest@news.example.org?subject=unsubscribe%20")
    assert find_link(SECRET, "unsubscribe", token.removesuffix(">"))
    assert parsed(content)["List-Unsubscribe-Post"] is None


def test_a_long_unsubscribe_link_is_not_folded_and_refused_if_no_line_can_hold_it() -> None:
    url = f"https://news.example.org/{'deep/' * 80}end"
    mail = replace(an_issue_mail(), publication=a_publication(url=url))
    content = compose_message(mail, a_recipient(), SECRET).content
    first, _mail = raw_field(content, "List-Unsubscribe").split(", ")
    assert first.startswith(f"<{url}/en/unsubscribe/?t=")
    assert len(first) > 400
    assert parsed(content)["List-Unsubscribe"]
    mail = replace(
        an_issue_mail(), publication=a_publication(url=f"https://a.example/{'x' * 980}")
    )
    with pytest.raises(DeliveryError, match="List-Unsubscribe needs a line of more than 998"):
        compose_message(mail, a_recipient(), SECRET)


def test_every_attempt_writes_the_same_bytes_under_the_message_name() -> None:
    message = compose_message(an_issue_mail(), a_recipient(), SECRET)
    assert parsed(message.content)["Message-ID"] == f"<{message.name}@news.example.org>"
    assert message.name.startswith("weekly-en-2026-01-09.")
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
    ("title", "phrase"),
    [
        ("The week", "The week"),
        ('The "week", daily', r'"The \"week\", daily"'),
        ("一週燈火", "=?utf-8?b?5LiA6YCx54eI54Gr?="),
        ("حصاد\nX-Evil: 1", None),
        ("Ж" * 200, None),
    ],
)
def test_a_list_is_known_by_its_title(title: str, phrase: str | None) -> None:
    content = compose_message(
        an_issue_mail("en", list_title=title), a_recipient(), SECRET
    ).content
    assert [*violations(content)] == []
    field = raw_field(content, "List-Id")
    assert field.endswith(" <weekly.en.news.example.org>")
    shown = str(make_header(decode_header(field.rpartition(" <")[0])))
    assert shown.replace("\\", "").strip('"') == " ".join(title.split())
    assert phrase is None or field.startswith(f"{phrase} <")


@pytest.mark.parametrize(("name", "shown"), facts(Path(__file__).parent / "names.tsv", "name"))
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
        "a@b\r\nBcc: c@example.net",
        "a@example.com\x00",
        "@example.com",
        "nobody",
        "",
        ".a@example.com",
        "\ud800@example.com",
        "=?utf-8?q?b?=@example.com",
        "=?utf-8?q?a=0D=0ABcc:_x@example.net?=@example.com",
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


LONG = b64encode(("ж" * 40).encode()).decode()
SPLIT = b64encode("ж".encode()[:1]).decode()
MAIL = a_mail()
# Each takes the place of the field of its name.
FIELDS = [
    *("Message-ID: ", "Subject: one\r\nSubject: two", "List-Id: <a.b>\r\nlist-id: <a.b>"),
    *("From: a@example.org, b@example.org", "To: undisclosed-recipients:;", "To: nobody"),
    *("Date: yesterday", "Date: Fri, 09 Jan 2026 08:00:30 -0000"),
    *("Message-ID: <weekly>", "Message-ID: <weekly@localhost>"),
    *(f"Subject: =?utf-8?b?{LONG}?=", f"Subject: =?utf-8?b?{SPLIT}?="),
    *("Subject: =?iso-8859-1?q?caf=E9?=", "Subject: =?utf-8?b?w6k="),
    "Subject: =?utf-8?q?a?= " + "=?utf-8?q?b?= " * 6,
    *('To: "Ann <ann@example.org>', "Precedence: bulk\r\nnot a field"),
    "List-Unsubscribe: =?utf-8?q?=3Chttps=3A//news=2Eexample=2Eorg/u=3E?=",
    "List-Unsubscribe: <mailto:leave@news.example.org>, <https://news.example.org/u>",
    *("List-Unsubscribe: <https:///u>", "List-Unsubscribe: https://news.example.org/u"),
    "List-Unsubscribe-Post: List-Unsubscribe=one-click",
    *("List-Id: weekly", f"List-Id: <{'a' * 250}.example>"),
    *("Feedback-ID: a:b:c:d:newsexample", "Auto-Submitted: no"),
]


@pytest.mark.parametrize("line", FIELDS)
def test_a_field_that_breaks_a_rule_is_found(line: str) -> None:
    name = line.partition(":")[0]
    assert [*violations(with_field(MAIL, name, line).content)]


@pytest.mark.parametrize("name", ["From", "To", "Date", "Subject", "Message-ID"])
def test_a_field_that_is_missing_is_found(name: str) -> None:
    assert [*violations(with_field(MAIL, name, None).content)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\r\nTo:", b"\nTo:"),
        (b"Precedence: bulk", "Precedence: é".encode()),
        (b"Precedence: bulk", b"Precedence: " + b"x" * 999),
        (b'boundary="=_', b'boundary="=x'),
        (b"multipart/alternative", b"multipart/mixed"),
        (b'charset="utf-8"', b'charset="gb18030"'),
        (b'; charset="utf-8"', b""),
        (b"quoted-printable", b"8bit"),
        (b"=\r\n", b""),
        (b"=E2=80=9C", b"=E2=80"),
        (b"text/plain;", b"text/plain; format=flowed;"),
    ],
)
def test_bytes_that_break_a_rule_are_found(old: bytes, new: bytes) -> None:
    assert old in MAIL.content
    assert [*violations(MAIL.content.replace(old, new))]


@pytest.mark.parametrize("language", SUBJECTS)
@pytest.mark.parametrize(
    "hostile",
    [
        *("Ann\r\nBcc: all@example.org", '"Ann" <x@y.example>', "a\x00b\x07", "\u202eAnn"),
        *("ж" * 300, "=?utf-8?b?w6k=?=", "\ud7ff\U0010ffff", "(comment) a, b; c", ""),
    ],
)
def test_messages_with_hostile_values_conform(language: str, hostile: str) -> None:
    mail = an_issue_mail(language, subject=f"News {hostile}", text=hostile, html=hostile)
    content = compose_message(mail, a_recipient(name=hostile), SECRET).content
    assert [*violations(content)] == []


BLANKS = (
    *("", " ", "  ", "\t", "\n", "\n\n", "\r", "\r\n", " \n", "\t\n", "\n "),
    *("\xa0", "\u2028", "\x85"),
)
SIGNS = (
    *(".", "..", "\n.", ".\n", "=", "=\n", "==3D", "=" * 40, "<b>", "&amp;", '"', "'"),
    *("--", "--=_"),
)
WORDS = (
    *("From ", "\nFrom here", "From", "x" * 75, "x" * 76, "y" * 500),
    *("@@", "@@SUBSCRIBER_", "@"),
)
SCRIPTS = ("é", "ß" * 60, "灯籠", "渡輪" * 40, "العبّارة", "🦊👩\u200d👧", "e\u0301")
AWKWARD = (*BLANKS, *SIGNS, *WORDS, *SCRIPTS)
FRAGMENTS = st.sampled_from(AWKWARD) | st.text(st.characters(exclude_categories=["Cs"]))
PLACEHOLDERS = st.sampled_from(
    [UNSUBSCRIBE_PLACEHOLDER, PREFERENCES_PLACEHOLDER, WEB_PLACEHOLDER, *WORD_PLACEHOLDERS]
)
FALLBACKS = st.builds(
    lambda token, text: str(Placeholder(token, text)),
    st.sampled_from(OPTIONAL_PLACEHOLDERS),
    FRAGMENTS,
)
BODIES = st.lists(FRAGMENTS | PLACEHOLDERS | FALLBACKS, max_size=12).map("".join)
NAMES = st.lists(FRAGMENTS, max_size=3).map("".join)
SUBJECT_PARTS = st.sampled_from(
    ["", "Week", "灯籠 ", "=?utf-8?q?x?=", "z" * 90, *WORD_PLACEHOLDERS]
)
LOCAL = st.text(st.sampled_from("aZ9!#$%&'*+/=?^_`{|}~-"), min_size=1, max_size=70)
RECIPIENTS = st.builds(
    Recipient,
    id=st.integers(0, 2**63 - 1),
    address=LOCAL.map("{}@example.com".format) | st.just('"a b"@example.com'),
    name=NAMES,
    language=st.sampled_from([*SUBJECTS]),
    timezone=st.none() | st.sampled_from(["Europe/Berlin", "America/Argentina/Buenos_Aires"]),
)


def contents(content: bytes) -> list[tuple[str, ...]]:
    """Return all that a mail program shows of a message, without the boundary."""
    message = message_from_bytes(content, policy=policy.default)
    fields = [(name, str(value).partition("boundary=")[0]) for name, value in message.items()]
    return [*sorted(fields), *map(part, message.iter_parts())]


def part(one: MIMEPart) -> tuple[str, ...]:
    encoding = one["Content-Transfer-Encoding"]
    return one.get_content_type(), one.get_content_charset(""), encoding, one.get_content()


def assert_alike(mail: IssueMail, *recipients: Recipient, date: datetime = MADE_AT) -> None:
    compiled = compile_mail(mail, SECRET)
    for recipient in recipients:
        content = compiled.message(recipient, date).content
        parsed(content)
        assert [*violations(content)] == []
        assert contents(content) == contents(reference.compose(mail, recipient, SECRET, date))


@given(st.sampled_from([*SUBJECTS]), BODIES, BODIES, RECIPIENTS, RECIPIENTS)
@example(
    "en",
    f"a\n{NAME_PLACEHOLDER}\n",
    NAME_PLACEHOLDER * 3,
    a_recipient(name="."),
    a_recipient(2),
)
@example("ar", NAME_PLACEHOLDER, "", a_recipient(name=""), a_recipient(2, "ab"))
def test_any_body_and_any_value(
    language: str, text: str, html: str, ann: Recipient, bob: Recipient
) -> None:
    assert_alike(an_issue_mail(language, text=text, html=html), ann, bob)


@given(st.lists(SUBJECT_PARTS, max_size=5).map("".join), RECIPIENTS)
@example("", a_recipient(name="", address="=?@example.com"))
def test_any_subject(subject: str, recipient: Recipient) -> None:
    assert_alike(an_issue_mail(subject=subject), recipient)


@pytest.mark.parametrize("language", SUBJECTS)
def test_a_value_is_not_searched_for_placeholders(language: str) -> None:
    recipient = a_recipient(name=f"{ADDRESS_PLACEHOLDER} {UNSUBSCRIBE_PLACEHOLDER}")
    mail = an_issue_mail(
        language, text=f"Dear {NAME_PLACEHOLDER}", subject=f"For {NAME_PLACEHOLDER}"
    )
    assert_alike(mail, recipient)
    content = compile_mail(mail, SECRET).message(recipient, MADE_AT).content
    text, _html = parsed(content).iter_parts()
    assert text.get_content() == f"Dear {ADDRESS_PLACEHOLDER} {UNSUBSCRIBE_PLACEHOLDER}\r\n"


@pytest.mark.parametrize(
    "residue",
    [
        "@@SUBSCRIBER_NAME_OR@@FF@@",
        "@@SUBSCRIBER_NAME_OR@@x@@",
        "@@ACTION@@",
        "@@SUBSCRIBER_@@",
    ],
)
def test_malformed_placeholders_stay_for_the_gate_to_find(residue: str) -> None:
    mail = an_issue_mail(text=f"a {residue} b", html=f"<p>{residue}</p>")
    content = compile_mail(mail, SECRET).message(a_recipient(), MADE_AT).content
    assert all(residue in part.get_content() for part in parsed(content).iter_parts())


@pytest.mark.parametrize("language", SUBJECTS)
def test_the_boundary_is_equal_in_all_messages_and_occurs_in_no_part(language: str) -> None:
    text = f"--=_ {NAME_PLACEHOLDER}\n--=_{NAME_PLACEHOLDER}" * 50
    compiled = compile_mail(an_issue_mail(language, text=text, html=text), SECRET)
    first, second = (compiled.message(a_recipient(n), MADE_AT).content for n in (1, 2))
    boundary = parsed(first).get_boundary("").encode()
    assert boundary == parsed(second).get_boundary("").encode()
    assert first.count(boundary) == 4
    assert first.endswith(b"--" + boundary + b"--\r\n")


def test_the_date_is_written_in_utc() -> None:
    for hours in (-11, 0, 3):
        date = datetime(2026, 1, 9, 8, tzinfo=UTC).astimezone(timezone(timedelta(hours=hours)))
        assert_alike(an_issue_mail(), a_recipient(), date=date)
        content = compile_mail(an_issue_mail(), SECRET).message(a_recipient(), date).content
        assert parsed(content)["Date"] == "Fri, 09 Jan 2026 08:00:00 +0000"
