"""`publisher preview --screenshots`, without a Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.publisher.cli.conftest import Run


def test_without_chromium_it_is_said_at_once_how_to_get_it(
    run: Run, lantern: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    code, out, err = run("preview", "weekly", lantern, "--screenshots", tmp_path / "shots")

    assert (code, out) == (2, "")
    assert "apt-get install chromium fonts-noto-core fonts-noto-cjk" in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "shots").exists()


def test_a_file_and_screenshots_are_not_asked_for_together(
    run: Run, lantern: Path, tmp_path: Path
) -> None:
    words = ["--out", tmp_path / "x.html", "--screenshots", tmp_path / "shots"]

    code, _out, err = run("preview", "weekly", lantern, *words)

    assert code == 2
    assert (
        err
        == "publisher: --screenshots shows the next issue; give it without --out and the others\n"
    )
