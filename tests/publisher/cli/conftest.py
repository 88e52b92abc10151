"""A publication of a few articles and readers, laid out anew for each test."""

from collections.abc import Callable
from pathlib import Path

import pytest

from publisher.cli import main
from tests.databases import finding_database
from tests.publisher.conftest import PublicationFolder
from tests.publisher.lanterns import lay_out

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def lantern(tmp_path: Path) -> Path:
    """The demo's articles and settings, before anything has been done with them."""
    return lay_out(tmp_path / "lantern")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """The same in English alone, for what has nothing to do with languages."""
    return lay_out(tmp_path / "small", "en")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in this process: gives exit code, standard output, standard error."""
    monkeypatch.setenv("PUBLISHER_SECRET", "a secret of these tests")
    monkeypatch.setenv("COLUMNS", "200")

    def command(*arguments: object) -> tuple[int, str, str]:
        # What was logged before.
        capsys.readouterr()
        with finding_database(*arguments):
            code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return command


@pytest.fixture
def folder(publication: PublicationFolder) -> Path:
    return publication.settings.folders.root


def done(run: Run, *arguments: object) -> str:
    """Run a command that has to be done without a word on standard error; give its output."""
    code, out, err = run(*arguments)
    assert (code, err) == (0, ""), (code, out, err)
    return out


def refuses(run: Run, *arguments: object, code: int = 2) -> str:
    """Run a command that has to be refused in one line, without output; give what it says."""
    found, out, err = run(*arguments)
    assert (found, out, err.count("\n")) == (code, "", 1), (found, out, err)
    return err.removeprefix("publisher: ").removesuffix("\n")
