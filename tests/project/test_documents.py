"""What the documents say is so."""

import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from typer.main import get_group

import publisher
from publisher.cli.main import app
from publisher.config.publication import PublicationFile
from tests.project.modules import ROOT, living_modules
from tools.settings_page import PAGE, settings_page, tables

README = (ROOT / "README.md").read_text("utf-8")
CODE = ("publisher", "feeds", "subscribers", "tests", "tools")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


@pytest.mark.parametrize(
    ("name", "limit"), [("README.md", 12), ("ARCHITECTURE.md", 16), ("CHANGELOG.md", 6)]
)
def test_what_is_read_first_is_short(name: str, limit: int) -> None:
    assert (ROOT / name).stat().st_size <= limit * 1024


def test_every_command_is_in_the_reference() -> None:
    page = (ROOT / "docs/reference/commands.md").read_text("utf-8")
    for name in get_group(app).commands:
        assert f"publisher {name}" in page or f"`{name}`" in page


def test_the_page_of_settings_is_that_of_the_models_and_every_key_has_a_meaning() -> None:
    text = PAGE.read_text("utf-8")
    assert settings_page(text) == text, "run `make settings`, and write what new keys mean"
    assert "|  |" not in text
    headings = set(re.findall(r"(?m)^## `(.+)`$", text))
    assert headings == {header for header, _model in tables(PublicationFile, "")}


def test_the_starter_and_the_readme_name_the_same_verbs() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for verb in re.findall(r"    make (\w+)", README + (ROOT / "CONTRIBUTING.md").read_text()):
        assert re.search(rf"(?m)^{verb}:", makefile), verb


def test_the_changelog_has_an_entry_for_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text()
    assert publisher.__version__ in {version, "0+checkout"}


def test_nobody_is_told_to_install_a_name_that_is_not_registered() -> None:
    name = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["name"]
    files = [*DOCUMENTS, *(ROOT / "publisher").rglob("*.py")]
    # Before there is a release, it may become that of somebody else's package.
    told = [
        file for file in files if re.search(f"install [^\n]*{name}", file.read_text("utf-8"))
    ]
    assert told == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text("utf-8"))
    assert [one for one in targets if not (path.parent / one).exists()] == []


MODULES = [path for folder in CODE for path in (ROOT / folder).rglob("*.py")]
IMPORTABLE = {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in MODULES}


def names_something(dotted: str) -> bool:
    package, _, name = dotted.rpartition(".")
    homes = [one for one in (package, f"{package}.__init__") if one in IMPORTABLE]
    texts = [(ROOT / f"{home.replace('.', '/')}.py").read_text("utf-8") for home in homes]
    is_module = {dotted, f"{dotted}.__init__"} & IMPORTABLE
    return bool(is_module) or any(re.search(rf"\b{name}\b", text) for text in texts)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_that_documents_name_exist(path: Path) -> None:
    text = re.sub(r"(?ms)^```.*?^```", "", path.read_text("utf-8"))
    files = re.findall(r"\b\w+/[\w/]+\.py\b", text)
    dotted = re.findall(rf"`((?:{'|'.join(CODE)})(?:\.\w+)+)", text)
    lacking = {one for one in files if not any(str(m).endswith(f"/{one}") for m in MODULES)}
    lacking |= {
        one for one in dotted if not any(map(names_something, (one, f"publisher.app.{one}")))
    }
    assert {one for one in lacking if not one.endswith((".env", ".csv"))} == set()


def test_modules_keep_their_size_and_say_what_they_are() -> None:
    for module in living_modules():
        assert module.text.count("\n") <= 600, module.path
        assert module.text.startswith('"""'), module.path


def test_folders_are_rooms_that_one_can_survey() -> None:
    folders = Counter(
        path.parent
        for root in ("publisher", "feeds", "subscribers", "tests", "tools")
        for path in (ROOT / root).rglob("*.py")
    )
    assert {folder for folder, files in folders.items() if files > 28} == set()
    loose = {path.stem for path in (ROOT / "publisher").glob("*.py")} - {"__init__", "__main__"}
    assert len(loose) <= 12


def test_architecture_lists_every_package() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    for path in (ROOT / "publisher").iterdir():
        if path.is_dir() and path.name != "__pycache__":
            assert f"{path.name}/" in text, path.name
