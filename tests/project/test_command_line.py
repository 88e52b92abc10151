"""Commands parse, call use cases and print; pages call use cases and render. They decide nothing."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "publisher/app"
MODULES = sorted((ROOT / "publisher/cli").rglob("*.py"))
# Packages of `publisher` of which commands and pages import what they want.
ALLOWED = {"app", "clock", "config", "demo", "errors", "files", "languages", "serving"}
ALLOWED |= {"starter", "testing", "web"}
ALLOWED_TO_PAGES = {"i18n", "rendering", "request_limits", "secrets", "uploaded_lists", "urls"}
# Of other packages, classes and constants; and these functions, which are pure.
PURE = {
    *("publisher.delivery.states.reported_state", "publisher.delivery.states.summarise_counts"),
    *("publisher.gate.findings.finding_data", "publisher.gate.mail.clip_text"),
}


def functions_below(path: Path, allowed: set[str]) -> set[str]:
    """Give the functions and modules that a file imports from packages that are not allowed."""
    names = {
        f"{node.module}.{alias.name}"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("publisher")
        for alias in node.names
        if not alias.name[0].isupper()
    }
    return {name for name in names - PURE if name.split(".")[1] not in allowed}


def test_of_packages_below_the_use_cases_commands_and_pages_import_values_alone() -> None:
    pages = (ROOT / "publisher/web").rglob("*.py")
    commands = [functions_below(path, ALLOWED | {"cli"}) for path in MODULES]
    assert set().union(*commands) == set()
    assert (
        set().union(*(functions_below(one, ALLOWED | ALLOWED_TO_PAGES) for one in pages))
        == set()
    )


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
