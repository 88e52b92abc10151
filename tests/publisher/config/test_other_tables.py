"""The address of the database, [feeds] and [s3], and people.toml, which is read beside them."""

from pathlib import Path

import pytest

from publisher.config import load_settings
from publisher.config.loader import PEOPLE_FILE
from publisher.config.publication import FeedSettings
from publisher.config.reload import SettingsFile
from publisher.errors import ConfigError
from publisher.testing import make_publication
from tests.publisher.config.samples import (
    TEXT,
    changed,
    mistakes,
    refusal,
    settings,
    told,
    write,
)

# The address of a database: in publication.toml without a password, or in the environment.


ADDRESS = "postgresql://ann@db.example.org/lantern"
THEIRS = "postgresql://ann:tide@other.example.org/lantern"


def addressed(value: str) -> str:
    return TEXT.replace("[publication]", f"[publication]\ndatabase = {value}")


def test_the_database_is_a_file_or_at_an_address_and_the_environment_goes_first(
    tmp_path: Path,
) -> None:
    settings = load_settings(write(tmp_path, TEXT), {"PUBLISHER_DATABASE": ""})
    assert settings.database == tmp_path.resolve() / "var" / "publisher.db"
    folder = write(tmp_path, addressed(f'"{ADDRESS}"'))
    assert load_settings(folder, {}).database == ADDRESS
    assert load_settings(folder, {"PUBLISHER_DATABASE": THEIRS}).database == THEIRS
    assert load_settings(folder, {}).direct_database is None
    settings = load_settings(folder, {"PUBLISHER_DIRECT_DATABASE": THEIRS})
    assert (settings.database, settings.direct_database) == (ADDRESS, THEIRS)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (f'"{THEIRS}"', "has a password, which does not belong in this file"),
        (f'"{ADDRESS}?password=tide"', "has a password"),
        ('"postgresql://ann:ti@de@db/lantern"', "has more than one @"),
        ('"mysql://ann:tide@db/lantern"', "is no address of a database: mysql://db/lantern"),
        (f'["{THEIRS}"]', "is no text"),
    ],
)
def test_a_password_in_the_file_is_refused_and_not_repeated(
    tmp_path: Path, value: str, problem: str
) -> None:
    said = str(refusal(tmp_path, addressed(value)))
    assert f"publication.database: {problem}" in said
    assert "tide" not in said
    assert "de@" not in said


@pytest.mark.parametrize("variable", ["PUBLISHER_DATABASE", "PUBLISHER_DIRECT_DATABASE"])
def test_a_mistake_in_the_environment_is_reported_without_the_value(
    tmp_path: Path, variable: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(write(tmp_path, TEXT), {variable: "ann:tide"})
    assert str(caught.value) == (
        f"environment: {variable}: is no address of a database; "
        "write postgresql://user@host/name"
    )


# The table [feeds]: what it may say, and what is told of what it may not.


def read_feeds(folder: Path, table: str = "") -> FeedSettings:
    return load_settings(write(folder, f"{TEXT}\n[feeds]\n{table}"), {}).feeds


def test_feeds_have_a_sound_default_and_hubs_are_web_addresses(tmp_path: Path) -> None:
    feeds = read_feeds(tmp_path)
    assert (feeds.entries, feeds.max_bytes, feeds.content) == (20, 500_000, "full")
    assert (feeds.ttl, feeds.hubs) == (15, ())
    assert (feeds.podcast.category, feeds.podcast.explicit) == ("News", False)
    hub = "https://hub.example.net/?key=1"
    assert read_feeds(tmp_path, f'hubs = ["{hub}"]').hubs == (hub,)


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("Arts", "Arts"),
        ("Arts > Books", "Arts > Books"),
        ("Society & Culture>Documentary", "Society & Culture > Documentary"),
    ],
)
def test_a_podcast_has_a_category_of_the_directories(
    tmp_path: Path, written: str, read_as: str
) -> None:
    feeds = read_feeds(tmp_path, f'podcast = {{ category = "{written}" }}')
    assert feeds.podcast.category == read_as


def test_a_category_that_no_directory_knows_is_refused_with_those_that_are(
    tmp_path: Path,
) -> None:
    said = told(refusal(tmp_path, f'{TEXT}[feeds]\npodcast.category = "Poetry"\n'))
    assert said.startswith("feeds.podcast.category: 'Poetry' is no category of podcasts")
    assert "Arts, Business" in said


# The table [s3], and its key, which comes from the environment.


KEY = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "tide"}


def bucket(table: str) -> str:
    return f"{TEXT}\n[s3]\n{table}\n"


def test_a_bucket_has_a_name_and_may_have_a_place(tmp_path: Path) -> None:
    assert load_settings(write(tmp_path, TEXT), {}).s3 is None
    found = load_settings(write(tmp_path, bucket('bucket = "lantern"')), KEY)
    assert found.s3
    assert (found.s3.endpoint, found.s3.prefix, found.s3.compressed) == (None, "", True)
    assert {name: one.get_secret_value() for name, one in found.secrets.items()} == KEY
    assert "tide" not in repr(found)
    place = 'endpoint = "https://minio.example.org:9000"\nprefix = "a/b"'
    found = load_settings(write(tmp_path, bucket(f'bucket = "lantern"\n{place}')), KEY)
    assert found.s3
    assert (found.s3.endpoint, found.s3.prefix) == ("https://minio.example.org:9000", "a/b")


# people.toml is optional, strict, and read with publication.toml.


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


WRONG = r"""
aliases => alias
    ada-lark.alias: unknown key; did you mean aliases?
name = { => x-name = {
    ada-lark.x-name: unknown key; did you mean name?
name = { en = "Ada Lark", zh-Hans = "艾达·拉克" } =>
    ada-lark.name: missing; add name = ...
[ada-lark] => ada-lark = "Ada"\n[ben]
    ada-lark: 'Ada' won't do; write a table below [ada-lark]
[ada-lark] => ["Ada Lark"]
    'Ada Lark': 'Ada Lark' can't be part of a URL; write small letters, digits and hyphens, like weekly
https: => htps:
    ada-lark.url: 'htps://ada.example.com/' is not a web address; write one like https://hub.example.net/
[ada-lark] => [ben]\nname = "Ben"\naliases = ["A. LARK"]\n[ada-lark]
    ada-lark: 'a. lark' is a spelling of ben, too; give each spelling to one person
A.  Lark => A\u202eLark
    ada-lark.aliases: ('A\u202eLark',) has a line break or control character; write one line
[ada-lark] => [ada-lark]\n[ada-lark]
    not TOML: Cannot declare ('ada-lark',) twice (at line 2, column 10); correct that line
"""


@pytest.mark.parametrize(("mistake", "line"), mistakes(WRONG))
def test_a_mistake_in_people_toml_is_named_with_what_to_do(
    tmp_path: Path, mistake: str, line: str
) -> None:
    old, _, new = mistake.partition(" =>")
    (tmp_path / PEOPLE_FILE).write_text(changed(old, new.removeprefix(" "), ADA), "utf-8")
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path)
    assert str(caught.value) == f"{tmp_path / PEOPLE_FILE}: {line}"
    assert caught.value.remedy


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
        files.append(change.files)
        names.append(change.settings.publication.people.name_in("en", "A. Lark"))
    assert names == ["A. Lark", "Ada Lark", "Ada Moor", "A. Lark"]
    assert files == [(), *[(PEOPLE_FILE,)] * 3]
