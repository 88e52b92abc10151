"""What the documents say is so."""

import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

import publisher
from publisher.cli.main import app
from publisher.config.newsletters import EditionSettings, Newsletter
from publisher.config.publication import PublicationFile

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def test_every_command_is_in_the_readme() -> None:
    for command in app.registered_commands:
        assert f"publisher {command.name}" in README or f"`{command.name}`" in README


def test_every_setting_is_in_the_readme() -> None:
    keys = {*EditionSettings.model_fields, *Newsletter.model_fields} - {"edition"}
    for table in PublicationFile.model_fields.values():
        for model in re.findall(r"publisher\.config\.\w+\.(\w+)", str(table.annotation)):
            module = __import__("publisher.config.publication", fromlist=[model])
            fields = getattr(module, model).model_fields
            settable = {name: field for name, field in fields.items() if not field.exclude}
            keys |= {field.alias or name for name, field in settable.items()} - {"edition"}

    assert {key for key in keys if f"`{key}`" not in README} == set()


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


def test_modules_keep_their_size_and_say_what_they_are() -> None:
    for package in ("publisher", "feeds", "subscribers"):
        for path in (ROOT / package).rglob("*.py"):
            if "versions" in path.parts:
                continue
            text = path.read_text("utf-8")
            assert text.count("\n") <= 600, path
            assert text.startswith('"""'), path


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
