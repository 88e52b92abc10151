"""The digest, rendered for real in every sample language."""

from __future__ import annotations

from pathlib import Path

import pytest

from publisher.errors import RenderingError
from publisher.rendering import (
    Renderer,
)
from tests.publisher.rendering import sample


def test_a_template_that_is_too_large_by_itself_is_refused(tmp_path: Path) -> None:
    subject = tmp_path / "email" / "digest"
    subject.mkdir(parents=True)
    (subject / "body.html").write_text(
        "<!DOCTYPE html><html><body><p>" + "tide " * 20_000 + "</p></body></html>"
    )
    with pytest.raises(RenderingError, match="more than 74000 bytes with a single title"):
        Renderer(tmp_path).digest(sample.issue("en"))
