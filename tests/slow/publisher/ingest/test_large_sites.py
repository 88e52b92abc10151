"""Sites without measure are bounded, named, and leave the rest alone."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from publisher.i18n.article_problems import ProblemKind
from publisher.ingest.sites.base import LeftOut, LeftOutReason, SiteOptions
from publisher.ingest.sites.configuration import ConfigurationFiles
from publisher.ingest.sites.detect import open_site
from publisher.ingest.sources.folder import scan_folder
from tests.cpu_time import at_most
from tests.memory import memory_grows_at_most
from tests.publisher.conftest import PublicationFolder
from tests.publisher.ingest.helpers import png, stored_problems
from tests.sizes import only_at_night

NewPublication = Callable[..., PublicationFolder]
FILES = 200_000
POST = "---\ntitle: {0}\ndate: 2026-01-05\n---\nWords of {0}.\n"
SIDE = 10_000


@contextmanager
def filled(folder: Path, name: str) -> Iterator[None]:
    """Have 200,000 empty files, a thousand in a folder; `name` has the place of a number.

    They are removed at once: pytest keeps the folders of its last runs.
    """
    try:
        _fill(folder, name)
        yield
    finally:
        shutil.rmtree(folder)


def _fill(folder: Path, name: str) -> None:
    for number in range(FILES // 1_000):
        inner = folder / str(number)
        inner.mkdir(parents=True)
        for inside in range(1_000):
            os.close(os.open(inner / name.format(inside), os.O_CREAT))


@only_at_night
def test_articles_beside_200_000_pictures_are_published(
    new_publication: NewPublication,
) -> None:
    publication = new_publication(sources=[{"kind": "folder", "path": "site"}])
    site = publication.settings.folders.root / "site"
    (site / "content/post").mkdir(parents=True)
    (site / "hugo.toml").write_text("")
    post = site / "content/post/a.md"
    post.write_text(POST.format("Pier") + "\n![Pier](/7/999.png)\n")
    with filled(site / "static", "{}.png"):
        (site / "static/7/999.png").write_bytes(png(40, 30))
        with at_most(60), memory_grows_at_most(150):
            done = publication.pick_up()
        assert (done.new, done.problems) == (1, [])
        assert 'width="40" height="30"' in publication.one("post/a").html
        scan = scan_folder(site, 0, open_site(ConfigurationFiles(site), SiteOptions()))
        assert [item.key for item in scan.items] == ["content/post/a.md"]
        assert scan.left_out[LeftOut(LeftOutReason.UNWATCHED)] == FILES
        post.write_text(POST.format("Ebb") + "\n![Pier](/7/999.png)\n")
        with at_most(30):
            done = publication.pick_up()
        assert (done.changed, done.removed) == (1, 0)


@pytest.mark.parametrize(
    ("name", "mode", "options", "most"),
    [
        *(("huge.png", "1", {}, 80), ("huge.gif", "P", {}, 80)),
        ("huge.webp", "RGB", {"lossless": True, "quality": 0, "method": 0}, 80),
        *(("huge.jpg", "L", {}, 80), ("huge.tiff", "1", {"compression": "group4"}, 40)),
        ("huge.bmp", "1", {}, 40),
    ],
)
def test_a_picture_of_100_megapixels_is_left_out_by_name_and_not_decoded(
    publication: PublicationFolder, name: str, mode: str, options: dict[str, Any], most: int
) -> None:
    Image.new(mode, (SIDE, SIDE)).save(publication.articles / name, **options)
    publication.write("one.md", f"Words.\n\n![The sea]({name})", title="One")
    # Decoded, it has 100 MB at least; the file itself is read.
    size = (publication.articles / name).stat().st_size
    with at_most(20), memory_grows_at_most(40 + 2 * size // 1_000_000):
        publication.pick_up()
    assert publication.one("one").html == "<p>Words.</p>\n<p>The sea</p>"
    problems = [one.problem for one in stored_problems(publication)]
    reasons = [one.what for one in problems if one.kind is ProblemKind.UNSUPPORTED_PICTURE]
    assert reasons == [f"{name}: has more than {most} million pixels; scale it down"]
