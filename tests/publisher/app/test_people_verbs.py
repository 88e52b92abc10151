"""Editing people.toml, with its comments kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from publisher.accounts import audit
from publisher.accounts.actor import Actor, terminal_actor
from publisher.accounts.model import Grant, Role
from publisher.app.editing_state import EditingState, open_editing_state
from publisher.app.people import (
    PersonEntry,
    add_person,
    change_person,
    read_person_entries,
    remove_person,
)
from publisher.config import load_settings
from publisher.errors import ConfigError, ForbiddenError, UsageError
from tests.publisher.conftest import PublicationFolder

ANN = terminal_actor()
TEXT = """\
# Who is who.

[mira]  # from the harbour
name = { en = "Mira", ar = "ميرا" }
aliases = ["M."]  # of old bylines

[jun]
name = "Jun"
"""


@pytest.fixture
def state(publication: PublicationFolder) -> Iterator[EditingState]:
    with open_editing_state(publication.settings, publication.clock) as state:
        yield state


@pytest.fixture
def file(publication: PublicationFolder) -> Path:
    path = publication.settings.folders.root / "people.toml"
    path.write_text(TEXT, "utf-8")
    return path


def test_people_are_read_as_the_file_has_them(state: EditingState, file: Path) -> None:
    found = read_person_entries(state)
    assert [one.key for one in found.people] == ["jun", "mira"]
    assert found.find("mira").name == {"en": "Mira", "ar": "ميرا"}
    assert found.find("jun").name == {"": "Jun"}
    with pytest.raises(UsageError, match="nobody has this key"):
        found.find("ann")
    file.unlink()
    assert read_person_entries(state).people == ()


def test_a_changed_person_keeps_comments_and_other_languages(
    state: EditingState, file: Path
) -> None:
    wanted = PersonEntry(
        key="mira", name={"en": "Mira S.", "zh-Hant": "米拉"}, url="https://mira.example"
    )
    changed = change_person(state, ANN, wanted, read_person_entries(state).content_hash)
    assert changed == ["mira.name.en", "mira.name.zh-Hant", "mira.aliases", "mira.url"]
    text = file.read_text("utf-8")
    assert "# Who is who." in text
    assert "# from the harbour" in text
    people = load_settings(file.parent).publication.people
    assert people.name_in("ar", "Mira S.") == "ميرا"
    assert people.name_in("zh-Hant", "mira") == "米拉"
    with state.database.reading() as connection:
        ((_number, entry),) = audit.read_log(connection)
    assert (entry.verb, entry.object) == ("change-person", "people.toml: mira")


def test_one_name_for_all_languages_stays_one_until_they_differ(
    state: EditingState, file: Path
) -> None:
    same = PersonEntry(key="jun", name={"": "Jun", "en": "Jun"})
    assert change_person(state, ANN, same) == []
    other = PersonEntry(key="jun", name={"": "", "en": "Jun", "zh-Hant": "林俊"})
    assert change_person(state, ANN, other) == ["jun.name"]
    people = load_settings(file.parent).publication.people
    assert people.name_in("zh-Hant", "Jun") == "林俊"


@pytest.mark.usefixtures("file")
def test_a_name_in_one_language_leaves_the_one_name_to_the_others(state: EditingState) -> None:
    assert change_person(state, ANN, PersonEntry(key="jun", name={"": "Jun L."})) == [
        "jun.name"
    ]
    assert read_person_entries(state).find("jun").name == {"": "Jun L."}
    change_person(state, ANN, PersonEntry(key="jun", name={"zh-Hant": "林俊"}))
    languages = state.settings.publication.languages
    expected = dict.fromkeys(languages, "Jun L.") | {"zh-Hant": "林俊"}
    assert read_person_entries(state).find("jun").name == expected


def test_people_are_added_and_removed(state: EditingState, file: Path) -> None:
    file.unlink()
    add_person(state, ANN, "ann-sabbagh", "Ann Sabbagh")
    assert read_person_entries(state).find("ann-sabbagh").name == {"": "Ann Sabbagh"}
    with pytest.raises(UsageError, match="already"):
        add_person(state, ANN, "ann-sabbagh", "Ann")
    with pytest.raises(UsageError, match="small letters"):
        add_person(state, ANN, "Ann Sabbagh", "Ann")
    remove_person(state, ANN, "ann-sabbagh")
    assert read_person_entries(state).people == ()


def test_what_would_be_wrong_is_refused_and_nothing_is_written(
    state: EditingState, file: Path
) -> None:
    with pytest.raises(ConfigError, match="is a spelling of"):
        change_person(state, ANN, PersonEntry(key="mira", name={"en": "Jun"}))
    with pytest.raises(ConfigError, match="somebody has changed the file meanwhile"):
        change_person(state, ANN, PersonEntry(key="mira", name={"en": "M"}), "another hash")
    assert file.read_text("utf-8") == TEXT
    with state.database.reading() as connection:
        assert audit.read_log(connection) == []


def test_it_takes_a_role(state: EditingState, file: Path) -> None:
    viewer = Actor(name="v@example.org", via="console", grants=(Grant(Role.VIEWER),))
    for verb in (
        lambda: add_person(state, viewer, "ann", "Ann"),
        lambda: change_person(state, viewer, PersonEntry(key="jun", name={"en": "J"})),
        lambda: remove_person(state, viewer, "jun"),
    ):
        with pytest.raises(ForbiddenError):
            verb()
    assert file.read_text("utf-8") == TEXT
