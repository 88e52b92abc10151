"""Where the shipped templates are: in a wheel, an editable install or a bare checkout.

Knows nothing of what they hold.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path


@cache
def templates_folder() -> Path:
    """Give the folder of the shipped templates.

    A wheel carries it inside the package; elsewhere it stands beside the package, at the top
    of the repository.
    """
    package = Path(str(files("publisher")))
    inside = package / "templates"
    return inside if inside.is_dir() else package.parent / "templates"
