"""people.toml is optional, strict, and read with publication.toml."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from publisher.config import load_settings
from publisher.config.loader import PEOPLE_FILE
from publisher.config.reload import SettingsFile
from publisher.errors import ConfigError
from publisher.testing import make_publication
from tests.publisher.config.samples import TEXT, settings, write

if TYPE_CHECKING:
    from pathlib import Path

ADA = """\
[ada-lark]
name = { en = "Ada Lark", zh-Hans = "艾达·拉克" }
aliases = ["A.  Lark"]
affiliation = { en = "Harbour Institute" }
url = "https://ada.example.com/"
languages = ["en", "zh_CN"]
"""


def test_a_person_is_found_by_any_spelling_and_named_in_each_language(tmp_path: Path) -> None:
    (tmp_path / PEOPLE_FILE).write_text(ADA, "utf-8")
    people = settings(tmp_path).publication.people
    for spelling in ("ADA LARK", "a. lark", "艾达·拉克", "ada-lark"):
        assert people.key_of(spelling) == "ada-lark"
        assert people.name_in("en-GB", spelling) == "Ada Lark"
        assert people.name_in("zh-Hans", spelling) == "艾达·拉克"
        # Without a name in a language, what is written there stays.
        assert people.name_in("ar", spelling) == spelling
    assert people.name_in("en", "Ben Ruiz") == "Ben Ruiz"
    assert people.persons["ada-lark"].languages == ("en", "zh-Hans")


@pytest.mark.parametrize(
    ("text", "key", "problem", "remedy"),
    [
        (ADA.replace("aliases", "alias"), "ada-lark.alias", "unknown key", "aliases"),
        (ADA.replace("name = {", "x-name = {"), "ada-lark.x-name", "unknown key", "name"),
        ("[ada-lark]", "ada-lark.name", "missing", "add name = ..."),
        ('ada-lark = "Ada"', "ada-lark", "'Ada' won't do", "table"),
        (
            ADA.replace("ada-lark", '"Ada Lark"'),
            "'Ada Lark'",
            "can't be part of a URL",
            "hyphens",
        ),
        (ADA.replace("https:", "htps:"), "ada-lark.url", "is not a web address", "https:"),
        (
            f'{ADA}[ben]\nname = "Ben"\naliases = ["A. LARK"]',
            "ben",
            "'a. lark' is a spelling of ada-lark, too",
            "give each spelling to one person",
        ),
        (ADA * 2, "", "not TOML: Cannot declare ('ada-lark',) twice (at line 7", "that line"),
    ],
)
def test_a_mistake_is_named_with_what_to_do(
    tmp_path: Path, text: str, key: str, problem: str, remedy: str
) -> None:
    (tmp_path / PEOPLE_FILE).write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path)
    error = caught.value
    assert (error.file, error.key) == (str(tmp_path / PEOPLE_FILE), key)
    assert problem in error.problem
    assert remedy in error.remedy


def test_people_do_not_stand_in_publication_toml(tmp_path: Path) -> None:
    write(tmp_path, TEXT.replace("timezone =", "people = {}\ntimezone =", 1))
    with pytest.raises(
        ConfigError, match=r"publication\.people: .*write them into people\.toml"
    ):
        load_settings(tmp_path, {})


def test_a_running_program_notices_the_file_when_it_comes_changes_and_goes(
    tmp_path: Path,
) -> None:
    watched = SettingsFile(make_publication(tmp_path))
    file = tmp_path / PEOPLE_FILE
    names: list[str] = []
    files: list[tuple[str, ...]] = []
    for text in (None, ADA, ADA.replace("Ada Lark", "Ada Moor"), None):
        if text:
            file.write_text(text, "utf-8")
        else:
            file.unlink(missing_ok=True)
        change = watched.poll()
        assert change is not None
        watched.accept(change)
        files.append(change.files)
        names.append(change.settings.publication.people.name_in("en", "A. Lark"))
    assert names == ["A. Lark", "Ada Lark", "Ada Moor", "A. Lark"]
    assert files == [(), *[(PEOPLE_FILE,)] * 3]
