"""`publisher preview --screenshots`, with a real Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest

from publisher.cli.screenshots import find_in_web_roots
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

    assert (code, err) == (2, "publisher: --out and --screenshots: give one of them\n")


def test_pictures_are_looked_for_in_one_web_root_after_the_other(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for root, name in ((first, "a.png"), (second, "a.png"), (second, "ü b.png")):
        root.mkdir(exist_ok=True)
        (root / name).write_bytes(b"")
    (tmp_path / "secret.png").write_bytes(b"")
    (second / "out.png").symlink_to(tmp_path / "secret.png")
    roots = [first, second]

    assert find_in_web_roots("a.png?v=1", roots) == (first / "a.png").as_uri()
    assert find_in_web_roots("%C3%BC%20b.png", roots) == (second / "ü b.png").as_uri()
    for lost in ("lost.png", "../secret.png", "%2e%2e/secret.png", "out.png", "a%00.png", ""):
        assert find_in_web_roots(lost, roots) is None
