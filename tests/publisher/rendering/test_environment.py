"""A publication's own templates: what they may replace, and how their faults are told."""

from __future__ import annotations

from pathlib import Path

from publisher.rendering import Renderer
from tests.publisher.rendering import sample


def test_a_folder_that_does_not_exist_changes_nothing(tmp_path: Path) -> None:
    issue = sample.issue("en")
    assert Renderer(tmp_path / "none").digest(issue) == Renderer().digest(issue)
