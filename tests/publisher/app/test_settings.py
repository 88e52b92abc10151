"""Settings and people.toml, changed by a program or by editors, with what people wrote kept."""

from pathlib import Path

import pytest

from publisher.accounts.model import Actor, Grant, Role
from publisher.app import settings
from publisher.app.articles import (
    PersonEntry,
    add_person,
    change_person,
    read_person_entries,
    remove_person,
)
from publisher.app.editing_state import EditingState
from publisher.config import SETTINGS_FILE, load_settings
from publisher.config.setting_keys import ABSENT
from publisher.errors import ConfigError, ForbiddenError, UsageError
from publisher.files import write_durably
from tests.publisher.app.editing import ROOT, audit_log
from tests.publisher.config.samples import TEXT
from tests.publisher.conftest import PublicationFolder, editing_state


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / SETTINGS_FILE
    path.write_text(f"# Ours.\n{TEXT}", "utf-8")
    return path


def change(
    folder: Path, key: str, value: object, expected: str | None = None
) -> settings.ChangedSettings:
    (changed,) = settings.change_settings(folder, {key: value}, expected)
    return changed


def test_a_setting_is_changed_in_its_place(file: Path) -> None:
    before = file.read_text("utf-8")
    changed = change(file.parent, "newsletter[weekly].title.en", "Seven days")
    assert changed == settings.ChangedSettings(
        "newsletter[weekly].title.en",
        "The week",
        "Seven days",
        settings.settings_hash(file.parent),
    )
    assert file.read_text("utf-8") == before.replace('"The week"', '"Seven days"')
    assert load_settings(file.parent, {}).newsletters[0].title("en") == "Seven days"


def test_a_setting_and_a_newsletter_are_added_and_removed(file: Path) -> None:
    def newsletters() -> list[str]:
        return [one.name for one in load_settings(file.parent, {}).newsletters]

    before = file.read_text("utf-8")
    assert change(file.parent, "feeds.ttl", 30).old is None
    assert load_settings(file.parent, {}).feeds.ttl == 30
    removed = change(file.parent, "feeds.ttl", ABSENT)
    assert (removed.old, removed.new) == (30, None)
    assert load_settings(file.parent, {}).feeds.ttl == 15
    assert file.read_text("utf-8").startswith(before.rstrip())
    daily = {"title": "Today", "schedule": "0 7 * * *"}
    change(file.parent, "newsletter[daily]", daily)
    assert newsletters() == ["weekly", "daily"]
    change(file.parent, "newsletter[weekly]", ABSENT)
    assert newsletters() == ["daily"]


@pytest.mark.parametrize(
    ("key", "value", "where", "problem"),
    [
        ("newsletter[weekly].schedule", "now", "newsletter[0].schedule", "now"),
        ("feeds.tll", 5, "feeds.tll", "unknown key"),
        ("newsletter[nightly].title", "N", "newsletter[nightly].title", "there is no such table"),
        ("publication..title", "N", "publication..title", "is no name of a setting"),
        ("publication.title", None, "publication.title", "is no value of TOML"),
        ("publication.title", ABSENT, "publication.title", "missing"),
        ("delivery.smtp.password", "x", "delivery.smtp.password", "a password is not kept"),
    ],
)  # fmt: skip
def test_a_wrong_change_is_refused_and_writes_nothing(
    file: Path, key: str, value: object, where: str, problem: str
) -> None:
    before = file.read_bytes()
    with pytest.raises(ConfigError) as raised:
        change(file.parent, key, value)
    assert (raised.value.file, raised.value.key) == (str(file), where)
    assert problem in raised.value.problem
    assert raised.value.remedy
    assert file.read_bytes() == before
    assert [one.name for one in file.parent.iterdir()] == [SETTINGS_FILE]


def test_an_edit_that_the_caller_has_not_seen_is_not_lost(file: Path) -> None:
    seen = settings.settings_hash(file.parent)
    edited = file.read_text("utf-8").replace('"The week"', '"Seven days"')
    file.write_text(edited, "utf-8")
    with pytest.raises(ConfigError, match="somebody has changed the file meanwhile; read it"):
        change(file.parent, "feeds.ttl", 30, expected=seen)
    assert file.read_text("utf-8") == edited
    changed = change(file.parent, "feeds.ttl", 30, settings.settings_hash(file.parent))
    change(file.parent, "feeds.ttl", 31, changed.content_hash)


def test_an_edit_while_the_new_text_is_written_is_not_lost(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(path: Path, content: bytes) -> None:
        write_durably(path, content)
        file.write_bytes(b"# mine\n")

    monkeypatch.setattr(settings, "write_durably", write)
    with pytest.raises(ConfigError, match="somebody has changed the file meanwhile"):
        change(file.parent, "feeds.ttl", 30)
    assert file.read_bytes() == b"# mine\n"
    assert [one.name for one in file.parent.iterdir()] == [SETTINGS_FILE]


def test_permissions_and_a_link_stay(file: Path, tmp_path: Path) -> None:
    kept = tmp_path / "elsewhere" / "settings.toml"
    kept.parent.mkdir()
    file.rename(kept)
    kept.chmod(0o640)
    file.symlink_to("elsewhere/settings.toml")
    change(tmp_path, "feeds.ttl", 30)
    assert file.is_symlink()
    assert file.readlink() == Path("elsewhere/settings.toml")
    assert kept.stat().st_mode & 0o7777 == 0o640
    assert load_settings(tmp_path, {}).feeds.ttl == 30


def test_line_ends_and_byte_order_mark_stay_and_an_equal_value_does_not_touch_the_file(
    file: Path,
) -> None:
    text = "\ufeff" + file.read_text("utf-8").replace("\n", "\r\n")
    file.write_bytes(text.encode())
    change(file.parent, "newsletter[weekly].title.en", "Seven days")
    assert file.read_bytes().decode() == text.replace('"The week"', '"Seven days"')
    before = file.stat()
    change(file.parent, "newsletter[weekly].title.en", "Seven days")
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_broken_or_missing_file_is_refused_plainly(file: Path) -> None:
    file.write_text("[publication", "utf-8")
    with pytest.raises(ConfigError, match="not TOML"):
        change(file.parent, "feeds.ttl", 30)
    file.unlink()
    with pytest.raises(ConfigError, match="no such file"):
        settings.settings_hash(file.parent)
    with pytest.raises(ConfigError, match="the folder can't be read"):
        change(file.parent / "nowhere", "feeds.ttl", 30)


# --- the few settings that editors change, and how all of them are shown


@pytest.fixture
def bilingual(publication: PublicationFolder) -> EditingState:
    publication.reload(languages=["en", "ar"])
    return editing_state(publication)


def test_a_form_has_a_title_in_each_language_and_the_keys_of_its_table(
    bilingual: EditingState,
) -> None:
    publication, weekly = (
        settings.read_editable_table(bilingual, name) for name in ("publication", "weekly")
    )
    assert [one.name for one in publication.fields] == ["title.en", "title.ar"]
    names = [one.name for one in weekly.fields]
    assert names[:5] == ["title.en", "title.ar", "schedule", "at", "lead"]
    assert {one.name: one.is_number for one in weekly.fields}["lead"]
    with pytest.raises(UsageError, match="no newsletter"):
        settings.read_editable_table(bilingual, "daily")


def test_what_changes_is_known_before_and_then_written(bilingual: EditingState) -> None:
    before = settings.read_editable_table(bilingual, "weekly")
    old = {one.name: one.value for one in before.fields}
    given = old | {"title.ar": "الأسبوع", "lead": "6"}
    assert settings.changes_of_form(bilingual, "weekly", given) == {
        "title.ar": (old["title.ar"], "الأسبوع"),
        "lead": ("", "6"),
    }
    settings.save_editable_table(bilingual, ROOT, "weekly", given, before.content_hash)
    (weekly,) = load_settings(bilingual.settings.folders.root).newsletters
    assert (weekly.title("ar"), weekly.lead) == ("الأسبوع", 6)
    (entry,) = audit_log(bilingual)
    assert entry.object == "publication.toml: weekly"
    assert entry.details["changes"]["newsletter[weekly].lead"] == [None, "6"]
    settings.save_editable_table(bilingual, ROOT, "weekly", given | {"lead": ""})
    assert load_settings(bilingual.settings.folders.root).newsletters[0].lead is None


def test_a_form_changes_nothing_of_an_older_file_or_without_a_role(
    bilingual: EditingState,
) -> None:
    with pytest.raises(ConfigError, match="changed the file meanwhile"):
        settings.save_editable_table(bilingual, ROOT, "weekly", {"lead": "6"}, "another hash")
    editor = Actor(name="e@example.org", via="console", grants=(Grant(Role.EDITOR),))
    with pytest.raises(ForbiddenError):
        settings.save_editable_table(bilingual, editor, "weekly", {"lead": "6"})


def test_all_settings_are_shown_and_no_secret(bilingual: EditingState) -> None:
    folder = bilingual.settings.folders.root
    file = folder / SETTINGS_FILE
    file.write_text(
        f"{file.read_text()}\n[feeds]\nttl = 30\n\n[feeds.podcast]\nexplicit = true\n\n"
        "[[subscribers.field]]\nname = 'city'\nlabel = 'City'\n"
    )
    shown = {name: dict(lines) for name, lines in settings.list_settings(load_settings(folder))}
    assert shown["feeds"]["ttl"] == "30"
    assert shown["feeds"]["podcast.explicit"] == "true"
    assert shown["publication"]["languages"] == "en, ar"
    assert shown["subscribers"]["field[0].name"] == "city"
    assert shown["subscribers"]["field[0].type"] == "text"
    assert {"site", "translation"} <= shown.keys()
    assert "schedule" in shown["newsletter[weekly]"]
    assert "source[articles]" in shown


def test_several_keys_change_together_or_not_at_all(bilingual: EditingState) -> None:
    folder = bilingual.settings.folders.root
    before = settings.settings_hash(folder)
    with pytest.raises(ConfigError, match="ttl"):
        settings.change_settings(folder, {"feeds.entries": 10, "feeds.ttl": -1})
    assert settings.settings_hash(folder) == before
    settings.change_settings(folder, {"feeds.entries": 10, "feeds.ttl": 20}, before)
    feeds = load_settings(folder).feeds
    assert (feeds.entries, feeds.ttl) == (10, 20)
    path = folder / "new.toml"
    settings.change_toml(path, {"a.b": 1}, settings.file_hash(b""), lambda _content: None)
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
    assert settings.localised_changes("k", now, wanted) == changes


# --- people.toml


PEOPLE_TEXT = """\
# Who is who.

[mira]  # from the harbour
name = { en = "Mira", ar = "ميرا" }
aliases = ["M."]  # of old bylines

[jun]
name = "Jun"
"""


@pytest.fixture
def people_file(publication: PublicationFolder) -> Path:
    path = publication.settings.folders.root / "people.toml"
    path.write_text(PEOPLE_TEXT, "utf-8")
    return path


def test_people_are_read_as_the_file_has_them(state: EditingState, people_file: Path) -> None:
    found = read_person_entries(state)
    assert [one.key for one in found.people] == ["jun", "mira"]
    assert found.find("mira").name == {"en": "Mira", "ar": "ميرا"}
    assert found.find("jun").name == {"": "Jun"}
    with pytest.raises(UsageError, match="nobody has this key"):
        found.find("ann")
    people_file.unlink()
    assert read_person_entries(state).people == ()


def test_a_changed_person_keeps_comments_and_other_languages(
    state: EditingState, people_file: Path
) -> None:
    wanted = PersonEntry(
        key="mira", name={"en": "Mira S.", "zh-Hant": "米拉"}, url="https://mira.example"
    )
    changed = change_person(state, ROOT, wanted, read_person_entries(state).content_hash)
    assert changed == ["mira.name.en", "mira.name.zh-Hant", "mira.aliases", "mira.url"]
    text = people_file.read_text("utf-8")
    assert "# Who is who." in text
    assert "# from the harbour" in text
    people = load_settings(people_file.parent).publication.people
    assert people.name_in("ar", "Mira S.") == "ميرا"
    assert people.name_in("zh-Hant", "mira") == "米拉"
    (entry,) = audit_log(state)
    assert (entry.verb, entry.object) == ("change-person", "people.toml: mira")


def test_one_name_for_all_languages_stays_one_until_they_differ_and_goes_on_for_the_others(
    state: EditingState, people_file: Path
) -> None:
    same = PersonEntry(key="jun", name={"": "Jun", "en": "Jun"})
    assert change_person(state, ROOT, same) == []
    assert change_person(state, ROOT, PersonEntry(key="jun", name={"": "Jun L."})) == [
        "jun.name"
    ]
    assert read_person_entries(state).find("jun").name == {"": "Jun L."}
    change_person(state, ROOT, PersonEntry(key="jun", name={"zh-Hant": "林俊"}))
    languages = state.settings.publication.languages
    expected = dict.fromkeys(languages, "Jun L.") | {"zh-Hant": "林俊"}
    assert read_person_entries(state).find("jun").name == expected
    people_file.write_text(PEOPLE_TEXT, "utf-8")
    other = PersonEntry(key="jun", name={"": "", "en": "Jun", "zh-Hant": "林俊"})
    assert change_person(state, ROOT, other) == ["jun.name"]
    people = load_settings(people_file.parent).publication.people
    assert people.name_in("zh-Hant", "Jun") == "林俊"


def test_what_would_be_wrong_is_refused_and_nothing_is_written(
    state: EditingState, people_file: Path
) -> None:
    with pytest.raises(ConfigError, match="is a spelling of"):
        change_person(state, ROOT, PersonEntry(key="mira", name={"en": "Jun"}))
    with pytest.raises(ConfigError, match="somebody has changed the file meanwhile"):
        change_person(state, ROOT, PersonEntry(key="mira", name={"en": "M"}), "another hash")
    assert people_file.read_text("utf-8") == PEOPLE_TEXT
    assert audit_log(state) == []


def test_changing_people_takes_a_role(state: EditingState, people_file: Path) -> None:
    viewer = Actor(name="v@example.org", via="console", grants=(Grant(Role.VIEWER),))
    for verb in (
        lambda: add_person(state, viewer, "ann", "Ann"),
        lambda: change_person(state, viewer, PersonEntry(key="jun", name={"en": "J"})),
        lambda: remove_person(state, viewer, "jun"),
    ):
        with pytest.raises(ForbiddenError):
            verb()
    assert people_file.read_text("utf-8") == PEOPLE_TEXT
