"""The few settings that editors change, and how all of them are shown."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from publisher.accounts import audit
from publisher.accounts.actor import Actor, terminal_actor
from publisher.accounts.model import Grant, Role
from publisher.app.editable_settings import (
    changes_of_form,
    read_editable_settings,
    read_editable_table,
    save_editable_table,
)
from publisher.app.editing_state import EditingState, open_editing_state
from publisher.app.settings import change_settings, settings_hash
from publisher.app.settings_view import list_settings
from publisher.app.toml_files import ABSENT, change_toml, file_hash, localised_changes
from publisher.config import SETTINGS_FILE, load_settings
from publisher.errors import ConfigError, ForbiddenError, UsageError
from tests.publisher.conftest import PublicationFolder

ANN = terminal_actor()


@pytest.fixture
def state(publication: PublicationFolder) -> Iterator[EditingState]:
    publication.reload(languages=["en", "ar"])
    with open_editing_state(publication.settings, publication.clock) as state:
        yield state


def test_a_form_has_a_title_in_each_language_and_the_keys_of_its_table(
    state: EditingState,
) -> None:
    publication, weekly = read_editable_settings(state)
    assert [one.name for one in publication.fields] == ["title.en", "title.ar"]
    names = [one.name for one in weekly.fields]
    assert names[:5] == ["title.en", "title.ar", "schedule", "at", "lead"]
    assert {one.name: one.is_number for one in weekly.fields}["lead"]
    with pytest.raises(UsageError, match="no newsletter"):
        read_editable_table(state, "daily")


def test_what_changes_is_known_before_and_then_written(state: EditingState) -> None:
    before = read_editable_table(state, "weekly")
    given = {one.name: one.value for one in before.fields} | {
        "title.ar": "الأسبوع",
        "lead": "6",
    }
    old = {one.name: one.value for one in before.fields}
    assert changes_of_form(state, "weekly", given) == {
        "title.ar": (old["title.ar"], "الأسبوع"),
        "lead": ("", "6"),
    }
    save_editable_table(state, ANN, "weekly", given, before.content_hash)
    (weekly,) = load_settings(state.settings.folders.root).newsletters
    assert (weekly.title("ar"), weekly.lead) == ("الأسبوع", 6)
    with state.database.reading() as connection:
        ((_number, entry),) = audit.read_log(connection)
    assert entry.object == "publication.toml: weekly"
    assert entry.details["changes"]["newsletter[weekly].lead"] == [None, "6"]
    save_editable_table(state, ANN, "weekly", given | {"lead": ""})
    assert load_settings(state.settings.folders.root).newsletters[0].lead is None


@pytest.mark.parametrize(
    ("key", "value"), [("schedule", "whenever"), ("lead", "soon"), ("at", "25:00")]
)
def test_a_wrong_value_is_refused_with_the_sentence_of_the_file(
    state: EditingState, key: str, value: str
) -> None:
    before = settings_hash(state.settings.folders.root)
    with pytest.raises(ConfigError, match=key):
        save_editable_table(state, ANN, "weekly", {key: value})
    assert settings_hash(state.settings.folders.root) == before


def test_a_form_of_an_older_file_changes_nothing(state: EditingState) -> None:
    with pytest.raises(ConfigError, match="changed the file meanwhile"):
        save_editable_table(state, ANN, "weekly", {"lead": "6"}, "another hash")


def test_it_takes_a_role(state: EditingState) -> None:
    editor = Actor(name="e@example.org", via="console", grants=(Grant(Role.EDITOR),))
    with pytest.raises(ForbiddenError):
        save_editable_table(state, editor, "weekly", {"lead": "6"})


def test_all_settings_are_shown_and_no_secret(state: EditingState) -> None:
    folder = state.settings.folders.root
    file = folder / SETTINGS_FILE
    file.write_text(
        f"{file.read_text()}\n[feeds]\nttl = 30\n\n[feeds.podcast]\nexplicit = true\n"
    )
    shown = {name: dict(lines) for name, lines in list_settings(load_settings(folder))}
    assert shown["feeds"]["ttl"] == "30"
    assert shown["feeds"]["podcast.explicit"] == "true"
    assert shown["publication"]["languages"] == "en, ar"
    assert "schedule" in shown["newsletter[weekly]"]
    assert "source[articles]" in shown


def test_several_keys_change_together_or_not_at_all(state: EditingState) -> None:
    folder = state.settings.folders.root
    before = settings_hash(folder)
    with pytest.raises(ConfigError, match="ttl"):
        change_settings(folder, {"feeds.entries": 10, "feeds.ttl": -1})
    assert settings_hash(folder) == before
    change_settings(folder, {"feeds.entries": 10, "feeds.ttl": 20}, before)
    feeds = load_settings(folder).feeds
    assert (feeds.entries, feeds.ttl) == (10, 20)
    path = folder / "new.toml"
    change_toml(path, {"a.b": 1}, file_hash(b""), lambda _content: None)
    assert path.read_text().strip() == "[a]\nb = 1"


@pytest.mark.parametrize(
    ("now", "wanted", "changes"),
    [
        ("One", {"en": "One", "ar": "One"}, {}),
        ("One", {"en": "One", "ar": "Two"}, {"k": {"en": "One", "ar": "Two"}}),
        (None, {"en": "", "ar": ""}, {}),
        (None, {"en": "One"}, {"k": {"en": "One"}}),
        ({"en": "One"}, {"en": "One", "ar": "Two"}, {"k.ar": "Two"}),
        ({"en": "One", "ar": "Two"}, {"ar": ""}, {"k.ar": ABSENT}),
        ({"en": "One"}, {"en": ""}, {"k": ABSENT}),
        ("One", {"": ""}, {"k": ABSENT}),
        ("One", {"": "Two"}, {"k": "Two"}),
        (None, {"": "One"}, {"k": "One"}),
    ],
)
def test_a_text_in_languages_changes_as_little_as_it_can(
    now: str | dict[str, str] | None, wanted: dict[str, str], changes: dict[str, object]
) -> None:
    assert localised_changes("k", now, wanted) == changes
