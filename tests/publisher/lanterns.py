"""The demo's publication in folders of tests: all of it, some of its languages, or published."""

import csv
import json
import re
import shutil
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path

import pytest

from publisher.cli import main
from publisher.site.picture_widths import SMALL_PICTURE
from tests.databases import copy_publication, finding_database
from tests.processes import ENVIRONMENT, Outcome
from tests.sharing import made_once

DATA = Path(__file__).resolve().parents[2] / "publisher" / "demo" / "data"
FRIDAY = "2026-01-09T06:00:00Z"


def lay_out(folder: Path, *languages: str) -> Path:
    """Lay it out before anything has been done with it, in all its languages or in some.

    Issues and feeds are made per language: where languages are no matter, one is enough. Large pictures
    are replaced by a small one, since narrower copies of them would be made by another process.
    """
    shutil.copytree(DATA / "articles", folder / "articles")
    pictures = sorted(
        (folder / "articles").rglob("*.png"), key=lambda file: file.stat().st_size
    )
    for large in (file for file in pictures if file.stat().st_size >= SMALL_PICTURE):
        shutil.copyfile(pictures[0], large)
    shutil.copyfile(DATA / "publication.toml", folder / "publication.toml")
    shutil.copyfile(DATA / "subscribers.csv", folder / "subscribers.csv")
    if languages:
        _leave(folder, languages)
    return folder


def _leave(folder: Path, languages: tuple[str, ...]) -> None:
    """Take the other languages away, and what settings and lists say of them."""
    for path in (folder / "articles").iterdir():
        if path.name not in {*languages, "images", "sounds"}:
            shutil.rmtree(path)
    settings = folder / "publication.toml"
    text = settings.read_text("utf-8")
    text = re.sub(r"(?m)^languages = .*$", f"languages = {json.dumps(languages)}", text)
    parts = re.split(r"(?m)^(?=\[)", text)
    kept = [part for part in parts if _edition(part) in {None, *languages}]
    settings.write_text("".join(kept), "utf-8")
    readers = folder / "subscribers.csv"
    head, *rows = csv.reader(readers.read_text("utf-8").splitlines())
    rows = [row for row in rows if row[head.index("language")] in languages]
    with readers.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *rows])


def _edition(part: str) -> str | None:
    """Say whose edition a table of the settings is about, if it is about one."""
    found = re.match(r"\[newsletter\.edition\.([^\]]+)\]", part)
    return found[1] if found else None


@dataclass(frozen=True)
class Published:
    """All of it, its readers taken in, after the Friday's run; and what that run said."""

    folder: Path
    run: Outcome

    def copy(self, folder: Path) -> Path:
        """Copy it, so that something can be done with it."""
        return copy_publication(self.folder, folder)


def published(factory: pytest.TempPathFactory) -> Published:
    """Publish it once for all tests: that takes ten seconds."""
    made = made_once(factory, "lantern", _publish)
    said = json.loads((made / "said.json").read_text("utf-8"))
    return Published(made / "lantern", Outcome(**said))


def _publish(folder: Path) -> None:
    lantern = lay_out(folder / "lantern")
    assert _run("subscribers", "import", lantern / "subscribers.csv", lantern).code == 0
    outcome = _run("run", "--once", "--now", FRIDAY, lantern)
    assert outcome.code == 0, outcome.err
    (folder / "said.json").write_text(json.dumps(asdict(outcome)), "utf-8")


def _run(*arguments: object) -> Outcome:
    """Run a command in this process."""
    out, err = StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setenv("PUBLISHER_SECRET", ENVIRONMENT["PUBLISHER_SECRET"])
        patch.setenv("NO_COLOR", "1")
        with finding_database(*arguments):
            code = main([str(argument) for argument in arguments])
    return Outcome(code, out.getvalue(), err.getvalue())
