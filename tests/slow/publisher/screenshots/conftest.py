"""Chromium where there is one, and programs that behave as it should not."""

from collections.abc import Callable
from pathlib import Path

import pytest

from publisher.errors import UsageError
from publisher.screenshots.capture import find_chromium

Program = Callable[..., str]


@pytest.fixture(scope="session")
def program() -> str:
    """Find Chromium, or skip what needs it."""
    try:
        return find_chromium()
    except UsageError as error:
        pytest.skip(str(error))


@pytest.fixture
def pretender(tmp_path: Path) -> Program:
    """Make a program of shell lines: the real one neither hangs nor fails when it is asked to."""

    def make(*lines: str, name: str = "chromium") -> str:
        file = tmp_path / name
        file.write_text("\n".join(["#!/bin/sh", *lines, ""]))
        file.chmod(0o755)
        return str(file)

    return make
