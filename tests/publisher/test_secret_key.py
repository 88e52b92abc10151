from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from publisher.errors import ConfigError
from publisher.secret_key import load_secret
from tests.publisher.config.samples import settings

if TYPE_CHECKING:
    from pathlib import Path

GIVEN = "a secret of the environment"


def test_the_environments_secret_goes_first_and_nothing_is_kept(tmp_path: Path) -> None:
    assert load_secret(settings(tmp_path, {"PUBLISHER_SECRET": GIVEN})) == GIVEN
    assert not (tmp_path / "var").exists()


def test_a_secret_is_made_once_and_then_stays(tmp_path: Path) -> None:
    first = load_secret(settings(tmp_path))
    assert len(first) >= 32
    assert load_secret(settings(tmp_path)) == first
    assert [path.name for path in (tmp_path / "var").iterdir()] == ["secret"]


def test_only_its_owner_may_read_a_secret(tmp_path: Path) -> None:
    load_secret(settings(tmp_path))
    assert stat.S_IMODE((tmp_path / "var" / "secret").stat().st_mode) == 0o600


def test_every_publication_has_a_secret_of_its_own(tmp_path: Path) -> None:
    assert load_secret(settings(tmp_path / "a")) != load_secret(settings(tmp_path / "b"))


def test_processes_that_create_the_key_at_the_same_time_use_the_same_one(
    tmp_path: Path,
) -> None:
    publication = settings(tmp_path)
    with ThreadPoolExecutor(16) as pool:
        made = set(pool.map(lambda _: load_secret(publication), range(64)))
    assert len(made) == 1


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 64])
def test_a_damaged_secret_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "var" / "secret"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"secret: damaged; restore it .* PUBLISHER_SECRET$"):
        load_secret(settings(tmp_path))
    assert path.read_bytes() == content


def test_a_secret_that_cannot_be_kept_is_an_error_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file in the way")
    with pytest.raises(ConfigError) as caught:
        load_secret(settings(tmp_path))
    assert str(caught.value) == (
        f"{tmp_path / 'var' / 'secret'}: can't be stored: File exists; set PUBLISHER_SECRET"
    )


@pytest.mark.parametrize("show", [repr, str])
def test_secrets_print_as_stars(tmp_path: Path, show: object) -> None:
    publication = settings(tmp_path, {"PUBLISHER_SECRET": GIVEN})
    assert callable(show)
    assert GIVEN not in show(publication)
    assert "**********" in show(publication)
