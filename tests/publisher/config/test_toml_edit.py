"""One value of a file changes; everything else in it stays as it was written."""

import tomllib
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.config.setting_keys import ABSENT, SettingEditError, split_key
from publisher.config.toml_edit import edit_toml

TEXT = """\
# The Lantern.
[publication]
title = "The Lantern"  # also in every mail
languages = [
  "en",  # the main one
  "ar",
]

# What we send.
[[newsletter]]
name = "weekly"
title = { en = "The week" }

[newsletter.edition.ar]
missing = "skip"

# Its colours.
[publication.design]
accent = "#fff"

[delivery]
transport = 'outbox'

# What is polled.
[feeds]
# ttl = 15
"""


def edited(key: str, value: object = ABSENT, text: str = TEXT) -> str:
    return edit_toml(text, split_key(key), value)[0]


def difference(key: str, value: object = ABSENT) -> tuple[list[str], list[str]]:
    """Return the lines that went, and those that came; all others must be in their order."""
    before, after = TEXT.splitlines(), edited(key, value).splitlines()
    kept = [line for line in after if line in before]
    gone = [line for line in before if line not in after]
    assert kept == [line for line in before if line not in gone] or "" in kept
    return gone, [line for line in after if line not in before]


@pytest.mark.parametrize(
    ("key", "value", "gone", "come"),
    [
        ("publication.title", "New", ['title = "The Lantern"  # also in every mail'], ['title = "New"  # also in every mail']),
        ("publication.since", 2024, [], ["since = 2024"]),
        ("newsletter[weekly].title.en", "Seven", ['title = { en = "The week" }'], ['title = { en = "Seven" }']),
        ("newsletter[0].top", 5, [], ["top = 5"]),
        ("newsletter[weekly].skip_dates", [date(2026, 12, 25)], [], ["skip_dates = [2026-12-25]"]),
        ("newsletter[weekly].edition.ar.missing", ABSENT, ['missing = "skip"'], []),
        ("newsletter[weekly].edition.ar", ABSENT, ["[newsletter.edition.ar]", 'missing = "skip"'], ["[newsletter.edition]"]),
        ("delivery.smtp.host", "mx", [], ["[delivery.smtp]", 'host = "mx"']),
        ("delivery.dkim[0]", {"key": "a.pem"}, [], ["[[delivery.dkim]]", 'key = "a.pem"']),
        ("feeds.ttl", 20, [], ["ttl = 20"]),
        ("feeds.podcast.explicit", True, [], ["[feeds.podcast]", "explicit = true"]),
        ("delivery.transport", "a\n\"'\\", ["transport = 'outbox'"], [r'''transport = "a\n\"'\\"''']),
    ],
)  # fmt: skip
def test_only_the_lines_of_the_setting_change(
    key: str, value: object, gone: list[str], come: list[str]
) -> None:
    assert difference(key, value) == (gone, come)


def test_new_keys_and_comments_stay_with_their_tables() -> None:
    assert "]\nsince = 2024\n\n# What we send.\n[[newsletter]]" in edited(
        "publication.since", 2024
    )
    assert "[feeds]\n# ttl = 15\nttl = 20\n" in edited("feeds.ttl", 20)
    text = edited("delivery.smtp.host", "mx")
    assert "'outbox'\n\n[delivery.smtp]\nhost = \"mx\"\n\n# What is polled.\n[feeds]" in text
    text = edited("newsletter[weekly]")
    assert "[[newsletter]]" not in text
    assert "# Its colours.\n[publication.design]" in text
    assert 'accent = "#fff"\n\n# What is polled.\n[feeds]' in edited("delivery")
    replaced = edited("newsletter[weekly]", {"name": "weekly", "title": "W"})
    assert 'title = "W"\n\n# Its colours.\n[publication.design]' in replaced


def test_tables_are_added_to_lists_and_removed_also_on_one_line() -> None:
    text = edited("newsletter[daily]", {"title": {"en": "Today"}})
    added = '\n\n[[newsletter]]\nname = "daily"\ntitle = {en = "Today"}\n\n# Its colours.\n'
    assert added in text
    assert edited("newsletter[daily]", text=text) == TEXT
    first = edited("newsletter[weekly]", text=text)
    assert [one["name"] for one in tomllib.loads(first)["newsletter"]] == ["daily"]
    text = 'publication = { title = "L" }\nnewsletter = [{ name = "weekly" }]\n'
    assert tomllib.loads(edited("newsletter[daily]", {"top": 3}, text))["newsletter"] == [
        {"name": "weekly"},
        {"name": "daily", "top": 3},
    ]
    assert "design" in edited("publication.design.accent", "#000", text)
    assert "newsletter" not in edited("newsletter[weekly]", ABSENT, text)


def test_an_equal_value_changes_nothing_and_the_old_one_is_returned() -> None:
    assert edit_toml(TEXT, split_key("delivery.transport"), "smtp")[1] == "outbox"
    assert edit_toml(TEXT, split_key("publication.languages"), ["en"])[1] == ["en", "ar"]
    assert edit_toml(TEXT, split_key("feeds.ttl"), 20)[1] is ABSENT
    text = "[feeds]\nttl = 1  # short\n"
    assert edited("feeds.ttl", 1, text) == text
    assert edited("feeds.ttl", True, text) == "[feeds]\nttl = true  # short\n"
    assert edited("feeds.ttl", "1", text) == '[feeds]\nttl = "1"  # short\n'
    assert edited("feeds.hubs", ABSENT, text) == text
    assert edited("delivery.smtp.host", ABSENT, text) == text


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("publication.title.en", "L", "is below 'The Lantern', which is no table; set that value"),
        ("publication[0].title", "L", "is no list of tables; leave out what is in brackets"),
        ("newsletter.title", "L", "which is no table"),
        ("newsletter[7]", {"name": "daily"}, "there is no such table; there are weekly"),
        ("newsletter[daily].title", "T", "there is no such table; there are weekly"),
        ("source[0].path", "T", "there is no such table; add it"),
        ("publication.languages[9]", "fr", "there is no such table; there are 0, 1"),
        ("newsletter[daily]", {"name": "daly"}, "the table is named 'daly'"),
        ("feeds.ttl", None, "None is no value of TOML"),
        ("feeds.hubs", ["\ud800"], "has a lone surrogate"),
    ],
)  # fmt: skip
def test_a_place_or_value_that_cannot_be_is_refused(
    key: str, value: object, problem: str
) -> None:
    with pytest.raises(SettingEditError, match=problem.replace("[", r"\[")) as raised:
        edited(key, value)
    assert raised.value.remedy


@pytest.mark.parametrize("key", ["", ".", "a..b", "a[", "a[]", "[a]", "a.b[c", "a b", "a[x]y"])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(SettingEditError, match="is no name of a setting; write one like"):
        split_key(key)


VALUES = st.recursive(
    st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=9) | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("ab-_ .\"'é", max_size=4), inner, max_size=3)
    ),
    max_leaves=5,
)
KEYS = (
    "publication.title",
    "publication.new",
    "publication.design.accent",
    "newsletter[weekly].title",
    "newsletter[weekly].title.ar",
    "newsletter[weekly].edition.en.missing",
    "delivery.smtp.host",
    "feeds.ttl",
    "new.table.key",
)


@given(st.lists(st.tuples(st.sampled_from(KEYS), VALUES | st.just(ABSENT)), max_size=4))
def test_any_edits_give_a_file_that_holds_just_these_changes(
    edits: list[tuple[str, Any]],
) -> None:
    """An edit is right, or refused: the module compares the new text with plain values."""
    text = TEXT
    for key, value in edits:
        try:
            text, _old = edit_toml(text, split_key(key), value)
        except SettingEditError as error:
            assert error.remedy  # noqa: PT017  # most edits are no error
            continue
        found: Any = tomllib.loads(text)
        *way, last = [part.strip("[]") for part in split_key(key)]
        for part in way:
            found = found.get(part, {}) if isinstance(found, dict) else found[0]
        if value is ABSENT:
            assert last not in found
        else:
            assert found[last] == value
    for comment in ("# The Lantern.", "# What we send.", "# Its colours.", "# What is polled."):
        assert comment in text
