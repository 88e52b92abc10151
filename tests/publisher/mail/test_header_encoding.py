from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.errors import DeliveryError
from publisher.mail.header_encoding import BLANKS, encode_field, encode_mailbox, encode_text
from tests.publisher.mail.samples import ENCODED_WORD, raw_field

AWKWARD = st.text(
    st.sampled_from("aZ .,;\"\\()<>@=?_[]:-'éßدع灯籠אe\u0301\u202e\U0001f600\r\n\t\x00")
)


def parsed(content: bytes) -> EmailMessage:
    """Parse a header that has no defects."""
    message = message_from_bytes(content, policy=policy.default)
    assert all(value.defects == () for value in message.values())
    return message


def wire(name: str, value: str) -> bytes:
    return encode_field(name, value) + b"\r\nx\r\n"


@given(AWKWARD)
def test_a_subject_decodes_to_the_same_text_from_short_lines(text: str) -> None:
    content = wire("Subject", encode_text(text))
    parsed(content)
    decoded = str(make_header(decode_header(raw_field(content, "Subject"))))
    assert decoded == BLANKS.sub(" ", text).strip()
    head = content.partition(b"\r\n\r\n")[0]
    assert all(len(line) <= 76 for line in head.split(b"\r\n") if ENCODED_WORD.search(line))


def test_spaces_between_encoded_words_are_kept() -> None:
    title = "حصاد الأسبوع: المكتبة التي تعير المظلات " * 4
    content = wire("Subject", encode_text(title))
    assert str(make_header(decode_header(raw_field(content, "Subject")))) == title.strip()


def test_plain_text_stays_readable_in_the_source() -> None:
    assert encode_text("Tide & time (2026)") == "Tide & time (2026)"
    assert encode_mailbox("Ann Example", "a@example.com") == "Ann Example <a@example.com>"
    assert encode_mailbox("", "a@example.com") == "a@example.com"
    assert encode_mailbox('Ann "A" E.', "a@example.com") == '"Ann \\"A\\" E." <a@example.com>'


def test_no_line_break_stands_between_a_field_name_and_its_value() -> None:
    content = wire("Message-ID", f"<{'x' * 200}@example.org>")
    assert content.startswith(b"Message-ID: <xxx")


def test_list_fields_break_only_at_spaces() -> None:
    content = wire(
        "List-Unsubscribe", f"<https://example.org/{'x' * 90}>, <mailto:a@example.org>"
    )
    first, second = content.split(b"\r\n")[:2]
    assert first.endswith(b">,")
    assert second == b" <mailto:a@example.org>"


@pytest.mark.parametrize("value", ["<a@b>\r\nBcc: c@example.org", "<灯@example.org>", "a\x00b"])
def test_a_value_with_line_breaks_or_non_ascii_is_refused(value: str) -> None:
    with pytest.raises(DeliveryError, match="List-Id holds what a header can't"):
        wire("List-Id", value)


@pytest.mark.parametrize("length", [77, 998, 5000])
def test_a_word_of_any_length_is_folded(length: int) -> None:
    content = wire("Subject", encode_text("x" * length))
    assert parsed(content)["Subject"] == "x" * length
    content = wire("To", encode_mailbox("x" * length, "reader@example.com"))
    phrase, _address = parseaddr(raw_field(content, "To"))
    assert str(make_header(decode_header(phrase))) == "x" * length
    assert max(map(len, content.split(b"\r\n"))) <= 76
