import pytest

from publisher.gate.header_fields import decode_words, fields_named, head, header_fields

MESSAGE = b"A: one\r\nB:two\r\n three\r\nnonsense\r\nb: four\r\n\r\nbody: not a field\r\n"


def test_fields_are_read_as_they_stand_up_to_the_first_empty_line() -> None:
    found = header_fields(MESSAGE)
    assert [(f.name, f.number) for f in found] == [("A", 1), ("B", 2), ("b", 5)]
    assert [f.value for f in found] == ["one", "two threenonsense", "four"]
    assert [f.number for f in fields_named(found, "b")] == [2, 5]


def test_a_message_from_a_unix_program_is_read_too() -> None:
    assert header_fields(MESSAGE.replace(b"\r\n", b"\n")) == header_fields(MESSAGE)


def test_octets_beyond_ascii_are_shown_as_such() -> None:
    (found,) = header_fields("Subject: é\r\n\r\n".encode())
    assert found.value == "\\xc3\\xa9"


def test_a_header_without_an_end_is_all_header() -> None:
    assert head(b"A: one\r\nB: two") == b"A: one\r\nB: two"
    assert header_fields(b"") == ()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("=?utf-8?b?5rih6L2u?=", "渡轮"),
        ("=?utf-8?q?caf=C3=A9?= =?utf-8?q?s?=", "cafés"),
        ("=?utf-8?b?AAAAA?=", "=?utf-8?b?AAAAA?="),
        ("=?no-such?b?5rih?=", "=?no-such?b?5rih?="),
    ],
)
def test_encoded_words_are_decoded_or_left(value: str, text: str) -> None:
    assert decode_words(value) == text
