"""`publisher preview --screenshots`, with a real Chromium."""

import shutil
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from publisher.errors import UsageError
from publisher.screenshots.capture import find_chromium
from tests.publisher.cli.conftest import Run
from tests.publisher.printing import changes

FRIDAY = "2026-01-09T06:00:00Z"
PINK = (255, 0, 128)
VIEWS = ("light-600", "light-320", "dark-600", "dark-320")
pytestmark = pytest.mark.usefixtures("chromium_there")


@pytest.fixture(scope="session")
def chromium_there() -> None:
    """Skip what needs Chromium where there is none."""
    try:
        find_chromium()
    except UsageError as error:
        pytest.skip(str(error))


@pytest.fixture
def one_story(lantern: Path) -> Path:
    """Leave a single story in the publication, in two of four languages, with a picture."""
    shutil.rmtree(lantern / "articles")
    picture = BytesIO()
    Image.new("RGB", (600, 200), PINK).save(picture, "PNG")
    for language, title in (("en", "A pink wall"), ("ar", "جدار وردي")):
        file = lantern / "articles" / language / "wall.md"
        file.parent.mkdir(parents=True)
        front = f"title: {title}\ndate: 2026-01-09\nimage: {{src: wall.png, alt: {title}}}"
        file.write_text(f"---\n{front}\n---\n{title}.\n", "utf-8")
        file.with_name("wall.png").write_bytes(picture.getvalue())
    return lantern


def pixels(file: Path) -> Image.Image:
    with Image.open(file) as picture:
        return picture.convert("RGB")


def count_of(colour: tuple[int, int, int], picture: Image.Image) -> int:
    colours = picture.getcolors(picture.width * picture.height) or []
    return sum(number for number, one in colours if one == colour)


def test_every_edition_that_has_something_to_say_is_photographed(
    run: Run, one_story: Path, tmp_path: Path
) -> None:
    shots = tmp_path / "a" / "shots"
    with changes(one_story) as changed:
        code, out, err = run(
            "preview", "weekly", one_story, "--screenshots", shots, "--now", FRIDAY
        )

    assert code == 0
    assert changed == set()
    assert f"8 screenshots and a sheet of all of them: {shots}" in out
    assert "weekly in zh-Hans has no new articles" in err
    names = [f"{language}-{view}.png" for language in ("en", "ar") for view in VIEWS]
    assert {file.name for file in shots.iterdir()} == {*names, "sheet.png"}
    for name in names:
        picture = pixels(shots / name)
        width = int(name.removesuffix(".png").rpartition("-")[2])
        assert picture.width == width
        # The picture, which lies in no folder that is there for long, was shown whole.
        assert count_of(PINK, picture) >= width * (width // 3)
    corners = {name: pixels(shots / name).getpixel((2, 2)) for name in names}
    for language in ("en", "ar"):
        light, dark = (corners[f"{language}-{scheme}-600.png"] for scheme in ("light", "dark"))
        assert isinstance(light, tuple)
        assert isinstance(dark, tuple)
        assert sum(light) > sum(dark) + 300
    sheet = pixels(shots / "sheet.png")
    assert sheet.width > 2 * (600 + 320)
    assert count_of(PINK, sheet) > 0


def test_one_language_can_be_asked_for(run: Run, one_story: Path, tmp_path: Path) -> None:
    shots = tmp_path / "shots"
    words = ["preview", "weekly", one_story, "--lang", "ar", "--screenshots", shots]

    code, out, err = run(*words, "--now", FRIDAY)

    assert (code, err) == (0, "")
    assert "ar: " in out
    assert {file.name for file in shots.iterdir()} == {
        "sheet.png",
        *(f"ar-{view}.png" for view in VIEWS),
    }


def test_a_folder_that_can_not_be_written_is_an_error(run: Run, one_story: Path) -> None:
    words = ["preview", "weekly", one_story, "--now", FRIDAY, "--screenshots"]
    code, _out, err = run(*words, "/dev/null/x", "--lang", "en")
    assert code == 2
    assert err.startswith("publisher: /dev/null/x: can't be written: ")
