"""Commands parse, call use cases and print; pages call use cases and render. They decide nothing."""

import ast
import re
from pathlib import Path

from tests.project.modules import ROOT, Module, product_modules

APP = Path("publisher/app")
MODULES = {one.path: one for one in product_modules()}
COMMANDS = [one for path, one in MODULES.items() if path.is_relative_to("publisher/cli")]
PAGES = [one for path, one in MODULES.items() if path.is_relative_to("publisher/web")]
# Packages of `publisher` of which commands and pages import what they want.
ALLOWED = {"app", "clock", "config", "demo", "errors", "files", "languages", "log", "serving"}
ALLOWED |= {"starter", "testing", "web"}
ALLOWED_TO_PAGES = {"i18n", "rendering", "request_limits", "secrets", "urls"}
# Of other packages, classes and constants; and these functions, which are pure.
PURE = {
    *("publisher.delivery.states.reported_state", "publisher.delivery.states.summarise_counts"),
    *("publisher.gate.findings.finding_data", "publisher.gate.mail.clip_text"),
}


def functions_below(module: Module, allowed: set[str]) -> set[str]:
    """Give the functions and modules that a file imports from packages that are not allowed."""
    names = {
        f"{node.module}.{alias.name}"
        for node in module.nodes
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("publisher")
        for alias in node.names
        if not alias.name[0].isupper()
    }
    return {name for name in names - PURE if name.split(".")[1] not in allowed}


def test_of_packages_below_the_use_cases_commands_and_pages_import_values_alone() -> None:
    found = [functions_below(one, ALLOWED | {"cli"}) for one in COMMANDS]
    found += [functions_below(one, ALLOWED | ALLOWED_TO_PAGES) for one in PAGES]
    assert set().union(*found) == set()


def test_a_command_opens_no_transaction() -> None:
    found = {
        f"{one.path}: {node.attr}"
        for one in COMMANDS
        for node in one.nodes
        if isinstance(node, ast.Attribute) and node.attr in {"reading", "writing", "execute"}
    }
    assert found == set()


def test_the_page_of_use_cases_names_every_module_and_its_functions() -> None:
    page = (ROOT / "docs/reference/use-cases.md").read_text("utf-8")
    rows = dict(re.findall(r"(?m)^\| `([\w.]+)` \| ([^|]+) \|", page))
    for module, functions in rows.items():
        tree = MODULES[APP / f"{module.replace('.', '/')}.py"].tree
        names = {getattr(node, "name", "") for node in tree.body}
        assert set(re.findall(r"`(\w+)`", functions)) <= names, module
    paths = (path.relative_to(APP) for path in MODULES if path.is_relative_to(APP))
    modules = {
        ".".join(path.with_suffix("").parts) for path in paths if path.stem != "__init__"
    }
    assert modules == rows.keys()
