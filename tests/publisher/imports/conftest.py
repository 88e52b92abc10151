"""A publication in English and French."""

from pathlib import Path

import pytest

from tests.publisher.conftest import Make
from tests.publisher.imports.exports import Bring


@pytest.fixture
def bring(new_publication: Make, tmp_path: Path) -> Bring:
    made = new_publication(languages=["en", "fr"], title="The Lantern")
    return Bring(made, tmp_path / "export")
