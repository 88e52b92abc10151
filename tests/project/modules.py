"""The modules of the product, read and parsed once for all tests that look at code."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("publisher", "feeds", "subscribers")


@dataclass(frozen=True)
class Module:
    text: str
    path: Path = Path("code.py")  # from the checkout's folder

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return [*ast.walk(self.tree)]


def _modules() -> Iterator[Module]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield Module(path.read_text("utf-8"), path.relative_to(ROOT))


@cache
def product_modules() -> list[Module]:
    return [*_modules()]


@cache
def living_modules() -> list[Module]:
    """Leave out migrations: what they did is not changed any more, and they know earlier versions."""
    return [one for one in product_modules() if "versions" not in one.path.parts]
