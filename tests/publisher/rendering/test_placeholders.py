"""Which texts are broken before they go into a mail, and which stay as they are."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.rendering.placeholders import (
    ADDRESS_PLACEHOLDER,
    ALL_PLACEHOLDERS,
    INVISIBLE_CHARACTERS,
    LINK_PLACEHOLDERS,
    NAME_PLACEHOLDER,
    OPTIONAL_PLACEHOLDERS,
    WORD_PLACEHOLDERS,
    Placeholder,
    find_placeholders,
    neutralise_placeholders,
    split_at_placeholders,
)
from tests.cpu_time import at_most

# What templates of a publication might do to a text, all at once.
STRIPPED = re.compile(rf"{INVISIBLE_CHARACTERS.pattern}|<[^<>]*>")


def finished(*texts: str) -> str:
    return STRIPPED.sub("", "".join(map(neutralise_placeholders, texts))).upper()


@pytest.mark.parametrize(
    "text",
    [
        "SELECT @@ROWCOUNT",
        "@@ -1,3 +1,4 @@ def address():",
        "<pre>@@ -1 +1 @@</pre>",
        "@@ADDRESSES@@",
        "@@MY_ADDRESS@@ now",
        "@@ADDRESS, @ADDRESS@ and ADDRESS@@x",
        "ann@example.org",
        "@home",
        "@@",
        "灯 @@",
    ],
)
def test_what_is_no_token_stays(text: str) -> None:
    # A full stop, since a sign at the very end may be the beginning of a token.
    assert neutralise_placeholders(f"{text}.") == f"{text}."


@pytest.mark.parametrize("token", ALL_PLACEHOLDERS)
@pytest.mark.parametrize("frame", ["{}", "a {} b", "@{}@", "{0}{0}", "{0}@{0}", "<b>{}</b>"])
def test_a_token_is_broken_wherever_it_stands(token: str, frame: str) -> None:
    for written in (token, token.lower(), token.replace("SS", "ß")):
        assert token not in finished(frame.format(written))


@pytest.mark.parametrize("between", ["\u200b", "\u2060", "\x00", "<b>", "</b>\u200b<i>"])
def test_what_hides_a_token_for_a_while_hides_none(between: str) -> None:
    hidden = between.join(ADDRESS_PLACEHOLDER)
    assert ADDRESS_PLACEHOLDER not in finished(f"See {hidden}, or not")


@pytest.mark.parametrize("token", ALL_PLACEHOLDERS)
def test_two_texts_side_by_side_make_no_token(token: str) -> None:
    for at in range(1, len(token)):
        assert token not in finished(f"a {token[:at]}", f"{token[at:]} b")
        assert token not in finished(token[:at], "<p>", token[at:])


@pytest.mark.parametrize("before", ["@", "@@"])
def test_what_a_template_writes_before_a_text_makes_no_token(before: str) -> None:
    rest = ADDRESS_PLACEHOLDER.removeprefix(before)
    assert ADDRESS_PLACEHOLDER not in before + neutralise_placeholders(f"{rest} writes")


@settings(deadline=None)  # a loaded machine is no fault of the text
@given(
    st.lists(
        st.text(st.sampled_from("@ADRES\u200b<b>"))
        | st.sampled_from([*ALL_PLACEHOLDERS, "@@", "ADDRESS"]),
        max_size=6,
    )
)
def test_no_texts_make_a_token_together(texts: list[str]) -> None:
    assert not any(
        token in "".join(map(neutralise_placeholders, texts)) for token in ALL_PLACEHOLDERS
    )


@pytest.mark.parametrize(
    "piece",
    ["@", "@<", "@<b>", "@\u200b", "@@A", "@@A\u200b", "@@ADDRESS", "<", "a@ <b", "@@a<b>"],
)
def test_a_long_text_takes_no_longer_than_it_is(piece: str) -> None:
    with at_most(6):
        neutralise_placeholders(piece * (300_000 // len(piece)))


@given(
    st.lists(
        st.text(st.characters(exclude_characters="@", exclude_categories=["Cs"]), min_size=1)
        | st.builds(Placeholder, st.sampled_from((*LINK_PLACEHOLDERS, *WORD_PLACEHOLDERS)))
        | st.builds(
            Placeholder,
            st.sampled_from(OPTIONAL_PLACEHOLDERS),
            st.text(st.characters(codec="utf-8")),
        )
    )
)
def test_a_text_is_taken_apart_as_it_was_put_together(parts: list[str | Placeholder]) -> None:
    text = "".join(map(str, parts))
    found = [*split_at_placeholders(text)]
    assert "".join(map(str, found)) == text
    assert [*find_placeholders(text)] == [
        part for part in parts if isinstance(part, Placeholder)
    ]
    assert "" not in found


def test_a_place_with_words_of_its_own_is_plain_ascii_without_blanks() -> None:
    slot = Placeholder(NAME_PLACEHOLDER, "lieber <Leser> & Freund, 读者")
    assert re.fullmatch(r"[@A-Z0-9_]+", str(slot))
    assert [*split_at_placeholders(f"a{slot}b")] == ["a", slot, "b"]


@pytest.mark.parametrize(
    "text",
    [
        "@@SUBSCRIBER_NAME_OR@@FF@@",
        "@@SUBSCRIBER_NAME_OR@@6@@",
        "@@SUBSCRIBER_NAME_OR@@6a@@",
        "@@SUBSCRIBER_NAME_OR@@",
        "@@ADDRESS_OR@@61@@",
        "@@reader_name@@",
        "@SUBSCRIBER_NAME@",
    ],
)
def test_what_is_no_place_is_a_text_like_any_other(text: str) -> None:
    assert [*split_at_placeholders(text)] == [text]
