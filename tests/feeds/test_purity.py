import ast
from pathlib import Path

import pytest

import feeds

# The package is pure: no clock, no files, few imports.


MODULES = sorted(Path(feeds.__file__).parent.glob("*.py"))
IMPORTABLE = frozenset(
    "__future__ collections collections.abc dataclasses datetime email.utils feedgen.feed feeds functools "  # noqa: SIM905  # one a line would fill the page
    "html idna importlib json lxml lxml.etree lxml.html re typing unicodedata urllib.parse".split()
)
CLOCKS = {"now", "utcnow", "today", "time", "localtime", "fromtimestamp"}


def imported(module: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_modules_import_only_what_is_allowed(module: Path) -> None:
    foreign = {name for name in imported(module) if name.partition(".")[0] != "feeds"}
    assert foreign <= IMPORTABLE


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_modules_read_no_clock_and_open_no_file(module: Path) -> None:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not attributes & CLOCKS
    assert "open" not in names


def test_feedgen_has_one_importer_and_exports_are_sorted() -> None:
    importers = [module.stem for module in MODULES if "feedgen.feed" in imported(module)]
    assert importers == ["xml_builder"]
    assert sorted(feeds.__all__, key=lambda name: (not name.isupper(), name)) == feeds.__all__
    assert all(hasattr(feeds, name) for name in feeds.__all__)
