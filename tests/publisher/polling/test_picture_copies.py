"""Copies of pictures of others: formats that mails show, upright, and nothing else of the file."""

from base64 import b64decode
from io import BytesIO

import pytest
from PIL import Image

from publisher.polling.foreign_pictures import copied_picture
from publisher.polling.model import AnswerError
from tests.publisher.ingest.helpers import drawn
from tests.publisher.test_pictures import declaring, turned


def copied(content: bytes) -> tuple[str, bytes, tuple[int, int]]:
    """Return the ending, the bytes and the size of a copy."""
    ending, copy = copied_picture(content)
    with Image.open(BytesIO(b64decode(copy))) as image:
        assert image.format == {"jpg": "JPEG", "png": "PNG", "gif": "GIF"}[ending]
        return ending, b64decode(copy), image.size


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF"])
def test_a_copy_of_a_photograph_is_an_upright_jpeg_of_1200_pixels_without_the_camera(
    kind: str,
) -> None:
    ending, copy, size = copied(drawn(kind, 1600, 800, exif=turned(6)))
    assert (ending, size) == ("jpg", (600, 1200))
    assert b"A camera" not in copy


def test_48_megapixels_are_copied_and_more_than_50_are_not_decoded() -> None:
    assert copied(drawn("JPEG", 8000, 6000))[::2] == ("jpg", (1200, 900))
    with pytest.raises(AnswerError, match="more than 50 million pixels"):
        copied_picture(declaring(10_000, 5_001))
    with pytest.raises(AnswerError, match="too many pixels"):
        copied_picture(declaring(40_000, 40_000))


def test_what_is_transparent_or_moves_stays_so_and_small_pictures_are_not_enlarged() -> None:
    file = BytesIO()
    Image.new("RGBA", (30, 20), (255, 0, 0, 0)).save(file, "WEBP")
    ending, copy, size = copied(file.getvalue())
    assert (ending, size) == ("png", (30, 20))
    assert Image.open(BytesIO(copy)).convert("RGBA").getpixel((0, 0))[3] == 0  # type: ignore[index]  # a tuple
    frames = [Image.new("L", (9, 9), grey) for grey in (0, 255)]
    file = BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    assert copied(file.getvalue()) == ("gif", file.getvalue(), (9, 9))


def test_nothing_but_the_picture_of_a_file_is_copied() -> None:
    assert b"<?php" not in copied(drawn("JPEG", 90, 90) + b"<?php echo 1 ?>")[1]


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html><script>x</script>"),
        *(drawn(kind, 90, 90) for kind in ("TIFF", "BMP", "JPEG2000", "PDF", "EPS")),
        drawn("JPEG", 90, 90)[:300],
    ],
)
def test_other_formats_and_what_is_cut_off_are_refused(content: bytes) -> None:
    with pytest.raises(AnswerError, match="no picture that can be shown"):
        copied_picture(content)
