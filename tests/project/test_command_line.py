"""The command line parses, calls use cases and prints; it decides nothing."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "publisher/app"
MODULES = sorted((ROOT / "publisher/cli").rglob("*.py"))
# Packages of `publisher` that commands may import; the contract forbids the others.
ALLOWED = {"app", "cli", "clock", "config", "demo", "errors", "files", "languages"}
ALLOWED |= {"serving", "starter", "testing", "web"}


def contract() -> set[str]:
    """Give the packages of `publisher` that the contract forbids to the command line."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    (found,) = (
        one
        for one in document["tool"]["importlinter"]["contracts"]
        if one.get("source_modules") == ["publisher.cli"]
    )
    prefix = "publisher."
    return {
        one.removeprefix(prefix) for one in found["forbidden_modules"] if one.startswith(prefix)
    }


def test_the_contract_names_every_package_that_commands_may_not_import() -> None:
    packages = {
        path.stem
        for path in (ROOT / "publisher").iterdir()
        if not path.name.startswith("__") and (path.suffix == ".py" or path.is_dir())
    }
    assert contract() == packages - ALLOWED


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_command_opens_no_transaction(path: Path) -> None:
    text = path.read_text("utf-8")
    attributes = {n.attr for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Attribute)}
    assert attributes & {"reading", "writing", "execute"} == set()


def test_the_page_of_use_cases_names_every_module_and_its_functions() -> None:
    page = (ROOT / "docs/reference/use-cases.md").read_text("utf-8")
    rows = dict(re.findall(r"(?m)^\| `([\w.]+)` \| ([^|]+) \|", page))
    for module, functions in rows.items():
        tree = ast.parse((APP / f"{module.replace('.', '/')}.py").read_text("utf-8"))
        names = {getattr(node, "name", "") for node in tree.body}
        assert set(re.findall(r"`(\w+)`", functions)) <= names, module
    paths = (path.relative_to(APP) for path in APP.rglob("*.py"))
    modules = {
        ".".join(path.with_suffix("").parts) for path in paths if path.stem != "__init__"
    }
    assert modules == rows.keys()
