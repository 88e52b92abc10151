"""The table [s3], and its key, which comes from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from publisher.config import Settings, load_settings
from publisher.errors import ConfigError
from tests.publisher.config.samples import TEXT, write

KEY = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "tide"}


def loaded(folder: Path, table: str) -> Settings:
    return load_settings(write(folder, f"{TEXT}\n[s3]\n{table}\n"), KEY)


def test_a_bucket_has_a_name_and_may_have_a_place(tmp_path: Path) -> None:
    assert load_settings(write(tmp_path, TEXT), {}).s3 is None
    found = loaded(tmp_path, 'bucket = "lantern"')
    assert found.s3
    assert (found.s3.endpoint, found.s3.prefix, found.s3.compressed) == (None, "", True)
    assert {name: one.get_secret_value() for name, one in found.secrets.items()} == KEY
    assert "tide" not in repr(found)
    found = loaded(
        tmp_path,
        'bucket = "lantern"\nendpoint = "https://minio.example.org:9000"\nprefix = "a/b"',
    )
    assert found.s3
    assert (found.s3.endpoint, found.s3.prefix) == ("https://minio.example.org:9000", "a/b")


@pytest.mark.parametrize(
    ("table", "key", "problem"),
    [
        ("", "s3.bucket", "missing"),
        ('bucket = "The Lantern"', "s3.bucket", "'The Lantern' is no bucket"),
        ('bucket = "a"', "s3.bucket", "'a' is no bucket"),
        ('bucket = "lantern"\nprefix = "/news/"', "s3.prefix", "'/news/' is no prefix"),
        ('bucket = "lantern"\nprefix = "a/../b"', "s3.prefix", "'a/../b' is no prefix"),
        ('bucket = "lantern"\nendpoint = "minio"', "s3.endpoint", "'minio' is not a web addr"),
        ('bucket = "lantern"\nsecret = "tide"', "s3.secret", "unknown key"),
    ],
)
def test_what_is_wrong_names_its_key(
    tmp_path: Path, table: str, key: str, problem: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        loaded(tmp_path, table)
    assert raised.value.key == key
    assert raised.value.problem.startswith(problem)
