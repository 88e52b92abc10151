"""Pictures of the web root that the console shows."""

from __future__ import annotations

import pytest

from publisher.app.public_pictures import picture_type, read_public_picture
from tests.publisher.conftest import PublicationFolder


def test_a_picture_is_read_with_its_type(publication: PublicationFolder) -> None:
    folder = publication.settings.folders.public / "media"
    folder.mkdir(parents=True)
    (folder / "a b.PNG").write_bytes(b"png")
    found = read_public_picture(publication.settings, "media/a b.PNG")
    assert found is not None
    assert (found.content, found.media_type) == (b"png", "image/png")
    assert picture_type("media/a%20b.svg") == "image/svg+xml"


@pytest.mark.parametrize(
    "path",
    [
        "en/index.html",
        "media/none.png",
        "../publication.png",
        "media/../../secret.png",
        "/etc/x.png",
        "a\0.png",
        "media",
        "",
    ],
)
def test_nothing_else_is_read(publication: PublicationFolder, path: str) -> None:
    root = publication.settings.folders.root
    for name in ("public/en/index.html", "publication.png", "secret.png"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    assert read_public_picture(publication.settings, path) is None


def test_a_link_out_of_the_web_root_is_not_followed(publication: PublicationFolder) -> None:
    root = publication.settings.folders.root
    (root / "public").mkdir(exist_ok=True)
    (root / "secret.png").write_bytes(b"x")
    (root / "public/link.png").symlink_to(root / "secret.png")
    assert read_public_picture(publication.settings, "link.png") is None
