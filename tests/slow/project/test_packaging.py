"""What is built and installed is the program, whole."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.processes import tree
from tests.project.modules import PACKAGES, ROOT, product_modules
from tests.slow.browser.publications import demo_week


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout."""
    out = tmp_path_factory.mktemp("wheel")
    words = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)]
    subprocess.run([*words, str(ROOT)], check=True, capture_output=True, timeout=120)
    return next(out.glob("*.whl"))


def test_the_wheel_publishes_the_demo_by_itself_and_it_is_the_same_everywhere(
    wheel: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Templates, words and demo data are inside; nothing is taken from the checkout.

    In another folder, time zone and hash seed, and where a demo was before, it makes equal bytes.
    """
    demo = demo_week(tmp_path_factory)
    again = Path(shutil.copytree(demo, tmp_path / "demo"))
    (again / "public" / "index.html").write_text("of another age")
    installed = tmp_path / "installed"
    zipfile.ZipFile(wheel).extractall(installed)
    script = (
        "import publisher, feeds, subscribers, sys\n"
        "assert all(sys.argv[1] in m.__file__ for m in (publisher, feeds, subscribers))\n"
        "from publisher.languages.catalogues import shipped_templates_folder\n"
        "assert str(shipped_templates_folder()).startswith(sys.argv[1])\n"
        "from publisher.cli import main\n"
        "sys.exit(main(['demo', sys.argv[2]]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(installed), str(again)],
        cwd=tmp_path,
        env=os.environ
        | {"PYTHONPATH": str(installed), "TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "All files are below demo" in done.stdout
    for name in ("public", "outbox"):
        assert tree(again / name) == tree(demo / name)


def test_the_wheel_holds_all_that_is_ours(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    packages = ("publisher", "feeds", "subscribers")
    ours = {
        str(path.relative_to(ROOT))
        for package in packages
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    ours |= {
        f"publisher/{path.relative_to(ROOT)}"
        for path in (ROOT / "templates").rglob("*")
        if path.is_file()
    }
    assert ours - names == set()
    assert not any(name.startswith("tests/") for name in names)


@pytest.mark.parametrize(
    "name", ["requirements.txt", "requirements-dev.txt", "requirements-extras.txt"]
)
def test_lock_files_carry_hashes_and_no_address(name: str) -> None:
    text = (ROOT / name).read_text()
    pins = re.findall(r"(?m)^[a-z0-9._-]+(?:\[[a-z, ]+\])?==\S+", text)
    assert len(pins) > 30
    assert len(pins) == len(re.findall(r"(?m)^\S.*\\\n\s+--hash=sha256:", text))
    assert "://" not in text
    assert "index" not in text


def test_development_builds_on_the_runtime_s_pins() -> None:
    pins = [
        set(
            re.findall(r"(?m)^[a-z0-9._-]+(?:\[[a-z, ]+\])?==[^ ;]+", (ROOT / name).read_text())
        )
        for name in ("requirements.txt", "requirements-dev.txt")
    ]
    assert pins[0] <= pins[1]


def test_the_image_installs_pinned_packages_only() -> None:
    commands = re.findall(r"pip install .*", (ROOT / "deploy/Dockerfile").read_text())
    assert all("--require-hashes" in one or "--no-deps ." in one for one in commands)
    extras = (ROOT / "requirements-extras.txt").read_text()
    assert all(
        f"\n{name}==" in extras
        for name in ("authlib", "obstore", "procrastinate", "psycopg-binary")
    )


# Names of distributions whose modules have other ones; the pool is an extra of the driver.
NAMES = """
bs4=beautifulsoup4 argon2=argon2-cffi yaml=pyyaml dateutil=python-dateutil slugify=python-slugify
markdown_it=markdown-it-py mdit_py_plugins=mdit-py-plugins email_validator=email-validator
pydantic_core=pydantic psycopg_pool=psycopg PIL=pillow liquid=python-liquid resvg_py=resvg-py
flufl=flufl.bounce gcld3=cld3-py
"""


def imported() -> set[str]:
    """Name the distributions that the three packages import."""
    found: set[str] = set()
    for node in (node for module in product_modules() for node in module.nodes):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
    third = found - set(sys.stdlib_module_names) - set(PACKAGES)
    names = dict(pair.split("=") for pair in NAMES.split())
    return {names.get(name, name) for name in third}


def declared(lines: list[str]) -> set[str]:
    return {re.split(r"[<>=\[]", line)[0].lower() for line in lines}


def test_what_is_imported_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = declared(project["dependencies"])
    extra = project["optional-dependencies"]
    optional = {
        name
        for kind in ("postgres", "engine", "s3", "openid")
        for name in declared(extra[kind])
    }
    # Drivers of servers come with extras.
    assert imported() - needed == optional
