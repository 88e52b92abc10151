"""A publication of a few articles and readers, made new for each test."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from publisher.cli import main

DATA = Path(__file__).resolve().parents[3] / "publisher" / "demo" / "data"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def lantern(tmp_path: Path) -> Path:
    """The demo's articles and settings, before anything has been done with them."""
    folder = tmp_path / "lantern"
    shutil.copytree(DATA / "articles", folder / "articles")
    shutil.copyfile(DATA / "publication.toml", folder / "publication.toml")
    shutil.copyfile(DATA / "subscribers.csv", folder / "subscribers.csv")
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in this process: gives exit code, standard output, standard error."""
    monkeypatch.setenv("PUBLISHER_SECRET", "a secret of these tests")
    monkeypatch.setenv("COLUMNS", "200")

    def command(*arguments: object) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return command
