"""Machines that share a database have the same secret, or do not start."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import SecretStr

from publisher.app.deliver import deliver_due
from publisher.app.editing_state import open_editing_state
from publisher.app.pipeline import open_pipeline
from publisher.app.secret_check import adopt_secret, require_same_secret
from publisher.app.state import open_state
from publisher.app.web_state import open_web_state
from publisher.clock import SystemClock
from publisher.config import Settings
from publisher.errors import ConfigError
from publisher.secret_fingerprint import stored_fingerprint
from tests.databases import on_postgresql
from tests.publisher.conftest import PublicationFolder

OPENERS = [
    open_state,
    open_web_state,
    lambda settings: open_pipeline(settings, SystemClock()),
    lambda settings: open_editing_state(settings, SystemClock()),
]


def start(settings: Settings) -> None:
    with open_state(settings) as database:
        require_same_secret(settings, database, record=False)


def with_secret(settings: Settings, secret: str | None) -> Settings:
    return replace(settings, secret=SecretStr(secret) if secret else None)


@pytest.fixture
def first(publication: PublicationFolder) -> Settings:
    """The settings of a machine that has used a database on a server."""
    if not on_postgresql():
        pytest.skip("needs the server of --database=postgresql")
    settings = with_secret(publication.settings, "the secret of all machines")
    start(settings)
    return settings


@pytest.mark.sqlite("the file")
def test_a_file_is_not_shared_and_takes_any_secret(publication: PublicationFolder) -> None:
    settings = replace(publication.settings, database_address=None)
    for secret in ("one secret of this machine", "one secret of the other"):
        with (
            open_state(with_secret(settings, secret)) as database,
            database.reading() as connection,
        ):
            assert stored_fingerprint(connection) is None


@pytest.mark.parametrize("open_it", OPENERS)
def test_a_machine_with_another_secret_does_not_start(first: Settings, open_it: object) -> None:
    other = with_secret(first, "the secret of another one")
    with pytest.raises(ConfigError) as caught, open_it(other):  # type: ignore[operator]
        pass
    said = str(caught.value)
    assert said.startswith(
        "environment: PUBLISHER_SECRET: not the secret with which postgresql"
    )
    assert "copy their var/secret" in said
    assert "the secret of" not in said.replace("the secret of the other machines", "")
    start(first)


def test_a_machine_with_another_secret_sends_nothing(first: Settings) -> None:
    with pytest.raises(ConfigError, match="another Message-ID"):
        deliver_due(with_secret(first, "the secret of another one"), SystemClock())


def test_a_machine_without_a_secret_makes_none_of_its_own(first: Settings) -> None:
    with pytest.raises(ConfigError, match=r"var/secret: there is none, and there was one"):
        start(with_secret(first, None))
    assert not (first.folders.var / "secret").exists()


def test_a_secret_that_was_changed_on_purpose_is_adopted(first: Settings) -> None:
    changed = with_secret(first, "a secret that nobody else knows")
    assert adopt_secret(changed)
    assert not adopt_secret(changed)
    start(changed)
    with pytest.raises(ConfigError):
        start(first)
