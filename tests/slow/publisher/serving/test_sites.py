"""The configurations as text; what they do is in test_answers."""

import subprocess

import pytest

from publisher.config import Settings
from publisher.serving import caddy_config
from tests.publisher.serving.servers import missing
from tests.publisher.serving.test_sites import settings as settings  # noqa: PLC0414  # a fixture


@pytest.mark.skipif(missing("caddy"), reason="no caddy on this machine")
def test_caddy_finds_it_well_formed(settings: Settings) -> None:
    text = caddy_config(settings)
    formatted = subprocess.run(
        ["caddy", "fmt", "-"], input=text, capture_output=True, text=True, check=True
    ).stdout

    assert formatted == text
