"""The address of a database: in publication.toml without a password, or in the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from publisher.config import load_settings
from publisher.errors import ConfigError
from tests.publisher.config.samples import TEXT, write

ADDRESS = "postgresql://ann@db.example.org/lantern"
THEIRS = "postgresql://ann:tide@other.example.org/lantern"


def with_address(folder: Path, value: str) -> Path:
    return write(folder, TEXT.replace("[publication]", f"[publication]\ndatabase = {value}"))


def test_without_an_address_the_database_is_a_file(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, TEXT), {"PUBLISHER_DATABASE": ""})
    assert settings.database == tmp_path.resolve() / "var" / "publisher.db"


def test_the_file_has_an_address_and_the_environment_goes_first(tmp_path: Path) -> None:
    folder = with_address(tmp_path, f'"{ADDRESS}"')
    assert load_settings(folder, {}).database == ADDRESS
    assert load_settings(folder, {"PUBLISHER_DATABASE": THEIRS}).database == THEIRS


def test_the_address_without_a_pooler_is_in_the_environment_only(tmp_path: Path) -> None:
    folder = with_address(tmp_path, f'"{ADDRESS}"')
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
    with pytest.raises(ConfigError) as caught:
        load_settings(with_address(tmp_path, value), {})
    assert f"publication.database: {problem}" in str(caught.value)
    assert "tide" not in str(caught.value)
    assert "de@" not in str(caught.value)


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
