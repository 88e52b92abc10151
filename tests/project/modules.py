"""The modules of the product, read and parsed once for all tests that look at code."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("publisher", "feeds", "subscribers")


class Module(NamedTuple):
    path: Path  # from the checkout's folder
    text: str
    tree: ast.Module
    nodes: list[ast.AST]


def module(code: str, path: Path = Path("code.py")) -> Module:
    tree = ast.parse(code)
    return Module(path, code, tree, [*ast.walk(tree)])


def _modules() -> Iterator[Module]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield module(path.read_text("utf-8"), path.relative_to(ROOT))


@cache
def product_modules() -> list[Module]:
    return [*_modules()]


@cache
def living_modules() -> list[Module]:
    """Leave out migrations: what they did is not changed any more, and they know earlier versions."""
    return [one for one in product_modules() if "versions" not in one.path.parts]
