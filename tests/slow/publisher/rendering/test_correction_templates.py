"""A publication's own template of a correction, in the sandbox."""

from __future__ import annotations

from pathlib import Path

from publisher.rendering import Renderer
from tests.publisher.rendering import sample


def test_a_publication_s_own_template_replaces_the_shipped_one(tmp_path: Path) -> None:
    own = tmp_path / "email" / "correction"
    own.mkdir(parents=True)
    (own / "subject.txt").write_text("Erratum: {{ correction.subject }}\n", "utf-8")
    renderer = Renderer(tmp_path)
    try:
        digest = renderer.correction(sample.correction("en"))
    finally:
        renderer.close()
    assert digest.subject.startswith("Erratum: ")
